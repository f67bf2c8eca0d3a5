import dataclasses
import json
import math
from contextlib import nullcontext

import pytest
import torch

from explorer.architecture.variant import parse_variant
from explorer.data.datasets import load_dataset
from explorer.network.build import build_network
from explorer.records import AlarmRecord, EpochRecord, FinalRecord, StepRecord, UnitsRecord, WatchRecord, write_record
from explorer.training.alarms import Alarms
from explorer.training.config import TrainConfig
from explorer.training.instruments import Instruments
from explorer.training.schedule import compute_learning_rate
from watched import make_optimizer

CONFIG = TrainConfig(epochs=10, lr=0.3)


def make_step(step, loss, norm=1.0, rate=0.3, accuracy=0.5, per_epoch=100):
    return StepRecord(step, step / per_epoch, loss, accuracy, rate, 100.0, norm)


def look(records, config=CONFIG, classes=10):
    alarms = Alarms(config, classes)
    return [alarm for record in records for alarm in alarms.look(record)]


def watch(values, looks=3, names=None, rate=0.3):
    """Records of so many looks at which one quantity is the same: {quantity: {name: number}}."""
    yield make_step(1, 2.0, rate=rate)
    yield UnitsRecord({quantity: tuple(numbers) for quantity, numbers in values.items()})
    for index in range(looks):
        yield WatchRecord(
            10 * index + 1, 0.1, {quantity: tuple(numbers.values()) for quantity, numbers in values.items()}
        )


def falling(count=100, start=2.3, end=0.3, begin=0):
    return [make_step(begin + i + 1, start + (end - start) * i / count) for i in range(count)]


def only(alarms, name):
    assert [alarm.name for alarm in alarms] == [name]
    return alarms[0]


@pytest.mark.parametrize("loss", [math.nan, math.inf])
def test_a_loss_that_is_no_number(loss):
    alarm = only(look([*falling(20), make_step(21, loss)]), "loss_not_finite")
    assert alarm.step == 21 and "learning rate 0.3" in alarm.message and "a third" in alarm.message


def test_a_loss_that_rises_and_stays_up():
    rising = [make_step(100 + i, min(3.0, 0.3 + 0.2 * i)) for i in range(40)]
    alarm = only(look([*falling(), *rising]), "loss_rises")
    assert 110 < alarm.step < 140 and "Try a third" in alarm.message and "rose from 0.39" in alarm.message


def test_a_loss_that_jumps_for_a_moment_or_while_it_is_tiny_is_left_alone():
    jumps = [*falling(), *(make_step(101 + i, 3.0) for i in range(3)), *(make_step(104 + i, 0.3) for i in range(30))]
    tiny = [*falling(end=0.001), *(make_step(101 + i, 0.01 * (i % 2)) for i in range(40))]
    assert look(jumps) == look(tiny) == []


def test_a_loss_that_does_not_fall_is_told_once_after_a_tenth():
    flat = [make_step(step, 2.3 + 0.01 * (step % 3)) for step in range(1, 400)]
    alarm = only(look(flat), "loss_stays")
    assert alarm.step == 100 and "not fallen" in alarm.message
    assert look(flat, dataclasses.replace(CONFIG, weights="resnet20-cifar10")) == []
    warm = dataclasses.replace(CONFIG, schedule="cosine", warmup=2.0)
    assert only(look(flat, warm), "loss_stays").step == 200


def test_a_range_test_is_left_alone():
    broken = [*falling(), *(make_step(100 + i, 50.0, norm=1e6) for i in range(60)), make_step(200, math.nan)]
    assert look(broken) and look(broken, TrainConfig(schedule="range")) == []


def test_a_gradient_that_explodes():
    records = falling()
    records[70] = dataclasses.replace(records[70], gradient_norm=130.0)
    alarm = only(look(records), "gradient_explodes")
    assert alarm.step == 71 and "130 times" in alarm.message and "clip=1" in alarm.message
    records[70] = dataclasses.replace(records[70], gradient_norm=math.inf)  # float16: the step is passed over
    records[71] = dataclasses.replace(records[71], gradient_norm=99.0)
    assert look(records) == []


NORMS = {"layer1.0.branch.conv1": 1e-7, "layer1.0.branch.conv2": 3e-7, "layer2.0.branch.conv1": 1e-3,
         "layer3.0.branch.conv1": 1e-3, "layer3.0.branch.conv2": 1e-2, "head.fc": 1.0, "stem.conv1": 1.0}  # fmt: skip


def test_gradients_that_vanish_in_the_first_stage():
    alarm = only(look(watch({"gradient_norm": NORMS})), "gradients_vanish")
    assert (alarm.where, alarm.step) == ("layer1", 21)
    assert "in stage 1: 2e-07 a layer, against 0.0055 in stage 3" in alarm.message and "shortcuts" in alarm.message
    assert look(watch({"gradient_norm": NORMS}, looks=2)) == []
    assert look(watch({"gradient_norm": {**NORMS, "layer1.0.branch.conv2": 1e-4}})) == []
    assert look(watch({"gradient_norm": {"layer1.0.branch.conv1": 1e-9, "head.fc": 1.0}}, looks=9)) == []
    overflow = {name: norm if name.startswith("layer1") else math.inf for name, norm in NORMS.items()}
    assert look(watch({"gradient_norm": overflow}, looks=9)) == []


def test_dead_units_name_the_worst_layer_of_each_part():
    dead = {"stem.relu1": 0.4, "layer1.0.branch.relu1": 0.45, "layer1.1.branch.relu1": 0.75, "layer1.1.after": 0.5,
            "layer2.0.after": 0.41}  # fmt: skip
    alarms = look(watch({"dead": dead}))
    assert [(alarm.name, alarm.where) for alarm in alarms] == [
        ("dead_units", "layer1.1.branch.relu1"),
        ("dead_units", "layer2.0.after"),
    ]
    assert (
        "75% of the channels of layer1.1.branch.relu1" in alarms[0].message and "2 more in stage 1" in alarms[0].message
    )
    assert "more" not in alarms[1].message and "leaky_relu" in alarms[1].message


def test_updates_that_are_too_large():
    ratios = {"layer1.0.branch.conv1": 0.15, "layer1.0.branch.conv2": 0.01, "head.fc": 0.1}
    alarm = only(look(watch({"update_ratio": ratios})), "updates_large")
    assert alarm.where == "layer1.0.branch.conv1" and "by 15% of their size" in alarm.message


def test_updates_that_are_too_small_where_the_rate_is_not():
    ratios = {"layer1.0.branch.conv1": 3e-6, "layer1.0.branch.conv2": 2e-5, "head.fc": 0.0}
    alarm = only(look(watch({"update_ratio": ratios})), "updates_small")
    assert alarm.where == "layer1.0.branch.conv1" and "only 3e-06" in alarm.message
    assert look(watch({"update_ratio": ratios}, rate=0.02)) == []
    assert look(watch({"update_ratio": ratios}), dataclasses.replace(CONFIG, stage_lr=0.5)) == []


def test_norms_whose_scales_are_gone():
    scales = {f"layer1.{index}.branch.bn2": 0.01 for index in range(3)} | {"stem.bn1": 1.0, "layer1.0.branch.bn1": 0.9}
    assert "3 of 5 norms" in only(look(watch({"norm_scale": scales})), "scales_small").message
    assert look(watch({"norm_scale": {**scales, "layer1.0.branch.bn2": 0.06}})) == []


def epochs(held_out, trained):
    for index, (accuracy, share) in enumerate(zip(held_out, trained, strict=True), 1):
        yield from (make_step(100 * index - i, 1 / (index + 1), accuracy=share) for i in (1, 0))
        yield EpochRecord(100 * index, index, 1.0, accuracy)


def test_overfitting():
    held_out = [0.5, 0.6, 0.7, 0.69, 0.66, 0.65, 0.64, 0.63]
    trained = [0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.99]
    alarm = only(look(epochs(held_out, trained)), "overfitting")
    assert alarm.step == 700  # the third epoch in a row below 0.68
    assert "from 70.0% after epoch 3 to 64.0%" in alarm.message and "95.0%" in alarm.message
    assert look(epochs(held_out, [0.7] * 8)) == []  # training accuracy does not rise
    assert look(epochs([0.5, 0.6, 0.7, 0.6, 0.7, 0.6, 0.7, 0.6], trained)) == []  # up and down


def test_accuracy_at_chance_after_a_third():
    alarms = look(epochs([0.1, 0.12, 0.1, 0.11, 0.1], [0.1] * 5))
    assert only(alarms, "accuracy_at_chance").step == 400 and "among 10 classes" in alarms[0].message
    assert look(epochs([0.1, 0.12, 0.16, 0.2, 0.2], [0.1] * 5)) == []
    assert look(epochs([0.1] * 5, [0.1] * 5), classes=0) == []
    assert only(look(epochs([0.5] * 5, [0.5] * 5), classes=2), "accuracy_at_chance").step == 400
    assert look(epochs([0.6] * 5, [0.6] * 5), classes=2) == []


def test_an_alarm_comes_again_only_after_a_while_without_its_reason():
    bad, good = ({"dead": {"stem.relu1": share}} for share in (0.9, 0.1))

    def run(*spans):
        looks = [numbers for numbers, count in spans for _ in range(count)]
        records = [WatchRecord(step, 0.0, {"dead": tuple(n["dead"].values())}) for step, n in enumerate(looks, 1)]
        return [alarm.step for alarm in look([UnitsRecord({"dead": ("stem.relu1",)}), *records])]

    assert run((bad, 100)) == [3]
    assert run((bad, 5), (good, 9), (bad, 30)) == [3]
    assert run((bad, 5), (good, 10), (bad, 30)) == [3, 18]
    assert run((bad, 2), (good, 1), (bad, 2), (good, 1)) == []


def test_the_same_records_give_the_same_alarms_and_recalled_ones_none():
    records = [*watch({"gradient_norm": NORMS, "dead": {"stem.relu1": 0.9}}, looks=6)]
    assert look(records) == look(records) and len(look(records)) == 2
    for begun in range(len(records) + 1):
        resumed = Alarms(CONFIG)
        for index, record in enumerate(records[:begun]):  # some as they are, some as a file has them
            resumed.recall(record if index % 2 else json.loads(write_record(record)))
        rest = [alarm for record in records[begun:] for alarm in resumed.look(record)]
        assert rest == [alarm for alarm in look(records) if alarm.step > (records[begun - 1].step if begun > 2 else 0)]


def test_what_else_a_file_holds_is_passed_over():
    alarms = Alarms(CONFIG)
    for record in ({}, {"kind": "step"}, {"kind": "film", "step": 1}, {"kind": "new"}, FinalRecord(1, "failed", "")):
        alarms.recall(record)
    alarms.recall(json.loads(write_record(make_step(1, math.nan))))
    alarms.recall({"kind": "units", "units": {"dead": ["stem.relu1"]}})
    alarms.recall({"kind": "watch", "step": 1, "epoch": 0.0, "values": {"dead": [None], "unknown": [1.0, 2.0]}})
    assert alarms.look(AlarmRecord(1, "dead_units", "stem", "")) == []


def train(variant: str, count=900, epochs=4, **settings):
    """A run by hand on the digits, at 8 by 8 pixels, that yields what a real one does."""
    config = TrainConfig(epochs=epochs, **settings)
    digits = load_dataset("digits")
    images = (digits.images[:, :, 2::4, 2::4].float() / 255 - 0.3) / 0.4
    network = build_network(parse_variant(f"{variant},input=1x8x8"), config.seed).train()
    optimizer, instruments = make_optimizer(network), Instruments(network, config)
    size, held_out = config.batch_size, slice(count, count + 300)
    per_epoch = count // size
    steps, step = per_epoch * epochs, 0
    yield instruments.units
    for epoch in range(1, epochs + 1):
        for indices in torch.randperm(count, generator=torch.Generator().manual_seed(epoch)).split(size)[:per_epoch]:
            step += 1
            rate = optimizer.param_groups[0]["lr"] = compute_learning_rate(config, step - 1, steps, per_epoch)
            optimizer.zero_grad()
            watched = instruments.due(step, steps)
            with instruments.watching() if watched else nullcontext():
                logits = network(images[indices])
                loss = torch.nn.functional.cross_entropy(logits, digits.labels[indices])
                loss.backward()
            norm = float(torch.nn.utils.get_total_norm([p.grad for p in network.parameters()]))
            if watched:
                instruments.before_update()
            optimizer.step()
            right = (logits.argmax(1) == digits.labels[indices]).float().mean()
            yield StepRecord(step, step / per_epoch, loss.item(), right.item(), rate, 1.0, norm)
            if watched:
                yield instruments.after_update(step, step / per_epoch)
        with torch.no_grad():
            answers = network.eval()(images[held_out]).argmax(1)
        network.train()
        yield EpochRecord(step, epoch, 0.0, float((answers == digits.labels[held_out]).float().mean()))


@pytest.mark.parametrize("variant", ["resnet8", "resnet8,activation=pre,shortcut=B", "resnet8,shortcut=none"])
def test_a_healthy_run_is_quiet(variant):
    records = list(train(variant))
    assert records[-1].accuracy > 0.85
    assert sum(isinstance(record, WatchRecord) for record in records) == 6
    assert look(records) == []


def test_a_deep_plain_network_without_norms_is_told_that_gradients_vanish():
    alarms = look(train("resnet92,shortcut=none,norm=none,width=2", count=640, epochs=3, lr=0.01))
    assert ("gradients_vanish", "layer1") in {(alarm.name, alarm.where) for alarm in alarms}

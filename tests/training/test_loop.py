import dataclasses
import io
import math

import pytest
import torch

from explorer.architecture.variant import parse_variant
from explorer.data.batches import Batches
from explorer.data.datasets import Dataset, count_per_channel, load_dataset
from explorer.errors import RunError
from explorer.network import evaluation
from explorer.network.build import build_network
from explorer.network.evaluation import evaluate_network
from explorer.records import EpochRecord, Evaluation, StepRecord
from explorer.training import loop
from explorer.training.config import TrainConfig
from explorer.training.loop import Trainer
from explorer.training.schedule import compute_learning_rate
from explorer.training.splits import Splits, check_batch_size

CONFIG = TrainConfig(epochs=2, batch_size=16, lr=0.05, seed=3, watch="none")


@pytest.fixture(scope="module")
def digits() -> tuple[Dataset, Dataset]:
    whole = load_dataset("digits")
    small = dataclasses.replace(whole, images=whole.images[:, :, ::4, ::4], pad=1)  # (N, 1, 8, 8)
    return small.select(torch.arange(200)), small.select(torch.arange(200, 260))


def make_trainer(digits, config: TrainConfig = CONFIG) -> Trainer:
    return train_network(build_network(parse_variant("resnet8,width=4,input=1x8x8"), config.seed), digits, config)


def train_network(network, digits, config: TrainConfig = CONFIG) -> Trainer:
    splits = Splits(digits[0], digits[1], None, count_per_channel(digits[0].images))
    return Trainer(network, splits, config, torch.device("cpu"))


def comparable(records) -> list:
    """Records without their speed and memory, which are the machine's."""
    return [
        dataclasses.replace(r, images_per_second=0.0, memory=0) if isinstance(r, StepRecord) else r
        for r in records
        if isinstance(r, StepRecord | EpochRecord)
    ]


def copy(state):
    buffer = io.BytesIO()
    torch.save(state, buffer)
    buffer.seek(0)
    return torch.load(buffer, weights_only=True)


def test_training_lowers_the_loss(digits):
    records = list(make_trainer(digits, dataclasses.replace(CONFIG, epochs=12)).records())
    losses = [record.loss for record in records if isinstance(record, StepRecord)]
    epochs = [record for record in records if isinstance(record, EpochRecord)]
    assert sum(losses[-6:]) / 6 < 0.5 * sum(losses[:6]) / 6
    assert [record.epoch for record in epochs] == list(range(1, 13))
    assert epochs[-1].accuracy > 0.6 and all(0 <= record.accuracy <= 1 for record in epochs)


def test_steps_are_numbered_and_carry_what_was_seen(digits):
    trainer = make_trainer(digits)
    steps = [record for record in trainer.records() if isinstance(record, StepRecord)]
    assert [record.step for record in steps] == list(range(1, 25))  # 200 // 16 = 12 an epoch
    assert [record.epoch for record in steps] == [step / 12 for step in range(1, 25)]
    assert [record.learning_rate for record in steps] == [
        compute_learning_rate(CONFIG, step, 24, 12) for step in range(24)
    ]
    assert all(record.accuracy * 16 == int(record.accuracy * 16) for record in steps)
    assert all(record.images_per_second > 0 for record in steps)
    assert all(record.gradient_norm > 0 and record.memory > 10_000_000 for record in steps)


def test_the_first_step_is_torchs_own(digits):
    """One step in plain torch on the batch that was drawn: loss, gradient norms and SGD with nesterov momentum."""
    trainer = make_trainer(digits, dataclasses.replace(CONFIG, precision="float32"))
    twin = build_network(parse_variant("resnet8,width=4,input=1x8x8"), CONFIG.seed).to(
        memory_format=torch.channels_last
    )
    images, labels = trainer.feed.draw(0)
    record = next(iter(trainer.records()))
    loss = torch.nn.functional.cross_entropy(twin.train()(images), labels)
    loss.backward()
    norm = torch.cat([p.grad.flatten() for p in twin.parameters()]).norm().item()
    rate, decay = 0.05 / 6, CONFIG.weight_decay  # the first of a rise over a quarter of 24 steps
    expected = {name: p - rate * 1.9 * (p.grad + decay * p) for name, p in twin.named_parameters()}  # g + 0.9 g
    assert record.loss == pytest.approx(loss.item(), rel=1e-5)
    assert record.gradient_norm == pytest.approx(norm, rel=1e-4)
    for name, parameter in trainer.stepper.network.named_parameters():
        torch.testing.assert_close(parameter, expected[name], rtol=1e-4, atol=1e-6)


def test_an_epoch_shows_every_image_at_most_once_in_an_order_of_its_own(digits):
    trainer = make_trainer(digits)
    orders = []
    for epoch in range(2):
        seen = []
        for index in range(trainer.steps_per_epoch):
            trainer.feed.draw(epoch * trainer.steps_per_epoch + index)
            seen += trainer.feed._epoch[1][index].tolist()
        assert len(set(seen)) == len(seen) == 192
        orders.append(seen)
    assert orders[0] != orders[1]


@pytest.mark.parametrize("records_per_run", [1000, 10, 5])
@pytest.mark.parametrize("taken", [1, 3, 4, 7])
def test_a_resumed_run_equals_an_uninterrupted_one(digits, monkeypatch, records_per_run, taken):
    monkeypatch.setattr(loop, "RECORDS_PER_RUN", records_per_run)
    whole = make_trainer(digits)
    expected = comparable(whole.records())
    first = make_trainer(digits)
    stream = first.records()
    before = comparable(next(stream) for _ in range(taken))
    state = copy(first.state())
    second = make_trainer(digits)
    second.restore(state)
    assert second.step == before[-1].step
    after = comparable(second.records())
    assert before + after == expected
    for name, value in whole.stepper.network.state_dict().items():
        assert torch.equal(value, second.stepper.network.state_dict()[name]), name


def test_records_of_sparse_runs_cover_every_image_once(digits, monkeypatch):
    monkeypatch.setattr(loop, "RECORDS_PER_RUN", 5)
    clock = iter(range(10_000))
    monkeypatch.setattr(loop.time, "perf_counter", lambda: float(next(clock)))
    steps = [record for record in make_trainer(digits).records() if isinstance(record, StepRecord)]
    assert [record.step for record in steps] == [
        1,
        5,
        10,
        12,
        15,
        20,
        24,
    ]  # the first, every fifth, the end of every epoch
    assert [record.images_per_second for record in steps] == [16, 64, 80, 32, 48, 80, 64]  # one tick a record


def test_asked_to_stop_it_ends_with_a_record_and_can_go_on(digits, monkeypatch):
    monkeypatch.setattr(loop, "RECORDS_PER_RUN", 1)
    whole = make_trainer(digits)
    list(whole.records())
    trainer = make_trainer(digits)
    records = list(trainer.records(lambda: trainer.step == 5))
    assert [record.step for record in records] == [1, 6] and trainer.step == 6
    resumed = make_trainer(digits)
    resumed.restore(copy(trainer.state()))
    assert [record.step for record in resumed.records()] == [12, 12, 24, 24]
    assert all(
        torch.equal(a, b)
        for a, b in zip(whole.stepper.network.parameters(), resumed.stepper.network.parameters(), strict=True)
    )


def test_another_number_of_images_is_refused_on_resume(digits):
    state = make_trainer(digits).state()
    fewer = make_trainer((digits[0].select(torch.arange(150)), digits[1]))
    with pytest.raises(RunError, match="150 images to train on, and were 200"):
        fewer.restore(state)


@pytest.mark.parametrize("lr", [10.0])
def test_a_loss_that_is_no_number_ends_with_one_sentence(digits, lr):
    plain = build_network(parse_variant("resnet44,shortcut=none,width=4,input=1x8x8"), 0)
    with torch.no_grad():
        plain.head.fc.weight.mul_(1e30)
    trainer = train_network(plain, digits, dataclasses.replace(CONFIG, lr=lr))
    with pytest.raises(RunError, match=r"no longer a number at step .* learning rate 10 ") as caught:
        list(trainer.records())
    assert "\n" not in str(caught.value)


def test_a_batch_larger_than_the_data_is_refused(digits):
    with pytest.raises(RunError, match="batch_size=201 is more than the 200 images"):
        check_batch_size(TrainConfig(batch_size=201), len(digits[0].labels))
    assert make_trainer(digits, TrainConfig(batch_size=200)).steps_per_epoch == 1


@pytest.mark.parametrize("training", [True, False])
def test_evaluation_counts_every_image_and_restores_the_mode(digits, training, monkeypatch):
    monkeypatch.setattr(evaluation, "BATCH_PIXELS", 7 * 64)  # batches of 7, the last of 4
    network = build_network(parse_variant("resnet8,width=4,input=1x8x8"), 1).train(training)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    mean, std = count_per_channel(digits[1].images)
    result = evaluate_network(network, Batches(digits[1].images, digits[1].labels, mean, std))
    assert network.training is training
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    with torch.no_grad():
        logits = network.eval()((digits[1].images / 255 - mean[0]) / std[0])
    assert result.correct == (logits.argmax(1) == digits[1].labels).sum() and result.total == 60
    assert result.loss == pytest.approx(torch.nn.functional.cross_entropy(logits, digits[1].labels).item(), rel=1e-4)


def test_the_mode_is_restored_after_a_failure(digits):
    network = build_network(parse_variant("resnet8,width=4,input=3x8x8"), 1).train()
    with pytest.raises(RuntimeError):
        evaluate_network(network, Batches(digits[1].images, digits[1].labels, (0.5,), (0.5,)))
    assert network.training


def test_accuracy_of_nothing_is_zero():
    assert Evaluation(0, 0, 0.0).accuracy == 0.0 and math.isclose(Evaluation(1, 4, 0.0).accuracy, 0.25)

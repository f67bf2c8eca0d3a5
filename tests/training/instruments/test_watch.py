from itertools import pairwise

import pytest
import torch

from explorer.records import UnitsRecord, write_record
from explorer.training.config import TrainConfig
from explorer.training.instruments import Instruments
from explorer.training.instruments.watch import shorten
from explorer.training.settings import INSTRUMENTS
from watched import VARIANTS, build, draw_batch, make_optimizer, take_step, watch_step

ALL = TrainConfig()


def count_hooks(network):
    return sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in network.modules())


@pytest.mark.parametrize("variant", [*VARIANTS, "resnet8,width=4,dropout=0.2,drop_path=0.3"])
def test_watching_changes_nothing_bit_for_bit(variant):
    states = []
    for watched in (False, True):
        network = build(variant).train()
        optimizer, instruments = make_optimizer(network), Instruments(network, ALL) if watched else None
        torch.manual_seed(5)
        for step in range(1, 6):
            take_step(network, optimizer, draw_batch(step), instruments, step)
        states.append((network.state_dict(), optimizer.state_dict()["state"], torch.get_rng_state()))
    (plain, momenta, drawn), (seen, other, drawn_too) = states
    assert all(torch.equal(value, seen[name]) for name, value in plain.items())
    assert all(torch.equal(m["momentum_buffer"], other[i]["momentum_buffer"]) for i, m in momenta.items())
    assert torch.equal(drawn, drawn_too)


def test_hooks_live_within_watching_only():
    network = build("post")
    instruments = Instruments(network, ALL)
    assert count_hooks(network) == 0
    with instruments.watching():
        assert count_hooks(network) > 0
    assert count_hooks(network) == 0
    with pytest.raises(ValueError), instruments.watching():
        raise ValueError
    assert count_hooks(network) == 0


def test_a_step_that_failed_leaves_nothing_to_the_next():
    network, batch = build("post"), draw_batch()
    expected = watch_step(build("post"), batch, ALL.watch)
    instruments = Instruments(network.train(), ALL)
    state = {name: value.clone() for name, value in network.state_dict().items()}
    with pytest.raises(KeyboardInterrupt), instruments.watching():
        network(draw_batch(9)[0])
        raise KeyboardInterrupt
    network.load_state_dict(state)
    record = take_step(network, make_optimizer(network), batch, instruments)
    assert record.values == {quantity: tuple(numbers.values()) for quantity, numbers in expected.items()}


@pytest.mark.parametrize("name", [name for name in INSTRUMENTS if name not in ("answers", "film")])
def test_what_is_switched_off_is_absent(name):
    whole = watch_step(build("post"), draw_batch(), ALL.watch)
    alone = watch_step(build("post"), draw_batch(), name)
    rest = watch_step(build("post"), draw_batch(), "-".join(other for other in INSTRUMENTS if other != name))
    assert alone and {**rest, **alone} == whole and not set(alone) & set(rest)


def test_with_nothing_to_watch_no_step_is_due():
    for watch in ("none", "answers-film"):
        instruments = Instruments(build("post"), TrainConfig(watch=watch))
        assert instruments.units == UnitsRecord({}) and not any(instruments.due(s, 100) for s in range(1, 101))


@pytest.mark.parametrize("steps", [1, 9, 10, 11, 250, 2000, 2001, 64000])
def test_looks_are_at_most_200_and_ten_steps_apart(steps):
    instruments = Instruments(build("post"), ALL)
    looks = [step for step in range(1, steps + 1) if instruments.due(step, steps)]
    gaps = {b - a for a, b in pairwise(looks)}
    assert looks[0] == 1 and len(looks) <= 200 and len(gaps) <= 1 and min(gaps, default=10) >= 10
    assert steps < 2000 or len(looks) > 100


def test_the_settings_may_say_how_often():
    instruments = Instruments(build("post"), TrainConfig(watch_every=3))
    assert [step for step in range(1, 12) if instruments.due(step, 11)] == [1, 4, 7, 10]


def test_numbers_are_short_in_records():
    assert [shorten(number) for number in (1 / 3, 123456.7, 1.23456789e-12, 0.0)] == [0.33333, 123460.0, 1.2346e-12, 0]
    network = build("resnet20,width=4")
    instruments = Instruments(network.train(), ALL)
    line = write_record(take_step(network, make_optimizer(network), draw_batch(), instruments))
    count = sum(map(len, instruments.units.units.values()))
    assert len(line) < 12 * count + 200


def test_numbers_that_are_none_are_written_as_such():
    network, batch = build("post"), draw_batch()
    with torch.no_grad():
        network.head.fc.weight[0, 0] = float("inf")
    record = take_step(network.train(), make_optimizer(network), batch, instruments := Instruments(network, ALL))
    assert instruments and "null" in write_record(record) and "NaN" not in write_record(record)


@pytest.mark.parametrize("variant", ["post", "pre, projected", "dense", "group norm"])
def test_half_precision_gives_nearly_the_same(variant):
    batch = draw_batch(count=32)
    exact = watch_step(build(variant), batch, "flow-residual-activations")
    with torch.autocast("cpu", torch.bfloat16):
        seen = watch_step(build(variant), batch, "flow-residual-activations")
    for quantity in ("branch_norm", "input_norm", "gradient_branch", "gradient_shortcut", "activation_std"):
        assert seen[quantity] == pytest.approx(exact[quantity], rel=0.1), quantity

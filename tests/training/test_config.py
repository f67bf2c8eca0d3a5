import math
from itertools import pairwise

import pytest

from explorer.errors import RunError
from explorer.training.config import RANGES, TrainConfig, compute_learning_rate


@pytest.mark.parametrize("name", RANGES)
def test_ends_of_ranges_are_allowed_and_nothing_beyond(name):
    least, most = RANGES[name]
    step = 1 if isinstance(most, int) else 1e-3
    assert getattr(TrainConfig(**{name: least}), name) == least
    assert getattr(TrainConfig(**{name: most}), name) == most
    for value in (least - step, most + step):
        with pytest.raises(RunError, match=f"^{name}={value} is out of range: {name} goes from"):
            TrainConfig(**{name: value})


@pytest.mark.parametrize("name", RANGES)
@pytest.mark.parametrize("value", ["3", True, [1], "x" * 999])
def test_what_is_no_number_is_refused(name, value):
    with pytest.raises(RunError, match=r"is no (whole )?number") as caught:
        TrainConfig(**{name: value})
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("name", [name for name in RANGES if name != "lr"])
def test_nothing_but_the_learning_rate_may_be_left_open(name):
    with pytest.raises(RunError):
        TrainConfig(**{name: None})


@pytest.mark.parametrize(("name", "value"), [("epochs", 1.5), ("batch_size", 64.0), ("seed", 0.1), ("device", None)])
def test_halves_are_refused_where_things_are_counted(name, value):
    with pytest.raises(RunError, match=name):
        TrainConfig(**{name: value})


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_refused(value):
    with pytest.raises(RunError, match="lr="):
        TrainConfig(lr=value)


def test_ranges_are_written_out_in_full():
    with pytest.raises(RunError, match="seed goes from 0 to 2,147,483,647"):
        TrainConfig(seed=-1)


def test_the_learning_rate_grows_with_the_batch():
    assert TrainConfig(batch_size=256).peak_lr == pytest.approx(0.4)  # the README's recipe
    assert TrainConfig(batch_size=256, lr=0.03).peak_lr == 0.03


def test_one_cycle_rises_over_a_quarter_and_falls_as_a_cosine():
    rates = [compute_learning_rate(step, 100, 0.4) for step in range(100)]
    rise = [0.4 * n / 25 for n in range(1, 26)]
    fall = [0.4 * (1 + math.cos(math.pi * n / 75)) / 2 for n in range(75)]
    assert rates == pytest.approx(rise + fall)
    assert all(a < b for a, b in pairwise(rates[:25])) and all(a > b for a, b in pairwise(rates[25:]))
    assert rates[-1] < 0.001


@pytest.mark.parametrize("steps", [1, 2, 3, 4, 7])
def test_short_runs_have_a_rate_in_range_at_every_step(steps):
    rates = [compute_learning_rate(step, steps, 1.0) for step in range(steps)]
    assert max(rates) == 1.0 and min(rates) > 0

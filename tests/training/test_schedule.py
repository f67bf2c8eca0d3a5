import math
from itertools import pairwise

import pytest
import torch
from torch.optim import lr_scheduler

from explorer.training.config import TrainConfig
from explorer.training.schedule import RangeTest, compute_learning_rate


def list_rates(steps: int, per_epoch: int = 1, **settings) -> list[float]:
    config = TrainConfig(**{"lr": 0.4, "epochs": 100, **settings})
    return [compute_learning_rate(config, step, steps, per_epoch) for step in range(steps)]


def run_scheduler(make, steps: int) -> list[float]:
    """What torch's own scheduler gives."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.4)
    scheduler, rates = make(optimizer), []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


def test_one_cycle_rises_over_a_quarter_and_falls_as_a_cosine():
    rates = list_rates(100)
    rise = [0.4 * n / 25 for n in range(1, 26)]
    fall = [0.4 * (1 + math.cos(math.pi * n / 75)) / 2 for n in range(75)]
    assert rates == pytest.approx(rise + fall)
    assert all(a < b for a, b in pairwise(rates[:25])) and all(a > b for a, b in pairwise(rates[25:]))
    assert rates[-1] < 0.001


@pytest.mark.parametrize("schedule", ["one_cycle", "cosine", "multistep", "step", "constant", "range"])
@pytest.mark.parametrize("steps", [1, 2, 3, 4, 7])
def test_short_runs_have_a_rate_in_range_at_every_step(schedule, steps):
    rates = list_rates(steps, schedule=schedule)
    assert max(rates) == 0.4 and min(rates) > 0


@pytest.mark.parametrize(
    ("settings", "make"),
    [
        ({"schedule": "cosine"}, lambda o: lr_scheduler.CosineAnnealingLR(o, 60)),
        ({"schedule": "multistep", "milestones": "0.5-0.75"}, lambda o: lr_scheduler.MultiStepLR(o, [30, 45])),
        ({"schedule": "multistep", "milestones": "0.2"}, lambda o: lr_scheduler.MultiStepLR(o, [12])),
        ({"schedule": "step", "step_epochs": 2, "gamma": 0.3}, lambda o: lr_scheduler.StepLR(o, 20, 0.3)),
        ({"schedule": "constant"}, lambda o: lr_scheduler.ConstantLR(o, 1.0)),
    ],
)  # fmt: skip
def test_schedules_are_torchs(settings, make):
    assert list_rates(60, per_epoch=10, **settings) == pytest.approx(run_scheduler(make, 60))


def test_a_warm_up_rises_to_the_peak_and_the_rest_follows():
    rates = list_rates(60, per_epoch=10, schedule="cosine", warmup=1.5)
    expected = run_scheduler(lambda o: lr_scheduler.CosineAnnealingLR(o, 45), 45)
    assert rates == pytest.approx([0.4 * n / 15 for n in range(1, 16)] + expected)


def test_a_range_test_rises_in_even_ratios():
    rates = list_rates(100, schedule="range")
    assert rates[0] == pytest.approx(0.4e-5 * 10 ** (5 / 100)) and rates[-1] == 0.4
    assert all(b / a == pytest.approx(10 ** (5 / 100)) for a, b in pairwise(rates))


def test_a_range_test_ends_where_the_loss_breaks_and_names_a_tenth_of_the_best_rate():
    test = RangeTest(TrainConfig(schedule="range"))
    for exponent in range(40):
        test.look(2.0 - 0.04 * exponent, 10 ** (-4 + exponent / 10))  # falls to a rate of 0.79
        assert not test.broke
    test.look(1000.0, 1.0)
    assert test.broke and "lowest at a rate of 0.79 and broke at 1:" in test.describe() and "0.079" in test.describe()
    other = RangeTest(TrainConfig(schedule="range"))
    other.restore(test.state())
    assert other.state() == test.state()
    other.look(math.nan, 2.0)
    assert other.broke

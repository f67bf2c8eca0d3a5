import pytest

from explorer.errors import RunError
from explorer.figures.run_cost import format_cost, format_seconds
from explorer.records import RunCost
from explorer.training.config import TrainConfig
from explorer.training.trial import try_run

CONFIG = TrainConfig(epochs=7, batch_size=128, device="cpu", precision="float32", watch="none")


def test_a_trial_reckons_the_run_from_its_own_steps(explorer_home):
    heard = []
    cost = try_run("resnet8,width=4", "digits", CONFIG, heard.append)
    assert heard == ["reading the images", "training for a few steps"]
    steps = 1618 // 128  # of an epoch: 90 % of 1,797 images are trained on
    assert cost.epoch == pytest.approx(steps * cost.step + cost.evaluation)
    assert cost.total == pytest.approx(cost.begin + 7 * (steps * cost.step + cost.evaluation))
    assert cost.images_per_second == pytest.approx(128 / cost.step)
    assert cost.memory > 400_000_000 and cost.timed >= 3  # torch itself takes as much
    assert not explorer_home.exists()  # nothing is kept


def test_a_trial_refuses_what_the_run_would():
    with pytest.raises(RunError, match="is more than the 1618 images"):
        try_run("resnet8", "digits", TrainConfig(batch_size=2048))


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.42, "0.42 s"), (42.0, "42 s"), (150.0, "2.5 min"), (3000.0, "50 min"), (9000.0, "2.5 h"), (126_000.0, "35 h")],
)
def test_seconds_stand_in_the_unit_that_suits(seconds, words):
    assert format_seconds(seconds) == words


def test_a_cost_is_one_line():
    cost = RunCost(1.0, 0.1, 2.0, 60.0, 600.0, 5, 1280.0, 1_300_000_000, 20_000_000_000, 4096)
    assert format_cost(cost) == (
        "about 10 min (60 s an epoch, 1,280 images/s), 1.3 GB of 20.0 GB free; the largest batch that fits is 4,096"
    )

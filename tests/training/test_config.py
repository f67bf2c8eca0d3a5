import math
from dataclasses import fields

import pytest

from explorer.errors import RunError
from explorer.training.config import TrainConfig
from explorer.training.settings import GROUPS, SETTINGS, find_setting

NUMBERS = [name for name, setting in SETTINGS.items() if setting.kind in ("whole", "number")]
ALONE = {  # what a bound needs beside it to be allowed
    "accumulate": {"batch_size": 128}, "warmup": {"schedule": "cosine", "epochs": 1000}, "freeze": {"weights": "x"},
    "held_out": {"test": 0.0}, "test": {"held_out": 0.05}, "batch_size": {},
}  # fmt: skip


def test_the_table_describes_every_setting_once():
    assert [field.name for field in fields(TrainConfig)] == list(SETTINGS)
    assert {setting.group for setting in SETTINGS.values()} == set(GROUPS)
    assert all(setting.help and setting.label for setting in SETTINGS.values())


@pytest.mark.parametrize("name", NUMBERS)
def test_ends_of_ranges_are_allowed_and_nothing_beyond(name):
    setting = SETTINGS[name]
    step = 1 if setting.kind == "whole" else 1e-6
    kind = int if setting.kind == "whole" else float
    for bound in (setting.least, setting.most):
        assert getattr(TrainConfig(**{**ALONE.get(name, {}), name: kind(bound)}), name) == bound
    for value in (kind(setting.least) - step, kind(setting.most) + step):
        with pytest.raises(RunError, match=f"^{name}={value} is out of range: {name} goes from"):
            TrainConfig(**{name: value})


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("value", ["3", True, [1], "x" * 999])
def test_what_is_no_number_is_refused(name, value):
    with pytest.raises(RunError, match=r"is no (whole )?number") as caught:
        TrainConfig(**{name: value})
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("name", SETTINGS)
def test_only_what_can_be_chosen_by_itself_may_be_left_open(name):
    if SETTINGS[name].auto:
        assert getattr(TrainConfig(**{name: None}), name) is None
    else:
        with pytest.raises(RunError, match=name):
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


@pytest.mark.parametrize(
    ("settings", "part"),
    [
        ({"optimizer": "lamb"}, "choose from sgd, adamw"),
        ({"watch": "gradients-magic"}, "join any of gradients, flow"),
        ({"nesterov": "yes"}, "write yes or no"),
        ({"milestones": "0.7-0.5"}, "rising shares"),
        ({"milestones": "0.5-1.5"}, "rising shares"),
        ({"milestones": ""}, "rising shares"),
        ({"held_out": 0.6, "test": 0.5}, "leave too little"),
        ({"accumulate": 64}, "less than two images: use at most 32"),
        ({"accumulate": 3}, "does not divide batch_size=64"),
        ({"warmup": 1.0}, "rises by itself"),
        ({"warmup": 5.0, "schedule": "cosine", "epochs": 5}, "as long as the 5 epochs"),
        ({"freeze": 1}, "say weights to start from"),
    ],
)
def test_what_contradicts_itself_is_refused_in_a_sentence(settings, part):
    with pytest.raises(RunError, match=part) as caught:
        TrainConfig(**settings)
    assert "\n" not in str(caught.value)


def test_an_unknown_setting_gets_the_nearest_name():
    with pytest.raises(RunError, match="did you mean epochs"):
        find_setting("epocs")


def test_the_learning_rate_grows_with_the_batch():
    assert TrainConfig(batch_size=256).peak_lr == pytest.approx(0.4)
    assert TrainConfig(batch_size=256, lr=0.03).peak_lr == 0.03
    assert TrainConfig(batch_size=256, optimizer="adamw").peak_lr == pytest.approx(0.002)


def test_instruments_are_chosen_by_name():
    assert TrainConfig(watch="flow-film").watches("film") and not TrainConfig(watch="flow-film").watches("gradients")
    assert not TrainConfig(watch="none").watches("film")

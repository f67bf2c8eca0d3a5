"""Which settings mean nothing beside others."""

from dataclasses import replace

import pytest

from explorer.training.config import TrainConfig
from explorer.training.recipes import RECIPES, format_recipe, parse_recipe
from explorer.training.relevance import find_hidden, hidden_settings, take_back
from explorer.training.settings import SETTINGS


def values_of(config):
    return {name: getattr(config, name) for name in SETTINGS}


@pytest.mark.parametrize(
    ("text", "hidden", "shown"),
    [
        ("quick", "warmup milestones step_epochs gamma magnitude freeze", "nesterov momentum decay_norms probe"),
        ("quick,schedule=multistep", "step_epochs", "milestones gamma warmup"),
        ("quick,schedule=step", "milestones", "step_epochs gamma warmup"),
        ("quick,schedule=cosine", "milestones step_epochs gamma", "warmup"),
        ("range", "warmup gamma watch_every probe", "momentum batch_size"),
        ("quick,optimizer=adamw", "nesterov", "momentum"),
        ("quick,momentum=0", "nesterov", "momentum"),
        ("quick,weight_decay=0", "decay_norms", ""),
        ("quick,policy=randaugment", "", "magnitude"),
        ("quick,policy=trivialaugment", "magnitude", ""),
        ("quick,weights=resnet18", "", "freeze stage_lr"),
        ("quick,watch=film", "watch_every", "probe"),
        ("quick,watch=flow-norms", "probe", "watch_every"),
    ],
)  # fmt: skip
def test_what_means_nothing_is_hidden_with_a_reason(text, hidden, shown):
    found = hidden_settings(parse_recipe(text))
    assert set(hidden.split()) <= set(found)
    assert not set(shown.split()) & set(found)
    assert all(why.split()[0] in ("with", "without", "but", "in", "where") for why in found.values())


@pytest.mark.parametrize("name", RECIPES)
def test_no_recipe_sets_what_means_nothing_in_it(name):
    default, recipe = TrainConfig(), RECIPES[name]
    for setting in hidden_settings(recipe.config):
        assert getattr(recipe.config, setting) == getattr(default, setting), setting


def test_what_means_nothing_any_more_is_taken_back():
    base = RECIPES["he2015-warm"].config  # warm-up of one epoch, multistep
    moved = values_of(base) | {"schedule": "one_cycle", "milestones": "0.3-0.6"}
    settled, taken = take_back(moved, base)
    assert set(taken) == {"warmup", "milestones"}
    assert format_recipe(TrainConfig(**settled), "he2015-warm") == "he2015-warm,schedule=one_cycle,warmup=0"


def test_frozen_parts_thaw_with_their_weights():
    base = replace(TrainConfig(), weights="resnet18", freeze=2)
    settled, taken = take_back(values_of(base) | {"weights": ""}, base)
    assert TrainConfig(**settled).freeze == 0 and set(taken) == {"freeze"}


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_as_it_is_keeps_its_text(name):
    base = RECIPES[name].config
    settled, taken = take_back(values_of(base), base)
    assert TrainConfig(**settled) == base and taken == {}


def test_reasons_are_found_before_the_values_are_valid():
    assert "warmup" in find_hidden(values_of(TrainConfig()) | {"warmup": 3.0})

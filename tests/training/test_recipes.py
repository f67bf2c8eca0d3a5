import dataclasses

import pytest

from explorer.errors import RunError
from explorer.training.config import TrainConfig
from explorer.training.recipes import RECIPES, format_recipe, list_differences, parse_recipe
from explorer.training.schedule import compute_learning_rate


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_has_a_source_and_reads_back(name):
    recipe = RECIPES[name]
    assert recipe.title and recipe.data and recipe.expected and recipe.source
    assert parse_recipe(name) == recipe.config
    assert format_recipe(recipe.config, name) == name
    assert parse_recipe(format_recipe(recipe.config)) == recipe.config  # from another name, by its differences


def test_settings_follow_the_name():
    config = parse_recipe("he2015, epochs=3, lr=auto ,flip=no,watch=none")
    expected = dataclasses.replace(RECIPES["he2015"].config, epochs=3, lr=None, flip=False, watch="none")
    assert config == expected
    assert parse_recipe("epochs=3") == TrainConfig(epochs=3) and parse_recipe("") == TrainConfig()


def test_the_papers_recipe_is_the_papers():
    """He et al. 2015, section 4.2: 64k iterations of 128 on 45k images, 0.1 divided by 10 at 32k and 48k."""
    config = parse_recipe("he2015")
    per_epoch = 45_000 // config.batch_size
    steps = per_epoch * config.epochs
    assert abs(steps - 64_000) < per_epoch
    rates = [compute_learning_rate(config, step, steps, per_epoch) for step in (0, 31_000, 33_000, 47_000, 49_000)]
    assert rates == pytest.approx([0.1, 0.1, 0.01, 0.01, 0.001])
    assert (config.momentum, config.nesterov, config.weight_decay, config.pad, config.flip) == (
        0.9,
        False,
        1e-4,
        4,
        True,
    )


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("he2051", "did you mean he2015"),
        ("zzz", "choose from quick, he2015"),
        ("quick,epochs", "has no value: write setting=value"),
        ("quick,epochs=3,epochs=4", "epochs is given twice"),
        ("quick,epochs=many", "epochs=many is no whole number: epochs goes from 1 to 1,000"),
        ("quick,nesterov=maybe", "write yes or no"),
        ("quick,schedule=square", "choose from one_cycle"),
        ("quick,lrr=1", "did you mean lr"),
        ("quick,epochs=0", "out of range"),
    ],
)
def test_what_can_not_be_read_gets_one_sentence(text, part):
    with pytest.raises(RunError, match=part) as caught:
        parse_recipe(text)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 250


def test_differences_name_what_differs_and_nothing_else():
    one, other = TrainConfig(), TrainConfig(epochs=3, mixup=0.2)
    assert list_differences(one, one) == []
    assert list_differences(one, other) == [("epochs", 10, 3), ("mixup", 0.0, 0.2)]

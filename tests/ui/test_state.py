from dataclasses import fields, replace

import pytest

from explorer.architecture.config import Architecture, Block, Shortcut, Stem, StrideOn
from explorer.architecture.presets import list_presets
from explorer.architecture.variant import format_variant, parse_variant
from explorer.errors import VariantError
from explorer.ui.state import DEPTHS, FAMILIES, Controls, apply_controls, find_family, read_controls

PRESETS = [preset.name for preset in list_presets()]
VARIANTS = [
    *PRESETS, "resnet50,shortcut=none", "resnet18,stem=cifar", "resnet50,stride_on=1x1", "resnet56,shortcut=C,width=32",
    "resnet34,block=bottleneck,classes=7", "resnet18,depths=1-2,input=1x40x24", "resnet1202",
    "resnet20,block=bottleneck",
]  # fmt: skip


def move(text, **changes):
    """The text after a person moved these controls."""
    now = replace(read_controls(parse_variant(text)), **changes)
    return format_variant(apply_controls(text, now))


@pytest.mark.parametrize("variant", VARIANTS)
def test_controls_that_are_not_moved_change_nothing(variant):
    architecture = parse_variant(variant)
    assert apply_controls(variant, read_controls(architecture)) == architecture


@pytest.mark.parametrize("variant", VARIANTS)
def test_controls_say_what_the_network_is(variant):
    architecture, controls = parse_variant(variant), read_controls(parse_variant(variant))
    assert controls.family in FAMILIES
    assert controls.depth is None or int(controls.depth) in DEPTHS[controls.family]
    rebuilt = Architecture(
        depths=tuple(map(int, controls.depths.split("-"))),
        block=Block(controls.block),
        shortcut=Shortcut(controls.shortcut),
        stem=Stem(controls.stem),
        stride_on=StrideOn(controls.stride_on),
        width=controls.width,
        classes=controls.classes,
        input=tuple(map(int, controls.input.split("x"))),
    )
    assert rebuilt == architecture


# what a person moves, and the text that this has to give, written out
MOVES = [
    ("resnet50", {"depth": "101"}, "resnet101"),
    ("resnet50,shortcut=none", {"depth": "18"}, "resnet18,shortcut=none"),
    ("resnet50,stride_on=1x1,shortcut=C", {"depth": "34"}, "resnet34,shortcut=C"),
    ("resnet50,stride_on=1x1", {"depth": "152"}, "resnet152,stride_on=1x1"),
    ("resnet20,width=32,classes=100", {"depth": "110"}, "resnet110,width=32,classes=100"),
    ("resnet18,stem=cifar,classes=10", {"depth": "50"}, "resnet50,stem=cifar,classes=10"),
    ("resnet50", {"family": "CIFAR"}, "resnet56"),
    ("resnet20,shortcut=none", {"family": "ImageNet"}, "resnet50"),
    ("resnet50", {"shortcut": "A"}, "resnet50,shortcut=A"),
    ("resnet50,shortcut=A", {"shortcut": "B"}, "resnet50"),
    ("resnet56", {"shortcut": "none"}, "resnet56,shortcut=none"),
    ("resnet18", {"block": "bottleneck"}, "resnet26"),
    ("resnet50", {"block": "basic"}, "resnet34"),
    ("resnet50,stride_on=1x1", {"block": "basic"}, "resnet34"),
    ("resnet50", {"stride_on": "1x1"}, "resnet50,stride_on=1x1"),
    ("resnet18", {"stem": "cifar"}, "resnet18,stem=cifar"),
    ("resnet18", {"depths": "3-4-6-3"}, "resnet34"),
    ("resnet18", {"depths": " 1-1-1-1 "}, "resnet10"),
    ("resnet18", {"width": 32}, "resnet18,width=32"),
    ("resnet18", {"width": 32.0}, "resnet18,width=32"),
    ("resnet18", {"classes": 10}, "resnet18,classes=10"),
    ("resnet18", {"input": "3x64x64"}, "resnet18,input=3x64x64"),
    ("resnet18", {"input": " 3×64×64"}, "resnet18,input=3x64x64"),
    ("resnet18", {"width": 8, "classes": 10, "shortcut": "none"}, "resnet18,shortcut=none,width=8,classes=10"),
]


@pytest.mark.parametrize(("before", "changes", "after"), MOVES)
def test_a_moved_control_changes_what_it_names(before, changes, after):
    assert parse_variant(move(before, **changes)) == parse_variant(after)


def test_every_control_is_moved_above():
    assert {name for _, changes, _ in MOVES for name in changes} == {field.name for field in fields(Controls)}


@pytest.mark.parametrize("family", FAMILIES)
def test_every_depth_button_leads_to_the_network_of_its_name(family):
    start = {"ImageNet": "resnet50", "CIFAR": "resnet56"}[family]
    for depth in DEPTHS[family]:
        text = move(start, depth=str(depth))
        assert text == f"resnet{depth}"
        controls = read_controls(parse_variant(text))
        assert (controls.family, controls.depth) == (family, str(depth))


@pytest.mark.parametrize("variant", ["resnet10", "resnet200", "resnet18,depths=1-1-1", "resnet1202"])
def test_what_no_button_has_presses_none(variant):
    assert read_controls(parse_variant(variant)).depth is None


def test_changing_back_and_forth_keeps_the_options():
    text = "resnet50,shortcut=none,classes=10"
    assert move(move(text, depth="101"), depth="50") == text


@pytest.mark.parametrize(
    ("variant", "family"),
    [("resnet18", "ImageNet"), ("resnet20", "CIFAR"), ("resnet18,stem=cifar", "ImageNet"), ("resnet1202", "CIFAR"),
     ("resnet56,shortcut=none,width=64", "CIFAR"), ("resnet50,classes=10", "ImageNet")],
)  # fmt: skip
def test_the_family_is_the_base_names(variant, family):
    assert find_family(parse_variant(variant)) == family


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"width": None}, "width is empty"),
        ({"classes": None}, "classes is empty"),
        ({"input": ""}, "input is empty"),
        ({"input": "   "}, "channels x height x width"),
        ({"width": 0}, "out of range"),
        ({"width": -1}, "not a whole number"),
        ({"width": 1.5}, "not a whole number"),
        ({"width": float("nan")}, "not a whole number"),
        ({"width": 1e30}, "not a whole number"),
        ({"depths": "3,4,6,3"}, "blocks per stage"),
        ({"depths": ""}, "depths is empty"),
        ({"input": "224x224"}, "channels x height x width"),
        ({"stride_on": "1x1"}, "needs a 1x1 convolution"),
    ],
)
def test_impossible_values_are_refused_in_a_sentence(changes, words):
    with pytest.raises(VariantError, match=words):
        move("resnet18", **changes)

import pytest

from explorer.architecture.names import replace_depth
from explorer.architecture.options import OPTIONS
from explorer.architecture.presets import list_presets
from explorer.architecture.variant import format_variant, parse_variant
from explorer.errors import VariantError
from explorer.ui.controls import CONTROLS
from explorer.ui.state import FAMILIES, apply_controls, find_family, list_depths, list_hidden, read_controls

PRESETS = [preset.name for preset in list_presets()]
VARIANTS = [
    *PRESETS, "resnet50,shortcut=none", "resnet18,stem=cifar", "resnet50,stride_on=1x1", "resnet56,shortcut=C,width=32",
    "resnet34,block=bottleneck,classes=7", "resnet18,depths=1-2,input=1x40x24", "resnet1202",
    "resnet20,block=bottleneck",
]  # fmt: skip


def move(text, **changes):
    """The text after a person moved these controls."""
    architecture, _ = apply_controls(text, read_controls(parse_variant(text)) | changes)
    return format_variant(architecture)


@pytest.mark.parametrize("variant", VARIANTS)
def test_controls_that_are_not_moved_change_nothing(variant):
    architecture = parse_variant(variant)
    assert apply_controls(variant, read_controls(architecture)) == (architecture, {})


@pytest.mark.parametrize("variant", VARIANTS)
def test_controls_say_what_the_network_is(variant):
    architecture, controls = parse_variant(variant), read_controls(parse_variant(variant))
    assert controls["family"] in FAMILIES
    assert controls["depth"] is None or controls["depth"] in list_depths(architecture)
    hidden = list_hidden(architecture)
    words = {True: "yes", False: "no"}
    said = {name: words.get(value, value) if isinstance(value, bool) else value for name, value in controls.items()}
    options = ",".join(f"{name}={said[name]}" for name in OPTIONS if name not in hidden)
    assert parse_variant(f"{'densenet121' if said['connect'] == 'dense' else 'resnet50'},{options}") == architecture


def test_every_option_has_one_control():
    assert sorted(control.name for control in CONTROLS) == sorted(["known", "family", "depth", *OPTIONS])


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
    ("resnet50", {"known": "wrn28_10"}, "wrn28_10"),
    ("resnet50", {"activation": "pre"}, "resnetv2_50"),
    ("resnetv2_50", {"ends": "both"}, "resnetv2_50,ends=both"),
    ("resnet50", {"attention": "se"}, "resnet50,attention=se"),
    ("resnet50,attention=se", {"se_divisor": 8}, "seresnet50"),
    ("seresnet50", {"se_reduction": 8}, "seresnet50,se_reduction=8"),
    ("seresnet50", {"se_place": "pre"}, "seresnet50,se_place=pre"),
    ("seresnet50,se_reduction=8", {"attention": "none"}, "resnet50"),  # what belongs to it goes with it
    ("resnet50", {"groups": 32}, "resnet50,groups=32"),
    ("resnet50,groups=32", {"base_width": 4}, "resnext50_32x4d"),
    ("resnext50_32x4d", {"block": "basic"}, "resnet34"),
    ("resnext50_32x4d", {"depth": "101"}, "resnext101_32x4d"),
    ("resnet50", {"shortcut": "D", "stem": "deep"}, "resnet50d"),
    ("resnet50d", {"stem_width": 128}, "resnet50d,stem_width=128"),
    ("preresnet20", {"widen": 2.0}, "preresnet20,widen=2"),
    ("wrn28_10", {"depth": "16"}, "wrn16_10"),
    ("resnet18", {"widths": "64-96-128-160"}, "resnet18,widths=64-96-128-160"),
    ("resnet18,widths=64-96-128-160", {"width": 32}, "resnet18,width=32"),
    ("resnet18,widths=64-96-128-160", {"depths": "2-2"}, "resnet18,depths=2-2"),
    ("resnet20", {"branch": "3x3-1x1"}, "resnet20,branch=3x3-1x1"),
    ("resnet20", {"dropout": 0.3}, "resnet20,dropout=0.3"),
    ("resnet20,dropout=0.3", {"dropout_kind": "channel"}, "resnet20,dropout=0.3,dropout_kind=channel"),
    ("resnet20", {"drop_path": 0.25}, "resnet20,drop_path=0.25"),
    ("resnet20,drop_path=0.25", {"shortcut": "none"}, "resnet20,shortcut=none"),
    ("resnet20", {"zero_init": True}, "resnet20,zero_init=yes"),
    ("resnet50", {"norm": "group"}, "resnet50_gn"),
    ("resnet50", {"act": "silu"}, "resnet50,act=silu"),
    ("resnet50", {"antialias": "blur"}, "resnetblur50"),
    ("resnet50", {"connect": "dense"}, "densenet121,depths=3-4-6-3"),
    ("resnext50_32x4d,shortcut=D", {"connect": "dense"}, "densenet121,depths=3-4-6-3"),
    ("densenet121,depths=3-4-6-3", {"connect": "add"}, "resnet50"),  # the way back
    ("densenet121,attention=se,classes=10", {"connect": "add"}, "resnet50,depths=6-12-24-16,attention=se,classes=10"),
    ("densenet40_k12", {"connect": "add"}, "resnet74"),
    ("densenet121", {"growth": 24}, "densenet121,growth=24"),
    ("densenet121", {"bn_size": 2}, "densenet121,bn_size=2"),
    ("densenet121", {"compression": 1.0}, "densenet121,compression=1"),
    ("densenet121", {"depth": "161"}, "densenet161"),
    ("densenet40_k12_bc", {"depth": "100"}, "densenet100_k12_bc"),
    ("resnet18", {"width": 8, "classes": 10, "shortcut": "none"}, "resnet18,shortcut=none,width=8,classes=10"),
]


@pytest.mark.parametrize(("before", "changes", "after"), MOVES)
def test_a_moved_control_changes_what_it_names(before, changes, after):
    assert parse_variant(move(before, **changes)) == parse_variant(after)


def test_every_control_is_moved_above():
    assert {name for _, changes, _ in MOVES for name in changes} == {control.name for control in CONTROLS}


@pytest.mark.parametrize("start", ["resnet50", "resnet56", "wrn28_10", "densenet121", "seresnet50"])
def test_every_depth_button_leads_to_the_network_of_its_name(start):
    depths = list_depths(parse_variant(start))
    assert len(depths) >= 3
    for depth in depths:
        text = move(start, depth=depth)
        assert text == replace_depth(start, int(depth))
        assert read_controls(parse_variant(text))["depth"] == depth


@pytest.mark.parametrize("variant", ["resnet10", "resnet200", "resnet18,depths=1-1-1", "resnet1202"])
def test_what_no_button_has_presses_none(variant):
    assert read_controls(parse_variant(variant))["depth"] is None


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
        ({"widen": None}, "widen is empty"),
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
        ({"groups": 4}, "no inner 3x3"),
        ({"growth": 4}, "connect=dense"),
        ({"dropout": 1.5}, "below 1"),
        ({"branch": "2x2"}, "1x1, 3x3, 5x5 or 7x7"),
    ],
)
def test_impossible_values_are_refused_in_a_sentence(changes, words):
    with pytest.raises(VariantError, match=words):
        move("resnet18", **changes)


def test_what_loses_its_meaning_is_taken_back_with_its_reason():
    now = read_controls(parse_variant("resnext50_32x4d")) | {"block": "basic"}
    architecture, taken = apply_controls("resnext50_32x4d", now)
    assert format_variant(architecture) == "resnet34"
    assert set(taken) == {"groups", "base_width"}
    assert "no inner 3x3" in taken["groups"]

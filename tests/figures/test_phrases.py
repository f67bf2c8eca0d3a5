"""Differences in plain words: whole sentences, written out."""

import pytest

from explorer.architecture.diff import compare_plans
from explorer.architecture.neighbours import list_neighbours
from explorer.architecture.options import OPTIONS
from explorer.architecture.plan import expand_plan
from explorer.architecture.presets import list_presets
from explorer.architecture.variant import parse_variant
from explorer.figures.diff_tree import summarise_difference
from explorer.figures.phrases import _PHRASES, describe_difference, format_percent


def compare(before, after):
    return compare_plans(*(expand_plan(parse_variant(text)) for text in (before, after)))


def say(before, after):
    return describe_difference(compare(before, after))


def test_the_preactivation_twin():
    idea, costs = say("resnet50", "resnetv2_50")
    assert idea == (
        "Norm and activation move in front of each convolution; nothing follows the addition, so an identity shortcut "
        "carries x on unchanged; the stem loses its norm and activation, and the head gets them."
    )
    # 25,557,032 and 25,549,352 parameters in torchvision and timm
    assert costs.startswith(
        "Parameters fall by 7\u2009680 (−0.03 %); the memory of a training step (batch 32) falls by "
    )
    assert costs.endswith("; MACs and the receptive field behind the last stage stay the same.")


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("resnet50", "resnet101", "Stage 3 has 23 blocks in place of 6."),
        ("resnet18", "resnet18,depths=2-2-2", "3 stages (2-2-2 blocks) take the place of 4 stages (2-2-2-2 blocks)."),
        ("resnet50", "resnet50,shortcut=none", "There are no shortcuts: a block gives its branch alone."),
        ("resnet50", "resnext50_32x4d",
         "At 64 planes the inner convolution has 32 groups of width 4 in place of 1 group of width 64."),
        ("resnet50", "wide_resnet50_2",
         "At 64 planes the inner convolution has 1 group of width 128 in place of 1 group of width 64."),
        ("resnet50", "seresnet50", "A squeeze-excitation at the end of each branch scales the channels."),
        ("resnet50", "resnet50d",
         "The stem has three 3×3 convolutions with 32, 32 and 64 channels in front of its pool, in place of one 7×7."),
        ("resnet50", "resnet50t",
         "The stem has three 3×3 convolutions with 24, 32 and 64 channels in front of its pool, in place of one 7×7."),
        ("resnet50", "resnet50,stride_on=1x1",
         "Where the map halves, the stride is on the block's 1×1 in place of its 3×3."),
        ("resnet34", "resnet34,act=gelu", "GELU takes the place of ReLU."),
        ("resnet50", "resnet50_gn", "Group norm takes the place of batch norm."),
        ("resnet50", "resnet50,norm=none", "There are no norms: each convolution has a bias."),
        ("resnet20", "resnet20,widen=2", "Every stage's planes are multiplied by 2 in place of 1: 32, 64, 128."),
        ("resnet50", "resnet50,width=32", "The stages have 32, 64, 128, 256 planes in place of 64, 128, 256, 512."),
        ("resnet50", "resnet50,classes=10", "The classifier has 10 outputs in place of 1\u2009000."),
    ],
)  # fmt: skip
def test_one_phrase_an_option(before, after, words):
    assert words in say(before, after)


def test_x_runs_through_untouched_only_where_it_does():
    free = "carries x on unchanged"
    assert free in say("resnet50", "resnet50,activation=relu_before")[0]
    for after in ("activation=pre,shortcut=C", "activation=pre,shortcut=none", "activation=bn_after"):
        assert free not in " ".join(say("resnet50", f"resnet50,{after}"))
    assert free not in " ".join(say("seresnet50", "seresnet50,activation=pre,se_place=post"))


def test_one_network():
    assert say("resnet50", "resnet50,depths=3-4-6-3") == ["The two are one network."]


def test_every_option_has_a_phrase_and_every_neighbour_a_whole_sentence():
    assert set(_PHRASES) == set(OPTIONS)
    for preset in list_presets():
        for neighbour in list_neighbours(preset.architecture):
            for sentence in say(preset.name, neighbour.text):
                assert sentence[0].isupper() or sentence[0].isdigit()
                assert sentence.endswith(".") and "None" not in sentence and "  " not in sentence


@pytest.mark.parametrize(
    ("before", "after", "text"),
    [
        (200, 298, "+49 %"),
        (1000, 1099, "+9.9 %"),
        (25_557_032, 25_549_352, "−0.03 %"),
        (10**9, 10**9 + 1, "less than 0.001 %"),
    ],
)
def test_percent(before, after, text):
    assert format_percent(before, after) == text


def test_the_tree_holds_stages_blocks_and_operations():
    tree = summarise_difference(compare("resnet50", "resnetv2_50"))
    assert [stage["title"] for stage in tree["stages"]] == ["stem", "layer1", "layer2", "layer3", "layer4", "head"]
    stem, first = tree["stages"][:2]
    assert [(op["mark"], op["names"]) for op in stem["rows"]] == [("-", ["stem.bn1", ""]), ("-", ["stem.relu1", ""])]
    assert [row["title"] for row in first["rows"]] == ["layer1.0", "layer1.1–2"]
    ops = {tuple(op["names"]): op["mark"] for op in first["rows"][0]["rows"]}
    assert ops["", "layer1.0.before.bn1"] == "+" and ops["layer1.0.after", ""] == "-"
    assert ops["layer1.0.branch.bn1", "layer1.0.branch.bn2"] == "="  # the norm of the 3x3's input, numbered anew
    assert [option["name"] for option in tree["options"]] == ["activation"]


def test_blocks_that_one_network_lacks_have_no_name_there():
    (stage,) = summarise_difference(compare("resnet50", "resnet101"))["stages"]
    (group,) = stage["rows"]
    assert (group["mark"], group["title"], group["names"]) == ("+", "layer3.6–22", ["", "layer3.6"])

import pytest

from explorer.architecture.neighbours import list_neighbours
from explorer.architecture.plan import expand_plan
from explorer.architecture.presets import list_presets
from explorer.architecture.variant import format_variant, parse_variant

# written out by hand, in the names that torchvision, timm and pytorchcv use
NEIGHBOURS = {
    "resnet50": {
        "plain twin": "resnet50,shortcut=none",
        "pre-activation": "resnetv2_50",
        "wide": "wide_resnet50_2",
        "ResNeXt": "resnext50_32x4d",
        "with SE": "seresnet50",
        "ResNet-D": "resnet50d",
    },
    "resnet20": {
        "plain twin": "resnet20,shortcut=none",
        "pre-activation": "preresnet20,shortcut=A",
        "wide": "resnet20,widen=2",
        "with SE": "seresnet20,shortcut=A",
        "ResNet-D": "resnet20,shortcut=D",
    },
    "resnet20,shortcut=none": {"residual twin": "resnet20"},
    "resnext50_32x4d": {"one group": "resnet50"},
    "seresnet50": {"without attention": "resnet50"},
    "resnetv2_50": {"post-activation": "resnet50"},
    "wide_resnet50_2": {"standard width": "resnet50"},
    "densenet121,attention=se": {"without attention": "densenet121"},
}


@pytest.mark.parametrize("text", NEIGHBOURS)
def test_neighbours_are_one_idea_away(text):
    found = {neighbour.label: neighbour.text for neighbour in list_neighbours(parse_variant(text))}
    expected = {label: format_variant(parse_variant(other)) for label, other in NEIGHBOURS[text].items()}
    assert expected.items() <= found.items()


@pytest.mark.parametrize("preset", list_presets(), ids=lambda preset: preset.name)
def test_every_neighbour_can_be_planned_and_differs(preset):
    neighbours = list_neighbours(preset.architecture)
    assert neighbours
    for neighbour in neighbours:
        architecture = parse_variant(neighbour.text)
        assert architecture != preset.architecture
        assert expand_plan(architecture)
        assert neighbour.why


def say(text):
    return {neighbour.label: neighbour.why for neighbour in list_neighbours(parse_variant(text))}


def test_the_words_hold_for_the_network_they_stand_beside():
    assert "stem" in say("resnet50")["ResNet-D"] and "stem" not in say("resnet20")["ResNet-D"]
    assert "untouched" in say("resnet50")["pre-activation"]
    assert "untouched" not in say("resnet18,shortcut=C")["pre-activation"] + say("plain20")["pre-activation"]
    assert "same cost" in say("resnet50")["ResNeXt"]
    assert "same cost" not in say("resnet50,branch=1x1-5x5-1x1")["ResNeXt"]

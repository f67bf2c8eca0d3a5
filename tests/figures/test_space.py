"""The cloud's columns, read back as a browser reads them, and the numbers of known networks."""

import base64
import csv
import struct
from pathlib import Path

import pytest

from explorer.architecture.search import OBJECTIVES, sample_space
from explorer.architecture.space import Family, Space
from explorer.architecture.variant import parse_variant
from explorer.figures.palette import BLOCK_COLOURS, BLOCK_NAMES
from explorer.figures.space import (
    AXES,
    KINDS,
    describe_axes,
    describe_kinds,
    describe_point,
    find_kind,
    list_known,
    pack_points,
)

REFERENCE = Path(__file__).parent.parent / "reference"
FORMATS = {"params": "d", "macs": "d", "activations": "d", "depth": "I", "width": "I", "design": "H", "kind": "B"}


def read(packed, name):
    data, sign = base64.b64decode(packed[name]), FORMATS.get(name, "H")
    return struct.unpack(f"<{len(data) // struct.calcsize('<' + sign)}{sign}", data)


@pytest.mark.parametrize("family", Family)
def test_columns_say_what_the_points_are(family):
    points = list(sample_space(Space((family,)), 600, seed=3))
    packed = pack_points(points)
    assert packed["count"] == 600
    for name in OBJECTIVES:
        assert list(read(packed, name)) == [point.measure(name) for point in points], name
    assert [KINDS[kind] for kind in read(packed, "kind")] == [find_kind(point.architecture) for point in points]


@pytest.mark.parametrize("family", Family)
@pytest.mark.parametrize("depths", [None, (8, 20), (50, 50)])
def test_every_point_has_a_text_that_leads_back_to_it(family, depths):
    points = list(sample_space(Space((family,), depths=depths), 1500, seed=11))
    packed = pack_points(points)
    left = list(read(packed, "depths"))
    for point, design in zip(points, read(packed, "design"), strict=True):
        stages = packed["stages"][design]
        own, left = left[:stages], left[stages:]
        text = f"{packed['designs'][design]},depths={'-'.join(map(str, own))}"
        assert parse_variant(text) == point.architecture
    assert left == []


def test_no_points_are_empty_columns():
    packed = pack_points([])
    assert packed["count"] == 0 and packed["designs"] == [] and read(packed, "macs") == ()


def read_counts():
    """Parameters and MACs as torchvision, timm and pytorchcv have them."""
    with (REFERENCE / "counts.csv").open() as rows:
        return {row["variant"]: (int(row["params"]), int(row["macs"])) for row in csv.DictReader(rows) if row["macs"]}


def test_known_networks_have_the_counts_of_their_libraries():
    counts = read_counts()
    known = {mark["variant"]: (mark["params"], mark["macs"]) for family in Family for mark in list_known(family)}
    shared = counts.keys() & known.keys()
    assert len(shared) >= 30
    assert {name: known[name] for name in shared} == {name: counts[name] for name in shared}


def test_known_networks_belong_to_one_family():
    names = [[mark["variant"] for mark in list_known(family)] for family in (Family.IMAGENET, Family.CIFAR)]
    assert "resnet50" in names[0] and "densenet121" in names[0] and "wrn28_10" in names[1]
    assert not set(names[0]) & set(names[1])


@pytest.mark.parametrize(
    ("variant", "kind"),
    [
        ("resnet34", "basic"), ("resnet50", "bottleneck"), ("resnext50_32x4d", "grouped"), ("seresnet18", "attention"),
        ("seresnext50_32x4d", "attention"), ("ecaresnet50d", "attention"), ("densenet121", "dense"),
        ("densenet121,attention=se", "dense"),
    ],
)  # fmt: skip
def test_kinds(variant, kind):
    assert find_kind(parse_variant(variant)) == kind


def test_a_card_has_torchvisions_numbers_and_its_memory():
    card = describe_point(parse_variant("resnet50"))
    assert (card["params"], card["macs"], card["depth"], card["width"]) == (25_557_032, 4_089_184_256, 50, 2048)
    assert card["memory"] > 3 * 4 * card["params"] + 32 * 4 * card["activations"]  # weights, gradients, momentum, maps
    assert (card["variant"], card["family"], card["batch"]) == ("resnet50", "imagenet", 32)


def test_axes_and_kinds_are_those_of_search_and_palette():
    assert [axis.name for axis in AXES] == list(OBJECTIVES)
    assert {axis["name"]: axis["better"] for axis in describe_axes()} == OBJECTIVES
    assert BLOCK_COLOURS.keys() == BLOCK_NAMES.keys()
    colours = [kind["colour"] for kind in describe_kinds()]
    assert len(set(colours)) == len(colours) == len(KINDS)

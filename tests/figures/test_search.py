"""What a search found in words, from records made by hand."""

import csv
import io
import json

import pytest

from explorer.architecture.cost import Cost
from explorer.architecture.search import Found, Point
from explorer.architecture.variant import parse_variant
from explorer.figures.search import format_csv, format_json, format_text, thin_out

DESIGN = parse_variant("resnet18")
POINTS = tuple(Point(DESIGN, (blocks, 1, 1, 1), Cost(blocks * 1000, blocks * 10**6, blocks)) for blocks in range(1, 41))
FOUND = Found(12_345, POINTS, POINTS[:4], ("params", "macs", "depth"))


def test_text():
    lines = format_text(FOUND).splitlines()
    assert lines[0].split() == ["params", "macs", "activations", "depth", "width", "variant"]
    assert lines[1].split() == ["1,000", "1,000,000", "1", "10", "512", "resnet10"]
    assert lines[2].split()[-1] == "resnet10,depths=2-1-1-1"
    assert "12,345 variants were counted and 40 fit; 4 of these are beaten by no other" in lines[6]
    assert "(less params and macs, more depth is better)" in lines[6]
    start = lines[0].index("variant")
    assert all(line[start - 1] == " " and line[start:].startswith("resnet") for line in lines[1:5])


def test_long_lists_are_thinned_out():
    text = format_text(FOUND, whole=True, limit=3)
    assert "3 of 40 are shown" in text and "40,000" in text
    assert "are shown" not in format_text(FOUND, limit=4)


@pytest.mark.parametrize(
    ("limit", "places"), [(1, [0]), (2, [0, 39]), (40, range(40)), (99, range(40)), (None, range(40))]
)
def test_thin_out(limit, places):
    assert thin_out(POINTS, limit) == [POINTS[place] for place in places]


def test_thin_out_never_shows_one_twice():
    for limit in range(1, 41):
        shown = thin_out(POINTS, limit)
        assert len(set(shown)) == limit


def test_nothing_found():
    assert "larger budget" in format_text(Found(10, (), (), ("params",)))
    assert "--depth" in format_text(Found(0, (), (), ("params",)))
    assert format_csv(Found(0, (), (), ("params",))).splitlines() == ["params,macs,activations,depth,width,variant"]


def test_csv_and_json_agree():
    rows = list(csv.DictReader(io.StringIO(format_csv(FOUND, whole=True))))
    content = json.loads(format_json(FOUND, whole=True))
    assert (content["counted"], content["fits"], content["pareto"]) == (12_345, 40, 4)
    assert [{key: str(value) for key, value in row.items()} for row in content["variants"]] == rows
    assert [row["params"] for row in content["variants"]] == [1000 * n for n in range(1, 41)]
    assert len(json.loads(format_json(FOUND, limit=2))["variants"]) == 2

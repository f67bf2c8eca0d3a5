"""Charts over each other, totals side by side: published counts, and numbers worked out by hand."""

import csv
import json
from itertools import pairwise
from pathlib import Path

import pytest

from explorer.architecture.plan import expand_plan
from explorer.architecture.variant import parse_variant
from explorer.figures.compare import MANY, list_points, plot_depth, thin_points
from explorer.figures.palette import (
    HELD_OUT,
    TRAIN,
    VARIANT_COLOURS,
    VARIANT_DASHES,
    VARIANT_MARKERS,
)
from explorer.figures.totals import list_totals

TABLE = Path(__file__).parents[1] / "reference" / "counts.csv"
COUNTS = {row["variant"]: row for row in csv.DictReader(TABLE.read_text().splitlines())}
FOUR = ("resnet50", "resnetv2_50", "densenet121", "wrn28_10")


def plan(text):
    return expand_plan(parse_variant(text))


def place(*texts):
    return list(enumerate(map(plan, texts)))


def validate(figure):
    """Plotly's own check of every property."""
    import plotly.graph_objects as go

    return go.Figure(figure)


@pytest.mark.parametrize("texts", [(), ("resnet50",), FOUR, ("resnet20", "plain110")], ids=len)
def test_plotly_accepts_every_chart(texts):
    figures = plot_depth(place(*texts))
    assert list(figures) == ["params", "macs", "side", "channels", "field"]
    for figure in figures.values():
        assert len(validate(json.loads(json.dumps(figure, allow_nan=False))).data) == len(texts)


def test_an_empty_chart_has_a_title_and_a_sentence():
    for figure in plot_depth([]).values():
        layout = figure["layout"]
        assert layout["meta"]["empty"].endswith(".") and layout["title"]["text"]
        assert layout["xaxis"]["title"]["text"] and layout["yaxis"]["title"]["text"]


def test_four_variants_differ_in_more_than_colour_and_are_neither_train_nor_held_out():
    traces = plot_depth(place(*FOUR))["macs"]["data"]
    assert [trace["line"]["color"] for trace in traces] == list(VARIANT_COLOURS)
    for signs in (VARIANT_COLOURS, VARIANT_MARKERS, VARIANT_DASHES):
        assert len(set(signs)) == 4
    assert not {TRAIN, HELD_OUT} & set(VARIANT_COLOURS)
    assert [trace["name"][:2] for trace in traces] == ["1 ", "2 ", "3 ", "4 "]


# the depth is in the name; parameters and MACs are torchvision's and timm's own
@pytest.mark.parametrize(
    ("name", "depth"), [("resnet18", 18), ("resnet50", 50), ("resnet152", 152), ("densenet121", 121)]
)
def test_lines_end_at_the_published_totals(name, depth):
    last = list_points(plan(name))[-1]
    published = COUNTS[name]
    assert (last.depth, last.params, last.macs) == (depth, int(published["params"]), int(published["macs"]))


def test_resnet18_along_its_depth():
    points = {point.name: point for point in list_points(plan("resnet18"))}
    assert list(points)[:3] == ["stem", "layer1.0", "layer1.1"] and len(points) == 10
    stem = points["stem"]
    assert (stem.depth, stem.params, stem.macs) == (1, 7 * 7 * 3 * 64 + 2 * 64, 7 * 7 * 3 * 64 * 112 * 112)
    assert (stem.side, stem.channels, stem.field) == (56, 64, 11)  # 7 + 2 * (3 - 1)
    block = points["layer1.0"]
    assert block.depth == 3 and block.params - stem.params == 2 * (3 * 3 * 64 * 64 + 2 * 64)
    assert block.field == 11 + 2 * 2 * 4  # two 3x3 at a reduction of 4
    assert [points[f"layer{k}.1"].side for k in (1, 2, 3, 4)] == [56, 28, 14, 7]
    assert [points[f"layer{k}.1"].channels for k in (1, 2, 3, 4)] == [64, 128, 256, 512]
    assert (points["head"].side, points["head"].field) == (None, None)


def test_a_very_deep_network_keeps_the_points_where_lines_bend():
    points = list_points(plan("resnet20,depths=500-500-500"))
    thin = thin_points(points)
    assert len(points) > MANY > 40 > len(thin)
    assert (thin[0], thin[-1]) == (points[0], points[-1])
    by_depth = {point.depth: point for point in points}
    for before, after in pairwise(thin):  # what was left out lies on straight lines
        middle = by_depth.get((before.depth + after.depth) // 2)
        if middle is None or after.field is None:
            continue
        share = (middle.depth - before.depth) / (after.depth - before.depth)
        for name in ("params", "macs", "field"):
            a, b = getattr(before, name), getattr(after, name)
            assert getattr(middle, name) == pytest.approx(a + share * (b - a))


def cells(row, *texts):
    (found,) = [each for each in list_totals([plan(text) for text in texts]) if each.key == row]
    return found.cells


def test_totals_are_the_published_counts():
    names = ("resnet50", "resnetv2_50", "seresnet50")
    for key in ("params", "macs"):
        assert [cell.value for cell in cells(key, *names)] == [int(COUNTS[name][key]) for name in names]
    assert cells("macs", *names)[0].text == "4.09 G"
    assert cells("params", *names)[0].exact == "25\u2009557\u2009032"
    assert [cell.value for cell in cells("flops", *names)] == [2 * int(COUNTS[name]["macs"]) for name in names]
    assert [cell.value for cell in cells("depth", *names)] == [50, 50, 50]
    # 11 behind the stem; then two pixels a 3x3 at the reduction in front of it, the first of a stage at the old one
    by_hand = 11 + 2 * (3 * 4 + (4 + 3 * 8) + (8 + 5 * 16) + (16 + 2 * 32))
    assert [cell.value for cell in cells("field", "resnet50", "resnet101")] == [by_hand, by_hand + 2 * 17 * 16]
    assert "whole map" in cells("field", "seresnet50")[0].note


def test_published_errors_stand_where_there_are_any():
    paper = cells("top1_error", "resnet50", "resnet50,groups=2")
    assert (paper[0].value, paper[0].text) == (24.7, "24.7 %") and "KaimingHe" in paper[0].note
    assert (paper[1].value, paper[1].text) == (None, "not published")
    keys = [row.key for row in list_totals([plan("resnet50,groups=2")])]
    assert "top1_error" not in keys and "error" not in keys
    assert cells("error", "resnet20")[0].value == 8.75

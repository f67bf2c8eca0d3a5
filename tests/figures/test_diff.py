"""Comparisons in words, from records made by hand."""

import json

import pytest

from explorer.architecture.align import Change, OpDiff, Status
from explorer.architecture.cost import Cost
from explorer.architecture.diff import GroupDiff, PlanDiff, Totals
from explorer.architecture.ops import Kind, Op, Pool
from explorer.architecture.variant import parse_variant
from explorer.figures.diff import describe_changes, format_json, format_markdown, format_text, list_lines
from explorer.figures.scene import Level

MAP = (64, 56, 56)
WIDE = Op("branch.conv1", Kind.CONV, MAP, MAP, 7, 1, 3)
NARROW = Op("branch.conv1", Kind.CONV, MAP, MAP, 3, 1, 1)
POOL = Op("shortcut.pool", Kind.POOL, MAP, (64, 28, 28), 2, 2, mode=Pool.AVG)
KERNEL = (Change("kernel", 7, 3), Change("padding", 3, 1))
CHANGED = OpDiff(Status.CHANGED, WIDE, NARROW, KERNEL, Cost(-1000, -2000, 0))
ADDED = OpDiff(Status.ADDED, None, POOL, (), Cost())
REMOVED = OpDiff(Status.REMOVED, NARROW, None, (), Cost(-10, -20, -30))
GROUPS = (
    GroupDiff("layer1.1", "layer1", Status.CHANGED, 3, (CHANGED, ADDED), 9, Cost(-3000, -6000, 0), (11, 15), 5000),
    GroupDiff("layer1.4", "layer1", Status.REMOVED, 1, (REMOVED,), 0, Cost(-10, -20, -30), (43, None), -7),
    GroupDiff("head", "head", Status.SAME, 1, (), 3, Cost(), (99, 99), 12),
)
TOTALS = (
    Totals(Cost(10_000, 20_000, 300), 50, 427, 4000, 9000, 1000),
    Totals(Cost(6_990, 13_980, 270), 49, 431, 4100, 9000, 6005),
)
OPTIONS = (Change("shortcut", "B", "D"), Change("ends", None, "both"))
DIFF = PlanDiff(parse_variant("resnet50"), parse_variant("resnet18"), OPTIONS, GROUPS, 12, TOTALS)
EMPTY = PlanDiff(parse_variant("resnet50"), parse_variant("resnet50"), (), (), 175, (TOTALS[0], TOTALS[0]))


def find(text, *words):
    """The one line that holds all the words."""
    (line,) = [line for line in text.splitlines() if all(word in line for word in words)]
    return line


def test_text_of_operations():
    text = format_text([DIFF], Level.OP)
    assert text.startswith("resnet50 → resnet18\noptions: shortcut B → D, ends — → both\n")
    assert find(text, "parameters").split()[1:] == ["10,000", "6,990", "-3,010"]
    assert find(text, "receptive field behind").split()[-3:] == ["427", "431", "+4"]
    assert find(text, "~ layer1.1–3", "×3", "1 changed, 1 added", "-3,000", "-6,000", "+5.00 kB", "11 → 15")
    assert find(text, "~ branch.conv1", "kernel 7 → 3, padding 3 → 1", "-1,000")
    assert find(text, "+ shortcut.pool", "2×2 avg pooling, stride 2, 64×56×56 → 64×28×28")
    assert find(text, "- layer1.4", "1 operation", "-7 B", "43")
    assert find(text, "head", "the same operations", "+12 B")
    assert "12 operations are the same." in text


def test_columns_are_aligned():
    lines = format_text([DIFF], Level.OP).splitlines()
    ends = {line.index("Params") + len("Params") for line in lines if line.startswith("Where")}
    rows = [line for line in lines if line.lstrip()[:2] in ("~ ", "+ ", "- ")]
    assert len(rows) == 5 and all(row[end - 1] in "0123456789" for row in rows for end in ends)


def test_levels():
    assert [line.name for line in list_lines(DIFF, Level.STAGE)] == ["layer1", "head"]
    assert [line.name for line in list_lines(DIFF, Level.BLOCK)] == ["layer1.1–3", "layer1.4", "head"]
    assert [line.name for line in list_lines(DIFF, Level.OP)] == [
        "layer1.1–3", "branch.conv1", "shortcut.pool", "layer1.4", "branch.conv1", "head"]  # fmt: skip
    stage = list_lines(DIFF, Level.STAGE)[0]
    assert (stage.cost.params, stage.mark, stage.what) == (-3010, "~", "3 parts changed, 1 part removed")
    assert stage.field == "43 → 15"


def test_one_network():
    assert format_text([EMPTY], Level.OP) == "resnet50 → resnet50\nNo difference."
    assert "No difference." in format_markdown([EMPTY], Level.BLOCK)
    assert json.loads(format_json([EMPTY], Level.OP))["diffs"][0]["groups"] == []


def test_markdown_tables_are_whole():
    text = format_markdown([DIFF, DIFF], Level.OP)
    assert text.count("### `resnet50` → `resnet18`") == 2
    for table in text.split("\n\n"):
        widths = {line.count("|") for line in table.splitlines() if line.startswith("|")}
        assert len(widths) <= 1, table


def test_json_holds_exact_numbers():
    (found,) = json.loads(format_json([DIFF], Level.OP))["diffs"]
    assert (found["before"], found["after"]) == ("resnet50", "resnet18")
    assert found["totals"]["params"] == [10_000, 6_990] and found["totals"]["forward"] == [4000, 4100]
    assert found["options"] == {"shortcut": ["B", "D"], "ends": [None, "both"]}
    group = found["groups"][0]
    assert (group["repeat"], group["params"], group["saved"], group["field"]) == (3, -3000, 5000, [11, 15])
    assert group["ops"][0]["changes"] == {"kernel": [7, 3], "padding": [3, 1]}
    (short,) = json.loads(format_json([DIFF], Level.BLOCK))["diffs"]
    assert all("ops" not in group for group in short["groups"])


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ((Change("name", "bn1", "bn2"),), "another name"),
        ((Change("input", (8, 4, 4), (9, 4, 4)), Change("output", (8, 4, 4), (9, 4, 4))), "output 8×4×4 → 9×4×4"),
        ((Change("rate", 0.3, 0.5),), "rate 0.3 → 0.5"),
        ((Change("mode", "relu", "gelu"), Change("name", "a", "b")), "kind relu → gelu"),
        ((Change("bias", False, True),), "bias no → yes"),
    ],
)
def test_words_for_changes(changes, words):
    assert describe_changes(changes) == words

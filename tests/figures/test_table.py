import csv
import io
import json
import re
from xml.etree import ElementTree

import pytest
import torch
import torchvision

from explorer.architecture.config import Connect
from explorer.architecture.plan import expand_plan
from explorer.architecture.variant import parse_variant
from explorer.figures.latex import escape_latex
from explorer.figures.table import (
    HEADINGS,
    MORE,
    describe_totals,
    draw_table,
    draw_totals,
    format_csv,
    format_json,
    format_latex,
    format_markdown,
    format_text,
)
from families import FAMILIES
from witness import COUNTS, count_macs, count_params

PRESETS = FAMILIES
COUNTED = [(row["variant"], int(row["params"]), int(row["macs"] or 0)) for row in COUNTS]
SMALL = "resnet8,width=4"


def plan_of(text):
    return expand_plan(parse_variant(text))


@pytest.mark.parametrize(("variant", "params", "macs"), COUNTED, ids=[row[0] for row in COUNTED])
def test_json_sums_equal_totals_equal_other_peoples_counts(variant, params, macs):
    content = json.loads(format_json(plan_of(variant)))
    layers = content["layers"]
    assert content["params"] == sum(layer["params"] for layer in layers) == params
    assert content["macs"] == sum(layer["macs"] for layer in layers)
    assert content["macs"] == (macs or content["macs"])
    assert content["flops"] == 2 * content["macs"]
    assert content["variant"] == variant
    assert set(layers[0]) == {"name", "kind", "output", "params", "macs"}


@pytest.mark.parametrize("name", ["resnet18", "resnet34", "resnet50"])
def test_totals_equal_torchvisions_module(name):
    with torch.device("meta"):
        theirs = getattr(torchvision.models, name)()
    content = json.loads(format_json(plan_of(f"{name},input=3x96x64")))
    assert content["params"] == count_params(theirs)
    assert content["macs"] == count_macs(theirs, (3, 96, 64))
    assert content["input"] == [3, 96, 64]


@pytest.mark.parametrize("variant", [*PRESETS, "resnet50,shortcut=C", "resnet56,shortcut=none"])
def test_csv_parses_and_sums_to_the_totals(variant):
    plan = plan_of(variant)
    content = json.loads(format_json(plan))
    rows = list(csv.DictReader(io.StringIO(format_csv(plan))))
    assert [row["name"] for row in rows] == [layer["name"] for layer in content["layers"]]
    assert sum(int(row["params"]) for row in rows) == content["params"]
    assert sum(int(row["macs"]) for row in rows) == content["macs"]
    assert all(None not in row and None not in row.values() for row in rows)
    assert [row["output"] for row in rows] == ["x".join(map(str, layer["output"])) for layer in content["layers"]]


def test_windows_are_those_of_torchvisions_modules():
    """Kernel, stride and groups of every convolution, in the order of torchvision's own modules."""
    rows = csv.DictReader(io.StringIO(format_csv(plan_of("resnet50"))))
    ours = [(r["kernel"], r["stride"], r["groups"]) for r in rows if r["op"] == "conv"]
    with torch.device("meta"):
        theirs = [m for m in torchvision.models.resnet50().modules() if isinstance(m, torch.nn.Conv2d)]
    assert ours == [("×".join(map(str, m.kernel_size)), str(m.stride[0]), str(m.groups)) for m in theirs]


def test_operations_without_a_window_show_none():
    rows = {r["name"]: r for r in csv.DictReader(io.StringIO(format_csv(plan_of("resnet20"))))}
    cells = {name: (row["kernel"], row["stride"], row["groups"]) for name, row in rows.items()}
    assert cells["stem.conv1"] == ("3×3", "1", "1")
    assert cells["stem.bn1"] == cells["head.fc"] == cells["layer1.0.merge"] == ("", "", "")
    assert cells["head.avgpool"] == ("global", "", "")
    assert cells["layer2.0.shortcut.pad"] == ("", "2", "")


@pytest.mark.parametrize("variant", ["resnet50", "resnet20", "resnet18,shortcut=none"])
def test_markdown_has_a_row_an_operation_and_cells_under_every_heading(variant):
    plan = plan_of(variant)
    content = json.loads(format_json(plan))
    lines = [line for line in format_markdown(plan).splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert {len(row) for row in cells} == {len(HEADINGS)}
    assert cells[0] == list(HEADINGS) and all(set(cell) <= {"-", ":"} for cell in cells[1])
    assert [row[0] for row in cells[2:-1]] == [layer["name"] for layer in content["layers"]]
    assert sum(int(row[6]) for row in cells[2:-1]) == content["params"]
    assert sum(float(row[8].rstrip("%") or 0) for row in cells[2:-1]) == pytest.approx(100, abs=0.05 * len(cells))
    assert cells[-1][6:8] == [f"**{content['params']}**", f"**{content['macs']}**"]


def read_latex(text):
    """Rows of the table as lists of cells, rules left out."""
    body = text.partition("\\endhead")[2] or text.partition("\\midrule")[2]
    lines = [line for line in body.partition("\\bottomrule")[0].splitlines() if line.endswith(" \\\\")]
    return [line.removesuffix(" \\\\").split(" & ") for line in lines]


@pytest.mark.parametrize("variant", ["resnet50", "resnet20", SMALL, "resnext50_32x4d"])
def test_latex_has_a_row_an_operation_and_says_what_was_counted(variant):
    plan = plan_of(variant)
    content, text = json.loads(format_json(plan)), format_latex(plan)
    *rows, total = read_latex(text)
    assert {len(row) for row in rows} == {8} == {len(total)}
    assert [row[0].replace("\\_", "_") for row in rows] == [layer["name"] for layer in content["layers"]]
    assert sum(int(row[6]) for row in rows) == int(total[6]) == content["params"]
    assert sum(int(row[7]) for row in rows) == int(total[7]) == content["macs"]
    caption = re.search(r"\\caption\{(.*)\}", text).group(1)
    size = " $\\times$ ".join(map(str, content["input"]))
    assert caption.startswith(f"Cost of {variant.replace('_', chr(92) + '_')} at {size}. MACs: multiply-adds of")
    assert not re.search(r"[^\x00-\x7f]", text)


def test_latex_breaks_across_pages_where_one_does_not_hold_it():
    assert "\\begin{longtable}{llllrrrr}" in format_latex(plan_of("resnet50"))
    small = format_latex(plan_of("resnet8"))  # 29 operations
    assert small.startswith("% needs the package booktabs\n\\begin{table}")
    for rule in ("toprule", "midrule", "bottomrule"):
        assert f"\\{rule}" in small
    assert small.count("{") == small.count("}")


def test_latexs_own_signs_are_escaped():
    assert escape_latex("50% of a_b & {c} #1 $x ^ ~ \\d") == (
        r"50\% of a\_b \& \{c\} \#1 \$x \textasciicircum{} \textasciitilde{} \textbackslash{}d"
    )
    assert escape_latex("3×3 → 1–2") == r"3$\times$3 $\rightarrow$ 1--2"


def test_text_is_aligned_and_ends_with_totals_and_convention():
    plan = plan_of("resnet18")
    table, totals = format_text(plan).split("\n\n")
    ends = {len(line) for line in table.splitlines()}
    assert len(ends) == 1  # numbers are set flush right
    assert totals == describe_totals(plan)
    assert "11,689,512 parameters" in totals and "1,814,073,344 MACs" in totals and "3,628,146,688 FLOPs" in totals
    assert totals.endswith("FLOPs = 2 × MACs.")


def read_number(text):
    return int((text or "0").replace("\u2009", ""))


def read_html(plan, fold):
    """Groups of the table: (name of the group, its cells, [(name of a row, its cells)])."""
    table = ElementTree.fromstring(draw_table(plan, fold))
    groups = []
    for body in table.findall("tbody"):
        head, *rows = body.findall("tr")
        groups.append((head, rows))
    return table, groups


def cell(row, number):
    return "".join(row.findall("td")[number].itertext())


@pytest.mark.parametrize("fold", [True, False])
@pytest.mark.parametrize("variant", [*PRESETS, "resnet50,shortcut=C", "resnet56,shortcut=none"])
def test_groups_of_the_page_sum_to_the_totals(variant, fold):
    plan = plan_of(variant)
    content = json.loads(format_json(plan))
    table, groups = read_html(plan, fold)
    blocks = 0
    for head, rows in groups:
        badge = head.find(".//b")
        repeat = int(badge.text[1:]) if badge is not None else 1
        blocks += repeat if re.fullmatch(r"layer[0-9]\.[0-9]+", head.get("data-name")) else 0
        # a row's cells: op, output, kernel, stride, groups, params, macs, share; a group's first spans five
        rest = [read_number(cell(head, 1 + which)) - sum(read_number(cell(row, 5 + which)) for row in rows)
                for which in (0, 1)]  # fmt: skip
        if repeat > 1 and plan.architecture.connect is Connect.DENSE:  # each reads more than the first, which is shown
            assert all(value > (repeat - 1) * (read_number(cell(head, 1)) - rest[0]) for value in rest[:1])
        else:
            assert rest == [read_number(cell(head, 1 + which)) * (repeat - 1) // repeat for which in (0, 1)]
    assert blocks == sum(parse_variant(variant).depths)
    assert sum(read_number(cell(head, 1)) for head, _ in groups) == content["params"]
    assert sum(read_number(cell(head, 2)) for head, _ in groups) == content["macs"]
    foot = table.find("tfoot/tr")
    assert (read_number(cell(foot, 1)), read_number(cell(foot, 2))) == (content["params"], content["macs"])
    shares = [float(cell(head, 3).rstrip("%") or 0) for head, _ in groups]
    assert sum(shares) == pytest.approx(100, abs=0.051 * len(shares))


@pytest.mark.parametrize("variant", ["resnet50", "resnet20", "resnet34,shortcut=none"])
def test_rows_of_the_page_carry_the_operations_names(variant):
    plan = plan_of(variant)
    names = [layer["name"] for layer in json.loads(format_json(plan))["layers"]]
    _, groups = read_html(plan, False)
    rows = [row for _, rows in groups for row in rows]
    assert [row.get("data-name") for row in rows] == names == [row.find("th").text for row in rows]
    folded = [row.get("data-name") for _, rows in read_html(plan, True)[1] for row in rows]
    assert set(folded) < set(names)
    assert all(len(row.findall("td")) + 1 == len((*HEADINGS, *MORE)) for row in rows)


@pytest.mark.parametrize("fold", [True, False])
@pytest.mark.parametrize("variant", ["resnet50", "densenet121", "seresnetv2_50d", "resnet20,shortcut=none"])
def test_bytes_kept_add_up_over_the_groups(variant, fold):
    """The witness of the numbers themselves is torch, in tests/architecture/test_memory.py."""
    table, groups = read_html(plan_of(variant), fold)
    units = {"B": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9}
    kept = [cell(head, 4).split() for head, _ in groups]
    total, unit = cell(table.find("tfoot/tr"), 4).split()
    assert sum(float(number) * units[unit] for number, unit in kept) == pytest.approx(
        float(total) * units[unit], rel=0.01
    )


def test_a_name_of_markup_would_be_escaped(monkeypatch):
    from dataclasses import replace

    plan = plan_of(SMALL)
    evil = replace(plan, stem=(replace(plan.stem[0], name='<img src=x onerror="alert(1)">'), *plan.stem[1:]))
    html = draw_table(evil)
    assert "<img" not in html and "&lt;img src=x onerror=&quot;" in html
    ElementTree.fromstring(html)


def test_totals_in_sight_carry_exact_values():
    html = draw_totals(plan_of("resnet50"))
    assert re.findall(r"<b[^>]*>([^<]*)</b>", html) == ["25.6 M", "4.09 GMACs"]
    exact = [read_number(title) for title in re.findall(r'title="([0-9\u2009]*)"', html)]
    assert exact == [25557032, 4089184256, 8178368512]
    assert "depth 50" in html and "3 × 224 × 224" in html and "FLOPs = 2 × MACs" in html


def test_what_the_paper_prints_stands_beside_the_totals():
    assert "Published: 8.75% error on CIFAR-10, 270 k parameters" in draw_totals(plan_of("resnet20"))  # table 6: 0.27M
    assert "Published" not in draw_totals(plan_of("resnet20,shortcut=B"))

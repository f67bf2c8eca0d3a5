import io
import itertools
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from xml.etree import ElementTree

import pygraphviz
import pypdf
import pytest
import torch
from PIL import Image, ImageFont

from drawing import SVG, draw_graph, read_drawing
from explorer.architecture.plan import expand_plan
from explorer.architecture.variant import parse_variant
from explorer.errors import VariantError
from explorer.figures import graph as graph_module
from explorer.figures.export import export_graph
from explorer.figures.graph import draw_view
from explorer.figures.outline import View, format_view, parse_view
from explorer.figures.palette import PATH_COLOURS, PATH_DASHES
from explorer.figures.scene import Level
from explorer.network.build import build_network
from families import FAMILIES

OTHERS = ["resnet18,shortcut=A", "resnet50,shortcut=C", "resnet56,shortcut=none", "resnet50,stem=cifar"]
VARIANTS = ["resnet20", "resnet50", "resnet152", *OTHERS]
LEVELS = list(Level)
FOLDS = [True, False]


def plan_of(text):
    return expand_plan(parse_variant(text))


def read(text, level, fold=True):
    return read_drawing(draw_graph(plan_of(text), level, fold))


def list_boxes(text, level, fold=True):
    return [node for node in read(text, level, fold)[0] if not node.is_frame]


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("variant", VARIANTS)
def test_every_box_is_drawn_once_with_a_name_and_a_sentence(variant, level):
    for fold in FOLDS:
        boxes = list_boxes(variant, level, fold)
        assert len({box.name for box in boxes}) == len(boxes)
        for box in boxes:
            assert box.name.removesuffix(".shortcut") in box.title or box.name == "input"
            assert "@" not in box.title and "@" not in "".join(box.texts)
            assert (f"×{box.repeat}" in box.texts) == (box.repeat > 1)


@pytest.mark.parametrize("variant", FAMILIES)
def test_names_are_module_paths_of_the_built_network(variant):
    plan = plan_of(variant)
    with torch.device("meta"):
        paths = {name for name, _ in build_network(plan).named_modules()}
    for level in LEVELS:
        names = {node.name for node in read(variant, level, fold=False)[0]}
        made = {f"{stage.name}.{part}" for stage in plan.stages for part in ("shortcut", "merge")}
        assert names - {"input"} - (made if level is Level.STAGE else set()) <= paths
    assert {name for name, _ in plan.ops()} <= names


@pytest.mark.parametrize("level", LEVELS)
def test_a_plain_network_has_no_shortcut(level):
    for variant in ("resnet18", "resnet50", "resnet56"):
        nodes, lines = read(f"{variant},shortcut=none", level)
        assert lines and all(line.path is None for line in lines)
        assert not any("merge" in node.name or "shortcut" in node.name for node in nodes)
        assert any(line.path for line in read(variant, level)[1])


def test_kinds_of_shortcut_differ_in_more_than_colour():
    """Identity, A and projection each have a colour of their own, and a dash or a word beside it."""
    words = {}
    for option in "ABC":
        for box in list_boxes(f"resnet18,shortcut={option}", Level.BLOCK):
            if box.kind.startswith("path-"):
                words.setdefault(box.kind, set()).add(box.texts[0].split(",")[0])
    assert set(words) == {"path-identity", "path-pad", "path-projection"}
    assert all(len(group) == 1 for group in words.values())
    assert len(set.union(*words.values())) == 3
    svg = draw_graph(plan_of("resnet18,shortcut=A"), Level.BLOCK)
    for path in ElementTree.fromstring(svg).iter(f"{SVG}path"):
        for kind, colour in PATH_COLOURS.items():
            if f"path-{kind.name.lower()}" in path.get("class", "").split():
                assert colour in path.get("style")
                assert (path.get("stroke-dasharray") or "") == PATH_DASHES[kind]
    assert len({PATH_COLOURS[kind] for kind in PATH_COLOURS if kind.name in ("IDENTITY", "PAD", "PROJECTION")}) == 3


def kinds_by_block(option):
    boxes = list_boxes(f"resnet18,shortcut={option}", Level.BLOCK, fold=False)
    return {
        box.name.removesuffix(".shortcut"): box.kind.removeprefix("path-")
        for box in boxes
        if box.name.endswith(".shortcut")
    }


def test_each_block_is_styled_by_what_its_shortcut_is():
    """He et al. 2015, section 4.1; He et al. 2019, figure 2c for D."""
    blocks = [f"layer{stage}.{block}" for stage in (1, 2, 3, 4) for block in (0, 1)]
    changes = {"layer2.0", "layer3.0", "layer4.0"}
    for option, kind in {"A": "pad", "B": "projection", "D": "pooled"}.items():
        assert kinds_by_block(option) == {block: kind if block in changes else "identity" for block in blocks}
    assert kinds_by_block("C") == dict.fromkeys(blocks, "projection")
    assert kinds_by_block("none") == {}


def test_operations_of_a_shortcut_stand_beside_the_branch():
    sides = {"B": ["conv", "bn"], "D": ["pool", "conv", "bn"], "A": ["pad"], "C": ["conv", "bn"]}
    for option, ops in sides.items():
        boxes = {box.name: box for box in list_boxes(f"resnet18,shortcut={option}", Level.OP, fold=False)}
        column = [name for name in boxes if name.startswith("layer2.0.shortcut")]
        assert column == [f"layer2.0.shortcut.{op}" for op in ops]
        branch = [box for name, box in boxes.items() if name.startswith("layer2.0.branch")]
        for name in column:
            assert boxes[name].left > max(box.right for box in branch)
            assert min(box.top for box in branch) < boxes[name].top < boxes["layer2.0.merge"].top


def overlap(one, other):
    beside = one.right <= other.left + 0.01 or other.right <= one.left + 0.01
    return not (beside or one.bottom <= other.top + 0.01 or other.bottom <= one.top + 0.01)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("variant", [*FAMILIES, *OTHERS])
def test_boxes_stand_in_order_and_apart(variant, level):
    for fold in FOLDS:
        svg = draw_graph(plan_of(variant), level, fold)
        nodes, _ = read_drawing(svg)
        boxes = [node for node in nodes if not node.is_frame]
        main = [box for box in boxes if abs(box.x) < 0.1]
        assert all(above.bottom < below.top for above, below in itertools.pairwise(main))
        assert all(box.left > 0 for box in boxes if box not in main)
        ordered = sorted(boxes, key=lambda box: box.top)
        for index, box in enumerate(ordered):
            near = itertools.takewhile(lambda other, end=box.bottom: other.top < end, ordered[index + 1 :])
            assert not any(overlap(box, other) for other in near)
        left, top, width, height = map(float, ElementTree.fromstring(svg).get("viewBox").split())
        for node in nodes:
            assert left <= node.left and node.right <= left + width and top <= node.top and node.bottom <= top + height


@pytest.mark.parametrize("variant", ["resnet50", "densenet121", "preresnet56"])
def test_frames_hold_what_is_inside_them(variant):
    for fold in FOLDS:
        nodes, _ = read(variant, Level.OP, fold)
        frames = [node for node in nodes if node.is_frame]
        assert {"stem", "layer1", "layer1.0", "head"} <= {frame.name for frame in frames}
        for frame in frames:
            for node in nodes:
                if node.name.startswith(f"{frame.name}.") and not node.name.startswith("layer1.0"):
                    stage = frame.name.count(".") == 0  # a transition stands before its stage
                    if (stage and ".transition" not in node.name) or not (stage or node.is_frame):
                        assert frame.left < node.left and node.right < frame.right
                        assert frame.top < node.top and node.bottom < frame.bottom


def font(name):
    try:
        return ImageFont.truetype(f"{name}.ttf", 12)
    except OSError:
        return None


@pytest.mark.parametrize("level", LEVELS)
def test_text_fits_into_its_box(level):
    plain, bold = font("DejaVuSans"), font("DejaVuSans-Bold")
    if plain is None or bold is None:
        pytest.skip("DejaVu Sans, a wide font to measure with, is not installed")
    for variant in (*VARIANTS, "resnet50,width=4096,input=3x8192x8192,classes=10000000"):
        for box in list_boxes(variant, level):
            room = box.right - box.left - (0 if box.kind.startswith("path-") else 14)  # the stripe, on either side
            words = [text for text in box.texts if not text.startswith("×")]
            for number, line in enumerate(words):
                assert (plain if number else bold).getlength(line) <= room, line


def holds(box, x, y):
    return box.left + 2 < x < box.right - 2 and box.top + 2 < y < box.bottom - 2


@pytest.mark.parametrize("variant", ["resnet18", "resnet50", "resnet56", "resnet50,shortcut=C", "resnet50d"])
@pytest.mark.parametrize("level", LEVELS)
def test_lines_end_at_their_boxes_and_cross_no_other(variant, level):
    nodes, lines = read(variant, level)
    boxes = {node.name: node for node in nodes if not node.is_frame}
    for line in lines:
        x, y = line.points[-1]
        head = boxes[line.to]
        assert head.left - 0.1 <= x <= head.right + 0.1 and head.top - 0.1 <= y <= head.bottom + 0.1
        for (x0, y0), (x1, y1) in itertools.pairwise(line.points):
            for step in range(21):
                at, down = x0 + (x1 - x0) * step / 20, y0 + (y1 - y0) * step / 20
                assert not any(
                    b.left + 2 < at < b.right - 2 and b.top + 2 < down < b.bottom - 2 for b in boxes.values()
                )


@pytest.mark.parametrize("variant", ["resnet50", "preresnet20", "resnetv2_50"])
def test_a_shortcut_leaves_before_the_branch_and_ends_at_the_sum(variant):
    """A projection of a pre-activation network reads what the shared norm and activation give, an identity x itself."""
    nodes, lines = read(variant, Level.OP, fold=False)
    boxes = {node.name: node for node in nodes if not node.is_frame}
    for name in {name.rpartition(".merge")[0] for name in boxes if name.endswith(".merge")}:
        starts = [line for line in lines if line.path and line.to.startswith(f"{name}.shortcut")]
        start = min(starts, key=lambda line: line.points[0][1])
        inside = [box for box in boxes.values() if box.name.startswith(f"{name}.") and abs(box.x) < 0.1]
        shared = [box for box in inside if box.name.startswith(f"{name}.before")]
        if start.path == "projection" and shared:
            assert shared[-1].bottom < start.points[0][1] < boxes[f"{name}.branch.conv1"].top
        else:
            assert start.points[0][1] < inside[0].top
        (end,) = [line for line in lines if line.path and line.to == f"{name}.merge"]
        assert abs(end.points[-1][1] - (boxes[f"{name}.merge"].top + boxes[f"{name}.merge"].bottom) / 2) < 0.1


def test_what_is_opened_closed_and_unfolded_is_drawn_so():
    plan = plan_of("resnet50")
    view = View(flipped=frozenset({"layer1.0", "layer3"}), unfolded=frozenset({"layer2.1"}))
    names = {node.name for node in read_drawing(draw_view(plan, view))[0]}
    assert "layer1.0.branch.conv2" in names and "layer1.1" in names and "layer1.2" not in names
    assert {"layer2.0", "layer2.1", "layer2.2", "layer2.3"} <= names
    assert "layer3" in names and not any(name.startswith("layer3.0") for name in names)


def test_a_view_is_read_and_written_as_a_link_holds_it():
    view = View(Level.OP, False, frozenset({"layer1.0", "layer3"}), frozenset({"layer2.1"}))
    written = format_view(view)
    assert written == {"level": "op", "fold": "0", "x": "layer1.0~layer3~layer2.1*"}
    assert parse_view(written["level"], written["fold"] != "0", written["x"]) == view
    assert format_view(View()) == {"level": "", "fold": "", "x": ""}
    assert parse_view("nonsense", True, "<b>~~*") == View(flipped=frozenset({"<b>", ""}), unfolded=frozenset({""}))
    assert draw_view(plan_of("resnet18"), parse_view("block", True, "<b>~layer9*")) == draw_graph(
        plan_of("resnet18"), Level.BLOCK
    )


def test_exports_are_what_their_names_say():
    plan = plan_of("resnet20")
    for level in LEVELS:
        svg = ElementTree.fromstring(export_graph(plan, level, "svg"))
        assert svg.tag == f"{SVG}svg" and len(list(svg.iter(f"{SVG}style"))) == 1
        png = export_graph(plan, level, "png")
        with Image.open(io.BytesIO(png)) as image:
            image.load()
            assert image.format == "PNG" and min(image.size) > 100
        pdf = export_graph(plan, level, "pdf")
        assert pdf.startswith(b"%PDF-") and len(pypdf.PdfReader(io.BytesIO(pdf)).pages) == 1
        page = export_graph(plan, level, "html").decode()
        assert page.startswith("<!doctype html>")
        assert not re.search(r"""(src|href)=["']|@import|url\((?!#)""", page)  # it asks nobody for anything


@pytest.mark.parametrize("variant", ["resnet50", "resnet20", "resnet34,shortcut=none", "densenet121"])
@pytest.mark.parametrize("level", LEVELS)
def test_dot_is_read_by_graphviz_with_the_same_boxes_and_lines(variant, level):
    nodes, lines = read(variant, level)
    dot = pygraphviz.AGraph(string=export_graph(plan_of(variant), level, "dot").decode())
    assert set(dot.nodes()) == {node.name for node in nodes if not node.is_frame}
    assert sorted(head for _, head in dot.edges()) == sorted(line.to for line in lines)
    dot.close()


def test_pictures_from_threads_equal_those_in_a_row():
    jobs = [(variant, level) for variant in ("resnet18", "resnet50") for level in LEVELS] * 2

    def draw(job):
        return export_graph(plan_of(job[0]), job[1], "png")

    expected = [draw(job) for job in jobs]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(draw, jobs)) == expected


@pytest.mark.parametrize("wrong", ["jpg", "", "svg ", "x" * 500])
def test_another_format_is_refused(wrong):
    with pytest.raises(VariantError, match="svg, png, pdf, dot, html"):
        export_graph(plan_of("resnet18"), Level.STAGE, wrong)


def test_too_many_boxes_for_graphviz_are_refused_with_what_to_do():
    view = View(Level.OP, fold=False)
    with pytest.raises(VariantError, match="fold repeats"):
        export_graph(plan_of("resnet1202"), view, "pdf")
    boxes = [node for node in read_drawing(draw_view(plan_of("resnet1202"), view))[0] if not node.is_frame]
    assert len(boxes) > 4000  # the drawing itself has no such limit


def test_no_graphviz_of_the_system_is_needed(tmp_path):
    """In a process that finds no program at all."""
    code = (
        "import sys; from pathlib import Path\n"
        "from explorer.architecture.plan import expand_plan\n"
        "from explorer.architecture.variant import parse_variant\n"
        "from explorer.figures.export import export_graph\n"
        "from explorer.figures.scene import Level\n"
        "plan = expand_plan(parse_variant('resnet18'))\n"
        "for kind in ('svg', 'png', 'pdf', 'dot'): Path(sys.argv[1], 'g.' + kind).write_bytes("
        "export_graph(plan, Level.BLOCK, kind))\n"
    )
    root = Path(graph_module.__file__).parents[2]
    environment = {**os.environ, "PATH": "", "PYTHONPATH": str(root)}
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], env=environment, check=True, timeout=100)
    magic = {"svg": b"<?xml", "png": b"\x89PNG\r\n\x1a\n", "pdf": b"%PDF-", "dot": b"digraph"}
    for kind, start in magic.items():
        assert (tmp_path / f"g.{kind}").read_bytes().startswith(start)

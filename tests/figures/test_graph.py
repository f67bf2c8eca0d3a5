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

from explorer.architecture.plan import expand_plan
from explorer.architecture.variant import parse_variant
from explorer.errors import VariantError
from explorer.figures import graph as graph_module
from explorer.figures.graph import draw_graph, export_graph
from explorer.figures.layout import compute_layout
from explorer.figures.scene import Level, compose_scene
from explorer.network.build import build_network
from families import FAMILIES

PRESETS = FAMILIES
OTHERS = ["resnet18,shortcut=A", "resnet50,shortcut=C", "resnet56,shortcut=none", "resnet50,stem=cifar"]
VARIANTS = ["resnet20", "resnet50", "resnet152", *OTHERS]
LEVELS = list(Level)
FOLDS = [True, False]
SVG = "{http://www.w3.org/2000/svg}"


def plan_of(text):
    return expand_plan(parse_variant(text))


def list_nodes(svg):
    return [group for group in ElementTree.fromstring(svg).iter(f"{SVG}g") if group.get("data-name")]


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("variant", VARIANTS)
def test_every_node_is_drawn_once_with_a_name_and_a_sentence(variant, level):
    plan = plan_of(variant)
    for fold in FOLDS:
        scene = compose_scene(plan, level, fold)
        groups = list_nodes(draw_graph(plan, level, fold))
        assert [group.get("data-name") for group in groups] == [node.id for node in scene.nodes]
        assert [int(group.get("data-repeat")) for group in groups] == [node.repeat for node in scene.nodes]
        for group, node in zip(groups, scene.nodes, strict=True):
            texts = [text.text for text in group.iter(f"{SVG}text")]
            badge = [f"×{node.repeat}"] if node.repeat > 1 else []
            assert texts == ([] if node.lines == ("+",) else [*node.lines, *badge])
            assert group.find(f"{SVG}title").text == group.get("aria-label")


@pytest.mark.parametrize("variant", PRESETS)
def test_names_are_module_paths_of_the_built_network(variant):
    plan = plan_of(variant)
    with torch.device("meta"):
        paths = {name for name, _ in build_network(plan).named_modules()}
    names = {group.get("data-name") for group in list_nodes(draw_graph(plan, Level.OP, fold=False))}
    assert names - {"input"} <= paths
    leaves = {name for name, op in plan.ops()}
    assert leaves <= names if len(leaves) < 700 else True
    parts = {group.get("data-name") for group in list_nodes(draw_graph(plan, Level.BLOCK, fold=False))}
    assert parts - {"input"} <= paths
    stages = {group.get("data-name") for group in list_nodes(draw_graph(plan, Level.STAGE))}
    assert {name for name in stages if "." not in name} - {"input"} <= paths


def edges(svg):
    return [path for path in ElementTree.fromstring(svg).iter(f"{SVG}path") if "edge" in path.get("class", "")]


@pytest.mark.parametrize("level", LEVELS)
def test_a_plain_network_has_no_shortcut_lines(level):
    plain = edges(draw_graph(plan_of("resnet34,shortcut=none"), level))
    assert plain and all(path.get("class") == "edge" for path in plain)
    assert any("shortcut" in path.get("class") for path in edges(draw_graph(plan_of("resnet34"), level)))


def test_kinds_of_shortcut_differ_in_more_than_colour():
    """Identity, A and projection each have a colour of their own, and a dash or a word beside it."""
    looks, words = {}, {}
    for option in "ABC":
        svg = draw_graph(plan_of(f"resnet18,shortcut={option}"), Level.BLOCK)
        for path in edges(svg):
            if "shortcut" in path.get("class"):
                colour = re.search(r"stroke:(#\w{6})", path.get("style"))[1]
                looks.setdefault(path.get("class").split()[-1], set()).add((colour, path.get("stroke-dasharray")))
        for group in list_nodes(svg):
            if group.get("class").startswith("node path-"):
                first = group.find(f"{SVG}text").text.split(",")[0]
                words.setdefault(group.get("class").split()[-1], set()).add(first)
    assert set(looks) == set(words) == {"path-identity", "path-pad", "path-projection"}
    assert all(len(look) == 1 for look in looks.values()) and all(len(word) == 1 for word in words.values())
    assert len({colour for look in looks.values() for colour, _ in look}) == 3
    assert len({word for group in words.values() for word in group}) == 3
    assert next(iter(looks["path-pad"]))[1]  # dashed


def kinds_by_block(option):
    svg = draw_graph(plan_of(f"resnet18,shortcut={option}"), Level.BLOCK, fold=False)
    return {
        group.get("data-name").removesuffix(".shortcut"): group.get("class").split()[-1].removeprefix("path-")
        for group in list_nodes(svg)
        if group.get("data-name").endswith(".shortcut")
    }


def test_each_block_is_styled_by_what_its_shortcut_is():
    blocks = [f"layer{stage}.{block}" for stage in (1, 2, 3, 4) for block in (0, 1)]
    changes = {"layer2.0", "layer3.0", "layer4.0"}
    assert kinds_by_block("A") == {block: "pad" if block in changes else "identity" for block in blocks}
    assert kinds_by_block("B") == {block: "projection" if block in changes else "identity" for block in blocks}
    assert kinds_by_block("C") == dict.fromkeys(blocks, "projection")
    assert kinds_by_block("none") == {}


def overlap(one, other):
    beside = abs(one.x - other.x) * 2 >= one.width + other.width - 0.01
    return not (beside or abs(one.y - other.y) * 2 >= one.height + other.height - 0.01)


def font(name):
    try:
        return ImageFont.truetype(f"{name}.ttf", 12)
    except OSError:
        return None


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("variant", [*PRESETS, *OTHERS])
def test_boxes_stand_in_order_and_apart(variant, level):
    for fold in FOLDS:
        scene = compose_scene(plan_of(variant), level, fold)
        layout = compute_layout(scene)
        main = [layout.boxes[node.id] for node in scene.nodes if not node.side]
        side = [layout.boxes[node.id] for node in scene.nodes if node.side]
        assert max(box.x for box in main) - min(box.x for box in main) < 0.6  # DOT's own rounding
        assert all(above.y < below.y for above, below in itertools.pairwise(main))
        assert all(box.x - box.width / 2 > main[0].x for box in side)
        boxes = sorted(layout.boxes.values(), key=lambda box: box.y - box.height / 2)
        for index, box in enumerate(boxes):
            bottom = box.y + box.height / 2
            near = itertools.takewhile(lambda other, at=bottom: other.y - other.height / 2 < at, boxes[index + 1 :])
            assert not any(overlap(box, other) for other in near)
        for box in boxes:
            assert box.width / 2 - 0.6 <= box.x <= layout.width - box.width / 2 + 0.6
            assert box.height / 2 - 0.6 <= box.y <= layout.height - box.height / 2 + 0.6


@pytest.mark.parametrize("level", LEVELS)
def test_text_fits_into_its_box(level):
    plain, bold = font("DejaVuSans"), font("DejaVuSans-Bold")
    if plain is None or bold is None:
        pytest.skip("DejaVu Sans, a wide font to measure with, is not installed")
    for variant in (*VARIANTS, "resnet50,width=4096,input=3x8192x8192,classes=10000000"):
        scene = compose_scene(plan_of(variant), level)
        boxes = compute_layout(scene).boxes
        for node in scene.nodes:
            room = boxes[node.id].width - (0 if node.style.startswith("path-") else 14)  # the stripe, on either side
            for number, line in enumerate(node.lines if node.lines != ("+",) else ()):
                assert (plain if number else bold).getlength(line) <= room, line


def bezier(points, steps=6):
    """Points along a curve of cubic segments, by de Casteljau's polynomial."""
    for start in range(0, len(points) - 1, 3):
        a, b, c, d = points[start : start + 4]
        for t in (step / steps for step in range(steps + 1)):
            weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3)
            yield tuple(sum(w * p[axis] for w, p in zip(weights, (a, b, c, d), strict=True)) for axis in (0, 1))


@pytest.mark.parametrize("variant", ["resnet18", "resnet50", "resnet56", "resnet50,shortcut=C"])
@pytest.mark.parametrize("level", LEVELS)
def test_lines_join_their_boxes_and_cross_no_other(variant, level):
    scene = compose_scene(plan_of(variant), level)
    layout = compute_layout(scene)
    assert len(layout.curves) == len(scene.edges)
    for edge, points in zip(scene.edges, layout.curves, strict=True):
        for x, y in bezier(points):
            inside = {
                name
                for name, box in layout.boxes.items()
                if abs(x - box.x) < box.width / 2 - 2 and abs(y - box.y) < box.height / 2 - 2
            }
            assert inside <= {edge.tail, edge.head}
        (x, y), tail, head = points[0], layout.boxes[edge.tail], layout.boxes[edge.head]
        assert abs(y - tail.y) <= tail.height / 2 + 2 and abs(x - tail.x) <= tail.width / 2 + 2
        assert abs(points[-1][1] - head.y) <= head.height / 2 + 12  # room for the arrow's head


def test_layouts_from_threads_equal_those_in_a_row():
    jobs = [(variant, level) for variant in ("resnet18", "resnet50", "resnet110", "resnet152") for level in LEVELS] * 2

    def layout(job):
        return compute_layout(compose_scene(plan_of(job[0]), job[1]))

    expected = [layout(job) for job in jobs]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(layout, jobs)) == expected


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


@pytest.mark.parametrize("variant", ["resnet50", "resnet20", "resnet34,shortcut=none"])
@pytest.mark.parametrize("level", LEVELS)
def test_dot_is_read_by_graphviz_with_all_nodes_and_edges(variant, level):
    plan = plan_of(variant)
    scene = compose_scene(plan, level)
    dot = pygraphviz.AGraph(string=export_graph(plan, level, "dot").decode())
    assert set(dot.nodes()) == {node.id for node in scene.nodes}
    assert set(dot.edges()) == {(edge.tail, edge.head) for edge in scene.edges}
    dot.close()


@pytest.mark.parametrize("wrong", ["jpg", "", "svg ", "x" * 500])
def test_another_format_is_refused(wrong):
    with pytest.raises(VariantError, match="svg, png, pdf, dot"):
        export_graph(plan_of("resnet18"), Level.STAGE, wrong)


def test_no_graphviz_of_the_system_is_needed(tmp_path):
    """In a process that finds no program at all."""
    code = (
        "import sys; from pathlib import Path\n"
        "from explorer.architecture.plan import expand_plan\n"
        "from explorer.architecture.variant import parse_variant\n"
        "from explorer.figures.graph import draw_graph, export_graph\n"
        "from explorer.figures.scene import Level\n"
        "plan = expand_plan(parse_variant('resnet18'))\n"
        "assert draw_graph(plan, Level.BLOCK).startswith('<svg')\n"
        "for kind in ('svg', 'png', 'pdf', 'dot'): Path(sys.argv[1], 'g.' + kind).write_bytes("
        "export_graph(plan, Level.BLOCK, kind))\n"
    )
    root = Path(graph_module.__file__).parents[2]
    environment = {**os.environ, "PATH": "", "PYTHONPATH": str(root)}
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], env=environment, check=True, timeout=100)
    magic = {"svg": b"<?xml", "png": b"\x89PNG\r\n\x1a\n", "pdf": b"%PDF-", "dot": b"digraph"}
    for kind, start in magic.items():
        assert (tmp_path / f"g.{kind}").read_bytes().startswith(start)

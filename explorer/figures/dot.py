"""The graph for Graphviz: DOT of what is open, and pictures of it, drawn in-process (pygraphviz carries Graphviz)."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from itertools import pairwise

import graphviz
import pygraphviz

from explorer.errors import VariantError
from explorer.figures.layout import LINE_HEIGHT, measure_node
from explorer.figures.palette import PATH_COLOURS, PATH_DASHES, node_colour
from explorer.figures.scene import SELF, Node, Unit

MAX_NODES = 700  # dot needs 0.1 s for as many, 8 s for 4,200
INCH = 72.0
_GRAPHVIZ = threading.Lock()  # its C library keeps state of its own
Named = tuple[str, Unit]  # a part's name, and what is drawn of it


def write_dot(units: Sequence[Named]) -> str:
    """Write parts in a row as DOT. Main path in one group, so that it runs straight down; shortcuts leave on the right.

    Raises `VariantError` for more than `MAX_NODES` boxes.
    """
    count = sum(len(unit.nodes) for _, unit in units)
    if count > MAX_NODES:
        raise VariantError(
            f"{count:,} boxes are more than Graphviz lays out in good time ({MAX_NODES}): fold repeats, take a "
            "coarser level, or save the graph as SVG."
        )
    graph = graphviz.Digraph(
        graph_attr={"ordering": "out", "ranksep": "0.22", "nodesep": "0.32", "splines": "spline", "pad": "0.1"},
        node_attr={"shape": "box", "fixedsize": "true", "fontname": "Helvetica", "fontsize": "12", "margin": "0"},
        edge_attr={"arrowsize": "0.6", "color": "#6b7280"},
    )
    for name, unit in units:
        for node in unit.nodes:
            graph.node(_quote(node.id, name), **_node_attributes(node, name, node in unit.side))
    edges = list(_list_edges(units))
    for tail, head, attributes in sorted(edges, key=lambda edge: "style" in edge[2]):
        graph.edge(tail, head, **attributes)
    return str(graph.source)


def _quote(id: str, name: str) -> str:
    return id.replace(SELF, name).replace(":", "_")  # the DOT writer reads a colon as a port


def _list_edges(units: Sequence[Named]) -> Iterator[tuple[str, str, dict[str, str]]]:
    last = ""
    for name, unit in units:
        before = last
        for index, node in enumerate(unit.main):
            if index == unit.fork:
                before = last
            id = _quote(node.id, name)
            if last:
                yield last, id, {"weight": "100"}
            last = id
        if unit.path is None:
            continue
        style = "dashed" if PATH_DASHES[unit.path] else "solid"
        look = {"color": PATH_COLOURS[unit.path], "style": style, "penwidth": "1.6", "weight": "1"}
        chain = [before, *(_quote(node.id, name) for node in unit.side), _quote(unit.main[unit.join].id, name)]
        yield from ((tail, head, look) for tail, head in pairwise(chain))


def _node_attributes(node: Node, name: str, side: bool) -> dict[str, str]:
    width, height = measure_node(node)
    lines = [line.replace(SELF, name) for line in node.lines] + ([f"×{node.repeat}"] if node.repeat > 1 else [])
    attributes = {
        "label": "\\n".join(lines),
        "width": f"{width / INCH:.3f}",
        "height": f"{(height + (LINE_HEIGHT if node.repeat > 1 else 0)) / INCH:.3f}",
        "color": node_colour(node.style),
    }
    if node.lines == ("+",):
        attributes["shape"] = "circle"
    if node.style.startswith("path-"):
        attributes["style"] = "rounded"
    return attributes | ({} if side else {"group": "main"})


def render_dot(dot: str, file_format: str) -> bytes:
    """Lay out and draw DOT with Graphviz: svg, png, pdf or plain."""
    with _GRAPHVIZ:
        graph = pygraphviz.AGraph(string=dot)
        try:
            return bytes(graph.draw(format=file_format, prog="dot"))
        finally:
            graph.close()

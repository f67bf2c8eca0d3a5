"""Where the boxes go: `graphviz` writes the DOT, `pygraphviz` (its wheel carries Graphviz) lays it out in-process."""

from __future__ import annotations

import threading
from dataclasses import dataclass

import graphviz
import pygraphviz

from explorer.figures.palette import KIND_COLOURS, PATH_COLOURS, PATH_DASHES
from explorer.figures.scene import Edge, Node, Scene

INCH = 72.0
LINE_HEIGHT, CHARACTER = 15.0, 6.9  # at 12 px
_GRAPHVIZ = threading.Lock()  # its C library keeps state of its own; layouts take milliseconds


@dataclass(frozen=True, slots=True)
class Box:
    """Centre and size in pixels, y downwards."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Layout:
    """Boxes by node id, and for each edge the points of its curve: a start, then triples for Bézier segments."""

    width: float
    height: float
    boxes: dict[str, Box]
    curves: list[list[tuple[float, float]]]


def measure_node(node: Node) -> tuple[float, float]:
    """Width and height in pixels that a node's text needs."""
    if node.lines == ("+",):
        return 26.0, 26.0
    longest = max(map(len, node.lines))
    badge = 34 if node.repeat > 1 else 0
    return max(64.0, longest * CHARACTER + 26 + badge), len(node.lines) * LINE_HEIGHT + 12


def write_dot(scene: Scene, labels: bool = True) -> str:
    """Write the scene as DOT. Main path in one group, so that it runs straight down; shortcuts leave on the right."""
    graph = graphviz.Digraph(
        graph_attr={"ordering": "out", "ranksep": "0.22", "nodesep": "0.32", "splines": "spline", "pad": "0.1"},
        node_attr={"shape": "box", "fixedsize": "true", "fontname": "Helvetica", "fontsize": "12", "margin": "0"},
        edge_attr={"arrowsize": "0.6", "color": "#6b7280"},
    )
    for node in scene.nodes:
        graph.node(_quote(node.id), **_node_attributes(node, labels))
    for edge in sorted(scene.edges, key=lambda edge: edge.path is not None):
        graph.edge(_quote(edge.tail), _quote(edge.head), **_edge_attributes(edge))
    return str(graph.source)


def _quote(name: str) -> str:
    return name.replace(":", "_")  # the DOT writer reads a colon as a port


def _node_attributes(node: Node, labels: bool) -> dict[str, str]:
    width, height = measure_node(node)
    text = "\\n".join(node.lines) + (f"\\n×{node.repeat}" if node.repeat > 1 and labels else "")
    attributes = {
        "label": text if labels else "",
        "width": f"{width / INCH:.3f}",
        "height": f"{(height + (LINE_HEIGHT if node.repeat > 1 and labels else 0)) / INCH:.3f}",
        "color": node_colour(node.style),
    }
    if node.lines == ("+",):
        attributes["shape"] = "circle"
    if node.style.startswith("path-"):
        attributes["style"] = "rounded"
    return attributes | ({} if node.side else {"group": "main"})


def _edge_attributes(edge: Edge) -> dict[str, str]:
    if edge.path is None:
        return {"weight": "100"}
    style = "dashed" if PATH_DASHES[edge.path] else "solid"
    return {"color": PATH_COLOURS[edge.path], "style": style, "penwidth": "1.6", "weight": "1"}


def node_colour(style: str) -> str:
    """The colour of a node's kind; neutral for what holds several kinds."""
    colours = {kind.value: colour for kind, colour in KIND_COLOURS.items()}
    colours |= {f"path-{path.name.lower()}": colour for path, colour in PATH_COLOURS.items()}
    return colours.get(style, "#6b7280")


def render_dot(dot: str, file_format: str) -> bytes:
    """Lay out and draw DOT with Graphviz: svg, png, pdf or plain."""
    with _GRAPHVIZ:
        graph = pygraphviz.AGraph(string=dot)
        try:
            return bytes(graph.draw(format=file_format, prog="dot"))
        finally:
            graph.close()


def compute_layout(scene: Scene) -> Layout:
    """Place every node and edge of a scene."""
    lines = [line.split() for line in render_dot(write_dot(scene, labels=False), "plain").decode().splitlines()]
    height = float(lines[0][3])
    boxes, curves = {}, {}
    for line in lines:
        if line[0] == "node":
            x, y, w, h = (float(value) * INCH for value in line[2:6])
            boxes[line[1].strip('"')] = Box(x, height * INCH - y, w, h)
        if line[0] == "edge":
            numbers = [float(value) * INCH for value in line[4 : 4 + 2 * int(line[3])]]
            points = list(zip(numbers[::2], [height * INCH - y for y in numbers[1::2]], strict=True))
            curves[line[1].strip('"'), line[2].strip('"')] = points
    return Layout(
        float(lines[0][2]) * INCH,
        height * INCH,
        {node.id: boxes[_quote(node.id)] for node in scene.nodes},
        [curves[_quote(edge.tail), _quote(edge.head)] for edge in scene.edges],
    )

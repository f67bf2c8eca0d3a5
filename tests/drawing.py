"""Reads a drawn graph back: boxes, frames and lines with where they stand, from the SVG alone."""

import re
from dataclasses import dataclass
from xml.etree import ElementTree

from explorer.figures.graph import draw_view
from explorer.figures.outline import View

SVG = "{http://www.w3.org/2000/svg}"


def draw_graph(plan, level, fold=True):
    """The whole graph at one level."""
    return draw_view(plan, View(level, fold))


@dataclass(frozen=True)
class Drawn:
    """A box or a frame: its name, words and place. `kind` is the last of its classes."""

    name: str
    kind: str
    title: str
    texts: tuple
    repeat: int
    left: float
    top: float
    right: float
    bottom: float

    @property
    def x(self):
        return (self.left + self.right) / 2

    @property
    def is_frame(self):
        return self.kind == "frame"


@dataclass(frozen=True)
class Line:
    """A line: the kind of its shortcut or None, the box it leads to, and the points it passes."""

    path: str | None
    to: str
    points: tuple


def read_drawing(svg):
    """All boxes, frames and lines of an SVG, in the order they are drawn."""
    nodes, lines = [], []
    for group, dx, dy in _walk(ElementTree.fromstring(svg), 0.0, 0.0):
        if group.tag == f"{SVG}g" and "node" in group.get("class", "").split():
            nodes.append(_read_node(group, dx, dy))
        if group.tag == f"{SVG}path" and group.get("data-to"):
            kind = re.search(r"path-(\w+)", group.get("class"))
            points = tuple((x + dx, y + dy) for x, y in _read_points(group.get("d")))
            lines.append(Line(kind[1] if kind else None, group.get("data-to"), points))
    return nodes, lines


def _walk(element, dx, dy):
    move = re.fullmatch(r"translate\((-?[\d.]+),(-?[\d.]+)\)", element.get("transform", ""))
    if move:
        dx, dy = dx + float(move[1]), dy + float(move[2])
    yield element, dx, dy
    for child in element:
        yield from _walk(child, dx, dy)


def _read_node(group, dx, dy):
    shape = next(child for child in group if child.tag in (f"{SVG}rect", f"{SVG}circle"))
    if shape.tag == f"{SVG}circle":
        x, y, r = (float(shape.get(name)) for name in ("cx", "cy", "r"))
        left, top, right, bottom = x - r, y - r, x + r, y + r
    else:
        left, top, width, height = (float(shape.get(name)) for name in ("x", "y", "width", "height"))
        right, bottom = left + width, top + height
    return Drawn(
        group.get("data-name"),
        group.get("class").split()[-1],
        group.find(f"{SVG}title").text,
        tuple("".join(text.itertext()) for text in group.iter(f"{SVG}text")),
        int(group.get("data-repeat")),
        left + dx, top + dy, right + dx, bottom + dy,
    )  # fmt: skip


def _read_points(d):
    """Corners of a line made of M, H, V and Q, the middle of each arc among them."""
    x = y = 0.0
    for command, numbers in re.findall(r"([MHVQ])([^MHVQ]*)", d):
        values = [float(value) for value in re.findall(r"-?[\d.]+", numbers)]
        if command == "H":
            x = values[0]
        elif command == "V":
            y = values[0]
        elif command == "Q":
            yield (x + 2 * values[0] + values[2]) / 4, (y + 2 * values[1] + values[3]) / 4
            x, y = values[2:]
        else:
            x, y = values
        yield x, y

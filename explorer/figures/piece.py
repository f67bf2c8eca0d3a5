"""Draw one part of the graph as SVG, its names still ``@``: what equal parts share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from typing import NamedTuple

from explorer.architecture.plan import Path
from explorer.figures.layout import LINE_HEIGHT, TURN, Box, Layout, place_unit
from explorer.figures.palette import PATH_COLOURS, PATH_DASHES, node_colour
from explorer.figures.scene import SELF, Node, Unit


class Spot(NamedTuple):
    """Where a box is within its part: name, centre and size; `side` is 1 beside the main path."""

    name: str
    x: float
    y: float
    width: float
    height: float
    side: int


@dataclass(frozen=True, slots=True)
class Piece:
    """The drawing of one part, its names beginning with ``@``, the main path at x = 0 and y from 0 to `height`."""

    svg: str
    left: float
    right: float
    height: float
    spots: tuple[Spot, ...]


@lru_cache(maxsize=4096)
def draw_unit(unit: Unit) -> Piece:
    """Draw one part."""
    layout = place_unit(unit)
    boxes = layout.main[: unit.join] + layout.side + layout.main[unit.join :]
    nodes = "".join(map(_draw_node, unit.nodes, boxes))
    spots = (
        Spot(
            node.id.removeprefix(SELF),
            round(box.x, 1),
            round(box.y, 1),
            round(box.width, 1),
            box.height,
            int(box.x > 0),
        )
        for node, box in zip(unit.nodes, boxes, strict=True)
    )
    return Piece("".join(_draw_edges(unit, layout)) + nodes, layout.left, layout.right, layout.height, tuple(spots))


def _draw_edges(unit: Unit, layout: Layout) -> Iterator[str]:
    y = 0.0
    for node, box in zip(unit.main, layout.main, strict=True):
        if box.top > y:
            yield _draw_line(f"M0,{y:.1f}V{box.top:.1f}", node.id)
        y = box.bottom
    if unit.path is None:
        return
    yield f'<circle class="fork" cy="{layout.fork:.1f}" r="2.6" style="fill:{PATH_COLOURS[unit.path]}"/>'
    x, end, y = layout.side[0].x, layout.main[unit.join], layout.fork
    start = f"M0,{y:.1f}H{x - TURN:.1f}Q{x:.1f},{y:.1f} {x:.1f},{y + TURN:.1f}"
    for node, box in zip(unit.side, layout.side, strict=True):
        yield _draw_line(f"{start}V{box.top:.1f}", node.id, unit.path, arrow=not node.style.startswith("path-"))
        start = f"M{x:.1f},{box.bottom:.1f}"
    corner = f"V{end.y - TURN:.1f}Q{x:.1f},{end.y:.1f} {x - TURN:.1f},{end.y:.1f}"
    yield _draw_line(f"{start}{corner}H{end.width / 2:.1f}", unit.main[unit.join].id, unit.path)


def _draw_line(curve: str, head: str, path: Path | None = None, arrow: bool = True) -> str:
    name = path.name.lower() if path else "main"
    marker = f' marker-end="url(#rx-arrow-{name})"' if arrow else ""
    if path is None:
        return f'<path class="edge" data-to="{head}" d="{curve}"{marker}/>'
    dashed = f' stroke-dasharray="{PATH_DASHES[path]}"' if PATH_DASHES[path] else ""
    look = f"stroke:{PATH_COLOURS[path]};stroke-width:2"
    return f'<path class="edge shortcut path-{name}" data-to="{head}" d="{curve}" style="{look}"{dashed}{marker}/>'


ARROWS = {"main": "#8a93a1"} | {path.name.lower(): colour for path, colour in PATH_COLOURS.items()}
MARKERS = "<defs>" + "".join(
    f'<marker id="rx-arrow-{name}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="9" markerHeight="9" '
    f'markerUnits="userSpaceOnUse" orient="auto-start-reverse"><path d="M0,0.5 L8,4 L0,7.5 z" fill="{colour}"/>'
    "</marker>"
    for name, colour in ARROWS.items()
) + "</defs>"  # fmt: skip


def _draw_node(node: Node, box: Box) -> str:
    body = _draw_sum(box) if node.lines == ("+",) else _draw_box(node, box)
    return (
        f'<g class="node {node.style}" data-name="{node.id}" data-repeat="{node.repeat}" role="button" '
        f'tabindex="-1"><title>{escape(node.label)}</title>{body}</g>'
    )


def _draw_sum(box: Box) -> str:
    radius = box.width / 2
    return (
        f'<circle class="box" cx="{box.x:.1f}" cy="{box.y:.1f}" r="{radius:.1f}"/>'
        f'<path d="M{box.x - 6:.1f},{box.y:.1f}h12M{box.x:.1f},{box.y - 6:.1f}v12" '
        'style="stroke:var(--rx-ink,var(--ink));stroke-width:1.8"/>'
    )


def _draw_box(node: Node, box: Box) -> str:
    left, top = box.x - box.width / 2, box.top
    shortcut = node.style.startswith("path-")
    colour = node_colour(node.style)
    radius = min(box.height / 2, 14) if shortcut else 5
    outline = f' style="stroke:{colour};{_dash(node.style)}"' if shortcut else ""
    parts = [
        f'<rect class="box" x="{left:.1f}" y="{top:.1f}" width="{box.width:.1f}" height="{box.height:.1f}" '
        f'rx="{radius:.0f}"{outline}/>'
    ]
    if not shortcut:
        parts.append(
            f'<rect x="{left + 3:.1f}" y="{top + 4:.1f}" width="4" height="{box.height - 8:.1f}" rx="2" '
            f'style="fill:{colour}"/>'
        )
    parts += _draw_text(node, box)
    if node.repeat > 1:
        parts.append(draw_badge(node.repeat, left + 2, top))
    return "".join(parts)


def _dash(style: str) -> str:
    dash = next((PATH_DASHES[path] for path in Path if style == f"path-{path.name.lower()}"), "")
    return f"stroke-dasharray:{dash};stroke-width:1.5" if dash else "stroke-width:1.5"


def _draw_text(node: Node, box: Box) -> list[str]:
    first = box.y - (len(node.lines) - 1) * LINE_HEIGHT / 2
    centre = box.x if node.style.startswith("path-") else box.x + 3  # beside the coloured stripe
    texts = []
    for index, line in enumerate(node.lines):
        style = "title" if index == 0 else "quiet" if index == len(node.lines) - 1 else ""
        y = first + index * LINE_HEIGHT
        texts.append(f'<text class="{style}" x="{centre:.1f}" y="{y:.1f}">{escape(line)}</text>')
    return texts


def draw_badge(repeat: int, x: float, y: float) -> str:
    """``×3``, centred."""
    width = 18 + 6 * len(str(repeat))
    return (
        f'<g class="times"><rect class="badge" x="{x - width / 2:.1f}" y="{y - 8.5:.1f}" width="{width}" height="17" '
        f'rx="8.5"/><text class="badge-text" x="{x:.1f}" y="{y:.1f}">×{repeat}</text></g>'
    )

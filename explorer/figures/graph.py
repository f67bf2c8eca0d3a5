"""The whole graph: its parts stacked below each other, as SVG, as data for the page, or as a file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

from explorer.architecture.plan import Kind, Path, Plan
from explorer.figures.outline import Item, View, outline_plan
from explorer.figures.palette import KIND_COLOURS, KIND_NAMES, PATH_COLOURS, PATH_DASHES, PATH_NAMES
from explorer.figures.piece import ARROWS, MARKERS, Piece, draw_badge, draw_unit
from explorer.figures.scene import SELF, Unit, compose_fold

MARGIN = 12.0
FRAME_TOP, FRAME_HEAD, FRAME_END, FRAME_SIDE = 12.0, 24.0, 14.0, 14.0  # around what is open
CHARACTER = 6.4  # of a frame's words, at 11 px
STYLE = """
.rx-svg{font:12px system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;
--surface:#fff;--line:#8a93a1;--ink:#1b2430;--quiet:#5b6675;--ground:#f6f7f9;--border:#dfe3e8}
.rx-svg text{fill:var(--rx-ink,var(--ink));text-anchor:middle;dominant-baseline:central}
.rx-svg .quiet{fill:var(--rx-quiet,var(--quiet))}
.rx-svg .title{font-weight:600}
.rx-svg .box{fill:var(--rx-surface,var(--surface));stroke:var(--rx-line,var(--line));stroke-width:1}
.rx-svg .frame>rect{fill:var(--rx-ground,var(--ground));stroke:var(--rx-border,var(--border));stroke-width:1}
.rx-svg .frame text{text-anchor:start;font-size:11px}
.rx-svg .edge{fill:none;stroke:var(--rx-line,var(--line));stroke-width:1.4}
.rx-svg .badge{fill:var(--rx-ink,var(--ink))}
.rx-svg .badge-text{fill:var(--rx-surface,var(--surface));font-weight:600;font-size:11px}
.rx-svg .node{cursor:pointer;outline:none}
.rx-svg .node.lit>.box{fill:var(--rx-light,#e7f1f8)}
.rx-svg .node.chosen>.box{stroke:var(--rx-accent,#0072b2)!important;stroke-width:2.5!important}
.rx-svg .node.frame.lit>rect,.rx-svg .node.frame.chosen>rect{stroke:var(--rx-accent,#0072b2)}
.rx-svg .node.frame.chosen>rect{stroke-width:2}
.rx-svg .heated>.box{fill:color-mix(in srgb,var(--rx-heat,#aa3377) var(--heat),var(--rx-surface,var(--surface)))}
.rx-svg .heated text:not(.badge-text){fill:var(--rx-ink,var(--ink))}
.rx-svg text.reading{text-anchor:end;font-size:11px;font-variant-numeric:tabular-nums;fill:var(--rx-quiet,var(--quiet))}
.rx-svg .sign,.rx-svg .times{cursor:pointer}
.rx-svg .sign .disc{fill:var(--rx-surface,var(--surface));stroke:var(--rx-line,var(--line))}
.rx-svg .sign path{stroke:var(--rx-ink,var(--ink));stroke-width:1.6}
.rx-svg .sign .reach{fill:transparent}
.rx-svg .sign:hover .disc{stroke:var(--rx-accent,#0072b2);stroke-width:2}
.rx-svg .is-added>.box{stroke:#009e73;stroke-width:2.5}
.rx-svg .is-removed>.box{stroke:#d55e00;stroke-width:2.5;stroke-dasharray:5 3}
.rx-svg .is-changed>.box{stroke:#b88600;stroke-width:2.5;stroke-dasharray:9 3}
"""


@dataclass(frozen=True, slots=True)
class Frame:
    """Around what is open, between two heights; `depth` counts the frames around it."""

    name: str
    title: str
    words: str
    repeat: int
    top: float
    bottom: float
    depth: int


@dataclass
class Stack:
    """Parts in a row, each with its height, and the frames around them. ``assets/js/stack.js`` stacks alike."""

    view: View
    y: float = 0.0
    placed: list[tuple[str, Piece, float]] = field(default_factory=list)
    frames: list[Frame] = field(default_factory=list)

    def add(self, items: Sequence[Item], depth: int = 0) -> None:
        """Put parts below what is there."""
        for item in items:
            if not self.view.is_folded(item):
                self._add_frame(item, depth, item.repeat, tuple(item.split()))
            elif not self.view.is_open(item):
                self._place(item.name, item.closed)
            else:
                self._add_frame(item, depth, item.repeat, item.parts)

    def _place(self, name: str, unit: Unit) -> None:
        piece = draw_unit(unit)
        self.placed.append((name, piece, self.y))
        self.y += piece.height

    def _add_frame(self, item: Item, depth: int, repeat: int, parts: Sequence[Item]) -> None:
        top, place = self.y + FRAME_TOP, len(self.frames)
        self.y = top + FRAME_HEAD
        if parts:
            self.add(parts, depth + 1)
        elif item.opened:
            self._place(item.name, item.opened)
        self.y += FRAME_END
        words = f"{repeat} alike" if parts and not item.parts else item.words
        self.frames.insert(place, Frame(item.name, item.title, words, repeat, top, self.y, depth))

    def measure(self) -> tuple[float, float]:
        """How far it reaches to the left and right of the main path, frames and their words included."""
        deepest = max((frame.depth for frame in self.frames), default=-1) + 1
        words = max((len(f"{f.title} {f.words}") * CHARACTER + 60 for f in self.frames), default=0.0)
        left, right = (max(getattr(piece, side) for _, piece, _ in self.placed) for side in ("left", "right"))
        return left + FRAME_SIDE * deepest, max(right, words) + FRAME_SIDE * deepest


def draw_view(plan: Plan, view: View) -> str:
    """Draw what is open of a plan."""
    stack = Stack(view)
    stack.add(outline_plan(plan))
    left, right = stack.measure()
    frames = "".join(_draw_frame(frame, left, right) for frame in stack.frames)
    line = f'<path class="edge" d="M0,20V{stack.y - 20:.1f}"/>'
    pieces = "".join(
        f'<g transform="translate(0,{y:.1f})">{piece.svg.replace(SELF, name)}</g>' for name, piece, y in stack.placed
    )
    width, height = left + right + 2 * MARGIN, stack.y + 2 * MARGIN
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="rx-svg" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="{-left - MARGIN:.1f} {-MARGIN} {width:.1f} {height:.1f}" role="group" '
        f'aria-label="Graph of the network">{MARKERS}<g>{frames}</g>{line}<g>{pieces}</g></svg>'
    )


def _draw_frame(frame: Frame, left: float, right: float) -> str:
    shrink = FRAME_SIDE * frame.depth
    width, height = left + right - 2 * shrink, frame.bottom - frame.top
    label = f"{frame.title}: {frame.words}" if frame.words else frame.title
    badge = draw_badge(frame.repeat, -left + shrink + 4, frame.top) if frame.repeat > 1 else ""
    y = frame.top + FRAME_HEAD / 2 + 2
    return (
        f'<g class="node frame" data-name="{frame.name}" data-repeat="{frame.repeat}" role="button" tabindex="-1">'
        f'<title>{escape(label)}</title><rect x="{-left + shrink:.1f}" y="{frame.top:.1f}" width="{width:.1f}" '
        f'height="{height:.1f}" rx="8"/><text x="14" y="{y:.1f}"><tspan class="title">{escape(frame.title)}</tspan>'
        f'<tspan class="quiet" dx="6">{escape(frame.words)}</tspan></text>{badge}</g>'
    )


def describe_graph(plan: Plan, view: View) -> dict[str, Any]:
    """The graph as the page stacks it: drawings of parts, each once, and the tree of parts that says where they stand.

    Equal blocks have one drawing, `single` when they stand alone; dense ones, which differ, have `members` of their own
    where `view` unfolds them.
    """
    pieces = _Pieces()
    items = [_describe_item(item, view, pieces) for item in outline_plan(plan)]
    return {"items": items, "pieces": pieces.data, "arrows": ARROWS}


class _Pieces:
    """Drawings by number, each once."""

    def __init__(self) -> None:
        self.numbers: dict[int, int] = {}
        self.data: list[dict[str, Any]] = []

    def number(self, unit: Unit | None) -> int | None:
        """The number of a part's drawing."""
        if unit is None:
            return None
        piece = draw_unit(unit)
        if id(piece) not in self.numbers:
            self.numbers[id(piece)] = len(self.data)
            self.data.append({name: getattr(piece, name) for name in Piece.__slots__})
        return self.numbers[id(piece)]


def _describe_item(item: Item, view: View, pieces: _Pieces) -> dict[str, Any]:
    data: dict[str, Any] = {"name": item.name, "title": item.title, "words": item.words, "repeat": item.repeat}
    data |= {"closed": pieces.number(item.closed), "opened": pieces.number(item.opened)}
    if item.parts:
        data["parts"] = [_describe_item(part, view, pieces) for part in item.parts]
    if item.fold and item.repeat > 1:
        alone = f"{item.fold.block.kind} block"
        if not item.fold.is_dense:
            data["single"] = {"words": alone, "closed": pieces.number(compose_fold(item.fold.blocks[:1]))}
        elif not view.is_folded(item):
            data["members"] = [_describe_item(member, view, pieces) for member in item.split()]
    return data


def draw_legend(plan: Plan) -> str:
    """The kinds of operations and shortcuts that the network has, as HTML."""
    colours: dict[str, str] = {}
    for _, op in plan.ops():
        if op.kind is Kind.FLATTEN:
            continue
        colours.setdefault(KIND_COLOURS[op.kind], KIND_NAMES[op.kind])
    kinds = [f'<span><i style="background:{colour}"></i>{name}</span>' for colour, name in colours.items()]
    paths = dict.fromkeys(block.path for _, block in plan.blocks())
    return "".join([*kinds, *(_draw_line(path) for path in paths if path is not Path.NONE)])


def _draw_line(path: Path) -> str:
    return (
        f'<span><svg width="26" height="8" aria-hidden="true"><path d="M1 4h24" stroke="{PATH_COLOURS[path]}" '
        f'stroke-width="2" stroke-dasharray="{PATH_DASHES[path]}"/></svg>{PATH_NAMES[path]} shortcut</span>'
    )

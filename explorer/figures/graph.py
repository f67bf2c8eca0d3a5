"""Draw the graph: a plan at one level as SVG for the page, or as a file."""

from __future__ import annotations

from functools import lru_cache
from html import escape

from explorer.architecture.plan import Kind, Path, Plan
from explorer.errors import VariantError
from explorer.figures.layout import (
    LINE_HEIGHT,
    Box,
    Layout,
    compute_layout,
    node_colour,
    render_dot,
    write_dot,
)
from explorer.figures.palette import KIND_COLOURS, KIND_NAMES, PATH_COLOURS, PATH_DASHES, PATH_NAMES
from explorer.figures.scene import Edge, Level, Node, compose_scene

FORMATS = ("svg", "png", "pdf", "dot")
MARGIN = 12
STYLE = """
.rx-svg{font:12px system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;
--surface:#fff;--line:#8a93a1;--ink:#1b2430;--quiet:#5b6675}
.rx-svg text{fill:var(--rx-ink,var(--ink));text-anchor:middle;dominant-baseline:central}
.rx-svg .quiet{fill:var(--rx-quiet,var(--quiet))}
.rx-svg .title{font-weight:600}
.rx-svg .box{fill:var(--rx-surface,var(--surface));stroke:var(--rx-line,var(--line));stroke-width:1}
.rx-svg .edge{fill:none;stroke:var(--rx-line,var(--line));stroke-width:1.4}
.rx-svg .badge{fill:var(--rx-ink,var(--ink))}
.rx-svg .badge-text{fill:var(--rx-surface,var(--surface));font-weight:600;font-size:11px}
.rx-svg .node{cursor:pointer;outline:none}
"""


@lru_cache(maxsize=256)
def draw_graph(plan: Plan, level: Level, fold: bool = True) -> str:
    """Draw a plan as an SVG whose nodes carry their module's path in ``data-name``."""
    scene = compose_scene(plan, level, fold)
    layout = compute_layout(scene)
    pairs = zip(scene.edges, layout.curves, strict=True)
    edges = "".join(_draw_edge(edge, points) for edge, points in pairs)
    nodes = "".join(_draw_node(node, layout.boxes[node.id]) for node in scene.nodes)
    return f"{_open_svg(layout)}{_MARKERS}<g>{edges}</g><g>{nodes}</g></svg>"


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


def export_graph(plan: Plan, level: Level, file_format: str) -> bytes:
    """Write the graph as the content of an svg, png, pdf or dot file. Raises `VariantError` for another format."""
    if file_format == "svg":
        svg = draw_graph(plan, level).replace("<g>", f"<style>{STYLE}</style><g>", 1)
        return ('<?xml version="1.0" encoding="UTF-8"?>\n' + svg + "\n").encode()
    dot = write_dot(compose_scene(plan, level))
    if file_format == "dot":
        return dot.encode()
    if file_format in FORMATS:
        return render_dot(dot, file_format)
    raise VariantError(f"“{file_format[:20]}” is no format for a graph: use {', '.join(FORMATS)}.")


_MARKERS = "<defs>" + "".join(
    f'<marker id="rx-arrow-{name}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
    f'orient="auto-start-reverse"><path d="M0,0.5 L8,4 L0,7.5 z" fill="{colour}"/></marker>'
    for name, colour in [("main", "#8a93a1"), *((path.name.lower(), c) for path, c in PATH_COLOURS.items())]
) + "</defs>"  # fmt: skip


def _open_svg(layout: Layout) -> str:
    width, height = layout.width + 2 * MARGIN, layout.height + 2 * MARGIN
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="rx-svg" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="{-MARGIN} {-MARGIN} {width:.1f} {height:.1f}" role="group" aria-label="Graph of the network">'
    )


def _draw_edge(edge: Edge, points: list[tuple[float, float]]) -> str:
    start, *rest = (f"{x:.1f},{y:.1f}" for x, y in points)
    curve = f"M{start} C{' '.join(rest)}"
    if edge.path is None:
        return f'<path class="edge" d="{curve}" marker-end="url(#rx-arrow-main)"/>'
    name, dash = edge.path.name.lower(), PATH_DASHES[edge.path]
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    return (
        f'<path class="edge shortcut path-{name}" d="{curve}" style="stroke:{PATH_COLOURS[edge.path]};'
        f'stroke-width:2"{dashed} marker-end="url(#rx-arrow-{name})"/>'
    )


def _draw_node(node: Node, box: Box) -> str:
    body = _draw_sum(box) if node.lines == ("+",) else _draw_box(node, box)
    return (
        f'<g class="node {node.style}" data-name="{escape(node.id)}" data-repeat="{node.repeat}" role="button" '
        f'tabindex="-1" aria-label="{escape(node.label)}"><title>{escape(node.label)}</title>{body}</g>'
    )


def _draw_sum(box: Box) -> str:
    radius = box.width / 2
    return (
        f'<circle class="box" cx="{box.x:.1f}" cy="{box.y:.1f}" r="{radius:.1f}"/>'
        f'<path d="M{box.x - 6:.1f},{box.y:.1f}h12M{box.x:.1f},{box.y - 6:.1f}v12" '
        'style="stroke:var(--rx-ink,var(--ink));stroke-width:1.8"/>'
    )


def _draw_box(node: Node, box: Box) -> str:
    left, top = box.x - box.width / 2, box.y - box.height / 2
    shortcut = node.style.startswith("path-")
    colour = node_colour(node.style)
    radius = box.height / 2 if shortcut else 5
    outline = f' style="stroke:{colour};{_dash(node.style)}"' if shortcut else ""
    parts = [
        f'<rect class="box" x="{left:.1f}" y="{top:.1f}" width="{box.width:.1f}" height="{box.height:.1f}" '
        f'rx="{min(radius, 14):.0f}"{outline}/>'
    ]
    if not shortcut:
        parts.append(
            f'<rect x="{left + 3:.1f}" y="{top + 4:.1f}" width="4" height="{box.height - 8:.1f}" rx="2" '
            f'style="fill:{colour}"/>'
        )
    parts += _draw_text(node, box)
    if node.repeat > 1:
        parts.append(_draw_badge(node.repeat, left, top))
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


def _draw_badge(repeat: int, left: float, top: float) -> str:
    width = 18 + 6 * len(str(repeat))
    x = left + 2
    return (
        f'<rect class="badge" x="{x - width / 2:.1f}" y="{top - 8:.1f}" width="{width}" height="17" rx="8.5"/>'
        f'<text class="badge-text" x="{x:.1f}" y="{top + 0.5:.1f}">×{repeat}</text>'
    )

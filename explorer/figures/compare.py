"""Charts of up to four networks over each other, along their depth; plain plotly schema dicts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from explorer.architecture.config import Shape
from explorer.architecture.cost import compute_part_costs
from explorer.architecture.plan import Plan
from explorer.architecture.receptive import list_fields
from explorer.architecture.variant import format_variant
from explorer.architecture.wiring import list_parts
from explorer.figures.palette import VARIANT_COLOURS, VARIANT_DASHES, VARIANT_MARKERS

Figure = dict[str, Any]
# A later network is thinner, so that it does not hide an equal one under it.
WIDTHS = (4.5, 3.2, 2.2, 1.4)
SIZES = (9, 8, 7, 6)
MANY = 400  # blocks; of more only the ends of equal runs are drawn, between which every line is straight


@dataclass(frozen=True, slots=True)
class Point:
    """Where a block ends. `depth` counts weighted layers on the main path, `params` and `macs` add up to here.

    `side` and `channels` are those of the map behind it, `field` the side of its receptive field in pixels; None behind
    the head.
    """

    name: str
    depth: int
    params: int
    macs: int
    side: int | None
    channels: int | None
    field: int | None


def list_points(plan: Plan) -> list[Point]:
    """The ends of stem, transitions, blocks and head, in the order they run; the last has the network's totals."""
    return list(_list_points(plan))


def _list_points(plan: Plan) -> Iterator[Point]:
    parts = list_parts(plan)
    fields, layers, depth, done, params, macs = list_fields(parts), len(plan.architecture.kernels), 0, 0, 0, 0
    for prefix, part in parts:
        done += len(part.ops)
        costs = compute_part_costs(part)
        params, macs = params + sum(c.params for c in costs), macs + sum(c.macs for c in costs)
        own = part.ops[0].name.partition(".")[0]
        single = own in ("stem", "head", "transition")
        depth += 1 if single else layers
        shape: Shape = part.ops[-1].output
        inner = len(shape) == 3
        yield Point(
            prefix + own if single else prefix.removesuffix("."), depth, params, macs,
            shape[1] if inner else None, shape[0] if inner else None, fields[done - 1].size if inner else None,
        )  # fmt: skip


def thin_points(points: list[Point]) -> list[Point]:
    """All points of a network, or of a very deep one those where a line may bend."""
    if len(points) <= MANY:
        return points
    bends = [before != after for before, after in pairwise(_list_steps(points))]
    return [points[0], *(point for point, bend in zip(points[1:-1], bends, strict=True) if bend), points[-1]]


def _list_steps(points: list[Point]) -> list[tuple[int | None, ...]]:
    """What every block adds to each line."""
    return [
        (b.depth - a.depth, b.params - a.params, b.macs - a.macs, b.side, b.channels, (b.field or 0) - (a.field or 0))
        for a, b in pairwise(points)
    ]


def plot_depth(plans: Sequence[tuple[int, Plan]]) -> dict[str, Figure]:
    """Draw parameters, MACs, resolution, channels and receptive field over depth, by id.

    `plans` come with their place in the comparison, 0 to 3, which gives number, colour, dash and marker.
    """
    lines = [(place, plan, thin_points(list_points(plan))) for place, plan in plans]
    counted = {"rangemode": "tozero", "tickformat": "~s"}
    return {
        "params": _plot("Parameters up to here", "parameters", lines, lambda p: p.params, counted),
        "macs": _plot("MACs up to here", "MACs of one image", lines, lambda p: p.macs, counted),
        "side": _plot("Resolution", "side of the map, pixels", lines, lambda p: p.side, {"type": "log"}, "vh"),
        "channels": _plot("Channels between blocks", "channels", lines, lambda p: p.channels, {"type": "log"}, "vh"),
        "field": _plot(
            "Receptive field", "side, pixels of the input", lines, lambda p: p.field, {"rangemode": "tozero"}
        ),
    }


Lines = list[tuple[int, Plan, list[Point]]]
Take = Callable[[Point], int | None]


def _plot(title: str, unit: str, lines: Lines, take: Take, axis: Figure, shape: str = "linear") -> Figure:
    data = [_plot_line(place, plan, points, take, unit, shape) for place, plan, points in lines]
    values = sorted({value for trace in data for value in trace["y"]})
    if axis.get("type") == "log":
        ticks = values if len(values) <= 8 else [2**power for power in range(14)]
        axis = axis | {"tickvals": ticks, "ticktext": [str(tick) for tick in ticks]}
    return {"data": data, "layout": _layout(title, unit, axis, [trace["name"] for trace in data])}


def _plot_line(place: int, plan: Plan, points: list[Point], take: Take, unit: str, shape: str) -> Figure:
    shown = [point for point in points if take(point) is not None]
    return {
        "type": "scatter",
        "name": name_variant(place, plan),
        "mode": "lines" if len(shown) > 70 else "lines+markers",
        "x": [point.depth for point in shown],
        "y": [take(point) for point in shown],
        "text": [point.name for point in shown],
        "line": {
            "color": VARIANT_COLOURS[place],
            "dash": VARIANT_DASHES[place],
            "width": WIDTHS[place],
            "shape": shape,
        },
        "marker": {"size": SIZES[place], "symbol": VARIANT_MARKERS[place]},
        "hovertemplate": f"%{{text}}, depth %{{x}}<br>%{{y:,}} {unit}<extra>{place + 1}</extra>",
    }


def name_variant(place: int, plan: Plan, most: int = 26) -> str:
    """``2 resnetv2_50``: number and text, cut where a legend has no room for it."""
    text = format_variant(plan.architecture)
    return f"{place + 1} {text if len(text) <= most else text[: most - 1] + '…'}"


def _layout(title: str, unit: str, axis: Figure, names: list[str]) -> Figure:
    return {
        "title": {"text": title, "x": 0.02, "xanchor": "left"},
        "xaxis": {"title": {"text": "depth: weighted layers on the main path"}, "rangemode": "tozero"},
        "yaxis": {"title": {"text": unit}, "minor": {"ticks": ""}, **axis},
        "showlegend": True,
        "legend": {"orientation": "h", "x": 0, "y": -0.22, "yanchor": "top"},
        "margin": {"b": 72, "l": 64},
        "uirevision": " ".join(names),
        "meta": {"empty": "No network to draw."},
    }

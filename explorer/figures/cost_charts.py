"""Charts of a plan, as plain plotly schema dicts: where its cost sits, and what it sees at which resolution.

A point's ``customdata`` is the name of what it shows, which the page selects at a click.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from explorer.architecture.ops import Kind
from explorer.architecture.plan import Plan
from explorer.architecture.profile import OpProfile, profile_plan
from explorer.errors import VariantError
from explorer.figures.format import describe_op, format_bytes, format_share, format_si
from explorer.figures.palette import KIND_COLOURS, KIND_NAMES
from explorer.figures.scene import fold_stage

Figure = dict[str, Any]
Path = list[tuple[int, OpProfile]]  # the main path's operations, numbered from 1
Sums = dict[Kind, dict[str, int]]  # by kind and group
EMPTY = "Nothing to show."


class Grouping(StrEnum):
    """What one bar stands for."""

    STAGE = "stage"
    BLOCK = "block"
    KIND = "kind"


@dataclass(frozen=True, slots=True)
class _Measure:
    id: str
    title: str
    unit: str  # of the axis
    of: str  # in a sentence


_MEASURES = (
    _Measure("params", "Parameters", "parameters", "parameters"),
    _Measure("macs", "MACs", "multiply-adds, one image", "MACs"),
    _Measure("kept", "Kept for the backward pass", "bytes, one float32 image", "bytes kept"),
)
# a sign besides the colour, for kinds that stand on one another
_PATTERNS = {
    Kind.NORM: "/", Kind.ACT: ".", Kind.POOL: "x", Kind.LINEAR: "\\", Kind.SE: "+", Kind.ECA: "+", Kind.BLUR: "-",
}  # fmt: skip


def parse_grouping(text: str) -> Grouping:
    """Read ``stage``, ``block`` or ``kind``. Raises `VariantError`."""
    if text not in list(Grouping):
        raise VariantError(f"by={text[:40]} is no grouping: choose from {', '.join(Grouping)}.")
    return Grouping(text)


def plot_costs(plan: Plan, by: Grouping = Grouping.STAGE, fold: bool = True) -> dict[str, Figure]:
    """Draw the charts by id: parameters, MACs, bytes kept, receptive field and resolution.

    `fold` says whether the page shows alike blocks as one, so that a bar's name is one that the page knows.
    """
    rows = profile_plan(plan).rows
    names = _name_folds(plan) if fold else {}
    figures = {measure.id: _plot_bars(measure, rows, by, names) for measure in _MEASURES}
    path = list(enumerate((row for row in rows if _is_on_path(row)), 1))
    return figures | {"field": _plot_field(plan, path, names), "resolution": _plot_resolution(plan, path, names)}


def _name_folds(plan: Plan) -> dict[str, str]:
    """Each block's name -> that of the fold it is in."""
    found: dict[str, str] = {}
    for stage in plan.stages:
        for fold in fold_stage(stage):
            first = int(fold.name.rpartition(".")[2])
            found |= {f"{stage.name}.{first + index}": fold.name for index in range(fold.repeat)}
    return found


def _measure(row: OpProfile, measure: str) -> int:
    return {"params": row.cost.params, "macs": row.cost.macs, "kept": row.saved}[measure]


def _find_group(name: str, by: Grouping) -> str:
    """``layer1.0.branch.conv1`` is in ``layer1``, or in ``layer1.0``; stem and head are one group each."""
    parts = name.split(".")
    return ".".join(parts[:2]) if by is Grouping.BLOCK and parts[0] not in ("stem", "head") else parts[0]


def _plot_bars(measure: _Measure, rows: Iterable[OpProfile], by: Grouping, names: Mapping[str, str]) -> Figure:
    sums, groups = _sum_up(measure.id, rows, by)
    total = sum(sum(values.values()) for values in sums.values())
    if by is Grouping.KIND:
        data = [_plot_kinds(measure, sums, total)]
    else:
        data = [_plot_kind(measure, kind, values, groups, names, total) for kind, values in sums.items()]
    words = _describe_most(measure, sums, by, total)
    axes = {"xaxis": {"type": "category", "automargin": True}, "yaxis": {"rangemode": "tozero", "exponentformat": "SI"}}
    layout = _layout(measure.title, measure.unit, words, axes) | {"barmode": "stack", "bargap": 0.15}
    return {"data": data, "layout": layout | {"showlegend": len(data) > 1, "uirevision": by.value}}


def _sum_up(measure: str, rows: Iterable[OpProfile], by: Grouping) -> tuple[Sums, list[str]]:
    """Sums by kind and group without those of nothing, and all groups in order."""
    sums: Sums = {}
    groups: dict[str, None] = {}
    for row in rows:
        group, value = _find_group(row.name, by), _measure(row, measure)
        groups[group] = None
        if value:
            values = sums.setdefault(row.op.kind, {})
            values[group] = values.get(group, 0) + value
    return sums, list(groups)


def _plot_kind(
    measure: _Measure, kind: Kind, values: Mapping[str, int], groups: list[str], names: Mapping[str, str], total: int
) -> Figure:
    """One kind of operation in every group."""
    heights = [values.get(group, 0) for group in groups]
    return {
        "type": "bar",
        "name": KIND_NAMES[kind],
        "x": groups,
        "y": heights,
        "customdata": [names.get(group, group) for group in groups],
        "text": [_write(measure, height, total) for height in heights],
        "textposition": "none",
        "marker": _mark(kind),
        "hovertemplate": f"%{{x}}<br>{KIND_NAMES[kind]}: %{{text}}<extra></extra>",
    }


def _plot_kinds(measure: _Measure, sums: Sums, total: int) -> Figure:
    """One bar a kind, the tallest first."""
    heights = {kind: sum(values.values()) for kind, values in sums.items()}
    kinds = sorted(heights, key=lambda kind: -heights[kind])
    return {
        "type": "bar",
        "name": measure.title,
        "x": [KIND_NAMES[kind] for kind in kinds],
        "y": [heights[kind] for kind in kinds],
        "text": [_write(measure, heights[kind], total) for kind in kinds],
        "textposition": "none",
        "marker": {"color": [KIND_COLOURS[kind] for kind in kinds]},
        "hovertemplate": "%{x}: %{text}<extra></extra>",
    }


def _mark(kind: Kind) -> Figure:
    pattern = {
        "shape": _PATTERNS.get(kind, ""), "size": 6, "solidity": 0.2, "fillmode": "overlay", "fgcolor": "#ffffff",
    }  # fmt: skip
    return {"color": KIND_COLOURS[kind], "pattern": pattern}


def _write(measure: _Measure, value: int, total: int) -> str:
    text = format_bytes(value) if measure.id == "kept" else format_si(value).strip()
    return f"{text} ({format_share(value, total) or '0%'})"


def _describe_most(measure: _Measure, sums: Sums, by: Grouping, total: int) -> str:
    """A sentence for those who do not see the chart."""
    groups: dict[str, int] = {}
    for kind, values in sums.items():
        for group, value in values.items():
            name = KIND_NAMES[kind] if by is Grouping.KIND else group
            groups[name] = groups.get(name, 0) + value
    if not groups:
        return EMPTY
    most = max(groups, key=lambda name: groups[name])
    return f"{measure.title} by {by}: {most} has the most, {format_share(groups[most], total)} of all {measure.of}."


def _is_on_path(row: OpProfile) -> bool:
    """Whether it changes what is seen on the main path: shortcuts run beside it."""
    windowed = row.op.kind in (Kind.CONV, Kind.POOL, Kind.BLUR) and row.op.kernel > 0
    return windowed and ".shortcut." not in row.name


class _Point(NamedTuple):
    """A point of a line over the depth."""

    at: int
    value: int
    name: str
    words: str


def _plot_field(plan: Plan, path: Path, names: Mapping[str, str]) -> Figure:
    points = [_Point(at, row.field.size, row.name, _describe(row)) for at, row in path]
    image = max(plan.architecture.input[1:])
    edge = {
        "type": "scatter", "mode": "lines", "name": f"input, {image} px", "x": [1, len(path)], "y": [image, image],
        "line": {"color": "#6b7280", "dash": "dash", "width": 1}, "hoverinfo": "skip",
    }  # fmt: skip
    first = next((point.name for point in points if point.value >= image), "")
    reached = f", and reaches the input's {image} at {first}" if first else ""
    words = f"The receptive field grows to {points[-1].value} pixels{reached}."
    axes = {"xaxis": _DEPTH, "yaxis": {"rangemode": "tozero"}}
    line = _plot_line("receptive field", points, "px", (KIND_COLOURS[Kind.CONV], "solid"), names)
    return {"data": [line, edge], "layout": _layout("Receptive field", "side in pixels of the input", words, axes)}


def _plot_resolution(plan: Plan, path: Path, names: Mapping[str, str]) -> Figure:
    """The map's height, and the channels between blocks: inside of them they go down and up again."""
    heights = [_Point(at, row.output[1], row.name, _describe(row)) for at, row in path]
    ends = {_find_group(row.name, Grouping.BLOCK): at for at, row in path}
    outputs = {"stem": plan.stem[-1].output} | {name: block.output for name, block in plan.blocks()}
    outputs |= {f"{stage.name}.transition": stage.transition[-1].output for stage in plan.stages if stage.transition}
    channels = [_Point(at, outputs[name][0], name, f"behind {name}") for name, at in ends.items()]
    data = [
        _plot_line("height of the map", heights, "px", (KIND_COLOURS[Kind.POOL], "solid"), names),
        _plot_line("channels between blocks", channels, "channels", (KIND_COLOURS[Kind.LINEAR], "dot"), names),
    ]
    words = (
        f"The map shrinks from {heights[0].value} to {heights[-1].value} pixels; "
        f"channels go from {channels[0].value} to {channels[-1].value}."
    )
    axes = {"xaxis": _DEPTH, "yaxis": {"type": "log", "dtick": 0.30103, "tickformat": "d"}}  # every power of two
    return {"data": data, "layout": _layout("Resolution and channels", "pixels, channels", words, axes)}


_DEPTH: Figure = {
    "title": {"text": "convolutions and pooling, in the order they run"},
    "rangemode": "tozero",
    "automargin": True,
}


def _describe(row: OpProfile) -> str:
    return f"{row.name}, {describe_op(row.op)}"


def _plot_line(name: str, points: list[_Point], unit: str, style: tuple[str, str], names: Mapping[str, str]) -> Figure:
    """A line of steps; `style` is colour and dash."""
    colour, dash = style
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": [point.at for point in points],
        "y": [point.value for point in points],
        "customdata": [_name_folded(point.name, names) for point in points],
        "text": [point.words for point in points],
        "line": {"color": colour, "dash": dash, "width": 2, "shape": "hv"},
        "hovertemplate": f"%{{text}}<br>%{{y}} {unit}<extra></extra>",
    }


def _name_folded(name: str, names: Mapping[str, str]) -> str:
    block = ".".join(name.split(".")[:2])
    return names.get(block, block) + name.removeprefix(block)


def _layout(title: str, unit: str, words: str, axes: Figure) -> Figure:
    """A chart's layout; ``meta`` says what it shows, in a sentence, and what while it has no points."""
    return {
        "title": {"text": title, "x": 0.02, "xanchor": "left"},
        "xaxis": axes["xaxis"] if "title" in axes["xaxis"] else {"title": {"text": ""}, **axes["xaxis"]},
        "yaxis": {"title": {"text": unit}, **axes["yaxis"]},
        "showlegend": True,
        "legend": {"orientation": "h", "x": 0, "xanchor": "left", "y": 0, "yanchor": "bottom", "yref": "container"},
        "margin": {"b": 8},  # labels and legend make their own room
        "meta": {"words": words, "empty": EMPTY},
    }

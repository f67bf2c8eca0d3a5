"""Charts of a run, as plain plotly schema dicts. Traces name the record fields they show in ``meta``.

The page fills the same empty charts from the same records as they arrive (assets/js/runs.js).
"""

from __future__ import annotations

from collections.abc import Iterable
from math import log10
from typing import Any

from explorer.figures.palette import HELD_OUT, TRAIN

Figure = dict[str, Any]

# id, title, unit of y, traces: (name, kind of record, field, colour, dash), y axis
_CHARTS: tuple[tuple[str, str, str, tuple[tuple[str, str, str, str, str], ...], Figure], ...] = (
    (
        "loss", "Loss", "cross-entropy",
        (("training", "step", "loss", TRAIN, "solid"), ("held out", "epoch", "loss", HELD_OUT, "dot")),
        {"type": "log", "dtick": "D2"},  # 1, 2, 5: all nine labels of a decade overlap
    ),
    (
        "accuracy", "Accuracy", "share of images right",
        (("training", "step", "accuracy", TRAIN, "solid"), ("held out", "epoch", "accuracy", HELD_OUT, "dot")),
        {"range": [0, 1.02], "tickformat": ".0%"},
    ),
    (
        "learning_rate", "Learning rate", "",
        (("learning rate", "step", "learning_rate", "#6b7280", "solid"),),
        {"rangemode": "tozero"},
    ),
    (
        "throughput", "Throughput", "images per second",
        (("images/s", "step", "images_per_second", "#009e73", "solid"),), {"rangemode": "tozero"},
    ),
)  # fmt: skip


def plot_run(records: Iterable[dict[str, Any]] = ()) -> dict[str, Figure]:
    """Draw a run's charts by id; without records they are empty, with their axes and a sentence."""
    rows = list(records)
    figures = {chart[0]: _plot_lines(chart, rows) for chart in _CHARTS}
    figures["gradients"] = _plot_gradients(rows)
    return figures


def _plot_lines(chart: tuple[Any, ...], rows: list[dict[str, Any]]) -> Figure:
    _, title, unit, traces, axis = chart
    data = [_plot_trace(trace, rows) for trace in traces]
    return {"data": data, "layout": _layout(title, unit, axis, legend=len(data) > 1)}


def _plot_trace(trace: tuple[str, str, str, str, str], rows: list[dict[str, Any]]) -> Figure:
    name, kind, field, colour, dash = trace
    chosen = [row for row in rows if row.get("kind") == kind]
    held_out = kind == "epoch"
    return {
        "type": "scatter",
        "name": name,
        "mode": "lines+markers" if held_out else "lines",
        "x": [row["step"] for row in chosen],
        "y": [row[field] for row in chosen],
        "line": {"color": colour, "dash": dash, "width": 2 if held_out else 1.5},
        "marker": {"size": 6, "symbol": "diamond"},
        "hovertemplate": f"step %{{x}}<br>{name} %{{y:.4g}}<extra></extra>",
        "meta": {"kind": kind, "field": field},
    }


def _plot_gradients(rows: list[dict[str, Any]]) -> Figure:
    """Gradient norm by block over time, on a logarithmic colour scale; the network's input is at the top."""
    steps = [row for row in rows if row.get("kind") == "step" and row.get("gradient_norms")]
    names = list(steps[0]["gradient_norms"]) if steps else []
    trace = {
        "type": "heatmap",
        "x": [row["step"] for row in steps],
        "y": names,
        "z": [[_log10(row["gradient_norms"].get(name)) for row in steps] for name in names],
        "colorscale": "Viridis",
        "colorbar": {"title": {"text": "log₁₀", "side": "top"}, "thickness": 10, "outlinewidth": 0},
        "hovertemplate": "step %{x}<br>%{y}<br>norm 10^%{z:.2f}<extra></extra>",
        "meta": {"kind": "step", "field": "gradient_norms"},
    }
    axis = {"type": "category", "autorange": "reversed"}
    layout = _layout("Gradient norm by block", "", axis, legend=False) | {"margin": {"l": 84}}
    return {"data": [trace], "layout": layout}


def _log10(value: float | None) -> float | None:
    return log10(value) if value else None


def _layout(title: str, unit: str, axis: Figure, legend: bool) -> Figure:
    """A chart's layout; ``meta`` says what it shows while it has no points."""
    log = axis.get("type") == "log"
    empty_axes = {"xaxis": {"range": [0, 100]}, "yaxis": {"range": axis.get("range", [-2, 1] if log else [0, 1])}}
    return {
        "title": {"text": title, "x": 0.02, "xanchor": "left"},
        "xaxis": {"title": {"text": "step"}, "rangemode": "tozero"},
        "yaxis": {"title": {"text": unit}, **axis},
        "showlegend": legend,
        "legend": {"orientation": "h", "x": 1, "xanchor": "right", "y": 1.02, "yanchor": "bottom"},
        "uirevision": "keep",  # zoom survives live updates
        "meta": {"empty": "Nothing recorded yet.", "empty_axes": empty_axes},
    }

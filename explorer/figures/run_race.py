"""Charts of several runs over each other: a race, or an overlay of any. Each run has its colour, dash and number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from explorer.figures.palette import VARIANT_COLOURS, VARIANT_DASHES, VARIANT_MARKERS
from explorer.figures.run_charts import BELOW, LOG, make_layout, make_line
from explorer.figures.run_fill import Choice, fill_figure
from explorer.figures.run_rows import RunRows

Figure = dict[str, Any]
MOST_RUNS = 8
AXES = {"step": "step", "epoch": "epoch", "seconds": "seconds of training"}
_KINDS = len(VARIANT_COLOURS)
# the second four have the first four's colours and other dashes
STYLES = tuple(
    {
        "color": VARIANT_COLOURS[place % _KINDS],
        "dash": VARIANT_DASHES[(place + place // _KINDS) % _KINDS],
        "symbol": VARIANT_MARKERS[place % _KINDS],
    }
    for place in range(MOST_RUNS)
)


def create_race() -> dict[str, Figure]:
    """The empty charts, each with the one trace that every run gets in its style."""
    error = {"tickformat": ".0%", "rangemode": "tozero"}
    return {
        "training_error": _create(
            "Training error", "share of images wrong", "step", "accuracy", error,
            "Of the batches since the last point, augmented. If a deeper plain network stays above a shallower one "
            "here, it is not overfitting: it is harder to train.", complement=True,
        ),
        "held_error": _create(
            "Held-out error", "share of images wrong", "epoch", "accuracy", error,
            "Of images never trained on, after each epoch.", complement=True,
        ),
        "training_loss": _create(
            "Training loss", "cross-entropy", "step", "loss", LOG, "On a scale of powers, so that late progress shows."
        ),
        "held_loss": _create(
            "Held-out loss", "cross-entropy", "epoch", "loss", LOG, "Of images never trained on, after each epoch."
        ),
        "rates": _create(
            "Learning rate", "", "step", "learning_rate", {"rangemode": "tozero"},
            "Runs of a race have one schedule; those of an overlay may differ.",
        ),
        "speeds": _create(
            "Throughput", "images per second", "step", "images_per_second", {"rangemode": "tozero"},
            "Training alone. Runs that share a machine slow each other down.",
        ),
    }  # fmt: skip


def _create(title: str, unit: str, kind: str, field: str, axis: Figure, words: str, complement: bool = False) -> Figure:
    meta = {"show": "line", "kind": kind, "field": field, **({"complement": True} if complement else {})}
    trace = make_line("", "", meta, mode="lines+markers" if kind == "epoch" else "lines")
    layout = make_layout(title, unit, words, axis, showlegend=True, **BELOW)
    return {"data": [trace], "layout": layout}


def plot_race(runs: Sequence[tuple[str, RunRows]], axis: str = "epoch") -> dict[str, Figure]:
    """Charts of up to eight runs (a name and its rows each) over steps, epochs or seconds of training."""
    return {id: _fill(figure, runs, axis) for id, figure in create_race().items()}


def _fill(figure: Figure, runs: Sequence[tuple[str, RunRows]], axis: str) -> Figure:
    data = []
    for place, (name, rows) in enumerate(runs):
        (trace,) = fill_figure(figure, rows, Choice(axis=axis))["data"]
        data.append(dress_trace(trace, place, name))
    layout = {**figure["layout"], "xaxis": {**figure["layout"]["xaxis"], "title": {"text": AXES[axis]}}}
    return {"data": data, "layout": layout}


def dress_trace(trace: Figure, place: int, name: str) -> Figure:
    """A trace in the style of the run at this place."""
    style, label = STYLES[place], f"{place + 1} {name}"
    return {
        **trace,
        "name": label,
        "line": {"color": style["color"], "dash": style["dash"], "width": 2 if place < _KINDS else 1.5},
        "marker": {"size": 6, "symbol": style["symbol"], "color": style["color"]},
        "hovertemplate": f"%{{x}}<br>%{{y:.4~g}}<extra>{label}</extra>",
    }

"""The empty charts of a run: what is drawn, on which axes, with a sentence about what it shows.

Traces name what fills them in ``meta`` (see `run_fill`). A layout's ``meta`` holds `empty`, what a chart without points
says, `words`, the sentence below it, and for `run_fill`: `names` (the axis that units stand on), `span` (quantities
whose range y holds) and `cursor` (whether the time that is looked at is marked).
"""

from __future__ import annotations

from typing import Any

from explorer.architecture.plan import Kind, Path
from explorer.figures.palette import HELD_OUT, KIND_COLOURS, PATH_COLOURS, TRAIN

Figure = dict[str, Any]
QUIET = "#6b7280"
SHORTCUT, BRANCH = PATH_COLOURS[Path.IDENTITY], KIND_COLOURS[Kind.CONV]
SHARE: Figure = {"tickformat": ".0%", "range": [0, 1.02]}
LOG: Figure = {"type": "log", "minor": {"ticks": ""}}
BELOW: Figure = {  # a legend of long names
    "legend": {"orientation": "h", "x": 0, "xanchor": "left", "y": -0.24, "yanchor": "top"},
    "margin": {"b": 76},
}
# below and above a middle; the ends differ for every eye
APART = [[0, "#0072b2"], [0.5, "#f4f4f4"], [1, "#d55e00"]]


def make_layout(title: str, unit: str, words: str, axis: Figure | None = None, **more: Any) -> Figure:
    """A chart's layout with steps below it; `more` replaces parts, `meta` is added to."""
    axis = axis or {}
    meta = {"empty": "Nothing recorded yet.", "words": words, **more.pop("meta", {})}
    return {
        "title": {"text": title, "x": 0.02, "xanchor": "left"},
        "xaxis": {"title": {"text": "step"}, "rangemode": "tozero"},
        "yaxis": {"title": {"text": unit}, **axis},
        "showlegend": False,
        "legend": {"orientation": "h", "x": 1, "xanchor": "right", "y": 1.02, "yanchor": "bottom"},
        "uirevision": "keep",  # zoom survives live updates
        "meta": meta,
        **more,
    }


def make_line(name: str, colour: str, meta: Figure, dash: str = "solid", **more: Any) -> Figure:
    """An empty line over time."""
    return {
        "type": "scatter",
        "name": name,
        "mode": "lines",
        "x": [],
        "y": [],
        "line": {"color": colour, "dash": dash, "width": 1.5},
        "hovertemplate": f"step %{{x:,}}<br>{name} %{{y:.4g}}<extra></extra>",
        "meta": meta,
        **more,
    }


def _take(name: str, kind: str, field: str, colour: str, **more: Any) -> Figure:
    meta = {"show": "line", "kind": kind, "field": field, **more.pop("meta", {})}
    return make_line(name, colour, meta, **more)


_HELD: Figure = {
    "dash": "dot",
    "mode": "lines+markers",
    "marker": {"size": 6, "symbol": "diamond"},
}


def create_lines() -> dict[str, Figure]:
    """Loss, accuracy, learning rate, throughput, memory, and the curve of a range test."""
    alarms = make_line(
        "alarm", "#a33a00", {"show": "alarms"}, mode="markers", text=[],
        marker={"size": 10, "symbol": "triangle-down", "color": "#a33a00", "line": {"color": "#ffffff", "width": 1}},
        hovertemplate="step %{x:,}<br>%{text}<extra></extra>",
    )  # fmt: skip
    loss = [_take("training", "step", "loss", TRAIN), _take("held out", "epoch", "loss", HELD_OUT, **_HELD), alarms]
    accuracy = [_take("training", "step", "accuracy", TRAIN), _take("held out", "epoch", "accuracy", HELD_OUT, **_HELD)]
    return {
        "loss": {
            "data": loss,
            "layout": make_layout(
                "Loss", "cross-entropy",
                "How surprised the network is by the right answer. Held-out loss that rises while training loss falls "
                "means it learns the images by heart.", LOG, showlegend=True,
            ),
        },
        "accuracy": {
            "data": accuracy,
            "layout": make_layout(
                "Accuracy", "share of images right",
                "Training: of the batches since the last point, augmented. Held out: of images never trained on, after "
                "each epoch.", SHARE, showlegend=True,
            ),
        },
        "learning_rate": {
            "data": [_take("learning rate", "step", "learning_rate", QUIET)],
            "layout": make_layout(
                "Learning rate", "",
                "How far a step goes along the gradient. Where it falls, the loss usually falls with it.",
                {"rangemode": "tozero"},
            ),
        },
        "range": _create_range(),
        "throughput": {
            "data": [_take("images/s", "step", "images_per_second", "#009e73")],
            "layout": make_layout(
                "Throughput", "images per second", "Training alone; looks at held-out images between are not counted.",
                {"rangemode": "tozero"},
            ),
        },
        "memory": {
            "data": [_take("memory", "step", "memory", "#cc79a7", meta={"positive": True})],
            "layout": make_layout(
                "Memory", "bytes", "What the worker holds, activations kept for the backward pass the most of it; on a "
                "GPU the peak.", {"rangemode": "tozero", "tickformat": "~s"},
            ),
        },
    }  # fmt: skip


def _create_range() -> Figure:
    marker = {"size": 13, "symbol": "star-diamond", "color": HELD_OUT}
    data = [
        make_line("loss", TRAIN, {"show": "range", "part": "raw"}, opacity=0.45),
        make_line("smoothed", TRAIN, {"show": "range", "part": "smooth"}),
        make_line("suggested", HELD_OUT, {"show": "range", "part": "mark"}, mode="markers", marker=marker),
    ]
    for trace in data:
        trace["hovertemplate"] = f"learning rate %{{x:.3g}}<br>{trace['name']} %{{y:.4g}}<extra></extra>"
    layout = make_layout(
        "Loss against learning rate", "cross-entropy",
        "The rate rises until the loss breaks. Suggested, as the highest of a run: a tenth of the rate at which the "
        "smoothed loss is lowest.", LOG, showlegend=True,
        xaxis={"title": {"text": "learning rate"}, **LOG},
    )  # fmt: skip
    return {"data": data, "layout": layout}


def create_watched() -> dict[str, Figure]:
    """What the instruments saw: heatmaps of every unit over time, and profiles by depth at one time."""
    return _create_gradients() | _create_flow() | _create_residual() | _create_updates() | _create_activations()


def _create_gradients() -> dict[str, Figure]:
    return {
        "gradients": make_heat(
            "Gradient norm by layer", "gradient_norm", meta={"old": "gradient_norms"},
            words="The input is at the top. Norms in stage 1 a thousand times smaller than in stage 3 mean that the "
            "first layers hardly learn. Click a row to see its line.",
        ),
        "gradient_lines": make_units(
            "Gradient norm, single layers", "L2 norm", "gradient_norm",
            "The first and the last layer, and the one clicked above. Lines that run together are a network whose "
            "layers learn at one pace.",
        ),
        "gradient_depth": make_depth(
            "Gradient norm by depth", "L2 norm", [("gradient", "gradient_norm", BRANCH, "solid", "circle")],
            "Every layer at the time chosen above, from the input (left) to the head. Level is healthy; a slope of "
            "decades is a gradient that vanishes or explodes.",
        ),
    }  # fmt: skip


def _create_flow() -> dict[str, Figure]:
    paths = [
        ("by the shortcut", "gradient_shortcut", SHORTCUT, "solid", "diamond"),
        ("by the branch", "gradient_branch", BRANCH, "dash", "circle"),
    ]
    return {
        "flow_depth": make_depth(
            "Gradient into each block", "L2 norm over the batch", paths,
            "Backward, from right to left: the shortcut hands the gradient on whole, whatever the branch's weights do. "
            "Without it every block multiplies it once more, and over many blocks it shrinks or swells.",
        ),
        "flow_ratio": make_heat(
            "Branch ÷ shortcut", "gradient_branch", apart=True, meta={"over": "gradient_shortcut"},
            words="White: both carry as much. Blue: nearly all arrives by the shortcut; orange: by the branch.",
        ),
        "flow_shortcut": make_heat(
            "Gradient by the shortcut", "gradient_shortcut", words="Blank where a block has no shortcut."
        ),
        "flow_branch": make_heat(
            "Gradient by the branch", "gradient_branch", words="In a plain network it is all there is."
        ),
    }  # fmt: skip


def _create_residual() -> dict[str, Figure]:
    paths = [
        ("‖x‖", "input_norm", SHORTCUT, "solid", "diamond"),
        ("‖F(x)‖", "branch_norm", BRANCH, "dash", "circle"),
    ]
    return {
        "residual_depth": make_depth(
            "F(x) against x", "mean L2 norm of an image", paths,
            "What the branch adds, beside what it is added to. F(x) far below x: the block changes little, as the "
            "paper expected of residual functions.",
        ),
        "residual_ratio": make_heat(
            "‖F(x)‖ ÷ ‖x‖", "branch_norm", apart=True, meta={"over": "input_norm"},
            words="Blue: a small correction of x. Orange: the block overwrites what came in.",
        ),
        "residual_branch": make_heat("‖F(x)‖", "branch_norm", words="Mean over the images of a batch."),
        "residual_input": make_heat(
            "‖x‖", "input_norm", words="It grows along a stage, since every block adds to it."
        ),
    }  # fmt: skip


def _create_updates() -> dict[str, Figure]:
    figures = {
        "updates_depth": make_depth(
            "Update ÷ weights by depth", "‖change‖ ÷ ‖weights‖",
            [("update", "update_ratio", "#009e73", "solid", "circle")],
            "How far one step moves a layer. About 10⁻³ is usual; far above, the rate is too high, far below, the "
            "layer stands still.",
        ),
        "updates": make_heat(
            "Update ÷ weights", "update_ratio", words="It follows the learning rate; rows that stand out are layers "
            "that move faster or slower than the others.",
        ),
        "update_lines": make_units(
            "Update ÷ weights, single layers", "‖change‖ ÷ ‖weights‖", "update_ratio",
            "The first and the last layer, and the one clicked in the heatmap.",
        ),
        "norms_depth": make_depth(
            "Scale of the batch norms by depth", "mean |γ|", [("mean |γ|", "norm_scale", "#56b4e9", "solid", "circle")],
            "A branch whose last γ is near zero is nearly an identity block; weight decay pulls them there.",
            axis={"rangemode": "tozero"},
        ),
        "norms": make_heat(
            "Scale of the batch norms", "norm_scale", log=False, words="Mean of |γ| over the channels of each norm."
        ),
    }  # fmt: skip
    return figures


def _create_activations() -> dict[str, Figure]:
    spread = [
        ("mean", "activation_mean", "#e69f00", "solid", "circle"),
        ("spread", "activation_std", QUIET, "dash", "square"),
    ]
    return {
        "activations_depth": make_depth(
            "Activations by depth", "mean and standard deviation", spread,
            "What comes out of each ReLU. Spread that shrinks or grows by decades with depth is a signal that dies or "
            "blows up.", axis={"rangemode": "tozero"},
        ),
        "dead_depth": make_depth(
            "Dead units by depth", "share of channels", [("dead", "dead", "#a33a00", "solid", "x")],
            "Channels that are zero for every image of the batch: they get no gradient, and seldom come back.",
            axis=SHARE, meta={"span": None},
        ),
        "activations_std": make_heat("Spread of activations", "activation_std", words="Standard deviation."),
        "activations_mean": make_heat(
            "Mean of activations", "activation_mean", log=False, words="Behind a ReLU, above zero."
        ),
        "activations_dead": make_heat(
            "Dead units", "dead", log=False, span=(0, 1), words="Share of channels that are zero for every image."
        ),
    }  # fmt: skip


def make_heat(
    title: str, quantity: str, words: str, log: bool = True, apart: bool = False,
    span: tuple[float, float] | None = None, meta: Figure | None = None,
) -> Figure:  # fmt: skip
    """A quantity of every unit over time; the network's input is at the top. `apart` centres the colours on 1."""
    bar: Figure = {"thickness": 10, "outlinewidth": 0, "tickfont": {"size": 10}, "xpad": 4}
    trace = {
        "type": "heatmap",
        "x": [],
        "y": [],
        "z": [],
        "customdata": [],
        "colorscale": APART if apart else "Viridis",
        **({"zmid": 0} if apart else {}),
        **({"zmin": span[0], "zmax": span[1]} if span else {}),
        "colorbar": bar,
        "hovertemplate": "step %{x:,}<br>%{y}<br>%{customdata:.3g}<extra></extra>",
        "meta": {"show": "heat", "kind": "watch", "quantity": quantity, "log": log, "bar": bar, **(meta or {})},
    }
    layout = make_layout(
        title, "", words, {"type": "category", "autorange": "reversed", "ticks": ""}, margin={"l": 52, "r": 8},
        meta={"names": "y", "cursor": True},
    )  # fmt: skip
    return {"data": [trace], "layout": layout}


Profile = tuple[str, str, str, str, str]  # name, quantity, colour, dash, marker


def make_depth(
    title: str, unit: str, paths: list[Profile], words: str, axis: Figure | None = None, meta: Figure | None = None
) -> Figure:
    """Quantities of every unit at one time, along the network."""
    axis = axis or LOG
    log = axis.get("type") == "log"
    data = [
        make_line(
            name, colour, {"show": "depth", "kind": "watch", "quantity": quantity, "log": log}, dash,
            mode="lines+markers", marker={"size": 6, "symbol": symbol},
            hovertemplate=f"%{{x}}<br>{name} %{{y:.3g}}<extra></extra>",
        )
        for name, quantity, colour, dash, symbol in paths
    ]  # fmt: skip
    layout = make_layout(
        title, unit, words, axis, showlegend=len(data) > 1, margin={"b": 28},
        xaxis={"title": {"text": ""}, "type": "category", "tickangle": 0, "showgrid": False},
        meta={"names": "x", "span": [path[1] for path in paths], **(meta or {})},
    )  # fmt: skip
    return {"data": data, "layout": layout}


def make_units(title: str, unit: str, quantity: str, words: str) -> Figure:
    """Single units over time: the first, the last and the one that was chosen."""
    lines = (("first", QUIET, "dot"), ("last", QUIET, "dash"), ("chosen", HELD_OUT, "solid"))
    data = [
        make_line(
            which, colour, {"show": "unit", "kind": "watch", "quantity": quantity, "unit": which}, dash,
            hovertemplate="step %{x:,}<br>%{y:.3g}<extra>%{fullData.name}</extra>",
        )
        for which, colour, dash in lines
    ]  # fmt: skip
    return {
        "data": data,
        "layout": make_layout(title, unit, words, LOG, showlegend=True, meta={"cursor": True}, **BELOW),
    }


def create_answers() -> dict[str, Figure]:
    """The confusion matrix, and the share of each class that was right."""
    heat = {
        "type": "heatmap",
        "x": [],
        "y": [],
        "z": [],
        "customdata": [],
        "colorscale": [[0, "rgba(0,114,178,0.05)"], [1, "rgba(0,114,178,1)"]],
        "zmin": 0,
        "zmax": 1,
        "showscale": False,
        "xgap": 1,
        "ygap": 1,
        "hovertemplate": "%{y}, taken for %{x}<br>%{customdata} images, %{z:.1%}<extra></extra>",
        "meta": {"show": "confusion", "kind": "answers", "ground": True},
    }
    bars = {
        "type": "bar",
        "orientation": "h",
        "x": [],
        "y": [],
        "text": [],
        "textposition": "none",
        "marker": {"color": HELD_OUT},
        "hovertemplate": "%{y}<br>%{x:.1%}, %{text}<extra></extra>",
        "meta": {"show": "classes", "kind": "answers"},
    }
    empty = {"empty": "Comes with the first epoch; a data set of more than 100 classes has none."}
    confusion = make_layout(
        "Confusion", "class", "Rows are what an image shows, columns what the network answers; the diagonal is right. "
        "Darker: a larger share of the class.",
        {"type": "category", "autorange": "reversed", "automargin": True, "showgrid": False, "ticks": ""}, meta=empty,
        xaxis={"title": {"text": "answer"}, "type": "category", "automargin": True, "showgrid": False, "ticks": ""},
    )  # fmt: skip
    classes = make_layout(
        "Accuracy by class", "", "The worst first, of the held-out images.",
        {"type": "category", "autorange": "reversed", "automargin": True}, meta=empty,
        xaxis={"title": {"text": "share of images right"}, "range": [0, 1.02], "tickformat": ".0%"}, bargap=0.25,
    )  # fmt: skip
    return {"confusion": {"data": [heat], "layout": confusion}, "classes": {"data": [bars], "layout": classes}}

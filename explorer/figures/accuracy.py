"""What a network costs against how well it classifies ImageNet: known networks, and the variants among them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from explorer.architecture.cost import Cost, compute_cost
from explorer.architecture.plan import Plan
from explorer.architecture.presets import FIGURES, find_preset
from explorer.architecture.totals import count_totals
from explorer.architecture.variant import format_variant
from explorer.errors import VariantError
from explorer.figures.compare import name_variant
from explorer.figures.format import format_si
from explorer.figures.palette import VARIANT_COLOURS, VARIANT_DASHES, VARIANT_MARKERS
from explorer.records import PublishedAccuracy

Figure = dict[str, Any]
INPUT, CLASSES = (3, 224, 224), 1000  # of the task that was published about
AXES = {"macs": "MACs of one image", "params": "parameters"}
PAPER, V1, V2 = "papers", "torchvision V1", "torchvision V2"
# A recipe has its marker; V2 trains longer, with stronger augmentation, and looks at larger crops.
MARKERS = {PAPER: "square-open", V1: "circle", V2: "diamond-tall"}
LABELLED = (
    *("alexnet", "googlenet", "vgg16", "densenet121"),
    *("resnet18", "resnet34", "resnet50", "resnet101", "resnet152", "wide_resnet101_2"),
)
FAMILIES = {True: "#6b7280", False: "#b9c0ca"}  # residual networks, and others


@dataclass(frozen=True, slots=True)
class Known:
    """One published result; `top1` is the share of ImageNet's validation images that are right, 0 to 1."""

    name: str
    recipe: str
    top1: float
    params: int
    macs: int
    protocol: str
    source: str
    variant: str  # its text here; empty where it is no network that can be built here


def list_known(accuracies: Sequence[PublishedAccuracy] = ()) -> list[Known]:
    """What the papers print, and what torchvision publishes, by MACs."""
    papers = [
        Known(name, PAPER, 1 - figures.top1_error / 100, *_cost(name), "one 224x224 crop", figures.source, name)
        for name, figures in FIGURES.items()
        if figures.top1_error
    ]
    published = [_describe(each) for each in accuracies]
    return sorted([*papers, *published], key=lambda known: (known.macs, known.top1))


def _cost(name: str) -> tuple[int, int]:
    cost = count_totals(find_preset(name).architecture)
    return cost.params, cost.macs


def _describe(each: PublishedAccuracy) -> Known:
    recipe = V2 if each.weights.endswith("V2") else V1
    source = f"torchvision, {each.weights}"
    return Known(each.name, recipe, each.top1, each.params, each.macs, each.protocol, source, _find_variant(each.name))


def _find_variant(name: str) -> str:
    try:
        return format_variant(find_preset(name).architecture)
    except VariantError:
        return ""


def plot_accuracy(plans: Sequence[tuple[int, Plan]], known: Sequence[Known], axis: str = "macs") -> Figure:
    """Draw cost, logarithmic, against published top-1 accuracy. Raises `VariantError` for an axis that is none.

    `plans` come with their place in the comparison, 0 to 3. One with published results is drawn on them, another as a
    line at its cost; one for other images or classes is left out (`list_left_out`).
    """
    if axis not in AXES:
        raise VariantError(f"axis={axis[:20]} is not one: the cost is {' or '.join(AXES)}.")
    data = [_plot_recipe(recipe, known, axis) for recipe in MARKERS]
    low, high = _find_range(known)
    data += [_plot_variant(place, plan, known, axis, (low, high)) for place, plan in plans if _fits(plan)]
    return {"data": data, "layout": _layout(axis)}


def list_left_out(plans: Sequence[tuple[int, Plan]]) -> list[int]:
    """Places of the variants that solve another task than ImageNet's."""
    return [place for place, plan in plans if not _fits(plan)]


def _fits(plan: Plan) -> bool:
    return plan.architecture.input == INPUT and plan.architecture.classes == CLASSES


def _find_range(known: Sequence[Known]) -> tuple[float, float]:
    shares = [each.top1 for each in known] or [0.7, 0.8]
    return min(shares), max(shares)


def _plot_recipe(recipe: str, known: Sequence[Known], axis: str) -> Figure:
    chosen = [each for each in known if each.recipe == recipe]
    colours = [FAMILIES[bool(each.variant) and not each.name.startswith("densenet")] for each in chosen]
    return {
        "type": "scatter",
        "name": recipe,
        "mode": "markers+text",
        "x": [getattr(each, axis) for each in chosen],
        "y": [each.top1 for each in chosen],
        "text": [each.name if recipe == V1 and each.name in LABELLED else "" for each in chosen],
        "textposition": "bottom center",
        "textfont": {"size": 10, "color": "#7a8494"},
        "hovertext": [_tell(each) for each in chosen],
        "customdata": [each.variant for each in chosen],
        "marker": {"symbol": MARKERS[recipe], "size": 9, "color": colours, "line": {"width": 1.2, "color": "#6b7280"}},
        "hovertemplate": "%{hovertext}<extra></extra>",
    }


def _tell(each: Known) -> str:
    """What hovering says: network, accuracy, cost, crop, source."""
    add = "<br>Click to compare it." if each.variant else ""
    return (
        f"<b>{each.name}</b>: {each.top1:.2%} top-1<br>{format_si(each.macs)}MACs, {format_si(each.params).strip()} "
        f"parameters<br>{each.protocol}<br>{_break(each.source)}{add}"
    )


def _break(text: str, width: int = 60) -> str:
    """A long source on several lines of a hover label."""
    lines = [""]
    for word in text.split():
        lines += [""] if len(lines[-1]) + len(word) > width else []
        lines[-1] += f"{word} "
    return "<br>".join(line.strip() for line in lines)


def _plot_variant(place: int, plan: Plan, known: Sequence[Known], axis: str, span: tuple[float, float]) -> Figure:
    """Rings around what is published about a variant, or a line at its cost where nothing is."""
    text, cost = format_variant(plan.architecture), compute_cost(plan)
    own = [each for each in known if each.variant == text]
    base = {
        "type": "scatter",
        "name": name_variant(place, plan),
        "line": {"color": VARIANT_COLOURS[place], "dash": VARIANT_DASHES[place], "width": 2.2},
        "marker": {
            "symbol": f"{VARIANT_MARKERS[place]}-open",
            "size": 17,
            "color": VARIANT_COLOURS[place],
            "line": {"width": 3},
        },
    }
    if own:
        return base | {
            "mode": "markers",
            "x": [getattr(each, axis) for each in own],
            "y": [each.top1 for each in own],
            "hoverinfo": "skip",  # the point inside tells
        }
    return base | {
        "mode": "lines",
        "x": [getattr(cost, axis)] * 2,
        "y": list(span),
        "hovertemplate": f"{_tell_cost(cost)}<br>no accuracy published<extra>{place + 1}</extra>",
    }


def _tell_cost(cost: Cost) -> str:
    return f"{format_si(cost.macs)}MACs, {format_si(cost.params).strip()} parameters"


def _layout(axis: str) -> Figure:
    ticks = [number * 10**power for power in range(5, 11) for number in (1, 2, 5)]
    return {
        "title": {"text": f"Published accuracy by {AXES[axis]}", "x": 0.02, "xanchor": "left"},
        "xaxis": {
            "title": {"text": AXES[axis]}, "type": "log",
            "tickvals": ticks, "ticktext": [format_si(tick).replace(".00", "").replace(".0", "") for tick in ticks],
        },
        "yaxis": {"title": {"text": "ImageNet top-1 accuracy"}, "tickformat": ".0%"},
        "showlegend": True,
        "hovermode": "closest",
        "legend": {"orientation": "h", "x": 0, "y": -0.16, "yanchor": "top"},
        "margin": {"b": 80, "l": 64},
        "uirevision": axis,
        "meta": {"empty": "Nothing published is loaded."},
    }  # fmt: skip

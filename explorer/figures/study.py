"""Charts of the degradation study, as plain plotly schema dicts: the paper's figure 6, ours beside it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from explorer.architecture.plan import Path
from explorer.figures.palette import PATH_COLOURS, VARIANT_COLOURS, VARIANT_MARKERS
from explorer.figures.study_paper import DEPTHS, STEPS, find_end, load_curves
from explorer.figures.study_words import find_depth, find_margin, is_tested, list_last, name_of
from explorer.records import Curve, StudyNetwork, StudyRecord

Figure = dict[str, Any]
Line = list[tuple[float, float]]  # thousand steps, error in percent
TITLES = {"plain": "plain", "residual": "with shortcuts"}
KIND_COLOURS = {"plain": PATH_COLOURS[Path.NONE], "residual": PATH_COLOURS[Path.IDENTITY]}
CLOSE = 0.07  # of an axis: depths written closer to each other would overlap
NO_BREAK = "\u00a0"
KIND_MARKERS = {"plain": "square", "residual": "circle"}


def plot_study(record: StudyRecord) -> dict[str, Figure]:
    """Draw the charts by id: our curves and the paper's, plain and residual; errors by depth; gradients, if watched."""
    figures = {}
    for kind in TITLES:
        figures[kind] = _plot_ours(record, kind)
    for kind in TITLES:
        figures[f"paper_{kind}"] = _plot_papers(kind)
    figures["depth"] = _plot_depth(record)
    gradients = _plot_gradients(record)
    return figures | ({"gradients": gradients} if gradients else {})


def _plot_ours(record: StudyRecord, kind: str) -> Figure:
    data = []
    for network in record.networks:
        which, depth = find_depth(network)
        if which == kind:
            training, held_out = (_take_line(curve) for curve in (network.training, network.held_out))
            data += _plot_pair(depth, training, held_out, "held out")
    highest = max((point[2] for each in record.networks for point in (*each.training, *each.held_out)), default=90)
    like_paper = record.steps >= STEPS // 2
    top = 20.0 if like_paper else min(100.0, 10 * (highest // 10 + 1))
    end = max(STEPS, record.steps) if like_paper else record.steps
    words = f"Ours, {TITLES[kind]}: {record.steps:,} steps"
    _write_depths(data, top)
    return {"data": data, "layout": _layout(words, "thousand steps", end / 1000, top)}


def _take_line(curve: Curve) -> Line:
    return [(step / 1000, error) for step, _, error in curve]


def _plot_papers(kind: str) -> Figure:
    data, curves = [], load_curves()
    for depth in DEPTHS:
        train, test = (list(curves.get((kind, depth, curve), ())) for curve in ("train", "test"))
        data += _plot_pair(depth, train, test, "test")
    _write_depths(data, 20.0)
    return {
        "data": data,
        "layout": _layout(f"The paper’s, {TITLES[kind]}: {STEPS:,} steps", "thousand steps", 64, 20.0),
    }


def _plot_pair(depth: int, training: Line, other: Line, name: str) -> list[Figure]:
    """Training dashed and thin, the other solid, with the depth written at its end; both toggle together."""
    place = DEPTHS.index(depth) if depth in DEPTHS else depth % len(VARIANT_COLOURS)
    colour, few = VARIANT_COLOURS[place], len(other) <= 20
    marker = {"size": 7, "symbol": VARIANT_MARKERS[place]}
    dashed = _trace(f"{depth} layers, training", training, colour, "dash", 1.2) | {"showlegend": False, "mode": "lines"}
    solid = _trace(f"{depth} layers, {name}", other, colour, "solid", 2.2) | {
        "mode": "lines+markers+text" if few else "lines+text", "marker": marker, "cliponaxis": False,
        "textposition": "middle right", "textfont": {"size": 11, "color": colour},
    }  # fmt: skip
    return [each | {"legendgroup": str(depth)} for each in (dashed, solid)]


def _write_depths(data: list[Figure], top: float) -> None:
    """Write each depth at its solid line's end; where ends lie close, one further to the right than the other."""
    taken: list[tuple[float, int]] = []  # ends, and how far to the right of them something is written
    for trace in data:
        if trace["mode"] == "lines" or not trace["y"]:
            continue
        end = trace["y"][-1]
        column = next(c for c in range(len(data)) if all(abs(end - y) >= CLOSE * top for y, at in taken if at == c))
        taken.append((end, column))
        trace["text"] = [""] * (len(trace["x"]) - 1) + [NO_BREAK * (1 + 6 * column) + trace["legendgroup"]]


def _trace(name: str, points: Line, colour: str, dash: str, width: float) -> Figure:
    return {
        "type": "scatter",
        "name": name,
        "x": [round(x, 4) for x, _ in points],
        "y": [y for _, y in points],
        "line": {"color": colour, "dash": dash, "width": width},
        "hovertemplate": f"%{{x:.2f}} thousand steps<br>{name} %{{y:.2f}} %<extra></extra>",
    }


def _plot_depth(record: StudyRecord) -> Figure:
    """Error at the end by depth; ours with the interval that chance gives it."""
    data, word = [], "test" if is_tested(record) else "held out"
    for kind, title in TITLES.items():
        ours = list_last(record, kind)
        margins = [find_margin(record, error) for error in ours.values()]
        papers = {depth: find_end(kind, depth, "test") for depth in DEPTHS}
        data.append(_plot_ends(f"ours, {title}, {word}", kind, ours, "solid") | {"error_y": _bars(margins, kind)})
        known = {depth: error for depth, error in papers.items() if error is not None}
        data.append(_plot_ends(f"the paper’s, {title}, test", kind, known, "dot"))
    layout = _layout("Error at the end, by depth", "layers", None, None)
    layout["xaxis"] |= {"tickvals": list(DEPTHS), "range": [16, 60]}
    ticks = [5, 10, 20, 50, 100]  # plotly's own leave out the zeros
    layout["yaxis"] |= {"type": "log", "tickvals": ticks, "ticktext": list(map(str, ticks))}
    return {"data": data, "layout": layout}


def _bars(margins: Sequence[float], kind: str) -> Figure:
    return {
        "type": "data",
        "array": [round(each, 2) for each in margins],
        "color": KIND_COLOURS[kind],
        "thickness": 1.2,
    }


def _plot_ends(name: str, kind: str, errors: dict[int, float], dash: str) -> Figure:
    symbol = KIND_MARKERS[kind] + ("-open" if dash == "dot" else "")
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": name,
        "x": list(errors),
        "y": list(errors.values()),
        "line": {"color": KIND_COLOURS[kind], "dash": dash, "width": 2},
        "marker": {"size": 9, "symbol": symbol},
        "hovertemplate": f"%{{x}} layers<br>{name} %{{y:.2f}} %<extra></extra>",
    }


def _plot_gradients(record: StudyRecord) -> Figure | None:
    """Gradient norm by block of the deepest pair, at the first look and at the last."""
    deepest = max((find_depth(each)[1] for each in record.networks), default=0)
    pair = [each for each in record.networks if find_depth(each)[1] == deepest and each.gradients]
    data = [trace for each in pair for trace in _plot_looks(each)]
    if not data:
        return None
    layout = _layout(f"Gradient norm by block, {deepest} layers", "block, from the input on", None, None)
    layout["xaxis"] |= {"type": "category", "tickvals": ["layer1.0", "layer2.0", "layer3.0", "head"]}
    layout["yaxis"] |= {"type": "log", "dtick": 1, "title": {"text": "L2 norm"}, "exponentformat": "power"}
    return {"data": data, "layout": layout}


def _plot_looks(network: StudyNetwork) -> list[Figure]:
    seen, kind = network.gradients, find_depth(network)[0]
    assert seen
    traces = []
    for step, norms, dash in zip(seen.steps, (seen.first, seen.last), ("dot", "solid"), strict=True):
        name = f"{name_of(network)}, step {step:,}"
        traces.append(
            {
                "type": "scatter",
                "mode": "lines+markers",
                "name": name,
                "x": list(seen.blocks),
                "y": [norm or None for norm in norms],  # a logarithm of nothing is nowhere
                "line": {"color": KIND_COLOURS[kind], "dash": dash, "width": 1.6},
                "marker": {"size": 5, "symbol": KIND_MARKERS[kind] + ("-open" if dash == "dot" else "")},
                "hovertemplate": f"%{{x}}<br>{name}<br>norm %{{y:.3g}}<extra></extra>",
            }
        )
    return traces


def _layout(title: str, x: str, end: float | None, top: float | None) -> Figure:
    """A chart's layout; room is left at the right for the depth written at each line's end."""
    return {
        "title": {"text": title, "x": 0.02, "xanchor": "left"},
        "xaxis": {"title": {"text": x}} | ({"range": [0, 1.12 * end]} if end else {}),
        "yaxis": {"title": {"text": "error, %"}} | ({"range": [0, top]} if top else {}),
        "showlegend": True,
        "legend": {"orientation": "h", "x": 0, "xanchor": "left", "y": -0.2, "yanchor": "top"},
        "margin": {"b": 96},
        "uirevision": "keep",
        "meta": {"empty": "Nothing recorded yet."},
    }

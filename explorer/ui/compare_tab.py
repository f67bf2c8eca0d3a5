"""Compare: two to four variants side by side; numbers, words, graphs and charts of what differs."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import gradio as gr

from explorer.architecture.diff import compare_plans
from explorer.architecture.neighbours import list_neighbours
from explorer.architecture.plan import Plan, expand_plan
from explorer.architecture.presets import NAMES
from explorer.architecture.variant import DEFAULT, parse_variant
from explorer.errors import VariantError
from explorer.figures.accuracy import list_known, list_left_out, plot_accuracy
from explorer.figures.compare import plot_depth
from explorer.figures.diff import format_json, format_markdown
from explorer.figures.diff_tree import summarise_difference
from explorer.figures.graph import describe_graph, draw_legend
from explorer.figures.marks import mark_all
from explorer.figures.outline import View
from explorer.figures.palette import VARIANT_COLOURS
from explorer.figures.scene import Level
from explorer.figures.totals import summarise_totals
from explorer.ui import text
from explorer.ui.events import answer
from explorer.ui.heavy import load_torch
from explorer.ui.measure_part import create_measure_functions
from explorer.ui.typed import read_typed
from explorer.ui.widgets import create_widget

MOST = len(VARIANT_COLOURS)
Placed = list[tuple[int, Plan]]  # plans with their place among the columns


def create_compare_tab(shared: bool = False) -> gr.HTML:
    """Create the view; it asks for what it shows when it is first seen."""
    start = {
        "colours": list(VARIANT_COLOURS),
        "known": list(NAMES),
        "default": DEFAULT,
        "words": text.COMPARE,
    }
    return create_widget("compare", start, [compare, draw, write, accuracy, *create_measure_functions(shared)])


@answer
def compare(question: dict[str, Any]) -> dict[str, Any]:
    """Answer ``{"variants": [text, ...]}`` with columns, totals, differences against the first, and charts over depth.

    One text alone is answered with a second network beside it where ``"twin"`` is set. A column whose text can't be
    read holds the reason, and is left out of the rest.
    """
    texts = _read_texts(question)
    columns = [read_typed(each) for each in texts]
    if question.get("twin") and len(columns) == 1 and "error" not in columns[0]:
        columns.append(read_typed(_choose_twin(columns[0]["text"])))
    placed = _place(columns)
    first = placed[0][1] if placed else None
    return {
        "columns": columns,
        "places": [place for place, _ in placed],
        "totals": summarise_totals([plan for _, plan in placed]),
        "differences": [
            summarise_difference(compare_plans(first, plan)) | {"place": place} for place, plan in placed[1:] if first
        ],
        "neighbours": _list_neighbours(first),
        "charts": plot_depth(placed),
    }


def _read_texts(question: dict[str, Any]) -> list[str]:
    texts = question.get("variants")
    if not isinstance(texts, list) or not texts:
        raise VariantError(f"There is nothing to compare: give two to {MOST} variants, such as {DEFAULT}.")
    if len(texts) > MOST:
        raise VariantError(f"{len(texts)} variants are too many to compare: give at most {MOST}.")
    return [str(each) for each in texts]


def _place(columns: list[dict[str, Any]]) -> Placed:
    return [
        (place, expand_plan(parse_variant(column["text"])))
        for place, column in enumerate(columns)
        if "error" not in column
    ]


def _choose_twin(variant: str) -> str:
    """What a network is first shown beside: its pre-activation twin, or another one that is one idea away."""
    neighbours = list_neighbours(parse_variant(variant))
    twins = [each.text for each in neighbours if each.label.endswith("-activation")]
    return (twins or [each.text for each in neighbours] or [DEFAULT])[0]


def _list_neighbours(plan: Plan | None) -> list[dict[str, str]]:
    if plan is None:
        return []
    return [asdict(each) for each in list_neighbours(plan.architecture)]


@answer
def draw(question: dict[str, Any]) -> dict[str, Any]:
    """Answer ``{"variants", "pair"}`` with a graph and its marks for each variant that can be read.

    The first's marks are against the variant at place `pair`, the others' against the first.
    """
    placed = _place([read_typed(each) for each in _read_texts(question)])
    pair = question.get("pair")
    graphs = [
        {"place": place, "graph": describe_graph(plan, View()), "legend": draw_legend(plan), "marks": {}}
        for place, plan in placed
    ]
    for index, (place, plan) in enumerate(placed[1:], 1):
        marks = mark_all(compare_plans(placed[0][1], plan), placed[0][1], plan)
        graphs[index]["marks"] = marks[1]
        if place == pair or not graphs[0]["marks"]:
            graphs[0]["marks"] = marks[0]
    return {"graphs": graphs}


@answer
def write(question: dict[str, Any]) -> dict[str, Any]:
    """Answer ``{"variants": [first, second], "format": "markdown" or "json"}`` with their comparison as text."""
    formats = {"markdown": format_markdown, "json": format_json}
    chosen = str(question.get("format", ""))
    if chosen not in formats:
        raise VariantError(f"format={chosen[:20]} is not one: use {' or '.join(formats)}.")
    plans = [expand_plan(parse_variant(each)) for each in _read_texts(question)]
    diffs = [compare_plans(plans[0], plan) for plan in plans[1:]]
    return {"text": formats[chosen](diffs, Level.OP) + "\n"}


@answer
def accuracy(question: dict[str, Any]) -> dict[str, Any]:
    """Answer ``{"variants", "axis": "macs" or "params", "all"}`` with the chart of cost and published accuracy.

    Without ``"all"`` it holds what the papers print; torchvision's weights need torch, whose loading takes seconds.
    """
    placed = _place([read_typed(each) for each in _read_texts(question)])
    accuracies: tuple[Any, ...] = ()
    if question.get("all"):
        load_torch()
        from explorer.network.reference import list_accuracies

        accuracies = list_accuracies()
    known = list_known(accuracies)
    return {
        "figure": plot_accuracy(placed, known, str(question.get("axis", "macs"))),
        "left_out": list_left_out(placed),
        "known": [asdict(each) for each in known],
    }

"""Build: controls on the left, and one view of graph, card and table that follows them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import gradio as gr

from explorer.architecture.code import parse_style, write_code
from explorer.architecture.config import Architecture
from explorer.architecture.plan import expand_plan
from explorer.architecture.variant import DEFAULT, format_variant, parse_query, parse_variant
from explorer.figures.card import draw_card
from explorer.figures.graph import draw_graph, draw_legend
from explorer.figures.profile import format_profile
from explorer.figures.reference import format_beside
from explorer.figures.scene import MAX_NODES, Level, count_ops
from explorer.figures.table import draw_table, draw_totals
from explorer.ui import text
from explorer.ui.controls import describe_sections, describe_state
from explorer.ui.events import LIVE, answer
from explorer.ui.heavy import load_torch
from explorer.ui.measure_part import create_measure_functions, describe_limits
from explorer.ui.state import apply_changes
from explorer.ui.widgets import create_widget

View = dict[str, Any]


@dataclass(frozen=True)
class BuildTab:
    """The components that other tabs need."""

    variant: gr.Textbox  # the canonical text of what is drawn
    view: gr.HTML


def draw_view(
    architecture: Architecture, level: str = "block", fold: bool = True, taken: Mapping[str, str] | None = None
) -> View:
    """Everything that the browser needs to show an architecture, and a word on options that were taken back."""
    plan = expand_plan(architecture)
    too_many = not fold and count_ops(plan) > MAX_NODES
    note = f"Repeated blocks stay folded: {count_ops(plan):,} operations are more than {MAX_NODES}." if too_many else ""
    fold = fold or too_many
    return {
        "variant": format_variant(architecture),
        "level": level,
        "totals": draw_totals(plan),
        "legend": draw_legend(plan),
        "svg": draw_graph(plan, Level(level), fold),
        "table": draw_table(plan, fold),
        "controls": describe_state(architecture),
        "error": "",
        "note": _describe_taken(taken) or note or text.HINT,
    }


def _describe_taken(taken: Mapping[str, str] | None) -> str:
    """Say which options went back to their defaults, and why."""
    if not taken:
        return ""
    return f"Back to default: {', '.join(taken)} ({next(iter(taken.values()))})."


@answer
def card(question: dict[str, Any]) -> dict[str, Any]:
    """The detail card of a node: ``{"variant": text, "name": path}``."""
    plan = expand_plan(parse_variant(str(question.get("variant", ""))))
    return {"html": draw_card(plan, str(question.get("name", ""))[:200])}


@answer
def listing(question: dict[str, Any]) -> dict[str, Any]:
    """Cost beyond counts, code, or torchinfo's summary.

    ``{"variant": text, "kind": "profile", "others", "module", "functional" or "summary"}``
    """
    kind = str(question.get("kind", ""))
    variant = str(question.get("variant", ""))
    plan = expand_plan(parse_variant(variant))
    name = re.sub(r"[^a-z0-9_]+", "_", format_variant(plan.architecture).lower())
    if kind == "others":
        load_torch()
        from explorer.network.reference import list_accuracies

        return {"text": format_beside(plan, list_accuracies()), "name": f"{name}_beside.txt"}
    if kind == "profile":
        return {"text": format_profile(plan), "name": f"{name}_cost.txt"}
    if kind != "summary":
        return {"text": write_code(plan, parse_style(kind)), "name": f"{name}.py"}
    load_torch()
    from explorer.network.summary import summarise_module

    return {"text": summarise_module(plan), "name": f"{name}.txt"}


@answer
def change(question: dict[str, Any]) -> dict[str, Any]:
    """The view after a change.

    ``{"variant": what is drawn, "level": ..., "fold": ...}`` with ``"changes"`` (controls by name), ``"text"`` (a
    variant that was typed) or ``"query"`` (a link's).
    """
    level = str(question.get("level", ""))
    level, fold = level if level in list(Level) else Level.BLOCK.value, bool(question.get("fold", True))
    if "query" in question:
        return draw_view(parse_query(str(question["query"])), level, fold)
    if "text" in question:
        return draw_view(parse_variant(str(question["text"])), level, fold)
    changes = question.get("changes")
    architecture, taken = apply_changes(str(question.get("variant", "")), changes if isinstance(changes, dict) else {})
    return draw_view(architecture, level, fold, taken)


def create_build_tab(shared: bool = False) -> BuildTab:
    """Create the view with its controls; what it shows is known to the other tabs through a hidden text."""
    shown = gr.Textbox(DEFAULT, visible="hidden", elem_id="rx-canonical")
    start = draw_view(parse_variant(DEFAULT)) | {"sections": describe_sections(), "help": text.VARIANT_HELP}
    start["limits"] = describe_limits(shared)
    view = create_widget("build", start, [change, card, listing, *create_measure_functions(shared)])
    view.shown(_tell_variant, None, shown, **LIVE)
    return BuildTab(shown, view)


def _tell_variant(event: gr.EventData) -> str:
    """What the page draws, for the other tabs; from outside, so it is read first."""
    return format_variant(parse_variant(str(event._data.get("variant", ""))))

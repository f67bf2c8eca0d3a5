"""Build: controls on the left, and one view of graph, card and table that follows them."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import gradio as gr

from explorer.architecture.config import Architecture
from explorer.architecture.neighbours import list_neighbours
from explorer.architecture.plan import Plan, expand_plan
from explorer.architecture.variant import DEFAULT, format_variant, parse_variant
from explorer.errors import VariantError
from explorer.figures.card import draw_card
from explorer.figures.export import export_graph
from explorer.figures.graph import STYLE, describe_graph, draw_legend
from explorer.figures.outline import View, parse_view
from explorer.figures.overlay import measure_parts
from explorer.figures.rows import describe_rows
from explorer.figures.table import draw_totals, format_change
from explorer.ui import text
from explorer.ui.controls import describe_sections, describe_state
from explorer.ui.events import LIVE, answer
from explorer.ui.gradients import measure_gradients
from explorer.ui.listings import cost_charts, listing
from explorer.ui.measure_part import create_measure_functions, describe_limits
from explorer.ui.state import apply_changes
from explorer.ui.widgets import create_widget

Answer = dict[str, Any]


@dataclass(frozen=True)
class BuildTab:
    """The components that other tabs need."""

    variant: gr.Textbox  # the canonical text of what is drawn
    view: gr.HTML


def draw_view(architecture: Architecture, view: View, pin: str = "", taken: Mapping[str, str] | None = None) -> Answer:
    """Everything that the browser needs to show an architecture, and a word on options that were taken back."""
    plan = expand_plan(architecture)
    return {
        "variant": format_variant(architecture),
        "totals": draw_totals(plan),
        "legend": draw_legend(plan),
        "graph": describe_graph(plan, view),
        "table": describe_rows(plan, view.fold),
        "controls": describe_state(architecture),
        "pin": pin,
        "pinned": _describe_pin(plan, pin),
        "error": "",
        "note": _describe_taken(taken) or text.HINT,
    }


def _describe_pin(plan: Plan, pin: str) -> str:
    """Totals against those of a variant that was kept; nothing for one that no longer means anything."""
    try:
        return format_change(expand_plan(parse_variant(pin)), plan) if pin else ""
    except VariantError:
        return ""


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
def overlay(question: dict[str, Any]) -> dict[str, Any]:
    """Numbers to colour the graph by: ``{"variant": text, "by": "macs", ... or "gradient", "runs": ids}``."""
    plan, by = expand_plan(parse_variant(str(question.get("variant", "")))), str(question.get("by", ""))
    if by == "gradient":
        return measure_gradients(plan, question.get("runs"))
    return measure_parts(plan, by)


@answer
def ideas(question: dict[str, Any]) -> dict[str, Any]:
    """The variants one idea away: ``{"variant": text}``."""
    architecture = parse_variant(str(question.get("variant", "")))
    return {"ideas": [asdict(neighbour) for neighbour in list_neighbours(architecture)]}


@answer
def export_file(question: dict[str, Any]) -> dict[str, Any]:
    """The graph as a file: ``{"variant": text, "format": "pdf", "dot" or "html", "view": {"level", "fold", "x"}}``."""
    plan = expand_plan(parse_variant(str(question.get("variant", ""))))
    file_format, view = str(question.get("format", "")), _read_view(question.get("view"))
    content = export_graph(plan, view, file_format)
    if file_format in ("pdf", "png"):
        return {"base64": b64encode(content).decode()}
    return {"text": content.decode()}


@answer
def change(question: dict[str, Any]) -> dict[str, Any]:
    """The view after a change.

    ``{"variant": what is drawn, "view": what is open, "pin": what its totals are compared with}`` with ``"changes"``
    (controls by name) or ``"text"`` (a variant that was typed, or a link's).
    """
    view, pin = _read_view(question.get("view")), str(question.get("pin", ""))
    if "text" in question:
        return draw_view(parse_variant(str(question["text"])), view, pin)
    changes = question.get("changes")
    architecture, taken = apply_changes(str(question.get("variant", "")), changes if isinstance(changes, dict) else {})
    return draw_view(architecture, view, pin, taken)


def _read_view(view: Any) -> View:
    view = view if isinstance(view, dict) else {}
    return parse_view(str(view.get("level", "")), view.get("fold") != "0", str(view.get("x") or ""))


def create_build_tab(shared: bool = False) -> BuildTab:
    """Create the view with its controls; what it shows is known to the other tabs through a hidden text."""
    shown = gr.Textbox(DEFAULT, visible="hidden", elem_id="rx-canonical")
    start = draw_view(parse_variant(DEFAULT), View())
    start |= {"sections": describe_sections(), "help": text.VARIANT_HELP, "style": STYLE}
    start["limits"] = describe_limits(shared)
    functions = [change, card, overlay, ideas, export_file, listing, cost_charts, *create_measure_functions(shared)]
    view = create_widget("build", start, functions)
    view.shown(_tell_variant, None, shown, **LIVE)
    return BuildTab(shown, view)


def _tell_variant(event: gr.EventData) -> str:
    """What the page draws, for the other tabs; from outside, so it is read first."""
    return format_variant(parse_variant(str(event._data.get("variant", ""))))

"""Build: controls on the left, and one view of graph, card and table that follows them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.components import Component

from explorer.architecture.code import parse_style, write_code
from explorer.architecture.config import Architecture
from explorer.architecture.plan import expand_plan
from explorer.architecture.variant import DEFAULT, format_query, format_variant, parse_query, parse_variant
from explorer.errors import ExplorerError
from explorer.figures.card import draw_card
from explorer.figures.graph import draw_graph, draw_legend
from explorer.figures.profile import format_profile
from explorer.figures.reference import format_beside
from explorer.figures.scene import MAX_NODES, Level, count_ops
from explorer.figures.table import draw_table, draw_totals
from explorer.ui import text
from explorer.ui.controls import CONTROLS, create_controls, update_controls
from explorer.ui.events import LIVE, answer
from explorer.ui.state import Controls, apply_controls
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
        "query": format_query(architecture),
        "level": level,
        "totals": draw_totals(plan),
        "legend": draw_legend(plan),
        "svg": draw_graph(plan, Level(level), fold),
        "table": draw_table(plan, fold),
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
        from explorer.network.reference import list_accuracies  # torch comes with it

        return {"text": format_beside(plan, list_accuracies()), "name": f"{name}_beside.txt"}
    if kind == "profile":
        return {"text": format_profile(plan), "name": f"{name}_cost.txt"}
    if kind != "summary":
        return {"text": write_code(plan, parse_style(kind)), "name": f"{name}.py"}
    from explorer.network.summary import summarise_module  # torch comes with it

    return {"text": summarise_module(plan), "name": f"{name}.txt"}


def create_build_tab() -> BuildTab:
    """Create the controls and the view, and wire them."""
    start = parse_variant(DEFAULT)
    shown = gr.Textbox(DEFAULT, visible="hidden", elem_id="rx-canonical")
    with gr.Row(elem_classes="rx-split"):
        with gr.Column(scale=0, min_width=270, elem_classes="rx-controls"), gr.Accordion("Network", open=True):
            variant = gr.Textbox(DEFAULT, label="Variant", info=text.VARIANT_HELP, elem_id="rx-variant", max_lines=1)
            controls = create_controls(start)
        with gr.Column(scale=1, min_width=320, elem_classes="rx-stage"):
            with gr.Row(elem_classes="rx-bar-row"):
                level = gr.Radio(
                    [(level.capitalize(), level.value) for level in Level], value="block", label="Level",
                    show_label=False, container=False, elem_id="rx-level",
                )  # fmt: skip
                fold = gr.Checkbox(True, label="Fold repeats", elem_id="rx-fold", container=False)
            view = create_widget("build", draw_view(start), [card, listing])
    _wire(shown, variant, controls, level, fold, view)
    return BuildTab(shown, view)


def _wire(
    shown: gr.Textbox,
    variant: gr.Textbox,
    controls: list[Component],
    level: gr.Radio,
    fold: gr.Checkbox,
    view: gr.HTML,
) -> None:
    outputs = [shown, variant, *controls, view]
    inputs = [shown, variant, level, fold, *controls]
    typed = [control for control in controls if isinstance(control, gr.Textbox)]
    moved = [control.input for control in (*controls, level, fold) if control not in typed]  # type: ignore[attr-defined]
    finished = [event for control in typed for event in (control.submit, control.blur)]
    gr.on([*moved, *finished], _follow_controls, inputs, outputs, **LIVE)
    variant.submit(_follow_text, inputs, outputs, **LIVE)  # not on blur: a refused text would be refused again
    view.restore(_follow_link, inputs, outputs, **LIVE)


def _follow_controls(shown: str, variant: str, level: str, fold: bool, *values: Any) -> list[Any]:
    return _follow(lambda now: apply_controls(shown, now), shown, variant, level, fold, values)


def _follow_text(shown: str, variant: str, level: str, fold: bool, *values: Any) -> list[Any]:
    return _follow(lambda now: (parse_variant(variant), {}), shown, variant, level, fold, values)


def _follow_link(event: gr.EventData, shown: str, variant: str, level: str, fold: bool, *values: Any) -> list[Any]:
    query = str(event._data.get("query", ""))
    return _follow(lambda now: (parse_query(query), {}), shown, variant, level, fold, values)


def _follow(
    choose: Callable[[Controls], tuple[Architecture, dict[str, str]]],
    shown: str,
    variant: str,
    level: str,
    fold: bool,
    values: Sequence[Any],
) -> list[Any]:
    """New values for what has to change. A refusal leaves what is drawn, and is said beside it."""
    now = {control.name: value for control, value in zip(CONTROLS, values, strict=True)}
    try:
        architecture, taken = choose(now)
        view = draw_view(architecture, level, fold, taken)
    except ExplorerError as error:
        return [gr.skip(), gr.skip(), *(gr.skip() for _ in values), {"error": str(error)}]
    updates = update_controls(parse_variant(shown), architecture, now)
    canonical = format_variant(architecture)
    text_box = gr.skip() if variant == canonical else canonical
    return [canonical, text_box, *updates, view]

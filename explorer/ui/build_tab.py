"""Build: controls on the left, and one view of graph, card and table that follows them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any

import gradio as gr
from gradio.components import Component

from explorer.architecture.config import Architecture
from explorer.architecture.plan import expand_plan
from explorer.architecture.variant import DEFAULT, format_query, format_variant, parse_query, parse_variant
from explorer.errors import ExplorerError
from explorer.figures.card import draw_card
from explorer.figures.graph import draw_graph
from explorer.figures.scene import MAX_NODES, Level, count_ops
from explorer.figures.table import draw_table, draw_totals
from explorer.ui import text
from explorer.ui.events import LIVE, answer
from explorer.ui.state import DEPTHS, FAMILIES, Controls, apply_controls, read_controls
from explorer.ui.widgets import create_widget

View = dict[str, Any]


@dataclass(frozen=True)
class BuildTab:
    """The components that other tabs need."""

    variant: gr.Textbox  # the canonical text of what is drawn
    view: gr.HTML


def draw_view(architecture: Architecture, level: str = "block", fold: bool = True) -> View:
    """Everything that the browser needs to show an architecture."""
    plan = expand_plan(architecture)
    too_many = not fold and count_ops(plan) > MAX_NODES
    note = f"Repeated blocks stay folded: {count_ops(plan):,} operations are more than {MAX_NODES}." if too_many else ""
    fold = fold or too_many
    return {
        "variant": format_variant(architecture),
        "query": format_query(architecture),
        "level": level,
        "totals": draw_totals(plan),
        "svg": draw_graph(plan, Level(level), fold),
        "table": draw_table(plan, fold),
        "error": "",
        "note": note or text.HINT,
    }


@answer
def card(question: dict[str, Any]) -> dict[str, Any]:
    """The detail card of a node: ``{"variant": text, "name": path}``."""
    plan = expand_plan(parse_variant(str(question.get("variant", ""))))
    return {"html": draw_card(plan, str(question.get("name", ""))[:200])}


def create_build_tab() -> BuildTab:
    """Create the controls and the view, and wire them."""
    start = parse_variant(DEFAULT)
    shown = gr.Textbox(DEFAULT, visible="hidden", elem_id="rx-canonical")
    with gr.Row(elem_classes="rx-split"):
        with gr.Column(scale=0, min_width=270, elem_classes="rx-controls"), gr.Accordion("Network", open=True):
            variant, controls = _create_controls(read_controls(start))
        with gr.Column(scale=1, min_width=320, elem_classes="rx-stage"):
            with gr.Row(elem_classes="rx-bar-row"):
                level = gr.Radio(
                    [(level.capitalize(), level.value) for level in Level], value="block", label="Level",
                    show_label=False, container=False, elem_id="rx-level",
                )  # fmt: skip
                fold = gr.Checkbox(True, label="Fold repeats", elem_id="rx-fold", container=False)
            view = create_widget("build", draw_view(start), [card])
    _wire(shown, variant, controls, level, fold, view)
    return BuildTab(shown, view)


def _create_controls(at: Controls) -> tuple[gr.Textbox, list[Component]]:
    variant = gr.Textbox(DEFAULT, label="Variant", info=text.VARIANT_HELP, elem_id="rx-variant", max_lines=1)
    family = gr.Radio(list(FAMILIES), value=at.family, label="Family", info=text.FAMILY_HELP)
    depth = gr.Radio(_depth_choices(at.family), value=at.depth, label="Depth", info=text.DEPTH_HELP)
    shortcut = gr.Radio(text.SHORTCUTS, value=at.shortcut, label="Shortcut", info=text.SHORTCUT_HELP)
    block = gr.Radio(["basic", "bottleneck"], value=at.block, label="Block", info=text.BLOCK_HELP)
    stem = gr.Radio(["imagenet", "cifar"], value=at.stem, label="Stem", info=text.STEM_HELP)
    stride = gr.Radio(text.STRIDES, value=at.stride_on, label="Stride on", info=text.STRIDE_HELP)
    with gr.Accordion("Sizes", open=False):
        depths = gr.Textbox(at.depths, label="Depths", info=text.DEPTHS_HELP, max_lines=1)
        width = gr.Number(at.width, label="Width", info=text.WIDTH_HELP, precision=0)
        classes = gr.Number(at.classes, label="Classes", precision=0)
        size = gr.Textbox(at.input, label="Input", info="Channels × height × width.", max_lines=1)
    return variant, [family, depth, block, shortcut, stem, stride, depths, width, classes, size]


def _depth_choices(family: str) -> list[str]:
    return [str(depth) for depth in DEPTHS[family]]


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
    return _follow(lambda now: parse_variant(variant), shown, variant, level, fold, values)


def _follow_link(event: gr.EventData, shown: str, variant: str, level: str, fold: bool, *values: Any) -> list[Any]:
    query = str(event._data.get("query", ""))
    return _follow(lambda now: parse_query(query), shown, variant, level, fold, values)


def _follow(
    choose: Callable[[Controls], Architecture], shown: str, variant: str, level: str, fold: bool, values: Sequence[Any]
) -> list[Any]:
    """New values for what has to change. A refusal leaves what is drawn, and is said beside it."""
    now = Controls(*values)
    try:
        architecture = choose(now)
    except ExplorerError as error:
        return [gr.skip(), gr.skip(), *(gr.skip() for _ in values), {"error": str(error)}]
    was, then = read_controls(parse_variant(shown)), read_controls(architecture)
    updates = [_update(field.name, was, now, then) for field in fields(Controls)]
    canonical = format_variant(architecture)
    text_box = gr.skip() if variant == canonical else canonical
    return [canonical, text_box, *updates, draw_view(architecture, level, fold)]


def _update(name: str, was: Controls, now: Controls, then: Controls) -> Any:
    """A control that already stands right is left to the person's hands: it may have moved on meanwhile."""
    value = getattr(then, name)
    change: dict[str, Any] = {} if getattr(now, name) == value else {"value": value}
    if name == "depth" and {was.family, now.family} != {then.family}:
        change["choices"] = _depth_choices(then.family)  # each family has buttons of its own
    if name == "stride_on" and was.block != then.block:
        change["visible"] = then.block == "bottleneck"
    return gr.update(**change) if change else gr.skip()

"""Our own components: an empty frame, a value, and a module of assets/js that fills the one with the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import gradio as gr

from explorer.ui.scripts import locate_scripts

# Names of events in quotes become listeners of the component: `view.shown(...)`.
_EVENTS = ("shown", "maps", "picked", "runs")
_TEMPLATE = """
const on = {{ {events} }};
const at = new URL("{scripts}/js/{module}.js", document.baseURI).href;
import(at).then((module) => module.mount(element, {{ props, watch, server, on }})).catch((error) => {{
  console.warn(error);
  element.querySelector(".rx-widget").innerHTML = `<p class="rx-refusal" role="alert">This part of the page could not be
    loaded: the server may have been stopped. Start it again, and reload the page.</p>`;
}});
"""


def create_widget(module: str, value: Any, functions: Sequence[Callable[..., Any]] = (), **options: Any) -> gr.HTML:
    """Create a component drawn by ``assets/js/<module>.js``, which may call `functions` on the server.

    The module exports ``mount(element, {props, watch, server, on})``; its frame is never redrawn, so that zoom, scroll
    and selection survive every update.
    """
    events = ", ".join(f'{name}: (data) => trigger("{name}", data || {{}})' for name in _EVENTS)
    script = _TEMPLATE.format(events=events, scripts=locate_scripts(), module=module)
    frame = f'<div class="rx-widget rx-{module}" data-widget="{module}"></div>'
    return gr.HTML(value, html_template=frame, js_on_load=script, server_functions=list(functions), **options)

"""The page: one header, its tabs, and how it is served."""

from __future__ import annotations

import os
from typing import Any, cast

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # both before gradio is imported
os.environ.setdefault("GRADIO_ANALYTICS_CACHE_FREQUENCY", "1000000")  # else a data frame is built after every event

import gradio as gr

from explorer.figures.graph import STYLE
from explorer.resources import assets
from explorer.ui import text
from explorer.ui.build_tab import create_build_tab
from explorer.ui.compare_tab import create_compare_tab
from explorer.ui.inspect_tab import FIRST_OP, create_inspect_tab, list_weights
from explorer.ui.scripts import script_routes
from explorer.ui.space_tab import create_space_tab
from explorer.ui.train_tab import create_train_tab
from explorer.ui.widgets import create_widget

HELD_RUNS = "() => { try { return JSON.parse(localStorage.getItem('rx-runs') || '[]').join(',') } catch { return '' } }"
MAX_UPLOAD = "600mb"  # torchvision's largest ResNet checkpoint has 231 MB


def create_page(shared: bool = False) -> gr.Blocks:
    """Create the page; `shared` is for visitors: no folder or run of this machine but those they started."""
    with gr.Blocks(title=text.TITLE, fill_width=True, analytics_enabled=False, delete_cache=(600, 3600)) as page:
        create_widget("page", {})
        held, wanted = gr.Textbox(visible="hidden"), gr.Textbox(FIRST_OP, visible="hidden")
        with gr.Tabs(elem_id="rx-tabs", overflow_behavior="wrap"):
            with gr.Tab("Build", id="build"):
                build = create_build_tab(shared)
            with gr.Tab("Compare", id="compare"):
                create_compare_tab(shared)
            with gr.Tab("Space", id="space"):
                create_space_tab()
            with gr.Tab("Train", id="train"):
                train = create_train_tab(shared)
            with gr.Tab("Inspect", id="inspect") as inspect_page:
                inspect = create_inspect_tab(inspect_page, wanted, shared)
        quiet: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
        inspect_page.select(
            lambda ids: gr.update(choices=list_weights(set(ids.split(",")) if shared else None)),
            held, inspect.weights, js=HELD_RUNS, **quiet,
        )  # fmt: skip
        build.view.maps(_pick_op, None, inspect.wanted, **quiet)
        train.runs.picked(_pick_run, None, inspect.weights, **quiet)  # a change of weights looks anew
    return cast(gr.Blocks, page)


def _pick_run(event: gr.EventData) -> Any:
    """Choose a run's weights; it may have ended after the menu was made."""
    run = str(event._data["run"])
    return gr.update(choices=list_weights({run}), value=f"run:{run}")


def _pick_op(event: gr.EventData) -> str:
    return str(event._data["name"])


def launch(
    page: gr.Blocks, host: str | None = None, port: int | None = None, share: bool = False, browser: bool = False
) -> str:
    """Serve the page from this process and return its address; the server runs on in threads of its own."""
    page.queue(api_open=False, max_size=64, default_concurrency_limit=4)
    _, local, public = page.launch(
        server_name=host, server_port=port, share=share, inbrowser=browser, prevent_thread_lock=True, quiet=True,
        pwa=True, run_history=False, enable_monitoring=False, ssr_mode=False, max_file_size=MAX_UPLOAD,
        state_session_capacity=200, footer_links=[], show_error=False, favicon_path=str(assets() / "icon.png"),
        theme=create_theme(), css=read_styles(),
        app_kwargs={"routes": script_routes()},
    )  # fmt: skip
    return str(public or local)


def read_styles() -> str:
    """All of our styles: the graph's, the page's, and those of single widgets."""
    first = assets() / "css" / "page.css"
    others = (sheet for sheet in first.parent.glob("*.css") if not sheet.name.startswith("standalone"))
    sheets = [first, *sorted(sheet for sheet in others if sheet != first)]
    return STYLE + "\n".join(sheet.read_text() for sheet in sheets)


def create_theme() -> gr.themes.Base:
    """A quiet theme on the system's own fonts; nothing is fetched."""
    return gr.themes.Base(
        primary_hue=gr.themes.colors.blue,
        neutral_hue=gr.themes.colors.slate,
        radius_size=gr.themes.sizes.radius_sm,
        spacing_size=gr.themes.sizes.spacing_sm,
        text_size=gr.themes.sizes.text_sm,
        font=["system-ui", "-apple-system", "Segoe UI", "Roboto", "Helvetica Neue", "Arial", "sans-serif"],
        font_mono=["ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace"],
    )

"""Train: start runs of the drawn variant, and watch them. The page only reads what their workers write."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from typing import Any

import gradio as gr

from explorer.errors import RunError
from explorer.training.config import TrainConfig
from explorer.training.runs import Run, list_runs
from explorer.ui import text
from explorer.ui.events import answer, refuse_politely
from explorer.ui.heavy import load_torch
from explorer.ui.run_part import create_run_view, describe_view

MAX_LISTED = 100


@dataclass(frozen=True)
class TrainTab:
    """The components that other tabs need."""

    runs: gr.HTML
    note: gr.HTML


def create_train_tab(variant: gr.Textbox, shared: bool) -> TrainTab:
    """Create the form and the live view; `shared` keeps other people's runs and folders out of reach."""
    with gr.Row(elem_classes="rx-split"):
        with gr.Column(scale=0, min_width=270, elem_classes="rx-controls"), gr.Accordion("New run", open=True):
            note = gr.HTML(describe_drawn("resnet50"))
            form = _create_form(shared)
            start = gr.Button(text.START, variant="primary", elem_id="rx-start")
        with gr.Column(scale=1, min_width=320, elem_classes="rx-stage"):
            runs = create_run_view()
    if not shared:
        form[0].change(
            lambda kind: gr.update(visible=kind == "folder"), form[0], form[1], queue=False, api_visibility="private"
        )
    start.click(
        _create_starter(shared), [variant, *form], runs, trigger_mode="once", concurrency_limit=2,
        show_progress_on=start, api_visibility="private",
    )  # fmt: skip
    return TrainTab(runs, note)


def describe_drawn(variant: str) -> str:
    """The sentence above the form, about what will be trained."""
    return text.TRAIN_DRAWN.format(variant=escape(variant))


def _create_form(shared: bool) -> list[Any]:
    data = gr.Radio(text.DATA[:1] if shared else text.DATA, value="digits", label="Data")
    folder = gr.Textbox(label="Folder", info=text.FOLDER_HELP, visible=False, max_lines=1)
    with gr.Row():
        epochs = gr.Number(10, label="Epochs", precision=0, min_width=90)
        batch = gr.Number(64, label="Batch size", precision=0, min_width=90)
    with gr.Accordion("More settings", open=False):
        rate = gr.Textbox("", label="Learning rate", info=text.LR_HELP, max_lines=1)
        seed = gr.Number(0, label="Seed", precision=0)
        device = gr.Dropdown(["auto", "cpu", "cuda"], value="auto", label="Device", info=text.DEVICE_HELP)
    return [data, folder, epochs, batch, rate, seed, device]


def _create_starter(shared: bool) -> Callable[..., dict[str, Any]]:
    @refuse_politely
    def start_run(
        variant: str, data: str, folder: str, epochs: float, batch: float, rate: str, seed: float, device: str
    ) -> dict[str, Any]:
        load_torch()
        from explorer.training.worker import prepare_run, start_worker

        if shared and data != "digits":
            raise RunError(text.SHARED_FOLDER)
        if data == "folder" and not folder.strip():
            raise RunError(text.NO_FOLDER)
        config = TrainConfig(
            epochs=_whole("epochs", epochs),
            batch_size=_whole("batch_size", batch),
            lr=_rate(rate),
            seed=_whole("seed", seed),
            device=device,
        )
        run, _ = prepare_run(variant, f"folder:{folder.strip()}" if data == "folder" else data, config)
        start_worker(run)
        return describe_view(run.id, time.time())

    return start_run


def _whole(name: str, value: float | None) -> int:
    if value is None:
        raise RunError(f"{name} is empty: give a whole number.")
    return int(value)


def _rate(value: str) -> float | None:
    if not value.strip():
        return None
    try:
        return float(value)
    except ValueError:
        raise RunError(f"lr={value[:40]} is not a number: write something like 0.1, or leave it empty.") from None


def _create_lister(shared: bool) -> Callable[[Any], dict[str, Any]]:
    @answer
    def list_runs(question: dict[str, Any]) -> dict[str, Any]:
        """List all runs, or on a shared page those whose unguessable ids the browser holds."""
        held = question.get("ids")
        ids = {str(id) for id in held} if isinstance(held, list) else set()
        return {"runs": [_describe_run(run) for run in visible_runs(ids if shared else None)]}

    return list_runs


def visible_runs(ids: set[str] | None) -> list[Run]:
    """The newest runs; only those in `ids` where it is given."""
    return [run for run in list_runs() if ids is None or run.id in ids][:MAX_LISTED]


def _describe_run(run: Run) -> dict[str, Any]:
    return {
        "id": run.id,
        "variant": run.spec.variant,
        "data": run.spec.data,
        "created": run.spec.created,
        "state": run.state(),
        "accuracy": run.last_accuracy(),
    }

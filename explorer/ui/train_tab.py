"""Train: a form that starts runs, the list of all, and one of them live. The page only reads what workers write."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from explorer.errors import RunError
from explorer.figures.training import plot_run
from explorer.training.runs import find_run_by_id
from explorer.ui.batch_look import create_look_function
from explorer.ui.events import answer
from explorer.ui.heavy import load_torch
from explorer.ui.run_list import annotate_run, create_lister, delete_run
from explorer.ui.train_cost import create_cost_functions
from explorer.ui.train_data import list_data, warm_up
from explorer.ui.train_form import create_form_function, describe_form
from explorer.ui.train_start import create_start_function
from explorer.ui.widgets import create_widget


@dataclass(frozen=True)
class TrainTab:
    """The components that other tabs need."""

    runs: gr.HTML


def create_train_tab(shared: bool) -> TrainTab:
    """Create the form, the list and the live view; `shared` keeps other people's runs and folders out of reach."""
    makers = (create_form_function, create_look_function, create_start_function)
    with gr.Row(elem_classes="rx-train-split"):
        with gr.Column(scale=0, min_width=300, elem_classes="rx-train-side"):
            functions = [*(make(shared) for make in makers), *create_cost_functions(shared), list_data, warm_up]
            create_widget("train_form", describe_form(shared), functions)
            create_widget("run_list", {}, [create_lister(shared), annotate_run, delete_run])
        with gr.Column(scale=1, min_width=320, elem_classes="rx-stage"):
            runs = create_widget("runs", {"figures": plot_run(), "run": "", "at": 0}, [read_run, stop_run, resume_run])
    return TrainTab(runs)


@answer
def read_run(question: dict[str, Any]) -> dict[str, Any]:
    """Answer ``{"id", "offset"}`` with the run's settings and state, and its records behind `offset` bytes."""
    run = find_run_by_id(str(question.get("id", "")))
    offset = question.get("offset", 0)
    records, end = run.read_records(offset if isinstance(offset, int) else 0)
    state = run.state()
    spec, config = run.spec, run.spec.config
    return {
        "id": run.id,
        "variant": spec.variant,
        "trained": spec.trained,
        "data": spec.data,
        "epochs": config.epochs,
        "batch_size": config.batch_size,
        "seed": config.seed,
        "state": state,
        "has_weights": run.weights_path.exists(),
        "records": records,
        "offset": end,
        "more": run.records_path.exists() and end < run.records_path.stat().st_size and bool(records),
    }


@answer
def stop_run(question: dict[str, Any]) -> dict[str, Any]:
    """Ask the run's worker to stop after its step."""
    find_run_by_id(str(question.get("id", ""))).ask_to_stop()
    return {}


@answer
def resume_run(question: dict[str, Any]) -> dict[str, Any]:
    """Start a worker that goes on from the run's last checkpoint."""
    load_torch()
    from explorer.training.worker import start_worker

    run = find_run_by_id(str(question.get("id", "")))
    if run.state() in ("starting", "running"):
        raise RunError(f"The run {run.id} is running already.")
    start_worker(run)
    return {}

"""Train: a form that starts runs, the list of all, and one of them live. The page only reads what workers write."""

from __future__ import annotations

from dataclasses import dataclass

import gradio as gr

from explorer.ui.batch_look import create_look_function
from explorer.ui.keys import guard
from explorer.ui.run_list import annotate_run, create_lister, delete_run
from explorer.ui.run_part import create_run_view
from explorer.ui.study_part import create_study_part
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
            changes = [create_lister(shared), guard(annotate_run, shared), guard(delete_run, shared)]
            create_widget("run_list", {}, changes)
        with gr.Column(scale=1, min_width=320, elem_classes="rx-stage"):
            runs = create_run_view(shared)
            create_study_part(shared)
    return TrainTab(runs)

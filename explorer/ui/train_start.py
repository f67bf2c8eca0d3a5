"""Start, from the page: a run, a race, or a range test. Each press makes its own; the queue puts them in order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from explorer.architecture.variant import format_variant, parse_variant
from explorer.errors import ExplorerError, RunError, VariantError
from explorer.training.config import TrainConfig
from explorer.training.runs import ALIVE, Run, list_runs
from explorer.ui.events import answer
from explorer.ui.heavy import load_torch
from explorer.ui.keys import give_key
from explorer.ui.train_data import read_spec
from explorer.ui.train_form import Form, read_form, read_variants, refuse
from explorer.ui.train_limits import RUNS, check_limits


@dataclass(frozen=True)
class Order:
    """What the form asks for, read and checked."""

    variants: tuple[str, ...]
    data: str
    config: TrainConfig
    recipe: str


def read_order(question: dict[str, Any], shared: bool) -> Order:
    """Read the form. Raises `ExplorerError`."""
    variants = tuple(format_variant(parse_variant(each)) for each in read_variants(question))
    if len(set(variants)) < len(variants):
        twice = next(each for each in variants if variants.count(each) > 1)
        raise VariantError(f"{twice} is there twice, and would train alike: change one, or remove it.")
    spec = read_spec(question.get("data"), shared)
    form = read_form(str(question.get("recipe", ""))[:2000], spec)
    if shared:
        check_limits(form.config, spec)
    if question.get("range"):
        form = make_range_test(form)
    return Order(variants[:1] if question.get("range") else variants, spec, form.config, form.recipe)


def make_range_test(form: Form) -> Form:
    """The range test for these settings: one epoch in which the learning rate rises until the loss breaks."""
    config = replace(form.config, epochs=1, schedule="range", warmup=0.0, lr=None, watch="none")
    return Form("range", config)


def create_start_function(shared: bool) -> Callable[[Any], dict[str, Any]]:
    """The function behind Start."""

    @answer
    def start_training(question: dict[str, Any]) -> dict[str, Any]:
        """Answer ``{"variants", "data", "recipe"}`` with ``{"id", "state", "race", "runs"}``; ``"range"`` asks for a
        range test of the first variant. On a shared page ``"key"`` is what lets this browser change them. A refusal is
        ``{"error", "setting"}``, and then nothing was started.
        """
        try:
            order = read_order(question, shared)
            if shared:
                _check_crowd(len(order.variants))
            load_torch()
            race, runs = _start(order)
            keys = {"key": give_key(runs)} if shared else {}
        except ExplorerError as error:
            return refuse(error)
        return {"id": runs[0].id, "state": runs[0].state(), "race": race, "runs": [run.id for run in runs], **keys}

    return start_training


def _check_crowd(more: int) -> None:
    """Visitors share one machine; what waits on it is bounded."""
    waiting = sum(run.state() in ALIVE for run in list_runs())
    if waiting + more > RUNS:
        raise RunError(f"{waiting} runs wait for this machine already, and {RUNS} are the most: try again later.")


def _start(order: Order) -> tuple[str, list[Run]]:
    """Make the runs and call a worker for them; the race's id, "" for a single run."""
    from explorer.training.races import prepare_race
    from explorer.training.worker import prepare_run, start_worker

    if len(order.variants) > 1:
        runs, _ = prepare_race(order.variants, order.data, order.config, recipe=order.recipe, load=False)
    else:
        runs = [prepare_run(order.variants[0], order.data, order.config, recipe=order.recipe, load=False)[0]]
    start_worker(*runs)
    return runs[0].spec.race, runs

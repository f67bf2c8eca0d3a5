"""Runs for the page: what the live view asks for, and the buttons of a run. The page only reads what workers write."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

import gradio as gr

from explorer.architecture.totals import count_totals
from explorer.architecture.variant import parse_variant
from explorer.errors import ExplorerError, RunError
from explorer.figures.run_race import MOST_RUNS
from explorer.figures.training import describe_charts
from explorer.training.queue import queue_position
from explorer.training.runs import ALIVE, Run, find_race, find_run_by_id
from explorer.ui import text
from explorer.ui.events import answer
from explorer.ui.heavy import load_torch
from explorer.ui.keys import guard
from explorer.ui.run_compare import compare_runs
from explorer.ui.run_export import export
from explorer.ui.widgets import create_widget

RESUMABLE = ("paused", "stopped", "failed", "interrupted")


def create_run_view(shared: bool) -> gr.HTML:
    """The live view of a run, of a race, or of several runs over each other; its value opens run ``run``."""
    actions = [guard(each, shared) for each in (pause_runs, stop_runs, resume_runs)]
    functions = [read_runs, read_race, read_film, read_answers, compare_runs, export, *actions]
    return create_widget("runs", describe_view(), functions)


def describe_view(run: str = "", at: float = 0.0) -> dict[str, Any]:
    """The widget's value: empty charts, and the run to open, `at` a time that tells two starts apart."""
    return {**describe_charts(), "words": text.RUN, "run": run, "at": at}


@answer
def read_runs(question: dict[str, Any]) -> dict[str, Any]:
    """Answer ``{"runs": [{"id", "offset"}]}`` with settings and state of each, and its records behind `offset` bytes.

    A run that is not there answers with a sentence of its own.
    """
    asked = question.get("runs")
    if not isinstance(asked, list) or not all(isinstance(each, dict) for each in asked):
        raise RunError("A list of runs is asked for.")
    return {"runs": [_read_run(each) for each in asked[:MOST_RUNS]]}


def _read_run(question: dict[str, Any]) -> dict[str, Any]:
    try:
        run = find_asked(question)
        spec = run.spec
    except ExplorerError as error:
        return {"id": str(question.get("id", ""))[:80], "error": str(error)}
    records, end = run.read_records(read_offset(question))
    return {
        **_describe_spec(run),
        **_describe_state(run),
        "params": _count_params(spec.trained),
        "film": _size(run.film_path),
        "answers": _stamp(run.answers_path),
        "records": json.dumps(records),  # as text: Gradio takes twice as long to write them one by one
        "offset": end,
        "more": bool(records) and end < _size(run.records_path),
    }


def _describe_spec(run: Run) -> dict[str, Any]:
    spec = run.spec
    config = spec.config
    return {
        "id": run.id, "variant": spec.variant, "trained": spec.trained, "data": spec.data, "race": spec.race,
        "recipe": spec.recipe, "epochs": config.epochs, "batch_size": config.batch_size, "seed": config.seed,
        "schedule": config.schedule, "watch": config.watch,
    }  # fmt: skip


def _describe_state(run: Run) -> dict[str, Any]:
    state = run.state()
    asked = "stop" if run.is_asked_to_stop() else "pause" if run.is_asked_to_pause() else ""
    return {
        "state": state,
        "asked": asked if state in ALIVE else "",
        "position": queue_position(run) if state == "queued" else None,
        "has_weights": run.weights_path.exists(),
        "can_resume": state in RESUMABLE,
    }


@lru_cache(maxsize=64)
def _count_params(trained: str) -> int | None:
    try:
        return count_totals(parse_variant(trained)).params
    except ExplorerError:  # of an older version's grammar
        return None


def _size(path: Any) -> int:
    try:
        return int(path.stat().st_size)
    except OSError:
        return 0


def _stamp(path: Any) -> str:
    """Changes whenever the file does; empty without one. Text: nanoseconds are too many digits for a browser."""
    try:
        return str(path.stat().st_mtime_ns)
    except OSError:
        return ""


def find_asked(question: dict[str, Any]) -> Run:
    """The run that a question names. Ids can't be guessed: who holds one may see the run. Raises `RunError`."""
    return find_run_by_id(str(question.get("id", "")))


def read_offset(question: dict[str, Any]) -> int:
    """A place in a file, as a browser may send it."""
    offset = question.get("offset", 0)
    return offset if isinstance(offset, int) and 0 <= offset < 1 << 60 else 0


def find_all(question: dict[str, Any]) -> list[Run]:
    """The runs that ``{"ids": [...]}`` names, up to eight. Raises `RunError`."""
    ids = question.get("ids")
    if not isinstance(ids, list) or not ids:
        raise RunError("No run is named.")
    return [find_run_by_id(str(id)) for id in ids[:MOST_RUNS]]


@answer
def read_race(question: dict[str, Any]) -> dict[str, Any]:
    """Answer ``{"race": id}`` with the ids of its runs, in the order in which they were made."""
    runs = find_race(str(question.get("race", "")))
    if not runs:
        raise RunError("There is no such race: it may have been deleted, or belongs to another machine.")
    return {"ids": [run.id for run in runs[:MOST_RUNS]]}


@answer
def read_film(question: dict[str, Any]) -> dict[str, Any]:
    """Answer ``{"id", "offset"}`` with the frames behind `offset` bytes."""
    run = find_asked(question)
    frames, end = run.read_film(read_offset(question))
    return {"frames": frames, "offset": end, "more": bool(frames) and end < _size(run.film_path)}


@answer
def read_answers(question: dict[str, Any]) -> dict[str, Any]:
    """Answer ``{"id"}`` with the newest answers, None before the first epoch."""
    return {"answers": find_asked(question).read_answers()}


@answer
def pause_runs(question: dict[str, Any]) -> dict[str, Any]:
    """Ask the workers of ``{"ids": [...]}`` to leave the device to others after their step."""
    for run in find_all(question):
        if run.state() in ALIVE:
            run.ask_to_pause()
    return {}


@answer
def stop_runs(question: dict[str, Any]) -> dict[str, Any]:
    """Ask the workers of ``{"ids": [...]}`` to stop after their step."""
    for run in find_all(question):
        if run.state() in ALIVE:
            run.ask_to_stop()
    return {}


@answer
def resume_runs(question: dict[str, Any]) -> dict[str, Any]:
    """Start a worker that goes on with ``{"ids": [...]}`` from their last checkpoints; those of a race share one."""
    runs = [run for run in find_all(question) if run.state() in RESUMABLE]
    if not runs:
        raise RunError("There is nothing to resume: it runs, waits or is finished already.")
    load_torch()
    from explorer.training.worker import start_worker

    races = {run.spec.race or run.id for run in runs}
    for race in races:
        start_worker(*(run for run in runs if race in (run.spec.race, run.id)))
    return {}

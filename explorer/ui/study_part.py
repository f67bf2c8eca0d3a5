"""Studies on the Train tab: what was found, beside what the paper found, and the same done on this machine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr

from explorer.errors import RunError
from explorer.figures.study import plot_study
from explorer.figures.study_words import COLUMNS, list_caveats, list_findings, list_rows, list_settings
from explorer.records import StudyRecord, write_record
from explorer.training.studies import STUDIES, Study, find_study, format_command, list_results, load_result
from explorer.training.study_runs import StudyRuns, find_study_runs
from explorer.ui.events import answer
from explorer.ui.heavy import load_torch
from explorer.ui.widgets import create_widget

SHARED = "On a shared page a study can't be started: it takes the machine for long. Start the page on your own machine."
DATA = ("cifar10", "folder", "digits")
TEXTS = ("name", "title", "question", "method", "paper", "why", "small", "full", "small_time", "full_time")


def create_study_part(shared: bool) -> gr.HTML:
    """Create the section; on a shared page it shows the recorded results alone."""
    studies = [{"name": study.name, "title": study.title, "question": study.question} for study in STUDIES.values()]
    functions = [_create_reader(shared), _create_follower(shared), _create_starter(shared), _create_stopper(shared)]
    return create_widget("study", {"studies": studies, "shared": shared}, functions)


def _create_reader(shared: bool) -> Callable[[Any], dict[str, Any]]:
    @answer
    def read_study(question: dict[str, Any]) -> dict[str, Any]:
        """The study ``{"name", "which"}``: its text, and the result `which`, recorded or own, or what there is."""
        study = find_study(str(question.get("name", "")))
        results = load_results(study, shared)
        which = question.get("which")
        shown = which if which in results else next(iter(results), "")
        return {
            **{name: getattr(study, name) for name in TEXTS},
            "command": f"explorer study {study.name} --data cifar10",
            "results": {name: record.environment.date[:10] for name, record in results.items()},
            "shown": shown,
            "result": describe_result(results[shown]) if shown else None,
            "going": None if shared else describe_going(study),
        }

    return read_study


def load_results(study: Study, shared: bool) -> dict[str, StudyRecord]:
    """The recorded result and the user's own, as far as there are any. Raises `RunError` for one that is damaged."""
    found = {name: load_result(path) for name, path in list_results(study.name).items() if name != "own" or not shared}
    return {name: record for name, record in found.items() if record is not None}


def describe_result(record: StudyRecord) -> dict[str, Any]:
    """All that the browser shows of a result."""
    rows = list_rows(record)
    kept = [index for index in range(len(COLUMNS)) if any(row[index] for row in rows)]
    return {
        "findings": [{"verdict": finding.verdict, "text": finding.text} for finding in list_findings(record)],
        "caveats": list_caveats(record),
        "columns": [COLUMNS[index] for index in kept],
        "rows": [[row[index] for index in kept] for row in rows],
        "figures": plot_study(record),
        "settings": list_settings(record),
        "command": format_command(record),
        "file": write_record(record),
    }


def describe_going(study: Study) -> dict[str, Any] | None:
    """The newest study of this kind that was begun on this machine, where it is not at its end."""
    found = find_study_runs(study.name)
    if not found or (state := found[0].state()) == "ended":
        return None
    facts = found[0].facts
    return {
        "state": state,
        "progress": found[0].progress(),
        "race": facts.race,
        "data": facts.data,
        "full": facts.full,
        "steps": facts.steps,
    }


def _create_follower(shared: bool) -> Callable[[Any], dict[str, Any]]:
    @answer
    def follow_study(question: dict[str, Any]) -> dict[str, Any]:
        """How far the study ``{"name"}`` is that was begun on this machine."""
        study = find_study(str(question.get("name", "")))
        return {"going": None if shared else describe_going(study)}

    return follow_study


def _create_starter(shared: bool) -> Callable[[Any], dict[str, Any]]:
    @answer
    def start_study(question: dict[str, Any]) -> dict[str, Any]:
        """Begin the study ``{"name", "data", "folder", "full"}``, or go on with it, in a process of its own."""
        if shared:
            raise RunError(SHARED)
        study, full = find_study(str(question.get("name", ""))), question.get("full") is True
        data = _read_data(question)
        load_torch()
        from explorer.training.study_work import prepare_study
        from explorer.training.worker import start_worker

        begun = find_study_runs(study.name)
        if begun and begun[0].state() == "running":
            raise RunError("The study is running already: watch it, or stop it first.")
        going, dataset = prepare_study(study.name, data, full)
        words = ["study", study.name, f"--data={dataset.name}", *(["--full"] if full else [])]
        start_worker(*_list_unfinished(going), words=words)
        return {"going": describe_going(study)}

    return start_study


def _read_data(question: dict[str, Any]) -> str:
    data, folder = question.get("data"), str(question.get("folder") or "").strip()
    if data not in DATA:
        raise RunError(f"data={str(data)[:40]} is no data for a study: choose from {', '.join(DATA)}.")
    if data == "folder" and not folder:
        raise RunError("No folder is given: write the path of one that holds a folder of images per class.")
    return f"folder:{folder}" if data == "folder" else str(data)


def _list_unfinished(going: StudyRuns) -> list[Any]:
    """What a worker has to be called for."""
    return [run for run in going.runs if run.state() != "finished"]


def _create_stopper(shared: bool) -> Callable[[Any], dict[str, Any]]:
    @answer
    def stop_study(question: dict[str, Any]) -> dict[str, Any]:
        """Ask the workers of the study ``{"name"}`` to stop, each after its step."""
        if shared:
            raise RunError(SHARED)
        for going in find_study_runs(find_study(str(question.get("name", ""))).name)[:1]:
            for run in going.runs:
                if run.state() != "finished":
                    run.ask_to_stop()
        return {}

    return stop_study

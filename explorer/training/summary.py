"""A run in plain values, for lists, files and people."""

from __future__ import annotations

from typing import Any

from explorer.training.config import TrainConfig
from explorer.training.failures import explain_run
from explorer.training.queue import queue_position
from explorer.training.recipes import list_differences
from explorer.training.runs import Run
from explorer.training.settings import GROUPS, SETTINGS

Row = tuple[str, str, str, str]


def summarise_run(run: Run) -> dict[str, Any]:
    """What was asked, what people noted, and how it went. Accuracies are 0 to 1. Raises `RunError`."""
    spec, last, notes = run.spec, run.last_record() or {}, run.notes
    return {
        "id": run.id,
        "variant": spec.variant,
        "trained": spec.trained,
        "data": spec.data,
        "recipe": spec.recipe,
        "race": spec.race,
        "study": spec.study,
        "created": spec.created,
        "state": run.state(),
        "position": queue_position(run),
        "step": last.get("step", 0),
        "accuracy": run.last_accuracy(),
        "test_accuracy": last.get("test_accuracy"),
        "message": explain_run(run),
        "note": notes.note,
        "tags": list(notes.tags),
        "settings": {name: getattr(spec.config, name) for name in SETTINGS},
    }


def list_settings(config: TrainConfig) -> list[Row]:
    """All settings: group, label, value, and the default where it is another one, as text; in the table's order."""
    others = {name: SETTINGS[name].format(usual) for name, usual, _ in list_differences(TrainConfig(), config)}
    return [
        (GROUPS[setting.group], setting.label, setting.format(getattr(config, name)), others.get(name, ""))
        for name, setting in SETTINGS.items()
    ]


def list_changes(runs: list[Run]) -> list[tuple[str, list[str]]]:
    """What two or more runs do not have in common: its name, and its value in each, as text."""
    facts = {
        "variant": [run.spec.variant for run in runs],
        "data": [run.spec.data for run in runs],
    }
    differ = {name for run in runs[1:] for name, *_ in list_differences(runs[0].spec.config, run.spec.config)}
    for name in SETTINGS:
        if name in differ:
            facts[name] = [SETTINGS[name].format(getattr(run.spec.config, name)) for run in runs]
    return [(name, values) for name, values in facts.items() if len(set(values)) > 1]

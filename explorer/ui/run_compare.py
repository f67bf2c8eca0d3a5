"""What sets runs apart: their variants, their data, and the settings in which they differ."""

from __future__ import annotations

from typing import Any

from explorer.errors import RunError
from explorer.figures.run_race import MOST_RUNS
from explorer.training.recipes import list_differences
from explorer.training.runs import RunSpec, find_run_by_id
from explorer.training.settings import SETTINGS
from explorer.ui.events import answer


@answer
def compare_runs(question: dict[str, Any]) -> dict[str, Any]:
    """Answer ``{"ids": [...]}`` with rows {name, label, help, values}: a value a run, each as a recipe writes it."""
    ids = question.get("ids")
    if not isinstance(ids, list) or not ids:
        raise RunError("No run is named.")
    specs = [find_run_by_id(str(id)).spec for id in ids[:MOST_RUNS]]
    return {"rows": [*_list_facts(specs), *_list_settings(specs)]}


def _list_facts(specs: list[RunSpec]) -> list[dict[str, Any]]:
    facts = (
        ("variant", "Variant", "what was drawn", [spec.variant for spec in specs]),
        ("data", "Data", "what it was trained on", [spec.data for spec in specs]),
        ("recipe", "Recipe", "what the settings were read from", [spec.recipe or "–" for spec in specs]),
    )
    rows = [{"name": name, "label": label, "help": help, "values": values} for name, label, help, values in facts]
    return [row for row in rows if len(set(row["values"])) > 1]


def _list_settings(specs: list[RunSpec]) -> list[dict[str, Any]]:
    first = specs[0].config
    differing = {name for spec in specs[1:] for name, *_ in list_differences(first, spec.config)}
    return [
        {
            "name": name,
            "label": setting.label,
            "help": setting.help,
            "values": [setting.format(getattr(spec.config, name)) for spec in specs],
        }
        for name, setting in SETTINGS.items()
        if name in differing
    ]

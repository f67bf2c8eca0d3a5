"""The list of runs: what each is in a line, its note and tags, and deleting it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from explorer.errors import RunError
from explorer.training.notes import Notes, write_notes
from explorer.training.queue import queue_position
from explorer.training.recipes import format_recipe
from explorer.training.removal import delete_run as remove
from explorer.training.runs import Run, RunSpec, find_run_by_id, list_runs
from explorer.ui.events import answer

MAX_LISTED = 200


def visible_runs(ids: set[str] | None) -> list[Run]:
    """The newest runs; only those in `ids` where it is given."""
    return [run for run in list_runs() if ids is None or run.id in ids][:MAX_LISTED]


def create_lister(shared: bool) -> Callable[[Any], dict[str, Any]]:
    """The function that lists runs; visitors of a shared page see those whose unguessable ids their browser holds."""

    @answer
    def list_runs(question: dict[str, Any]) -> dict[str, Any]:
        """Answer ``{"ids", "seen"}`` with ``"runs"``, the newest first, and ``"mark"``, which stands for all they say.

        Where `seen` is that mark nothing has changed, and only the mark comes back.
        """
        held = question.get("ids")
        ids = {str(id) for id in held} if isinstance(held, list) else set()
        rows = [describe_run(run) for run in visible_runs(ids if shared else None)]
        mark = hashlib.sha1(json.dumps(rows).encode(), usedforsecurity=False).hexdigest()
        return {"mark": mark} if question.get("seen") == mark else {"mark": mark, "runs": rows}

    return list_runs


def describe_run(run: Run) -> dict[str, Any]:
    """A row of the list. `place` is that in the queue, 1 for the next one, `accuracy` the last held-out one, 0 to 1."""
    spec, state, notes = run.spec, run.state(), run.notes
    return {
        "id": run.id,
        "variant": spec.variant,
        "data": spec.data,
        "recipe": spec.recipe or _write_recipe(spec),
        "race": spec.race,
        "study": spec.study,
        "created": spec.created,
        "state": state,
        "place": queue_position(run) if state == "queued" else None,
        "accuracy": run.last_accuracy(),
        "note": notes.note,
        "tags": list(notes.tags),
    }


@lru_cache(maxsize=1024)
def _write_recipe(spec: RunSpec) -> str:
    """Of a run that was started without a recipe's text."""
    return format_recipe(spec.config)


@answer
def annotate_run(question: dict[str, Any]) -> dict[str, Any]:
    """Keep ``{"id", "note", "tags": [text]}``, and answer with both as they were kept."""
    run, tags = find_run_by_id(str(question.get("id", ""))), question.get("tags", [])
    if not isinstance(tags, list):
        raise RunError("Tags are a list of texts.")
    notes = Notes(question.get("note", ""), tuple(tags))
    write_notes(run.folder, notes)
    return {"note": notes.note, "tags": list(notes.tags)}


@answer
def delete_run(question: dict[str, Any]) -> dict[str, Any]:
    """Delete the run ``{"id"}`` with everything in it; one that trains has to be stopped first."""
    remove(find_run_by_id(str(question.get("id", ""))))
    return {}

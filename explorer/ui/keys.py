"""Whose a run is: a shared page's links let others look at it, and only the browser that started it may change it."""

from __future__ import annotations

import functools
import secrets
from collections.abc import Callable, Iterable
from typing import Any

from explorer.errors import RunError
from explorer.files import write_atomically
from explorer.training.runs import Run, find_run_by_id
from explorer.ui.events import answer

FILE = "key"
MOST = 200  # keys that a question may bring
Function = Callable[[Any], dict[str, Any]]


def give_key(runs: Iterable[Run]) -> str:
    """Make one unguessable key for all these runs; whoever brings it may change them."""
    key = secrets.token_urlsafe(16)
    for run in runs:
        write_atomically(run.folder / FILE, key.encode())
    return key


def guard(function: Function, shared: bool) -> Function:
    """On a shared page, let ``{"id" or "ids", "keys": [...]}`` through for the runs alone whose keys it brings."""
    if not shared:
        return function

    @functools.wraps(function)
    def guarded(question: dict[str, Any]) -> dict[str, Any]:
        given = question.get("keys")
        keys = {str(key) for key in given[:MOST]} if isinstance(given, list) else set()
        ids = question.get("ids")
        for id in [*(ids if isinstance(ids, list) else []), question.get("id")]:
            if id is not None and _read_key(find_run_by_id(str(id))) not in keys:
                raise RunError("This run was started in another browser: look at it here, or start one of your own.")
        return function(question)

    return answer(guarded)


def _read_key(run: Run) -> str | None:
    try:
        return (run.folder / FILE).read_text(encoding="utf-8")
    except OSError:
        return None

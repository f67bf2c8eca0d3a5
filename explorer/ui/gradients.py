"""Gradient norms of a run, for the graph to be coloured by."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from explorer.architecture.plan import Plan
from explorer.architecture.variant import format_variant
from explorer.errors import RunError
from explorer.training.runs import Run, find_run_by_id

MAX_IDS = 200


def measure_gradients(plan: Plan, ids: object) -> dict[str, Any]:
    """Norm of the loss gradient of every block at the last record of a run, as ``{"values", "adds"}``.

    Of the newest run of the same network among `ids`, those that the browser holds. Raises `RunError` where none has
    one.
    """
    variant = format_variant(plan.architecture)
    for run in _find_runs([str(id) for id in ids][:MAX_IDS] if isinstance(ids, list) else [], variant):
        norms = _read_last_norms(run)
        if norms:
            return {"values": norms, "adds": False}
    raise RunError(f"No run of {variant} was started from this browser yet: press Start on the Train tab.")


def _find_runs(ids: list[str], variant: str) -> list[Run]:
    """Those of this variant, the newest first."""
    found = []
    for id in ids:
        with suppress(RunError):
            run = find_run_by_id(id)
            if run.spec.variant == variant:
                found.append(run)
    return sorted(found, key=lambda run: -run.spec.created)


def _read_last_norms(run: Run) -> dict[str, float]:
    """The newest norms that are numbers; empty where the run has none yet."""
    norms: dict[str, float] = {}
    records, offset = run.read_records()
    while records:
        for record in records:
            norms = record.get("gradient_norms") or norms
        records, offset = run.read_records(offset)
    return {name: value for name, value in norms.items() if isinstance(value, int | float)}

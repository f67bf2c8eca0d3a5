"""Gradient norms of a run, for the graph to be coloured by."""

from __future__ import annotations

import math
from contextlib import suppress
from typing import Any

from explorer.architecture.plan import Plan
from explorer.architecture.variant import format_variant
from explorer.errors import RunError
from explorer.training.runs import Run, find_run_by_id

MAX_IDS = 200


def measure_gradients(plan: Plan, ids: object) -> dict[str, Any]:
    """Norm of the loss gradient of every layer, block and stage when a run was last watched, as ``{"values", "adds"}``.

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
    layers: list[str] = []
    norms: dict[str, float] = {}
    for record in run.read_all_records():
        if record["kind"] == "units":
            layers = record["units"].get("gradient_norm", [])
        seen = record["values"].get("gradient_norm") if record["kind"] == "watch" else None
        norms = _add_parts(layers, seen) if seen else record.get("gradient_norms") or norms  # the first versions'
    return {name: value for name, value in norms.items() if isinstance(value, int | float)}


def _add_parts(layers: list[str], norms: list[float | None]) -> dict[str, float]:
    """Norms of layers, and of all parts that hold them: the root of the sum of squares."""
    squares: dict[str, float] = {}
    for layer, norm in zip(layers, norms, strict=False):
        steps = layer.split(".")
        for name in {".".join(steps[:count]) for count in range(1, len(steps) + 1)}:
            squares[name] = squares.get(name, 0.0) + (math.nan if norm is None else norm**2)
    return {name: math.sqrt(square) for name, square in squares.items() if math.isfinite(square)}

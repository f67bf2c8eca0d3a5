"""What the graph can be coloured by: one number for every operation, block, stage and part of a plan."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from explorer.architecture.plan import Plan
from explorer.architecture.profile import OpProfile, profile_plan
from explorer.errors import VariantError

METRICS = ("params", "macs", "activations", "memory", "field")


def measure_parts(plan: Plan, metric: str) -> dict[str, Any]:
    """Numbers by name as ``{"values": ..., "adds": ...}``; what has none is left out.

    For one image: counts, bytes in float32 that autograd keeps, or the side of the receptive field in pixels. A part
    has the sum of its operations where numbers add up, else what the last of them has. Raises `VariantError`.
    """
    if metric not in METRICS:
        raise VariantError(f"“{metric[:20]}” is nothing to colour by: choose from {', '.join(METRICS)}.")
    values: dict[str, int] = {}
    adds = metric != "field"
    for row in profile_plan(plan).rows:
        value = _read(row, metric)
        if value:
            for name in (row.name, *_list_parts(row.name)):
                values[name] = values.get(name, 0) + value if adds else value
    return {"values": values, "adds": adds}


def _read(row: OpProfile, metric: str) -> int:
    if metric == "memory":
        return row.saved
    return row.field.size if metric == "field" else int(getattr(row.cost, metric))


def _list_parts(name: str) -> Iterator[str]:
    """Boxes that hold an operation: ``layer2.0.shortcut``, ``layer2.0`` and ``layer2``; ``stem``."""
    words = name.split(".")
    if words[0] in ("stem", "head"):
        yield words[0]
        return
    yield ".".join(words[:2])
    if words[1] == "transition":
        return  # stands before its stage, not in it
    yield words[0]
    if words[2] == "shortcut" and len(words) > 3:
        yield ".".join(words[:3])

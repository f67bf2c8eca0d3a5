"""What a search found: a table for a terminal, CSV and JSON."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from typing import Any

from explorer.architecture.cost import CONVENTION
from explorer.architecture.search import OBJECTIVES, Found, Point
from explorer.architecture.variant import format_variant

COLUMNS = (*OBJECTIVES, "variant")


def format_text(found: Found, whole: bool = False, limit: int = 30) -> str:
    """The Pareto set, or all that fit, aligned; of more than `limit` rows every so-manieth is shown."""
    points = _choose(found, whole)
    if not points:
        return _explain_nothing(found)
    shown = thin_out(points, limit)
    rows = [COLUMNS, *([f"{value:,}" for value in _list_values(point)] + [_name(point)] for point in shown)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMNS) - 1)]
    lines = ["  ".join([*map(str.rjust, row[:-1], widths), row[-1]]) for row in rows]
    left = (
        f"\n{len(shown)} of {len(points):,} are shown, evenly spaced; see more with --limit." if shown != points else ""
    )
    return "\n".join([*lines, "", f"{_describe_counts(found)}{left}\n{CONVENTION}."])


def format_csv(found: Found, whole: bool = False, limit: int | None = None) -> str:
    """One line a variant, exact numbers."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([*_list_values(point), _name(point)] for point in thin_out(_choose(found, whole), limit))
    return out.getvalue()


def format_json(found: Found, whole: bool = False, limit: int | None = None) -> str:
    """One JSON object: how many were counted and fit, and a row a variant."""
    data: dict[str, Any] = {
        "counted": found.counted,
        "fits": len(found.fits),
        "pareto": len(found.pareto),
        "objectives": list(found.objectives),
        "counts": CONVENTION,
        "variants": [
            dict(zip(COLUMNS, [*_list_values(point), _name(point)], strict=True))
            for point in thin_out(_choose(found, whole), limit)
        ],
    }
    return json.dumps(data, indent=1, ensure_ascii=False)


def _explain_nothing(found: Found) -> str:
    if not found.counted:
        return "The design space has no variant of this depth for this input: give a wider --depth or a larger --input."
    return f"None of {found.counted:,} variants fits: give a larger budget, or draw more with --count."


def thin_out(points: Sequence[Point], limit: int | None) -> list[Point]:
    """At most `limit` points, evenly spaced, the first and the last among them."""
    if limit is None or len(points) <= limit:
        return list(points)
    step = (len(points) - 1) / max(1, limit - 1)
    return [points[round(index * step)] for index in range(limit)]


def _choose(found: Found, whole: bool) -> list[Point]:
    return list(found.fits if whole else found.pareto)


def _list_values(point: Point) -> list[int]:
    return [point.measure(name) for name in OBJECTIVES]


def _name(point: Point) -> str:
    return format_variant(point.architecture)


def _describe_counts(found: Found) -> str:
    less = " and ".join(name for name in found.objectives if OBJECTIVES[name] < 0)
    more = " and ".join(name for name in found.objectives if OBJECTIVES[name] > 0)
    better = ", ".join(words for words in (f"less {less}" if less else "", f"more {more}" if more else "") if words)
    return (
        f"{found.counted:,} variants were counted and {len(found.fits):,} fit; {len(found.pareto):,} of these are "
        f"beaten by no other ({better} is better)."
    )

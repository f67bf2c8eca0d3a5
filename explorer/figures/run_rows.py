"""A run's records in order: what the charts of a run read. assets/js/run_store.js keeps the same in the browser."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from functools import cached_property
from typing import Any

Row = dict[str, Any]
KINDS = ("step", "epoch", "watch", "alarm")


class RunRows:
    """Rows of each kind by step; of one step the last counts, since a resumed run repeats some.

    `batch` (images of a step) is needed for an axis in seconds alone.
    """

    def __init__(self, records: Iterable[Row], batch: int = 0) -> None:
        self.batch = batch
        self.units: dict[str, list[str]] = {}
        self.answers: Row | None = None
        latest: dict[str, dict[tuple[int, str, str], Row]] = {kind: {} for kind in KINDS}
        for record in records:
            kind, step = record.get("kind"), record.get("step")
            if kind == "units":
                self.units = record["units"]
            elif kind == "answers":
                self.answers = record
            elif kind in latest and isinstance(step, int):
                alarm = kind == "alarm"  # several may ring at one step
                key = (step, record["name"] if alarm else "", record["where"] if alarm else "")
                latest[kind][key] = record
        self.rows = {kind: [rows[key] for key in sorted(rows)] for kind, rows in latest.items()}

    def find(self, kind: str, step: int | None) -> Row | None:
        """The last row of a kind up to a step; the newest where `step` is None."""
        rows = self.rows[kind]
        at = len(rows) if step is None else bisect_right(rows, step, key=lambda row: int(row["step"]))
        return rows[at - 1] if at else None

    def list_values(self, quantity: str) -> list[tuple[Row, list[float | None]]]:
        """Watch rows that hold a quantity, with its numbers in the order of its units."""
        count = len(self.units.get(quantity, ()))
        held = ((row, row["values"].get(quantity)) for row in self.rows["watch"])
        return [(row, values) for row, values in held if values is not None and len(values) == count]

    def place(self, row: Row, axis: str) -> float:
        """Where a row stands on an axis: its step, its epoch, or seconds of training until then."""
        if axis == "seconds":
            steps, seconds = self._seconds
            at = bisect_right(steps, row["step"])
            return seconds[at - 1] if at else 0.0
        return float(row["epoch"]) if axis == "epoch" else int(row["step"])

    @cached_property
    def _seconds(self) -> tuple[list[int], list[float]]:
        """Steps, and the seconds that training took until then: what was looked at between is not counted."""
        steps, seconds, before, sum_ = [], [], 0, 0.0
        for row in self.rows["step"]:
            speed = row.get("images_per_second")
            sum_ += (row["step"] - before) * self.batch / speed if speed else 0.0
            before = row["step"]
            steps.append(before)
            seconds.append(sum_)
        return steps, seconds

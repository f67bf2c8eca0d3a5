"""A run's records as files for other programs: CSV, JSON, and TensorBoard's event files. Records are plain dicts."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from typing import Any

from explorer.errors import RunError

Rows = list[dict[str, Any]]
STEP_COLUMNS = (
    "step", "epoch", "loss", "accuracy", "learning_rate", "images_per_second", "gradient_norm", "memory",
    "held_out_loss", "held_out_accuracy",
)  # fmt: skip
WATCH_COLUMNS = ("step", "quantity", "unit", "value")
_TAGS = {  # where TensorBoard shows a number
    ("step", "loss"): "loss/training",
    ("epoch", "loss"): "loss/held out",
    ("step", "accuracy"): "accuracy/training",
    ("epoch", "accuracy"): "accuracy/held out",
    ("step", "learning_rate"): "learning rate",
    ("step", "images_per_second"): "images per second",
    ("step", "gradient_norm"): "gradient norm of all",
    ("step", "memory"): "memory in bytes",
}


def format_csv(records: Iterable[dict[str, Any]]) -> str:
    """One line a step, with what was seen on the held-out images after it; a number that was not finite is empty."""
    rows: dict[int, dict[str, Any]] = {}
    for record in records:
        kind, step = record.get("kind"), record.get("step")
        if kind == "step" and isinstance(step, int):
            rows.setdefault(step, {}).update({name: record.get(name) for name in STEP_COLUMNS[:8]})
        elif kind == "epoch" and isinstance(step, int):
            seen = {"held_out_loss": record.get("loss"), "held_out_accuracy": record.get("accuracy")}
            rows.setdefault(step, {"step": step, "epoch": record.get("epoch")}).update(seen)
    return _write_lines(STEP_COLUMNS, ([rows[step].get(name) for name in STEP_COLUMNS] for step in sorted(rows)))


def format_watch_csv(records: Iterable[dict[str, Any]]) -> str:
    """One line a number that the instruments saw: step, quantity, unit (a layer or a block), value."""
    return _write_lines(WATCH_COLUMNS, list_watched(records))


def list_watched(records: Iterable[dict[str, Any]]) -> Iterator[tuple[int, str, str, float | None]]:
    """The same as tuples. Runs of the first version kept the gradient norms of their blocks in the step records."""
    units: dict[str, Any] = {}
    for record in records:
        if record.get("kind") == "units":
            units = record.get("units") or {}
        found = record.get("values") if record.get("kind") == "watch" else None
        for quantity, values in (found or {}).items():
            names = units.get(quantity) or [str(number) for number in range(len(values))]
            yield from ((record["step"], quantity, *pair) for pair in zip(names, values, strict=False))
        if record.get("kind") == "step":
            for name, value in (record.get("gradient_norms") or {}).items():
                yield record["step"], "gradient_norm", name, value


def _write_lines(heading: Iterable[str], lines: Iterable[Iterable[Any]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(heading)
    writer.writerows(lines)  # None is written as nothing
    return out.getvalue()


def format_json(run: dict[str, Any], records: Rows, answers: dict[str, Any] | None) -> str:
    """One JSON object: the run and its settings, its records, and how the held-out images were classified."""
    return json.dumps({"run": run, "records": records, "answers": answers}, ensure_ascii=False, allow_nan=False) + "\n"


def write_events(records: Iterable[dict[str, Any]], created: float) -> bytes:
    """The content of a TensorBoard event file; all its scalars bear the time `created`, in seconds since 1970.

    Raises `RunError` where the package tensorboard is not installed.
    """
    try:
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.compat.proto.summary_pb2 import Summary
        from tensorboard.summary.writer.record_writer import RecordWriter
    except ImportError:
        raise RunError(
            "Writing TensorBoard's files needs tensorboard, which is not installed: pip install "
            "'resnet-explorer[tensorboard]', or save the run as CSV."
        ) from None
    out = io.BytesIO()
    writer = RecordWriter(out)
    writer.write(Event(wall_time=created, file_version="brain.Event:2").SerializeToString())
    for step, tags in _list_scalars(list(records)):
        values = [Summary.Value(tag=tag, simple_value=value) for tag, value in tags.items()]
        writer.write(Event(wall_time=created, step=step, summary=Summary(value=values)).SerializeToString())
    return out.getvalue()


def _list_scalars(records: Rows) -> Iterator[tuple[int, dict[str, float]]]:
    """Step, and its numbers by tag, in the order of the records; what was not finite is left out."""
    for record in records:
        kind, step = str(record.get("kind")), record.get("step")
        found = {tag: record.get(name) for (own, name), tag in _TAGS.items() if own == kind}
        numbers = {tag: float(value) for tag, value in found.items() if isinstance(value, int | float)}
        if numbers and isinstance(step, int):
            yield step, numbers
    watched: dict[int, dict[str, float]] = {}
    for step, quantity, unit, value in list_watched(records):
        if value is not None:
            watched.setdefault(step, {})[f"{quantity}/{unit}"] = float(value)
    yield from watched.items()


def name_events(id: str, created: float) -> str:
    """What an event file is called; TensorBoard knows it by the word in its middle."""
    return f"events.out.tfevents.{int(created)}.{id}"

"""A run as a file for others: where what training keeps meets what figures draw."""

from __future__ import annotations

from collections.abc import Callable

from explorer.errors import RunError
from explorer.figures import run_files
from explorer.figures.format import name_file
from explorer.figures.run_page import write_run_page
from explorer.training.runs import Run
from explorer.training.summary import list_settings, summarise_run

Named = tuple[str, bytes]


def export_run(run: Run, format: str) -> Named:
    """The name of a file, without a folder, and its content, in one of `FORMATS`. Raises `RunError`."""
    if format not in FORMATS:
        raise RunError(f"format={format[:40]} is no format for a run: choose from {', '.join(FORMATS)}.")
    try:
        return FORMATS[format](run)
    except OSError as error:
        raise RunError(f"The run {run.id} can't be read: {error.strerror or error}.") from None


def _write_csv(run: Run) -> Named:
    return _name(run, "csv"), run_files.format_csv(run.read_all_records()).encode()


def _write_watch_csv(run: Run) -> Named:
    return _name(run, "watch.csv"), run_files.format_watch_csv(run.read_all_records()).encode()


def _write_json(run: Run) -> Named:
    text = run_files.format_json(summarise_run(run), run.read_all_records(), run.read_answers())
    return _name(run, "json"), text.encode()


def _write_page(run: Run) -> Named:
    answers = run.read_answers()
    records = [*run.read_all_records(), *([answers] if answers else [])]
    return _name(run, "html"), write_run_page(summarise_run(run), list_settings(run.spec.config), records).encode()


def _write_events(run: Run) -> Named:
    created = run.spec.created
    return run_files.name_events(run.id, created), run_files.write_events(run.read_all_records(), created)


def _name(run: Run, ending: str) -> str:
    return f"{name_file(run.id)}.{ending}"


FORMATS: dict[str, Callable[[Run], Named]] = {
    "csv": _write_csv,  # a line a step
    "watch": _write_watch_csv,  # CSV too, a line a number that the instruments saw
    "json": _write_json,
    "html": _write_page,
    "tensorboard": _write_events,
}

"""A run as a file: the one place where the page's formats meet who writes them."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from importlib import import_module
from typing import Any

from explorer.errors import RunError
from explorer.figures.format import name_file
from explorer.training.runs import Run, find_run_by_id
from explorer.ui.events import answer


def _write(module: str, name: str, *given: Any) -> bytes:
    """Call a writer, loaded when it is first needed: some need what is no part of a plain installation."""
    written = getattr(import_module(f"explorer.{module}"), name)(*given)
    return written if isinstance(written, bytes) else str(written).encode()


# format: the file's ending, and what writes it
WRITERS: dict[str, tuple[str, Callable[[Run], bytes]]] = {
    "csv": ("csv", lambda run: _write("figures.run_export", "write_csv", run.read_all_records())),
    "json": ("json", lambda run: _write("figures.run_export", "write_json", run.spec, run.read_all_records())),
    "html": ("html", lambda run: _write("figures.run_export", "write_html", run.spec, run.read_all_records())),
    "tensorboard": ("zip", lambda run: _write("training.tensorboard", "write_events", run)),
}


@answer
def export(question: dict[str, Any]) -> dict[str, Any]:
    """Answer ``{"id", "format"}`` with the file's `name` and its `content` in base64."""
    run = find_run_by_id(str(question.get("id", "")))
    kind = str(question.get("format", ""))
    if kind not in WRITERS:
        raise RunError(f"“{kind[:40]}” is no format: choose from {', '.join(WRITERS)}.")
    ending, write = WRITERS[kind]
    try:
        content = write(run)
    except ImportError as error:
        raise RunError(f"What writes {kind} is not installed here ({error.name}).") from None
    return {"name": f"{name_file(run.spec.variant)}.{ending}", "content": b64encode(content).decode()}

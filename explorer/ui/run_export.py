"""A run as a file for the browser: what `explorer.exports` writes, as text that can be sent."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

from explorer.exports import export_run
from explorer.training.runs import find_run_by_id
from explorer.ui.events import answer


@answer
def export(question: dict[str, Any]) -> dict[str, Any]:
    """Answer ``{"id", "format"}`` with the file's `name` and its `content` in base64."""
    run = find_run_by_id(str(question.get("id", "")))
    name, content = export_run(run, str(question.get("format", ""))[:40])
    return {"name": name, "content": b64encode(content).decode()}

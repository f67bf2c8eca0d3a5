"""Deleting a run: whole, or not at all."""

from __future__ import annotations

import secrets
import shutil
from contextlib import suppress
from pathlib import Path

from filelock import Timeout

from explorer.errors import RunError
from explorer.training.runs import ALIVE, Run, home

PREFIX = ".deleted-"
_OWN = {
    "run.json", "records.jsonl", "film.jsonl", "answers.json", "notes.json", "checkpoints", "model.safetensors", "lock",
    "starting", "queued", "stop", "pause", "key", "worker.log",
}  # fmt: skip


def delete_run(run: Run) -> None:
    """Remove a run's directory. It leaves the list at once, so that no half of it is ever seen.

    Raises `RunError` for a run with a worker, for one outside `home` that holds other files too, and where it can't be
    removed.
    """
    _ = run.spec  # a folder that is no run is nobody's to delete
    state = run.state()
    if state in ALIVE:
        raise RunError(f"The run {run.id} is {state}: stop it first, then delete it.")
    _refuse_others(run)
    try:
        with run.lock().acquire(timeout=5):  # so that no worker begins meanwhile
            hidden = run.folder.with_name(f"{PREFIX}{run.id}-{secrets.token_hex(4)}")
            run.folder.rename(hidden)
    except Timeout:
        raise RunError(f"The run {run.id} has a worker: stop it first, then delete it.") from None
    except OSError as error:
        raise RunError(f"The run {run.id} can't be deleted: {error.strerror or error}.") from None
    there = (hidden / "run.json").exists()
    _remove(hidden)
    if not there:  # another was faster, and the lock has made the directory anew
        raise RunError(f"The run {run.id} was deleted meanwhile.")
    for left in home().glob(f"{PREFIX}*"):  # of somebody who was killed here
        _remove(left)


def _refuse_others(run: Run) -> None:
    """A person may have named a directory that holds more than the run; at home all of it is the run's."""
    if run.folder.resolve().parent == home().resolve():
        return
    others = sorted(path.name for path in run.folder.iterdir() if path.name not in _OWN and path.suffix != ".tmp")
    others += sorted(path.name for path in (run.folder / "checkpoints").glob("*") if path.name != "last.pt")
    if others:
        raise RunError(
            f"{run.folder} holds files that are no part of the run, such as {others[0][:60]}: move them away first."
        )


def _remove(folder: Path) -> None:
    if folder.is_symlink():
        with suppress(OSError):
            folder.unlink()
    else:
        shutil.rmtree(folder, ignore_errors=True)

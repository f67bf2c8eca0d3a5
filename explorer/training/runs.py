"""A run is a directory: what was asked, what was seen, and the weights. Readers need nothing else.

::

    run.json             the settings; written once
    records.jsonl        append-only; the last record of a step counts
    film.jsonl           feature maps of one image as it learns, append-only
    answers.json         how the held-out images were classified, the newest; replaced atomically
    notes.json           a note and tags; replaced atomically
    checkpoints/last.pt  what a resume starts from; replaced atomically
    model.safetensors    the result, under torchvision's names
    lock                 held while a worker lives or waits for its turn
    starting             there from the moment a worker was called until it works, but not while it waits
    queued               there while a worker waits for its turn; its place in the line
    stop, pause          there when someone asked the worker to stop, or to pause
    key                  what a browser must bring to change it, where it was started on a shared page
    worker.log           what the worker printed
"""

from __future__ import annotations

import json
import os
import re
import secrets
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from filelock import FileLock

from explorer.architecture.config import Architecture
from explorer.architecture.variant import format_variant, nearest_name, parse_variant
from explorer.data.images import printable_name
from explorer.errors import RunError
from explorer.files import write_atomically
from explorer.training import journal
from explorer.training.config import TrainConfig
from explorer.training.journal import merge_records
from explorer.training.locks import is_held
from explorer.training.notes import Notes, read_notes
from explorer.training.recall import recall

__all__ = [
    "ALIVE",
    "STATES",
    "RecordWriter",
    "Run",
    "RunSpec",
    "create_run",
    "find_race",
    "find_run",
    "find_run_by_id",
    "home",
    "list_runs",
    "merge_records",
    "trained_architecture",
]
VERSION = 1
STARTING_SECONDS = 60  # how long a worker that was called is waited for
STATES = ("queued", "starting", "running", "paused", "finished", "stopped", "failed", "interrupted")
ALIVE = ("queued", "starting", "running")  # states in which a worker is there, or about to be


def home() -> Path:
    """Where runs live: ``$EXPLORER_HOME/runs``, by default ``~/.resnet-explorer/runs``."""
    return Path(os.environ.get("EXPLORER_HOME") or "~/.resnet-explorer").expanduser() / "runs"


@dataclass(frozen=True)
class RunSpec:
    """What was asked for. `variant` is the drawn one, `trained` the same with the data's classes and input.

    `recipe` is the text that the settings were read from, `race` the id that the runs of a race share, `study` the name
    of the study that it was made for; each may be empty.
    """

    variant: str
    trained: str
    data: str
    config: TrainConfig
    created: float
    version: int = VERSION
    recipe: str = ""
    race: str = ""
    study: str = ""

    def __post_init__(self) -> None:
        texts = self.variant, self.trained, self.data, self.recipe, self.race, self.study
        if not all(isinstance(text, str) for text in texts):
            raise TypeError("variant, trained, data, recipe, race and study must be text")
        if not isinstance(self.created, int | float):
            raise TypeError("created must be a number")


def _read_spec(path: Path) -> RunSpec:
    content = json.loads(path.read_text(encoding="utf-8"))
    return RunSpec(**{**content, "config": TrainConfig(**content["config"])})


def _read_notes(path: Path) -> Notes:
    return read_notes(path.parent)


class Run:
    """A run's directory, for readers and for the worker. Nothing is kept in memory."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def id(self) -> str:
        """Name of the directory; for runs started on the page it can't be guessed."""
        return self.folder.resolve().name

    @property
    def records_path(self) -> Path:
        """The append-only records."""
        return self.folder / "records.jsonl"

    @property
    def film_path(self) -> Path:
        """The append-only film records."""
        return self.folder / "film.jsonl"

    @property
    def answers_path(self) -> Path:
        """The newest answers."""
        return self.folder / "answers.json"

    @property
    def checkpoint_path(self) -> Path:
        """What a resume starts from."""
        return self.folder / "checkpoints" / "last.pt"

    @property
    def weights_path(self) -> Path:
        """The result."""
        return self.folder / "model.safetensors"

    @cached_property
    def spec(self) -> RunSpec:
        """What was asked for. Raises `RunError`."""
        try:
            return recall(self.folder / "run.json", _read_spec)
        except FileNotFoundError:
            raise RunError(f"{self.folder} is no run: it has no run.json.") from None
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise RunError(f"{self.folder}/run.json can't be read ({str(error)[:80]}).") from None

    def lock(self) -> FileLock:
        """The lock that a worker holds while it lives or waits; the system frees it however the worker ends.

        Within a thread it may be taken again: who waits for its turn holds it already when the work begins.
        """
        return FileLock(self.folder / "lock", is_singleton=True)

    def is_locked(self) -> bool:
        """Whether a worker is alive, be it that it waits."""
        return is_held(self.folder / "lock")

    def state(self) -> str:
        """One of `STATES`. "interrupted" is derived, never written: no worker, and no last word from one."""
        starting = self.is_starting()  # asked first: a worker that locks meanwhile is then seen as running
        if self.is_locked():
            if (self.folder / "queued").exists():
                return "queued"
            return "starting" if starting or self.is_starting() else "running"  # asked again: its turn may have come
        if starting:
            return "starting"
        last = self.last_record() or {}
        status = last.get("status") if last.get("kind") == "final" else None
        return status if status in ("finished", "stopped", "paused", "failed") else "interrupted"

    def call_worker(self) -> None:
        """Note that a worker is about to start; takes back earlier requests to stop or pause. Raises `OSError`."""
        self.take_back_requests()
        (self.folder / "starting").touch()

    def is_starting(self) -> bool:
        """Whether a worker was called lately and has not greeted yet."""
        called = self.called_at()
        return called is not None and time.time() - called < STARTING_SECONDS

    def called_at(self) -> float | None:
        """When the worker was called that has not greeted yet, in seconds since 1970; None without one."""
        try:
            return (self.folder / "starting").stat().st_mtime
        except OSError:
            return None

    def greet_worker(self) -> None:
        """Note, holding the lock, that the worker works now. Requests to stop or pause count if made after the call."""
        if not self.is_starting():
            self.take_back_requests()
        (self.folder / "queued").unlink(missing_ok=True)
        (self.folder / "starting").unlink(missing_ok=True)

    def take_back_requests(self) -> None:
        """Forget earlier requests to stop or pause. Raises `OSError`."""
        for name in ("stop", "pause"):
            (self.folder / name).unlink(missing_ok=True)

    def last_record(self) -> dict[str, Any] | None:
        """The last record; None before the first."""
        try:
            return recall(self.records_path, journal.read_last)
        except FileNotFoundError:
            return None

    def last_accuracy(self) -> float | None:
        """Held-out accuracy (0 to 1) of the last whole epoch; None before the first."""
        try:
            return recall(self.records_path, journal.read_last_accuracy)
        except FileNotFoundError:
            return None

    def read_records(self, offset: int = 0, most: int = journal.PORTION) -> tuple[list[dict[str, Any]], int]:
        """Return whole records behind `offset` bytes (about `most` bytes of them), and the offset to ask for next."""
        return journal.read_records(self.records_path, offset, most)

    def read_film(self, offset: int = 0, most: int = journal.PORTION) -> tuple[list[dict[str, Any]], int]:
        """The same of the film records."""
        return journal.read_records(self.film_path, offset, most)

    def read_all_records(self) -> list[dict[str, Any]]:
        """All records, the last of every kind and step, in the order of training."""
        return merge_records(self.read_records(0, 1 << 40)[0])

    def read_answers(self) -> dict[str, Any] | None:
        """The newest `Answers` record; None before the first, and where it can't be read."""
        try:
            content = json.loads(self.answers_path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return content if isinstance(content, dict) else None

    @property
    def notes(self) -> Notes:
        """What people said about it."""
        try:
            return recall(self.folder / "notes.json", _read_notes)
        except OSError:
            return Notes()

    def ask_to_stop(self) -> None:
        """Ask the worker to stop after its step, with a checkpoint."""
        (self.folder / "stop").touch()

    def is_asked_to_stop(self) -> bool:
        """Whether somebody asked the worker to stop."""
        return (self.folder / "stop").exists()

    def ask_to_pause(self) -> None:
        """Ask the worker to leave the device to others after its step, with a checkpoint; it may be resumed."""
        (self.folder / "pause").touch()

    def is_asked_to_pause(self) -> bool:
        """Whether somebody asked the worker to pause."""
        return (self.folder / "pause").exists()


class RecordWriter(journal.RecordWriter):
    """Appends records to a run's ``records.jsonl``, or to another file of it, such as ``film.jsonl``."""

    def __init__(self, run: Run, name: str = "records.jsonl") -> None:
        super().__init__(run.folder / name)


def create_run(
    architecture: Architecture,
    data: str,
    shape: tuple[int, int, int],
    classes: int,
    config: TrainConfig,
    folder: Path | None = None,
    *,
    recipe: str = "",
    race: str = "",
    study: str = "",
) -> Run:
    """Make a run's directory for `architecture` on data of `classes` classes and (C, H, W) images.

    Raises `RunError` where the directory is taken or can't be made.
    """
    variant = format_variant(architecture)
    trained = format_variant(replace(architecture, classes=classes, input=shape))
    spec = RunSpec(variant, trained, data, config, time.time(), recipe=recipe, race=race, study=study)
    folder = folder or home() / f"{nearest_name(architecture)}-{secrets.token_hex(8)}"
    run = Run(folder)
    try:
        if (folder / "run.json").exists():
            raise RunError(f"{folder} holds a run already: choose another directory.")
        (folder / "checkpoints").mkdir(parents=True, exist_ok=True)
        run.call_worker()
        write_atomically(folder / "run.json", (json.dumps(asdict(spec), indent=1) + "\n").encode())
    except (OSError, ValueError) as error:  # a name that no file can have is a ValueError
        reason = error.strerror if isinstance(error, OSError) else error
        raise RunError(f"The run's directory {printable_name(folder)} can't be written: {reason}.") from None
    return run


def find_run(name: str) -> Run:
    """Return the run with this id, or at this path. Raises `RunError`."""
    try:
        return find_run_by_id(name)
    except RunError:
        folder = Path(os.path.expanduser(name))  # noqa: PTH111  (pathlib's raises on ~nobody)
        if not os.path.isfile(folder / "run.json"):  # noqa: PTH113  (pathlib's raises where the name is too long)
            raise
    return Run(folder)


def find_run_by_id(id: str) -> Run:
    """Return the run with this id from `home`, never from another path. Raises `RunError`."""
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,80}", id) or not (home() / id / "run.json").is_file():
        raise RunError(
            f"There is no run {printable_name(id)}: it may have been deleted, or belongs to another machine."
        )
    return Run(home() / id)


def list_runs() -> list[Run]:
    """Return all runs at home, the newest first; directories without a readable run.json are passed over."""
    readable = []
    for folder in _list_folders():
        run = Run(folder)
        with suppress(RunError):
            readable.append((run.spec.created, folder.name, run))
    return [run for *_, run in sorted(readable, key=lambda row: row[:2], reverse=True)]


def _list_folders() -> list[Path]:
    """What may be a run; hidden ones are being deleted."""
    try:
        return [Path(entry.path) for entry in os.scandir(home()) if not entry.name.startswith(".")]
    except OSError:
        return []


def find_race(id: str) -> list[Run]:
    """The runs of a race, in the order in which they were made; none for an id that no run has."""
    return [run for run in reversed(list_runs()) if id and run.spec.race == id]


def trained_architecture(run: Run) -> Architecture:
    """The architecture that the run's weights belong to."""
    return parse_variant(run.spec.trained)

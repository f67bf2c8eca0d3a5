"""A run is a directory: what was asked, what was seen, and the weights. Readers need nothing else.

::

    run.json             the settings; written once
    records.jsonl        append-only; the last record of a step counts
    checkpoints/last.pt  what a resume starts from; replaced atomically
    model.safetensors    the result, under torchvision's names
    lock                 held while a worker lives
    starting             there from the moment a worker was called until it holds the lock
    stop                 there when someone asked the worker to stop
    worker.log           what the worker printed
"""

from __future__ import annotations

import json
import os
import re
import secrets
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO

from filelock import FileLock, Timeout

from explorer.architecture.config import Architecture
from explorer.architecture.variant import format_variant, nearest_name, parse_variant
from explorer.data.images import printable_name
from explorer.errors import RunError
from explorer.files import write_atomically
from explorer.records import Record, write_record
from explorer.training.config import TrainConfig

VERSION = 1
STARTING_SECONDS = 60  # how long a worker that was called is waited for
LONGEST_RECORD = 1 << 20  # bytes; the gradient norms of 6,000 blocks take 250,000
STATES = ("starting", "running", "finished", "stopped", "failed", "interrupted")


def home() -> Path:
    """Where runs live: ``$EXPLORER_HOME/runs``, by default ``~/.resnet-explorer/runs``."""
    return Path(os.environ.get("EXPLORER_HOME") or "~/.resnet-explorer").expanduser() / "runs"


@dataclass(frozen=True)
class RunSpec:
    """What was asked for. `variant` is the drawn one, `trained` the same with the data's classes and input."""

    variant: str
    trained: str
    data: str
    config: TrainConfig
    created: float
    version: int = VERSION

    def __post_init__(self) -> None:
        if not all(isinstance(text, str) for text in (self.variant, self.trained, self.data)):
            raise TypeError("variant, trained and data must be text")
        if not isinstance(self.created, int | float):
            raise TypeError("created must be a number")


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
            content = json.loads((self.folder / "run.json").read_text(encoding="utf-8"))
            return RunSpec(**{**content, "config": TrainConfig(**content["config"])})
        except FileNotFoundError:
            raise RunError(f"{self.folder} is no run: it has no run.json.") from None
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise RunError(f"{self.folder}/run.json can't be read ({str(error)[:80]}).") from None

    def lock(self) -> FileLock:
        """The lock that a worker holds while it lives; the system frees it however the worker ends."""
        return FileLock(self.folder / "lock")

    def is_locked(self) -> bool:
        """Whether a worker is alive."""
        try:
            with open(self.folder / "lock", "rb") as file:
                return not _can_share(file)
        except FileNotFoundError:
            return False

    def state(self) -> str:
        """One of `STATES`. "interrupted" is derived, never written: no worker, and no last word from one."""
        starting = self.is_starting()  # asked first: a worker that locks meanwhile is then seen as running
        if self.is_locked():
            return "running"
        if starting:
            return "starting"
        last = self.last_record() or {}
        return str(last["status"]) if last.get("kind") == "final" and last.get("status") in STATES else "interrupted"

    def call_worker(self) -> None:
        """Note that a worker is about to start; takes back an earlier request to stop. Raises `OSError`."""
        (self.folder / "stop").unlink(missing_ok=True)
        (self.folder / "starting").touch()

    def is_starting(self) -> bool:
        """Whether a worker was called lately and does not hold the lock yet."""
        try:
            return time.time() - (self.folder / "starting").stat().st_mtime < STARTING_SECONDS
        except OSError:
            return False

    def greet_worker(self) -> None:
        """Note, holding the lock, that the worker is here. A request to stop counts if it came after the call."""
        if not self.is_starting():
            (self.folder / "stop").unlink(missing_ok=True)
        (self.folder / "starting").unlink(missing_ok=True)

    def last_record(self) -> dict[str, Any] | None:
        """The last record, read from the file's end."""
        try:
            with open(self.records_path, "rb") as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - LONGEST_RECORD))
                lines = file.read(LONGEST_RECORD).split(b"\n")
        except FileNotFoundError:
            return None
        return next(_parse_lines(reversed(lines)), None)

    def last_accuracy(self) -> float | None:
        """Held-out accuracy (0 to 1) of the last whole epoch; None before the first."""
        try:
            with open(self.records_path, "rb") as file:
                epochs = (line for line in _read_backwards(file) if b'"epoch"' in line[:20])  # to parse all is slow
                return next((float(record["accuracy"]) for record in _parse_lines(epochs)), None)
        except FileNotFoundError:
            return None

    def read_records(self, offset: int = 0, most: int = LONGEST_RECORD) -> tuple[list[dict[str, Any]], int]:
        """Return whole records behind `offset` bytes (about `most` bytes of them), and the offset to ask for next."""
        try:
            with open(self.records_path, "rb") as file:
                offset = file.seek(min(max(0, offset), file.seek(0, os.SEEK_END)))  # a browser may send any
                chunk = file.read(most)
        except FileNotFoundError:
            return [], 0
        whole = chunk.rfind(b"\n") + 1
        return list(_parse_lines(chunk[:whole].split(b"\n"))), offset + whole

    def ask_to_stop(self) -> None:
        """Ask the worker to stop after its step, with a checkpoint."""
        (self.folder / "stop").touch()

    def is_asked_to_stop(self) -> bool:
        """Whether somebody asked the worker to stop."""
        return (self.folder / "stop").exists()


def _can_share(file: BinaryIO) -> bool:
    """Whether nobody holds the lock. Readers share it for a moment, so none takes another for a worker."""
    try:
        import fcntl
    except ImportError:  # Windows: readers exclude each other, so a second look is taken
        return _can_lock(file.name) or _can_lock(file.name)
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _can_lock(path: str) -> bool:
    try:
        with FileLock(path).acquire(timeout=0.1):
            return True
    except Timeout:
        return False


def _read_backwards(file: BinaryIO, size: int = 1 << 16) -> Iterator[bytes]:
    """Lines from the last to the first, `size` bytes at a time: the list of runs asks every file every second."""
    position, rest = file.seek(0, os.SEEK_END), b""
    while position:
        start = max(0, position - size)
        file.seek(start)
        rest, *lines = (file.read(position - start) + rest).split(b"\n")
        yield from reversed(lines)
        position = start
    yield rest


def merge_records(records: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the last record of every kind and step, in the order of training.

    A resumed run repeats the steps after its checkpoint; a last word that was followed by more was not the last.
    """
    latest: dict[tuple[int, int], dict[str, Any]] = {}
    final: list[dict[str, Any]] = []
    for record in records:
        kind, step = record.get("kind"), record.get("step")
        final = [record] if kind == "final" else []
        if kind in ("step", "epoch") and isinstance(step, int):
            latest[step, kind == "epoch"] = record
    return [latest[key] for key in sorted(latest)] + final


def _parse_lines(lines: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    """Records of whole lines; a line torn by a crash is passed over."""
    for line in lines:
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if isinstance(record, dict):
            yield record


class RecordWriter:
    """Appends records to a run, a line each, so that a crash tears at most the last one."""

    def __init__(self, run: Run) -> None:
        self.file = open(run.records_path, "ab")  # noqa: SIM115  (closed by `close`)
        if self.file.tell() and not _ends_with_newline(run.records_path):
            self.file.write(b"\n")

    def write(self, record: Record) -> None:
        """Append one record and hand it to the system. Raises `OSError`."""
        self.file.write(write_record(record).encode() + b"\n")
        self.file.flush()

    def close(self) -> None:
        """Close the file."""
        self.file.close()


def _ends_with_newline(path: Path) -> bool:
    with open(path, "rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"


def create_run(
    architecture: Architecture,
    data: str,
    shape: tuple[int, int, int],
    classes: int,
    config: TrainConfig,
    folder: Path | None = None,
) -> Run:
    """Make a run's directory for `architecture` on data of `classes` classes and (C, H, W) images.

    Raises `RunError` where the directory is taken or can't be made.
    """
    variant = format_variant(architecture)
    trained = format_variant(replace(architecture, classes=classes, input=shape))
    spec = RunSpec(variant, trained, data, config, time.time())
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
    for path in home().glob("*/run.json"):
        run = Run(path.parent)
        with suppress(RunError):
            readable.append((run.spec.created, run.id, run))
    return [run for *_, run in sorted(readable, key=lambda row: row[:2], reverse=True)]


def trained_architecture(run: Run) -> Architecture:
    """The architecture that the run's weights belong to."""
    return parse_variant(run.spec.trained)

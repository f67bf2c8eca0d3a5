"""Whose turn it is: one run, or one race, a device at a time, first come first served. No daemon, only locks of files.

::

    $EXPLORER_HOME/queue/main/         a GPU that is asked for by a number above 0 has its own
        mutex                          held for the moment in which somebody lines up or steps forward
        turn                           held by whoever has the turn, while it lives
        01760000000000000000-a1b2c3d4  a ticket: held by whoever waits; its name says since when

The system frees a lock however its holder ends, so whoever dies holds nobody up. Nothing here imports torch.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from explorer.errors import RunError
from explorer.records import FinalRecord
from explorer.training.locks import is_held
from explorer.training.runs import RecordWriter, Run, home

_TICKET = re.compile(r"\d{20}-[0-9a-f]{8}")


@contextmanager
def wait_for_turn(runs: Run | Sequence[Run], device: str, poll: float = 0.5) -> Iterator[list[Run]]:
    """Hold the locks of `runs` and, within, the turn on `device`; yields the runs whose turn it is.

    While it waits they read as queued. One that is asked to stop or pause meanwhile gets its last word, its lock goes
    back, and it is not among those yielded; when all were, the list is empty and no turn is held. They line up by the
    time at which their worker was called. The device is a name as `TrainConfig` has it: a GPU by a number above 0 has a
    line of its own, all others share one, for what "auto" is nobody knows without torch.

    Raises `RunError` where another worker holds one of the runs, and where the line can't be written.
    """
    waiting = [runs] if isinstance(runs, Run) else list(runs)
    with ExitStack() as stack:
        locks = {run.folder: _hold(run, stack) for run in waiting}
        since = min((run.called_at() or time.time() for run in waiting), default=0.0)
        line = _Line(home().parent / "queue" / _name_line(device))
        try:
            with line.join(since) as ticket:
                for run in waiting:
                    _arrive(run, ticket)
                while waiting and not line.step_forward(ticket, stack):
                    time.sleep(poll)
                    for run in [run for run in waiting if _withdraw(run)]:
                        waiting.remove(run)
                        locks[run.folder].release()
            for run in waiting:
                _begin(run)
            yield waiting
        except BaseException:
            for run in waiting:
                _leave(run)
            raise


def queue_position(run: Run) -> int | None:
    """The place of a waiting run in its line, 1 for the next one; None for a run that does not wait."""
    try:
        line, ticket = (run.folder / "queued").read_text(encoding="utf-8").split("/")
    except (OSError, ValueError):
        return None
    if not _TICKET.fullmatch(ticket) or line != _name_line(line):
        return None
    tickets = _Line(home().parent / "queue" / line).list_tickets()
    held = [path.name for path in tickets if path.name <= ticket and is_held(path)]
    return len(held) if ticket in held else None


def _name_line(device: str) -> str:
    return device if re.fullmatch(r"cuda:[1-9]\d{0,3}", device) else "main"


class _Line:
    """The people who wait for one device."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def list_tickets(self) -> list[Path]:
        """Tickets from the first to the last, those of the dead among them."""
        try:
            return sorted(path for path in self.folder.iterdir() if _TICKET.fullmatch(path.name))
        except OSError:
            return []

    @contextmanager
    def join(self, since: float) -> Iterator[Path]:
        """Line up as one who came at `since` (seconds since 1970); out of the line again behind. Raises `RunError`."""
        path = self.folder / f"{int(since * 1e9):020d}-{secrets.token_hex(4)}"
        ticket = FileLock(path)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with self._mutex():
                ticket.acquire()
        except OSError as error:
            raise RunError(
                f"The queue of runs {self.folder} can't be written ({error.strerror or error}): set EXPLORER_HOME to a "
                "folder that can be."
            ) from None
        try:
            yield path
        finally:
            path.unlink(missing_ok=True)  # before it is let go: a name without a holder is of somebody who died
            ticket.release()

    def step_forward(self, ticket: Path, stack: ExitStack) -> bool:
        """Take the turn where it is free and nobody alive stands before; `stack` gives it back."""
        turn = self.folder / "turn"
        if is_held(turn):  # mostly, and then nobody needs to be disturbed
            return False
        with suppress(Timeout), self._mutex().acquire(timeout=1):
            if not self._is_first(ticket):
                return False
            stack.enter_context(FileLock(turn).acquire(timeout=0.2))  # a reader may share it for a moment
            return True
        return False

    def _is_first(self, ticket: Path) -> bool:
        for path in self.list_tickets():
            if path.name >= ticket.name:
                return True
            if is_held(path):
                return False
            path.unlink(missing_ok=True)  # who held it died
        return True

    def _mutex(self) -> FileLock:
        return FileLock(self.folder / "mutex")


def _hold(run: Run, stack: ExitStack) -> FileLock:
    lock = run.lock()
    try:
        stack.enter_context(lock.acquire(timeout=5))  # a reader may hold it for a moment
    except Timeout:
        raise RunError(f"The run {run.id} has a worker already: wait for it, or stop it first.") from None
    except OSError as error:
        raise RunError(f"The run {run.id} can't be written: {error.strerror or error}.") from None
    return lock


def _arrive(run: Run, ticket: Path) -> None:
    """Read as queued from now on. A request to stop or pause counts if it came after the call."""
    with suppress(OSError):  # a full disk: what the work says about it is clearer
        (run.folder / "queued").write_text(f"{ticket.parent.name}/{ticket.name}", encoding="utf-8")
    with suppress(OSError):
        if not run.is_starting():
            run.take_back_requests()
        (run.folder / "starting").unlink(missing_ok=True)


def _begin(run: Run) -> None:
    """Read as starting, until the worker greets."""
    with suppress(OSError):
        (run.folder / "starting").touch()
    with suppress(OSError):
        (run.folder / "queued").unlink(missing_ok=True)


def _leave(run: Run) -> None:
    with suppress(OSError):
        for name in ("queued", "starting"):
            (run.folder / name).unlink(missing_ok=True)


def _withdraw(run: Run) -> bool:
    """Whether somebody asked the waiting run to stop or pause; then that is its last word."""
    status = "stopped" if run.is_asked_to_stop() else "paused" if run.is_asked_to_pause() else ""
    if not status:
        return False
    step = (run.last_record() or {}).get("step")
    with suppress(OSError):  # on a full disk it reads as before it waited
        writer = RecordWriter(run)
        words = FinalRecord(step if isinstance(step, int) else 0, status, f"{status.capitalize()} while it waited.")
        writer.write(words)
        writer.close()
    _leave(run)
    return True

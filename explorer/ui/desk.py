"""Work that visitors wait for: each piece in a process of its own, one at a time, ended when nobody waits."""

from __future__ import annotations

import atexit
import json
import os
import secrets
import select
import subprocess
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeVar

from explorer.errors import MeasureError

ABANDONED = 20  # seconds without a question, after which nobody is taken to wait
KEPT = 600  # seconds that a result stays
MAX_WAITING = 8
ACTIVE = ("waiting", "running")


@dataclass(kw_only=True)
class Job:
    """One piece of work, told of by a command line of our own, which writes a JSON object a line.

    `state` is waiting, running, done, stopped or failed; `asked` when somebody last looked; `result` what came out;
    `longest` the seconds after which it is ended. A kind of work says its `noun`, and what to do `again`.
    """

    noun: ClassVar[str] = "measurement"
    again: ClassVar[str] = "measure again"
    longest: float = float("inf")
    id: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    state: str = "waiting"
    asked: float = field(default_factory=time.monotonic)
    progress: dict[str, Any] = field(default_factory=dict)
    result: Any = None
    error: str = ""
    process: subprocess.Popen[bytes] | None = None

    def command(self) -> list[str]:
        """The command line that does it."""
        raise NotImplementedError

    def read(self, line: bytes) -> None:
        """Take in one line that the process wrote: progress, or the result. May raise what JSON's readers raise."""
        record = json.loads(line)
        if record.get("kind") == "progress":
            self.progress = record
        else:
            self.result = self.read_result(record)

    def read_result(self, record: dict[str, Any]) -> Any:
        """What the last line says."""
        return record


Kind = TypeVar("Kind", bound=Job)


class Desk:
    """Takes jobs in, and runs them one after another."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.jobs: dict[str, Job] = {}

    def add(self, job: Job) -> None:
        """Take a job in, and start it where none runs. Raises `MeasureError` where too many wait."""
        with self.lock:
            self._clean()
            waiting = sum(each.state == "waiting" for each in self.jobs.values())
            if waiting >= MAX_WAITING:
                raise MeasureError(f"{waiting} {job.noun}s wait for this machine already: try again in a minute.")
            self.jobs[job.id] = job
            self._advance()

    def find(self, id: str, kind: type[Kind]) -> Kind:
        """The job of this id, which is looked at by this. Raises `MeasureError` where there is none of this kind."""
        with self.lock:
            job = self.jobs.get(id)
            if not isinstance(job, kind):
                raise MeasureError(f"This {kind.noun} is gone: {kind.again}.")
            job.asked = time.monotonic()
            self._clean()
            self._advance()
            return job

    def stop(self, id: str) -> None:
        """End a job at once; one that has ended, or is gone, stays as it is."""
        with self.lock:
            job = self.jobs.get(id)
            if job is not None and job.state in ACTIVE:
                self._end(job, "stopped")
                self._advance()

    def count_before(self, job: Job) -> int:
        """How many jobs will run before this one."""
        with self.lock:
            active = [each.id for each in self.jobs.values() if each.state in ACTIVE]
            return active.index(job.id) if job.id in active else 0

    def close(self) -> None:
        """End everything."""
        with self.lock:
            for job in self.jobs.values():
                if job.state in ACTIVE:
                    self._end(job, "stopped")

    def _clean(self) -> None:
        """Drop who no longer waits, and old results."""
        now = time.monotonic()
        for job in [*self.jobs.values()]:
            if now - job.asked > (ABANDONED if job.state == "waiting" else KEPT) and job.state != "running":
                del self.jobs[job.id]

    def _advance(self) -> None:
        if any(job.state == "running" for job in self.jobs.values()):
            return
        job = next((job for job in self.jobs.values() if job.state == "waiting"), None)
        if job is not None:
            self._start(job)

    def _start(self, job: Job) -> None:
        words = tempfile.TemporaryFile()  # noqa: SIM115 - closed by the thread that reads it
        try:
            job.process = subprocess.Popen(
                job.command(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=words, start_new_session=True
            )
        except (OSError, ValueError) as error:  # whatever a command line can't hold must not stop the queue
            words.close()
            reason = error.strerror if isinstance(error, OSError) else None
            job.state, job.error = "failed", f"The {job.noun} can't be started: {reason or 'a setting is not text'}."
            return
        job.state = "running"
        threading.Thread(target=self._watch, args=(job, job.process, words), daemon=True).start()

    def _watch(self, job: Job, process: subprocess.Popen[bytes], words: Any) -> None:
        """Read what a process writes until it ends, and end it when nobody waits for it or it takes too long."""
        assert process.stdout is not None
        began, rest = time.monotonic(), b""
        with words, process.stdout as output:
            while True:
                if select.select([output], [], [], 0.25)[0]:
                    chunk = os.read(output.fileno(), 1 << 16)
                    if not chunk:
                        break
                    *lines, rest = (rest + chunk).split(b"\n")
                    for line in lines:
                        with suppress(
                            ValueError, KeyError, TypeError, AttributeError
                        ):  # not ours: a library's word, say
                            job.read(line)
                self._check(job, time.monotonic() - began)
            code = process.wait()
            words.seek(0)
            self._finish(job, code, words.read().decode(errors="replace"))

    def _check(self, job: Job, took: float) -> None:
        with self.lock:
            if job.state == "running" and time.monotonic() - job.asked > ABANDONED:
                self._end(job, "stopped")
            if job.state == "running" and took > job.longest:
                job.error = "It took too long for a shared page and was ended: choose a smaller batch or network."
                self._end(job, "failed")

    def _end(self, job: Job, state: str) -> None:
        job.state = state
        if job.process is not None:
            job.process.kill()

    def _finish(self, job: Job, code: int, words: str) -> None:
        with self.lock:
            if job.state == "running":
                job.state = "done" if job.result is not None else "failed"
                job.error = "" if job.result is not None else _describe_end(job.noun, code, words)
            self._advance()


def _describe_end(noun: str, code: int, words: str) -> str:
    """What a process that left no result said last."""
    if code == -9:
        return f"The system ended the {noun}, most likely for memory: try a smaller batch, input or network."
    last = (words.strip().splitlines() or [f"exit code {code}"])[-1][:400]
    return last if code == 2 else f"The {noun} failed: {last}"


DESK = Desk()  # measurements and timings share the machine, and so the desk
atexit.register(DESK.close)

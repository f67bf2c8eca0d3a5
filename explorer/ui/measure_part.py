"""Measurements for the page: each in a process of its own, one at a time, ended at once when nobody waits for it."""

from __future__ import annotations

import atexit
import json
import os
import secrets
import select
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from explorer.architecture.plan import Plan, expand_plan
from explorer.architecture.variant import format_variant, parse_variant
from explorer.errors import MeasureError
from explorer.figures import measure as figure
from explorer.figures.format import name_file
from explorer.figures.scene import fold_stage
from explorer.inspection.settings import RANGES, MeasureSettings
from explorer.records import MeasuredPass, Measurement, read_measurement
from explorer.ui.events import answer

ABANDONED = 20  # seconds without a question, after which nobody is taken to wait
KEPT = 600  # seconds that a result stays
MAX_WAITING = 8
SHARED = {"batch": 32, "budget": 10.0}  # the most that visitors of a shared page may ask for
ACTIVE = ("waiting", "running")


@dataclass
class Job:
    """One measurement. `state` is waiting, running, done, stopped or failed; `asked` when somebody last looked."""

    variant: str
    settings: MeasureSettings
    longest: float  # seconds, after which it is ended
    id: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    state: str = "waiting"
    asked: float = field(default_factory=time.monotonic)
    progress: dict[str, Any] = field(default_factory=dict)
    result: Measurement | None = None
    error: str = ""
    process: subprocess.Popen[bytes] | None = None

    def command(self) -> list[str]:
        """The command line that measures."""
        options = {name: getattr(self.settings, name) for name in ("batch", "mode", "budget", "device")}
        given = [f"--{name}={value}" for name, value in options.items()]
        return [sys.executable, "-m", "explorer", "measure", self.variant, *given, "--format=json", "--progress"]

    def read(self, line: bytes) -> None:
        """Take in one line that the process wrote."""
        record = json.loads(line)
        if record["kind"] == "progress":
            self.progress = record
        else:
            self.result = read_measurement(record)


class Desk:
    """Takes measurements in, and runs them one after another."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.jobs: dict[str, Job] = {}

    def add(self, job: Job) -> None:
        """Take a job in, and start it where none runs. Raises `MeasureError` where too many wait."""
        with self.lock:
            self._clean()
            waiting = sum(each.state == "waiting" for each in self.jobs.values())
            if waiting >= MAX_WAITING:
                raise MeasureError(f"{waiting} measurements wait for this machine already: try again in a minute.")
            self.jobs[job.id] = job
            self._advance()

    def find(self, id: str) -> Job:
        """The job of this id, which is looked at by this. Raises `MeasureError`."""
        with self.lock:
            job = self.jobs.get(id)
            if job is None:
                raise MeasureError("This measurement is gone: measure again.")
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
            job.state, job.error = "failed", f"The measurement can't be started: {reason or 'a setting is not text'}."
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
                        with suppress(ValueError, KeyError, TypeError):  # not ours: a library's word, say
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
                job.error = "" if job.result is not None else _describe_end(code, words)
            self._advance()


def _describe_end(code: int, words: str) -> str:
    """What a process that left no result said last."""
    if code == -9:
        return "The system ended the measurement, most likely for memory: try a smaller batch, input or network."
    last = (words.strip().splitlines() or [f"exit code {code}"])[-1][:400]
    return last if code == 2 else f"The measurement failed: {last}"


DESK = Desk()
atexit.register(DESK.close)


def describe_limits(shared: bool) -> dict[str, Any]:
    """The most that may be asked for, for the form of the view."""
    return {name: (SHARED[name] if shared else most) for name, (_, most) in RANGES.items()}


def create_measure_functions(shared: bool) -> list[Callable[[Any], dict[str, Any]]]:
    """The functions by which a widget starts a measurement, asks how far it is, and stops it."""

    @answer
    def start_measure(question: dict[str, Any]) -> dict[str, Any]:
        """Take a measurement in: ``{"variant", "batch", "mode", "budget", "device"}``; gives its unguessable id."""
        variant = format_variant(parse_variant(str(question.get("variant", ""))))
        names = [name for name in MeasureSettings.__slots__ if name in question]
        settings = MeasureSettings(**{name: question[name] for name in names})
        for name, most in SHARED.items():
            if shared and getattr(settings, name) > most:
                raise MeasureError(f"On a shared page {name} goes up to {most:g}: choose less.")
        job = Job(variant, settings, 60 + 10 * settings.budget if shared else float("inf"))
        DESK.add(job)
        return {"id": job.id}

    return [start_measure, poll_measure, stop_measure]


@answer
def poll_measure(question: dict[str, Any]) -> dict[str, Any]:
    """How far the measurement ``{"id"}`` is; once it is done, its numbers, tables and chart."""
    job = DESK.find(str(question.get("id", "")))
    if job.state == "failed":
        return {"state": job.state, "error": job.error}
    told = {"state": job.state, "variant": job.variant, "before": DESK.count_before(job), "progress": job.progress}
    return told | describe_result(job.result) if job.state == "done" and job.result is not None else told


@answer
def stop_measure(question: dict[str, Any]) -> dict[str, Any]:
    """End the measurement ``{"id"}`` at once."""
    DESK.stop(str(question.get("id", "")))
    return {}


def describe_result(result: Measurement) -> dict[str, Any]:
    """All that the browser shows of a measurement; times by name are in milliseconds."""
    plan = expand_plan(parse_variant(result.variant))
    times = {each.mode: {part.name: round(1000 * part.time.median, 6) for part in each.parts} for each in result.passes}
    return times | {
        "batch": result.batch,
        "passes": {each.mode: _describe_pass(result, each) for each in result.passes},
        "totals": figure.draw_totals(result),
        "table": figure.draw_parts(result, list_folds(plan)),
        "chart": figure.plot_shares(result),
        "notes": figure.list_notes(result),
        "machine": figure.describe_environment(result.environment),
        "files": {
            "csv": figure.format_csv(result),
            "json": figure.format_json(result),
            "md": figure.format_markdown(result),
        },
        "name": f"{name_file(result.variant)[:80]}_measured",
    }


def _describe_pass(result: Measurement, measured: MeasuredPass) -> dict[str, Any]:
    """Numbers of one pass: milliseconds, images a second, bytes."""
    total = measured.total
    return {
        "median": 1000 * total.median,
        "low": 1000 * total.low,
        "high": 1000 * total.high,
        "repeats": total.count,
        "images_per_second": result.batch / total.median,
        "memory": measured.memory.measured,
        "memory_estimated": measured.memory.estimated,
    }


def list_folds(plan: Plan) -> dict[str, str]:
    """Which block's name stands for a block where the graph folds repeats: that of the first that is alike."""
    return {
        f"{stage.name}.{int(fold.name.rpartition('.')[2]) + index}": fold.name
        for stage in plan.stages
        for fold in fold_stage(stage)
        for index in range(fold.repeat)
    }

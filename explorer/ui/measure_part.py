"""Measurements for the page: each in a process of its own, one after another."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from explorer.architecture.plan import Plan, expand_plan
from explorer.architecture.variant import format_variant, parse_variant
from explorer.errors import MeasureError
from explorer.figures import measure as figure
from explorer.figures.format import name_file
from explorer.figures.scene import fold_stage
from explorer.inspection.settings import RANGES, MeasureSettings
from explorer.records import MeasuredPass, Measurement, read_measurement
from explorer.ui import desk
from explorer.ui.events import answer

SHARED = {"batch": 32, "budget": 10.0}  # the most that visitors of a shared page may ask for


@dataclass(kw_only=True)
class Job(desk.Job):
    """One measurement."""

    variant: str
    settings: MeasureSettings

    def command(self) -> list[str]:
        """The command line that measures."""
        options = {name: getattr(self.settings, name) for name in ("batch", "mode", "budget", "device")}
        given = [f"--{name}={value}" for name, value in options.items()]
        return [sys.executable, "-m", "explorer", "measure", self.variant, *given, "--format=json", "--progress"]

    def read_result(self, record: dict[str, Any]) -> Measurement:
        """The measurement, whole."""
        return read_measurement(record)


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
        longest = 60 + 10 * settings.budget if shared else float("inf")
        job = Job(variant=variant, settings=settings, longest=longest)
        desk.DESK.add(job)
        return {"id": job.id}

    return [start_measure, poll_measure, stop_measure]


@answer
def poll_measure(question: dict[str, Any]) -> dict[str, Any]:
    """How far the measurement ``{"id"}`` is; once it is done, its numbers, tables and chart."""
    job = desk.DESK.find(str(question.get("id", "")), Job)
    if job.state == "failed":
        return {"state": job.state, "error": job.error}
    told = {"state": job.state, "variant": job.variant, "before": desk.DESK.count_before(job), "progress": job.progress}
    return told | describe_result(job.result) if job.state == "done" and job.result is not None else told


@answer
def stop_measure(question: dict[str, Any]) -> dict[str, Any]:
    """End the measurement ``{"id"}`` at once."""
    desk.DESK.stop(str(question.get("id", "")))
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

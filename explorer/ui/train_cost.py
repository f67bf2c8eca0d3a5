"""What training would cost, before it starts: memory by arithmetic, time by a few steps in a process of its own."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from explorer.architecture.plan import expand_plan
from explorer.architecture.variant import parse_variant
from explorer.data.room import fits_in_memory
from explorer.errors import ExplorerError
from explorer.training.config import TrainConfig
from explorer.ui import desk
from explorer.ui.events import answer
from explorer.ui.heavy import load_torch
from explorer.ui.train_data import measure_data
from explorer.ui.train_form import refuse
from explorer.ui.train_start import read_order

LONGEST = 120.0  # seconds that timing may take on a shared page


@dataclass(kw_only=True)
class Timing(desk.Job):
    """A run that is timed by a few of its steps."""

    noun = "timing"
    again = "time it again"
    variant: str
    data: str
    recipe: str

    def command(self) -> list[str]:
        """The command line that times it."""
        options = ["--data", self.data, "--recipe", self.recipe, "--estimate", "--json"]
        return [sys.executable, "-m", "explorer", "train", self.variant, *options]

    def read_result(self, record: dict[str, Any]) -> dict[str, Any]:
        """Seconds of the whole run, and bytes that it needs."""
        return {"seconds": float(record["total"]), "memory": int(record["memory"])}


def estimate_bytes(variant: str, data: str, config: TrainConfig) -> int:
    """Bytes of the device's memory that training takes, about. Raises `ExplorerError` for more than is free."""
    load_torch()
    from explorer.network.device import choose_device
    from explorer.training.estimate import WORKER, check_fits

    shape, classes, images = measure_data(data)
    architecture = parse_variant(variant)
    if shape:
        architecture = replace(architecture, input=shape, classes=classes)
    plan = expand_plan(architecture)
    images = min(images, config.images or images)
    resident = images if fits_in_memory(images, architecture.input) else 0  # more are streamed
    return check_fits(plan, config, resident, choose_device(config.device)).total + WORKER


def create_cost_functions(shared: bool) -> list[Callable[[Any], dict[str, Any]]]:
    """The functions by which the form learns what training would cost."""

    @answer
    def memory(question: dict[str, Any]) -> dict[str, Any]:
        """Answer ``{"variants", "data", "recipe"}`` with ``"bytes"``, one number a variant."""
        try:
            order = read_order(question, shared)
            return {"bytes": [estimate_bytes(each, order.data, order.config) for each in order.variants]}
        except ExplorerError as error:
            return refuse(error)

    @answer
    def start_timing(question: dict[str, Any]) -> dict[str, Any]:
        """Take a timing of ``{"variants": [one], "data", "recipe"}`` in; gives its unguessable id."""
        try:
            order = read_order(question, shared)
            longest = LONGEST if shared else float("inf")
            job = Timing(variant=order.variants[0], data=order.data, recipe=order.recipe, longest=longest)
            desk.DESK.add(job)
            return {"id": job.id}
        except ExplorerError as error:
            return refuse(error)

    return [memory, start_timing, poll_timing, stop_timing]


@answer
def poll_timing(question: dict[str, Any]) -> dict[str, Any]:
    """How far the timing ``{"id"}`` is; once it is done, ``"result"`` has its seconds and bytes."""
    job = desk.DESK.find(str(question.get("id", "")), Timing)
    if job.state == "failed":
        return {"state": job.state, "error": job.error}
    told = {"state": job.state, "before": desk.DESK.count_before(job), "progress": job.progress}
    return told | {"result": job.result} if job.state == "done" else told


@answer
def stop_timing(question: dict[str, Any]) -> dict[str, Any]:
    """End the timing ``{"id"}`` at once."""
    desk.DESK.stop(str(question.get("id", "")))
    return {}

"""What a run takes, before it starts: whether its memory fits, and its time from a few real steps."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Protocol

import torch

from explorer.architecture.plan import Plan
from explorer.errors import RunError
from explorer.network.device import choose_precision
from explorer.network.memory import read_free_memory
from explorer.records import RunCost
from explorer.training.config import TrainConfig
from explorer.training.memory import RunMemory, estimate_memory
from explorer.training.settings import SETTINGS

__all__ = ["RunMemory", "check_fits", "count_need", "estimate_memory", "find_largest_batch", "is_half", "time_steps"]

WORKER = 450_000_000  # bytes that a worker takes for itself, measured on the CPU; about what CUDA takes
ROOM = 1.25  # times the tensors of a step: what operations need inside themselves, and what an allocator keeps
FEWEST, WARM_UP = 3, 2  # steps that are timed at least, and steps before them


def is_half(config: TrainConfig, device: torch.device) -> bool:
    """Whether a run computes in 16 bits on a device."""
    if config.precision == "auto":
        return choose_precision(device) is not torch.float32
    return config.precision != "float32"


def count_need(memory: RunMemory) -> int:
    """Bytes that must be free for a run: its tensors, room beside them, and its worker.

    Workers on two cores held 0 to 6 % more (resnet8 to resnet18, batches of 8 to 128, `VmHWM` without mapped files).
    """
    return WORKER + memory.data + int(ROOM * (memory.total - memory.data))


def check_fits(
    plan: Plan, config: TrainConfig, images: int, device: torch.device, free: int | None = None
) -> RunMemory:
    """Return what a run needs, with `images` images on the device, or raise `RunError` with what would fit.

    `free` bytes are asked of the device unless they are given; where nobody says, everything fits.
    """
    free = read_free_memory(device) if free is None else free
    half = is_half(config, device)
    memory = estimate_memory(plan, config, images, half)
    if free is None or count_need(memory) <= free:
        return memory
    need = f"needs about {_write_bytes(count_need(memory))}, and {_write_bytes(free)} are free on {device}"
    if memory.data and count_need(memory) - int(ROOM * memory.kept) > free:
        each = memory.data // images
        most = (free - count_need(memory) + memory.data) // (2 * each)  # half of the room: those held out stay
        raise RunError(
            f"This run {need}; the images alone take {_write_bytes(memory.data)}: "
            + (f"say images={most} or less." if most > 0 else "try a smaller network.")
        )
    ways = list(_list_ways(plan, config, images, half, free))
    raise RunError(f"A training step of {config.batch_size:,} images {need}: {_join(ways)}.")


def _list_ways(plan: Plan, config: TrainConfig, images: int, half: bool, free: int) -> Iterator[str]:
    """What would fit, from the least change on."""
    for pieces in range(config.accumulate + 1, min(int(SETTINGS["accumulate"].most), config.batch_size // 2) + 1):
        divides = config.batch_size % pieces == 0
        if divides and _fits(plan, replace(config, accumulate=pieces), images, half, free):
            yield f"accumulate={pieces}"
            break
    twice = replace(config, checkpointing=True)
    if not config.checkpointing and _fits(plan, twice, images, half, free):
        yield "checkpointing=yes"
    if batch := find_largest_batch(plan, config, images, half, free, config.batch_size):
        yield f"batch_size={batch} or less"
    elif batch := find_largest_batch(plan, twice, images, half, free, config.batch_size):
        yield f"batch_size={batch} or less with checkpointing=yes"


def find_largest_batch(
    plan: Plan, config: TrainConfig, images: int, half: bool, free: int, most: int = int(SETTINGS["batch_size"].most)
) -> int:
    """The largest batch, up to `most`, with which a run fits into `free` bytes; 0 where none does.

    It is cut into as many pieces as `config` says.
    """
    pieces = config.accumulate
    fits, beyond = 1, most // pieces + 1  # images of a piece: one is too few for batch norm
    while beyond - fits > 1:
        middle = (fits + beyond) // 2
        changed = replace(config, batch_size=middle * pieces)
        fits, beyond = (middle, beyond) if _fits(plan, changed, images, half, free) else (fits, middle)
    return fits * pieces if fits > 1 else 0


def _fits(plan: Plan, config: TrainConfig, images: int, half: bool, free: int) -> bool:
    return count_need(estimate_memory(plan, config, images, half)) <= free


def _join(ways: list[str]) -> str:
    if not ways:
        return "not even two images fit, so try a smaller network or input"
    return "try " + (f"{', '.join(ways[:-1])} or {ways[-1]}" if ways[1:] else ways[0])


def _write_bytes(count: int) -> str:
    return f"{count / 1e9:,.1f} GB" if count >= 1e9 else f"{count / 1e6:,.0f} MB"


class Trains(Protocol):
    """What is asked of a trainer: how long it is, and the generator of what it sees."""

    steps: int
    steps_per_epoch: int

    def records(self, asked_to_stop: Callable[[], bool], /) -> Iterator[Any]:
        """Train until it is asked to stop, which it asks before every step."""


class _Clock:
    """Asked before every step, it notes when steps began and says when it has seen enough."""

    def __init__(self, seconds: float, settle: Callable[[], None], now: Callable[[], float]) -> None:
        self.seconds, self.settle, self.now = seconds, settle, now
        self.begun = 0  # steps
        self.start = now()  # later: when the first timed step began
        self.first = 0.0  # seconds until the first step was done
        self.looks, self.looking = 0, 0.0  # at the held-out images, and seconds that they took
        self.apart = 0.0  # those of them that fell between timed steps

    def ask(self) -> bool:
        if self.begun in (1, WARM_UP):
            self.settle()  # what was asked of a GPU is done
        now = self.now()
        if self.begun == 1:
            self.first = now - self.start - self.apart
        if self.begun == WARM_UP:
            self.start, self.apart = now, 0.0
        self.begun += 1
        return self.begun - WARM_UP >= FEWEST and now - self.start - self.apart >= self.seconds

    def follow(self, records: Iterator[Any]) -> float:
        """Let it train; returns seconds a timed step."""
        before = self.now()
        for record in records:
            if getattr(record, "kind", "") in ("epoch", "answers"):  # both come of a look at the held-out images
                self.settle()
                self.looks += record.kind == "epoch"
                self.looking += self.now() - before
                self.apart += self.now() - before
            before = self.now()
        self.settle()
        timed = self.begun - WARM_UP if self.begun > WARM_UP else self.begun
        return (self.now() - self.start - self.apart) / max(1, timed)


def time_steps(
    make_trainer: Callable[[], Trains],
    config: TrainConfig,
    held_out: int,
    memory: RunMemory,
    free: int | None = None,
    largest_batch: int | None = None,
    *,
    seconds: float = 3.0,
    settle: Callable[[], None] = lambda: None,
    now: Callable[[], float] = time.perf_counter,
) -> RunCost:
    """Take real steps for about `seconds`, after two to warm up, and reckon the whole run from them.

    The network is trained by it: make one to throw away. `held_out` images are looked at after each epoch; where none
    was seen, an image of theirs counts a third of one that is trained on. `settle` waits until the device has done what
    it was told (``torch.cuda.synchronize``). What the trainer raises, for want of memory say, comes through.
    """
    clock = _Clock(seconds, settle, now)
    trainer = make_trainer()
    step = clock.follow(trainer.records(clock.ask))
    guess = step * held_out / config.batch_size / 3  # forward is about a third of a step
    evaluation = clock.looking / clock.looks if clock.looks else guess
    epoch = step * trainer.steps_per_epoch + evaluation
    begin = clock.first or step
    return RunCost(
        begin=begin,
        step=step,
        evaluation=evaluation,
        epoch=epoch,
        total=begin + step * trainer.steps + evaluation * config.epochs,
        timed=max(1, clock.begun - WARM_UP),
        images_per_second=config.batch_size / step if step else 0.0,
        memory=count_need(memory),
        free=free,
        largest_batch=largest_batch,
    )

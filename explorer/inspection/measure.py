"""Measure a network here: time and peak memory of its forward pass and of its training step, part by part."""

from __future__ import annotations

import re
import statistics
from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from typing import Any

import torch
from torch import Tensor, nn

from explorer.architecture.memory import compute_forward_memory, compute_training_memory
from explorer.architecture.ops import Kind
from explorer.architecture.plan import Plan
from explorer.architecture.profile import Profile, profile_plan
from explorer.architecture.variant import format_variant
from explorer.errors import MeasureError
from explorer.inspection.clocks import Clock, PartTimer, choose_clock
from explorer.inspection.machine import describe_environment
from explorer.inspection.memory import count_allocated, count_kept, count_living
from explorer.inspection.settings import MeasureSettings
from explorer.network.build import Network, build_network
from explorer.network.device import choose_device
from explorer.network.memory import read_free_memory
from explorer.records import MeasuredMemory, MeasuredPass, Measurement, MeasureProgress, PartTime, Spread

MIN_REPEATS, MAX_REPEATS = 3, 100
LONGEST = 6, 30  # times the budget, or seconds if that is more, after which fewer than three repeats are enough
TELL_SECONDS = 0.2  # between two words on how far it is
ROOM = 1.25  # times the estimate: what operations need inside themselves is not in it
WORDS = {"forward": "forward pass", "train": "training step"}


def measure_plan(plan: Plan, settings: MeasureSettings) -> Iterator[MeasureProgress | Measurement]:
    """Build a network with fresh weights and measure it on random images; what is done is said on the way.

    The last record is the `Measurement`. Closing the generator stops it. Raises `MeasureError` where the batch does
    not fit, before anything is built, `DeviceError` and `VariantError`.
    """
    device = choose_device(settings.device)
    check_batch(plan, settings)
    check_memory(plan, settings, read_free_memory(device))
    yield MeasureProgress("building the network", 0, 0.0, settings.budget)
    try:
        yield from measure_network(build_network(plan, seed=0).to(device), settings)
    except (MemoryError, RuntimeError) as error:
        if not isinstance(error, MemoryError | torch.OutOfMemoryError) and not re.search("n't allocate", str(error)):
            raise
        raise MeasureError("The device ran out of memory: try a smaller batch, input or network.") from None


def check_batch(plan: Plan, settings: MeasureSettings) -> None:
    """Raise `MeasureError` where batch norm would have a single number to normalise."""
    if settings.batch > 1 or "train" not in settings.passes:
        return
    for name, op in plan.ops():
        if op.kind is Kind.NORM and op.mode == "batch" and prod(op.output[1:]) == 1:
            raise MeasureError(
                f"A training step needs a batch of 2 or more here: {name} normalises maps of one pixel, and a single "
                "one has no spread."
            )


def check_memory(plan: Plan, settings: MeasureSettings, free: int | None) -> None:
    """Raise `MeasureError` where the estimate does not fit into `free` bytes, with the largest batch that would."""
    if free is None or _count_need(plan, settings, settings.batch) <= free:
        return
    fits, beyond = 0, settings.batch
    while beyond - fits > 1:
        middle = (fits + beyond) // 2
        fits, beyond = (middle, beyond) if _count_need(plan, settings, middle) <= free else (fits, middle)
    need = _count_need(plan, settings, settings.batch) / 1e9
    way_out = f"the largest batch that fits is {fits:,}" if fits else "not even one image fits; try a smaller network"
    raise MeasureError(
        f"A batch of {settings.batch:,} would need about {need:,.1f} GB, and {free / 1e9:,.1f} GB are free: {way_out}."
    )


def _count_need(plan: Plan, settings: MeasureSettings, batch: int) -> int:
    training = "train" in settings.passes  # which needs more
    return int(ROOM * (compute_training_memory if training else compute_forward_memory)(plan, batch).total)


def measure_network(
    network: Network, settings: MeasureSettings, clock: Clock | None = None
) -> Iterator[MeasureProgress | Measurement]:
    """The same of a network that is built; its weights, statistics, gradients and modes are afterwards as before."""
    device = next(network.parameters()).device
    clock, environment = clock or choose_clock(device), describe_environment(device)
    began, profile = clock.now(), profile_plan(network.plan, settings.batch)
    with _restored(network):
        calls = [_Call(mode, network, settings.batch, clock) for mode in settings.passes]
        for call in calls:
            spent = clock.now() - began
            left = max(settings.budget - spent, _predict(calls))
            yield MeasureProgress(f"warming up, {WORDS[call.mode]}", 0, spent, left)
            call.warm_up(profile)
        yield from _repeat(calls, settings.budget, clock, began)
        passes = tuple(call.summarise() for call in calls)
    yield Measurement(
        variant=format_variant(network.plan.architecture),
        batch=settings.batch,
        budget=settings.budget,
        seconds=clock.now() - began,
        environment=environment,
        passes=passes,
    )


def _predict(calls: list[_Call]) -> float:
    """Seconds that the fewest repeats will take, and warming up what is cold, as far as the warm calls can tell."""
    warm = [call for call in calls if call.seconds]
    pace = sum(call.seconds for call in warm) / max(1, sum(sum(call.macs.values()) for call in warm))
    times = {call: call.seconds or pace * sum(call.macs.values()) for call in calls}
    return sum((2 * MIN_REPEATS + 2 * (call not in warm)) * seconds for call, seconds in times.items())


def _repeat(calls: list[_Call], budget: float, clock: Clock, began: float) -> Iterator[MeasureProgress]:
    """Run all calls in turns, so that each has the same neighbours, until the budget is spent."""
    longest = max(LONGEST[0] * budget, LONGEST[1])
    expected, told, repeats = 2 * sum(call.seconds for call in calls), -TELL_SECONDS, 0
    while True:
        turn = clock.now()
        for call in calls[:: -1 if repeats % 2 else 1]:
            for run in (call.run_plain, call.run_timed):
                spent = clock.now() - began
                if spent - told >= TELL_SECONDS:
                    told = spent
                    left = max(budget - spent, (MIN_REPEATS - repeats) * expected)
                    left = min(left, (MAX_REPEATS - repeats) * expected, max(longest - spent, expected))
                    yield MeasureProgress(f"measuring, {WORDS[call.mode]}", repeats, spent, left)
                run()
        repeats += 1
        expected = clock.now() - turn
        after = clock.now() - began + expected  # when another turn would be done
        limit = budget if repeats >= MIN_REPEATS else longest
        if repeats == MAX_REPEATS or after > limit:
            return


@contextmanager
def _restored(network: nn.Module) -> Iterator[None]:
    """Give modes, gradients and buffers back as they were; a learning rate of 0 leaves the weights alone."""
    modes = [(module, module.training) for module in network.modules()]
    gradients = [(parameter, parameter.grad) for parameter in network.parameters()]
    buffers = [(buffer, buffer.clone()) for buffer in network.buffers()]
    try:
        for parameter, _ in gradients:
            parameter.grad = None
        yield
    finally:
        for module, training in modes:
            module.training = training
        for parameter, gradient in gradients:
            parameter.grad = gradient
        for buffer, before in buffers:
            buffer.copy_(before)


class _Call:
    """One kind of call on one batch, and how long its repeats took."""

    def __init__(self, mode: str, network: Network, batch: int, clock: Clock) -> None:
        self.mode, self.network, self.clock = mode, network, clock
        architecture, draw = network.plan.architecture, torch.Generator().manual_seed(0)
        self.device = next(network.parameters()).device
        self.images = torch.randn(batch, *architecture.input, generator=draw).to(self.device)  # (N, C, H, W)
        self.labels = torch.randint(architecture.classes, (batch,), generator=draw).to(self.device)
        self.optimizer = torch.optim.SGD(network.parameters(), lr=0.0, momentum=0.9)
        self.macs = _sum_parts(profile_plan(network.plan), mode)
        self.names = list(self.macs)
        self.seconds = 0.0  # of one call, roughly, once warm
        self.plain: list[float] = []
        self.timed: list[float] = []
        self.forward: dict[str, list[float]] = {name: [] for name in self.names}
        self.backward: dict[str, list[float]] = {name: [] for name in self.names}
        self.outside: dict[str, list[float]] = {}

    def warm_up(self, profile: Profile) -> None:
        """Call it twice: the first call chooses kernels and fills the optimizer's state, the second is witnessed."""
        self._time(self._call)
        began = self.clock.now()
        self.memory = self._witness(profile)
        self.seconds = self.clock.now() - began

    def run_plain(self) -> None:
        """One repeat as anyone would call it."""
        self.plain.append(self._time(self._call))

    def run_timed(self) -> None:
        """One repeat with the parts timed."""
        with PartTimer(self.network, self.names, self.clock) as timer:
            marks: list[Any] = []
            self.timed.append(self._time(lambda: self._call(marks)))
            for name, seconds in timer.read_forward().items():
                self.forward[name].append(seconds)
            if self.mode == "train":
                for name, seconds in timer.read_backward(marks[0]).items():
                    self.backward[name].append(seconds)
                self.outside.setdefault("loss", []).append(timer.read_loss())
                self.outside.setdefault("optimizer", []).append(self.clock.read(*marks))

    def _time(self, call: Any) -> float:
        """Seconds until the device has done it all. Random numbers that are drawn on the way are taken back."""
        self.network.train(self.mode == "train")
        with torch.random.fork_rng([self.device] if self.device.type == "cuda" else []):
            self.clock.settle()
            began = self.clock.now()
            call()
            self.clock.settle()
            return self.clock.now() - began

    def _call(self, marks: list[Any] | None = None) -> None:
        """The call itself; `marks` collects one behind the backward pass and one behind the optimizer."""
        if self.mode == "forward":
            with torch.inference_mode():
                self.network(self.images)
            return
        with torch.enable_grad():
            self._compute_loss().backward()  # type: ignore[no-untyped-call]
        if marks is not None:
            marks.append(self.clock.mark())
        self.optimizer.step()
        self.optimizer.zero_grad()
        if marks is not None:
            marks.append(self.clock.mark())

    def _compute_loss(self) -> Tensor:
        return nn.functional.cross_entropy(self.network(self.images), self.labels)

    def _witness(self, profile: Profile) -> MeasuredMemory:
        training = self.mode == "train"
        state = [value for each in self.optimizer.state.values() for value in each.values()]
        held = [self.images, *self.network.parameters(), *self.network.buffers()]
        held += [self.labels, *filter(torch.is_tensor, state)] if training else []
        allocator = self.device.type == "cuda"
        seen: list[int] = []

        def watch() -> None:
            seen.append(count_allocated(self._call, self.device) if allocator else count_living(self._call, held))
            if training:
                with torch.enable_grad():
                    seen.append(count_kept(self.network, self._compute_loss))

        self._time(watch)
        return MeasuredMemory(
            estimated=profile.training.total if training else profile.forward.total,
            measured=seen[0],
            kept_estimated=profile.training.saved + profile.training.loss if training else None,
            kept=seen[1] if training else None,
            witness="allocator" if allocator else "tensors",
        )

    def summarise(self) -> MeasuredPass:
        """Medians and quartiles of all repeats."""
        parts = []
        for name in self.names:
            forward, backward = self.forward[name], self.backward[name] or [0.0] * len(self.timed)
            both = [there + back for there, back in zip(forward, backward, strict=True)]
            medians = statistics.median(forward), statistics.median(backward)
            parts.append(PartTime(name, self.macs[name], spread(both), *medians))
        return MeasuredPass(
            mode=self.mode,
            macs=sum(self.macs.values()),
            total=spread(self.plain),
            instrumented=spread(self.timed),
            parts=tuple(parts),
            outside={name: spread(seconds) for name, seconds in self.outside.items()},
            memory=self.memory,
        )


def _sum_parts(profile: Profile, mode: str) -> dict[str, int]:
    """MACs of stem, transitions, blocks and head for one image, in the order they run, by the modules' names."""
    sums: dict[str, int] = {}
    for row in profile.rows:
        words = row.name.split(".")
        name = words[0] if words[0] in ("stem", "head") else ".".join(words[:2])
        sums[name] = sums.get(name, 0) + (row.training_macs if mode == "train" else row.cost.macs)
    return sums


def spread(seconds: list[float]) -> Spread:
    """Median and quartiles of some times."""
    if len(seconds) < 2:
        return Spread(seconds[0], seconds[0], seconds[0], 1)
    low, median, high = statistics.quantiles(seconds, n=4, method="inclusive")
    return Spread(median, low, high, len(seconds))

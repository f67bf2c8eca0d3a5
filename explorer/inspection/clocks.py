"""Clocks for a device: when something is done there, and how long the parts of a network took."""

from __future__ import annotations

import time
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle


class Clock(Protocol):
    """Marks moments of a device. A GPU works behind the program, so a mark has a time only once `settle` has waited."""

    def settle(self) -> None:
        """Wait until the device has done all that it was given."""

    def now(self) -> float:
        """Seconds of the program's own clock."""

    def mark(self) -> Any:
        """A mark behind what the device was given so far."""

    def read(self, begin: Any, end: Any) -> float:
        """Seconds between two marks, once settled."""


class WallClock:
    """The processor's clock. With a `device` it waits for it at every mark, for those that keep no time themselves."""

    def __init__(self, device: torch.device | None = None) -> None:
        self.device = device

    def settle(self) -> None:
        """Wait for the device, if there is one."""
        if self.device is not None and self.device.type == "mps":
            torch.mps.synchronize()

    def now(self) -> float:
        """Seconds."""
        return time.perf_counter()

    def mark(self) -> float:
        """The moment, in seconds."""
        self.settle()
        return time.perf_counter()

    def read(self, begin: float, end: float) -> float:
        """Seconds between."""
        return end - begin


class CudaClock:
    """Events in the stream of a CUDA device, which do not make it wait."""

    def __init__(self, device: torch.device) -> None:
        self.device = device

    def settle(self) -> None:
        """Wait for the device."""
        torch.cuda.synchronize(self.device)

    def now(self) -> float:
        """Seconds of the processor's clock."""
        return time.perf_counter()

    def mark(self) -> torch.cuda.Event:
        """An event in the stream that runs now; in the backward pass it is the forward pass's."""
        event = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
        event.record(torch.cuda.current_stream(self.device))
        return event

    def read(self, begin: torch.cuda.Event, end: torch.cuda.Event) -> float:
        """Seconds between two events."""
        return float(begin.elapsed_time(end)) / 1000


def choose_clock(device: torch.device) -> Clock:
    """The clock for a device."""
    if device.type == "cuda":
        return CudaClock(device)
    return WallClock(None if device.type == "cpu" else device)


class PartTimer:
    """Times the parts of a network while it is entered: modules in the order they run, each reading the one before.

    Forward a part lasts from its pre-hook to its hook. Backward it lasts from the gradient of its output, which is
    complete only when all behind it has run, to that of its input, the output of the part before. (Modules' own
    backward hooks fire too early where the input needs no gradient, as the stem's does not.)
    """

    def __init__(self, network: nn.Module, names: Sequence[str], clock: Clock) -> None:
        self.modules = {name: network.get_submodule(name) for name in names}
        self.clock = clock
        self.handles: list[RemovableHandle] = []
        self.began: dict[str, Any] = {}
        self.ended: dict[str, Any] = {}
        self.turned: dict[str, Any] = {}  # when the gradient of a part's output was there

    def __enter__(self) -> PartTimer:
        for name, module in self.modules.items():
            self.handles.append(module.register_forward_pre_hook(self._begin(name)))
            self.handles.append(module.register_forward_hook(self._end(name)))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for handle in self.handles:
            handle.remove()

    def _begin(self, name: str) -> Any:
        def begin(module: nn.Module, inputs: Any) -> None:
            self.began[name] = self.clock.mark()

        return begin

    def _end(self, name: str) -> Any:
        def turn(gradient: Tensor) -> None:
            self.turned[name] = self.clock.mark()

        def end(module: nn.Module, inputs: Any, output: Tensor) -> None:
            self.ended[name] = self.clock.mark()
            if output.requires_grad:
                output.register_hook(turn)  # type: ignore[no-untyped-call]

        return end

    def read_forward(self) -> dict[str, float]:
        """Seconds of each part's forward pass, once the clock has settled."""
        return {name: self.clock.read(self.began[name], self.ended[name]) for name in self.modules}

    def read_backward(self, after: Any) -> dict[str, float]:
        """Seconds of each part's backward pass; `after` is a mark behind the whole backward pass."""
        ends = [after, *(self.turned[name] for name in self.modules)]
        return {name: self.clock.read(self.turned[name], end) for name, end in zip(self.modules, ends, strict=False)}

    def read_loss(self) -> float:
        """Seconds between the end of the last part and the gradient of its output: the loss, both ways."""
        last = list(self.modules)[-1]
        return self.clock.read(self.ended[last], self.turned[last])

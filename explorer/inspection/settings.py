"""What a measurement is told: plain values, checked before anything starts. No torch."""

from __future__ import annotations

import re
from dataclasses import dataclass

from explorer.errors import MeasureError

# setting: (least, most), whole numbers where these are
RANGES: dict[str, tuple[float, float]] = {"batch": (1, 1024), "budget": (1.0, 120.0)}
MODES: dict[str, tuple[str, ...]] = {"forward": ("forward",), "train": ("train",), "both": ("forward", "train")}


@dataclass(frozen=True, slots=True)
class MeasureSettings:
    """Settings of a measurement: images a batch, what is measured, seconds to repeat it in.

    Raises `MeasureError` for a value out of range.
    """

    batch: int = 8
    mode: str = "both"
    budget: float = 10.0
    device: str = "auto"

    def __post_init__(self) -> None:
        for name in RANGES:
            _check(name, getattr(self, name))
        if self.mode not in list(MODES):  # it may be anything, from outside
            raise MeasureError(f"mode={str(self.mode)[:40]} is no mode: mode is {', '.join(MODES)}.")
        if not isinstance(self.device, str) or not re.fullmatch(r"auto|cpu|mps|cuda(:[0-9]{1,3})?", self.device):
            raise MeasureError(f"device={str(self.device)[:40]} is no device: write auto, cpu, cuda or cuda:1.")

    @property
    def passes(self) -> tuple[str, ...]:
        """The kinds of call that are measured: forward, train."""
        return MODES[self.mode]


def _check(name: str, value: object) -> None:
    least, most = RANGES[name]
    kind = int if isinstance(most, int) else int | float
    if not isinstance(value, kind) or isinstance(value, bool):
        what = "whole number" if kind is int else "number"
        raise MeasureError(f"{name}={str(value)[:40]} is no {what}: {name} goes from {least:g} to {most:g}.")
    if not least <= value <= most:  # false for nan
        raise MeasureError(f"{name}={str(value)[:40]} is out of range: {name} goes from {least:g} to {most:g}.")

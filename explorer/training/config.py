"""What a training run is told: frozen plain values, checked before anything starts."""

from __future__ import annotations

import math
from dataclasses import dataclass

from explorer.errors import RunError

# setting: (least, most), whole numbers where these are
RANGES: dict[str, tuple[float, float]] = {
    "epochs": (1, 1000),
    "batch_size": (2, 8192),  # batch norm needs two
    "lr": (1e-6, 10.0),
    "momentum": (0.0, 0.999),
    "weight_decay": (0.0, 1.0),
    "seed": (0, 2**31 - 1),
    "held_out": (0.01, 0.9),
}


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """Settings of a run. `lr` is the peak of the one-cycle schedule; None scales it with the batch, 0.1 for 64.

    `held_out` is the share of every class that is never trained on. Raises `RunError` for a value out of range.
    """

    epochs: int = 10
    batch_size: int = 64
    lr: float | None = None
    momentum: float = 0.9
    weight_decay: float = 5e-4
    seed: int = 0
    held_out: float = 0.1
    device: str = "auto"

    def __post_init__(self) -> None:
        for name in RANGES:
            value = getattr(self, name)
            if name != "lr" or value is not None:
                _check(name, value)
        if not isinstance(self.device, str):
            raise RunError(f"device={str(self.device)[:40]} is no device: write auto, cpu or cuda.")

    @property
    def peak_lr(self) -> float:
        """Highest learning rate; grows with the batch (Goyal et al. 2017, section 2.1)."""
        return self.lr if self.lr is not None else 0.1 * self.batch_size / 64


def _check(name: str, value: object) -> None:
    least, most = RANGES[name]
    kind = int if isinstance(most, int) else int | float
    if not isinstance(value, kind) or isinstance(value, bool):
        what = "whole number" if kind is int else "number"
        raise RunError(f"{name}={str(value)[:40]} is no {what}: {name} goes from {least:,} to {most:,}.")
    if not least <= value <= most:  # false for nan
        raise RunError(f"{name}={value} is out of range: {name} goes from {least:,} to {most:,}.")


def compute_learning_rate(step: int, steps: int, peak: float) -> float:
    """One-cycle: a linear rise over the first quarter of `steps`, then a cosine fall to nearly zero.

    `step` counts from 0 to steps - 1. After Smith and Topin 2017 (arXiv:1708.07120); momentum stays as it is.
    """
    rise = max(1, steps // 4)
    if step < rise:
        return peak * (step + 1) / rise
    return peak * 0.5 * (1 + math.cos(math.pi * (step - rise) / max(1, steps - rise)))

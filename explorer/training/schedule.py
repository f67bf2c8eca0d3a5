"""The learning rate over time: pure functions of the step."""

from __future__ import annotations

import math

from explorer.training.config import TrainConfig

RANGE = 1e-5  # a range test begins at this share of its highest rate


def compute_learning_rate(config: TrainConfig, step: int, steps: int, steps_per_epoch: int) -> float:
    """Learning rate of `step` (0 to steps - 1) of a run; the highest is `config.peak_lr`.

    During a warm-up it rises linearly instead (Goyal et al. 2017, section 2.2).
    """
    rise = round(config.warmup * steps_per_epoch)
    if step < rise:
        return config.peak_lr * (step + 1) / rise
    return config.peak_lr * _compute_share(config, step, steps, steps_per_epoch, rise)


def _compute_share(config: TrainConfig, step: int, steps: int, steps_per_epoch: int, rise: int) -> float:
    if config.schedule == "one_cycle":
        return _one_cycle(step, steps)
    if config.schedule == "cosine":
        return _cosine(step - rise, steps - rise)
    if config.schedule == "multistep":
        return float(config.gamma ** sum(step >= share * steps for share in config.list_milestones()))
    if config.schedule == "step":
        return float(config.gamma ** (step // (config.step_epochs * steps_per_epoch)))
    if config.schedule == "range":
        return float(RANGE ** (1 - (step + 1) / steps))  # Smith 2017 (arXiv:1506.01186), section 3.3,
    return 1.0


def _one_cycle(step: int, steps: int) -> float:
    """A linear rise over the first quarter, then a cosine fall to nearly zero.

    After Smith and Topin 2017 (arXiv:1708.07120); momentum stays as it is.
    """
    rise = max(1, steps // 4)
    return (step + 1) / rise if step < rise else _cosine(step - rise, steps - rise)


def _cosine(step: int, steps: int) -> float:
    """Loshchilov and Hutter 2017 (arXiv:1608.03983), equation 5, without restarts."""
    return 0.5 * (1 + math.cos(math.pi * step / max(1, steps)))


class RangeTest:
    """Raises the rate until the loss breaks, and says which to take (Smith 2017, arXiv:1506.01186, section 3.3)."""

    BREAKS = 4  # times the lowest loss so far
    SMOOTH = 0.9

    def __init__(self, config: TrainConfig) -> None:
        self.on = config.schedule == "range"
        self.mean, self.count = 0.0, 0  # of losses, the latest weighing most
        self.best, self.best_rate, self.rate, self.broke = math.inf, 0.0, 0.0, False

    def look(self, loss: float, rate: float) -> None:
        """Look at the loss of a step at a rate."""
        self.rate = rate
        if not math.isfinite(loss):
            self.broke = True
            return
        self.count += 1
        self.mean = self.SMOOTH * self.mean + (1 - self.SMOOTH) * loss
        smooth = self.mean / (1 - self.SMOOTH**self.count)
        self.broke = smooth > self.BREAKS * self.best
        if smooth < self.best:
            self.best, self.best_rate = smooth, rate

    def state(self) -> dict[str, float]:
        """What a later test needs to go on."""
        return {"mean": self.mean, "count": self.count, "best": self.best, "best_rate": self.best_rate}

    def restore(self, state: dict[str, float]) -> None:
        """Go on from a `state()`."""
        self.mean, self.count = state["mean"], int(state["count"])
        self.best, self.best_rate = state["best"], state["best_rate"]

    def describe(self) -> str:
        """The advice, as a sentence."""
        fate = "broke" if self.broke else "did not break up to"
        return (
            f"The loss was lowest at a rate of {self.best_rate:.2g} and {fate} {'at ' * self.broke}{self.rate:.2g}: a "
            f"tenth of the first, {self.best_rate / 10:.2g}, is a good highest rate."
        )

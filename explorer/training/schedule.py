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
        return float(config.gamma ** sum(step >= round(share * steps) for share in config.list_milestones()))
    if config.schedule == "step":
        return float(config.gamma ** (step // (config.step_epochs * steps_per_epoch)))
    if config.schedule == "range":
        return float(
            RANGE ** (1 - step / max(1, steps - 1))
        )  # Smith 2017 (arXiv:1506.01186), section 3.3, in even ratios
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

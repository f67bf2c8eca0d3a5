"""What a training run is told: frozen plain values, checked before anything starts."""

from __future__ import annotations

import math
from dataclasses import dataclass

from explorer.errors import RunError
from explorer.training.settings import SETTINGS


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """Settings of a run, as `settings.SETTINGS` describes each. Raises `RunError` for a value out of range.

    The defaults are the recipe ``quick``: SGD with Nesterov momentum and one cycle of the learning rate.
    """

    epochs: int = 10
    batch_size: int = 64
    accumulate: int = 1
    images: int = 0
    optimizer: str = "sgd"
    lr: float | None = None
    momentum: float = 0.9
    nesterov: bool = True
    weight_decay: float = 5e-4
    decay_norms: bool = True
    clip: float = 0.0
    ema: float = 0.0
    schedule: str = "one_cycle"
    warmup: float = 0.0
    milestones: str = "0.5-0.75"
    step_epochs: int = 30
    gamma: float = 0.1
    pad: int | None = None
    flip: bool | None = None
    policy: str = "none"
    magnitude: int = 9
    erasing: float = 0.0
    mixup: float = 0.0
    cutmix: float = 0.0
    label_smoothing: float = 0.0
    weights: str = ""
    freeze: int = 0
    stage_lr: float = 1.0
    precision: str = "auto"
    channels_last: bool = True
    compile: bool = False
    checkpointing: bool = False
    workers: int = 2
    device: str = "auto"
    seed: int = 0
    held_out: float = 0.1
    test: float = 0.0
    watch: str = "gradients-flow-residual-updates-activations-norms-answers-film"
    watch_every: int = 0
    probe: str = ""

    def __post_init__(self) -> None:
        for name, setting in SETTINGS.items():
            setting.check(getattr(self, name))
        self.list_milestones()
        _check_together(self)

    @property
    def peak_lr(self) -> float:
        """Highest learning rate.

        By default it grows with the batch: in proportion for SGD (Goyal et al. 2017, section 2.1), with its root for
        AdamW (Malladi et al. 2022, section 4). A range test goes up to 10.
        """
        if self.lr is not None:
            return self.lr
        if self.schedule == "range":
            return 10.0
        return 0.1 * self.batch_size / 64 if self.optimizer == "sgd" else 1e-3 * math.sqrt(self.batch_size / 64)

    def list_milestones(self) -> tuple[float, ...]:
        """Shares of the run after which a multistep schedule falls. Raises `RunError`."""
        try:
            shares = tuple(map(float, self.milestones.split("-")))
        except ValueError:
            shares = ()
        if not shares or list(shares) != sorted(set(shares)) or not 0 < shares[0] <= shares[-1] < 1:
            raise RunError(
                f"milestones={self.milestones[:40]} are no rising shares of a run: write something like 0.5-0.75."
            )
        return shares

    def watches(self, instrument: str) -> bool:
        """Whether an instrument is switched on."""
        return instrument in self.watch.split("-")


def _check_together(config: TrainConfig) -> None:
    """Settings that contradict each other."""
    if config.held_out + config.test > 0.95 + 1e-9:
        raise RunError(
            f"held_out={config.held_out:g} and test={config.test:g} leave too little to train on: 0.95 at most."
        )
    if config.batch_size < 2 * config.accumulate:
        raise RunError(
            f"accumulate={config.accumulate} cuts a batch of {config.batch_size} into pieces of less than two images: "
            f"use at most {config.batch_size // 2}."
        )
    if config.batch_size % config.accumulate:
        raise RunError(
            f"accumulate={config.accumulate} does not divide batch_size={config.batch_size}: all pieces have one size."
        )
    if config.schedule == "one_cycle" and config.warmup:
        raise RunError("warmup means nothing with schedule=one_cycle, which rises by itself: leave it out.")
    if config.warmup >= config.epochs:
        raise RunError(f"warmup={config.warmup:g} is as long as the {config.epochs} epochs: make it shorter.")
    if config.freeze and not config.weights:
        raise RunError(f"freeze={config.freeze} would leave random weights as they are: say weights to start from.")

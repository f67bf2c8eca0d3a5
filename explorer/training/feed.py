"""Which images a step sees, and how they are drawn: everything from the seed, the epoch and the step."""

from __future__ import annotations

import torch
from torch import Tensor

from explorer.data.augment import Augmentation
from explorer.data.batches import Batches
from explorer.data.datasets import Dataset
from explorer.data.mix import Mix
from explorer.training.config import TrainConfig
from explorer.training.splits import Normalisation
from explorer.training.team import SOLO, Team


def make_generator(seed: int, purpose: str, number: int) -> torch.Generator:
    """A stream of random numbers of its own for each purpose and number: a restored run draws what it would have."""
    which, other = {"order": (0, 0), "augment": (1, 0), "drop": (0, 0x5851F42D4C957F2D)}[purpose]
    stream = ((seed * 2 + which) * 0x9E3779B97F4A7C15 + number * 0xD1B54A32D192ED03) ^ other
    return torch.Generator().manual_seed(stream % 2**63)


def choose_augmentation(dataset: Dataset, config: TrainConfig) -> Augmentation:
    """What the settings ask for; crop and flip that are left open are the data set's own."""
    return Augmentation(
        pad=dataset.pad if config.pad is None else config.pad,
        flip=dataset.flip if config.flip is None else config.flip,
        policy=config.policy,
        magnitude=config.magnitude,
        erasing=config.erasing,
    )


class Feed:
    """Batches to train on, by step. In a team each process draws its own part of the same batch."""

    def __init__(
        self, train: Dataset, normalisation: Normalisation, config: TrainConfig, device: torch.device, team: Team = SOLO
    ) -> None:
        mix = Mix(config.mixup, config.cutmix, len(train.classes)) if config.mixup or config.cutmix else None
        self.batches = Batches(
            train.images, train.labels, *normalisation,
            augmentation=choose_augmentation(train, config), mix=mix, device=device, workers=config.workers,
        )  # fmt: skip
        team.part(config.batch_size // config.accumulate)  # each piece is shared too
        self.config, self.part = config, team.part(config.batch_size)
        self.steps_per_epoch = len(train.labels) // config.batch_size  # the last, short batch is left out
        self._epoch: tuple[int, tuple[Tensor, ...]] | None = None  # the one under way, and its batches

    def __len__(self) -> int:
        return len(self.batches)

    def draw(self, step: int) -> tuple[Tensor, Tensor]:
        """Images (B, C, H, W) and targets, (B,) or mixed (B, classes), of a step; steps count from 0."""
        epoch, index = divmod(step, self.steps_per_epoch)
        if self._epoch is None or self._epoch[0] != epoch:
            order = torch.randperm(len(self), generator=make_generator(self.config.seed, "order", epoch))
            self._epoch = epoch, torch.split(order, self.config.batch_size)[: self.steps_per_epoch]
            self.batches.expect(self._epoch[1][index:], self.part)
        return self.batches.draw(self._epoch[1][index], make_generator(self.config.seed, "augment", step), self.part)

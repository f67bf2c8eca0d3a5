"""What a run trains on, what it is tested on after each epoch, and what it is tested on at the end."""

from __future__ import annotations

from dataclasses import dataclass

from explorer.data.datasets import Dataset, count_per_channel, split_images
from explorer.errors import RunError
from explorer.training.config import TrainConfig

Normalisation = tuple[tuple[float, ...], tuple[float, ...]]


@dataclass(frozen=True)
class Splits:
    """Images to train on, held out, and kept for the end, with mean and standard deviation of the first."""

    train: Dataset
    held_out: Dataset
    test: Dataset | None
    normalisation: Normalisation


def split_dataset(dataset: Dataset, config: TrainConfig, normalisation: Normalisation | None = None) -> Splits:
    """Cut a data set by the run's seed. Its own test set, where it has one, is used unless `config.test` says a share.

    Raises `RunError` where a batch needs more images than there are to train on.
    """
    split = split_images(dataset.labels, config.held_out, config.test, config.seed)
    train = dataset.select(split.train).limit(config.images, config.seed)
    check_batch_size(config, len(train.labels))
    test = dataset.select(split.test) if config.test else dataset.test
    return Splits(train, dataset.select(split.held_out), test, normalisation or count_per_channel(train.images))


def check_batch_size(config: TrainConfig, images: int) -> None:
    """Raise `RunError` where one batch needs more than there are images to train on."""
    if images < config.batch_size:
        raise RunError(f"batch_size={config.batch_size} is more than the {images} images to train on: make it smaller.")

"""How many images of a data set a network gets right."""

from __future__ import annotations

import math
from dataclasses import replace

import torch

from explorer.data.batches import Batches
from explorer.data.datasets import Dataset, load_dataset, split_held_out
from explorer.errors import DataError
from explorer.network.evaluation import evaluate_network
from explorer.network.pretrained import Pretrained
from explorer.records import Evaluation

Numbers = tuple[float, ...] | None
SPLITS = ("all", "held-out", "train")


def evaluate_weights(
    pretrained: Pretrained,
    data: str,
    every: int = 1,
    split: str = "all",
    normalisation: tuple[Numbers, Numbers] = (None, None),
    device: torch.device | None = None,
) -> Evaluation:
    """Classify a data set in float32; `normalisation` is mean and std per channel where the weights' own are wrong.

    `split` takes the part that the weights' own run held out, or trained on. Raises `DataError`.
    """
    dataset = _match_classes(_choose_images(pretrained, data, every, split), pretrained)
    mean, std = normalisation
    device = device or torch.device("cpu")
    batches = Batches(
        dataset.images,
        dataset.labels,
        _check_numbers("mean", mean or pretrained.preprocessing.mean, dataset),
        _check_numbers("std", std or pretrained.preprocessing.std, dataset),
        device=device,
    )
    with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):  # which keeps 10 of float32's 23 bits
        return evaluate_network(pretrained.network.to(device), batches)


def _choose_images(pretrained: Pretrained, data: str, every: int, split: str) -> Dataset:
    """Every `every`-th image of the whole, or of one part of it."""
    if every < 1:
        raise DataError(f"every={every} is out of range: it is 1 or more.")
    if split not in SPLITS:
        raise DataError(f"split={split[:40]} is not a part: split is all, held-out or train.")
    if split == "all":
        return load_dataset(data, pretrained.architecture.input, every)
    if pretrained.split is None:
        raise DataError(f"{pretrained.name} does not say what it was trained on: use --split all.")
    dataset = load_dataset(data, pretrained.architecture.input)
    train, held_out = split_held_out(dataset.labels, *pretrained.split)
    return dataset.select((held_out if split == "held-out" else train)[::every])


def _match_classes(dataset: Dataset, pretrained: Pretrained) -> Dataset:
    """The data with the network's class numbers: by name where it knows all the names, else one for one."""
    channels, classes = pretrained.architecture.input[0], pretrained.architecture.classes
    if dataset.shape[0] != channels:
        raise DataError(f"{dataset.name} has {dataset.shape[0]} channels, {pretrained.name} reads {channels}.")
    numbers = {label: number for number, label in enumerate(pretrained.labels)}
    if len(numbers) == classes and all(name in numbers for name in dataset.classes):
        translation = torch.tensor([numbers[name] for name in dataset.classes])
        return replace(dataset, labels=translation[dataset.labels])
    if len(dataset.classes) != classes:  # which of the network's they are can't be known
        raise DataError(
            f"{dataset.name} has {len(dataset.classes)} classes, {pretrained.name} knows {classes}: "
            "use the data it was trained for, or folders named as its classes are."
        )
    return dataset


def _check_numbers(name: str, values: tuple[float, ...], dataset: Dataset) -> tuple[float, ...]:
    channels = dataset.shape[0]
    if len(values) != channels:
        raise DataError(f"{name} has {len(values)} numbers: {dataset.name} has {channels} channels, give one for each.")
    if not all(map(math.isfinite, values)):
        raise DataError(f"{name} has a value that is not finite: give one finite number for each channel.")
    if name == "std" and min(values) < 1e-6:
        raise DataError(f"std has {min(values):g}: a standard deviation is at least 0.000001.")
    return values

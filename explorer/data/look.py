"""A look at a batch before training: the images as they are, and as the network will see them."""

from __future__ import annotations

from dataclasses import replace

import numpy
import torch
from torch import Tensor

from explorer.data.augment import Augmentation
from explorer.data.batches import Batches
from explorer.data.dataset import Dataset, count_per_channel
from explorer.data.mix import Mix
from explorer.errors import DataError
from explorer.records import BatchLook

MAX_COUNT = 64
SAMPLED = 2000  # images that mean and deviation are taken from here; they matter for the colour of holes alone


def look_at_batch(dataset: Dataset, augmentation: Augmentation, mix: Mix | None, count: int, seed: int) -> BatchLook:
    """Pick up to `count` images (1 to 64) by seed, and draw them once, as training does. Raises `DataError`."""
    if not 1 <= count <= MAX_COUNT:
        raise DataError(f"count={count} is out of range: it goes from 1 to {MAX_COUNT}.")
    generator = torch.Generator().manual_seed(seed)
    picked = dataset.select(torch.randperm(len(dataset.labels), generator=generator)[:count])
    spread = torch.linspace(0, len(dataset.labels) - 1, min(SAMPLED, len(dataset.labels))).long()
    normalisation = count_per_channel(dataset.images[spread])
    if dataset.stream:  # decode them once, not for each of the two
        picked = replace(picked, images=picked.images.read(torch.arange(len(picked.labels))))  # type: ignore[union-attr]
    batches = Batches(picked.images, picked.labels, *normalisation, augmentation=augmentation, mix=mix)
    everything = torch.arange(len(picked.labels))
    drawn, targets = batches.draw(everything, generator)
    return BatchLook(
        images=_to_pixels(batches.plain(everything)[0], *normalisation),
        drawn=_to_pixels(drawn, *normalisation),
        labels=tuple(dataset.classes[label] for label in picked.labels.tolist()),
        drawn_labels=tuple(_describe_target(target, dataset.classes) for target in targets),
    )


def _to_pixels(images: Tensor, mean: tuple[float, ...], std: tuple[float, ...]) -> numpy.ndarray:
    """Normalised images (N, C, H, W) -> (N, H, W, C) uint8."""
    pixels = images.permute(0, 2, 3, 1) * torch.tensor(std) + torch.tensor(mean)
    array: numpy.ndarray = (pixels * 255).round().clamp(0, 255).to(torch.uint8).contiguous().numpy()
    return array


def _describe_target(target: Tensor, classes: tuple[str, ...]) -> str:
    """A label (), or a mixed target (classes,) as its shares in words, the larger first."""
    if target.dim() == 0:
        return classes[int(target)]
    shares, places = target.topk(2)
    words = [(f"{share:.0%}", classes[place]) for share, place in zip(shares.tolist(), places.tolist(), strict=True)]
    return words[0][1] if words[1][0] == "0%" else ", ".join(" ".join(each) for each in words)

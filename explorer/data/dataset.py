"""A data set: images with labels, in memory as uint8 or in files that are decoded when asked for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from torch import Tensor

from explorer.data.image_files import ImageFiles
from explorer.data.images import printable_path
from explorer.data.split import spread_by_class

SAMPLED = 2000  # images of a streamed set that its mean and deviation are taken from


class Skipped(NamedTuple):
    """A file that was left out, and why in a few words, such as "damaged"."""

    path: str
    reason: str


@dataclass(frozen=True)
class Dataset:
    """Images (N, C, H, W) uint8 with labels (N,) int64, and how they may be augmented.

    `name` is the spec that loads it again, `pad` the border in pixels for random crops, `flip` whether a mirrored image
    still belongs to its class, `skipped` the files that could not be used, `resized` how many images had another size,
    `test` the official test set, where there is one.
    """

    name: str
    images: Tensor | ImageFiles
    labels: Tensor
    classes: tuple[str, ...]
    pad: int = 4
    flip: bool = True
    skipped: tuple[Skipped, ...] = ()
    resized: int = 0
    test: Dataset | None = None

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W) of one image."""
        _, channels, height, width = self.images.shape
        return channels, height, width

    @property
    def stream(self) -> bool:
        """Whether the images stay in their files, too many for memory."""
        return isinstance(self.images, ImageFiles)

    def select(self, indices: Tensor) -> Dataset:
        """Return the images at `indices` (M,) as a data set of their own."""
        return replace(self, images=self.images[indices], labels=self.labels[indices])

    def limit(self, count: int, seed: int) -> Dataset:
        """Return the first `count` images by seed, in file order, with the classes' shares kept; 0 means all.

        The first ten are among the first twenty.
        """
        if not 0 < count < len(self.labels):
            return self
        return self.select(spread_by_class(self.labels, seed)[:count].sort().values)


def count_per_channel(images: Tensor | ImageFiles) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation of each channel of (N, C, H, W) uint8 images, on the scale 0 to 1.

    Of images in files, `SAMPLED` are looked at, evenly spread.
    """
    if isinstance(images, ImageFiles):
        count = min(len(images), SAMPLED)
        images = images.read(torch.linspace(0, len(images) - 1, count).long())
    means, stds = [], []
    for channel in range(images.shape[1]):  # a channel at a time keeps the copy small
        values = _count_levels(images[:, channel])
        levels = torch.arange(256, dtype=torch.float64) / 255
        mean = (values * levels).sum() / values.sum()
        variance = (values * (levels - mean) ** 2).sum() / values.sum()
        means.append(round(mean.item(), 6))
        stds.append(round(max(variance.sqrt().item(), 1e-3), 6))
    return tuple(means), tuple(stds)


def _count_levels(values: Tensor) -> Tensor:
    """How often each of 0 to 255 occurs, (256,) float64."""
    return torch.bincount(values.flatten().int(), minlength=256).double()


def describe_skipped(skipped: Iterable[Skipped], resized: int = 0) -> str:
    """A sentence about the files that were left out and one about the resized, empty where there are none."""
    groups: dict[str, list[str]] = {}
    for path, reason in skipped:
        groups.setdefault(reason, []).append(path)
    sentences = []
    if groups:
        total = sum(map(len, groups.values()))
        kinds = "; ".join(_describe_group(reason, paths) for reason, paths in groups.items())
        sentences.append(f"{total:,} {'file was' if total == 1 else 'files were'} skipped: {kinds}.")
    if resized:
        sentences.append(f"{resized:,} {'image' if resized == 1 else 'images'} of another size resized.")
    return " ".join(sentences)


def _describe_group(reason: str, paths: Sequence[str]) -> str:
    name = printable_path(paths[0], 160)
    return f"{reason}: {name}" if len(paths) == 1 else f"{len(paths):,} {reason}, such as {name}"

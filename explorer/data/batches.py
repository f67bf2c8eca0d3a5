"""Batches for a network: augmented images drawn anew a batch at a time, on the device, with labels or mixed targets."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from explorer.data.augment import Augmentation, Draws, erase
from explorer.data.image_files import ImageFiles
from explorer.data.mix import Mix
from explorer.data.policy import apply_operations
from explorer.data.stream import Stream

ALL = slice(None)


class Batches:
    """Turns indices (B,) into normalised float images (B, C, H, W) in channels-last memory.

    Images in memory lie padded on `device` as uint8, so that a crop and a flip are one gather; those in files are
    decoded by `workers` processes and take the same way from there. `mean` and `std` are per channel on the scale 0 to
    1; padding is black, as with torchvision's `RandomCrop(padding=...)`.
    """

    def __init__(
        self,
        images: Tensor | ImageFiles,
        labels: Tensor,
        mean: Sequence[float],
        std: Sequence[float],
        *,
        augmentation: Augmentation = Augmentation(),  # noqa: B008  (frozen)
        mix: Mix | None = None,
        device: torch.device | str = "cpu",
        workers: int = 0,
    ) -> None:
        _, _, self.height, self.width = images.shape
        self.device = torch.device(device)
        self.augmentation, self.mix = augmentation, mix or None
        self.labels = labels.to(device)
        self.shift = torch.tensor(mean, device=device) * 255
        self.scale = 1 / (torch.tensor(std, device=device) * 255)
        self._stream = self._resident = None
        if isinstance(images, ImageFiles):
            self._stream = Stream(images, workers, pin=self.device.type == "cuda")
        else:
            self._resident = self._pad(images).to(device)

    def __len__(self) -> int:
        return len(self.labels)

    def expect(self, batches: Sequence[Tensor], part: slice = ALL) -> None:
        """Say which index batches will be asked for next, in order, and which part of each: workers decode ahead."""
        if self._stream:
            self._stream.expect(batches if self.mix else [batch[part] for batch in batches])

    def draw(self, indices: Tensor, generator: torch.Generator, part: slice = ALL) -> tuple[Tensor, Tensor]:
        """Return augmented images (B, C, H, W), and labels (B,) or, where mixed, targets (B, classes) float.

        All is drawn from `generator`, for all of `indices`; then only the `part` of them is computed and returned.
        Raises `DataError` where a file has gone.
        """
        size = self.height, self.width
        draws = self.augmentation.draw(len(indices), size, generator)
        chosen = torch.arange(len(indices))[part]
        if not self.mix:
            return self._compute(indices, draws, chosen)
        mixing = self.mix.draw(len(indices), size, generator)
        images, labels = self._compute(indices, draws, chosen)
        partner = mixing.partner[chosen]
        if part == ALL:
            places = partner.to(self.device)
            others, other_labels = images[places], labels[places]
        else:
            others, other_labels = self._compute(indices, draws, partner)
        targets = mixing.blend_labels(labels, other_labels, self.mix.classes)
        return mixing.blend_images(images, others), targets

    def plain(self, indices: Tensor) -> tuple[Tensor, Tensor]:
        """Return the images (B, C, H, W) as they are, and labels (B,). Raises `DataError` where a file has gone."""
        middle = torch.full((2, len(indices), 1), self.augmentation.pad)
        return self._compute(indices, Draws(middle), torch.arange(len(indices)))

    def _compute(self, indices: Tensor, draws: Draws, chosen: Tensor) -> tuple[Tensor, Tensor]:
        """Images (M, C, H, W) and labels (M,) at the places `chosen` (M,) of a batch, as was drawn for them."""
        draws = draws.take(chosen)
        store, places = self._find(indices, chosen)
        pixels = self._cut(store, places, draws)
        for operations in draws.operations:
            pixels = apply_operations(pixels.permute(0, 3, 1, 2), operations).permute(0, 2, 3, 1)
        images = pixels.float().sub_(self.shift).mul_(self.scale).permute(0, 3, 1, 2)
        if draws.holes is not None:
            erase(images, draws.holes)
        return images, self.labels[indices[chosen].to(self.device)]

    def _find(self, indices: Tensor, chosen: Tensor) -> tuple[Tensor, Tensor]:
        """Where the chosen images lie: padded images (N, H + 2 pad, W + 2 pad, C) uint8, and places (M,) in them."""
        if self._resident is not None:
            return self._resident, indices[chosen].to(self.device)
        assert self._stream
        decoded = self._stream.read(indices if self.mix else indices[chosen])
        places = chosen if self.mix else torch.arange(len(chosen))
        return self._pad(decoded.to(self.device, non_blocking=True)), places.to(self.device)

    def _pad(self, images: Tensor) -> Tensor:
        """(N, C, H, W) uint8 -> (N, H + 2 pad, W + 2 pad, C) with a black border, in one copy."""
        count, channels, height, width = images.shape
        pad = self.augmentation.pad
        padded = images.new_zeros((count, height + 2 * pad, width + 2 * pad, channels))
        padded[:, pad : pad + height, pad : pad + width] = images.permute(0, 2, 3, 1)
        return padded

    def _cut(self, store: Tensor, places: Tensor, draws: Draws) -> Tensor:
        """Crops, some of them mirrored: (M, H, W, C) uint8."""
        corners = draws.corners.to(self.device)
        columns = torch.arange(self.width, device=self.device).expand(len(places), -1)
        if draws.mirrored is not None:
            columns = torch.where(draws.mirrored.to(self.device), self.width - 1 - columns, columns)
        rows = torch.arange(self.height, device=self.device) + corners[0]
        return store[places[:, None, None], rows[:, :, None], (columns + corners[1])[:, None, :]]

"""Batches from resident images: random crops and flips drawn anew for every image, a batch at a time on the device."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


class Batches:
    """Turns indices (B,) into normalised float images (B, C, H, W) in channels-last memory.

    The images lie padded on `device` as uint8, so that a crop and a flip are one gather. `mean` and `std` are per
    channel on the scale 0 to 1; padding is black, as with torchvision's `RandomCrop(padding=...)`.
    """

    def __init__(
        self,
        images: Tensor,
        labels: Tensor,
        mean: Sequence[float],
        std: Sequence[float],
        *,
        pad: int = 0,
        flip: bool = False,
        device: torch.device | str = "cpu",
    ) -> None:
        _, _, self.height, self.width = images.shape
        padded = torch.nn.functional.pad(images, (pad, pad, pad, pad))
        self.images = padded.permute(0, 2, 3, 1).contiguous().to(device)  # (N, H + 2 pad, W + 2 pad, C)
        self.labels = labels.to(device)
        self.shift = torch.tensor(mean, device=device) * 255
        self.scale = 1 / (torch.tensor(std, device=device) * 255)
        self.pad, self.flip = pad, flip

    def __len__(self) -> int:
        return len(self.labels)

    def draw(self, indices: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return augmented images (B, C, H, W) and labels (B,), their crops and flips drawn from `generator`."""
        count, device = len(indices), self.images.device
        corner = torch.randint(0, 2 * self.pad + 1, (2, count, 1), generator=generator).to(device)
        columns = torch.arange(self.width, device=device).expand(count, -1)
        if self.flip:
            mirrored = torch.randint(0, 2, (count, 1), generator=generator).bool().to(device)
            columns = torch.where(mirrored, self.width - 1 - columns, columns)
        rows = torch.arange(self.height, device=device) + corner[0]
        return self._gather(indices.to(device), rows, columns + corner[1])

    def plain(self, indices: Tensor) -> tuple[Tensor, Tensor]:
        """Return the images (B, C, H, W) as they are, and labels (B,)."""
        count, device = len(indices), self.images.device
        rows = torch.arange(self.height, device=device).expand(count, -1) + self.pad
        columns = torch.arange(self.width, device=device).expand(count, -1) + self.pad
        return self._gather(indices.to(device), rows, columns)

    def _gather(self, indices: Tensor, rows: Tensor, columns: Tensor) -> tuple[Tensor, Tensor]:
        """indices (B,), rows (B, H), columns (B, W) -> images (B, C, H, W), channels last, and labels (B,)."""
        picked = self.images[indices[:, None, None], rows[:, :, None], columns[:, None, :]]  # (B, H, W, C)
        images = picked.float().sub_(self.shift).mul_(self.scale)
        return images.permute(0, 3, 1, 2), self.labels[indices]

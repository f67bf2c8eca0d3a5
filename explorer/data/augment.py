"""Augmentation of whole batches: random crop, flip, a policy, and random erasing, drawn anew for every image."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from explorer.data.policy import BINS, POLICIES, Operations, draw_operations
from explorer.errors import DataError

HOLE_AREA, HOLE_RATIO, HOLE_TRIES = (0.02, 0.33), (0.3, 3.3), 10  # torchvision's RandomErasing; Zhong et al. 2020


@dataclass(frozen=True, slots=True)
class Draws:
    """What was drawn for B images, on the CPU: the upper left `corners` of crops (2, B, 1), who is `mirrored` (B, 1).

    `holes` (4, B, 1) are top, bottom, left and right of what is erased, all 0 where nothing is.
    """

    corners: Tensor
    mirrored: Tensor | None = None
    operations: tuple[Operations, ...] = ()
    holes: Tensor | None = None

    def take(self, chosen: Tensor) -> Draws:
        """Return those of some images, (M,) places in the batch."""
        return Draws(
            self.corners[:, chosen],
            None if self.mirrored is None else self.mirrored[chosen],
            tuple(each.take(chosen) for each in self.operations),
            None if self.holes is None else self.holes[:, chosen],
        )


@dataclass(frozen=True, slots=True)
class Augmentation:
    """What is done to images before a network sees them. Raises `DataError` for values out of range.

    `pad` is the black border in pixels for random crops, `flip` mirrors half of the images, `policy` is one of
    `POLICIES`, `magnitude` (0 to 30) RandAugment's, `erasing` the share of images with a hole.
    """

    pad: int = 0
    flip: bool = False
    policy: str = "none"
    magnitude: int = 9
    erasing: float = 0.0

    def __post_init__(self) -> None:
        if self.pad < 0:
            raise DataError(f"pad={self.pad} is out of range: it is 0 or more pixels.")
        if self.policy not in POLICIES:
            raise DataError(f"policy={self.policy[:40]} is not known: choose from {', '.join(POLICIES)}.")
        if not 0 <= self.magnitude < BINS:
            raise DataError(f"magnitude={self.magnitude} is out of range: it goes from 0 to {BINS - 1}.")
        if not 0 <= self.erasing <= 1:
            raise DataError(f"erasing={self.erasing:g} is out of range: it goes from 0 to 1.")

    def draw(self, count: int, size: tuple[int, int], generator: torch.Generator) -> Draws:
        """Draw for `count` images of `size` (H, W). What is switched off draws nothing."""
        corners = torch.randint(0, 2 * self.pad + 1, (2, count, 1), generator=generator)
        draws = Draws(corners)
        if self.flip:
            draws = replace(draws, mirrored=torch.randint(0, 2, (count, 1), generator=generator).bool())
        if self.policy != "none":
            draws = replace(draws, operations=draw_operations(self.policy, self.magnitude, count, size, generator))
        if self.erasing:
            draws = replace(draws, holes=draw_holes(self.erasing, count, size, generator))
        return draws


def draw_holes(share: float, count: int, size: tuple[int, int], generator: torch.Generator) -> Tensor:
    """Draw rectangles (4, B, 1), top, bottom, left, right, for `share` of the images, as torchvision's RandomErasing.

    Area and ratio are drawn up to ten times, until the rectangle is smaller than the image both ways.
    """
    height, width = size
    tries = (count, HOLE_TRIES)
    has_hole = torch.rand(count, generator=generator) < share
    area = height * width * _draw_between(HOLE_AREA, tries, generator)
    ratio = _draw_between((math.log(HOLE_RATIO[0]), math.log(HOLE_RATIO[1])), tries, generator).exp()
    high, wide = (area * ratio).sqrt().round().long(), (area / ratio).sqrt().round().long()
    fits = (high < height) & (wide < width)
    first = fits.int().argmax(1, keepdim=True)  # the first that fits
    high, wide = high.gather(1, first), wide.gather(1, first)  # (B, 1)
    place = torch.rand((2, count, 1), generator=generator, dtype=torch.float64)
    top, left = (place[0] * (height - high + 1)).long(), (place[1] * (width - wide + 1)).long()
    there = (has_hole & fits.any(1))[:, None]
    return torch.stack([top, top + high, left, left + wide]) * there


def _draw_between(bounds: tuple[float, float], shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    low, high = bounds
    return low + (high - low) * torch.rand(shape, generator=generator, dtype=torch.float64)


def erase(images: Tensor, holes: Tensor) -> Tensor:
    """Set the holes (4, B, 1) of normalised images (B, C, H, W) to 0, the mean colour, in place."""
    top, bottom, left, right = holes.to(images.device)[..., None]  # (B, 1, 1) each
    rows = torch.arange(images.shape[2], device=images.device)[:, None]
    columns = torch.arange(images.shape[3], device=images.device)
    hole = (rows >= top) & (rows < bottom) & (columns >= left) & (columns < right)  # (B, H, W)
    return images.masked_fill_(hole[:, None], 0)

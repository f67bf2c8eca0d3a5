"""Mixup and CutMix: two images in one, and targets that say how much of each.

Sources: Zhang et al. 2018 (arXiv:1710.09412), Yun et al. 2019 (arXiv:1905.04899).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from explorer.errors import DataError


@dataclass(frozen=True, slots=True)
class Mixing:
    """What was drawn for a batch: each image's `partner` (B,), the image's own `share` in its target, 0 to 1.

    `box` is what CutMix takes from the partner: top, bottom, left, right; None is mixup.
    """

    partner: Tensor
    share: float
    box: tuple[int, int, int, int] | None = None

    def blend_images(self, images: Tensor, partners: Tensor) -> Tensor:
        """Mix images (B, C, H, W) with those of their partners. Overwrites `images`."""
        if self.box is None:
            return images.mul_(self.share).add_(partners, alpha=1 - self.share)
        top, bottom, left, right = self.box
        images[..., top:bottom, left:right] = partners[..., top:bottom, left:right]
        return images

    def blend_labels(self, labels: Tensor, partners: Tensor, classes: int) -> Tensor:
        """Labels (B,) and the partners' (B,) -> targets (B, classes) float, each row with sum 1."""
        own, other = (torch.nn.functional.one_hot(each, classes).float() for each in (labels, partners))
        return own.mul_(self.share).add_(other, alpha=1 - self.share)


@dataclass(frozen=True, slots=True)
class Mix:
    """How batches are mixed: α of mixup and of CutMix, 0 for none; with both, a fair coin a batch decides.

    Raises `DataError` for values out of range.
    """

    mixup: float = 0.0
    cutmix: float = 0.0
    classes: int = 0

    def __post_init__(self) -> None:
        for name in ("mixup", "cutmix"):
            if not 0 <= getattr(self, name) <= 100:
                raise DataError(f"{name}={getattr(self, name):g} is out of range: it goes from 0 to 100.")
        if self and self.classes < 2:
            raise DataError(f"classes={self.classes} are too few to mix: there are two at least.")

    def __bool__(self) -> bool:
        return self.mixup > 0 or self.cutmix > 0

    def draw(self, count: int, size: tuple[int, int], generator: torch.Generator) -> Mixing:
        """Draw partners and one share for a batch of `count` images of `size` (H, W)."""
        cut = self.cutmix > 0
        if self.mixup and self.cutmix:
            cut = bool(torch.randint(0, 2, (), generator=generator))
        share = draw_beta(self.cutmix if cut else self.mixup, generator)
        partner = torch.randperm(count, generator=generator)
        if not cut:
            return Mixing(partner, share)
        box = _draw_box(share, size, generator)
        area = (box[1] - box[0]) * (box[3] - box[2])
        return Mixing(partner, 1 - area / (size[0] * size[1]), box)


def draw_beta(alpha: float, generator: torch.Generator) -> float:
    """Draw from Beta(alpha, alpha), the first of a Dirichlet distribution's two shares."""
    parameters = torch.full((1, 2), alpha, dtype=torch.float64)
    return float(torch._sample_dirichlet(parameters, generator=generator)[0, 0])


def _draw_box(share: float, size: tuple[int, int], generator: torch.Generator) -> tuple[int, int, int, int]:
    """Top, bottom, left, right of a box of 1 - `share` of the area around a random pixel, cut off at the border."""
    bounds = []
    for side in size:
        middle = int(torch.randint(0, side, (), generator=generator))
        half = int(0.5 * math.sqrt(1 - share) * side)
        bounds += [max(middle - half, 0), min(middle + half, side)]
    top, bottom, left, right = bounds
    return top, bottom, left, right

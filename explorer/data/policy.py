"""RandAugment and TrivialAugment for a whole batch: which operations, how strong, and drawn anew for every image.

Tables and names are those of torchvision's `RandAugment` and `TrivialAugmentWide`, 31 magnitudes each.
Sources: Cubuk et al. 2020 (arXiv:1909.13719), Müller and Hutter 2021 (arXiv:2103.10158).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

POLICIES = ("none", "randaugment", "trivialaugment")
OPERATIONS = (
    "Identity", "ShearX", "ShearY", "TranslateX", "TranslateY", "Rotate", "Brightness", "Color", "Contrast",
    "Sharpness", "Posterize", "Solarize", "AutoContrast", "Equalize",
)  # fmt: skip
SIGNED = OPERATIONS[1:10]
BINS = 31
RAND_OPERATIONS = 2  # of RandAugment, one after another


@dataclass(frozen=True, slots=True)
class Operations:
    """One operation for each image: its place in `OPERATIONS`, `kinds` (B,), and how strong, `strengths` (B,) float64.

    Strengths are shear (tangent), pixels, degrees, a factor less one, bits kept, or the level from which is inverted.
    """

    kinds: Tensor
    strengths: Tensor

    def take(self, chosen: Tensor) -> Operations:
        """Return those of some images."""
        return Operations(self.kinds[chosen], self.strengths[chosen])


def tabulate_strengths(policy: str, height: int, width: int) -> Tensor:
    """Strength of every operation at every magnitude, (14, 31) float64."""
    wide = policy == "trivialaugment"
    shear, turn, factor = (0.99, 135.0, 0.99) if wide else (0.3, 30.0, 0.9)
    across, down = (32.0, 32.0) if wide else (150 / 331 * width, 150 / 331 * height)
    most = {"ShearX": shear, "ShearY": shear, "TranslateX": across, "TranslateY": down, "Rotate": turn}
    most |= dict.fromkeys(("Brightness", "Color", "Contrast", "Sharpness"), factor)
    rows = {name: torch.linspace(0, value, BINS) for name, value in most.items()}
    rows["Posterize"] = (8 - torch.arange(BINS) / ((BINS - 1) / (6 if wide else 4))).round()
    rows["Solarize"] = torch.linspace(1, 0, BINS)
    table = torch.stack([rows.get(name, torch.zeros(BINS)).double() for name in OPERATIONS])
    table[OPERATIONS.index("Solarize")] *= 255
    return table


def draw_operations(
    policy: str, magnitude: int, count: int, size: tuple[int, int], generator: torch.Generator
) -> tuple[Operations, ...]:
    """Draw operations for `count` images of `size` (H, W): two an image with RandAugment, one with TrivialAugment."""
    if policy == "none":
        return ()
    table = tabulate_strengths(policy, *size)
    signed = torch.tensor([name in SIGNED for name in OPERATIONS])
    rounds = []
    for _ in range(RAND_OPERATIONS if policy == "randaugment" else 1):
        kinds = torch.randint(0, len(OPERATIONS), (count,), generator=generator)
        bins = torch.full((count,), magnitude)
        if policy == "trivialaugment":
            bins = torch.randint(0, BINS, (count,), generator=generator)
        turned = torch.randint(0, 2, (count,), generator=generator).bool() & signed[kinds]
        strengths = table[kinds, bins]
        rounds.append(Operations(kinds, torch.where(turned, -strengths, strengths)))
    return tuple(rounds)


def apply_operations(images: Tensor, operations: Operations) -> Tensor:
    """Apply to each of images (B, C, H, W) uint8 its own operation; C is 1 or 3.

    Sorted by operation, the images of one lie together, and each operation is a few calls for all of its images.
    """
    device = images.device
    order = operations.kinds.argsort(stable=True)
    kinds, strengths = operations.kinds[order], operations.strengths[order]
    counts = torch.bincount(kinds, minlength=len(OPERATIONS)).tolist()
    ends = torch.tensor([0, *counts]).cumsum(0).tolist()
    places = order.to(device)
    batch = images.permute(0, 2, 3, 1)[places].permute(0, 3, 1, 2)  # (B, C, H, W), channels last
    moved = slice(ends[1], ends[6])  # ShearX to Rotate
    if moved.start < moved.stop:
        batch[moved] = _move(batch[moved], _list_matrices(kinds[moved], strengths[moved], images.shape[-2:]))
    factors = strengths.float().to(device)[:, None, None, None]
    for kind in range(6, len(OPERATIONS)):
        group = slice(ends[kind], ends[kind + 1])
        if group.start < group.stop:
            batch[group] = _CHANGES[OPERATIONS[kind]](batch[group], factors[group])
    result = torch.empty_like(batch)
    result[places] = batch
    return result


def _list_matrices(kinds: Tensor, strengths: Tensor, size: torch.Size) -> Tensor:
    """Where a pixel comes from: (B, 2, 3) on (column, row, 1) measured from the middle of the image."""
    height, width = size
    rows = []
    for kind, strength in zip(kinds.tolist(), strengths.tolist(), strict=True):
        angle = math.radians(strength)
        rows.append(
            {
                1: (1, strength, strength * height / 2, 0, 1, 0),  # shears about the upper left corner
                2: (1, 0, 0, strength, 1, strength * width / 2),
                3: (1, 0, -int(strength), 0, 1, 0),
                4: (1, 0, 0, 0, 1, -int(strength)),
                5: (math.cos(angle), -math.sin(angle), 0, math.sin(angle), math.cos(angle), 0),
            }[kind]
        )
    return torch.tensor(rows).view(-1, 2, 3)


def _move(images: Tensor, matrices: Tensor) -> Tensor:
    """Nearest pixels, black where there are none: one gather for images (B, C, H, W) of all geometric operations."""
    count, _, height, width = images.shape
    device = images.device
    matrices = matrices.to(device)[..., None, None]  # (B, 2, 3, 1, 1)
    x = torch.arange(width, device=device) - (width - 1) / 2
    y = (torch.arange(height, device=device) - (height - 1) / 2)[:, None]
    columns = (matrices[:, 0, 0] * x + matrices[:, 0, 1] * y + matrices[:, 0, 2] + (width - 1) / 2).round_().long()
    rows = (matrices[:, 1, 0] * x + matrices[:, 1, 1] * y + matrices[:, 1, 2] + (height - 1) / 2).round_().long()
    outside = (columns < 0) | (columns >= width) | (rows < 0) | (rows >= height)  # (B, H, W)
    numbers = torch.arange(count, device=device)[:, None, None]
    pixels = images.permute(0, 2, 3, 1)[numbers, rows.clamp_(0, height - 1), columns.clamp_(0, width - 1)]
    return pixels.masked_fill_(outside[..., None], 0).permute(0, 3, 1, 2)


def _blend(images: Tensor, others: Tensor, factors: Tensor) -> Tensor:
    """Lead images away from others, or towards them where factors are negative; where both are equal, nothing moves."""
    return (images + factors * (images - others)).clamp_(0, 255).to(torch.uint8)


def _grey(images: Tensor) -> Tensor:
    """Luma, rounded down, (B, 1, H, W) float."""
    if images.shape[1] == 1:
        return images.float()
    red, green, blue = images.unbind(1)
    return (red * 0.2989).add_(green, alpha=0.587).add_(blue, alpha=0.114).floor_().unsqueeze(1)


def _brighten(images: Tensor, factors: Tensor) -> Tensor:
    return (images * (1 + factors)).clamp_(0, 255).to(torch.uint8)


def _colour(images: Tensor, factors: Tensor) -> Tensor:
    return _blend(images, _grey(images), factors) if images.shape[1] == 3 else images


def _contrast(images: Tensor, factors: Tensor) -> Tensor:
    return _blend(images, _grey(images).mean((1, 2, 3), keepdim=True), factors)


def _sharpen(images: Tensor, factors: Tensor) -> Tensor:
    """Blend with a blur of 3x3 whose middle weighs five times; the border stays."""
    if min(images.shape[-2:]) < 3:
        return images
    pixels = images.float()
    rows = pixels[..., :-2, :] + pixels[..., 1:-1, :] + pixels[..., 2:, :]
    inner = pixels[..., 1:-1, 1:-1]
    blurred = (rows[..., :-2] + rows[..., 1:-1] + rows[..., 2:] + 4 * inner).div_(13).round_()
    result = images.clone()
    result[..., 1:-1, 1:-1] = _blend(inner, blurred, factors)
    return result


def _posterize(images: Tensor, bits: Tensor) -> Tensor:
    return images & (256 - 2 ** (8 - bits)).to(torch.uint8)


def _solarize(images: Tensor, levels: Tensor) -> Tensor:
    return torch.where(images >= levels, ~images, images)


def _stretch(images: Tensor, _: Tensor) -> Tensor:
    """Each channel's darkest pixel becomes 0, its brightest 255."""
    low, high = (bound.float() for bound in (images.amin((2, 3), keepdim=True), images.amax((2, 3), keepdim=True)))
    flat = low == high
    scale = torch.where(flat, 1.0, (high - low) * (1 / 255))
    return ((images - torch.where(flat, 0.0, low)) / scale).clamp_(0, 255).to(torch.uint8)


def _equalize(images: Tensor, _: Tensor) -> Tensor:
    """Spread the levels of each channel so that all are about equally frequent, with Pillow's rounding."""
    count, channels, height, width = images.shape
    levels = images.reshape(count, channels, -1).long()
    histogram = torch.zeros((count, channels, 256), dtype=torch.long, device=images.device)
    histogram.scatter_add_(2, levels, torch.ones_like(levels))
    brightest = histogram.gather(2, levels.amax(2, keepdim=True))
    step = (height * width - brightest) // 255
    below = histogram.cumsum(2) - histogram
    table = ((below + step // 2) // step.clamp(min=1)).clamp_(max=255)
    table = torch.where(step > 0, table, torch.arange(256, device=images.device))
    return table.gather(2, levels).to(torch.uint8).view(images.shape)


_CHANGES = {
    "Brightness": _brighten,
    "Color": _colour,
    "Contrast": _contrast,
    "Sharpness": _sharpen,
    "Posterize": _posterize,
    "Solarize": _solarize,
    "AutoContrast": _stretch,
    "Equalize": _equalize,
}

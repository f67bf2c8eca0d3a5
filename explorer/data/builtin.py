"""Data sets that need no file: scikit-learn's digits, and patterns in noise."""

from __future__ import annotations

import re

import numpy
import torch
from torch import Tensor

from explorer.data.dataset import Dataset
from explorer.data.images import printable_name
from explorer.data.room import check_room
from explorer.errors import DataError
from explorer.resources import find_package

DIGITS_SIDE = 32
SYNTHETIC = (3, 32, 32, 10, 5000)
PATTERNS = 3  # a class has several, so that its mean image is not all there is to learn
_RANGES = {"channels": (1, 3), "height": (4, 1024), "width": (4, 1024), "classes": (2, 1000), "images": (20, 10**8)}


def load_digits() -> Dataset:
    """Scikit-learn's 1,797 handwritten digits, 8x8 in 16 greys, enlarged to (1, 32, 32).

    Source: Alpaydin and Kaynak, Optical Recognition of Handwritten Digits, UCI 1998. No flips: a mirrored 2 is no 2.
    """
    path = find_package("sklearn") / "datasets" / "data" / "digits.csv.gz"  # its import takes most of a second
    rows = numpy.loadtxt(path, delimiter=",")  # 64 greys from 0 to 16, and the label
    small = torch.from_numpy(rows[:, :-1]).float().view(-1, 1, 8, 8) * (255 / 16)  # (N, 1, 8, 8)
    side = (DIGITS_SIDE, DIGITS_SIDE)
    large = torch.nn.functional.interpolate(small, side, mode="bilinear", align_corners=False)
    labels = torch.from_numpy(rows[:, -1]).long()
    return Dataset("digits", large.round().to(torch.uint8), labels, tuple("0123456789"), flip=False)


def load_synthetic(text: str = "") -> Dataset:
    """Draw images of ``CxHxWxCLASSESxN``, always the same ones: a blurred pattern of the class, moved about, in noise.

    Raises `DataError`.
    """
    channels, height, width, classes, count = _parse_synthetic(text) if text else SYNTHETIC
    check_room(f"synthetic:{text}", count, (channels, height, width))
    generator = torch.Generator().manual_seed(0)
    coarse = torch.randn((classes * PATTERNS, channels, 4, 4), generator=generator)
    patterns = torch.nn.functional.interpolate(coarse, (height, width), mode="bicubic", align_corners=False)
    labels = (torch.arange(count) % classes)[torch.randperm(count, generator=generator)]
    images = torch.empty((count, channels, height, width), dtype=torch.uint8)
    for places in torch.split(torch.arange(count), 1024):
        images[places] = _draw_synthetic(patterns, labels[places], generator)
    name = f"synthetic:{text}" if text else "synthetic"
    return Dataset(name, images, labels, tuple(f"class {number}" for number in range(classes)))


def _draw_synthetic(patterns: Tensor, labels: Tensor, generator: torch.Generator) -> Tensor:
    """patterns (CLASSES * PATTERNS, C, H, W), labels (B,) -> images (B, C, H, W) uint8."""
    count, (_, channels, height, width) = len(labels), patterns.shape
    chosen = labels * PATTERNS + torch.randint(0, PATTERNS, (count,), generator=generator)
    down, right = (
        torch.randint(-(side // 8), side // 8 + 1, (count, 1), generator=generator) for side in (height, width)
    )
    rows, columns = (torch.arange(height) + down) % height, (torch.arange(width) + right) % width
    moved = patterns.permute(0, 2, 3, 1)[chosen[:, None, None], rows[:, :, None], columns[:, None, :]]
    noise = torch.randn((count, channels, height, width), generator=generator)
    return (128 + 35 * moved.permute(0, 3, 1, 2) + 35 * noise).round().clamp(0, 255).to(torch.uint8)


def _parse_synthetic(text: str) -> list[int]:
    numbers = [int(number) for number in text.split("x")] if re.fullmatch(r"\d{1,9}(x\d{1,9}){4}", text) else []
    if not numbers:
        raise DataError(
            f"synthetic:{printable_name(text)} is not understood: write channels, height, width, classes and images, "
            "such as synthetic:3x32x32x10x5000."
        )
    for (name, (least, most)), number in zip(_RANGES.items(), numbers, strict=True):
        if not least <= number <= most or (name == "channels" and number == 2):
            allowed = "1 or 3" if name == "channels" else f"{least:,} to {most:,}"
            raise DataError(f"synthetic:{text} has {number:,} {name}: allowed are {allowed}.")
    if numbers[4] < 2 * numbers[3]:
        raise DataError(f"synthetic:{text} has {numbers[4]:,} images for {numbers[3]:,} classes: two each at least.")
    return numbers

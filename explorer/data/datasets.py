"""Data sets, resident in memory as uint8: scikit-learn's digits and any folder of images with a folder per class."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy
import torch
from torch import Tensor
from torchvision.datasets.folder import IMG_EXTENSIONS, make_dataset

from explorer.data.images import open_image, printable_name, printable_path, read_size, resize_and_crop
from explorer.errors import DataError

MAX_BYTES = 6 * 2**30
DIGITS_SIDE = 32


@dataclass(frozen=True)
class Dataset:
    """Images (N, C, H, W) uint8 with labels (N,) int64, and how they may be augmented.

    `pad` is the border in pixels for random crops, `flip` whether a mirrored image still belongs to its class,
    `skipped` the files that could not be read.
    """

    name: str
    images: Tensor
    labels: Tensor
    classes: tuple[str, ...]
    pad: int = 4
    flip: bool = True
    skipped: tuple[str, ...] = ()

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W) of one image."""
        _, channels, height, width = self.images.shape
        return channels, height, width

    def select(self, indices: Tensor) -> Dataset:
        """Return the images at `indices` (M,) as a data set of their own."""
        return replace(self, images=self.images[indices], labels=self.labels[indices])


def load_dataset(spec: str, size: tuple[int, int, int] | None = None, every: int = 1) -> Dataset:
    """Load ``digits`` or ``folder:PATH``; `size` (C, H, W) is used for folders whose images differ in size;
    of all images, in order, every `every`-th is taken.

    Raises `DataError`.
    """
    kind, _, path = spec.partition(":")
    if kind == "digits" and not path:
        digits = load_digits()
        return digits.select(torch.arange(0, len(digits.labels), every))
    if kind == "folder" and path:
        path = os.path.abspath(os.path.expanduser(path))  # noqa: PTH100, PTH111  (pathlib's raises on ~nobody)
        return load_folder(Path(path), size, every)  # absolute: a run may be resumed from elsewhere
    raise DataError(
        f"data={printable_name(spec)} is no data set: use digits, or folder:PATH with one folder of images per class."
    )


def load_digits() -> Dataset:
    """Scikit-learn's 1,797 handwritten digits, 8x8 in 16 greys, enlarged to (1, 32, 32).

    Source: Alpaydin and Kaynak, Optical Recognition of Handwritten Digits, UCI 1998. No flips: a mirrored 2 is no 2.
    """
    from sklearn.datasets import load_digits as load  # 0.7 s to import

    digits = load()
    small = torch.from_numpy(digits.images).float().unsqueeze(1) * (255 / 16)  # (N, 1, 8, 8)
    side = (DIGITS_SIDE, DIGITS_SIDE)
    large = torch.nn.functional.interpolate(small, side, mode="bilinear", align_corners=False)
    labels = torch.from_numpy(digits.target).long()
    return Dataset("digits", large.round().to(torch.uint8), labels, tuple("0123456789"), flip=False)


def load_folder(folder: Path, size: tuple[int, int, int] | None = None, every: int = 1) -> Dataset:
    """Read a folder with one folder of images per class (torchvision's ImageFolder layout and order), as RGB.

    Images of one size keep it; otherwise each is resized and cropped to `size`, or 64x64. Unreadable files are skipped
    and listed. Raises `DataError` where there is no class, no readable image, or too much for memory.
    """
    samples, classes = _list_samples(folder)
    samples = samples[::every]
    height, width = _common_size([path for path, _ in samples]) or (size or (3, 64, 64))[1:]
    if len(samples) * 3 * height * width > MAX_BYTES:
        raise DataError(
            f"{folder} holds {len(samples):,} images of {height}x{width}, more than {MAX_BYTES / 2**30:.0f} GiB in "
            "memory: use smaller images or fewer of them."
        )
    images, kept, skipped = _read_all([path for path, _ in samples], (height, width))
    if not kept:
        raise DataError(f"{folder}: none of its {len(samples):,} images could be read; the first is {skipped[0]}.")
    labels = torch.tensor([samples[index][1] for index in kept])
    return Dataset(f"folder:{folder}", images, labels, classes, skipped=tuple(skipped))


def _list_samples(folder: Path) -> tuple[list[tuple[str, int]], tuple[str, ...]]:
    try:
        classes = sorted(entry.name for entry in folder.iterdir() if entry.is_dir() and not entry.name.startswith("."))
    except (OSError, ValueError):  # a name that no file can have is a ValueError
        raise DataError(
            f"{printable_path(folder, 160)} is no folder that can be read: give one that holds a folder of images per "
            "class."
        ) from None
    if not classes:
        raise DataError(f"{folder} has no classes: put the images of each class into a folder of its own in it.")
    indices = {name: index for index, name in enumerate(classes)}
    samples = make_dataset(str(folder), indices, IMG_EXTENSIONS, allow_empty=True)
    counts = Counter(label for _, label in samples)
    empty = [name for name in classes if not counts[indices[name]]]
    if empty:
        raise DataError(
            f"{folder}: {len(empty)} of {len(classes)} classes have no images, such as {empty[0]}: every class folder "
            f"needs at least one of {', '.join(IMG_EXTENSIONS)}."
        )
    if len(classes) < 2:
        raise DataError(f"{folder} has one class, {classes[0]}: at least two are needed to tell apart.")
    return samples, tuple(classes)


def _common_size(paths: list[str]) -> tuple[int, int] | None:
    """(H, W) where the files share one of at most 256 pixels a side; looks at the headers of some 200 files."""
    sizes = {read_size(path) for path in paths[:: max(1, len(paths) // 200)]} - {None}
    size = sizes.pop() if len(sizes) == 1 else None
    return size if size and max(size) <= 256 else None


def _read_all(paths: list[str], side: tuple[int, int]) -> tuple[Tensor, list[int], list[str]]:
    """Decode all files: images (M, 3, H, W) uint8, the indices that could be read, the names that could not."""
    images = torch.empty((len(paths), 3, *side), dtype=torch.uint8)

    def read(index: int) -> bool:
        try:
            picture = resize_and_crop(open_image(paths[index]).image, *side)
        except DataError:
            return False
        images[index] = torch.from_numpy(numpy.array(picture)).permute(2, 0, 1)  # (3, H, W)
        return True

    with ThreadPoolExecutor(4) as pool:
        readable = list(pool.map(read, range(len(paths))))
    kept = [index for index, good in enumerate(readable) if good]
    skipped = [path for path, good in zip(paths, readable, strict=True) if not good]
    return images[kept] if skipped else images, kept, skipped


def split_held_out(labels: Tensor, share: float, seed: int) -> tuple[Tensor, Tensor]:
    """Draw `share` of every class by seed: indices (M,) to train on and indices (K,) held out, both in file order.

    A class keeps at least one image to train on. Raises `DataError` where nothing would be held out.
    """
    generator = torch.Generator().manual_seed(seed)
    held: list[Tensor] = []
    for label in sorted(set(labels.tolist())):
        indices = (labels == label).nonzero().flatten()
        count = min(round(share * len(indices)), len(indices) - 1)
        held.append(indices[torch.randperm(len(indices), generator=generator)[:count]])
    chosen = torch.zeros(len(labels), dtype=torch.bool)
    chosen[torch.cat(held)] = True
    if not chosen.any():
        raise DataError(f"{len(labels)} images are too few to hold {share:.0%} of every class out: add images.")
    return (~chosen).nonzero().flatten(), chosen.nonzero().flatten()


def count_per_channel(images: Tensor) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation of each channel of (N, C, H, W) uint8 images, on the scale 0 to 1."""
    channels = images.shape[1]
    means, stds = [], []
    for channel in range(channels):  # a channel at a time keeps the float copy small
        values = torch.bincount(images[:, channel].flatten().int(), minlength=256).double()
        levels = torch.arange(256, dtype=torch.float64) / 255
        mean = (values * levels).sum() / values.sum()
        variance = (values * (levels - mean) ** 2).sum() / values.sum()
        means.append(round(mean.item(), 6))
        stds.append(round(max(variance.sqrt().item(), 1e-3), 6))
    return tuple(means), tuple(stds)


def describe_skipped(skipped: Iterable[str]) -> str:
    """One sentence about the files that were left out, empty where there are none."""
    names = list(skipped)
    if not names:
        return ""
    return f"{len(names)} files could not be read and were skipped, such as {names[0]}."

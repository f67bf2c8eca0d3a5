"""Folders of images: a folder per class, or ImageNet's layout of two such folders. Broken files are left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor
from torchvision.datasets.folder import IMG_EXTENSIONS, make_dataset

from explorer.data.dataset import Dataset, Skipped
from explorer.data.image_files import ImageFiles, decode_image
from explorer.data.images import find_fault, printable_path, read_size
from explorer.data.room import fits_in_memory
from explorer.errors import DataError, ImageError

MAX_SIDE = 256  # of images that keep their common size
FOLDER_SIDE, IMAGENET_SIDE = (64, 64), (224, 224)
THREADS = 4
_PARTS = ("train", "val", "valid", "validation", "test")
Size = tuple[int, int, int] | None


def load_folder(folder: Path, size: Size = None, every: int = 1) -> Dataset:
    """Read a folder with one folder of images per class (torchvision's ImageFolder layout and order), as RGB.

    Images of one size keep it; otherwise each is resized and cropped to `size`, or 64x64. Files that can't be used are
    skipped and listed. Raises `DataError` where there is no class or no readable image.
    """
    samples, classes = _list_samples(folder)
    if set(classes) <= set(_PARTS):
        raise DataError(
            f"{folder} holds {' and '.join(classes)}, which are no classes: use imagenet:{folder}, or one of them as "
            f"folder:{folder / classes[0]}."
        )
    samples = samples[::every]
    side = _common_side(samples) or (size[1:] if size else FOLDER_SIDE)
    return _read_samples(f"folder:{folder}", folder, samples, classes, side)


def load_imagenet(folder: Path, size: Size = None, every: int = 1) -> Dataset:
    """Read ImageNet's layout: a folder per class in ``train``, and the same, as test set, in ``val``, if it is there.

    Classes have torchvision's names where its ``meta.bin`` lies beside. Images of one size keep it; otherwise each is
    resized and cropped to `size`, or 224x224. Raises `DataError`.
    """
    samples, classes = _list_samples(folder / "train")
    samples = samples[::every]
    side = _common_side(samples) or (size[1:] if size else IMAGENET_SIDE)
    names = _name_classes(folder, classes)
    dataset = _read_samples(f"imagenet:{folder}", folder / "train", samples, names, side)
    dataset = replace(dataset, pad=max(side) // 8)  # 4 at 32, as on CIFAR
    held = next((folder / part for part in _PARTS[1:] if (folder / part).is_dir()), None)
    if held is None:
        return dataset
    tested, others = _list_samples(held)
    if others != classes:
        odd = min(set(others) ^ set(classes))
        raise DataError(f"{held} and {folder / 'train'} hold other classes, such as {odd}: both need all of them.")
    return replace(dataset, test=_read_samples(dataset.name, held, tested, names, side))


def sketch_folder(spec: str, folder: Path, size: Size = None) -> Dataset:
    """The labels, classes and shape that ``folder:`` or ``imagenet:`` would load, its images left in their files.

    Some 200 headers are read, so that it takes no time; broken files are found when the images are loaded. Raises
    `DataError`.
    """
    large = spec.startswith("imagenet:")
    samples, classes = _list_samples(folder / "train" if large else folder)
    side = _common_side(samples) or (size[1:] if size else IMAGENET_SIDE if large else FOLDER_SIDE)
    labels = torch.tensor([label for _, label in samples])
    return Dataset(spec, ImageFiles([path for path, _ in samples], labels, side), labels, classes)


def _name_classes(folder: Path, classes: tuple[str, ...]) -> tuple[str, ...]:
    """Names for WordNet's numbers, from the file that torchvision's ImageNet class writes."""
    try:
        names = torch.load(folder / "meta.bin", weights_only=True)[0]
        first = [names[number][0] for number in classes]
    except Exception:  # not there, of another kind, or without these classes: the folders' names are names too
        return classes
    counts = Counter(first)  # there are two cranes
    return tuple(
        name if counts[name] == 1 else f"{name} ({number})" for name, number in zip(first, classes, strict=True)
    )


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


def _common_side(samples: Sequence[tuple[str, int]]) -> tuple[int, int] | None:
    """(H, W) where the files share one of at most 256 pixels a side; looks at the headers of some 200 files."""
    sizes = {read_size(path) for path, _ in samples[:: max(1, len(samples) // 200)]} - {None}
    size = sizes.pop() if len(sizes) == 1 else None
    return size if size and max(size) <= MAX_SIDE else None


def _read_samples(
    name: str, folder: Path, samples: list[tuple[str, int]], classes: tuple[str, ...], side: tuple[int, int]
) -> Dataset:
    """Decode all files, or only look at their headers where they would not fit into memory."""
    paths, labels = [path for path, _ in samples], torch.tensor([label for _, label in samples])
    images: Tensor | ImageFiles
    if fits_in_memory(len(samples), (3, *side)):
        images, faults, resized = _read_all(paths, side)
    else:
        images, faults, resized = _look_at_all(paths, labels, side)
    kept = torch.tensor([not fault for fault in faults])
    skipped = tuple(Skipped(path, fault) for path, fault in zip(paths, faults, strict=True) if fault)
    if not kept.any():
        raise DataError(
            f"{folder}: none of its {len(samples):,} images could be read; the first, {skipped[0].path}, is "
            f"{skipped[0].reason}."
        )
    whole = Dataset(name, images, labels, classes, skipped=skipped, resized=resized)
    return whole.select(kept.nonzero().flatten()) if skipped else whole


def _read_all(paths: list[str], side: tuple[int, int]) -> tuple[Tensor, list[str], int]:
    """Images (N, 3, H, W) uint8, what is wrong with each file ("" with most), and how many had another size."""
    images = torch.empty((len(paths), 3, *side), dtype=torch.uint8)

    def read(index: int) -> tuple[str, bool]:
        try:
            images[index], resized = decode_image(paths[index], side)
        except ImageError as error:
            return error.fault, False
        return "", resized

    faults, resized = _ask_all(read, range(len(paths)))
    return images, faults, resized


def _look_at_all(paths: list[str], labels: Tensor, side: tuple[int, int]) -> tuple[ImageFiles, list[str], int]:
    """The same from the headers alone; a file whose header is whole may still be cut off."""

    def look(index: int) -> tuple[str, bool]:
        fault, size = find_fault(paths[index])
        return fault, not fault and size != side

    faults, resized = _ask_all(look, range(len(paths)))
    return ImageFiles(paths, labels, side), faults, resized


def _ask_all(ask: Callable[[int], tuple[str, bool]], indices: range) -> tuple[list[str], int]:
    with ThreadPoolExecutor(THREADS) as pool:
        answers = list(pool.map(ask, indices))
    return [fault for fault, _ in answers], sum(resized for _, resized in answers)

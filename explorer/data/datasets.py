"""Data sets by their spec: one text on the command line, on the page and in a run's directory."""

from __future__ import annotations

import os
from pathlib import Path

import torch

from explorer.data.builtin import load_digits, load_synthetic
from explorer.data.catalogue import list_datasets
from explorer.data.dataset import Dataset, Skipped, count_per_channel, describe_skipped
from explorer.data.downloads import SOURCES, load_download
from explorer.data.folders import load_folder, load_imagenet, sketch_folder
from explorer.data.images import printable_name
from explorer.data.split import Split, split_held_out, split_images
from explorer.errors import DataError

__all__ = [
    "Dataset",
    "Skipped",
    "Split",
    "count_per_channel",
    "describe_skipped",
    "list_datasets",
    "load_dataset",
    "sketch_dataset",
    "split_held_out",
    "split_images",
]

_FOLDERS = {"folder": load_folder, "imagenet": load_imagenet}


def load_dataset(spec: str, size: tuple[int, int, int] | None = None, every: int = 1) -> Dataset:
    """Load a data set; of all images, in order, every `every`-th is taken.

    ``digits``, ``cifar10``, ``cifar100``, ``fashion_mnist``, ``svhn`` (downloaded if need be), ``synthetic`` or
    ``synthetic:CxHxWxCLASSESxN``, ``folder:PATH``, ``imagenet:PATH``. `size` (C, H, W) is used for folders whose images
    differ in size. Raises `DataError`.
    """
    kind, _, rest = spec.partition(":")
    if kind in _FOLDERS and rest:
        path = os.path.abspath(os.path.expanduser(rest))  # noqa: PTH100, PTH111  (pathlib's raises on ~nobody)
        return _FOLDERS[kind](Path(path), size, every)  # absolute: a run may be resumed from elsewhere
    dataset = _load_named(spec, kind, rest)
    return dataset if every == 1 else dataset.select(torch.arange(0, len(dataset.labels), every))


def sketch_dataset(spec: str, size: tuple[int, int, int] | None = None) -> Dataset:
    """What `load_dataset` would load, but that images of a folder stay in their files: enough to check a run by.

    Raises `DataError`.
    """
    kind, _, rest = spec.partition(":")
    if kind not in _FOLDERS or not rest:
        return load_dataset(spec, size)
    path = os.path.abspath(os.path.expanduser(rest))  # noqa: PTH100, PTH111
    return sketch_folder(f"{kind}:{path}", Path(path), size)


def _load_named(spec: str, kind: str, rest: str) -> Dataset:
    if spec == "digits":
        return load_digits()
    if spec == "synthetic" or (kind == "synthetic" and rest):
        return load_synthetic(rest)
    if spec in SOURCES:
        return load_download(spec)
    raise DataError(
        f"data={printable_name(spec)} is no data set: use digits, or folder:PATH with one folder of images per class, "
        f"or one of {', '.join(SOURCES)}, synthetic, imagenet:PATH."
    )

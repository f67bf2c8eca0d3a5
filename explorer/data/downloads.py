"""CIFAR-10, CIFAR-100, Fashion-MNIST and SVHN: torchvision's loaders and downloads, or files placed by hand."""

from __future__ import annotations

import errno
import os
import shutil
import socket
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import torch
from filelock import FileLock
from torch import Tensor
from torchvision import datasets
from torchvision.datasets.utils import check_integrity

from explorer.data.catalogue import NAMED, find_data_folder
from explorer.data.dataset import Dataset
from explorer.errors import DataError

SILENCE = 30  # seconds after which a server that says nothing is given up
DIGITS = tuple("0123456789")


class Archive(NamedTuple):
    """A published file, by its path in the data folder."""

    path: str
    md5: str


class Source(NamedTuple):
    """One of torchvision's classes: how to open a part, what it downloads, and what becomes of it.

    `open` takes the folder, whether the part is the test set, and whether to download.
    """

    title: str
    open: Callable[[str, bool, bool], Any]
    archives: Callable[[], list[Archive]]
    convert: Callable[[Any], tuple[Tensor, Tensor]]
    flip: bool


def _open_by_train(kind: Any) -> Callable[[str, bool, bool], Any]:
    return lambda root, test, download: kind(root, train=not test, download=download)


def _open_svhn(root: str, test: bool, download: bool) -> Any:
    return datasets.SVHN(root, split="test" if test else "train", download=download)


def _convert_cifar(part: Any) -> tuple[Tensor, Tensor]:
    return torch.from_numpy(part.data).permute(0, 3, 1, 2).contiguous(), torch.tensor(part.targets)


def _convert_fashion(part: Any) -> tuple[Tensor, Tensor]:
    return part.data.unsqueeze(1), part.targets.long()


def _convert_svhn(part: Any) -> tuple[Tensor, Tensor]:
    return torch.from_numpy(part.data).contiguous(), torch.from_numpy(part.labels)


def _list_cifar(kind: Any) -> Callable[[], list[Archive]]:
    return lambda: [Archive(kind.filename, kind.tgz_md5)]


def _list_fashion() -> list[Archive]:
    return [Archive(f"FashionMNIST/raw/{name}", md5) for name, md5 in datasets.FashionMNIST.resources]


def _list_svhn() -> list[Archive]:
    return [Archive(*datasets.SVHN.split_list[part][1:]) for part in ("train", "test")]


SOURCES = {
    "cifar10": Source(
        "CIFAR-10", _open_by_train(datasets.CIFAR10), _list_cifar(datasets.CIFAR10), _convert_cifar, True
    ),
    "cifar100": Source(
        "CIFAR-100", _open_by_train(datasets.CIFAR100), _list_cifar(datasets.CIFAR100), _convert_cifar, True
    ),
    "fashion_mnist": Source(
        "Fashion-MNIST", _open_by_train(datasets.FashionMNIST), _list_fashion, _convert_fashion, True
    ),
    "svhn": Source("SVHN", _open_svhn, _list_svhn, _convert_svhn, False),
}


def load_download(name: str) -> Dataset:
    """Load one of `SOURCES`, with its test set, from the data folder; what is not there is downloaded.

    Raises `DataError`, which says what to place there by hand.
    """
    source = SOURCES[name]
    train, test = _open_or_fetch(name, source, find_data_folder())
    classes = tuple(getattr(train, "classes", DIGITS))  # SVHN's are digits
    whole, held = (Dataset(name, *source.convert(part), classes, flip=source.flip) for part in (train, test))
    return Dataset(name, whole.images, whole.labels, classes, flip=source.flip, test=held)


def _open_or_fetch(name: str, source: Source, folder: Path) -> tuple[Any, Any]:
    opened = _try_to_open(source, folder)
    if opened:
        return opened
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / f".{name}.lock"):  # whoever comes second finds it there
            return _try_to_open(source, folder) or _fetch(name, source, folder)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DataError(f"The disk is full: {source.title} needs some room in {folder}.") from None
        raise DataError(_describe_missing(source, folder, error)) from None
    except Exception as error:  # torchvision raises RuntimeError; readers of damaged files almost anything
        raise DataError(_describe_missing(source, folder, error)) from None


def _try_to_open(source: Source, folder: Path) -> tuple[Any, Any] | None:
    """Both parts where they are there and whole."""
    try:
        return _open_parts(source, folder, download=False)
    except MemoryError:
        raise
    except Exception:  # missing, or damaged in one of many ways: a download replaces it
        return None


def _open_parts(source: Source, folder: Path, download: bool) -> tuple[Any, Any]:
    with warnings.catch_warnings():  # NumPy's, about how CIFAR's files were pickled in 2009
        warnings.simplefilter("ignore")
        return source.open(str(folder), False, download), source.open(str(folder), True, download)


def _fetch(name: str, source: Source, folder: Path) -> tuple[Any, Any]:
    """Download beside the data folder's files, and put them in place once all of it was read without fault."""
    partial = folder / f".{name}.part"
    shutil.rmtree(partial, ignore_errors=True)  # of a process that was killed: the lock is ours
    try:
        archives = source.archives()
        for archive in archives:
            _borrow(archive, folder, partial)
        with _bounded_silence():
            opened = _open_parts(source, partial, download=True)
        _move_all(partial, folder, leave={archive.path for archive in archives} - set(_list_files(name)))
        return opened
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _list_files(name: str) -> tuple[str, ...]:
    return next(named.files for named in NAMED if named.name == name)


def _borrow(archive: Archive, folder: Path, partial: Path) -> None:
    """Let torchvision find an archive that someone placed: where it would put it, or in the data folder itself."""
    for place in (folder / archive.path, folder / Path(archive.path).name):
        if check_integrity(place, archive.md5):
            target = partial / archive.path
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                os.link(place, target)
            except OSError:  # on another disk
                shutil.copyfile(place, target)
            return


def _move_all(source: Path, target: Path, leave: set[str]) -> None:
    """Put every file in place, each whole or not at all."""
    for path in sorted(source.rglob("*")):
        relative = path.relative_to(source)
        if path.is_file() and relative.as_posix() not in leave:
            (target / relative).parent.mkdir(parents=True, exist_ok=True)
            os.replace(path, target / relative)


@contextmanager
def _bounded_silence() -> Iterator[None]:
    """Within, a server that accepts and then says nothing is given up; torchvision sets no timeout."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(SILENCE)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _describe_missing(source: Source, folder: Path, error: Exception) -> str:
    files = ", ".join(_describe_archive(archive, folder) for archive in source.archives())
    reason = " ".join(str(error).split())[:160] or type(error).__name__
    return f"{source.title} could not be downloaded ({reason}): put {files} into {folder} by hand, then start again."


def _describe_archive(archive: Archive, folder: Path) -> str:
    name = Path(archive.path).name
    there = any((folder / place).is_file() for place in (archive.path, name))
    other = there and not any(check_integrity(folder / place, archive.md5) for place in (archive.path, name))
    return f"{name} (md5 {archive.md5}{'; the file there has another' if other else ''})"

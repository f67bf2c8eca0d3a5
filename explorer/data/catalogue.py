"""The data sets that go by a name, and which of them are here. No torch: the page lists them before it loads one."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from explorer.files import home


class NamedDataset(NamedTuple):
    """`files`, unpacked, or `archives`, as published, lie in the data folder; without any it is always here."""

    name: str
    title: str
    files: tuple[str, ...] = ()
    archives: tuple[str, ...] = ()


_FASHION = tuple(f"{part}-{kind}-ubyte" for part in ("train", "t10k") for kind in ("images-idx3", "labels-idx1"))
NAMED = (
    NamedDataset("digits", "Digits, 1,797 at 32×32, grey"),
    NamedDataset(
        "cifar10",
        "CIFAR-10, 60,000 at 32×32",
        tuple(f"cifar-10-batches-py/{name}" for name in (*(f"data_batch_{i}" for i in range(1, 6)), "test_batch")),
        ("cifar-10-python.tar.gz",),
    ),
    NamedDataset(
        "cifar100",
        "CIFAR-100, 60,000 at 32×32",
        tuple(f"cifar-100-python/{name}" for name in ("train", "test")),
        ("cifar-100-python.tar.gz",),
    ),
    NamedDataset(
        "fashion_mnist",
        "Fashion-MNIST, 70,000 at 28×28, grey",
        tuple(f"FashionMNIST/raw/{name}" for name in _FASHION),
        tuple(f"FashionMNIST/raw/{name}.gz" for name in _FASHION),
    ),
    NamedDataset(
        "svhn", "SVHN, house numbers, 99,289 at 32×32", *2 * (("train_32x32.mat", "test_32x32.mat"),)
    ),
    NamedDataset("synthetic", "Synthetic, 5,000 patterns in noise at 32×32"),
)  # fmt: skip


class Listed(NamedTuple):
    """A data set for a menu: the spec that loads it, what it is, and whether it needs no download."""

    name: str
    title: str
    here: bool


def find_data_folder() -> Path:
    """Where downloaded data sets lie, and where they may be put by hand."""
    return home() / "data"


def list_datasets() -> list[Listed]:
    """All data sets that go by a name; folders of images come by their path."""
    folder = find_data_folder()
    return [Listed(each.name, each.title, is_here(each, folder)) for each in NAMED]


def is_here(named: NamedDataset, folder: Path) -> bool:
    """Whether all files seem to be there; reading them will tell whether they are whole."""
    return any(all((folder / name).is_file() for name in names) for names in (named.files, named.archives))

"""Which data can be trained on, for the form: names, what is here, and what visitors of a shared page may take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from explorer.data.catalogue import list_datasets
from explorer.errors import DataError
from explorer.ui.events import answer
from explorer.ui.heavy import load_torch

Shape = tuple[int, int, int]
DEFAULT = "digits"


@dataclass(frozen=True, slots=True)
class DataChoice:
    """A line of the menu. `shape` (C, H, W), `classes` and `images` are what is trained on, where that is known.

    `detail` labels the field for what stands behind the colon, which has to be given where `needed`.
    """

    name: str
    shape: Shape | None = None
    classes: int = 0
    images: int = 0
    title: str = ""  # of what data/catalogue.py does not name
    detail: str = ""
    hint: str = ""
    needed: bool = False


_ALL = (
    DataChoice("digits", (1, 32, 32), 10, 1_797),
    DataChoice("cifar10", (3, 32, 32), 10, 50_000),
    DataChoice("cifar100", (3, 32, 32), 100, 50_000),
    DataChoice("fashion_mnist", (1, 28, 28), 10, 60_000),
    DataChoice("svhn", (3, 32, 32), 10, 73_257),
    DataChoice(
        "synthetic", (3, 32, 32), 10, 5_000, detail="Shape",
        hint="C×H×W×classes×images, such as 3x64x64x10x2000; empty: 3x32x32x10x5000.",
    ),
    DataChoice(
        "folder", title="A folder of images", detail="Folder", hint="It holds one folder of images per class.",
        needed=True,
    ),
    DataChoice(
        "imagenet", (3, 224, 224), 1_000, 1_281_167, title="ImageNet, a folder laid out like it", detail="Folder",
        hint="It holds train and val, each with a folder per class.", needed=True,
    ),
)  # fmt: skip
CHOICES: dict[str, DataChoice] = {choice.name: choice for choice in _ALL}
PLACES = ("folder", "imagenet")  # what names a place on this machine


def describe_choices(shared: bool) -> list[dict[str, Any]]:
    """The menu as the page draws it; visitors are offered no places of the machine."""
    listed = {each.name: each for each in list_datasets()}
    return [
        {
            "name": each.name,
            "title": each.title or listed[each.name].title,
            "here": each.needed or listed[each.name].here,
            "detail": each.detail,
            "hint": each.hint,
            "needed": each.needed,
        }
        for each in CHOICES.values()
        if not (shared and each.name in PLACES)
    ]


def read_spec(value: object, shared: bool) -> str:
    """Read what the form says of the data. Raises `DataError`; that it can be loaded is found out when it is."""
    spec = str(value or DEFAULT).strip()
    name, _, detail = spec.partition(":")
    choice = CHOICES.get(name)
    if choice is None or (shared and name in PLACES):
        offered = [each["name"] for each in describe_choices(shared)]
        raise DataError(f"data={name[:40]} is not to be had here: choose {', '.join(offered)}.")
    if choice.needed and not detail.strip():
        raise DataError(f"No folder is given: write the path of one. {choice.hint}")
    if detail and not choice.detail:
        raise DataError(f"{name} needs nothing behind its name: write {name} alone.")
    if shared:
        _check_size(spec)
        if name not in {each["name"] for each in describe_choices(shared) if each["here"]}:
            raise DataError(f"{name} is not on this machine, and visitors start no downloads: choose another.")
    return spec


def _check_size(spec: str) -> None:
    """Synthetic images of a visitor's own shape take no more room than CIFAR's."""
    shape, _, images = measure_data(spec)
    if shape and shape[0] * shape[1] * shape[2] * images > 3 * 32 * 32 * 50_000:
        raise DataError("These are too many or too large images for a shared page: 50,000 of 3x32x32 are the most.")


def measure_data(spec: str) -> tuple[Shape | None, int, int]:
    """Shape (C, H, W), classes and images of what `spec` names, as far as its name tells: else None, 0, 0.

    Raises `DataError` for a synthetic shape that is none.
    """
    name, _, detail = spec.partition(":")
    choice = CHOICES[name]
    if name != "synthetic" or not detail:
        return choice.shape, choice.classes, choice.images
    try:
        channels, height, width, classes, images = map(int, detail.lower().replace("×", "x").split("x"))
    except ValueError:
        raise DataError(f"{detail[:40]} is no shape: {choice.hint}") from None
    return (channels, height, width), classes, images


@answer
def list_data(question: dict[str, Any]) -> dict[str, Any]:
    """Names of the data that is here by now: the page asks when the tab is opened."""
    return {"here": [each.name for each in list_datasets() if each.here]}


@answer
def warm_up(question: dict[str, Any]) -> dict[str, Any]:
    """Load torch while a person fills the form in: the first Start would wait for it."""
    load_torch()
    return {}

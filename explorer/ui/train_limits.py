"""What visitors of a shared page may train: little enough that the machine serves the next one too."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from explorer.errors import RunError
from explorer.training.config import TrainConfig
from explorer.training.settings import SETTINGS
from explorer.ui.train_data import measure_data

MOST: dict[str, int] = {"epochs": 50, "batch_size": 512}
IMAGES = 1_000_000  # images times epochs
FIXED = ("workers", "device", "compile")
RUNS = 8  # of all visitors, not yet ended


def check_limits(config: TrainConfig, spec: str) -> None:
    """Raise `RunError`, which begins with the setting's name, for what a shared page does not train."""
    for name, most in MOST.items():
        if getattr(config, name) > most:
            raise RunError(f"{name}={getattr(config, name)} is more than a shared page allows: {most} at most.")
    default = TrainConfig()
    for name in FIXED:
        if getattr(config, name) != getattr(default, name):
            value = SETTINGS[name].format(getattr(default, name))
            raise RunError(f"{name} stays at {value} on a shared page: leave it.")
    if config.weights and not _is_published(config.weights):
        raise RunError("weights of files and of other runs can't be used on a shared page: take bundled ones.")
    if config.epochs > longest(config, spec):
        raise RunError(
            f"epochs={config.epochs} of {count_images(config, spec):,} images are more than a shared page allows: "
            f"{longest(config, spec)} at most, or fewer images."
        )


def _is_published(name: str) -> bool:
    from explorer.network.catalogue import TORCHVISION, list_bundled

    return name in TORCHVISION or name in list_bundled()


def count_images(config: TrainConfig, spec: str) -> int:
    """Images of an epoch, about: what is held out counts too."""
    images = measure_data(spec)[2]
    return min(config.images, images) if config.images else images


def longest(config: TrainConfig, spec: str) -> int:
    """The most epochs of this many images, at least one."""
    return max(1, min(MOST["epochs"], IMAGES // max(1, count_images(config, spec))))


def fit(config: TrainConfig, spec: str) -> TrainConfig:
    """The nearest settings that a shared page trains: those of a recipe or a link may ask for more."""
    default = TrainConfig()
    changes: dict[str, Any] = {name: getattr(default, name) for name in FIXED}
    changes |= {name: min(getattr(config, name), most) for name, most in MOST.items()}
    changes["accumulate"] = config.accumulate if changes["batch_size"] == config.batch_size else 1
    if config.weights and not _is_published(config.weights):
        changes |= {"weights": "", "freeze": 0}
    epochs = min(config.epochs, longest(config, spec))
    changes |= {"epochs": epochs, "warmup": config.warmup if config.warmup < epochs else 0.0}
    return replace(config, **changes)

"""Recipes as data: settings that somebody published, what for, and what came out. Text: ``NAME[,setting=value]*``."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import Any

from explorer.errors import RunError
from explorer.training.config import TrainConfig
from explorer.training.settings import SETTINGS, find_setting


@dataclass(frozen=True, slots=True)
class Recipe:
    """Settings with their source. `expected` says what the source reports, on which data and network."""

    name: str
    title: str
    data: str
    expected: str
    source: str
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def config(self) -> TrainConfig:
        """The settings, whole."""
        return TrainConfig(**self.settings)


_STEPS = {"schedule": "multistep", "nesterov": False, "weight_decay": 1e-4, "lr": 0.1}
_CIFAR = {"batch_size": 128, "pad": 4, "flip": True}
_ALL = (
    Recipe(
        "quick", "Short run: one cycle", "any",
        "made for minutes: resnet8 passes 95 % on the digits in ten epochs", "Smith and Topin 2017, arXiv:1708.07120",
    ),
    Recipe(
        "he2015", "The paper, CIFAR-10", "cifar10",
        "test error 8.75 % (resnet20), 7.51 % (32), 7.17 % (44), 6.97 % (56)",
        "He et al. 2015, arXiv:1512.03385, section 4.2 and table 6",
        _STEPS | _CIFAR | {"epochs": 182},  # 64,000 steps of 128 on 45,000 images; falls at 32,000 and 48,000
    ),
    Recipe(
        "he2015-warm", "The paper, CIFAR-10, with warm-up", "cifar10",
        "test error 6.43 % (resnet110, best of five)", "He et al. 2015, arXiv:1512.03385, section 4.2 and table 6",
        _STEPS | _CIFAR | {"epochs": 182, "warmup": 1.0},  # the paper: a rate of 0.01 for 400 steps
    ),
    Recipe(
        "wrn", "Wide ResNet, CIFAR-10", "cifar10", "test error 4.00 % (wrn28_10)",
        "Zagoruyko and Komodakis 2016, arXiv:1605.07146, section 3 and table 5",
        _CIFAR | {"epochs": 200, "lr": 0.1, "schedule": "multistep", "milestones": "0.3-0.6-0.8", "gamma": 0.2},
    ),
    Recipe(
        "imagenet", "torchvision's first, ImageNet", "imagenet", "top-1 76.13 % (resnet50), 69.76 % (resnet18)",
        "torchvision references/classification, weights IMAGENET1K_V1",
        {"epochs": 90, "batch_size": 256, "lr": 0.1, "schedule": "step", "step_epochs": 30, "nesterov": False,
         "weight_decay": 1e-4},
    ),
    Recipe(
        "bag", "Bag of tricks, ImageNet", "imagenet", "top-1 79.15 % (resnet50d, with mixup)",
        "He et al. 2019, arXiv:1812.01187, table 6",
        {"epochs": 200, "batch_size": 1024, "lr": 0.4, "schedule": "cosine", "warmup": 5.0, "label_smoothing": 0.1,
         "mixup": 0.2, "weight_decay": 1e-4, "decay_norms": False},
    ),
    Recipe(
        "torchvision2", "torchvision's second, ImageNet", "imagenet", "top-1 80.86 % (resnet50)",
        "torchvision references/classification, weights IMAGENET1K_V2",
        {"epochs": 600, "batch_size": 1024, "lr": 0.5, "schedule": "cosine", "warmup": 5.0, "label_smoothing": 0.1,
         "mixup": 0.2, "cutmix": 1.0, "policy": "trivialaugment", "erasing": 0.1, "ema": 0.9999, "nesterov": False,
         "weight_decay": 2e-5, "decay_norms": False},
    ),
    Recipe(
        "finetune", "Fine-tune, gently", "any", "set weights, such as weights=resnet18",
        "earlier parts at lower rates: Howard and Ruder 2018, arXiv:1801.06146, section 3.2",
        {"epochs": 5, "lr": 0.01, "weight_decay": 1e-4, "stage_lr": 0.4},
    ),
    Recipe(
        "range", "Find a learning rate", "any", "says the rate at which the loss is lowest, and where it breaks",
        "Smith 2017, arXiv:1506.01186, section 3.3", {"epochs": 4, "schedule": "range", "watch": "none"},
    ),
)  # fmt: skip
RECIPES: dict[str, Recipe] = {recipe.name: recipe for recipe in _ALL}


def find_recipe(name: str) -> Recipe:
    """Return the recipe of this name. Raises `RunError`."""
    if name not in RECIPES:
        near = get_close_matches(name, RECIPES, 1)
        hint = f"did you mean {near[0]}?" if near else f"choose from {', '.join(RECIPES)}."
        raise RunError(f"“{name[:40]}” is no recipe: {hint}")
    return RECIPES[name]


def parse_recipe(text: str) -> TrainConfig:
    """Read ``NAME[,setting=value]*``; without a name it is ``quick``. Raises `RunError`."""
    parts = [part.strip() for part in text.split(",") if part.strip()]
    named = bool(parts) and "=" not in parts[0]
    recipe = find_recipe(parts[0]) if named else RECIPES["quick"]
    changes: dict[str, Any] = {}
    for part in parts[named:]:
        name, equals, value = part.partition("=")
        if not equals:
            raise RunError(f"“{part[:40]}” has no value: write setting=value, separated by commas.")
        setting = find_setting(name.strip())
        if setting.name in changes:
            raise RunError(f"{setting.name} is given twice: say it once.")
        changes[setting.name] = setting.parse(value)
    return replace(recipe.config, **changes)


def format_recipe(config: TrainConfig, name: str = "quick") -> str:
    """Write settings as `parse_recipe` reads them: a recipe's name and what differs from it."""
    base = find_recipe(name).config
    pairs = list_differences(base, config)
    return ",".join([name, *(f"{setting}={SETTINGS[setting].format(value)}" for setting, _, value in pairs)])


def list_differences(a: TrainConfig, b: TrainConfig) -> list[tuple[str, Any, Any]]:
    """Settings in which two runs differ: name, value of the first, value of the second, in the order of the table."""
    pairs = ((name, getattr(a, name), getattr(b, name)) for name in SETTINGS)
    return [(name, one, other) for name, one, other in pairs if one != other]

"""Races: variants trained side by side on the same data, in the same order, with the same seed and number of steps."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from pathlib import Path

from explorer.architecture.neighbours import find_twin
from explorer.architecture.variant import format_variant, parse_variant
from explorer.data.datasets import Dataset, load_dataset, sketch_dataset
from explorer.errors import RunError
from explorer.training.config import TrainConfig
from explorer.training.runs import Run, create_run, home
from explorer.training.worker import check_run

MOST = 4  # more curves in one chart are not told apart


def add_twin(variants: Sequence[str]) -> list[str]:
    """The variants, and the first one's plain twin behind them where it is not among them. Raises `ExplorerError`."""
    texts = [format_variant(parse_variant(text)) for text in variants]
    twin = find_twin(parse_variant(texts[0]))
    if twin is None:
        raise RunError(f"{texts[0]} has no plain twin: name the variants to race yourself.")
    return texts if twin.text in texts else [*texts, twin.text]


def prepare_race(
    variants: Sequence[str],
    data: str,
    config: TrainConfig,
    folder: Path | None = None,
    recipe: str = "",
    load: bool = True,
) -> tuple[list[Run], Dataset]:
    """Check two to four variants on the same data and settings, and make a run of each, in `folder` or at home.

    All carry one race's id, which can't be guessed. `load` as in `prepare_run`. Raises `ExplorerError`, and nothing
    was written then.
    """
    texts = [format_variant(parse_variant(text)) for text in variants]
    if not 2 <= len(texts) <= MOST:
        raise RunError(f"{len(texts)} variants came: a race has two to {MOST}.")
    if len(set(texts)) < len(texts):
        raise RunError("Two of the variants are the same network: a race is between different ones.")
    architectures = [parse_variant(text) for text in texts]
    dataset = (load_dataset if load else sketch_dataset)(data, architectures[0].input)
    for architecture in architectures:
        check_run(architecture, dataset, config)
    race = secrets.token_hex(8)
    facts = dataset.name, dataset.shape, len(dataset.classes), config
    places = [(folder or home()) / f"race-{race}-{number}" for number in range(1, len(texts) + 1)]
    pairs = zip(architectures, places, strict=True)
    return [create_run(each, *facts, place, race=race, recipe=recipe) for each, place in pairs], dataset

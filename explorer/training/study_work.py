"""Doing a study: a run of each of its networks, side by side in one process, which goes on where it was stopped."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from explorer.architecture.variant import parse_variant
from explorer.data.datasets import Dataset, load_dataset
from explorer.errors import RunError
from explorer.records import FinalRecord
from explorer.training.config import TrainConfig
from explorer.training.queue import wait_for_turn
from explorer.training.recipes import parse_recipe
from explorer.training.runs import Run, create_run, home
from explorer.training.splits import split_dataset
from explorer.training.studies import find_study
from explorer.training.study_runs import StudyFacts, StudyRuns, find_study_runs, keep_facts, name_network, read_rows
from explorer.training.worker import check_run, work_race

LOOKS = 20  # of the instruments in a run: the result keeps the first and the last


def prepare_study(
    name: str,
    data: str,
    full: bool = False,
    recipe: str = "",
    seed: int = 0,
    device: str = "auto",
    folder: Path | None = None,
    note: str = "",
) -> tuple[StudyRuns, Dataset]:
    """Make a run of each network, in `folder` or at home, or find those of a study that was begun and goes on.

    In a folder of its own the study there goes on, at home one that is not at its end. `recipe` replaces the study's
    own of that size. Raises `ExplorerError`, and then no new study was begun.
    """
    study = find_study(name)
    config = replace(parse_recipe(recipe or study.recipe(full)), seed=seed, device=device)
    size = parse_variant(study.variants[0]).input
    dataset = load_dataset(data, size)
    splits = split_dataset(dataset, config)
    counts = len(splits.train.labels), len(splits.held_out.labels), len(splits.test.labels) if splits.test else 0
    steps = counts[0] // config.batch_size * config.epochs
    if not config.watch_every:
        config = replace(config, watch_every=max(1, steps // LOOKS))
    facts = StudyFacts(name, secrets.token_hex(8), full, dataset.name, note, counts, steps)
    begun = find_study_runs(name, folder)
    going = next((each for each in begun if _goes_on(each, facts, config)), None)
    if folder and begun and begun[0] is not going:
        raise RunError(
            f"{folder} holds a study with other settings, of {begun[0].facts.steps:,} steps on {begun[0].facts.data}: "
            "go on with those, or choose another directory."
        )
    if going and (folder or not going.is_whole() or going.state() != "ended"):
        _make_runs(going, dataset, config, recipe or study.recipe(full))
        return going, dataset
    for variant in study.variants:
        check_run(parse_variant(variant), dataset, config)
    going = StudyRuns(facts, folder or home())
    _make_runs(going, dataset, config, recipe or study.recipe(full))
    return going, dataset


def _goes_on(going: StudyRuns, facts: StudyFacts, config: TrainConfig) -> bool:
    """Whether a study that was begun is the one asked for."""
    same = replace(going.facts, race=facts.race, note=facts.note) == facts
    made = [run for run in going.runs if (run.folder / "run.json").is_file()]
    return same and all(run.spec.config == config for run in made)


def _make_runs(going: StudyRuns, dataset: Dataset, config: TrainConfig, recipe: str) -> None:
    """Make the runs that are not there yet. Raises `RunError`."""
    about = {"recipe": recipe, "race": going.facts.race, "study": going.facts.study}
    shape, classes = dataset.shape, len(dataset.classes)
    try:
        keep_facts(going)
    except OSError as error:
        raise RunError(f"The study can't be written: {error.strerror or error}.") from None
    for variant in going.study.variants:
        place = going.place(variant)
        if not (place / "run.json").is_file():
            create_run(parse_variant(variant), dataset.name, shape, classes, config, place, **about)


def train_study(going: StudyRuns, dataset: Dataset | None, say: Callable[[str], None] = print) -> list[FinalRecord]:
    """Train what is not at its end, once it is this study's turn on the machine. Returns the last words of those.

    Raises `RunError` where another worker holds one of the runs.
    """
    waiting = [run for run in going.runs if run.state() != "finished"]
    if not waiting:
        return []
    teller = _Teller(going, waiting, say)
    with wait_for_turn(waiting, waiting[0].spec.config.device) as turn:
        runs = waiting if turn is None else list(turn)
        return work_race(runs, dataset, teller.look) if runs else []


class _Teller:
    """Says of which network an epoch has ended, how it went, and how long the study will take."""

    def __init__(self, going: StudyRuns, runs: list[Run], say: Callable[[str], None]) -> None:
        self.going, self.say, self.runs = going, say, runs
        self.offsets = {run.folder: read_rows(run)[1] for run in runs}
        self.began, self.done = time.monotonic(), going.progress()

    def look(self, _: str) -> None:
        """Look for new epochs in the records; a run's own words don't say which it is."""
        for run in self.runs:
            rows, self.offsets[run.folder] = read_rows(run, self.offsets[run.folder])
            for row in rows:
                if row.get("kind") == "epoch":
                    self._tell(run, row["epoch"], row["accuracy"])

    def _tell(self, run: Run, epoch: int, accuracy: float) -> None:
        done = self.going.progress()
        left = (time.monotonic() - self.began) * (1 - done) / max(done - self.done, 1e-9)
        name, epochs = name_network(run.spec.variant), run.spec.config.epochs
        self.say(
            f"{name:8}  epoch {epoch}/{epochs}, held-out error {100 - 100 * accuracy:5.2f} %"
            f"   ({done:.0%} of the study, {_format_time(left)} left)"
        )


def _format_time(seconds: float) -> str:
    return (
        f"{seconds:.0f} s"
        if seconds < 90
        else f"{seconds / 60:.0f} min"
        if seconds < 5400
        else f"{seconds / 3600:.1f} h"
    )

"""The runs of a study: directories beside each other, found again by their names; and the result that they add up to.

::

    degradation-<race>-plain20/    a run like any other; all of a study are one race
        study.json                 what the study was asked for, the same in each
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from explorer.architecture.totals import count_totals
from explorer.architecture.variant import parse_variant
from explorer.errors import RunError
from explorer.files import write_atomically
from explorer.records import BlockGradients, Curve, Environment, StudyNetwork, StudyRecord
from explorer.training.recipes import format_recipe
from explorer.training.runs import ALIVE, Run, home
from explorer.training.studies import Study, find_study

POINTS = 100  # of a curve in the result, which shall stay small
Rows = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class StudyFacts:
    """What a study was asked for. `images` counts what is trained on, held out and tested on; `steps` of each run."""

    study: str
    race: str
    full: bool
    data: str
    note: str
    images: tuple[int, int, int]
    steps: int


@dataclass(frozen=True)
class StudyRuns:
    """A study that was begun: its runs lie in `folder`."""

    facts: StudyFacts
    folder: Path

    @property
    def study(self) -> Study:
        """What is studied."""
        return find_study(self.facts.study)

    @cached_property
    def runs(self) -> list[Run]:
        """A run for each network, those of a study killed while it was prepared included."""
        return [Run(self.place(variant)) for variant in self.study.variants]

    def place(self, variant: str) -> Path:
        """Where the run of a network lies."""
        return self.folder / f"{self.facts.study}-{self.facts.race}-{name_network(variant)}"

    def is_whole(self) -> bool:
        """Whether all runs were made."""
        return all((run.folder / "run.json").is_file() for run in self.runs)

    def state(self) -> str:
        """running, ended (each run finished or failed), or stopped: it can go on."""
        states = {run.state() for run in self.runs} if self.is_whole() else {"stopped"}
        if states & set(ALIVE):
            return "running"
        return "ended" if states <= {"finished", "failed"} else "stopped"

    def progress(self) -> float:
        """Share of all steps taken, 0 to 1."""
        last = (run.last_record() or {} for run in self.runs)
        return sum(min(1.0, int(each.get("step") or 0) / self.facts.steps) for each in last) / len(self.runs)


def name_network(variant: str) -> str:
    """``plain20`` for ``resnet20,shortcut=none``: as the paper calls it, and fit for a file's name."""
    name, *options = variant.split(",")
    if "shortcut=none" in options:
        options.remove("shortcut=none")
        name = name.replace("resnet", "plain")
    return re.sub(r"[^A-Za-z0-9_]+", "_", "_".join([name, *options]))[:48]


def keep_facts(going: StudyRuns) -> None:
    """Write what the study was asked for where each of its runs will be. Raises `OSError`."""
    content = (json.dumps(asdict(going.facts), indent=1) + "\n").encode()
    for run in going.runs:
        if (run.folder / "study.json").is_file():
            continue
        run.folder.mkdir(parents=True, exist_ok=True)
        write_atomically(run.folder / "study.json", content)


def find_study_runs(name: str, folder: Path | None = None) -> list[StudyRuns]:
    """The studies of this name in a folder, by default at home, the newest first."""
    where, found = folder or home(), {}
    for path in where.glob(f"{name}-*/study.json"):
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            train, held_out, test = content["images"]
            facts = StudyFacts(**{**content, "images": (train, held_out, test)})
            age = path.stat().st_mtime
        except (OSError, ValueError, TypeError, KeyError):
            continue
        if facts.study == name and path.parent.name.startswith(f"{name}-{facts.race}-"):
            found[facts.race] = age, StudyRuns(facts, where)
    return [going for _, going in sorted(found.values(), key=lambda pair: pair[0], reverse=True)]


def record_study(going: StudyRuns, environment: Environment) -> StudyRecord:
    """Add up what the runs recorded. Raises `RunError` where one has not ended."""
    if going.state() != "ended":
        raise RunError("The study has not ended: go on with it first.")
    facts, config = going.facts, going.runs[0].spec.config
    kind, _, path = facts.data.partition(":")
    return StudyRecord(
        study=facts.study,
        full=facts.full,
        recipe=format_recipe(config, "he2015"),
        data=f"{kind}:{Path(path).name}" if path else kind,  # where it lies is nobody else's business
        note=facts.note,
        images=facts.images,
        seed=config.seed,
        steps=facts.steps,
        environment=environment,
        networks=tuple(_record_network(run) for run in going.runs),
    )


def _record_network(run: Run) -> StudyNetwork:
    rows = merge_rows(read_rows(run)[0])
    steps = [row for row in rows if row["kind"] == "step"]
    epochs = [(row["step"], row["epoch"], _to_error(row["accuracy"])) for row in rows if row["kind"] == "epoch"]
    final = next((row for row in reversed(rows) if row["kind"] == "final"), {})
    test = final.get("test_accuracy")
    return StudyNetwork(
        variant=run.spec.variant,
        params=count_totals(parse_variant(run.spec.trained)).params,
        steps=steps[-1]["step"] if steps else 0,
        seconds=round(sum(each * run.spec.config.batch_size for each in _list_seconds(steps)), 1),
        training=average_curve(steps),
        held_out=_thin(epochs),
        training_error=_average_end(steps),
        held_out_error=epochs[-1][2] if epochs else None,
        test_error=None if test is None else _to_error(test),
        gradients=_find_gradients(rows),
        problem=str(final.get("message", "")) if final.get("status") == "failed" else "",
    )


def read_rows(run: Run, offset: int = 0) -> tuple[Rows, int]:
    """All records behind `offset` bytes, and the offset to ask for next."""
    rows: Rows = []
    while True:
        more, end = run.read_records(offset)
        rows += more
        if end == offset:
            return rows, end
        offset = end


def merge_rows(records: Iterable[dict[str, Any]]) -> Rows:
    """The last record of every kind and step, in the order of the steps: a resumed run repeats some."""
    latest = {(row["kind"], row.get("step", 0)): row for row in records if "kind" in row}
    return sorted(latest.values(), key=lambda row: row.get("step", 0))


def _to_error(accuracy: float) -> float:
    return round(100 - 100 * accuracy, 2)


def _list_seconds(steps: Rows) -> list[float]:
    """Seconds an image of a batch took, for the steps up to each record."""
    before = [0, *(row["step"] for row in steps)]
    return [(row["step"] - was) / (row["images_per_second"] or 1) for row, was in zip(steps, before, strict=False)]


def average_curve(steps: Rows, points: int = POINTS) -> Curve:
    """Training error in percent at about `points` steps, each the mean since the point before."""
    each = -(-len(steps) // points) if steps else 1
    groups, before, curve = [steps[i : i + each] for i in range(0, len(steps), each)], 0, []
    for group in groups:
        weights = _weigh(group, before)
        wrong = sum(w * _to_error(row["accuracy"]) for w, row in zip(weights, group, strict=True)) / sum(weights)
        before = group[-1]["step"]
        curve.append((before, round(group[-1]["epoch"], 3), round(wrong, 2)))
    return tuple(curve)


def _weigh(rows: Rows, before: int) -> list[int]:
    """How many steps each record tells of."""
    starts = [before, *(row["step"] for row in rows)]
    return [row["step"] - start for row, start in zip(rows, starts, strict=False)]


def _average_end(steps: Rows) -> float | None:
    """Training error of the last twentieth of the steps."""
    if not steps:
        return None
    begin = steps[-1]["step"] * 0.95
    first = next(index for index, row in enumerate(steps) if row["step"] > begin)
    before = steps[first - 1]["step"] if first else 0
    weights = _weigh(steps[first:], before)
    wrong = sum(w * _to_error(row["accuracy"]) for w, row in zip(weights, steps[first:], strict=True))
    return round(wrong / sum(weights), 2)


def _thin(points: list[tuple[int, float, float]]) -> Curve:
    """At most `POINTS` of them, the last one among them."""
    every = -(-len(points) // POINTS) if points else 1
    return tuple(reversed(points[::-1][::every]))


def _find_gradients(rows: Rows) -> BlockGradients | None:
    """The norms of all layers of a block together, at the first look and at the last."""
    units = next((row["units"].get("gradient_norm") for row in rows if row["kind"] == "units"), None)
    looks = [row for row in rows if row["kind"] == "watch" and row["values"].get("gradient_norm")]
    if not units or not looks:
        return None
    first, last = (_add_up(units, row["values"]["gradient_norm"]) for row in (looks[0], looks[-1]))
    return BlockGradients(
        tuple(first), (looks[0]["step"], looks[-1]["step"]), tuple(first.values()), tuple(last.values())
    )


def _add_up(names: list[str], norms: list[float | None]) -> dict[str, float]:
    """Norms by block: ``layer1.0.branch.conv1`` counts to ``layer1.0``, ``head.fc`` to ``head``."""
    squares: dict[str, float] = {}
    for name, norm in zip(names, norms, strict=True):
        parts = name.split(".")
        block = ".".join(parts[:2]) if parts[0].startswith("layer") else parts[0]
        squares[block] = squares.get(block, 0.0) + (norm or 0.0) ** 2
    return {block: float(f"{square**0.5:.4g}") for block, square in squares.items()}

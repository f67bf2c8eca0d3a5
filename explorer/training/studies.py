"""Studies as data: a question, the networks that answer it, how they are trained, what was found before. No torch."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from explorer.errors import RunError
from explorer.records import BlockGradients, Curve, Environment, StudyNetwork, StudyRecord
from explorer.resources import assets
from explorer.training.recipes import parse_recipe
from explorer.training.runs import home


@dataclass(frozen=True, slots=True)
class Study:
    """A study. `small` and `full` are recipes as text; `why` gives the reasons for the small one.

    `question`, `method` and `paper` are a paragraph each; `small_time` and `full_time` say how long it takes.
    """

    name: str
    title: str
    variants: tuple[str, ...]
    small: str
    full: str
    question: str
    method: str
    paper: str
    why: str
    small_time: str
    full_time: str

    def recipe(self, full: bool) -> str:
        """The recipe of one of the sizes."""
        return self.full if full else self.small


_WATCHED = "watch=gradients-flow-residual"
DEGRADATION = Study(
    name="degradation",
    title="The degradation problem",
    variants=tuple(f"resnet{depth}{kind}" for depth in (20, 32, 44, 56) for kind in (",shortcut=none", "")),
    # The paper's settings but for the length: batches of 128, a rate of 0.1 that falls at half and at three quarters.
    small=f"he2015,epochs=4,{_WATCHED}",
    full=f"he2015,{_WATCHED}",
    question="A deeper network can do whatever a shallower one can: let the added layers pass their input on. So it "
    "should train at least as well. He et al. saw the opposite: beyond some depth, plain networks get worse with every "
    "layer added, and not only on new images, which would be overfitting, but on the very images they are trained on. "
    "They called it degradation. Do shortcuts end it?",
    method="Eight networks: plain ones of 20, 32, 44 and 56 layers, and the same with parameter-free shortcuts (option "
    "A), so that each pair has exactly as many parameters. All see the same images in the same order, by the "
    "paper's recipe. The training error tells how well a network can be optimised, the error on held-out images what "
    "it has learned.",
    paper="In the paper, 64,000 steps on CIFAR-10, the plain networks end at test errors of about 9.7, 10.1, 11.4 and "
    "13.2 % from 20 to 56 layers, and the deep ones have the higher training error; the residual ones end at 8.75, "
    "7.51, 7.17 and 6.97 %: depth helps again (section 4.2, figure 6, table 6).",
    why="The paper's settings with its 182 epochs cut to 4, so that all eight networks fit into an hour on two cores: "
    "1,404 steps, 180,000 images seen by each. The batch stays at 128 and the rate at 0.1, since it is at the paper's "
    "rate that plain networks are said to degrade; its falls stay at half and three quarters of the run, so that the "
    "last epoch is one of small steps, and the end does not depend on the luck of the last batches. No warm-up, as in "
    "the paper for these depths.",
    small_time="about 50 minutes on two quiet cores",
    full_time="hours on a GPU, a day and a half on two cores",
)
STUDIES: dict[str, Study] = {study.name: study for study in (DEGRADATION,)}


def find_study(name: str) -> Study:
    """Return the study of this name. Raises `RunError`."""
    if name not in STUDIES:
        raise RunError(f"“{name[:40]}” is no study: choose from {', '.join(STUDIES)}.")
    return STUDIES[name]


def list_results(name: str) -> dict[str, Path]:
    """Where results of a study may lie: ``recorded`` travels with the project, ``own`` was made by this user."""
    return {"recorded": assets() / "studies" / f"{name}.json", "own": home().parent / "studies" / f"{name}.json"}


def load_result(path: Path) -> StudyRecord | None:
    """Read a result; None where there is none. Raises `RunError` where it can't be read."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return read_study(content)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise RunError(f"The result {path} can't be read ({str(error)[:80]}): make it again.") from None


def read_study(content: dict[str, Any]) -> StudyRecord:
    """What `write_record` wrote of a `StudyRecord`, from the parsed JSON.

    Raises `KeyError`, `TypeError` or `ValueError` on anything else.
    """
    if content.get("kind") != StudyRecord.kind:
        raise ValueError("it is no study")
    rest = {name: value for name, value in content.items() if name != "kind"}
    networks = tuple(map(_read_network, content["networks"]))
    train, held_out, test = map(int, content["images"])
    read = StudyRecord(
        **rest
        | {
            "environment": Environment(**content["environment"]),
            "networks": networks,
            "images": (train, held_out, test),
        }
    )
    texts = read.study, read.recipe, read.data, read.note
    if not all(isinstance(text, str) for text in texts) or min(read.steps, train, held_out) < 1:
        raise TypeError("a study has texts, steps and images")
    return read


def _read_network(content: dict[str, Any]) -> StudyNetwork:
    gradients = content.get("gradients")
    read = {
        "training": _read_curve(content["training"]),
        "held_out": _read_curve(content["held_out"]),
        "gradients": None if gradients is None else _read_gradients(gradients),
    }
    network = StudyNetwork(**{**content, **read})
    errors = network.training_error, network.held_out_error, network.test_error
    if not all(error is None or 0 <= error <= 100 for error in errors):
        raise ValueError("an error goes from 0 to 100 percent")
    if not isinstance(network.variant, str) or not isinstance(network.problem, str):
        raise TypeError("variant and problem are texts")
    return network


def _read_curve(points: list[list[float]]) -> Curve:
    curve = tuple((int(step), float(epoch), float(error)) for step, epoch, error in points)
    if any(one[0] >= other[0] for one, other in pairwise(curve)) or not all(0 <= point[2] <= 100 for point in curve):
        raise ValueError("a curve goes on from step to step, and its errors from 0 to 100 percent")
    return curve


def _read_gradients(content: dict[str, Any]) -> BlockGradients:
    first, last = (tuple(map(float, content[name])) for name in ("first", "last"))
    blocks, (begin, end) = tuple(map(str, content["blocks"])), map(int, content["steps"])
    if not len(blocks) == len(first) == len(last):
        raise ValueError("a gradient belongs to each block")
    return BlockGradients(blocks, (begin, end), first, last)


def format_command(record: StudyRecord) -> str:
    """The command that repeats a result; where the images lay is not in it."""
    kind = record.data.partition(":")[0]
    words = ["explorer", "study", record.study, "--data", f"{kind}:PATH" if ":" in record.data else kind]
    words += ["--full"] if record.full else []
    words += ["--seed", str(record.seed)] if record.seed else []
    own, was = (parse_recipe(text) for text in (find_study(record.study).recipe(record.full), record.recipe))
    same = replace(was, watch_every=own.watch_every, seed=own.seed, device=own.device) == own
    return shlex.join(words if same else [*words, "--recipe", record.recipe])

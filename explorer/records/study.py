"""What comes out of a study: the errors of its networks over their steps."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar

from explorer.records.measurement import Environment

Curve = tuple[tuple[int, float, float], ...]  # step, epoch, error in percent


@dataclass(frozen=True, slots=True)
class BlockGradients:
    """L2 norm of the gradient over the weights of each block, stem and head, at the first look and at the last."""

    blocks: tuple[str, ...]
    steps: tuple[int, int]
    first: tuple[float, ...]
    last: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class StudyNetwork:
    """What came out of one network of a study; errors are in percent, None where there is none.

    A point of `training` is the mean over the steps since the point before it, `training_error` that of the last
    twentieth of the steps; `held_out` has a point an epoch. `seconds` is the time of its steps alone. `problem` says
    why a network did not get to its end.
    """

    variant: str
    params: int
    steps: int
    seconds: float
    training: Curve
    held_out: Curve
    training_error: float | None
    held_out_error: float | None
    test_error: float | None = None
    gradients: BlockGradients | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class StudyRecord:
    """The result of a study: networks trained with one recipe, on the same images, in the same order.

    `steps` is what the recipe asks of each, `images` counts what is trained on, held out and tested on, `note` is what
    a person said about it. The environment's date is that of the end.
    """

    kind: ClassVar[str] = "study"
    study: str
    full: bool
    recipe: str
    data: str
    note: str
    images: tuple[int, int, int]
    seed: int
    steps: int
    environment: Environment
    networks: tuple[StudyNetwork, ...]


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

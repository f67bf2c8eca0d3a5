"""What comes out of a study: the errors of its networks over their steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

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

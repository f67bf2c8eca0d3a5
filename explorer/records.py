"""What comes out of training and inspection: frozen dataclasses of numbers, strings and numpy arrays. No torch."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    import numpy


@dataclass(frozen=True, slots=True)
class StepRecord:
    """What was seen since the last step record. `epoch` counts from 0 and has a fraction; accuracy is 0 to 1.

    `gradient_norms` holds the L2 norm of the loss gradient over all parameters of each block, by the block's name.
    """

    kind: ClassVar[str] = "step"
    step: int
    epoch: float
    loss: float
    accuracy: float
    learning_rate: float
    images_per_second: float
    gradient_norms: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class EpochRecord:
    """One pass over the held-out images after `epoch` whole epochs; accuracy is 0 to 1."""

    kind: ClassVar[str] = "epoch"
    step: int
    epoch: int
    loss: float
    accuracy: float


@dataclass(frozen=True, slots=True)
class FinalRecord:
    """The last word of a worker: `status` is finished, stopped or failed, `message` a sentence for people."""

    kind: ClassVar[str] = "final"
    step: int
    status: str
    message: str


Record = StepRecord | EpochRecord | FinalRecord


@dataclass(frozen=True, slots=True)
class Evaluation:
    """How many of `total` images were classified correctly, and the mean cross-entropy."""

    correct: int
    total: int
    loss: float

    @property
    def accuracy(self) -> float:
        """Share of correct answers, 0 to 1."""
        return self.correct / self.total if self.total else 0.0


@dataclass(frozen=True, slots=True)
class Prediction:
    """The most probable classes, best first: (label, probability 0 to 1)."""

    top: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class FeatureMaps:
    """One operation's output for one image: `maps` is (C, H, W), or (C, 1, 1) behind the pooling."""

    name: str
    maps: numpy.ndarray


@dataclass(frozen=True, slots=True)
class PublishedError:
    """Error on ImageNet's validation images that someone published, in percent; `protocol` says how it was measured."""

    top1: float
    top5: float | None
    protocol: str
    source: str


@dataclass(frozen=True, slots=True)
class ReferenceNetwork:
    """A network of another family, for comparison, as measured at (C, H, W) `input`."""

    name: str
    input: tuple[int, int, int]
    params: int
    macs: int
    errors: tuple[PublishedError, ...]


@dataclass(frozen=True, slots=True)
class PublishedAccuracy:
    """How well published weights classify ImageNet's validation images, 0 to 1, and what their network costs."""

    name: str
    weights: str
    top1: float
    top5: float
    params: int
    macs: int
    protocol: str
    recipe: str


def write_record(record: Record) -> str:
    """Write a record as one line of JSON; a number that is not finite becomes null."""
    return json.dumps({"kind": record.kind, **_finite(asdict(record))}, allow_nan=False)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value

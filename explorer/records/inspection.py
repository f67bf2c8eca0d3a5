"""What comes out of looking into networks, and what others published about theirs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy


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

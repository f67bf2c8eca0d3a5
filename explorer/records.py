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


@dataclass(frozen=True, slots=True)
class Spread:
    """Seconds of `count` equal calls: their median, and the quartiles `low` and `high`."""

    median: float
    low: float
    high: float
    count: int


@dataclass(frozen=True, slots=True)
class Environment:
    """Where something was measured. `load` is that of the machine before it began, None where it is not known."""

    device: str  # cpu, cuda:0
    name: str  # of the processor or the GPU
    torch: str
    python: str
    system: str
    threads: int
    dtype: str
    load: float | None
    date: str  # ISO 8601, UTC


@dataclass(frozen=True, slots=True)
class PartTime:
    """Time of stem, transition, block or head. `macs` is for one image, in a training step forward and backward.

    `forward` and `backward` are medians in seconds by themselves; `time` is the spread of their sum.
    """

    name: str
    macs: int
    time: Spread
    forward: float
    backward: float = 0.0


@dataclass(frozen=True, slots=True)
class MeasuredMemory:
    """Bytes, estimated from the plan and seen. `kept` is what autograd keeps for the backward pass, None without one.

    `witness` is allocator (a GPU's) or tensors (those alive at once).
    """

    estimated: int
    measured: int
    kept_estimated: int | None
    kept: int | None
    witness: str


@dataclass(frozen=True, slots=True)
class MeasuredPass:
    """One kind of call: `forward`, or `train` for a whole training step. `macs` is for one image.

    `total` is the time of plain calls; `instrumented` that of other calls, with hooks, whose pieces are `parts` and,
    in a training step, `outside`: the loss and the optimizer.
    """

    mode: str
    macs: int
    total: Spread
    instrumented: Spread
    parts: tuple[PartTime, ...]
    outside: dict[str, Spread]
    memory: MeasuredMemory


@dataclass(frozen=True, slots=True)
class Measurement:
    """Time and memory of a variant on one device. `seconds` is how long all of it took, of `budget` allowed."""

    kind: ClassVar[str] = "measurement"
    variant: str
    batch: int
    budget: float
    seconds: float
    environment: Environment
    passes: tuple[MeasuredPass, ...]


@dataclass(frozen=True, slots=True)
class MeasureProgress:
    """What a measurement is doing, `repeats` done so far, seconds since its begin, and seconds left as expected."""

    kind: ClassVar[str] = "progress"
    doing: str
    repeats: int
    elapsed: float
    left: float


def read_measurement(content: dict[str, Any]) -> Measurement:
    """What `write_record` wrote of a `Measurement`, from the parsed JSON. Raises `KeyError` or `TypeError` on other."""
    rest = {name: value for name, value in content.items() if name != "kind"}
    passes = tuple(map(_read_pass, content["passes"]))
    return Measurement(**{**rest, "environment": Environment(**content["environment"]), "passes": passes})


def _read_pass(content: dict[str, Any]) -> MeasuredPass:
    read = {
        "total": Spread(**content["total"]),
        "instrumented": Spread(**content["instrumented"]),
        "parts": tuple(PartTime(**{**part, "time": Spread(**part["time"])}) for part in content["parts"]),
        "outside": {name: Spread(**spread) for name, spread in content["outside"].items()},
        "memory": MeasuredMemory(**content["memory"]),
    }
    return MeasuredPass(**{**content, **read})


def write_record(record: Record | Measurement | MeasureProgress) -> str:
    """Write a record as one line of JSON; a number that is not finite becomes null."""
    return json.dumps({"kind": record.kind, **_finite(asdict(record))}, allow_nan=False)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value

"""What comes out of training and inspection: frozen dataclasses of numbers, strings and numpy arrays. No torch."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    import numpy


@dataclass(frozen=True, slots=True)
class StepRecord:
    """What was seen since the last step record. `epoch` counts from 0 and has a fraction; accuracy is 0 to 1.

    `gradient_norm` is the L2 norm of all gradients together at this step, before clipping, `memory` bytes that the
    worker holds (on a GPU: the allocator's peak). With mixup or cutmix, accuracy counts the larger share's label.
    """

    kind: ClassVar[str] = "step"
    step: int
    epoch: float
    loss: float
    accuracy: float
    learning_rate: float
    images_per_second: float
    gradient_norm: float = 0.0
    memory: int = 0


@dataclass(frozen=True, slots=True)
class EpochRecord:
    """One pass over the held-out images after `epoch` whole epochs; accuracy is 0 to 1."""

    kind: ClassVar[str] = "epoch"
    step: int
    epoch: int
    loss: float
    accuracy: float


@dataclass(frozen=True, slots=True)
class UnitsRecord:
    """What the numbers of watch records belong to: for each quantity its names, in the network's order."""

    kind: ClassVar[str] = "units"
    units: dict[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class WatchRecord:
    """What the instruments saw at one step: for each quantity a number a name, in the order of the units record.

    ============================================ ===========================================================
    gradient_norm, update_ratio                  a convolution or linear layer: L2 norm of its gradient;
                                                 ‖change of its weights‖ / ‖its weights‖ by this step
    gradient_shortcut, gradient_branch           a block: L2 norm of the gradient that reaches its input by
                                                 the shortcut, and by the branch, over the batch
    branch_norm, input_norm                      a block: mean over images of ‖F(x)‖ and ‖x‖ (L2)
    activation_mean, activation_std, dead        an activation: mean and standard deviation of its output;
                                                 share of channels that are zero for every image (0 to 1)
    norm_scale                                   a batch norm: mean of |γ|
    ============================================ ===========================================================
    """

    kind: ClassVar[str] = "watch"
    step: int
    epoch: float
    values: dict[str, tuple[float, ...]]


@dataclass(frozen=True, slots=True)
class AlarmRecord:
    """Something that looks wrong: `name` of the alarm, `where` in the network, and what to try, as a sentence."""

    kind: ClassVar[str] = "alarm"
    step: int
    name: str
    where: str
    message: str


@dataclass(frozen=True, slots=True)
class FilmRecord:
    """Feature maps of one image at one step: `maps` is a base64 PNG montage in greys, each map scaled by itself.

    `shape` is (C, H, W) of the operation's output, `columns` how many maps stand in a row, `op` its name.
    """

    kind: ClassVar[str] = "film"
    step: int
    op: str
    shape: tuple[int, int, int]
    columns: int
    maps: str


@dataclass(frozen=True, slots=True)
class WrongAnswer:
    """An image taken for another class: its number in the held-out set, labels, probability 0 to 1, a base64 PNG."""

    index: int
    label: str
    answer: str
    probability: float
    image: str


@dataclass(frozen=True, slots=True)
class Answers:
    """How the held-out images were classified: `confusion` counts them, a row a class, a column an answer.

    `wrong` are the most confidently wrong, the worst first.
    """

    kind: ClassVar[str] = "answers"
    step: int
    epoch: int
    classes: tuple[str, ...]
    confusion: tuple[tuple[int, ...], ...]
    wrong: tuple[WrongAnswer, ...]


@dataclass(frozen=True, slots=True)
class FinalRecord:
    """The last word of a worker: `status` is finished, stopped, paused or failed, `message` a sentence for people.

    `test_accuracy` (0 to 1) is of the test images, looked at once, at the end.
    """

    kind: ClassVar[str] = "final"
    step: int
    status: str
    message: str
    test_accuracy: float | None = None


Record = StepRecord | EpochRecord | UnitsRecord | WatchRecord | AlarmRecord | FilmRecord | Answers | FinalRecord


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
class BatchLook:
    """Images as they lie in the data, and as they were drawn for the network: both (N, H, W, C) uint8, C 1 or 3.

    `drawn_labels` say the shares of a mixed image, such as "70% cat, 30% dog".
    """

    images: numpy.ndarray
    drawn: numpy.ndarray
    labels: tuple[str, ...]
    drawn_labels: tuple[str, ...]


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


@dataclass(frozen=True, slots=True)
class RunCost:
    """What a run will take: seconds, reckoned from `timed` real steps, and bytes, by arithmetic.

    `begin` lasts until the first step is done, compiling included; `step` is one after it, `evaluation` a pass over the
    held-out images, `epoch` one epoch with both, `total` the run. `memory` is needed on the device, `free` is there;
    `largest_batch` is the largest that would fit. Both are None where nobody says.
    """

    kind: ClassVar[str] = "cost"
    begin: float
    step: float
    evaluation: float
    epoch: float
    total: float
    timed: int
    images_per_second: float
    memory: int
    free: int | None
    largest_batch: int | None


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


def write_record(record: Record | Measurement | MeasureProgress | RunCost) -> str:
    """Write a record as one line of JSON; a number that is not finite becomes null."""
    return json.dumps({"kind": record.kind, **_finite(asdict(record))}, allow_nan=False)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value

"""What comes out of training: frozen dataclasses of numbers and strings, and numpy arrays of a batch looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

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
class BatchLook:
    """Images as they lie in the data, and as they were drawn for the network: both (N, H, W, C) uint8, C 1 or 3.

    `drawn_labels` say the shares of a mixed image, such as "70% cat, 30% dog".
    """

    images: numpy.ndarray
    drawn: numpy.ndarray
    labels: tuple[str, ...]
    drawn_labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TrialProgress:
    """What is done meanwhile, until a `RunCost` is there."""

    kind: ClassVar[str] = "progress"
    doing: str


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

"""What a measurement of time and memory finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar


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

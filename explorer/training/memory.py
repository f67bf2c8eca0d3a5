"""Bytes that a run takes on its device, by arithmetic, before anything is written."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from explorer.architecture.cost import compute_ops_cost
from explorer.architecture.memory import Optimizer, compute_training_memory, count_tensors
from explorer.architecture.ops import Kind
from explorer.architecture.plan import Plan
from explorer.architecture.saved import INDEX_BYTES, Kept, KeptPart, keep_part, keep_parts
from explorer.architecture.wiring import Parts, list_parts
from explorer.training.config import TrainConfig

FULL, HALF = 4, 2  # bytes of a number; weights, gradients and state are full in mixed precision too


@dataclass(frozen=True, slots=True)
class RunMemory:
    """Bytes of a run on its device, at the moment of a training step in which most is held.

    `fixed` is there all the time: weights, their statistics, the optimizer's state, averaged weights. `kept` is what
    the backward pass needs of one piece of a batch; `scratch` what optimizer and instruments need when that is gone.
    `data` are the images that stay on the device.
    """

    fixed: int
    gradients: int
    kept: int
    scratch: int
    data: int

    @property
    def total(self) -> int:
        """The most at once."""
        return self.fixed + self.data + self.gradients + max(self.kept, self.scratch)


def estimate_memory(plan: Plan, config: TrainConfig, images: int, half: bool) -> RunMemory:
    """Memory of a run with `images` images on the device; `half` says that it computes in 16 bits.

    It was 7 % below to 13 % above what 18 real steps of small networks held in tensors at once, and within 0.1 % where
    weights outweigh activations (`tests/training/test_memory.py`). What an operation needs inside itself and what an
    allocator rounds up is not in it.
    """
    parts = list_parts(plan)
    frozen = _count_frozen(plan, config.freeze)
    learning = sum(compute_ops_cost(part.ops).params for _, part in parts[frozen:])
    tensors = sum(count_tensors(op) for _, part in parts[frozen:] for op in part.ops)
    whole = compute_training_memory(plan)
    state = FULL * _OPTIMIZERS[config.optimizer, config.momentum > 0].values * learning
    averaged = whole.parameters + whole.buffers if config.ema else 0
    return RunMemory(
        fixed=whole.parameters + whole.buffers + state + averaged + FULL * tensors * (config.optimizer == "adamw"),
        gradients=FULL * learning,
        kept=_count_kept(plan, config, half, frozen),
        scratch=FULL * learning * (1 + config.watches("updates")),
        data=images * (prod(plan.architecture.input) + INDEX_BYTES),
    )


_OPTIMIZERS = {
    ("sgd", False): Optimizer.SGD,
    ("sgd", True): Optimizer.MOMENTUM,
    ("adamw", False): Optimizer.ADAMW,
    ("adamw", True): Optimizer.ADAMW,
}


def _count_frozen(plan: Plan, freeze: int) -> int:
    """How many of the plan's parts do not learn: 1 is the stem, 2 the first stage too."""
    names = tuple(f"{stage.name}." for stage in plan.stages[: max(0, freeze - 1)])
    return (freeze > 0) + sum(bool(names) and name.startswith(names) for name, _ in list_parts(plan))


def _count_kept(plan: Plan, config: TrainConfig, half: bool, frozen: int) -> int:
    """What autograd keeps of one piece: of blocks that are computed twice their input alone, and the largest whole."""
    piece = -(-config.batch_size // config.accumulate)
    parts = list_parts(plan)[frozen:]
    total = sum(map(_Counter(piece, half).count, _list_kept(parts, config.checkpointing)))
    if config.checkpointing:
        total += max(
            _Counter(piece, half).count(keep_part(part, True).total) for name, part in parts if _is_block(name)
        )
    apart = config.batch_size - (0 if half or frozen else piece)  # images that the first convolution does not keep
    casts = HALF * sum(_count_cast(parts)) if half else 0
    loss = Kept(plan.architecture.classes, 1, 1).count_bytes(piece, FULL)
    return total + loss + casts + FULL * apart * prod(plan.architecture.input)


@dataclass(frozen=True, slots=True)
class _Counter:
    piece: int
    half: bool

    def count(self, kept: Kept) -> int:
        """Bytes; what norms note of a batch is full in mixed precision too."""
        values = (HALF if self.half else FULL) * self.piece * kept.values
        return values + FULL * kept.constants + INDEX_BYTES * self.piece * kept.positions


def _list_kept(parts: Parts, checkpointing: bool) -> list[Kept]:
    if not checkpointing:
        return [kept.total for kept in keep_parts(parts)]
    found: list[Kept] = []
    before: KeptPart | None = None
    for name, part in parts:
        if _is_block(name):
            known = before is not None and before.output  # its input is kept already
            found.append(Kept() if known else Kept(prod(part.ops[0].input)))
            before = None
        else:
            before = keep_part(part, False)
            found.append(before.total)
    return found


def _is_block(name: str) -> bool:
    """Whether a part is a block: stem and head have no name before theirs, transitions none with a number."""
    return name.removesuffix(".").rpartition(".")[2].isdigit()


def _count_cast(parts: Parts) -> list[int]:
    """Weights that mixed precision keeps a short copy of."""
    cast = (Kind.CONV, Kind.LINEAR, Kind.SE, Kind.ECA)
    return [compute_ops_cost((op,)).params for _, part in parts for op in part.ops if op.kind in cast]

"""Memory of a forward pass and of a training step, worked out from shapes: what torch holds, in bytes.

The truth is torch itself, eager, on the CPU: tensors that live during a forward pass, and storages that autograd keeps
for the backward pass, each counted once however many operations keep it. Scratch memory inside an operation (a
convolution's workspace) and what an allocator rounds up are not in it, and CUDA keeps a little more or less for single
operations (cuDNN's reserved space, dropout's masks of one byte).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from math import prod

from explorer.architecture.config import Shape
from explorer.architecture.cost import compute_cost
from explorer.architecture.flops import count_buffers
from explorer.architecture.ops import Kind, Op, Pool
from explorer.architecture.plan import Plan, ResidualBlock
from explorer.architecture.saved import INDEX_BYTES, Kept, count_padded, keep_parts
from explorer.architecture.wiring import Part, Parts, list_parts


class Optimizer(StrEnum):
    """What an optimizer keeps for each parameter."""

    SGD = "sgd"  # nothing
    MOMENTUM = "momentum"  # the running mean of gradients
    ADAM = "adam"  # running means of gradients and of their squares, and a count of steps for each tensor
    ADAMW = "adamw"  # the same

    @property
    def values(self) -> int:
        """Numbers kept for each parameter."""
        return {Optimizer.SGD: 0, Optimizer.MOMENTUM: 1}.get(self, 2)


@dataclass(frozen=True, slots=True)
class ForwardMemory:
    """Bytes of a forward pass in inference. `activations` is the most that lives at once, reached at operation `at`."""

    parameters: int
    buffers: int
    activations: int
    at: str

    @property
    def total(self) -> int:
        """Bytes at the peak."""
        return self.parameters + self.buffers + self.activations


@dataclass(frozen=True, slots=True)
class TrainingMemory:
    """Bytes of a training step. `saved` is what the network's autograd keeps, `loss` what the cross-entropy keeps."""

    parameters: int
    buffers: int
    gradients: int
    state: int
    saved: int
    loss: int

    @property
    def total(self) -> int:
        """All of it at once: a model of the peak.

        In a real step the gradients come while the saved tensors go, and gradients of activations come and go. The
        tensors that live at once in torch peaked 7 % below to 2 % above this in eight networks, resnet20 to
        densenet121; the parts by themselves are exact.
        """
        return self.parameters + self.buffers + self.gradients + self.state + self.saved + self.loss


def compute_training_memory(
    plan: Plan, batch: int = 1, optimizer: Optimizer = Optimizer.MOMENTUM, bytes_per_value: int = 4
) -> TrainingMemory:
    """Memory of a training step with a batch of (N, C, H, W); `bytes_per_value` 4 for float32, 2 for half.

    Half stands for a network whose weights and state are half too. For mixed precision take float32's parameters,
    gradients and state, and half's saved.
    """
    parameters = bytes_per_value * compute_cost(plan).params
    parts = list_parts(plan)
    tensors = sum(_count_part_tensors(part) for _, part in parts)
    steps = 4 * tensors if optimizer.values == 2 else 0  # one float32 each, whatever the precision
    saved = sum(part.total.count_bytes(batch, bytes_per_value) for part in keep_parts(parts))
    return TrainingMemory(
        parameters=parameters,
        buffers=_count_buffer_bytes(parts, bytes_per_value),
        gradients=parameters,
        state=optimizer.values * parameters + steps,
        saved=saved,
        loss=_count_loss(plan.architecture.classes).count_bytes(batch, bytes_per_value),
    )


def _count_loss(classes: int) -> Kept:
    """What cross-entropy keeps: logarithms of the probabilities, labels, and the sum of weights."""
    return Kept(classes, 1, 1)


def count_tensors(op: Op) -> int:
    """Parameter tensors of an operation."""
    if op.kind in (Kind.CONV, Kind.LINEAR):
        return 1 + op.bias
    return {Kind.NORM: 2, Kind.SE: 4, Kind.ECA: 1}.get(op.kind, 0)


@lru_cache(maxsize=4096)
def _count_part_tensors(part: Part) -> int:
    return sum(map(count_tensors, part.ops))


def _count_buffer_bytes(parts: Parts, bytes_per_value: int) -> int:
    return sum(_count_part_buffers(part, bytes_per_value) for _, part in parts)


@lru_cache(maxsize=4096)
def _count_part_buffers(part: Part, bytes_per_value: int) -> int:
    counts = sum(op.kind is Kind.NORM and op.mode == "batch" for op in part.ops)  # batches seen
    return bytes_per_value * sum(map(count_buffers, part.ops)) + INDEX_BYTES * counts


def compute_forward_memory(plan: Plan, batch: int = 1, bytes_per_value: int = 4) -> ForwardMemory:
    """Memory of a forward pass in inference, operations run eagerly one after another, no gradients.

    A map lives while something holds it: the batch always (the caller has it), a stage's input until the stage is
    done, a block's input x and u = before(x) until the block is, any other map until the next operation has run.
    """
    image = _count_bytes(plan.architecture.input, bytes_per_value)
    watch = _Watch(bytes_per_value)
    held = watch.run(plan.stem, image, "")
    known: dict[int, _Watch] = {}
    for stage in plan.stages:
        watch.run(stage.transition, image + held, f"{stage.name}.")
        for index, block in enumerate(stage.blocks):
            if id(block) not in known:
                known[id(block)] = _Watch(bytes_per_value)
                known[id(block)].run_block(block)
            begins = index == 0 and not stage.transition  # then the block's input is the stage's
            watch.join(known[id(block)], image + (0 if begins else held), f"{stage.name}.{index}.")
        held = _count_bytes(stage.blocks[-1].output, bytes_per_value)
    watch.run(plan.head, image + held, "")
    return ForwardMemory(
        parameters=bytes_per_value * compute_cost(plan).params,
        buffers=_count_buffer_bytes(list_parts(plan), bytes_per_value),
        activations=batch * watch.peak,
        at=watch.at,
    )


def _count_bytes(shape: Shape, bytes_per_value: int) -> int:
    return bytes_per_value * prod(shape)


class _Watch:
    """Notes the most bytes that live at once for one image, and the operation at which they do."""

    def __init__(self, bytes_per_value: int) -> None:
        self.bytes_per_value = bytes_per_value
        self.peak, self.at = 0, ""

    def note(self, live: int, name: str) -> None:
        if live > self.peak:
            self.peak, self.at = live, name

    def join(self, other: _Watch, held: int, prefix: str) -> None:
        """Take over what was noted elsewhere, with `held` bytes more."""
        self.note(held + other.peak, prefix + other.at)

    def run(self, ops: tuple[Op, ...], held: int, prefix: str = "") -> int:
        """Run one after another beside `held` bytes, the input among them; return bytes of the output, 0 for a view."""
        current = 0
        for op in ops:
            if op.kind not in (Kind.FLATTEN, Kind.DROPOUT, Kind.DROP_PATH):  # these return what they read
                output = _count_bytes(op.output, self.bytes_per_value)
                self.note(held + current + self._count_inside(op) + output, prefix + op.name)
                current = output
        return current

    def run_block(self, block: ResidualBlock) -> None:
        """Run ``after(merge(shortcut(u or x), branch(u)))`` with ``u = before(x)``."""
        held = _count_bytes(block.input, self.bytes_per_value)
        held += self.run(block.before, held)
        y = self.run(block.branch, held)
        shortcut = self.run(block.shortcut, held + y)
        for merge in block.merge:
            output = _count_bytes(merge.output, self.bytes_per_value)
            self.note(held + y + shortcut + output, merge.name)
            y = output
        self.run(block.after, held + y)

    def _count_inside(self, op: Op) -> int:
        """Bytes that an operation holds inside itself when it writes its output."""
        if op.mode == Pool.MAX:
            return INDEX_BYTES * prod(op.output)  # torch finds the positions in inference too
        if op.kind is Kind.BLUR:
            return self.bytes_per_value * count_padded(op)
        if op.kind is Kind.NORM and op.mode != "batch":
            return self.bytes_per_value * 2 * op.groups
        if (
            op.kind is Kind.SE
        ):  # the gate; or, where the maps are smaller still, the hidden layer before and behind ReLU
            return self.bytes_per_value * max(op.output[0], 2 * op.hidden - prod(op.output))
        return self.bytes_per_value * 2 * op.output[0] if op.kind is Kind.ECA else 0  # the means, the gate

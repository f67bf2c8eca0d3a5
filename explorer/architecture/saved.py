"""What autograd keeps for the backward pass, operation by operation.

The truth is what `torch.autograd.graph.saved_tensors_hooks` sees on the CPU: storages that are no parameter and no
buffer, each counted once however many operations keep it, at the first that does.
"""

from __future__ import annotations

from functools import lru_cache
from math import prod
from typing import NamedTuple

from explorer.architecture.ops import Kind, Op, Pool
from explorer.architecture.plan import Plan
from explorer.architecture.wiring import INPUT, Part, Parts, list_parts

INDEX_BYTES = 8  # int64: positions of max-pooling, labels, the count of batches in batch norm


class Kept(NamedTuple):
    """What autograd keeps: numbers and int64 positions for each image, numbers for the whole batch."""

    values: int = 0
    positions: int = 0
    constants: int = 0

    def plus(self, other: Kept) -> Kept:
        """Both together."""
        return Kept(*(mine + its for mine, its in zip(self, other, strict=True)))

    def count_bytes(self, batch: int = 1, bytes_per_value: int = 4) -> int:
        """Bytes for a batch."""
        return bytes_per_value * (batch * self.values + self.constants) + INDEX_BYTES * batch * self.positions


class KeptPart(NamedTuple):
    """What each operation of a part keeps that none before it kept; their sum; whether the last output is kept."""

    each: tuple[Kept, ...]
    total: Kept
    output: bool


_KEEP_INPUT = {Kind.CONV, Kind.LINEAR, Kind.NORM, Kind.BLUR, Kind.SE, Kind.ECA}  # blur: the padding keeps it
_KEEP_OUTPUT = {"relu", "tanh"}  # their derivatives need no more than the output


def keeps_input(op: Op) -> bool:
    """Whether the backward pass needs what the operation read.

    An addition, a concatenation, padding, dropout and the global mean need nothing of theirs.
    """
    if op.kind is Kind.ACT:
        return op.mode not in _KEEP_OUTPUT
    return op.kind in _KEEP_INPUT or (op.kind is Kind.POOL and op.mode != Pool.GLOBAL)


def keeps_output(op: Op) -> bool:
    """Whether the backward pass needs what the operation wrote."""
    return op.kind is Kind.ACT and op.mode in _KEEP_OUTPUT


def count_notes(op: Op) -> Kept:
    """What an operation keeps besides its input and output: statistics, masks, positions, maps inside."""
    channels = op.output[0]
    if op.kind is Kind.NORM:  # mean and reciprocal deviation
        return Kept(constants=2 * channels) if op.mode == "batch" else Kept(2 * op.groups)
    if op.mode == Pool.MAX:
        return Kept(positions=prod(op.output))
    if op.kind is Kind.BLUR:
        return Kept(count_padded(op))
    if op.kind is Kind.SE:
        return Kept(2 * channels + op.hidden)  # the means, the hidden layer behind its ReLU, the gate
    if op.kind is Kind.ECA:
        return Kept(2 * channels)  # the means, the gate
    if op.kind is Kind.DROPOUT:
        return Kept(channels if op.mode == "channel" else prod(op.output))
    return Kept(1) if op.kind is Kind.DROP_PATH else Kept()


def count_padded(op: Op) -> int:
    """Numbers in an operation's input with its border around it, for one image."""
    channels, height, width = op.input
    return channels * (height + 2 * op.padding) * (width + 2 * op.padding)


@lru_cache(maxsize=4096)
def keep_part(part: Part, input_kept: bool) -> KeptPart:
    """What the operations of a part keep; `input_kept` says that its input is kept already."""
    kept, each = {INPUT: input_kept}, []
    for index, (op, reads) in enumerate(zip(part.ops, part.reads, strict=True)):
        own = count_notes(op)
        kept[index] = keeps_output(op) or (op.kind is Kind.FLATTEN and kept[reads[0]])  # flattening is a view
        if kept[index] and op.kind is not Kind.FLATTEN:
            own = own.plus(Kept(prod(op.output)))
        if keeps_input(op) and not kept[reads[0]]:
            own, kept[reads[0]] = own.plus(Kept(prod(op.input))), True
        each.append(own)
    total = Kept(*map(sum, zip(*each, strict=True)))
    return KeptPart(tuple(each), total, kept[len(each) - 1])


def list_kept(plan: Plan) -> list[KeptPart]:
    """What is kept part by part, in the order of `list_parts`; the images are, by the first convolution."""
    return keep_parts(list_parts(plan))


def keep_parts(parts: Parts) -> list[KeptPart]:
    """The same of the parts of a whole network."""
    found: list[KeptPart] = []
    kept = False
    for _, part in parts:
        found.append(keep_part(part, kept))
        kept = found[-1].output
    return found

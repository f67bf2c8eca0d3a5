"""All that a plan can say about itself, operation by operation and in total."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from explorer.architecture.config import Shape
from explorer.architecture.cost import Cost, compute_cost, compute_part_costs
from explorer.architecture.flops import (
    Counted,
    compute_intensity,
    count_flops,
    count_traffic,
    count_training_macs,
)
from explorer.architecture.memory import (
    ForwardMemory,
    Optimizer,
    TrainingMemory,
    compute_forward_memory,
    compute_training_memory,
)
from explorer.architecture.ops import Op
from explorer.architecture.plan import Plan
from explorer.architecture.receptive import Field, list_fields
from explorer.architecture.saved import keep_parts
from explorer.architecture.wiring import Part, list_parts


@dataclass(frozen=True, slots=True)
class OpProfile:
    """One operation. `cost`, `flops` and `training_macs` are for one image, `saved` and `traffic` bytes of the batch.

    `saved` is what this operation keeps for the backward pass and none before it did; `field` its receptive field.
    """

    name: str
    op: Op
    cost: Cost
    flops: int
    training_macs: int
    saved: int
    traffic: int
    intensity: float  # FLOPs for each byte moved
    field: Field

    @property
    def output(self) -> Shape:
        """(C, H, W), or (C,) behind the pooling."""
        return self.op.output


@dataclass(frozen=True, slots=True)
class Profile:
    """Rows and totals. `saved` of the rows adds up to ``training.saved``, `flops` and `traffic` to the totals here."""

    rows: tuple[OpProfile, ...]
    batch: int
    counted: Counted
    cost: Cost
    flops: int
    training_macs: int
    traffic: int
    forward: ForwardMemory
    training: TrainingMemory

    @property
    def intensity(self) -> float:
        """FLOPs for each byte moved, over the whole network."""
        return compute_intensity(self.batch * self.flops, self.traffic)


def profile_plan(
    plan: Plan,
    batch: int = 1,
    optimizer: Optimizer = Optimizer.MOMENTUM,
    counted: Counted = Counted.MACS,
    bytes_per_value: int = 4,
) -> Profile:
    """Profile a plan for a batch of (N, C, H, W), in float32 unless `bytes_per_value` says otherwise."""
    rows = tuple(_list_rows(plan, batch, counted, bytes_per_value))
    return Profile(
        rows=rows,
        batch=batch,
        counted=counted,
        cost=compute_cost(plan),
        flops=sum(row.flops for row in rows),
        training_macs=sum(row.training_macs for row in rows),
        traffic=sum(row.traffic for row in rows),
        forward=compute_forward_memory(plan, batch, bytes_per_value),
        training=compute_training_memory(plan, batch, optimizer, bytes_per_value),
    )


def _list_rows(plan: Plan, batch: int, counted: Counted, bytes_per_value: int) -> Iterator[OpProfile]:
    parts = list_parts(plan)
    fields, first = iter(list_fields(parts)), True
    for (prefix, part), kept in zip(parts, keep_parts(parts), strict=True):
        costs = compute_part_costs(part)
        counts = _count_part(part, batch, counted, bytes_per_value)
        for op, cost, keeps, numbers in zip(part.ops, costs, kept.each, counts, strict=True):
            flops, macs, traffic, intensity = numbers
            macs = count_training_macs(op, first) if first else macs
            saved = keeps.count_bytes(batch, bytes_per_value)
            yield OpProfile(prefix + op.name, op, cost, flops, macs, saved, traffic, intensity, next(fields))
            first = False


@lru_cache(maxsize=4096)
def _count_part(
    part: Part, batch: int, counted: Counted, bytes_per_value: int
) -> tuple[tuple[int, int, int, float], ...]:
    """FLOPs, multiply-adds of a training step, bytes moved and intensity of every operation of a part."""
    counts = []
    for op in part.ops:
        flops, traffic = count_flops(op, counted), count_traffic(op, batch, bytes_per_value)
        counts.append((flops, count_training_macs(op), traffic, compute_intensity(batch * flops, traffic)))
    return tuple(counts)

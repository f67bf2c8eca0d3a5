"""What networks cost, side by side: one row a quantity, one number a network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from explorer.architecture.cost import compute_cost
from explorer.architecture.memory import compute_forward_memory, compute_training_memory
from explorer.architecture.plan import Plan
from explorer.architecture.presets import FIGURES, Figures
from explorer.architecture.receptive import Field, compute_fields
from explorer.architecture.variant import format_variant
from explorer.figures.format import format_bytes, format_count, format_si
from explorer.figures.phrases import BATCH

NOT_PUBLISHED = "not published"


@dataclass(frozen=True, slots=True)
class Cell:
    """One number of one network: for bars and ratios, as people read it, exactly, and what is to be known about it."""

    value: float | None
    text: str
    exact: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class TotalsRow:
    """One quantity of all networks; `hint` says what is counted."""

    key: str
    label: str
    hint: str
    cells: tuple[Cell, ...]


def list_totals(plans: Sequence[Plan]) -> list[TotalsRow]:
    """Parameters, MACs, FLOPs, activations, memory, depth, receptive field; published errors where there are any."""
    columns = [_list_cells(plan) for plan in plans]
    rows = [
        TotalsRow(key, label, hint, tuple(column[key] for column in columns)) for key, (label, hint) in _ROWS.items()
    ]
    published = [FIGURES.get(format_variant(plan.architecture)) for plan in plans]
    return rows + [row for row in _list_published(published) if any(cell.value is not None for cell in row.cells)]


def summarise_totals(plans: Sequence[Plan]) -> list[dict[str, Any]]:
    """`list_totals` as plain data."""
    return [asdict(row) for row in list_totals(plans)]


_ROWS: dict[str, tuple[str, str]] = {
    "params": ("Parameters", "learnable numbers"),
    "macs": ("MACs", "multiply-adds of convolutions and linear layers, one image"),
    "flops": ("FLOPs", "two for each MAC"),
    "activations": ("Activations", "numbers in the outputs of convolutions and linear layers, one image"),
    "training": (f"Training step, batch {BATCH}", "bytes in float32: weights, gradients, momentum, and what is kept"),
    "forward": ("Forward pass, one image", "most bytes that live at once in float32, weights among them"),
    "depth": ("Depth", "weighted layers on the main path"),
    "field": ("Receptive field", "side in pixels of the input, behind the last stage"),
}


def _list_cells(plan: Plan) -> dict[str, Cell]:
    cost = compute_cost(plan)
    return {
        "params": _count(cost.params),
        "macs": _count(cost.macs),
        "flops": _count(cost.flops),
        "activations": _count(cost.activations),
        "training": _bytes(compute_training_memory(plan, BATCH).total),
        "forward": _bytes(compute_forward_memory(plan).total),
        "depth": Cell(plan.architecture.depth, str(plan.architecture.depth)),
        "field": _field(compute_fields(plan)[-len(plan.head) - 1]),
    }


def _count(number: int) -> Cell:
    return Cell(number, format_si(number).strip(), format_count(number))


def _bytes(number: int) -> Cell:
    return Cell(number, format_bytes(number), f"{format_count(number)} bytes")


def _field(field: Field) -> Cell:
    note = "through its convolutions; gates or norms see the whole map" if field.whole else ""
    return Cell(field.size, f"{field.size} px", note=note)


def _list_published(published: Sequence[Figures | None]) -> list[TotalsRow]:
    kinds = {
        "top1_error": ("ImageNet top-1 error", "published: validation images, one 224×224 crop"),
        "error": ("CIFAR-10 error", "published: test images, trained with crops and flips"),
    }
    return [
        TotalsRow(key, label, hint, tuple(_publish(figures, key) for figures in published))
        for key, (label, hint) in kinds.items()
    ]


def _publish(figures: Figures | None, key: str) -> Cell:
    value = getattr(figures, key) if figures else None
    if figures is None or value is None:
        return Cell(None, NOT_PUBLISHED)
    return Cell(value, f"{value:g} %", note=figures.source)

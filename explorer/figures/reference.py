"""A variant beside networks whose accuracy is published, as text."""

from __future__ import annotations

from collections.abc import Sequence

from explorer.architecture.cost import compute_cost
from explorer.architecture.plan import Plan
from explorer.architecture.presets import FIGURES
from explorer.architecture.variant import format_variant
from explorer.figures.format import align_rows, format_count
from explorer.records import PublishedAccuracy


def format_beside(plan: Plan, others: Sequence[PublishedAccuracy]) -> str:
    """Parameters, MACs and published ImageNet error of known networks, and their ratios to the plan's, by MACs."""
    name, cost = format_variant(plan.architecture), compute_cost(plan)
    rows = [("network", "weights", "parameters", "MACs", "params ×", "MACs ×", "top-1 error")]
    rows.append(
        (name[:28], "this variant", format_count(cost.params), format_count(cost.macs), "1", "1", _publish(name))
    )
    for other in sorted(others, key=lambda other: (other.macs, -other.top1)):
        ratios = f"{other.params / cost.params:.2f}", f"{other.macs / cost.macs:.2f}"
        error = f"{100 - 100 * other.top1:.2f} %"
        counts = format_count(other.params), format_count(other.macs)
        rows.append((other.name, other.weights, *counts, *ratios, error))
    lines = align_rows(rows, range(2, len(rows[0])))
    notes = [
        "Errors are torchvision's own, of its published weights on ImageNet's validation images, one crop; V2 weights",
        "were trained with a newer recipe. At 3 × 224 × 224, where this variant's input may differ.",
    ]
    return "\n".join([*lines, "", *notes]) + "\n"


def _publish(name: str) -> str:
    figures = FIGURES.get(name)
    return f"{figures.top1_error:.2f} % (paper)" if figures and figures.top1_error else ""

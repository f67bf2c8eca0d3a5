"""Numbers and shapes as people read them: thin thousands, SI units, three significant digits."""

from __future__ import annotations

from explorer.architecture.config import Shape
from explorer.architecture.plan import Kind, Op
from explorer.figures.palette import KIND_NAMES

THIN = "\u2009"


def format_count(number: int) -> str:
    """Exact, thousands set apart by a thin space: ``25 557 032``."""
    return f"{number:,}".replace(",", THIN)


def format_si(number: float) -> str:
    """Three significant digits with an SI prefix: ``25.6 M``, ``4.09 G``."""
    for size, prefix in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(number) >= size * 0.9995:
            return f"{_three(number / size)} {prefix}"
    return f"{number:g} "


def _three(value: float) -> str:
    return f"{value:.0f}" if value >= 99.95 else f"{value:.1f}" if value >= 9.995 else f"{value:.2f}"


def format_shape(shape: Shape) -> str:
    """``256 × 56 × 56``: channels, height, width."""
    return " × ".join(map(str, shape))


def format_share(part: int, whole: int) -> str:
    """A percentage with one decimal; empty where there is nothing."""
    return f"{part / whole:.1%}" if part and whole else ""


def describe_op(op: Op) -> str:
    """One line: ``3×3 convolution, stride 2``."""
    if op.kind is Kind.POOL:
        return f"{op.kernel}×{op.kernel} max-pooling, stride {op.stride}" if op.kernel else "global average pooling"
    name = f"{op.kernel}×{op.kernel} {KIND_NAMES[op.kind]}" if op.kind is Kind.CONV else KIND_NAMES[op.kind]
    stride = f", stride {op.stride}" if op.stride > 1 else ""
    return name + stride + (f", {op.groups} groups" if op.groups > 1 else "")

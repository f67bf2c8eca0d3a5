"""Numbers and shapes as people read them: thin thousands, SI units, three significant digits."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from explorer.architecture.config import Shape
from explorer.architecture.plan import Kind, Op
from explorer.figures.palette import KIND_NAMES, MODE_NAMES

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


def format_bytes(number: int) -> str:
    """``25.7 MB``, in powers of ten."""
    return f"{format_si(number)}B"


def format_seconds(seconds: float) -> str:
    """Three significant digits: ``412 ms``, ``1.66 s``, ``85.3 µs``."""
    for size, unit in ((1, "s"), (1e-3, "ms")):
        if seconds >= size * 0.9995:
            return f"{_three(seconds / size)} {unit}"
    return f"{_three(seconds * 1e6)} µs"


def name_file(text: str) -> str:
    """What a file about something is called, without its ending: ``resnet50_shortcut_none``."""
    return re.sub(r"[^a-z0-9_]+", "_", text.lower())


def align_rows(rows: Sequence[Sequence[str]], right: Collection[int]) -> list[str]:
    """Lines of a table for a fixed-width font; the columns in `right` end alike, the others begin alike."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            c.rjust(w) if i in right else c.ljust(w) for i, (c, w) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def format_shape(shape: Shape) -> str:
    """``256 × 56 × 56``: channels, height, width."""
    return " × ".join(map(str, shape))


def format_share(part: int, whole: int) -> str:
    """A percentage with one decimal; empty where there is nothing."""
    return f"{part / whole:.1%}" if part and whole else ""


def name_op(op: Op) -> str:
    """What an operation is, without its numbers: ``batch norm``."""
    return MODE_NAMES.get(op.mode, KIND_NAMES[op.kind])


def describe_op(op: Op) -> str:
    """One line: ``3×3 convolution, stride 2``."""
    windowed = op.kind in (Kind.CONV, Kind.POOL, Kind.BLUR) and op.kernel
    parts = [f"{op.kernel}×{op.kernel} {name_op(op)}" if windowed else name_op(op)]
    if op.stride > 1:
        parts.append(f"stride {op.stride}")
    if op.groups > 1 and op.kind is not Kind.BLUR:
        parts.append(f"{op.groups} groups")
    if op.hidden:
        parts.append(f"{op.hidden} inside")
    if op.kind is Kind.ECA:
        parts.append(f"over {op.kernel} channels")
    if op.kind is Kind.DROPOUT:
        parts.append(f"{op.rate:.0%}")
    return ", ".join(parts)


def format_window(op: Op) -> tuple[str, str, str]:
    """Kernel, stride and groups, empty where an operation has none."""
    if op.kind is Kind.ECA:
        return str(op.kernel), "", ""
    if op.kind not in (Kind.CONV, Kind.POOL, Kind.BLUR, Kind.PAD):
        return "", "", ""
    kernel = f"{op.kernel}×{op.kernel}" if op.kernel and op.kind is not Kind.PAD else "global" if not op.kernel else ""
    groups = str(op.groups) if op.kind in (Kind.CONV, Kind.BLUR) else ""
    return kernel, str(op.stride) if op.kernel else "", groups

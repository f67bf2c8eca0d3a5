"""What a run would cost, in a line."""

from __future__ import annotations

from explorer.records import RunCost


def format_cost(cost: RunCost) -> str:
    """Time and memory as words: ``about 12 min (1.5 min an epoch, 870 images/s), 1.3 GB of 20.1 GB free``."""
    free = f" of {cost.free / 1e9:,.1f} GB free" if cost.free is not None else ""
    largest = f"; the largest batch that fits is {cost.largest_batch:,}" if cost.largest_batch else ""
    times = f"{format_seconds(cost.epoch)} an epoch, {cost.images_per_second:,.0f} images/s"
    return f"about {format_seconds(cost.total)} ({times}), {cost.memory / 1e9:,.1f} GB{free}{largest}"


def format_seconds(seconds: float) -> str:
    """Seconds in the unit that suits: ``40 s``, ``2.5 min``, ``35 h``."""
    if seconds < 100:
        return f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.0f} s"
    value, unit = (seconds / 60, "min") if seconds < 6000 else (seconds / 3600, "h")
    return f"{value:.1f} {unit}" if value < 10 else f"{value:,.0f} {unit}"

"""What the benchmarks share: interleaved repetitions, medians with quartiles, and ratios beside their targets.

A machine that does other work too makes single numbers worthless. So whatever is compared runs in turns, and a ratio
is the median over the turns, each of which had the same neighbours.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

FLAGS = ("avx2", "avx512f", "avx512_bf16", "amx_bf16", "asimd", "bf16")
Numbers = Sequence[float]


def read_rounds(description: str | None, rounds: int) -> int:
    """Read ``--rounds`` from the command line."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--rounds", type=int, default=rounds, help=f"turns to take; {rounds} by default")
    return max(1, parser.parse_args().rounds)


def describe_machine() -> str:
    """One line: cores, what the processor multiplies fast, and versions."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    info = Path("/proc/cpuinfo")
    words = set(info.read_text().split()) if info.exists() else set()
    flags = [flag for flag in FLAGS if flag in words]
    versions = [f"{name} {version(name)}" for name in ("torch", "gradio")]
    load = f"load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    parts = [f"{cores} cores", platform.machine(), " ".join(flags), f"Python {platform.python_version()}", *versions]
    return ", ".join(part for part in [*parts, load] if part)


def take_turns(contestants: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """Call everyone once a round, in turning order; what they return is collected."""
    results: dict[str, list[float]] = {name: [] for name in contestants}
    for turn in range(rounds):
        for name in list(contestants)[:: -1 if turn % 2 else 1]:
            results[name].append(contestants[name]())
    return results


def time_call(function: Callable[[], object], repeat: int = 1) -> float:
    """Seconds of one call, the mean of `repeat`."""
    started = time.perf_counter()
    for _ in range(repeat):
        function()
    return (time.perf_counter() - started) / repeat


def quartiles(values: Numbers) -> tuple[float, float, float]:
    """Lower quartile, median, upper quartile."""
    if len(values) < 2:
        return values[0], values[0], values[0]
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, middle, high


def print_title(title: str) -> None:
    """Print the benchmark's name and the machine."""
    print(f"{title}\n{describe_machine()}\n", flush=True)


def print_times(results: Mapping[str, Numbers], unit: str = "ms", scale: float = 1000) -> None:
    """Print a line for each contestant: the median, the quartiles, and how often it ran."""
    width = max(map(len, results))
    print(f"{'':{width}}  {'median':>12}  {'quartiles':>19}  {'n':>4}")
    for name, values in results.items():
        low, middle, high = (value * scale for value in quartiles(values))
        spread = f"{_digits(low)} to {_digits(high)}"
        print(f"{name:{width}}  {_digits(middle):>9} {unit}  {spread:>19}  {len(values):4}")
    print(flush=True)


def compute_ratios(above: Numbers, below: Numbers) -> list[float]:
    """Ratio of every turn."""
    return [a / b for a, b in zip(above, below, strict=True)]


def print_verdict(what: str, values: Numbers, unit: str, target: str) -> None:
    """Print a ratio, share or difference with its quartiles, and the target beside it."""
    low, middle, high = quartiles(values)
    spread = f"({_digits(low)} to {_digits(high)})" if len(values) > 1 else ""
    print(f"{what}: {_digits(middle)}{unit} {spread}  target {target}", flush=True)


def _digits(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"

"""How many variants a second a search counts on one core, and how much of that the cached totals save.

Seconds are of the process on the processor, since it is one core that is asked about. Run with
``python benchmarks/search.py``.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import islice

from measure import compute_ratios, print_title, print_verdict, read_rounds, take_turns

from explorer.architecture.blocks import expand_block
from explorer.architecture.config import Architecture
from explorer.architecture.cost import compute_block_cost, compute_cost, compute_ops_cost
from explorer.architecture.plan import expand_plan
from explorer.architecture.search import Budget, sample_space, search_space
from explorer.architecture.space import Family, Space
from explorer.architecture.totals import clear_parts, count_totals

COUNT, PLANS = 20_000, 500
BUDGET = Budget(max_params=5_000_000, max_macs=600_000_000)
IMAGENET, CIFAR, BOTH = Space((Family.IMAGENET,)), Space((Family.CIFAR,)), Space(tuple(Family))
DRAWN, SEARCHED, KNOWN, PLANNED = "drawn and counted", "with budget and Pareto set", "counted again", "by their plans"


def main() -> None:
    rounds = read_rounds(__doc__, 5)
    print_title(f"Search, {COUNT:,} variants from cold caches, variants a second on one core")
    points = list(sample_space(BOTH, PLANS))
    contestants = {
        f"ImageNet, {DRAWN}": lambda: rate(COUNT, lambda: draw_cold(IMAGENET)),
        f"CIFAR, {DRAWN}": lambda: rate(COUNT, lambda: draw_cold(CIFAR)),
        f"both, {SEARCHED}": lambda: rate(COUNT, search_cold),
        f"both, {KNOWN}": lambda: rate(PLANS, lambda: [count_totals(point.design, point.depths) for point in points]),
        f"both, {PLANNED}": lambda: rate(PLANS, lambda: [count_by_plan(point.architecture) for point in points]),
    }
    results = take_turns(contestants, rounds)
    for name in list(contestants)[:3]:
        print_verdict(name, results[name], "/s", "at least 10,000/s")
    for name in list(contestants)[3:]:
        print_verdict(name, results[name], "/s", "none")
    ratios = compute_ratios(results[f"both, {KNOWN}"], results[f"both, {PLANNED}"])
    print_verdict("cached totals / plans", ratios, "x", "none")


def rate(count: int, work: Callable[[], object]) -> float:
    """Variants a second of processor time."""
    started = time.process_time()
    work()
    return count / (time.process_time() - started)


def draw_cold(space: Space) -> None:
    clear_parts()
    for _ in islice(sample_space(space, COUNT), COUNT):
        pass


def search_cold() -> None:
    clear_parts()
    search_space(BOTH, BUDGET, COUNT)


def count_by_plan(architecture: Architecture) -> None:
    for cached in (expand_plan, expand_block, compute_ops_cost, compute_block_cost):
        cached.cache_clear()
    compute_cost(expand_plan(architecture))


if __name__ == "__main__":
    main()

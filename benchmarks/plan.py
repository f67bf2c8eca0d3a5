"""How fast a network is expanded and counted, against torchinfo on the meta device.

Both end with shapes, parameters and multiply-adds of every operation, and their totals. torchinfo is given its module
ready built. Run with ``python benchmarks/plan.py``.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torchinfo
import torchvision
from measure import compute_ratios, print_times, print_title, print_verdict, read_rounds, take_turns, time_call

from explorer.architecture.config import Architecture
from explorer.architecture.cost import compute_block_cost, compute_cost, compute_ops_cost, list_rows
from explorer.architecture.plan import expand_block, expand_plan
from explorer.architecture.variant import parse_variant

COLUMNS = ("output_size", "num_params", "mult_adds", "kernel_size")
COLD, WARM, PEER = "plan + cost, cold caches", "plan + cost, warm caches", "torchinfo.summary, meta"
LARGE = "resnet1202 (4,208 ops), cold"


def main() -> None:
    rounds = read_rounds(__doc__, 15)
    print_title("Plan and cost of resnet152, every operation and the totals")
    resnet152, resnet1202 = parse_variant("resnet152"), parse_variant("resnet1202")
    summarise = create_peer()
    summarise()
    count_all(resnet152)
    contestants = {
        COLD: lambda: time_call(lambda: count_cold(resnet152), 20),
        WARM: lambda: time_call(lambda: count_all(resnet152), 20),
        LARGE: lambda: time_call(lambda: count_cold(resnet1202)),
        PEER: lambda: time_call(summarise),
    }
    results = take_turns(contestants, rounds)
    print_times(results)
    for name in (COLD, WARM):
        print_verdict(f"torchinfo / {name}", compute_ratios(results[PEER], results[name]), "x", "at least 30x")


def count_all(architecture: Architecture) -> None:
    plan = expand_plan(architecture)
    compute_cost(plan)
    list_rows(plan)


def count_cold(architecture: Architecture) -> None:
    for cached in (expand_plan, expand_block, compute_ops_cost, compute_block_cost):
        cached.cache_clear()
    count_all(architecture)


def create_peer() -> Callable[[], object]:
    """torchinfo on torchvision's resnet152, whose weights take no memory."""
    with torch.device("meta"):
        network = torchvision.models.resnet152()
        image = torch.empty(1, 3, 224, 224)
    return lambda: torchinfo.summary(network, input_data=image, col_names=COLUMNS, device="meta", verbose=0)


if __name__ == "__main__":
    main()

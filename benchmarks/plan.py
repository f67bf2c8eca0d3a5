"""How fast a network is expanded and counted, against torchinfo on the meta device.

Both end with shapes, parameters and multiply-adds of every operation, and their totals. torchinfo is given its module
ready built. Beside it, what torchinfo has not: the profile with memory, receptive field and intensity.
Run with ``python benchmarks/plan.py``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import torch
import torchinfo
import torchvision
from measure import compute_ratios, print_times, print_title, print_verdict, read_rounds, take_turns, time_call

from explorer.architecture.config import Architecture
from explorer.architecture.cost import compute_cost, list_rows
from explorer.architecture.plan import expand_plan
from explorer.architecture.profile import profile_plan
from explorer.architecture.variant import parse_variant

COLUMNS = ("output_size", "num_params", "mult_adds", "kernel_size")
COLD, WARM, PEER = "plan + cost, cold caches", "plan + cost, warm caches", "torchinfo.summary, meta"
FULL_COLD, FULL_WARM = "plan + profile, cold caches", "plan + profile, warm caches"
LARGE, FULL_LARGE = "resnet1202, plan + cost, cold", "resnet1202, plan + profile, cold"


def main() -> None:
    rounds = read_rounds(__doc__, 15)
    resnet152, resnet1202 = parse_variant("resnet152"), parse_variant("resnet1202")
    print_title(f"Plan and cost of resnet152 and resnet1202 ({count_ops(resnet1202):,} operations), every operation")
    summarise = create_peer()
    summarise()
    contestants = {
        COLD: lambda: time_call(lambda: count_cold(resnet152, count_all), 20),
        WARM: lambda: time_call(lambda: count_all(resnet152), 20),
        FULL_COLD: lambda: time_call(lambda: count_cold(resnet152, profile_all), 20),
        FULL_WARM: lambda: time_call(lambda: profile_all(resnet152), 20),
        LARGE: lambda: time_call(lambda: count_cold(resnet1202, count_all)),
        FULL_LARGE: lambda: time_call(lambda: count_cold(resnet1202, profile_all)),
        PEER: lambda: time_call(summarise),
    }
    take_turns(contestants, 1)
    results = take_turns(contestants, rounds)
    print_times(results)
    for name, target in {COLD: "at least 50x", WARM: "at least 50x", FULL_COLD: "none", FULL_WARM: "none"}.items():
        print_verdict(f"torchinfo / {name}", compute_ratios(results[PEER], results[name]), "x", target)
    for name, target in {LARGE: "at most 40 ms", FULL_LARGE: "none"}.items():
        print_verdict(name, [1000 * seconds for seconds in results[name]], " ms", target)


def count_ops(architecture: Architecture) -> int:
    return sum(1 for _ in expand_plan(architecture).ops())


def count_all(architecture: Architecture) -> None:
    plan = expand_plan(architecture)
    compute_cost(plan)
    list_rows(plan)


def profile_all(architecture: Architecture) -> None:
    profile_plan(expand_plan(architecture), batch=32)


def count_cold(architecture: Architecture, count: Callable[[Architecture], None]) -> None:
    for name, module in list(sys.modules.items()):
        if name.startswith("explorer.architecture."):
            for value in vars(module).values():
                if hasattr(value, "cache_clear"):
                    value.cache_clear()
    count(architecture)


def create_peer() -> Callable[[], object]:
    """torchinfo on torchvision's resnet152, whose weights take no memory."""
    with torch.device("meta"):
        network = torchvision.models.resnet152()
        image = torch.empty(1, 3, 224, 224)
    return lambda: torchinfo.summary(network, input_data=image, col_names=COLUMNS, device="meta", verbose=0)


if __name__ == "__main__":
    main()

"""torchinfo's own summary of the built module: what another program sees in it."""

from __future__ import annotations

import torch
from torchinfo import summary

from explorer.architecture.plan import Plan
from explorer.errors import VariantError
from explorer.network.build import build_network

MAX_OPS = 5000  # torchinfo takes about 2 ms for each
DEPTH = 5  # layer1, 0, branch, se, fc1
COLUMNS = ("output_size", "num_params", "mult_adds")


def summarise_module(plan: Plan) -> str:
    """What torchinfo prints about the module for one image, on the meta device: no weights are held.

    Its mult-adds also count norms and biases, so they are no MACs. Raises `VariantError` for a network too large to be
    built, or too long to be printed.
    """
    number = sum(1 for _ in plan.ops())
    if number > MAX_OPS:
        raise VariantError(
            f"torchinfo's summary of {number:,} operations would take too long: it is given for up to {MAX_OPS:,}. "
            "The table has them all."
        )
    with torch.device("meta"):
        network = build_network(plan).eval()
    shape = (1, *plan.architecture.input)
    settings = ("var_names", "ascii_only")
    return str(summary(network, shape, depth=DEPTH, device="meta", col_names=COLUMNS, row_settings=settings, verbose=0))

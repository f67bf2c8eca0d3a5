"""What is watched while a network trains."""

from __future__ import annotations

import torch
from torch import nn

from explorer.network.build import Network


def group_parameters(network: Network) -> dict[str, list[nn.Parameter]]:
    """Parameters by block, in the order of the network: stem, layer1.0, layer1.1, ..., head."""
    names = ["stem", *(name for name, _ in network.plan.blocks()), "head"]
    return {name: list(network.get_submodule(name).parameters()) for name in names}


class GradientNorms:
    """L2 norm of the gradient over each block's parameters."""

    def __init__(self, network: Network) -> None:
        groups = group_parameters(network)
        self.names = list(groups)
        self.parameters = [parameter for group in groups.values() for parameter in group]
        self.owner = torch.tensor([i for i, group in enumerate(groups.values()) for _ in group])

    def read(self) -> dict[str, float]:
        """Read the norms; needs gradients. One transfer from the device, whatever the depth."""
        gradients = [p.grad if p.grad is not None else torch.zeros_like(p) for p in self.parameters]
        norms = torch.stack(torch._foreach_norm(gradients)).cpu().double()  # (P,); MPS has no float64
        squares = torch.zeros(len(self.names), dtype=torch.float64).index_add_(0, self.owner, norms**2)
        return dict(zip(self.names, squares.sqrt().tolist(), strict=True))

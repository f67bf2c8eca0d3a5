"""The layers with weights: what gradients and updates are told of."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from explorer.network.build import Network


class Layers:
    """Convolutions and linear layers that learn, those within attention too, by module path, in the network's order.

    Weight and bias of a layer count as one vector. Frozen layers are left out.
    """

    def __init__(self, network: Network) -> None:
        kinds = (nn.Conv1d, nn.Conv2d, nn.Linear)
        found = [
            (name, _list_learning(module)) for name, module in network.named_modules() if isinstance(module, kinds)
        ]
        found = [(name, parameters) for name, parameters in found if parameters]
        self.names = tuple(name for name, _ in found)
        self.parameters = [parameter for _, parameters in found for parameter in parameters]
        self._owner = torch.tensor([i for i, (_, parameters) in enumerate(found) for _ in parameters], dtype=torch.long)

    def combine(self, norms: list[Tensor]) -> Tensor:
        """L2 norms of the parameters, each (), -> norms of the layers (names,)."""
        if not norms:
            return torch.zeros(0)
        stacked = torch.stack(norms).float()  # (parameters,)
        self._owner = self._owner.to(stacked.device)
        squares = torch.zeros(len(self.names), device=stacked.device).index_add_(0, self._owner, stacked**2)
        return squares.sqrt_()


def _list_learning(module: nn.Module) -> list[nn.Parameter]:
    return [parameter for parameter in module.parameters(recurse=False) if parameter.requires_grad]


def measure_norms(tensors: list[Tensor]) -> list[Tensor]:
    """L2 norm of each tensor, each (); on a GPU in a few launches for all."""
    return list(torch._foreach_norm(tensors)) if tensors else []

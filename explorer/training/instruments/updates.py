"""How far a step moves the weights, against how large they are."""

from __future__ import annotations

import torch
from torch import Tensor

from explorer.network.build import Network
from explorer.training.instruments.instrument import Instrument
from explorer.training.instruments.layers import Layers, measure_norms


class Updates(Instrument):
    """‖w after - w before‖ / ‖w before‖ of each layer: the step as it was taken, with decay, momentum and clipping."""

    def __init__(self, network: Network) -> None:
        self.layers = Layers(network)
        self.units = {"update_ratio": self.layers.names}
        self.before: list[Tensor] = []
        self.norms: list[Tensor] = []

    def before_update(self) -> None:
        """Keep a copy of the weights, until `read`."""
        weights = [parameter.detach() for parameter in self.layers.parameters]
        self.before = [torch.empty_like(weight) for weight in weights]
        torch._foreach_copy_(self.before, weights)
        self.norms = measure_norms(weights)

    def read(self) -> dict[str, Tensor]:
        """`update_ratio` of every layer; 0 where the weights were zero."""
        torch._foreach_sub_(self.before, [parameter.detach() for parameter in self.layers.parameters])
        change, size = self.layers.combine(measure_norms(self.before)), self.layers.combine(self.norms)
        self.before = []
        return {"update_ratio": torch.where(size > 0, change / size, 0.0)}

"""How large the gradient of every layer is."""

from __future__ import annotations

import torch
from torch import Tensor

from explorer.network.build import Network
from explorer.training.instruments.instrument import Instrument
from explorer.training.instruments.layers import Layers, measure_norms


class Gradients(Instrument):
    """L2 norm of each layer's gradient: of the whole batch's mean loss, before clipping, decay and momentum."""

    def __init__(self, network: Network) -> None:
        self.layers = Layers(network)
        self.units = {"gradient_norm": self.layers.names}
        self.norms: list[Tensor] = []

    def before_update(self) -> None:
        """Take the norms now: clipping and some optimizers change gradients in place."""
        gradients = [parameter.grad for parameter in self.layers.parameters]
        found = iter(measure_norms([gradient for gradient in gradients if gradient is not None]))
        zeros = torch.zeros((), device=self.layers.parameters[0].device) if None in gradients else None
        self.norms = [zeros if gradient is None else next(found) for gradient in gradients]  # type: ignore[misc]

    def read(self) -> dict[str, Tensor]:
        """`gradient_norm` of every layer; 0 where no gradient came."""
        return {"gradient_norm": self.layers.combine(self.norms)}

"""How much the norms let through."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from explorer.network.build import Network
from explorer.training.instruments.instrument import Instrument


class NormScales(Instrument):
    """Mean of |γ| of each batch, group or layer norm that has one, behind the step."""

    def __init__(self, network: Network) -> None:
        kinds = (nn.modules.batchnorm._BatchNorm, nn.GroupNorm)
        norms = [(name, module) for name, module in network.named_modules() if isinstance(module, kinds)]
        found = [(name, module.weight) for name, module in norms if module.weight is not None]
        self.scales = [scale for _, scale in found]
        self.counts = torch.tensor([float(len(scale)) for scale in self.scales])
        self.units = {"norm_scale": tuple(name for name, _ in found)}

    def read(self) -> dict[str, Tensor]:
        """`norm_scale` of every norm."""
        if not self.scales:
            return {}
        sums = torch.stack(torch._foreach_norm([scale.detach() for scale in self.scales], 1)).float()
        self.counts = self.counts.to(sums.device)
        return {"norm_scale": sums / self.counts}

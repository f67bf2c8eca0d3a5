"""How much a block adds to what comes in."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.utils.hooks import RemovableHandle

from explorer.network.build import Network
from explorer.training.instruments.instrument import Instrument, list_blocks


class ResidualSize(Instrument):
    """‖F(x)‖ and ‖x‖ of each block: L2 norms, mean over the images; x as it enters the block, F(x) as it is merged."""

    def __init__(self, network: Network) -> None:
        blocks = list_blocks(network)
        self.blocks = [block for _, block in blocks]
        names = tuple(name for name, _ in blocks)
        self.units = {"branch_norm": names, "input_norm": names}
        self.norms: dict[tuple[str, int], Tensor] = {}  # each (N,)

    def attach(self, scale: float) -> Iterator[RemovableHandle]:
        """Look at what enters a block and what leaves its branch."""
        self.norms = {}
        for index, block in enumerate(self.blocks):
            yield block.register_forward_pre_hook(
                lambda _, inputs, index=index: self._note("input_norm", index, inputs)
            )
            yield block.branch.register_forward_hook(
                lambda _, inputs, output, index=index: self._note("branch_norm", index, (output,))
            )

    def _note(self, quantity: str, index: int, tensors: tuple[Tensor, ...]) -> None:
        if (quantity, index) not in self.norms:
            self.norms[quantity, index] = measure_images(tensors[0])

    def read(self) -> dict[str, Tensor]:
        """`branch_norm` and `input_norm` of every block."""
        read = {
            quantity: torch.stack([self.norms[quantity, index] for index in range(len(names))]).mean(1)
            for quantity, names in self.units.items()
        }
        self.norms = {}
        return read


def measure_images(maps: Tensor) -> Tensor:
    """L2 norm of each image: (N, C, H, W) -> (N,), in float32 whatever came."""
    norms: Tensor = torch.linalg.vector_norm(maps.detach(), dim=(1, 2, 3), dtype=torch.float32)
    return norms

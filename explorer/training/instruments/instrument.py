"""What all instruments have in common."""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor
from torch.utils.hooks import RemovableHandle

from explorer.network.build import Network
from explorer.network.layers import Residual


class Instrument:
    """Looks at one thing. `units` are the names that each of its quantities has a number for.

    Hooks may see a forward pass twice, where activations are computed anew for the backward pass; the first counts.
    They give back what they were given, or a view of it: nothing of the training changes.
    """

    units: dict[str, tuple[str, ...]]

    def attach(self, scale: float) -> Iterator[RemovableHandle]:
        """Forget what was seen and yield hooks; `scale` is what the loss is multiplied with for the backward pass."""
        yield from ()

    def before_update(self) -> None:
        """Look at gradients, and at weights that are about to move."""

    def read(self) -> dict[str, Tensor]:
        """For each quantity its numbers (names,), float32, on the device where they were computed."""
        raise NotImplementedError


def list_blocks(network: Network) -> list[tuple[str, Residual]]:
    """The residual blocks with their names, in the order they run."""
    blocks = [(name, network.get_submodule(name)) for name, _ in network.plan.blocks()]
    return [(name, block) for name, block in blocks if isinstance(block, Residual)]

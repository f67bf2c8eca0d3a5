"""Which way the gradient takes through a block: the shortcut, or the branch."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from explorer.network.build import Network
from explorer.network.layers import Residual
from explorer.training.instruments.instrument import Instrument, list_blocks

Listener = Callable[[nn.Module, tuple[Tensor, ...]], tuple[Tensor, ...]]


class Flow(Instrument):
    """L2 norm of the loss gradient that reaches each block's input x by its shortcut, and by its branch, apart.

    The gradient at x is the sum of both as vectors, not of the norms. The branch's way begins at `before` where there
    is one (pre-activation); where the shortcut projects there it reads u = before(x) too, both ways part at u, and u is
    where the norms are taken. A block of a plain network has no shortcut, which reads 0; so does a block that no
    gradient passes, behind frozen parts. Of several pieces of a batch, or processes, it is the first one's mean loss.
    """

    def __init__(self, network: Network) -> None:
        blocks = list_blocks(network)
        self.names = tuple(name for name, _ in blocks)
        self.blocks = [block for _, block in blocks]
        self.units = {"gradient_shortcut": self.names, "gradient_branch": self.names}
        self.norms: dict[tuple[str, int], Tensor] = {}
        self.scale = 1.0

    def attach(self, scale: float) -> Iterator[RemovableHandle]:
        """Hand each way a view of its own, whose gradient is that way's alone."""
        self.norms, self.scale = {}, scale
        for index, block in enumerate(self.blocks):
            yield _find_branch_way(block).register_forward_pre_hook(self._listen("gradient_branch", index))
            if block.shortcut is not None:
                yield block.shortcut.register_forward_pre_hook(self._listen("gradient_shortcut", index))

    def _listen(self, quantity: str, index: int) -> Listener:
        def hand_view(module: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
            own = inputs[0].view_as(inputs[0])
            if own.requires_grad:  # of a block that is computed twice, only one pass is that of the backward pass
                own.register_hook(lambda gradient: self.note(quantity, index, gradient))  # type: ignore[no-untyped-call]
            return (own, *inputs[1:])

        return hand_view

    def note(self, quantity: str, index: int, gradient: Tensor) -> None:
        """Note what reaches a block's input by one way: the gradient (N, C, H, W)."""
        self.norms[quantity, index] = torch.linalg.vector_norm(gradient.detach(), dtype=torch.float32)

    def read(self) -> dict[str, Tensor]:
        """`gradient_shortcut` and `gradient_branch` of every block."""
        device = next(self.blocks[0].parameters()).device
        zero = torch.zeros((), device=device)
        read = {
            quantity: torch.stack([self.norms.get((quantity, index), zero) for index in range(len(self.names))])
            for quantity in self.units
        }
        self.norms = {}
        return {quantity: norms / self.scale for quantity, norms in read.items()}


def _find_branch_way(block: Residual) -> nn.Module:
    """Where the way through the branch begins."""
    return block.branch if block.before is None or (block.shortcut is not None and block.projects) else block.before

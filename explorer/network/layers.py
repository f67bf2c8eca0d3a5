"""The few layers torch lacks."""

from typing import cast

import torch
from torch import Tensor, nn


class ZeroPadShortcut(nn.Module):
    """Option A: subsample by `stride`, then pad with zero channels, half on either side.

    (N, C, H, W) -> (N, channels, ceil(H / stride), ceil(W / stride)); no parameters (He et al. 2015, section 4.2, which
    does not say where the zeros go; as in akamaster/pytorch_resnet_cifar10, so that its checkpoints fit).
    """

    def __init__(self, in_channels: int, channels: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        before = (channels - in_channels) // 2
        self.before, self.behind = before, channels - in_channels - before

    def forward(self, x: Tensor) -> Tensor:
        """Subsample and pad."""
        x = x[:, :, :: self.stride, :: self.stride]
        return nn.functional.pad(x, (0, 0, 0, 0, self.before, self.behind))

    def extra_repr(self) -> str:
        """Show the stride and the channels added on either side."""
        return f"stride={self.stride}, pad=({self.before}, {self.behind})"


class Add(nn.Module):
    """The sum of shortcut and branch, as a module so that it can be hooked by name."""

    def forward(self, shortcut: Tensor, branch: Tensor) -> Tensor:
        """Add: two of (N, C, H, W) -> (N, C, H, W)."""
        return torch.add(shortcut, branch)


class Residual(nn.Module):
    """One residual block, ``y = after( merge( shortcut(x), branch(x) ) )``: (N, C, H, W) -> (N, C', H', W').

    Without a shortcut it is a block of a plain network, ``y = after(branch(x))``. No activation works in place:
    hooks must see what was there.
    """

    def __init__(
        self, branch: nn.Module, shortcut: nn.Module | None, merge: nn.Module | None, after: nn.Module
    ) -> None:
        super().__init__()
        self.branch = branch
        self.shortcut = shortcut
        self.merge = merge
        self.after = after

    def forward(self, x: Tensor) -> Tensor:
        """Compute the paper's equation."""
        y = self.branch(x)
        if self.shortcut is not None and self.merge is not None:
            y = self.merge(self.shortcut(x), y)
        return cast(Tensor, self.after(y))

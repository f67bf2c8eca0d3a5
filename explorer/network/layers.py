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


class Blur(nn.Module):
    """A fixed 3x3 binomial filter with stride 2, the border mirrored (Zhang 2019, section 3.2; as in timm).

    (N, C, H, W) -> (N, C, ceil(H / 2), ceil(W / 2)); H and W from 2 on.
    """

    filter: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        row = torch.tensor([1.0, 2.0, 1.0]) / 4
        kernel = (row[:, None] * row).expand(channels, 1, 3, 3).clone()
        self.register_buffer("filter", kernel, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Filter and halve."""
        x = nn.functional.pad(x, (1, 1, 1, 1), mode="reflect")
        return nn.functional.conv2d(x, self.filter, stride=2, groups=len(self.filter))


class ChannelAttention(nn.Module):
    """Efficient channel attention: each channel scaled by a gate that looks at its neighbours (Wang et al. 2020).

    (N, C, H, W) -> (N, C, H, W); `kernel` is odd.
    """

    def __init__(self, kernel: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(1, 1, kernel, padding=kernel // 2, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Scale the channels."""
        means = x.mean((2, 3)).unsqueeze(1)  # (N, 1, C)
        return x * torch.sigmoid(self.conv(means)).squeeze(1)[:, :, None, None]


class Concat(nn.Module):
    """Shortcut and branch, one behind the other: (N, C, H, W), (N, G, H, W) -> (N, C + G, H, W)."""

    def forward(self, shortcut: Tensor, branch: Tensor) -> Tensor:
        """Concatenate the channels."""
        return torch.cat([shortcut, branch], 1)


class Add(nn.Module):
    """The sum of shortcut and branch, as a module so that it can be hooked by name."""

    def forward(self, shortcut: Tensor, branch: Tensor) -> Tensor:
        """Add: two of (N, C, H, W) -> (N, C, H, W)."""
        return torch.add(shortcut, branch)


class Residual(nn.Module):
    """One residual block, ``y = after( merge( shortcut(u or x), branch(u) ) )``: (N, C, H, W) -> (N, C', H', W').

    ``u = before(x)`` is the norm and activation that pre-activation shares; a shortcut that `projects` reads u, an
    identity x. Without a shortcut it is a block of a plain network, ``y = after(branch(u))``. No activation works in
    place: hooks must see what was there.
    """

    def __init__(
        self,
        branch: nn.Module,
        shortcut: nn.Module | None,
        merge: nn.Module | None,
        after: nn.Module | None,
        before: nn.Module | None = None,
        projects: bool = False,
    ) -> None:
        super().__init__()
        self.before = before
        self.branch = branch
        self.shortcut = shortcut
        self.merge = merge
        self.after = after
        self.projects = projects

    def forward(self, x: Tensor) -> Tensor:
        """Compute the paper's equation."""
        u = x if self.before is None else self.before(x)
        y = self.branch(u)
        if self.shortcut is not None and self.merge is not None:
            y = self.merge(self.shortcut(u if self.projects else x), y)
        return cast(Tensor, y if self.after is None else self.after(y))

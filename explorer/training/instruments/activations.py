"""What comes out of every activation, and which channels never fire."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain, repeat

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from explorer.architecture.ops import Kind
from explorer.network.build import Network
from explorer.training.instruments.instrument import Instrument

IMAGES = 32  # of a batch are looked at, the first: enough for a share of channels, and a quarter of the cost


class Activations(Instrument):
    """Mean and standard deviation of each activation's output over up to `IMAGES` images, and its dead channels.

    A channel is dead that is exactly zero for all of these images at every position; `dead` is their share, 0 to 1.
    Of activations other than ReLU it is that share too, though it hardly ever happens. Those inside a
    squeeze-excitation are gates of its own and left out.
    """

    def __init__(self, network: Network) -> None:
        ops = [(name, op.output[0]) for name, op in network.plan.ops() if op.kind is Kind.ACT]
        names = tuple(name for name, _ in ops)
        self.modules = [network.get_submodule(name) for name in names]
        self.units = dict.fromkeys(("activation_mean", "activation_std", "dead"), names)
        self.counts = torch.tensor([channels for _, channels in ops])
        self.owner = torch.tensor(list(chain.from_iterable(repeat(i, op[1]) for i, op in enumerate(ops))))
        self.moments: dict[int, tuple[Tensor, Tensor]] = {}

    def attach(self, scale: float) -> Iterator[RemovableHandle]:
        """Look at what leaves each activation."""
        self.moments = {}
        for index, module in enumerate(self.modules):
            yield module.register_forward_hook(self._look(index))

    def _look(self, index: int) -> Callable[[nn.Module, tuple[Tensor, ...], Tensor], None]:
        def note(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
            if index not in self.moments:
                self.moments[index] = measure_channels(output.detach()[:IMAGES])

        return note

    def read(self) -> dict[str, Tensor]:
        """`activation_mean`, `activation_std` and `dead` of every activation."""
        seen = [self.moments[index] for index in range(len(self.modules))]
        mean, variance = (torch.cat([moments[i] for moments in seen]) for i in (0, 1))  # (channels of all,)
        self.owner, self.counts, self.moments = self.owner.to(mean.device), self.counts.to(mean.device), {}
        whole = self._average(mean)
        spread = self._average(variance + (mean - whole[self.owner]) ** 2)  # within channels, and between them
        dead = self._average(((mean == 0) & (variance == 0)).float())
        return {"activation_mean": whole, "activation_std": spread.sqrt(), "dead": dead}

    def _average(self, channels: Tensor) -> Tensor:
        """Mean over each activation's channels: (channels of all,) -> (names,)."""
        sums = torch.zeros(len(self.counts), device=channels.device).index_add_(0, self.owner, channels)
        return sums / self.counts


def measure_channels(maps: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and variance of each channel, (N, C, H, W) -> two of (C,), in float32.

    In rows of channels, as channels-last memory has them: torch.var_mean over (0, 2, 3) takes 15 times longer on a CPU.
    """
    rows = maps.float().movedim(1, -1).reshape(-1, maps.shape[1])
    mean = rows.mean(0)
    return mean, (rows - mean).square_().mean(0)

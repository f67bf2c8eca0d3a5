"""Gradient checkpointing: a block keeps its input alone, and is computed anew for the backward pass (Chen 2016)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial

from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from explorer.network.build import Network
from explorer.network.layers import Residual


def recompute_blocks(network: Network) -> None:
    """Let every block of the network be computed twice in training, with the same outputs, gradients and statistics."""
    for module in network.modules():
        if isinstance(module, Residual):
            module.forward = partial(_forward, module)  # type: ignore[method-assign]


def _forward(block: Residual, x: Tensor) -> Tensor:
    if not (block.training and x.requires_grad):
        return Residual.forward(block, x)
    run = partial(Residual.forward, block)
    return checkpoint(run, x, use_reentrant=False, context_fn=partial(_contexts, block))


def _contexts(block: nn.Module) -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
    return nullcontext(), _hold_statistics(block)


@contextmanager
def _hold_statistics(block: nn.Module) -> Iterator[None]:
    """The second time, running means and variances stay: they have seen this batch."""
    norms = [module for module in block.modules() if isinstance(module, nn.modules.batchnorm._BatchNorm)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = 0.0
    try:
        yield
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
            if norm.num_batches_tracked is not None:
                norm.num_batches_tracked.sub_(1)

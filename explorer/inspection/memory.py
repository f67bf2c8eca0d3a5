"""What a call holds in memory, by witnesses that know nothing of the plan."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class Living(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """The most bytes of tensors alive at once, `tensors` among them: storages counted as operations give them out.

    It sees what torch itself sees below autograd, backward pass and optimizer too, and no scratch memory inside an
    operation.
    """

    def __init__(self, tensors: Iterable[Tensor]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.now = 0
        self.known: set[int] = set()
        for tensor in tensors:
            self._watch(tensor)
        self.peak = self.now

    def __torch_dispatch__(self, function: Any, types: Any, arguments: Any = (), keywords: Any = None) -> Any:
        given = function(*arguments, **(keywords or {}))
        for tensor in tree_leaves(given):
            if isinstance(tensor, Tensor):
                self._watch(tensor)
        self.peak = max(self.peak, self.now)
        return given

    def _watch(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        key, count = storage._cdata, storage.nbytes()
        if key not in self.known:
            self.known.add(key)
            self.now += count
            weakref.finalize(storage, self._forget, key, count).atexit = False

    def _forget(self, key: int, count: int) -> None:
        self.known.discard(key)
        self.now -= count


def count_living(call: Callable[[], object], held: Sequence[Tensor]) -> int:
    """The most bytes that live at once during a call, with the tensors `held` before it."""
    living = Living(held)
    with living:
        call()
    return living.peak


def count_allocated(call: Callable[[], object], device: torch.device) -> int:
    """The peak of a CUDA device's allocator during a call, with all that was allocated before it."""
    torch.cuda.synchronize(device)
    torch.cuda.reset_peak_memory_stats(device)
    call()
    torch.cuda.synchronize(device)
    return int(torch.cuda.max_memory_allocated(device))


def count_kept(network: nn.Module, compute_loss: Callable[[], object]) -> int:
    """Bytes that autograd keeps for the backward pass of a loss, each storage once, the network's own tensors left out.

    Until the loss is let go all of them live, so that no address comes twice.
    """
    own = {tensor.untyped_storage()._cdata for tensor in (*network.parameters(), *network.buffers())}
    kept: dict[int, int] = {}

    def note(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage._cdata not in own:
            kept[storage._cdata] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        loss = compute_loss()
    del loss
    return sum(kept.values())

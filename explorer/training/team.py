"""Processes that train one network together, each a part of every batch: torchrun starts them, torch joins them."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from inspect import signature
from typing import Any, TypeVar, cast

import torch
from torch import Tensor, distributed, nn

from explorer.errors import DeviceError, RunError
from explorer.network.build import Network
from explorer.network.device import choose_device

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Team:
    """This process among `size` equal ones. Rank 0 writes; alone, everything here does nothing."""

    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        """Whether this process writes the run."""
        return self.rank == 0

    def part(self, count: int) -> slice:
        """This process's share of `count` images in a row; all shares have one size. Raises `RunError`."""
        share, rest = divmod(count, self.size)
        if rest:
            raise RunError(
                f"batch_size={count} can't be shared evenly by {self.size} processes: make it a multiple of that."
            )
        return slice(self.rank * share, (self.rank + 1) * share)

    def add(self, values: Tensor) -> None:
        """Sum over all processes, in place."""
        if self.size > 1:
            distributed.all_reduce(values)

    def average(self, values: Iterable[Tensor]) -> None:
        """Mean over all processes, in place."""
        for value in values if self.size > 1 else ():
            distributed.all_reduce(value)
            value /= self.size

    def agree(self, here: bool, device: torch.device) -> bool:
        """Whether it holds for any of the processes."""
        if self.size == 1:
            return here
        flag = torch.tensor(float(here), device=device)
        distributed.all_reduce(flag, distributed.ReduceOp.MAX)
        return bool(flag)

    def tell(self, words: str) -> str:
        """What rank 0 says, for all."""
        said = [words]
        if self.size > 1:
            distributed.broadcast_object_list(said)
        return said[0]

    def gather(self, mine: list[T]) -> list[T]:
        """What all processes have, one behind the other."""
        if self.size == 1:
            return mine
        all_of_them: list[Any] = [None] * self.size
        distributed.all_gather_object(all_of_them, mine)
        return [each for some in all_of_them for each in some]

    def wrap(self, network: nn.Module, device: torch.device) -> nn.Module:
        """The network whose backward pass averages gradients over all processes."""
        if self.size == 1:
            return network
        places = [device] if device.type == "cuda" else None
        parallel: Any = nn.parallel.DistributedDataParallel
        renamed = "forward_sync_buffers" in signature(parallel).parameters  # in newer versions of torch
        own = "forward_sync_buffers" if renamed else "broadcast_buffers"
        return cast(nn.Module, parallel(network, device_ids=places, **{own: False}))

    def share_norms(self, network: Network, device: torch.device) -> Network:
        """On GPUs batch norm sees the whole batch; on the CPU, where torch can't, each process's own part."""
        if self.size > 1 and device.type == "cuda":
            convert: Any = nn.SyncBatchNorm.convert_sync_batchnorm
            return cast(Network, convert(network))
        return network

    def describe_norms(self, network: nn.Module, device: torch.device) -> str:
        """A sentence about what batch norm sees, empty where that is the whole batch on one process."""
        if self.size == 1 or not any(
            isinstance(module, nn.modules.batchnorm._BatchNorm) for module in network.modules()
        ):
            return ""
        if device.type == "cuda":
            return f"Batch norm sees the whole batch of all {self.size} processes (SyncBatchNorm)."
        return (
            f"Batch norm: each of the {self.size} processes normalises its own part of a batch (torch has no "
            "SyncBatchNorm on the CPU); their running statistics are averaged before each look at held-out images."
        )


SOLO = Team()


def is_team() -> bool:
    """Whether torchrun started this process as one of several."""
    return int(os.environ.get("WORLD_SIZE", "1")) > 1


def join_team(name: str) -> tuple[Team, torch.device]:
    """Meet the other processes, and choose this one's device; `name` as in `choose_device`. Raises `RunError`."""
    device = choose_device(name)
    if not is_team():
        return SOLO, device
    if device.type == "cuda":
        index = int(os.environ.get("LOCAL_RANK", "0"))
        if index >= torch.cuda.device_count():
            raise DeviceError(
                f"Process {index} of this machine has no GPU: it has {torch.cuda.device_count()}; use "
                "--nproc-per-node with that number, or --device cpu."
            )
        device = torch.device("cuda", index)
        torch.cuda.set_device(device)
    _meet("nccl" if device.type == "cuda" else "gloo")
    return Team(distributed.get_rank(), distributed.get_world_size()), device


def _meet(backend: str) -> None:
    """Connect to the others. Raises `RunError`.

    torchrun keeps its store over a restart, with the addresses of the dead in it: each start has a place of its own.
    """
    from torch.distributed.distributed_c10d import PrefixStore
    from torch.distributed.rendezvous import rendezvous  # slow, and of no use to a process alone

    start = os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")
    try:
        store, rank, size = next(rendezvous("env://"))
        place = PrefixStore(f"start-{start}", store)
        distributed.init_process_group(backend, store=place, rank=rank, world_size=size)
    except (RuntimeError, ValueError) as error:
        raise RunError(f"The processes of this run did not meet: {' '.join(str(error).split())[:160]}") from None


def leave_team() -> None:
    """Take leave of the others, if there were any."""
    if distributed.is_available() and distributed.is_initialized():
        distributed.destroy_process_group()

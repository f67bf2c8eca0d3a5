"""How much memory this process holds, and how much a device has left."""

from __future__ import annotations

import resource
import sys
from pathlib import Path

import torch

from explorer import memory


def read_held_memory(device: torch.device) -> int:
    """Bytes: on a GPU the most that tensors took at once so far, else what the process holds now."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    if device.type == "mps":
        return torch.mps.driver_allocated_memory()
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
    except (OSError, ValueError, IndexError):
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024


def read_free_memory(device: torch.device) -> int | None:
    """Bytes that can still be taken on a device, in this container; None where nobody says."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    if device.type == "mps":
        return torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory()
    return memory.read_free_memory()

"""Which device and number format to compute with."""

from __future__ import annotations

import ctypes
import sys

import torch

from explorer.errors import DeviceError


def choose_device(name: str = "auto") -> torch.device:
    """Return the device called `name`; ``auto`` takes a GPU where there is one. Raises `DeviceError`."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "mps" if _has_mps() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        raise DeviceError(f"device={name[:40]} is no device: use {_either()}.") from None
    if device.type == "cpu" or (device.type == "mps" and _has_mps()):
        return device
    if device.type == "cuda" and torch.cuda.is_available() and name in ("cuda", *list_devices()):  # cuda:1000 wraps
        return device
    raise DeviceError(f"device={name[:40]} is not on this machine: use {_either()}.")


def list_devices() -> list[str]:
    """Return what `choose_device` accepts here, ``auto`` first."""
    gpus = [f"cuda:{index}" for index in range(torch.cuda.device_count())] if torch.cuda.is_available() else []
    return ["auto", "cpu", *gpus, *(["mps"] if _has_mps() else [])]


def choose_precision(device: torch.device) -> torch.dtype:
    """bfloat16 where the device multiplies it in hardware, else float32 (emulated, it is 10 times slower)."""
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float32
    if device.type == "cpu":
        capabilities: dict[str, object] = getattr(torch.cpu, "get_capabilities", dict)()
        native = capabilities.get("avx512_bf16") or capabilities.get("amx_bf16")
        return torch.bfloat16 if native else torch.float32
    return torch.float32


def keep_freed_memory() -> None:
    """Let glibc keep the blocks it frees, so that each step's activations need no new pages from the kernel.

    A training step of resnet20 is 15 to 30 % faster with it (`benchmarks/training.py`). Linux with glibc only;
    elsewhere it does nothing.
    """
    if sys.platform != "linux":
        return
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):
        return
    mmap_threshold, trim_threshold = -3, -1  # malloc.h
    mallopt(mmap_threshold, 1 << 30)
    mallopt(trim_threshold, (1 << 31) - 1)


def _has_mps() -> bool:
    return torch.backends.mps.is_available()


def _either() -> str:
    return " or ".join(list_devices())

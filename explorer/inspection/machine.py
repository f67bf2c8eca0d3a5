"""The machine that something is measured on: what it is, and how much memory it has left."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import torch
from filelock import FileLock, Timeout

from explorer.records import Environment

_CGROUPS = (  # limit, used, and statistics of a container's memory: versions 2 and 1
    ("memory.max", "memory.current", "memory.stat"),
    ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes", "memory/memory.stat"),
)


WAITING = "waiting for another measurement on this machine"


@contextmanager
def take_turn(lock: Path, tell: Callable[[str], None]) -> Iterator[None]:
    """Hold `lock` within: two measurements at once would measure each other. Waits, and tells so. Raises `OSError`."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    turn = FileLock(lock)
    try:
        turn.acquire(timeout=0)
    except Timeout:
        tell(WAITING)
        turn.acquire()
    try:
        yield
    finally:
        turn.release()


def describe_environment(device: torch.device) -> Environment:
    """Name the device, the versions and the settings that decide how fast it computes."""
    dtype = "float32"
    if device.type == "cuda" and torch.backends.cudnn.allow_tf32:
        dtype += ", convolutions in TF32"
    return Environment(
        device=str(device),
        name=_name_device(device),
        torch=torch.__version__,
        python=platform.python_version(),
        system=f"{platform.system()} {platform.machine()}",
        threads=torch.get_num_threads(),
        dtype=dtype,
        load=os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        date=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _name_device(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    name = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if device.type == "cpu" and info.exists():
        lines = [line.partition(":") for line in info.read_text(errors="replace").splitlines()]
        name = next((value.strip() for key, _, value in lines if key.strip() == "model name"), name)
    return name or "unknown"


def read_free_memory(device: torch.device) -> int | None:
    """Bytes that can still be taken on a device, in this container; None where nobody says."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    if device.type == "mps":
        return torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory()
    if sys.platform != "linux":
        return None
    free = [_read_meminfo(), *(_read_cgroup(Path("/sys/fs/cgroup"), *names) for names in _CGROUPS)]
    return min((each for each in free if each is not None), default=None)


def _read_meminfo() -> int | None:
    try:
        lines = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
        return int(lines["MemAvailable"].split()[0]) * 1024
    except (OSError, ValueError, KeyError):
        return None


def _read_cgroup(folder: Path, limit: str, used: str, statistics: str) -> int | None:
    """What a container may still take; pages of files that the kernel would drop count as free."""
    try:
        most, now = (int((folder / name).read_text()) for name in (limit, used))  # "max" without a limit
        fields = dict(line.split() for line in (folder / statistics).read_text().splitlines())
        return max(0, most - now + int(fields.get("inactive_file", 0)))
    except (OSError, ValueError):
        return None

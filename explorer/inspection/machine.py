"""The machine that something is measured on: what it is, and whose turn it is to measure."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import torch
from filelock import FileLock, Timeout

from explorer.records import Environment

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

"""How much memory this machine has left. No torch."""

from __future__ import annotations

import sys
from pathlib import Path

_CGROUPS = (  # limit, used, and statistics of a container's memory: versions 2 and 1
    ("memory.max", "memory.current", "memory.stat"),
    ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes", "memory/memory.stat"),
)


def read_free_memory() -> int | None:
    """Bytes that can still be taken in this container; None where nobody says."""
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

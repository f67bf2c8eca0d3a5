"""Whether a lock is held, asked without taking it from anyone. The system frees a lock however its holder ends."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from filelock import FileLock, Timeout


def is_held(path: Path) -> bool:
    """Whether somebody alive holds the lock of this file; nobody holds one that is not there."""
    try:
        with open(path, "rb") as file:
            return not _can_share(file)
    except FileNotFoundError:
        return False


def _can_share(file: BinaryIO) -> bool:
    """Whether nobody holds the lock. Readers share it for a moment, so none takes another for a worker."""
    try:
        import fcntl
    except ImportError:  # Windows: readers exclude each other, so a second look is taken
        return _can_lock(file.name) or _can_lock(file.name)
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _can_lock(path: str) -> bool:
    try:
        with FileLock(path).acquire(timeout=0.1):
            return True
    except Timeout:
        return False

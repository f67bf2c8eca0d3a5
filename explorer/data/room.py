"""How much memory the images of a data set may take."""

from __future__ import annotations

from explorer.errors import DataError
from explorer.memory import read_free_memory

MAX_BYTES = 6 * 2**30
SHARE = 4  # a set is read, split, padded and moved to the device: for a moment it lies there up to four times


def find_room() -> int:
    """Bytes that images may take: a quarter of the free memory, at most 6 GiB. What needs more streams from files."""
    free = read_free_memory()
    return MAX_BYTES if free is None else min(MAX_BYTES, free // SHARE)


def fits_in_memory(count: int, shape: tuple[int, int, int]) -> bool:
    """Whether `count` images of `shape` (C, H, W) may lie in memory."""
    channels, height, width = shape
    return count * channels * height * width <= find_room()


def check_room(name: str, count: int, shape: tuple[int, int, int]) -> None:
    """Refuse images that can't lie in memory and have no files to stay in. Raises `DataError`."""
    if not fits_in_memory(count, shape):
        raise DataError(
            f"{name} needs {count * shape[0] * shape[1] * shape[2] / 2**30:.1f} GiB, and {find_room() / 2**30:.1f} GiB "
            "may be used here, a quarter of the free memory: ask for fewer or smaller images."
        )

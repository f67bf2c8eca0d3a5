"""Images that stay in their files: decoded, resized and cropped when they are asked for."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy
import torch
from torch import Tensor

from explorer.data.images import MISSING, UNREADABLE, open_image, printable_path, resize_and_crop
from explorer.errors import DataError, ImageError

THREADS = 4


class ImageFiles:
    """Stands for images (N, 3, H, W) uint8 that are too many for memory; indexing picks files, `read` decodes them.

    Paths are kept as one array of bytes: a list of a million strings would be copied into every worker.
    """

    def __init__(self, paths: Sequence[str], labels: Tensor, side: tuple[int, int]) -> None:
        self._paths = numpy.array([os.fsencode(path) for path in paths])
        self._labels = labels.numpy()
        self.side = side

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(N, 3, H, W)."""
        return len(self._paths), 3, *self.side

    def __len__(self) -> int:
        return len(self._paths)

    def __getitem__(self, indices: Tensor) -> ImageFiles:
        part = object.__new__(ImageFiles)
        part._paths, part._labels, part.side = self._paths[indices.numpy()], self._labels[indices.numpy()], self.side
        return part

    def path(self, index: int) -> str:
        """The file of one image."""
        return os.fsdecode(self._paths[index])

    def read(self, indices: Tensor, threads: int = THREADS) -> Tensor:
        """Decode the images at `indices` (B,): (B, 3, H, W) uint8. Raises `DataError` where a file has gone.

        In place of one that turns out damaged stands the next of its class: a set of a million should not end a run.
        """
        images = torch.empty((len(indices), 3, *self.side), dtype=torch.uint8)

        def read(place: int) -> None:
            images[place] = self._read_or_next(int(indices[place]))

        if threads < 2:
            for place in range(len(indices)):
                read(place)
        else:
            with ThreadPoolExecutor(threads) as pool:
                list(pool.map(read, range(len(indices))))
        return images

    def _read_or_next(self, index: int) -> Tensor:
        for other in self._same_class(index):
            try:
                return decode_image(self.path(other), self.side)[0]
            except ImageError as error:
                if error.fault in (MISSING, UNREADABLE):
                    raise DataError(
                        f"{printable_path(self.path(other), 160)} is {error.fault} now: put the data back as it was, "
                        "then resume."
                    ) from None
        raise DataError(f"{printable_path(self.path(index), 160)} and all others of its class are damaged: mend them.")

    def _same_class(self, index: int) -> Iterator[int]:
        """The image, then those of its class behind it, then those before it."""
        yield index  # nearly always the only one asked for
        same = numpy.flatnonzero(self._labels == self._labels[index])
        yield from (*same[same > index].tolist(), *same[same < index].tolist())


def decode_image(path: str, side: tuple[int, int]) -> tuple[Tensor, bool]:
    """One file as (3, H, W) uint8, and whether it had another size. Raises `ImageError`."""
    opened = open_image(path).image
    picture = resize_and_crop(opened, *side)
    return torch.from_numpy(numpy.array(picture)).permute(2, 0, 1), opened.size != picture.size

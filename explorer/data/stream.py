"""Images too many for memory, decoded in worker processes ahead of the batch that needs them."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from explorer.data.image_files import ImageFiles
from explorer.errors import DataError

AHEAD = 2  # batches a worker
_DIED = "DataLoader worker"


class _Decoder(Dataset[Tensor | str]):
    """Decodes batches of indices; a refusal comes as text, since an error would bring its traceback along."""

    def __init__(self, files: ImageFiles) -> None:
        self.files = files

    def __getitem__(self, indices: Any) -> Tensor | str:
        try:
            return self.files.read(indices, threads=1)
        except DataError as error:
            return str(error)


class Stream:
    """Hands out images (B, 3, H, W) uint8 by index; those that are expected come from `workers` processes.

    What is handed out does not depend on the workers. 0 decodes in this process.
    """

    def __init__(self, files: ImageFiles, workers: int, pin: bool = False) -> None:
        self.files = files
        self._plan: list[Tensor] = []
        self._next = 0
        self._batches: Iterator[Tensor | str] | None = None
        self._last: tuple[Tensor, Tensor] | None = None
        self._loader = _create_loader(files, self._plan, workers, pin) if workers else None

    def expect(self, batches: Sequence[Tensor]) -> None:
        """Begin to decode these batches of indices, in order; what was expected before is forgotten."""
        self._plan[:] = batches  # the loader's own list, which it reads when it starts anew
        self._next, self._batches = 0, None
        if self._plan and self._loader:
            with explaining_death(), warnings.catch_warnings():
                warnings.simplefilter("ignore")  # as below, and from Python 3.12 on that this process has threads
                self._batches = iter(self._loader)

    def read(self, indices: Tensor) -> Tensor:
        """Return the images at `indices` (B,). Raises `DataError`."""
        if self._last is None or not torch.equal(self._last[0], indices):
            self._last = indices, self._take(indices)
        return self._last[1]

    def _take(self, indices: Tensor) -> Tensor:
        if self._batches is None or not torch.equal(self._plan[self._next], indices):
            return self.files.read(indices)
        with explaining_death():
            images = next(self._batches)
        self._next += 1
        if self._next == len(self._plan):
            self._batches = None
        if isinstance(images, str):
            raise DataError(images)
        return images


def _create_loader(files: ImageFiles, plan: list[Tensor], workers: int, pin: bool) -> DataLoader[Tensor | str]:
    """A loader that keeps its workers and reads `plan` anew each time it starts."""
    with warnings.catch_warnings():  # that there are fewer cores than workers: someone asked for it
        warnings.simplefilter("ignore")
        return DataLoader(
            _Decoder(files),
            batch_size=None,
            sampler=plan,
            num_workers=workers,
            prefetch_factor=AHEAD,
            persistent_workers=True,
            pin_memory=pin,
            generator=torch.Generator(),  # else it would draw from the global one
        )


@contextmanager
def explaining_death() -> Iterator[None]:
    """Within, the death of a worker becomes a `DataError`."""
    try:
        yield
    except (RuntimeError, ConnectionError, EOFError) as error:
        if sentence := describe_death(error):
            raise DataError(sentence) from None
        raise


def describe_death(error: BaseException) -> str:
    """The sentence for a decoding worker that died, from what torch raises, wherever it does, or from the broken
    connection that the worker left behind; else empty."""
    broken = isinstance(error, (ConnectionError, EOFError))
    if not broken and not (isinstance(error, RuntimeError) and _DIED in str(error)):
        return ""
    return (
        "A process that decodes images died, most often for want of memory, or of shared memory in a container: try "
        "fewer workers, then resume."
    )

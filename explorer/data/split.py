"""Which images are trained on, held out and tested with: by class and seed."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from explorer.errors import DataError


class Split(NamedTuple):
    """Indices (M,), (K,), (T,) of the images to train on, held out and kept for the end, each in file order."""

    train: Tensor
    held_out: Tensor
    test: Tensor


def split_images(labels: Tensor, held_out: float, test: float, seed: int) -> Split:
    """Draw the shares `held_out` and `test` of every class by seed; what is held out does not depend on `test`.

    A class keeps at least one image to train on. Raises `DataError` where nothing would be held out, or tested.
    """
    generator = torch.Generator().manual_seed(seed)
    parts = torch.zeros(len(labels), dtype=torch.uint8)
    for label in sorted(set(labels.tolist())):
        indices = (labels == label).nonzero().flatten()
        shuffled = indices[torch.randperm(len(indices), generator=generator)]
        held = min(round(held_out * len(indices)), len(indices) - 1)
        tested = min(round(test * len(indices)), len(indices) - 1 - held)
        parts[shuffled[:held]] = 1
        parts[shuffled[held : held + tested]] = 2
    for share, part, words in ((held_out, 1, "hold {:.0%} of every class out"), (test, 2, "test with {:.0%} of them")):
        if (share or part == 1) and not (parts == part).any():
            raise DataError(f"{len(labels)} images are too few to {words.format(share)}: add images.")
    return Split(*((parts == part).nonzero().flatten() for part in range(3)))


def split_held_out(labels: Tensor, share: float, seed: int) -> tuple[Tensor, Tensor]:
    """Draw `share` of every class by seed: indices (M,) to train on and indices (K,) held out, both in file order.

    A class keeps at least one image to train on. Raises `DataError` where nothing would be held out.
    """
    return split_images(labels, share, 0, seed)[:2]


def spread_by_class(labels: Tensor, seed: int) -> Tensor:
    """Indices (N,) in an order by seed of which every beginning holds the classes in their shares."""
    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(labels), generator=generator)
    by_class = order[labels[order].argsort(stable=True)]
    counts = torch.bincount(labels)
    counts = counts[counts > 0].double()
    place = torch.cat([(torch.arange(int(count), dtype=torch.float64) + 0.5) / count for count in counts])
    return by_class[(place + torch.rand(len(place), generator=generator, dtype=torch.float64) * 1e-9).argsort()]

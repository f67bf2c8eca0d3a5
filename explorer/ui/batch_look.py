"""A look at a batch before training: what the network will really be given, beside the images as they are."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from explorer.architecture.variant import parse_variant
from explorer.errors import ExplorerError
from explorer.training.config import TrainConfig
from explorer.ui.events import answer
from explorer.ui.heavy import load_torch
from explorer.ui.train_form import refuse
from explorer.ui.train_start import read_order

if TYPE_CHECKING:
    import numpy

    from explorer.data.datasets import Dataset

COUNT = 8  # images of a look
SAMPLE = 256  # images that stay in memory to draw from, whatever the data has


def create_look_function(shared: bool) -> Callable[[Any], dict[str, Any]]:
    """The function that draws a batch."""

    @answer
    def look(question: dict[str, Any]) -> dict[str, Any]:
        """Answer ``{"variants", "data", "recipe", "seed"}`` with ``"plain"`` and ``"drawn"``, images as data URIs,
        ``"captions"``, one a pair, and ``"shape"``, what the network is given, as text. Other seeds draw other ones.
        """
        try:
            order = read_order(question, shared)
            seed = question.get("seed")
            load_torch()
            size = parse_variant(order.variants[0]).input
            return draw_batch(order.data, size, order.config, seed if isinstance(seed, int) else 0)
        except ExplorerError as error:
            return refuse(error)

    return look


def draw_batch(data: str, size: tuple[int, int, int], config: TrainConfig, seed: int) -> dict[str, Any]:
    """Some images of `data`, plain and as `config` has them drawn. Raises `ExplorerError`."""
    from explorer.data.look import look_at_batch
    from explorer.data.mix import Mix
    from explorer.training.feed import choose_augmentation

    dataset = _sample(data, size)
    mix = Mix(config.mixup, config.cutmix, len(dataset.classes)) if config.mixup or config.cutmix else None
    seen = look_at_batch(dataset, choose_augmentation(dataset, config), mix, COUNT, seed)
    channels, height, width = dataset.shape
    return {
        "plain": [encode_image(image) for image in seen.images],
        "drawn": [encode_image(image) for image in seen.drawn],
        "captions": list(seen.drawn_labels),
        "shape": f"{channels}×{height}×{width}",
    }


@lru_cache(maxsize=2)
def _sample(data: str, size: tuple[int, int, int]) -> Dataset:
    """A few images of a data set: the page must not hold all of them."""
    import torch

    from explorer.data.datasets import load_dataset

    dataset = load_dataset(data, size)
    chosen = torch.randperm(len(dataset.labels), generator=torch.Generator().manual_seed(0))[:SAMPLE]
    return dataset.select(chosen)


def encode_image(image: numpy.ndarray) -> str:
    """An (H, W, C) uint8 image, grey or RGB, as a PNG in a data URI."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image).save(file, "png")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()

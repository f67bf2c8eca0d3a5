"""Pictures from records: a montage of an operation's feature maps, or of the images of a batch."""

from __future__ import annotations

import io
import math
from base64 import b64encode

import numpy
from PIL import Image

from explorer.records import FeatureMaps

MAX_MAPS = 256
TILE, GAP = 56, 2
_GROUND = (128, 128, 128)


def draw_montage(record: FeatureMaps, columns: int | None = None) -> Image.Image:
    """Draw up to `MAX_MAPS` channels as tiles, row by row in their order.

    Blue is below zero, orange above, white is zero; one scale for all tiles, so that they can be compared: full colour
    is the 99.5th percentile of the magnitude.
    """
    maps = record.maps[:MAX_MAPS]
    count, height, width = maps.shape
    columns = columns or min(count, max(4, math.ceil(math.sqrt(count * 1.6))))
    zoom = max(1, TILE // max(height, width))
    return _lay_out(_colour(maps, _full_scale(record.maps)), zoom, columns)


def draw_batch(images: numpy.ndarray, columns: int, zoom: int = 0) -> Image.Image:
    """Draw images (N, H, W, C) uint8, C 1 or 3, as tiles, row by row; by default enlarged to about 56 pixels.

    Captions are the page's: tile number i begins at 2 + (i mod columns) * (W * zoom + 2) from the left.
    """
    tiles = images.repeat(3, axis=3) if images.shape[3] == 1 else images
    return _lay_out(tiles, zoom or max(1, TILE // max(images.shape[1:3])), columns)


def encode_png(image: Image.Image) -> str:
    """A picture as a ``data:`` address, for an ``img``."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return f"data:image/png;base64,{b64encode(buffer.getvalue()).decode()}"


def _lay_out(tiles: numpy.ndarray, zoom: int, columns: int) -> Image.Image:
    """Tiles (N, H, W, 3) uint8 beside and below each other, each `zoom` times as large, with a grey gap around."""
    tiles = tiles.repeat(zoom, axis=1).repeat(zoom, axis=2)
    rows = math.ceil(len(tiles) / columns)
    high, wide = tiles.shape[1:3]
    sheet = numpy.full((rows * (high + GAP) + GAP, columns * (wide + GAP) + GAP, 3), _GROUND, dtype=numpy.uint8)
    for index, tile in enumerate(tiles):
        top, left = (
            part * size + GAP for part, size in zip(divmod(index, columns), (high + GAP, wide + GAP), strict=True)
        )
        sheet[top : top + high, left : left + wide] = tile
    return Image.fromarray(sheet)


def _full_scale(maps: numpy.ndarray) -> float:
    finite = numpy.abs(maps[numpy.isfinite(maps)])
    return float(numpy.percentile(finite, 99.5)) or float(finite.max(initial=0)) or 1.0 if finite.size else 1.0


def _colour(maps: numpy.ndarray, scale: float) -> numpy.ndarray:
    """(C, H, W) numbers -> (C, H, W, 3) uint8, from blue through white to orange (Okabe and Ito)."""
    values = numpy.nan_to_num(maps / scale).clip(-1, 1)[..., None]
    blue, orange = numpy.array([0, 114, 178]), numpy.array([213, 94, 0])
    end = numpy.where(values < 0, blue, orange)
    colours: numpy.ndarray = (255 + (end - 255) * numpy.abs(values)).round().astype(numpy.uint8)
    return colours


def describe_maps(record: FeatureMaps) -> str:
    """One sentence about what the montage shows."""
    count, height, width = record.maps.shape
    shown = f"the first {MAX_MAPS} of {count:,}" if count > MAX_MAPS else f"all {count:,}"
    dead = int((numpy.abs(record.maps).max(axis=(1, 2)) == 0).sum())
    silent = f" {dead:,} {'is' if dead == 1 else 'are'} zero everywhere." if dead else ""
    return (
        f"{record.name}: {shown} channels of {height} × {width}. Orange is above zero, blue below, white zero; "
        f"one scale for all.{silent}"
    )

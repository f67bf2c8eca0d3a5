"""Space: thousands of variants as a cloud, drawn chunk by chunk; the browser holds them and sifts them itself."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

import gradio as gr

from explorer.architecture.presets import shorten
from explorer.architecture.search import MAX_DEPTH, Point, sample_space
from explorer.architecture.space import Family, Space
from explorer.architecture.variant import format_variant, parse_variant
from explorer.errors import ExplorerError, VariantError
from explorer.figures import space as figures
from explorer.ui.events import answer
from explorer.ui.widgets import create_widget

CHUNK = 2000  # variants a question, some 75 ms: other visitors wait no longer
DESIGNS = 72  # 63 bring a chunk; where depths are few, they bring less, and no answer takes long
TURN = 32  # points between two moments in which other threads may run, some 1.5 ms
MAX_CHUNKS = 100
MAX_SEED = 999_999
MAX_NAMES = 16  # each takes a millisecond
_ONE_AT_A_TIME = threading.Lock()  # two that draw are no faster together, and hold up everybody else


def create_space_tab() -> gr.HTML:
    """Create the view; nothing is drawn before it is seen."""
    value = {
        "axes": figures.describe_axes(),
        "kinds": figures.describe_kinds(),
        "families": [{"name": "imagenet", "label": "ImageNet"}, {"name": "cifar", "label": "CIFAR"}],
        "chunk": CHUNK,
        "chunks": MAX_CHUNKS,
        "seeds": MAX_SEED,
        "depths": MAX_DEPTH,
    }
    return create_widget("space", value, [draw_points, list_known, name_points, describe_point])


@answer
def draw_points(question: dict[str, Any]) -> dict[str, Any]:
    """One chunk of a sample, the same for the same question.

    ``{"family": "imagenet" or "cifar", "seed": ..., "chunk": ..., "depths": [fewest, most layers] or None}``; columns
    as `figures.space.pack_points` says. No points where the space has none.
    """
    family = _read_family(question)
    seed = _read_number(question, "seed", 0, MAX_SEED)
    chunk = _read_number(question, "chunk", 0, MAX_CHUNKS - 1)
    return _draw_chunk(family, seed, chunk, _read_depths(question.get("depths")))


@lru_cache(maxsize=64)
def _draw_chunk(family: Family, seed: int, chunk: int, depths: tuple[int, int] | None) -> dict[str, Any]:
    """A chunk, kept for the next visitor: most meet the same first ones. It takes some 90 KB."""
    with _ONE_AT_A_TIME:
        space = Space((family,), depths=depths)
        points = sample_space(space, CHUNK, seed * MAX_CHUNKS + chunk, DESIGNS)
        return figures.pack_points(_give_way(points))


def _give_way(points: Iterable[Point]) -> Iterator[Point]:
    """The points, letting go of the interpreter now and then for the threads of other visitors.

    Else each of their many short turns waits the 5 ms after which Python takes the interpreter from this one: a change
    in Build took six times as long while three visitors drew.
    """
    for number, point in enumerate(points):
        if not number % TURN:
            time.sleep(0)
        yield point


@answer
def list_known(question: dict[str, Any]) -> dict[str, Any]:
    """The named networks of ``{"family": ...}`` with their numbers."""
    return {"known": _list_known(_read_family(question))}


@lru_cache(maxsize=len(Family))
def _list_known(family: Family) -> list[dict[str, Any]]:
    return figures.list_known(family)


@answer
def name_points(question: dict[str, Any]) -> dict[str, Any]:
    """Canonical texts of ``{"variants": [text, ...]}``, at most `MAX_NAMES`."""
    variants = question.get("variants")
    if not isinstance(variants, list) or len(variants) > MAX_NAMES:
        raise ExplorerError(f"variants is a list of at most {MAX_NAMES} texts.")
    return {"variants": [format_variant(parse_variant(str(text))) for text in variants]}


@answer
def describe_point(question: dict[str, Any]) -> dict[str, Any]:
    """The card of ``{"variant": text}``: canonical text, numbers, and the memory of a training step."""
    return figures.describe_point(parse_variant(str(question.get("variant", ""))))


def _read_family(question: dict[str, Any]) -> Family:
    family = question.get("family")
    if family not in list(Family):
        raise VariantError(f"family={shorten(str(family))} is no family: choose from {', '.join(Family)}.")
    return Family(family)


def _read_number(question: dict[str, Any], name: str, least: int, most: int) -> int:
    value: Any = question.get(name)
    if not _is_whole(value, least, most):
        raise VariantError(f"{name}={shorten(str(value))} is no whole number from {least} to {most:,}.")
    return int(value)


def _read_depths(depths: Any) -> tuple[int, int] | None:
    """Fewest and most layers; None where all are welcome."""
    if depths is None:
        return None
    pair = isinstance(depths, list) and len(depths) == 2 and all(_is_whole(each, 1, MAX_DEPTH) for each in depths)
    if not pair or depths[0] > depths[1]:
        raise VariantError(
            f"depths={shorten(str(depths))} is no range: give the fewest and the most layers, from 1 to {MAX_DEPTH:,}."
        )
    return depths[0], depths[1]


def _is_whole(value: Any, least: int, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most

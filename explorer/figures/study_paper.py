"""What the paper drew and printed about the degradation problem: the curves of figure 6, the errors of table 6."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from functools import lru_cache

from explorer.resources import assets

SOURCE = "He et al. 2015, arXiv:1512.03385, figure 6 and table 6"
STEPS = 64_000
DEPTHS = (20, 32, 44, 56)
TABLE6 = {20: 8.75, 32: 7.51, 44: 7.17, 56: 6.97}  # test error of the residual networks, in percent
Points = tuple[tuple[float, float], ...]  # thousand steps, error in percent


@lru_cache(maxsize=1)
def load_curves() -> dict[tuple[str, int, str], Points]:
    """Figure 6 by network (plain, residual), depth and curve (train, test)."""
    with open(assets() / "studies" / "he2015_figure6.csv", encoding="utf-8") as file:
        return read_curves(file)


def read_curves(lines: Iterable[str]) -> dict[tuple[str, int, str], Points]:
    """The same from the lines of the file, whose first says where it is from."""
    found: dict[tuple[str, int, str], list[tuple[float, float]]] = {}
    for row in csv.DictReader(line for line in lines if not line.startswith("#")):
        key = row["network"], int(row["depth"]), row["curve"]
        found.setdefault(key, []).append((float(row["thousand_steps"]), float(row["error_percent"])))
    return {key: tuple(points) for key, points in found.items()}


def find_end(network: str, depth: int, curve: str) -> float | None:
    """Error in percent at the end: the printed one where there is one, else where the drawn curve ends."""
    if network == "residual" and curve == "test" and depth in TABLE6:
        return TABLE6[depth]
    points = load_curves().get((network, depth, curve))
    return points[-1][1] if points else None

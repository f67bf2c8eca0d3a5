"""Which settings of a run mean nothing beside others: a form hides them, and takes back what they were."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from explorer.training.config import TrainConfig
from explorer.training.settings import SETTINGS

Values = Mapping[str, Any]
_OFF: dict[str, Any] = {"warmup": 0.0, "freeze": 0}  # a recipe's own value would contradict the others
_NOT_BY_STEPS = {"answers", "film", "none"}  # have a rhythm of their own


@dataclass(frozen=True, slots=True)
class _Rule:
    """`names` mean nothing where `applies` is false; `why` completes "means nothing ..."."""

    names: tuple[str, ...]
    applies: Callable[[Values], bool]
    why: str


def _listed(values: Values) -> set[str]:
    return set(values["watch"].split("-"))


_RULES = (
    _Rule(("nesterov",), lambda v: v["optimizer"] == "sgd", "with AdamW"),
    _Rule(("nesterov",), lambda v: v["momentum"] > 0, "without momentum"),
    _Rule(("decay_norms",), lambda v: v["weight_decay"] > 0, "without weight decay"),
    _Rule(("warmup",), lambda v: v["schedule"] != "one_cycle", "with one_cycle, which rises by itself"),
    _Rule(("warmup",), lambda v: v["schedule"] != "range", "in a range test, which rises all the way"),
    _Rule(("milestones",), lambda v: v["schedule"] == "multistep", "but with schedule=multistep"),
    _Rule(("step_epochs",), lambda v: v["schedule"] == "step", "but with schedule=step"),
    _Rule(("gamma",), lambda v: v["schedule"] in ("multistep", "step"), "but with schedule=multistep or step"),
    _Rule(("magnitude",), lambda v: v["policy"] == "randaugment", "but with policy=randaugment"),
    _Rule(("freeze",), lambda v: bool(v["weights"]), "without weights to start from"),
    _Rule(("watch_every",), lambda v: bool(_listed(v) - _NOT_BY_STEPS), "where nothing is watched by steps"),
    _Rule(("probe",), lambda v: "film" in _listed(v), "without the film"),
)


def hidden_settings(config: TrainConfig) -> dict[str, str]:
    """Settings that mean nothing in `config`, and why: words that complete "means nothing ..."."""
    return find_hidden({name: getattr(config, name) for name in SETTINGS})


def find_hidden(values: Values) -> dict[str, str]:
    """`hidden_settings` of values by name that need not be valid together; the first reason counts."""
    hidden: dict[str, str] = {}
    for rule in _RULES:
        if not rule.applies(values):
            hidden |= {name: rule.why for name in rule.names if name not in hidden}
    return hidden


def take_back(values: Values, base: TrainConfig) -> tuple[dict[str, Any], dict[str, str]]:
    """Return `values` with those that mean nothing set back to what they are in `base`, or off where that would
    contradict the others; and which were changed by this, with the reason.
    """
    hidden = find_hidden(values)
    settled = {**values, **{name: _OFF.get(name, getattr(base, name)) for name in hidden}}
    return settled, {name: why for name, why in hidden.items() if settled[name] != values[name]}

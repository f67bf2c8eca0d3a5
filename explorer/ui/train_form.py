"""The form of Train: the table of settings as the page draws it, and what a move of its controls leads to."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from explorer.architecture.neighbours import find_twin
from explorer.architecture.variant import DEFAULT, parse_variant
from explorer.errors import DataError, DeviceError, ExplorerError, RunError, VariantError, WeightsError
from explorer.figures.palette import VARIANT_COLOURS
from explorer.training.config import TrainConfig
from explorer.training.recipes import RECIPES, find_recipe, format_recipe, parse_recipe
from explorer.training.relevance import hidden_settings, take_back
from explorer.training.settings import GROUPS, INSTRUMENTS, SETTINGS, find_setting
from explorer.ui import text
from explorer.ui.events import answer
from explorer.ui.train_data import describe_choices, read_spec
from explorer.ui.train_limits import FIXED, check_limits, fit
from explorer.ui.typed import read_typed

MOST = len(VARIANT_COLOURS)  # variants of a race
_OWN = ("computing", "data", "watch")  # groups that are no matter of the recipe: a change of them outlives another one
Answer = dict[str, Any]


class RecipeError(RunError):
    """A recipe's text can't be read."""


@dataclass(frozen=True)
class Form:
    """Where all controls stand. `refused` are sentences by setting; `taken` what went back, and why."""

    base: str
    config: TrainConfig
    refused: dict[str, str] = field(default_factory=dict)
    taken: dict[str, str] = field(default_factory=dict)

    @property
    def recipe(self) -> str:
        """The recipe's text, as on the command line."""
        return format_recipe(self.config, self.base)


def describe_form(shared: bool) -> Answer:
    """Everything that the form is drawn from, once."""
    return {
        "groups": GROUPS,
        "settings": [asdict(setting) for setting in SETTINGS.values() if not (shared and setting.name in FIXED)],
        "instruments": INSTRUMENTS,
        "recipes": [
            {name: getattr(recipe, name) for name in ("name", "title", "data", "expected", "source")}
            for recipe in RECIPES.values()
            if recipe.name != "range"  # has a button of its own
        ],
        "data": describe_choices(shared),
        "colours": list(VARIANT_COLOURS),
        "default": DEFAULT,
        "shared": shared,
        "words": text.TRAIN,
    }


def read_form(recipe: str, spec: str, shared: bool = False) -> Form:
    """Read a recipe's text. Raises `RunError`. On a shared page what is too much for it comes down."""
    base = name_base(recipe)
    config = parse_recipe(recipe)
    settled, taken = take_back(_list_values(config), RECIPES[base].config)
    config = TrainConfig(**settled)
    return Form(base, fit(config, spec) if shared else config, {}, taken)


def name_base(recipe: str) -> str:
    """The recipe that a text begins with. Raises `RunError`."""
    first = recipe.partition(",")[0].strip()
    return find_recipe(first).name if first and "=" not in first else "quick"


def choose_recipe(form: Form, name: str) -> Form:
    """Another recipe; what was changed of computing, split and instruments stays."""
    base, before = find_recipe(name), RECIPES[form.base].config
    own = {
        setting.name: getattr(form.config, setting.name)
        for setting in SETTINGS.values()
        if setting.group in _OWN and getattr(form.config, setting.name) != getattr(before, setting.name)
    }
    return Form(base.name, TrainConfig(**{**_list_values(base.config), **own}))


def apply_changes(form: Form, changes: Mapping[str, str], check: Callable[[TrainConfig], None] | None = None) -> Form:
    """Move controls: settings by name, as text. What can't be is refused, with its sentence, and all else is done."""
    good, refused = _parse_changes(changes)
    while True:
        values = _list_values(form.config) | good
        settled, taken = take_back(values, RECIPES[form.base].config)
        try:
            config = TrainConfig(**settled)
            if check:
                check(config)
        except RunError as error:
            if not good:
                raise
            name = name_setting(error)
            blamed = name if name in good else list(good)[-1]  # else the one that moved last
            refused[blamed] = str(error)
            del good[blamed]
            continue
        return Form(form.base, config, refused, {name: why for name, why in taken.items() if name not in good})


def _parse_changes(changes: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
    good, refused = {}, {}
    for name, written in changes.items():
        setting = find_setting(name)
        try:
            value = setting.parse(written)
            setting.check(value)
            good[name] = value
        except RunError as error:
            refused[name] = str(error)
    return good, refused


def _list_values(config: TrainConfig) -> dict[str, Any]:
    return {name: getattr(config, name) for name in SETTINGS}


def describe_state(form: Form) -> Answer:
    """Where every control has to stand, which are changed, which mean nothing, and what auto stands for."""
    config, base = form.config, RECIPES[form.base].config
    values = {name: setting.format(getattr(config, name)) for name, setting in SETTINGS.items()}
    return {
        "recipe": form.recipe,
        "base": form.base,
        "values": values,
        "defaults": {name: setting.format(getattr(base, name)) for name, setting in SETTINGS.items()},
        "changed": [name for name in SETTINGS if getattr(config, name) != getattr(base, name)],
        "hidden": list(hidden_settings(config)),
        "auto": {"lr": f"{config.peak_lr:.4g}"},
        "refused": form.refused,
        "note": _describe_taken(form.taken),
    }


def _describe_taken(taken: Mapping[str, str]) -> str:
    if not taken:
        return ""
    labels = ", ".join(SETTINGS[name].label for name in taken)
    return f"Taken back: {labels} (means nothing {next(iter(taken.values()))})."


_PLACES: dict[type[ExplorerError], str] = {
    RecipeError: "recipe",
    VariantError: "variants",
    DataError: "data",
    DeviceError: "device",
    WeightsError: "weights",
}


def name_setting(error: ExplorerError) -> str:
    """The control that a refusal belongs to: its sentence begins with the setting's name; "" where there is none."""
    for kind, name in _PLACES.items():
        if isinstance(error, kind):
            return name
    first = re.match(r"[a-z_]+", str(error))
    return first[0] if first and first[0] in SETTINGS else ""


def refuse(error: ExplorerError) -> Answer:
    """A refusal with the control that it belongs to."""
    return {"error": str(error), "setting": name_setting(error)}


def describe_variants(question: Answer) -> Answer:
    """The variants to train in their canonical text, or with the reason why not; and the first's twin."""
    texts = read_variants(question)
    rows = [read_typed(each) for each in texts]
    good = [row["text"] for row in rows if "error" not in row]
    twin = find_twin(parse_variant(good[0])) if good else None
    return {"variants": rows, "twin": asdict(twin) if twin and twin.text not in good else None}


def read_variants(question: Answer) -> list[str]:
    """The texts of the variants. Raises `VariantError` for none, or too many."""
    texts = question.get("variants")
    if not isinstance(texts, list) or not texts:
        raise VariantError(f"There is nothing to train: name a variant, such as {DEFAULT}.")
    if len(texts) > MOST:
        raise VariantError(f"{len(texts)} variants are too many for a race: {MOST} at most.")
    return [str(each)[:400] for each in texts]


def create_form_function(shared: bool) -> Callable[[Any], Answer]:
    """The function that the form asks after every move."""

    @answer
    def form(question: Answer) -> Answer:
        """Answer ``{"recipe", "changes": {setting: text}, "choose": recipe, "variants", "data"}`` with the new state.

        A refusal is ``{"error", "setting"}``; a refused setting among others stands in ``"refused"``.
        """
        try:
            return _move(question, shared)
        except ExplorerError as error:
            return refuse(error)

    return form


def _move(question: Answer, shared: bool) -> Answer:
    spec = _forgive(question.get("data"), shared)
    state = _read(question, spec, shared)
    if question.get("choose"):
        state = choose_recipe(state, str(question["choose"]))
        state = Form(state.base, fit(state.config, spec)) if shared else state
    changes = question.get("changes")
    if isinstance(changes, dict) and changes:
        written = {str(name): str(value)[:200] for name, value in changes.items()}
        check = (lambda config: check_limits(config, spec)) if shared else None
        state = apply_changes(state, written, check)
    return describe_state(state) | describe_variants(question)


def _read(question: Answer, spec: str, shared: bool) -> Form:
    """The state before the move; what can't be read of it belongs to the recipe's own field."""
    try:
        return read_form(str(question.get("recipe", ""))[:2000], spec, shared)
    except RunError as error:
        raise RecipeError(str(error)) from None


def _forgive(value: object, shared: bool) -> str:
    """The data, or where it is not yet complete only its kind: the settings don't wait for a folder's path."""
    try:
        return read_spec(value, shared)
    except DataError:
        name = str(value).partition(":")[0]
        return name if any(each["name"] == name for each in describe_choices(shared)) else "digits"

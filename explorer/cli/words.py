"""What the commands share: the app, words of their options, and how variants and weights are read."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import typer

from explorer.errors import RunError, VariantError

app = typer.Typer(add_completion=False, help="Build any ResNet, see what it costs, train it, and look inside it.")

Variant = Annotated[str, typer.Argument(help="NAME[,option=value]*, such as resnet56,shortcut=none")]
Weights = Annotated[str, typer.Option(help="a bundled or torchvision name, a checkpoint file, a run's directory or id")]
AsJson = Annotated[bool, typer.Option("--json", help="one JSON object instead of text")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1 or mps")]
Format = Annotated[str, typer.Option(help="text, markdown or json")]
FileVariant = Annotated[str | None, typer.Option("--variant", help="a file's network, where it can't be worked out")]


def expand(variant: str, input: str | None = None) -> Any:
    """Expand a variant into its plan, at another input where one is given. Raises `VariantError`."""
    from dataclasses import replace

    from explorer.architecture.plan import expand_plan
    from explorer.architecture.variant import parse_input, parse_variant

    architecture = parse_variant(variant)
    return expand_plan(architecture if input is None else replace(architecture, input=parse_input(input)))


def choose(name: str, value: str, choices: dict[str, Any]) -> Any:
    """Pick what a name stands for. Raises `VariantError` for another one."""
    if value not in choices:
        raise VariantError(f"{name}={value[:40]} is no {name}: choose from {', '.join(choices)}.")
    return choices[value]


def save(output: Path, content: bytes) -> None:
    """Write a file and say where. Raises `VariantError` where it can't be written."""
    from explorer.files import write_atomically

    try:
        write_atomically(output, content)
    except OSError as error:
        raise VariantError(f"{output} can't be written: {error.strerror}. Choose another place.") from None
    print(output)


def load_weights(weights: str, variant: str | None) -> Any:
    """Load weights; a name that is none of the others may be the id of a run at home."""
    from explorer.network.pretrained import load_pretrained
    from explorer.training.runs import find_run_by_id

    with suppress(RunError):
        weights = str(find_run_by_id(weights).folder)
    return load_pretrained(weights, variant)

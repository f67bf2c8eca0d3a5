"""The command line: one command a verb, each a thin call. Errors are one line on stderr and exit code 2.

Neither `train`, `summary`, `evaluate` nor `predict` imports gradio or plotly, and torch only where it computes.
"""

from __future__ import annotations

import errno
import json
import math
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import typer

from explorer.errors import DataError, ExplorerError, RunError, VariantError

app = typer.Typer(add_completion=False, help="Build any ResNet, see what it costs, train it, and look inside it.")
UsageError: Any = next(c for c in typer.BadParameter.__mro__ if c.__name__ == "ClickException")  # Typer carries its own

Variant = Annotated[str, typer.Argument(help="NAME[,option=value]*, such as resnet56,shortcut=none")]
Weights = Annotated[str, typer.Option(help="a bundled or torchvision name, a checkpoint file, a run's directory or id")]
AsJson = Annotated[bool, typer.Option("--json", help="one JSON object instead of text")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1 or mps")]
FileVariant = Annotated[str | None, typer.Option("--variant", help="a file's network, where it can't be worked out")]


@app.callback(invoke_without_command=True)
def start(
    context: typer.Context,
    host: Annotated[str, typer.Option(help="address to listen on")] = "127.0.0.1",
    port: Annotated[int | None, typer.Option(help="port; by default the first free one from 7860")] = None,
    share: Annotated[bool, typer.Option(help="also make a public link through Gradio")] = False,
    browser: Annotated[bool, typer.Option(help="open the page in a browser")] = True,
) -> None:
    """Start the page, where no command is given."""
    if context.invoked_subcommand is None:
        serve(host, port, share, browser)


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="address to listen on")] = "127.0.0.1",
    port: Annotated[int | None, typer.Option(help="port; by default the first free one from 7860")] = None,
    share: Annotated[bool, typer.Option(help="also make a public link through Gradio")] = False,
    browser: Annotated[bool, typer.Option(help="open the page in a browser")] = True,
) -> None:
    """Start the page (what `explorer` alone does)."""
    print("ResNet Explorer is starting ...", flush=True)
    from explorer.ui.serve import run_server

    run_server(host, port, share, browser)


@app.command()
def summary(
    variant: Variant,
    input: Annotated[str | None, typer.Option(help="such as 3x224x224")] = None,
    as_json: AsJson = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="comma-separated values")] = False,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="a Markdown table")] = False,
) -> None:
    """Print what a variant costs, operation by operation."""
    from explorer.figures import table

    formats = {table.format_json: as_json, table.format_csv: as_csv, table.format_markdown: as_markdown}
    chosen = [write for write, asked in formats.items() if asked]
    if len(chosen) > 1:
        raise VariantError("More than one of --json, --csv and --markdown was given: choose one.")
    plan = _expand(variant, input)
    print((chosen or [table.format_text])[0](plan).rstrip("\n"))


def _expand(variant: str, input: str | None = None) -> Any:
    from dataclasses import replace

    from explorer.architecture.plan import expand_plan
    from explorer.architecture.variant import parse_input, parse_variant

    architecture = parse_variant(variant)
    return expand_plan(architecture if input is None else replace(architecture, input=parse_input(input)))


@app.command()
def graph(
    variant: Variant,
    output: Annotated[Path, typer.Option("--output", "-o", help="FILE.svg, .png, .pdf or .dot")],
    level: Annotated[str, typer.Option(help="stage, block or op")] = "block",
) -> None:
    """Draw a variant's graph into a file."""
    from explorer.figures.graph import export_graph
    from explorer.figures.scene import Level
    from explorer.files import write_atomically

    if level not in list(Level):
        raise VariantError(f"level={level[:40]} is not a level: level is stage, block or op.")
    content = export_graph(_expand(variant), Level(level), output.suffix.removeprefix(".").lower())
    try:
        write_atomically(output, content)
    except OSError as error:
        raise VariantError(f"{output} can't be written: {error.strerror}. Choose another place.") from None
    print(output)


@app.command()
def train(
    variant: Annotated[
        str | None, typer.Argument(help="such as resnet56,shortcut=none; left out to resume the run in --run")
    ] = None,
    data: Annotated[str, typer.Option(help="digits, or folder:PATH with one folder of images per class")] = "digits",
    epochs: Annotated[int, typer.Option(help="passes over the data")] = 10,
    batch_size: Annotated[int, typer.Option(help="images a step")] = 64,
    lr: Annotated[float | None, typer.Option(help="peak learning rate; by default 0.1 for a batch of 64")] = None,
    seed: Annotated[int, typer.Option(help="of the weights, the split, the order and the augmentation")] = 0,
    device: Device = "auto",
    run: Annotated[Path | None, typer.Option(help="the run's directory; without VARIANT the run there goes on")] = None,
) -> None:
    """Train a variant; what is seen on the way is kept in the run's directory."""
    from explorer.training.config import TrainConfig
    from explorer.training.runs import find_run
    from explorer.training.worker import prepare_run, work

    if variant is None and run is None:
        raise RunError("There is nothing to train: name a variant, or with --run the directory of a run to go on with.")
    if variant is None:
        target, dataset = find_run(str(run)), None  # a worker would make the folder, to lock it
    else:
        config = TrainConfig(epochs=epochs, batch_size=batch_size, lr=lr, seed=seed, device=device)
        target, dataset = prepare_run(variant, data, config, run)
    final = work(target, dataset)
    if final.status == "failed":
        raise RunError(final.message)
    print(final.message)


@app.command()
def evaluate(
    weights: Weights,
    data: Annotated[str, typer.Option(help="digits, or folder:PATH with one folder of images per class")],
    mean: Annotated[str | None, typer.Option(help="per channel, such as 0.485,0.456,0.406")] = None,
    std: Annotated[str | None, typer.Option(help="per channel, such as 0.229,0.224,0.225")] = None,
    every: Annotated[int, typer.Option(help="take every N-th image, in the order of the folder")] = 1,
    split: Annotated[str, typer.Option(help="all, or the held-out or train part of the weights' own run")] = "all",
    variant: FileVariant = None,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Count how many images are classified correctly."""
    from explorer.inspection.evaluate import evaluate_weights
    from explorer.network.device import choose_device

    pretrained = _load(weights, variant)
    normalisation = _parse_numbers("mean", mean), _parse_numbers("std", std)
    result = evaluate_weights(pretrained, data, every, split, normalisation, choose_device(device))
    if as_json:
        loss = result.loss if math.isfinite(result.loss) else None  # JSON has no infinity
        numbers = {"correct": result.correct, "total": result.total, "accuracy": result.accuracy, "loss": loss}
        print(json.dumps({"weights": pretrained.name, "data": data, "split": split, **numbers}))
    else:
        print(f"{result.correct:,} of {result.total:,} correct ({result.accuracy:.2%}), loss {result.loss:.4f}")


def _parse_numbers(name: str, text: str | None) -> tuple[float, ...] | None:
    try:
        return None if text is None else tuple(map(float, text.replace(",", " ").split() or [text]))
    except ValueError:
        raise DataError(
            f"{name}={str(text)[:40]} is not a list of numbers: write something like 0.5,0.5,0.5."
        ) from None


@app.command()
def predict(
    image: Annotated[Path, typer.Argument(help="a picture")],
    weights: Weights = "resnet20-cifar10",
    variant: FileVariant = None,
    as_json: AsJson = False,
) -> None:
    """Name the five most probable classes of a picture."""
    from explorer.data.images import open_image
    from explorer.inspection.classify import classify

    opened = open_image(image)
    pretrained = _load(weights, variant)
    _, tensor = pretrained.preprocessing.see(opened.image, pretrained.architecture.input)
    prediction = classify(pretrained.network, tensor, pretrained.labels)
    if as_json:
        top = [{"label": label, "probability": share} for label, share in prediction.top]
        print(json.dumps({"weights": pretrained.name, "image": str(image), "notes": opened.notes, "top": top}))
        return
    for note in opened.notes:
        print(note, file=sys.stderr)
    for label, share in prediction.top:
        print(f"{share:7.2%}  {label}")


def _load(weights: str, variant: str | None) -> Any:
    """Load weights; a name that is none of the others may be the id of a run at home."""
    from explorer.network.pretrained import load_pretrained
    from explorer.training.runs import find_run_by_id

    with suppress(RunError):
        weights = str(find_run_by_id(weights).folder)
    return load_pretrained(weights, variant)


def main(arguments: list[str] | None = None) -> int:
    """Run a command; returns its exit code: 0, or 2 after one line on stderr."""
    try:
        app(arguments, standalone_mode=False)
        sys.stdout.flush()
        return 0
    except ExplorerError as error:
        _complain(str(error))
    except UsageError as error:
        _complain(f"{error.format_message().rstrip('.')}. See explorer --help.")
    except typer.Exit as error:
        return int(error.exit_code)
    except (typer.Abort, KeyboardInterrupt):
        print("Interrupted.", file=sys.stderr)
    except SystemExit as ended:  # Typer's own answer to EPIPE, also without its standalone mode
        return 0 if ended.code == 1 else 2
    except OSError as error:
        if error.errno == errno.EPIPE:  # the reader of our output, `head` say, has gone
            _drop_output()
            return 0
        if error.filename is None:  # the output itself can't be written, on a full disk say
            _drop_output()
        _complain(f"{error.strerror or error}: {error.filename or 'the output'}.")
    return 2


def _complain(message: str) -> None:
    """One printable line, whatever a name from outside brought with it."""
    print("".join(c if c.isprintable() else "�" for c in " ".join(message.split())), file=sys.stderr)


def _drop_output() -> None:
    """Let what is still buffered go nowhere, or Python would complain about it at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

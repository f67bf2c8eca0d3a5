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
Format = Annotated[str, typer.Option(help="text, markdown or json")]
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
    as_latex: Annotated[bool, typer.Option("--latex", help="a LaTeX table, for the package booktabs")] = False,
    as_paper: Annotated[
        bool, typer.Option("--paper", help="the architecture table of He et al. 2015; also --markdown or --latex")
    ] = False,
    memory: Annotated[bool, typer.Option("--memory", help="FLOPs by kind, memory by batch, receptive field")] = False,
) -> None:
    """Print what a variant costs, operation by operation."""
    from explorer.figures import paper, profile, table

    formats: dict[str, tuple[bool, Any]] = {
        "--json": (as_json, table.format_json),
        "--csv": (as_csv, table.format_csv),
        "--markdown": (as_markdown, table.format_markdown),
        "--latex": (as_latex, table.format_latex),
        "--memory": (memory, profile.format_profile),
    }
    chosen = [name for name, (asked, _) in formats.items() if asked]
    if len(chosen) > 1:
        raise VariantError("More than one of --json, --csv, --markdown, --latex and --memory was given: choose one.")
    write = formats[chosen[0]][1] if chosen else table.format_text
    if as_paper:
        papers = {"": paper.format_text, "--markdown": paper.format_markdown, "--latex": paper.format_latex}
        name = chosen[0] if chosen else ""
        if name not in papers:
            raise VariantError(f"--paper is no table for {name}: leave {name} out, or take --markdown or --latex.")
        write = _for_one(papers[name])
    print(write(_expand(variant, input)).rstrip("\n"))


def _for_one(write: Any) -> Any:
    return lambda plan: write([plan])


def _expand(variant: str, input: str | None = None) -> Any:
    from dataclasses import replace

    from explorer.architecture.plan import expand_plan
    from explorer.architecture.variant import parse_input, parse_variant

    architecture = parse_variant(variant)
    return expand_plan(architecture if input is None else replace(architecture, input=parse_input(input)))


@app.command()
def graph(
    variant: Variant,
    output: Annotated[Path, typer.Option("--output", "-o", help="FILE.svg, .html, .png, .pdf or .dot")],
    level: Annotated[str, typer.Option(help="stage, block or op")] = "block",
) -> None:
    """Draw a variant's graph into a file."""
    from explorer.figures.export import export_graph
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
def diff(
    variants: Annotated[list[str], typer.Argument(help="two or more; each is compared with the first")],
    level: Annotated[str, typer.Option(help="stage, block or op")] = "op",
    format: Format = "text",
    input: Annotated[str | None, typer.Option(help="such as 3x224x224, for all of them")] = None,
) -> None:
    """Compare variants: operations added, removed and changed, and the difference in what they cost."""
    from explorer.architecture.diff import compare_plans
    from explorer.figures import diff as figure
    from explorer.figures.scene import Level

    if len(variants) < 2:
        raise VariantError("One variant is nothing to compare: name two or more, such as resnet50 resnet50d.")
    formats = {"text": figure.format_text, "markdown": figure.format_markdown, "json": figure.format_json}
    write, chosen = _choose("format", format, formats), _choose("level", level, {str(each): each for each in Level})
    first, *others = (_expand(variant, input) for variant in variants)
    print(write([compare_plans(first, other) for other in others], chosen))


@app.command()
def search(
    max_params: Annotated[str | None, typer.Option(help="such as 5M")] = None,
    max_macs: Annotated[str | None, typer.Option(help="such as 600M or 4.1G")] = None,
    min_params: Annotated[str | None, typer.Option(help="such as 1M")] = None,
    min_macs: Annotated[str | None, typer.Option(help="such as 100M")] = None,
    depth: Annotated[str | None, typer.Option(help="weighted layers, such as 50 or 20-60")] = None,
    family: Annotated[str, typer.Option(help="imagenet, cifar or all")] = "imagenet",
    input: Annotated[str | None, typer.Option(help="such as 3x224x224; by default the family's")] = None,
    classes: Annotated[int | None, typer.Option(help="by default the family's")] = None,
    count: Annotated[int, typer.Option(help="how many variants to count")] = 20_000,
    seed: Annotated[int, typer.Option(help="of the draw; the same one finds the same variants")] = 0,
    objectives: Annotated[
        str, typer.Option(help="less params, macs and activations, more depth and width are better")
    ] = "params,macs,depth,width",
    every: Annotated[bool, typer.Option("--all", help="all that fit, not the Pareto set alone")] = False,
    limit: Annotated[int | None, typer.Option(min=1, help="rows to show; by default 30 as text, otherwise all")] = None,
    format: Annotated[str, typer.Option(help="text, json or csv")] = "text",
) -> None:
    """Find variants that fit a budget, and those among them that no other beats."""
    from explorer.architecture.search import Budget, create_space, parse_amount, parse_objectives, search_space
    from explorer.figures import search as figure

    formats = {"text": figure.format_text, "json": figure.format_json, "csv": figure.format_csv}
    write = _choose("format", format, formats)
    amounts = {"max_params": max_params, "max_macs": max_macs, "min_params": min_params, "min_macs": min_macs}
    budget = Budget(**{name: parse_amount(name, text) for name, text in amounts.items() if text is not None})
    space = create_space(family, input, classes, depth)
    found = search_space(space, budget, count, seed, parse_objectives(objectives))
    print(write(found, every, 30 if limit is None and format == "text" else limit).rstrip("\n"))


def _choose(name: str, value: str, choices: dict[str, Any]) -> Any:
    if value not in choices:
        raise VariantError(f"{name}={value[:40]} is no {name}: choose from {', '.join(choices)}.")
    return choices[value]


@app.command()
def code(
    variant: Variant,
    style: Annotated[
        str, typer.Option(help="module (classes) or functional (F.conv2d, batch norm spelled out)")
    ] = "module",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="FILE.py; by default standard output")] = None,
) -> None:
    """Write a variant as one PyTorch file that needs torch alone."""
    from explorer.architecture.code import parse_style, write_code
    from explorer.files import write_atomically

    text = write_code(_expand(variant), parse_style(style))
    if output is None:
        print(text, end="")
        return
    try:
        write_atomically(output, text.encode())
    except OSError as error:
        raise VariantError(f"{output} can't be written: {error.strerror}. Choose another place.") from None
    print(output)


@app.command()
def export(
    output: Annotated[Path, typer.Option("--output", "-o", help="FILE.onnx, .pt2 or .safetensors")],
    variant: Annotated[str | None, typer.Argument(help="such as resnet50; may be left out with --weights")] = None,
    weights: Annotated[
        str | None, typer.Option(help="a bundled or torchvision name, a checkpoint, a run; by default fresh ones")
    ] = None,
) -> None:
    """Write a network for other programs: ONNX, torch.export's pt2, or weights under torchvision's or timm's names."""
    from explorer.network.export import check_target, export_network, load_for_export

    check_target(output)
    pretrained = None if weights is None else _load(weights, variant)
    network, card = load_for_export(variant, pretrained)
    export_network(network, output, card)
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
def measure(
    variant: Variant,
    batch: Annotated[int, typer.Option(help="images a call")] = 8,
    mode: Annotated[str, typer.Option(help="forward, train (a training step) or both")] = "both",
    device: Device = "auto",
    budget: Annotated[float, typer.Option(help="seconds to repeat it in; three repeats are made anyway")] = 10.0,
    input: Annotated[str | None, typer.Option(help="such as 3x224x224")] = None,
    format: Annotated[str, typer.Option(help="text, markdown, json or csv")] = "text",
    progress: Annotated[bool, typer.Option("--progress", help="say what is done; as json, one record a line")] = False,
) -> None:
    """Measure time and peak memory on this machine, block by block, beside the estimate."""
    from explorer.figures.measure import FORMATS
    from explorer.inspection.settings import MeasureSettings
    from explorer.records import Measurement, MeasureProgress, write_record

    write = _choose("format", format, FORMATS)
    settings = MeasureSettings(batch=batch, mode=mode, budget=budget, device=device)
    plan, lines = _expand(variant, input), progress and format == "json"
    from explorer.inspection.machine import take_turn
    from explorer.inspection.measure import measure_plan
    from explorer.training.runs import home

    def tell(record: MeasureProgress) -> None:
        if lines:
            print(write_record(record), flush=True)
        elif progress:
            print(f"{record.doing}, about {record.left:.0f} s left", file=sys.stderr)

    with take_turn(home().parent / "measure.lock", lambda doing: tell(MeasureProgress(doing, 0, 0.0, budget))):
        for record in measure_plan(plan, settings):
            if isinstance(record, Measurement):
                print(write_record(record) if lines else write(record).rstrip("\n"))
            else:
                tell(record)


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

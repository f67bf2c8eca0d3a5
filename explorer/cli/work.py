"""What takes a while: the page, measuring, and looking through weights."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from typing import Annotated

import typer

from explorer.cli.words import AsJson, Device, FileVariant, Variant, Weights, app, choose, expand, load_weights
from explorer.errors import DataError


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

    write = choose("format", format, FORMATS)
    settings = MeasureSettings(batch=batch, mode=mode, budget=budget, device=device)
    plan, lines = expand(variant, input), progress and format == "json"
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

    pretrained = load_weights(weights, variant)
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
    pretrained = load_weights(weights, variant)
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

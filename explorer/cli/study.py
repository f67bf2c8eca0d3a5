"""Studies from the command line: what there is, doing one, and what was recorded."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from explorer.cli.words import Device, app, save
from explorer.errors import RunError


@app.command()
def study(
    name: Annotated[str | None, typer.Argument(help="such as degradation; left out: list what there is")] = None,
    data: Annotated[str, typer.Option(help="cifar10, folder:PATH, or digits to try it")] = "cifar10",
    full: Annotated[bool, typer.Option("--full", help="the paper's whole recipe, for a GPU")] = False,
    recipe: Annotated[str, typer.Option(help="another recipe than the study's, NAME[,setting=value]*")] = "",
    seed: Annotated[int, typer.Option(help="of the weights, the split, the order and the augmentation")] = 0,
    device: Device = "auto",
    run_dir: Annotated[
        Path | None, typer.Option("--run-dir", help="where its runs are kept; a study there goes on; by default home")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="FILE.json for the result; by default among your own results")
    ] = None,
    note: Annotated[str, typer.Option(help="a sentence about the data that is kept with the result")] = "",
    show: Annotated[bool, typer.Option("--show", help="print the recorded result, without training")] = False,
) -> None:
    """Train a study's networks side by side, and say what came out beside what the paper says."""
    from explorer.training.studies import STUDIES, find_study

    if name is None:
        for each in STUDIES.values():
            print(f"{each.name}  {each.title}: {len(each.variants)} networks, {each.small_time}")
        return
    find_study(name)
    if show:
        show_result(name)
        return
    do_study(
        name,
        {"data": data, "full": full, "recipe": recipe, "seed": seed, "device": device, "note": note},
        run_dir,
        output,
    )


def show_result(name: str) -> None:
    """Print the recorded result, or the user's own where none is. Raises `RunError` where there is neither."""
    from explorer.training.studies import list_results, load_result

    for path in list_results(name).values():
        record = load_result(path)
        if record is not None:
            print_result(record)
            return
    raise RunError(f"No result of {name} is recorded here: make one with explorer study {name}.")


def print_result(record: object) -> None:
    """What was asked, the settings, the table, and what the numbers say."""
    from explorer.figures.study_words import format_study, list_settings
    from explorer.records import StudyRecord
    from explorer.training.studies import find_study

    assert isinstance(record, StudyRecord)
    print(f"{find_study(record.study).title}\n")
    for setting, value in list_settings(record):
        print(f"{setting:8} {value}")
    print(f"\n{format_study(record)}", end="")


def do_study(name: str, asked: dict[str, object], run_dir: Path | None, output: Path | None) -> None:
    """Begin the study or go on with it; at its end keep the result and print it. Raises `ExplorerError`."""
    from explorer.network.device import choose_device, choose_precision
    from explorer.training.studies import find_study, list_results
    from explorer.training.study_work import prepare_study, train_study

    place = choose_device(str(asked["device"]))
    going, dataset = prepare_study(name, folder=run_dir, **asked)  # type: ignore[arg-type]
    facts, goes_on = going.facts, going.progress()
    counts = f"{facts.images[0]:,} images to train on, {facts.images[1]:,} held out, {facts.steps:,} steps each"
    print(f"{len(going.runs)} networks on {facts.data}: {counts} on {place}.")
    if not asked["recipe"]:
        time = find_study(name).full_time if facts.full else find_study(name).small_time
        print(f"It is made for CIFAR-10, and takes {time} there.")
    print(f"Runs: {going.folder}/{name}-{facts.race}-*; the same command goes on where this one ends.")
    if goes_on:
        print(f"Goes on from {goes_on:.0%} of the steps.")
    train_study(going, dataset)
    if going.state() != "ended":
        print(f"Stopped: {going.progress():.0%} of the steps are taken. The same command goes on from there.")
        return
    from explorer.inspection.machine import describe_environment
    from explorer.records import write_record
    from explorer.training.study_runs import record_study

    precision = str(choose_precision(place)).removeprefix("torch.")
    record = record_study(going, replace(describe_environment(place), dtype=precision))
    print()
    print_result(record)
    path = output or list_results(name)["own"]
    if output is None:
        path.parent.mkdir(parents=True, exist_ok=True)
    print()
    save(path, write_record(record).encode() + b"\n")

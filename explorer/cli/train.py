"""Training from the command line: one run, a race, a run that goes on, many processes together."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from explorer.cli.words import AsJson, app
from explorer.errors import ExplorerError, RunError

if TYPE_CHECKING:
    from explorer.training.runs import Run

DATA_HELP = "digits, cifar10, cifar100, fashion_mnist, svhn, synthetic, folder:PATH or imagenet:PATH"


@app.command()
def train(
    variants: Annotated[
        list[str] | None,
        typer.Argument(help="such as resnet56,shortcut=none; two to four race; none to go on with the run in --run"),
    ] = None,
    data: Annotated[str, typer.Option(help=DATA_HELP)] = "digits",
    recipe: Annotated[str, typer.Option(help="NAME[,setting=value]*, as `explorer recipes` lists them")] = "quick",
    epochs: Annotated[int | None, typer.Option(help="passes over the data; the recipe's own, where left out")] = None,
    batch_size: Annotated[int | None, typer.Option(help="images a step")] = None,
    lr: Annotated[float | None, typer.Option(help="highest learning rate")] = None,
    seed: Annotated[int | None, typer.Option(help="of the weights, the split, the order and the augmentation")] = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu, cuda, cuda:1 or mps")] = None,
    plain_twin: Annotated[bool, typer.Option("--plain-twin", help="race it against its plain twin")] = False,
    run: Annotated[
        list[Path] | None,
        typer.Option("--run", "--run-dir", help="the run's directory; without a variant the run there goes on"),
    ] = None,
    estimate: Annotated[bool, typer.Option("--estimate", help="only say what it would cost, from a few steps")] = False,
    as_json: AsJson = False,
) -> None:
    """Train a variant, or race several; what is seen on the way is kept in the run's directory.

    Under torchrun all processes train one run together, each a part of every batch; it needs --run.
    """
    given = {"epochs": epochs, "batch_size": batch_size, "lr": lr, "seed": seed, "device": device}
    settings = ",".join([recipe, *(f"{name}={value}" for name, value in given.items() if value is not None)])
    names, folders = list(variants or []), list(run or [])
    if not names and not folders:
        raise RunError("There is nothing to train: name a variant, or with --run the directory of a run to go on with.")
    if plain_twin:
        from explorer.training.races import add_twin

        names = add_twin(names)
    if estimate:
        estimate_cost(names, data, settings, as_json)
    elif not names:
        go_on(folders)
    else:
        begin(names, data, settings, folders[0] if folders else None)


def begin(names: Sequence[str], data: str, settings: str, folder: Path | None) -> None:
    """Train new runs, in `folder` or at home; in a team a run that is there already goes on."""
    from explorer.training.recipes import parse_recipe
    from explorer.training.team import is_team

    config = parse_recipe(settings)
    if is_team():
        train_together(names, data, settings, folder)
        return
    if len(names) > 1:
        from explorer.training.races import prepare_race

        runs, dataset = prepare_race(names, data, config, folder, recipe=settings)
    else:
        from explorer.training.worker import prepare_run

        run, dataset = prepare_run(names[0], data, config, folder, recipe=settings)
        runs = [run]
    train_in_turn(runs, dataset)


def go_on(folders: Sequence[Path]) -> None:
    """Train runs that are there from their last checkpoints."""
    from explorer.training.runs import find_run
    from explorer.training.team import is_team

    runs = [find_run(str(folder)) for folder in folders]  # a worker would make the folder, to lock it
    if is_team():
        train_together([], "", "", runs[0].folder)
    else:
        train_in_turn(runs)


def train_in_turn(runs: Sequence[Run], dataset: Any = None) -> None:
    """Train once it is these runs' turn here, and print their last words. Raises `RunError` if one failed."""
    from explorer.training.queue import wait_for_turn

    with wait_for_turn(runs, runs[0].spec.config.device) as mine:
        if mine:
            from explorer.training.worker import work_race

            report(work_race(mine, dataset))


def report(finals: Sequence[Any]) -> None:
    """Print last words; raise `RunError` with those of what failed."""
    for final in finals:
        if final.status != "failed":
            print(final.message)
    failed = [final.message for final in finals if final.status == "failed"]
    if failed:
        raise RunError(" ".join(failed))


def train_together(names: Sequence[str], data: str, settings: str, folder: Path | None) -> None:
    """One run on all processes that torchrun started; a restarted process finds it again in its directory."""
    from explorer.training.recipes import parse_recipe
    from explorer.training.runs import Run
    from explorer.training.team import join_team, leave_team
    from explorer.training.worker import prepare_run, work_race

    if folder is None or len(names) > 1:
        raise RunError(
            "Several processes train one run: name one variant, and with --run a directory where a restarted process "
            "finds it again."
        )
    device = parse_recipe(settings).device if settings else Run(folder).spec.config.device
    team, place = join_team(device)
    try:
        refusal = ""
        if team.leads and names and not (folder / "run.json").exists():
            try:
                prepare_run(names[0], data, parse_recipe(settings), folder, recipe=settings)
            except ExplorerError as error:
                refusal = str(error)
        refusal = team.tell(refusal)
        if refusal:
            raise RunError(refusal)
        finals = work_race([Run(folder)], team=team, device=place)
        report(finals if team.leads else [final for final in finals if final.status == "failed"])
    finally:
        leave_team()


def estimate_cost(names: Sequence[str], data: str, settings: str, as_json: bool) -> None:
    """Print what training would cost: time and memory, from a few steps of each variant.

    As JSON a line each, and before it one for everything that is done meanwhile.
    """
    from explorer.figures.run_cost import format_cost
    from explorer.records import TrialProgress, write_record
    from explorer.training.recipes import parse_recipe
    from explorer.training.trial import try_run

    def say(doing: str) -> None:
        if as_json:
            print(write_record(TrialProgress(doing)), flush=True)

    for name in names:
        cost = try_run(name, data, parse_recipe(settings), say)
        print(write_record(cost) if as_json else f"{name}: {format_cost(cost)}", flush=True)

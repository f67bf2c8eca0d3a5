"""Runs from the command line: list, show, note, tag, pause, stop, resume, export, delete, compare; and the recipes."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from explorer.cli.words import AsJson, app, save
from explorer.errors import RunError

if TYPE_CHECKING:
    from explorer.training.runs import Run

runs = typer.Typer()
app.add_typer(runs, name="runs")

Named = Annotated[str, typer.Argument(metavar="RUN", help="a run's id, or its directory")]


def _find(name: str) -> Run:
    from explorer.training.runs import find_run

    run = find_run(name)
    _ = run.spec  # whether it can be read
    return run


def _print(lines: list[str]) -> None:
    """Lines for people; a note or a folder's name may hold what a terminal would obey."""
    print("\n".join("".join(c if c.isprintable() else "�" for c in line) for line in lines))


def _is_wanted(run: Run, state: str, tag: str, data: str) -> bool:
    fits = (not data or run.spec.data == data) and (not tag or tag in run.notes.tags)
    return fits and (not state or run.state() == state)


@runs.callback(invoke_without_command=True)
def list_without_a_verb(context: typer.Context) -> None:
    """Look at runs, note something about them, stop, resume, save and delete them; without a verb they are listed."""
    if context.invoked_subcommand is None:
        list_all()


@runs.command("list")
def list_all(
    state: Annotated[str, typer.Option(help="only those that are queued, running, paused, finished ...")] = "",
    tag: Annotated[str, typer.Option(help="only those with this tag")] = "",
    data: Annotated[str, typer.Option(help="only those on this data, such as cifar10")] = "",
    as_json: AsJson = False,
) -> None:
    """List the runs, the newest first."""
    from explorer.figures.format import align_rows
    from explorer.training.runs import STATES, list_runs
    from explorer.training.summary import summarise_run

    if state and state not in STATES:
        raise RunError(f"state={state[:40]} is no state of a run: choose from {', '.join(STATES)}.")
    found = [summarise_run(run) for run in list_runs() if _is_wanted(run, state, tag, data)]
    if as_json:
        print(json.dumps(found))
        return
    rows: list[tuple[str, ...]] = [("run", "state", "step", "held out", "begun", "data", "variant", "tags")]
    rows += [_write_row(each) for each in found]
    _print(align_rows(rows, right={2, 3}) if found else ["No runs."])


def _write_row(run: dict[str, Any]) -> tuple[str, ...]:
    state = run["state"] + (f" ({run['position']})" if run["position"] else "")
    begun = datetime.fromtimestamp(run["created"], UTC).astimezone().strftime("%Y-%m-%d %H:%M")
    step, tags = f"{run['step']:,}", ", ".join(run["tags"])
    return run["id"], state, step, _share(run["accuracy"]), begun, run["data"], run["variant"], tags


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.2%}"


@runs.command()
def show(run: Named, as_json: AsJson = False) -> None:
    """Show what a run was asked for, and how it went."""
    from explorer.figures.format import align_rows
    from explorer.training.summary import list_settings, summarise_run

    found = _find(run)
    summary = summarise_run(found)
    if as_json:
        print(json.dumps(summary))
        return
    state = summary["state"] + (f", place {summary['position']} in the line" if summary["position"] else "")
    facts = {
        "variant": summary["variant"],
        "trained as": summary["trained"] if summary["trained"] != summary["variant"] else "",
        "data": summary["data"],
        "recipe": summary["recipe"],
        "race": summary["race"],
        "state": state,
        "step": f"{summary['step']:,}",
        "held out": _share(summary["accuracy"]),
        "test": _share(summary["test_accuracy"]),
        "tags": ", ".join(summary["tags"]),
        "note": " ".join(summary["note"].split()),
        "said": summary["message"],
        "directory": str(found.folder),
    }
    settings = [(label, value) for _, label, value, usual in list_settings(found.spec.config) if usual]
    rows = [(name, str(value)) for name, value in facts.items() if value] + settings
    _print(align_rows(rows, right=()))


@runs.command()
def note(run: Named, text: Annotated[str, typer.Argument(help="the note; empty to take it away")]) -> None:
    """Note something about a run, instead of what was noted before."""
    from explorer.training.notes import Notes, write_notes

    found = _find(run)
    write_notes(found.folder, Notes(text, found.notes.tags))


@runs.command()
def tag(
    run: Named,
    tags: Annotated[list[str] | None, typer.Argument(help="tags to add")] = None,
    remove: Annotated[list[str] | None, typer.Option("--remove", help="a tag to take away; may be repeated")] = None,
) -> None:
    """Add tags to a run, or take some away, and print those it has then."""
    from explorer.training.notes import Notes, write_notes

    found = _find(run)
    kept = [each for each in found.notes.tags if each not in (remove or [])]
    notes = Notes(found.notes.note, (*kept, *(tags or [])))
    if tags or remove:
        write_notes(found.folder, notes)
    print(", ".join(notes.tags))


@runs.command()
def pause(run: Named) -> None:
    """Ask a run to leave the device to others, after its step and with a checkpoint; resume goes on."""
    _find_alive(run).ask_to_pause()


@runs.command()
def stop(run: Named) -> None:
    """Ask a run to stop after its step, with a checkpoint."""
    _find_alive(run).ask_to_stop()


def _find_alive(name: str) -> Run:
    from explorer.training.runs import ALIVE

    run = _find(name)
    state = run.state()
    if state not in ALIVE:
        raise RunError(f"The run {run.id} is {state}: it has no worker that could be asked.")
    return run


@runs.command()
def resume(
    names: Annotated[list[str], typer.Argument(metavar="RUN...", help="ids or directories of runs")],
) -> None:
    """Let runs go on from their last checkpoints, in processes of their own; those of one race go on together."""
    from explorer.training.runs import ALIVE

    together: dict[str, list[Run]] = {}
    for run in {run.id: run for run in map(_find, names)}.values():
        state = run.state()
        if state in (*ALIVE, "finished"):
            raise RunError(
                f"The run {run.id} is {state}{' already' if state in ALIVE else ': nothing is left to train'}."
            )
        together.setdefault(run.spec.race or run.id, []).append(run)
    from explorer.training.worker import start_worker

    for runs_of_one in together.values():
        start_worker(*runs_of_one)


@runs.command()
def export(
    run: Named,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="a file, or a directory for it")] = None,
    format: Annotated[str, typer.Option(help="html, json, csv (a line a step), watch (CSV) or tensorboard")] = "html",
) -> None:
    """Save a run: a page that needs no server, its records, or event files for TensorBoard."""
    from explorer.exports import export_run

    name, content = export_run(_find(run), format)
    output = output or Path()
    save(output / name if output.is_dir() else output, content)


@runs.command()
def delete(
    names: Annotated[list[str], typer.Argument(metavar="RUN...", help="ids or directories of runs")],
    yes: Annotated[bool, typer.Option("--yes", help="do not ask")] = False,
) -> None:
    """Delete runs, their weights and checkpoints too."""
    from explorer.training.removal import delete_run

    chosen = [_find(name) for name in names]
    if not yes:
        _print([f"{run.id}: {run.spec.variant} on {run.spec.data}, {run.state()}" for run in chosen])
        if not typer.confirm("Delete for good?"):
            print("Nothing was deleted.")
            return
    for run in chosen:
        delete_run(run)
        print(f"Deleted {run.id}.")


@runs.command()
def compare(
    names: Annotated[list[str], typer.Argument(metavar="RUN...", help="two or more ids or directories of runs")],
    as_json: AsJson = False,
) -> None:
    """Show in which settings runs differ, and how they went."""
    from explorer.figures.format import align_rows
    from explorer.training.summary import list_changes, summarise_run

    if len(names) < 2:
        raise RunError("One run is nothing to compare: name two or more.")
    chosen = [_find(name) for name in names]
    changes, summaries = list_changes(chosen), [summarise_run(run) for run in chosen]
    if as_json:
        print(json.dumps({"differences": dict(changes), "runs": summaries}))
        return
    results = [
        ("state", [each["state"] for each in summaries]),
        ("step", [f"{each['step']:,}" for each in summaries]),
        ("held out", [_share(each["accuracy"]) for each in summaries]),
        ("test", [_share(each["test_accuracy"]) for each in summaries]),
    ]
    shown = [(name, *values) for name, values in [*changes, *results] if any(values)]
    _print(align_rows([("", *(run.id for run in chosen)), *shown], right=()))


@app.command()
def recipes(
    name: Annotated[str | None, typer.Argument(metavar="RECIPE", help="show this one's settings")] = None,
    as_json: AsJson = False,
) -> None:
    """List the recipes and all settings of a run, or what one recipe sets."""
    from dataclasses import asdict

    from explorer.training.recipes import RECIPES, find_recipe

    chosen = list(RECIPES.values()) if name is None else [find_recipe(name)]
    if as_json:
        print(json.dumps([asdict(recipe.config) | {"name": recipe.name} | _tell(recipe) for recipe in chosen]))
        return
    for recipe in chosen:
        print(
            "\n".join([f"{recipe.name}: {recipe.title}", *(f"  {key}: {text}" for key, text in _tell(recipe).items())])
        )
    print("\n" + "\n".join(_list_table() if name is None else _list_set(chosen[0].config)))


def _tell(recipe: Any) -> dict[str, str]:
    from explorer.training.recipes import format_recipe

    settings = format_recipe(recipe.config).partition(",")[2].replace(",", " ")
    told = {"data": recipe.data, "expected": recipe.expected, "source": recipe.source, "sets": settings}
    return {key: text for key, text in told.items() if text}


def _list_table() -> list[str]:
    """Every setting: what it is without a recipe, what it does, and what it may be."""
    from explorer.training.config import TrainConfig
    from explorer.training.settings import GROUPS, SETTINGS

    usual, lines, group = TrainConfig(), [], ""
    for name, setting in SETTINGS.items():
        if setting.group != group:
            group = setting.group
            lines.append(GROUPS[group])
        pair = f"{name}={setting.format(getattr(usual, name))}"
        lines.append(f"  {pair:24}  {setting.label}: {setting.help} ({setting.range.removeprefix(f'{name} ')})")
    return lines


def _list_set(config: Any) -> list[str]:
    from explorer.figures.format import align_rows
    from explorer.training.summary import list_settings

    rows = [(label, value, usual and f"usually {usual}") for _, label, value, usual in list_settings(config)]
    return align_rows(rows, right=())

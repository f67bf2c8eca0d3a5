import csv
import io
import json
import os
import subprocess
import sys

import pytest

from explorer.architecture.variant import parse_variant
from explorer.cli import main
from explorer.records import EpochRecord, FinalRecord, StepRecord
from explorer.training.config import TrainConfig
from explorer.training.notes import Notes
from explorer.training.recipes import RECIPES, parse_recipe
from explorer.training.runs import RecordWriter, Run, create_run, list_runs
from explorer.training.settings import SETTINGS
from witness import is_one_clear_sentence


@pytest.fixture(autouse=True)
def own_folders(tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLORER_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.chdir(tmp_path)


def make_run(variant="resnet8,width=4", data="digits", status="stopped", folder=None, **settings) -> Run:
    run = create_run(parse_variant(variant), data, (1, 32, 32), 10, TrainConfig(**settings), folder, recipe="quick")
    (run.folder / "starting").unlink()
    writer = RecordWriter(run)
    for record in (
        StepRecord(10, 1.0, 1.0, 0.5, 0.1, 99.0),
        EpochRecord(10, 1, 0.5, 0.75),
        FinalRecord(10, status, "Ended."),
    ):
        writer.write(record)
    writer.close()
    return run


@pytest.fixture
def call(capsys):
    """Run a command that ends well; returns what it printed."""

    def call(*arguments: object) -> str:
        code = main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        assert (code, err) == (0, "")
        return out

    return call


@pytest.fixture
def refuse(capsys):
    """Run a command that is refused; returns the one line that says why."""

    def refuse(*arguments: object) -> str:
        code = main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        assert (code, out) == (2, "") and err.count("\n") == 1 and is_one_clear_sentence(err.rstrip("\n"))
        return err

    return refuse


def test_a_list_of_none(call):
    assert call("runs") == call("runs", "list") == "No runs.\n" and call("runs", "list", "--json") == "[]\n"


def test_lists_are_narrowed_by_state_tag_and_data(call, refuse):
    first, second, third = make_run(), make_run(status="finished"), make_run(data="cifar10")
    call("runs", "tag", first.id, "a b")

    def ids(*arguments: str) -> list[str]:
        return [run["id"] for run in json.loads(call("runs", "list", *arguments, "--json"))]

    assert ids() == [third.id, second.id, first.id]
    assert ids("--state", "stopped") == [third.id, first.id] and ids("--state", "finished") == [second.id]
    assert ids("--tag", "a b") == [first.id] and ids("--data", "cifar10") == [third.id]
    assert ids("--data", "digits", "--state", "stopped") == [first.id]
    assert "state=odd is no state of a run" in refuse("runs", "list", "--state", "odd")
    heading, *lines = call("runs").splitlines()
    assert heading.split()[:3] == ["run", "state", "step"] and [line.split()[0] for line in lines] == ids()
    assert "75.00%" in lines[0] and lines[2].endswith("a b")


def test_a_run_is_shown_with_what_is_not_usual_in_it(call, refuse, tmp_path):
    run = make_run(seed=3, folder=tmp_path / "mine")
    rows = dict(line.split(maxsplit=1) for line in call("runs", "show", "mine").splitlines())
    assert rows["said"] == "Ended." and rows["Seed"] == "3" and rows["directory"] == "mine" and "Epochs" not in rows
    shown = json.loads(call("runs", "show", run.folder, "--json"))
    assert shown["id"] == "mine" and shown["settings"]["seed"] == 3
    assert "There is no run" in refuse("runs", "show", "other")


def test_notes_and_tags_stand_apart(call, refuse):
    run = make_run()
    call("runs", "note", run.id, "one\x1b[2Jtwo")
    assert call("runs", "tag", run.id, "a", "b b", "a") == "a, b b\n"
    assert call("runs", "tag", run.id, "c", "--remove", "a") == call("runs", "tag", run.id) == "b b, c\n"
    assert run.notes == Notes("one\x1b[2Jtwo", ("b b", "c")) and "\x1b" not in call("runs", "show", run.id)
    call("runs", "note", run.id, "")
    assert run.notes == Notes("", ("b b", "c"))
    assert "is no tag" in refuse("runs", "tag", run.id, "a,b") and "allowed" in refuse(
        "runs", "note", run.id, "x" * 2001
    )


def test_only_a_run_with_a_worker_is_asked_to_stop_or_pause(call, refuse):
    run = make_run()
    for verb in ("stop", "pause"):
        assert "is stopped: it has no worker" in refuse("runs", verb, run.id)
    with run.lock().acquire():
        call("runs", "pause", run.id)
        assert run.is_asked_to_pause() and not run.is_asked_to_stop()
        call("runs", "stop", run.id)
        assert run.is_asked_to_stop()


def test_resume_starts_one_worker_a_run_and_one_for_those_of_a_race(call, refuse, monkeypatch):
    from explorer.training import worker

    started = []
    monkeypatch.setattr(worker, "start_worker", lambda *runs: started.append([run.id for run in runs]))
    run, paused, done = make_run(), make_run(status="paused"), make_run(status="finished")
    facts = "digits", (1, 32, 32), 10, TrainConfig()
    race = [create_run(parse_variant(f"resnet{depth}"), *facts, race="r") for depth in (8, 14)]
    for each in race:
        (each.folder / "starting").unlink()
    call("runs", "resume", run.id, race[0].id, paused.id, race[1].id, run.id)
    assert started == [[run.id], [race[0].id, race[1].id], [paused.id]]
    assert "is finished: nothing is left to train" in refuse("runs", "resume", run.id, done.id)
    with run.lock().acquire():
        assert "is running already" in refuse("runs", "resume", run.id)
    assert len(started) == 3


def test_a_run_is_saved_under_its_own_name_or_another(call, refuse, tmp_path):
    run = make_run()
    (path,) = call("runs", "export", run.id, "--format", "csv").split()
    assert [row["step"] for row in csv.DictReader(io.StringIO((tmp_path / path).read_text()))] == ["10"]
    (tmp_path / "folder").mkdir()
    assert call("runs", "export", run.id, "-o", "folder").startswith("folder/resnet8")
    assert call("runs", "export", run.id, "--format", "json", "-o", "x.json") == "x.json\n"
    assert json.loads((tmp_path / "x.json").read_text())["run"]["id"] == run.id
    assert "is no format for a run" in refuse("runs", "export", run.id, "--format", "png")
    assert "can't be written" in refuse("runs", "export", run.id, "-o", "nowhere/x.html")


def test_runs_are_deleted_when_one_says_so(call, refuse, monkeypatch):
    first, second, third = make_run(), make_run(), make_run()
    monkeypatch.setattr(sys, "stdin", io.StringIO("n\n"))
    assert call("runs", "delete", first.id).endswith("Nothing was deleted.\n") and len(list_runs()) == 3
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    call("runs", "delete", first.id)
    with third.lock().acquire():
        assert "is running: stop it first" in refuse("runs", "delete", third.id, "--yes")
    assert "There is no run" in refuse("runs", "delete", second.id, first.id, "--yes")
    assert call("runs", "delete", second.id, "--yes") == f"Deleted {second.id}.\n"
    assert [run.id for run in list_runs()] == [third.id]


def test_compare_shows_what_differs(call, refuse):
    first, second = make_run(seed=1), make_run(lr=0.2)
    lines = [line.split() for line in call("runs", "compare", first.id, second.id).splitlines()]
    assert lines[0] == [first.id, second.id] and ["lr", "auto", "0.2"] in lines and ["seed", "1", "0"] in lines
    assert ["held", "out", "75.00%", "75.00%"] in lines and not any(line[0] == "epochs" for line in lines)
    told = json.loads(call("runs", "compare", first.id, second.id, "--json"))
    assert told["differences"] == {"lr": ["auto", "0.2"], "seed": ["1", "0"]} and len(told["runs"]) == 2
    assert "nothing to compare" in refuse("runs", "compare", first.id)


def test_recipes_tell_their_source_and_every_setting_its_range(call, refuse):
    text = call("recipes")
    assert all(f"{name}: {recipe.title}" in text and recipe.source in text for name, recipe in RECIPES.items())
    assert all(f"\n  {name}=" in text for name in SETTINGS) and "goes from 1 to 1,000" in text
    one = call("recipes", "he2015")
    assert "8.75 %" in one and "Epochs" in one and "wrn" not in one
    assert "did you mean finetune?" in refuse("recipes", "fintune")
    for told in json.loads(call("recipes", "--json")):
        sets = ",".join(told.get("sets", "").split())
        assert parse_recipe(sets) == RECIPES[told["name"]].config


def test_looking_at_runs_loads_no_torch(tmp_path):
    run = make_run()
    code = (
        "import sys; from explorer.cli import main\n"
        "for verb in (['list'], ['show', sys.argv[1]], ['export', sys.argv[1], '-o', 'x.html']):\n"
        "    main(['runs', *verb])\n"
        "print(*{'torch', 'gradio', 'plotly'} & set(sys.modules), file=sys.stderr)"
    )
    command = [sys.executable, "-c", code, run.id]
    ended = subprocess.run(command, capture_output=True, text=True, check=True, env=dict(os.environ), timeout=100)
    assert ended.stderr == "\n" and (tmp_path / "x.html").exists()

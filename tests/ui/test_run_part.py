import json
from base64 import b64decode

import pytest

import handmade
from explorer.exports import FORMATS, export_run
from explorer.training.runs import find_run_by_id
from explorer.ui.run_compare import compare_runs
from explorer.ui.run_export import export
from explorer.ui.run_part import (
    describe_view,
    pause_runs,
    read_answers,
    read_film,
    read_race,
    read_runs,
    resume_runs,
    stop_runs,
)

FUNCTIONS = (read_runs, read_race, read_film, read_answers, pause_runs, stop_runs, resume_runs, compare_runs, export)


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLORER_HOME", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.__name__)
@pytest.mark.parametrize(
    "question",
    [
        None, [], {}, {"id": None}, {"id": "../../etc"}, {"id": "nobody"}, {"ids": "x"}, {"ids": [None, {}]},
        {"race": []}, {"runs": 5}, {"runs": [5]}, {"id": "\ud800"}, {"ids": []}, {"id": "a" * 5000, "format": {}},
    ],
)  # fmt: skip
def test_whatever_is_asked_gets_a_sentence(home, function, question):
    handmade.make_run(home, "there")
    (error,) = function(question).values()
    assert isinstance(error, str) and error.endswith(".") and len(error) < 300


def test_records_come_whole_once_and_in_portions(home):
    run = handmade.make_run(home, "one", race="r1")
    (told,) = read_runs({"runs": [{"id": "one", "offset": 0}]})["runs"]
    assert json.loads(told["records"]) == run.read_records()[0]
    assert told["offset"] == run.records_path.stat().st_size and told["more"] is False
    assert told["state"] == "finished" and told["race"] == "r1" and told["params"] > 70_000
    assert told["film"] == run.film_path.stat().st_size and told["answers"]
    (again,) = read_runs({"runs": [{"id": "one", "offset": told["offset"]}]})["runs"]
    assert json.loads(again["records"]) == [] and again["offset"] == told["offset"]
    json.dumps([told, describe_view("one")], allow_nan=False)


@pytest.mark.parametrize("offset", [-1, 10**30, "7", None, 1.5, True])
def test_a_strange_offset_reads_something(home, offset):
    handmade.make_run(home, "one")
    (told,) = read_runs({"runs": [{"id": "one", "offset": offset}]})["runs"]
    assert "error" not in told
    assert "error" not in read_film({"id": "one", "offset": offset})


def test_of_many_runs_each_that_is_missing_says_so_by_itself(home):
    handmade.make_run(home, "one")
    told = read_runs({"runs": [{"id": "one"}, {"id": "gone"}] + [{"id": "one"}] * 20})["runs"]
    assert len(told) == 8 and told[0]["state"] == "finished" and "There is no run gone" in told[1]["error"]


def test_film_and_answers(home):
    handmade.make_run(home, "one")
    told = read_film({"id": "one", "offset": 0})
    assert [frame["step"] for frame in told["frames"]] == [20, 40, 60, 80, 100] and not told["more"]
    assert read_film({"id": "one", "offset": told["offset"]})["frames"] == []
    assert read_answers({"id": "one"})["answers"]["confusion"][1] == [4, 5, 1]
    handmade.make_run(home, "young", steps=10)
    assert read_answers({"id": "young"}) == {"answers": None}


def test_a_race_is_its_runs_in_the_order_they_were_made(home):
    for place in range(3):
        handmade.make_run(home, f"z{9 - place}", race="r1")
    handmade.make_run(home, "other", race="r2")
    assert read_race({"race": "r1"}) == {"ids": ["z9", "z8", "z7"]}
    assert "no such race" in read_race({"race": ""})["error"]


def test_pause_and_stop_reach_living_runs_alone(home):
    run, ended = handmade.make_run(home, "one", final=""), handmade.make_run(home, "two")
    with run.lock():
        assert pause_runs({"ids": ["one", "two"]}) == {}
        assert run.is_asked_to_pause() and not ended.is_asked_to_pause()
        (told,) = read_runs({"runs": [{"id": "one"}]})["runs"]
        assert told["state"] == "running" and told["asked"] == "pause" and not told["can_resume"]
        stop_runs({"ids": ["one", "two"]})
        assert run.is_asked_to_stop() and not ended.is_asked_to_stop()
        assert "nothing to resume" in resume_runs({"ids": ["one", "two"]})["error"]


def test_runs_of_a_race_are_resumed_by_one_worker(home, monkeypatch):
    import explorer.training.worker as worker

    for name, race in (("a", "r1"), ("b", "r1"), ("c", "")):
        handmade.make_run(home, name, final="paused", race=race)
    started = []
    monkeypatch.setattr(worker, "start_worker", lambda *runs: started.append({run.id for run in runs}))
    assert resume_runs({"ids": ["a", "b", "c"]}) == {}
    assert sorted(map(sorted, started)) == [["a", "b"], ["c"]]


def test_differences_name_what_differs_and_nothing_else(home):
    handmade.make_run(home, "a")
    handmade.make_run(home, "b", variant="resnet8,shortcut=none", recipe="epochs=4,batch_size=32,flip=yes")
    rows = {row["name"]: row for row in compare_runs({"ids": ["a", "b"]})["rows"]}
    assert list(rows) == ["variant", "recipe", "batch_size", "flip"]
    assert rows["batch_size"]["values"] == ["64", "32"] and rows["flip"]["values"] == ["auto", "yes"]
    assert rows["batch_size"]["label"] == "Batch size"
    assert compare_runs({"ids": ["a", "a"]}) == {"rows": []}


def test_an_export_is_the_file_that_the_command_line_writes(home):
    run = handmade.make_run(home, "one")
    for format in set(FORMATS) - {"tensorboard"}:  # which is an extra
        told = export({"id": "one", "format": format})
        assert (told["name"], b64decode(told["content"])) == export_run(run, format)
    assert "choose from csv" in export({"id": "one", "format": "exe" * 100})["error"]


def test_a_run_of_unknown_grammar_is_still_shown(home):
    run = handmade.make_run(home, "one")
    path = run.folder / "run.json"
    path.write_text(path.read_text().replace('"trained": "', '"trained": "x'))
    (told,) = read_runs({"runs": [{"id": "one"}]})["runs"]
    assert told["params"] is None and told["state"] == "finished"
    assert find_run_by_id("one").spec.trained.startswith("x")

"""On a shared page a run is changed by the browser that started it alone."""

import pytest

import handmade
from explorer.training.removal import delete_run as remove
from explorer.training.runs import find_run_by_id
from explorer.ui.events import answer
from explorer.ui.keys import give_key, guard
from explorer.ui.run_list import annotate_run, delete_run
from explorer.ui.run_part import pause_runs, resume_runs, stop_runs
from explorer.ui.train_start import create_start_function

QUESTION = {"variants": ["resnet8"], "data": "digits", "recipe": "quick,epochs=1"}


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLORER_HOME", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("function", [annotate_run, delete_run, pause_runs, stop_runs, resume_runs])
@pytest.mark.parametrize("keys", [None, [], ["other"], "", [""], [None], {"a": 1}])
def test_without_its_key_a_run_is_left_alone(home, function, keys):
    mine, other = (handmade.make_run(home, name, steps=20, final="") for name in ("mine", "other"))
    key = give_key([mine])
    give_key([other])
    with mine.lock(), other.lock():
        for question in ({"id": "other", "ids": ["mine", "other"], "keys": [key]}, {"ids": ["mine"], "keys": keys}):
            assert "started in another browser" in guard(function, True)({"id": "mine", **question})["error"]
        assert not any(run.is_asked_to_stop() or run.is_asked_to_pause() for run in (mine, other))


def test_with_its_key_it_is_changed_and_runs_without_one_belong_to_the_machine(home):
    mine, machines = (handmade.make_run(home, name) for name in ("mine", "machines"))
    key = give_key([mine])
    assert guard(annotate_run, True)({"id": "mine", "note": "so", "tags": [], "keys": ["x", key]})["note"] == "so"
    assert "another browser" in guard(delete_run, True)({"id": "machines", "keys": [key]})["error"]
    assert guard(delete_run, True)({"id": "mine", "keys": [key]}) == {} and not mine.folder.exists()
    assert "There is no run" in guard(delete_run, True)({"id": "../../etc", "keys": [key]})["error"]
    assert guard(delete_run, False)({"id": "machines"}) == {} and not machines.folder.exists()


def test_start_on_a_shared_page_gives_a_key_for_all_its_runs(monkeypatch):
    monkeypatch.setattr("explorer.training.worker.start_worker", lambda *runs, **others: None)
    alone = create_start_function(False)(QUESTION)
    assert "key" not in alone
    race = create_start_function(True)({**QUESTION, "variants": ["resnet8", "resnet8,shortcut=none"]})
    for id in race["runs"]:
        assert (find_run_by_id(id).folder / "key").read_text() == race["key"] and len(race["key"]) > 20
    run = find_run_by_id(race["id"])
    (run.folder / "starting").unlink()
    remove(run)
    assert not run.folder.exists()


def test_a_fault_is_a_sentence_too():
    @answer
    def divide(question):
        return {"share": 1 / question["by"]}

    assert divide({"by": 2}) == {"share": 0.5}
    assert divide({"by": 0})["error"].startswith("This is a fault of the page (ZeroDivisionError: division by zero)")

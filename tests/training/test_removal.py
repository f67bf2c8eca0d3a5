import os
import threading

import pytest

from explorer.architecture.variant import parse_variant
from explorer.errors import RunError
from explorer.training.config import TrainConfig
from explorer.training.queue import wait_for_turn
from explorer.training.removal import delete_run
from explorer.training.runs import Run, create_run, home, list_runs
from witness import is_one_clear_sentence


def make_run(folder=None) -> Run:
    run = create_run(parse_variant("resnet8,width=4"), "digits", (1, 32, 32), 10, TrainConfig(), folder)
    (run.folder / "starting").unlink()
    return run


def test_a_deleted_run_is_gone_whole():
    run, other = make_run(), make_run()
    for name in ("records.jsonl", "film.jsonl", "checkpoints/last.pt", "model.safetensors", "whatever"):
        (run.folder / name).touch()
    delete_run(run)
    assert [path.name for path in home().iterdir()] == [other.id] and [each.id for each in list_runs()] == [other.id]
    with pytest.raises(RunError, match="is no run"):
        delete_run(Run(run.folder))


def test_a_run_with_a_worker_is_refused():
    run = make_run()
    run.call_worker()
    with pytest.raises(RunError, match="is starting: stop it first"):
        delete_run(run)
    with wait_for_turn(run, "cpu"):
        run.greet_worker()
        with pytest.raises(RunError, match="is running: stop it first") as caught:
            delete_run(run)
        assert is_one_clear_sentence(str(caught.value))
        (run.folder / "queued").touch()
        with pytest.raises(RunError, match="is queued: stop it first"):
            delete_run(run)
    assert run.folder.is_dir()


def test_a_folder_that_holds_more_than_the_run_is_kept(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").touch()
    run = make_run(tmp_path / "mine")
    with pytest.raises(RunError, match=r"such as thesis\.tex") as caught:
        delete_run(run)
    assert is_one_clear_sentence(str(caught.value)) and (run.folder / "run.json").exists()
    (run.folder / "thesis.tex").unlink()
    (run.folder / "checkpoints" / "best.pt").touch()
    with pytest.raises(RunError, match=r"such as best\.pt"):
        delete_run(run)
    (run.folder / "checkpoints" / "best.pt").unlink()
    delete_run(run)
    assert [path.name for path in tmp_path.iterdir() if path.name != "home"] == []


def test_what_a_killed_deletion_left_is_never_listed_and_goes_with_the_next(monkeypatch):
    first, second = make_run(), make_run()
    monkeypatch.setattr("explorer.training.removal._remove", lambda folder: None)
    delete_run(first)
    assert len(list(home().iterdir())) == 2 and [run.id for run in list_runs()] == [second.id]
    monkeypatch.undo()
    monkeypatch.setenv("EXPLORER_HOME", str(first.folder.parents[1]))
    delete_run(second)
    assert list(home().iterdir()) == []


def test_of_two_who_delete_at_once_one_does(explorer_home):
    run, said = make_run(), []

    def delete() -> None:
        try:
            delete_run(Run(run.folder))
        except RunError as error:
            said.append(str(error))

    threads = [threading.Thread(target=delete) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(said) == 1 and is_one_clear_sentence(said[0]) and list(home().iterdir()) == []


def test_a_link_is_removed_and_what_it_leads_to_stays(tmp_path):
    run = make_run(tmp_path / "far")
    home().mkdir(parents=True)
    (home() / "near").symlink_to(run.folder)
    delete_run(Run(home() / "near"))
    assert not os.listdir(home()) and (run.folder / "run.json").exists()  # noqa: PTH208

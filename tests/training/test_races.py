import pytest
from filelock import FileLock

from explorer.errors import DataError, RunError, VariantError
from explorer.training.config import TrainConfig
from explorer.training.races import add_twin, prepare_race
from explorer.training.runs import Run
from explorer.training.worker import prepare_run, work, work_race

CONFIG = TrainConfig(epochs=2, batch_size=128, device="cpu", precision="float32", watch="none")
TINY = ["resnet8,width=4", "resnet8,width=4,shortcut=none"]


def read_curve(run: Run) -> list[tuple]:
    return [(r["kind"], r["step"], r["loss"]) for r in run.read_records()[0] if r["kind"] in ("step", "epoch")]


def silent(words: str) -> None:
    pass


def test_racing_changes_nothing_for_either(tmp_path):
    """Each run of a race is what it would have been alone; they share data, order and steps."""
    runs, dataset = prepare_race(TINY, "digits", CONFIG, tmp_path / "race")
    assert len({run.spec.race for run in runs}) == 1 and runs[0].spec.race
    finals = work_race(runs, dataset, silent)
    assert [final.status for final in finals] == ["finished", "finished"]
    for text, run in zip(TINY, runs, strict=True):
        alone, _ = prepare_run(text, "digits", CONFIG, tmp_path / "alone" / run.id)
        work(alone, dataset, silent)
        assert read_curve(run) == read_curve(alone)


def test_the_one_behind_goes_first(tmp_path):
    order = []
    runs, dataset = prepare_race(TINY, "digits", CONFIG, tmp_path / "race")
    work_race(runs, dataset, lambda words: order.append(words.split()[0:2]))
    epochs = [words[1] for words in order if words[0] == "epoch"]
    assert epochs == ["1/2", "1/2", "2/2", "2/2"]


def test_one_that_fails_leaves_the_other_going(tmp_path):
    runs, _ = prepare_race(TINY, "digits", CONFIG, tmp_path / "race")
    runs[0].checkpoint_path.write_bytes(b"junk")
    finals = work_race(runs, None, silent)
    assert [final.status for final in finals] == ["failed", "finished"]
    assert [run.state() for run in runs] == ["failed", "finished"]
    runs[0].checkpoint_path.unlink()
    assert work(runs[0], None, silent).status == "finished"  # and can be made good alone


def test_a_second_worker_is_refused_and_holds_nothing(tmp_path):
    runs, dataset = prepare_race(TINY, "digits", CONFIG, tmp_path / "race")
    with FileLock(runs[1].folder / "lock"), pytest.raises(RunError, match="has a worker already"):
        work_race(runs, dataset, silent)
    assert not any(run.is_locked() for run in runs)


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["resnet20"], ["resnet20", "resnet20,shortcut=none"]),
        (["plain20"], ["resnet20,shortcut=none", "resnet20"]),
        (["resnet20", "plain20"], ["resnet20", "resnet20,shortcut=none"]),
    ],
)
def test_the_twin_is_added_once(texts, expected):
    assert add_twin(texts) == expected


@pytest.mark.parametrize(
    ("error", "variants", "data"),
    [
        (RunError, ["resnet8"], "digits"),
        (RunError, ["resnet8", "resnet8"], "digits"),
        (RunError, ["resnet8", "resnet14", "resnet20", "resnet26", "resnet32"], "digits"),
        (VariantError, ["resnet8", "resnet9000"], "digits"),
        (DataError, TINY, "mnist9"),
    ],
)
def test_what_is_no_race_is_refused_before_anything_is_written(tmp_path, error, variants, data):
    with pytest.raises(error) as caught:
        prepare_race(variants, data, CONFIG, tmp_path / "race")
    assert "\n" not in str(caught.value) and not (tmp_path / "race").exists()


def test_a_dense_network_has_no_twin():
    with pytest.raises(RunError, match="has no plain twin"):
        add_twin(["densenet40_k12"])

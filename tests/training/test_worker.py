import errno
import multiprocessing
import os
import runpy
import shutil
import signal
import subprocess
import sys
import threading
import time
from multiprocessing import forkserver
from pathlib import Path

import numpy
import pytest
import torch
from PIL import Image
from safetensors import safe_open

from explorer.architecture.variant import parse_variant
from explorer.errors import DataError, DeviceError, ExplorerError, RunError, VariantError
from explorer.network.checkpoints import read_checkpoint
from explorer.training import life
from explorer.training.config import TrainConfig
from explorer.training.runs import ALIVE, Run, create_run, merge_records
from explorer.training.worker import describe_failure, prepare_run, start_worker, work

TINY = "resnet8,width=4"
ENVIRONMENT = {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "", "PYTHONWARNINGS": "error"}


@pytest.fixture
def folder(tmp_path) -> Path:
    """40 images of 8x8 in two classes, dark and light."""
    rng = numpy.random.default_rng(0)
    for name, low in (("dark", 0), ("light", 128)):
        (tmp_path / "data" / name).mkdir(parents=True)
        for number in range(20):
            pixels = rng.integers(low, low + 128, (8, 8, 3), dtype=numpy.uint8)
            Image.fromarray(pixels).save(tmp_path / "data" / name / f"{number:02}.png")
    return tmp_path / "data"


def train(*arguments: object) -> tuple[int, str, str]:
    """The command line in a fresh interpreter: exit code, output, errors."""
    command = [sys.executable, "-m", "explorer", "train", *map(str, arguments)]
    ended = subprocess.run(command, env={**os.environ, **ENVIRONMENT}, capture_output=True, text=True, timeout=100)
    return ended.returncode, ended.stdout, ended.stderr


@pytest.fixture(scope="module")
def server():
    """Forks children from a process that has imported torch, which takes seconds, but never computed anything."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["explorer.cli", "explorer.training.worker", "sklearn.datasets"])
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        forkserver.ensure_running()
    return context


class Child:
    """A worker of its own process: `python -m explorer train --run DIR`, without the time to start Python."""

    def __init__(self, context, run: Run, output: Path, limit: int = 0) -> None:
        self.output = [output / f"{time.monotonic_ns()}.{name}" for name in ("out", "err")]
        values = {
            "arguments": ["train", "--run", str(run.folder)],
            "output": list(map(str, self.output)),
            "limit": limit,
        }
        self.process = context.Process(target=runpy.run_path, args=(str(Path(__file__).with_name("child.py")), values))
        self.process.start()

    def __enter__(self) -> "Child":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.join()

    def end(self) -> tuple[int | None, str, str]:
        """Wait for it: exit code, output, errors."""
        self.process.join(60)
        return self.process.exitcode, *(path.read_text() for path in self.output)


@pytest.fixture
def child(server, tmp_path):
    (tmp_path / "output").mkdir()
    return lambda run, limit=0: Child(server, run, tmp_path / "output", limit)


def wait_until(condition, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.005)


def prepare(data: object, folder: Path, **settings) -> Run:
    defaults = {"epochs": 2, "batch_size": 8, "device": "cpu"}
    return prepare_run(TINY, str(data), TrainConfig(**{**defaults, **settings}), folder)[0]


def silent(text: str) -> None:
    """Takes what the worker says."""


def test_a_whole_life_on_digits(tmp_path):
    run = Run(tmp_path / "run")
    code, out, err = train("resnet8", "--data", "digits", "--epochs", 2, "--run", run.folder)
    assert (code, err) == (0, "")
    assert "1,618 images to train on, 179 held out, 50 steps on cpu" in out and "epoch 2/2" in out
    assert run.state() == "finished" and not (run.folder / "starting").exists()
    records = run.read_records()[0]
    assert [record["step"] for record in records if record["kind"] == "step"] == list(range(1, 51))
    assert [(record["kind"], record["step"]) for record in records[-2:]] == [("epoch", 50), ("final", 50)]
    assert records[-2]["accuracy"] > 0.2 and f"{records[-2]['accuracy']:.1%}" in records[-1]["message"]
    state, card = read_checkpoint(run.weights_path)
    assert card["variant"] == "resnet8,input=1x32x32" and card["data"] == "digits" and "conv1.weight" in state
    assert not list(run.folder.rglob("*.tmp"))


def test_a_second_worker_is_refused_and_a_stopped_run_resumes(tmp_path, folder, child):
    run = prepare(f"folder:{folder}", tmp_path / "run", epochs=1000)
    with child(run) as first:
        wait_until(run.last_record)
        assert run.state() == "running"
        with child(run) as second:
            code, out, err = second.end()
        assert code == 2 and out == "" and err.count("\n") == 1 and "has a worker already" in err
        assert run.state() == "running"
        os.kill(first.process.pid, signal.SIGTERM)
        code, out, err = first.end()
    assert (code, err) == (0, "") and run.state() == "stopped" and "Stopped after" in out
    step = run.last_record()["step"]
    assert torch.load(run.checkpoint_path, weights_only=True)["step"] == step and run.weights_path.exists()
    (run.folder / "stop").touch()  # an old one
    with child(run) as third:
        wait_until(lambda: run.last_record()["step"] > step)
        run.ask_to_stop()
        code, out, err = third.end()
    assert (code, err) == (0, "") and f"Goes on from step {step:,}." in out and run.state() == "stopped"


def test_a_killed_worker_leaves_a_readable_run_that_ends_as_it_would_have(tmp_path, folder, child):
    """SIGKILL while it loads, while it trains and while it writes; then on to the end, equal to a run left alone."""
    settings = {"epochs": 40, "batch_size": 4}
    calm, run = (prepare(f"folder:{folder}", tmp_path / name, **settings) for name in ("calm", "run"))

    def is_past(step: int) -> bool:
        return (run.last_record() or {}).get("step", 0) > step

    moments = [
        lambda: run.is_locked() and not run.is_starting(),  # before that it reads as starting, for a minute at most
        lambda: run.records_path.exists() and not run.is_starting(),
        lambda: is_past(20),
        lambda: (is_past(40) and any(run.checkpoint_path.parent.glob(".*.tmp"))) or is_past(200),
        lambda: (is_past(200) and any(run.checkpoint_path.parent.glob(".*.tmp"))) or is_past(300),
    ]
    for moment in moments:
        with child(run):
            wait_until(moment)
        assert run.state() == "interrupted" and not run.is_locked()
        if run.checkpoint_path.exists():
            torch.load(run.checkpoint_path, weights_only=True)
    with child(run) as last, child(calm) as other:
        assert last.end()[::2] == other.end()[::2] == (0, "")
    assert run.state() == "finished" and not list(run.folder.rglob(".*.tmp"))
    lives = [merge_records(each.read_records(0, 1 << 26)[0])[:-1] for each in (calm, run)]
    for record in lives[0] + lives[1]:
        for machines_own in ("images_per_second", "memory"):
            record.pop(machines_own, None)
    assert lives[0] == lives[1]
    assert sum(record["kind"] in ("step", "epoch") for record in lives[0]) == 40 * 9 + 40
    with safe_open(calm.weights_path, "pt") as a, safe_open(run.weights_path, "pt") as b:
        assert all(torch.equal(a.get_tensor(key), b.get_tensor(key)) for key in a.keys())  # noqa: SIM118


def test_started_in_a_session_of_its_own(tmp_path, folder, monkeypatch):
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    run = prepare(f"folder:{folder}", tmp_path / "run", epochs=1000)
    start_worker(run)
    assert run.state() in ALIVE
    run.ask_to_stop()  # at once, before it holds the lock
    wait_until(lambda: run.state() not in ALIVE)
    assert run.state() == "stopped" and run.last_record()["step"] <= 2
    assert "Stopped after" in (run.folder / "worker.log").read_text()
    shutil.rmtree(run.folder)
    with pytest.raises(RunError, match="can't be started"):
        start_worker(run)


def test_without_the_gpu_that_was_asked_for_nothing_is_written(tmp_path):
    code, out, err = train("resnet8", "--device", "cuda", "--run", tmp_path / "run")
    assert code == 2 and out == "" and err.count("\n") == 1 and "device=cuda is not on this machine" in err
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("error", "changes"),
    [
        (VariantError, {"variant": "resnet9000"}),
        (DataError, {"data": "folder:/none"}),
        (DataError, {"data": "mnist"}),
        (DeviceError, {"device": "tpu9"}),
        (DeviceError, {"device": "cuda:1000"}),
        (RunError, {"batch_size": 8192}),
        (VariantError, {"variant": "resnet152,width=4096"}),
    ],
)
def test_what_can_not_be_trained_is_refused_before_anything_is_written(tmp_path, error, changes):
    arguments = {"variant": TINY, "data": "digits", **changes}
    settings = {name: arguments.pop(name) for name in ("device", "batch_size") if name in arguments}
    with pytest.raises(error) as caught:
        prepare_run(**arguments, config=TrainConfig(**settings), folder=tmp_path / "run")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_a_vanished_folder_ends_with_a_sentence_and_loses_nothing(tmp_path, folder):
    run = prepare(f"folder:{folder}", tmp_path / "run")
    assert work(run, say=silent).status == "finished"
    weights = run.weights_path.read_bytes()
    folder.rename(tmp_path / "elsewhere")
    final = work(run, say=silent)
    assert final.status == "failed" and "is no folder" in final.message and run.state() == "failed"
    assert run.weights_path.read_bytes() == weights
    (tmp_path / "elsewhere").rename(folder)
    assert work(run, say=silent).status == "finished"


def test_changed_data_is_refused(tmp_path, folder):
    run = prepare(f"folder:{folder}", tmp_path / "run")
    work(run, say=silent)
    (folder / "light" / "00.png").unlink()
    (folder / "light" / "01.png").unlink()
    assert "images to train on, and were 36" in work(run, say=silent).message
    shutil.copytree(folder / "light", folder / "more")
    final = work(run, say=silent)
    assert final.status == "failed" and "holds 3 classes of 3×8×8 images, and held 2" in final.message


@pytest.mark.parametrize("content", [b"", b"junk", b"PK\x03\x04junk", "cut", "other"])
def test_a_damaged_checkpoint_is_named_in_one_sentence(tmp_path, folder, content):
    run = prepare(f"folder:{folder}", tmp_path / "run", epochs=1)
    work(run, say=silent)
    whole = run.checkpoint_path.read_bytes()
    if content == "other":
        torch.save({"step": 3}, run.checkpoint_path)
    else:
        run.checkpoint_path.write_bytes(whole[: len(whole) // 2] if content == "cut" else content)
    final = work(run, say=silent)
    assert final.status == "failed" and "last.pt can't be used" in final.message and "\n" not in final.message
    run.checkpoint_path.unlink()
    assert work(run, say=silent).status == "finished"


def test_a_run_that_can_not_be_written_is_refused(tmp_path, folder):
    run = prepare(f"folder:{folder}", tmp_path / "run")
    run.records_path.mkdir()
    with pytest.raises(RunError, match=r"can't be written: .*directory"):
        work(run, say=silent)
    assert not run.is_locked()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_ends_with_one_sentence(tmp_path, folder, child):
    run = prepare(f"folder:{folder}", tmp_path / "run")
    run.records_path.symlink_to("/dev/full")
    with child(run) as full:
        code, _, err = full.end()
    assert code == 2 and err.count("\n") == 1 and "The disk is full" in err
    run.records_path.unlink()
    assert run.state() == "interrupted"
    assert work(run, say=silent).status == "finished"


def test_a_checkpoint_that_does_not_fit_leaves_the_one_before(tmp_path, folder, child):
    """The child may write files half as large as a checkpoint, which is enough for its records."""
    run = prepare(f"folder:{folder}", tmp_path / "run", epochs=1)
    work(run, say=silent)
    before = run.checkpoint_path.read_bytes()
    config = TrainConfig(epochs=3, batch_size=8, device="cpu")
    longer = create_run(parse_variant(TINY), run.spec.data, (3, 8, 8), 2, config, tmp_path / "long")
    shutil.copy(run.checkpoint_path, longer.checkpoint_path)
    with child(longer, limit=len(before) // 2) as limited:
        code, _, err = limited.end()
    assert code == 2 and err.count("\n") == 1 and "too large" in err
    assert longer.checkpoint_path.read_bytes() == before and longer.state() == "failed"
    assert [path.name for path in longer.checkpoint_path.parent.iterdir()] == ["last.pt"]
    final = work(longer, say=silent)
    assert final.status == "finished" and final.step == 12


def test_every_failure_is_one_line():
    full = OSError(errno.ENOSPC, "No space left on device")
    assert describe_failure(full).startswith("The disk is full")
    assert "memory" in describe_failure(MemoryError())
    assert "memory" in describe_failure(torch.OutOfMemoryError("CUDA out of memory. Tried ..."))
    assert "memory" in describe_failure(RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried ..."))
    assert describe_failure(RuntimeError("one\ntwo")) == "The run failed: one two"
    assert describe_failure(RuntimeError()) == "The run failed: RuntimeError"
    assert (
        describe_failure(OSError(5, "Input/output error", "x")) == "A file could not be used: Input/output error (x)."
    )
    assert describe_failure(ExplorerError("said")) == "said"


def test_another_thread_may_work_without_signals(tmp_path, folder):
    run, finals = prepare(f"folder:{folder}", tmp_path / "run"), []
    thread = threading.Thread(target=lambda: finals.append(work(run, say=silent)))
    thread.start()
    thread.join()
    assert finals[0].status == "finished"


def test_signals_are_handed_back(tmp_path, folder):
    before = signal.getsignal(signal.SIGTERM)
    work(prepare(f"folder:{folder}", tmp_path / "run"), say=silent)
    assert signal.getsignal(signal.SIGTERM) is before


def test_checkpoints_are_written_as_time_goes(tmp_path, folder, monkeypatch):
    saved = []
    monkeypatch.setattr(life, "CHECKPOINT_SECONDS", -1)
    monkeypatch.setattr(life.Life, "_save_checkpoint", lambda self: saved.append(self.trainer.step))
    work(prepare(f"folder:{folder}", tmp_path / "run", epochs=1), say=silent)
    assert saved == [1, 2, 3, 4, 4]

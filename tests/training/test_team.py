"""Several processes train one network: started by torchrun, as a person would, on the CPU."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from explorer.cli import main
from explorer.errors import RunError
from explorer.training.runs import Run
from explorer.training.team import SOLO, Team

RECIPE = "quick,epochs=2,precision=float32,lr=0.02,watch=none"
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}


def train(*arguments: object, processes: int = 1, options: tuple[str, ...] = ()) -> subprocess.Popen:
    torchrun = ["-m", "torch.distributed.run", "--nproc-per-node", str(processes), "--standalone", *options]
    command = [sys.executable, *(torchrun if processes > 1 else []), "-m", "explorer", "train", *map(str, arguments)]
    return subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def end(process: subprocess.Popen) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=200)
    return process.returncode, out, err


def read_curve(folder: Path) -> list[tuple[str, int, float]]:
    records = Run(folder).read_records(0, 1 << 24)[0]
    return [(r["kind"], r["step"], r["loss"]) for r in records if r["kind"] in ("step", "epoch")]


def read_weights(folder: Path) -> dict[str, torch.Tensor]:
    return torch.load(folder / "checkpoints" / "last.pt", weights_only=True)["network"]


def test_two_processes_train_as_one(tmp_path):
    """With the same batch and group norm: exactly as one process that takes the batch in two pieces."""
    variant = ("resnet8,width=4,norm=group", "--recipe", RECIPE)
    team = train(*variant, "--run-dir", tmp_path / "team", processes=2)
    pieces = train(*variant[:2], f"{RECIPE},accumulate=2", "--run", tmp_path / "pieces")
    whole = train(*variant, "--run", tmp_path / "whole")
    code, out, err = end(team)
    assert code == 0, err
    assert out.count("Finished after 50 of 50 steps") == 1 and "epoch 2/2" in out
    assert end(pieces)[0] == end(whole)[0] == 0
    curves = {name: read_curve(tmp_path / name) for name in ("team", "pieces", "whole")}
    assert [row[:2] for row in curves["team"]] == [row[:2] for row in curves["whole"]] and len(curves["team"]) == 52
    assert [row[2] for row in curves["team"]] == pytest.approx([row[2] for row in curves["pieces"]], rel=1e-6)
    assert [row[2] for row in curves["team"]] == pytest.approx([row[2] for row in curves["whole"]], rel=0.02)
    assert [row[2] for row in curves["team"][:3]] == pytest.approx([row[2] for row in curves["whole"][:3]], rel=1e-5)
    for name, value in read_weights(tmp_path / "team").items():
        assert torch.equal(value, read_weights(tmp_path / "pieces")[name]), name


def find_workers(process: subprocess.Popen) -> list[int]:
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return [int(child) for child in children]


@pytest.mark.skipif(sys.platform != "linux", reason="finds the processes in /proc")
def test_a_killed_process_is_replaced_and_the_run_goes_on_from_its_checkpoint(tmp_path):
    run = Run(tmp_path / "run")
    recipe = "quick,epochs=8,precision=float32,lr=0.02,watch=none"
    arguments = ("resnet8,width=4", "--recipe", recipe, "--run-dir", run.folder)
    team = train(*arguments, processes=2, options=("--max-restarts", "1"))
    deadline = time.time() + 100
    while not run.checkpoint_path.exists():
        assert time.time() < deadline and team.poll() is None, end(team)
        time.sleep(0.02)
    os.kill(find_workers(team)[-1], signal.SIGKILL)
    code, out, err = end(team)
    assert code == 0, err
    assert "Goes on from step" in out and "Batch norm: each of the 2 processes normalises its own part" in out
    assert run.state() == "finished" and run.last_record()["step"] == 8 * 25


def test_what_a_team_can_not_do_gets_one_sentence(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, err = end(train("resnet8", "--batch-size", "63", "--run-dir", "run", processes=2))
    assert code != 0 and "can't be shared evenly by 2 processes" in err + out


def test_a_team_needs_a_directory_to_come_back_to(monkeypatch, capsys):
    """As torchrun would start each of its processes."""
    for name, value in (("RANK", "0"), ("LOCAL_RANK", "0"), ("WORLD_SIZE", "2")):
        monkeypatch.setenv(name, value)
    assert main(["train", "resnet8"]) == 2
    assert "with --run a directory" in capsys.readouterr().err


def test_parts_of_a_batch_are_equal_and_cover_it():
    parts = [Team(rank, 4).part(64) for rank in range(4)]
    assert [index for part in parts for index in range(*part.indices(64))] == list(range(64))
    with pytest.raises(RunError, match="batch_size=10 can't be shared evenly by 4"):
        Team(0, 4).part(10)


def test_alone_nothing_is_asked_of_others():
    values = torch.ones(3)
    SOLO.add(values)
    SOLO.average([values])
    assert torch.equal(values, torch.ones(3)) and SOLO.agree(True, values.device) and SOLO.tell("so") == "so"
    assert SOLO.leads and SOLO.describe_norms(torch.nn.BatchNorm2d(1), values.device) == ""

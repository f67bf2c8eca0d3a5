import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from explorer.architecture.variant import parse_variant
from explorer.errors import ExplorerError
from explorer.records import FinalRecord, StepRecord
from explorer.training.config import TrainConfig
from explorer.training.failures import describe_failure, explain_run
from explorer.training.runs import RecordWriter, Run, create_run
from witness import is_one_clear_sentence


def make_run() -> Run:
    run = create_run(parse_variant("resnet8,width=4"), "digits", (1, 32, 32), 10, TrainConfig())
    (run.folder / "starting").unlink()
    return run


def write(run: Run, record) -> None:
    writer = RecordWriter(run)
    writer.write(record)
    writer.close()


@pytest.mark.parametrize(
    ("way", "words"),
    [
        ("memory", "The device ran out of memory: resume when more is free, or start again with accumulate=2"),
        ("list", "The device ran out of memory"),
        ("killed", "A process that decodes images died, most often for want of memory"),
        ("gone", "/nowhere/2.png is gone: put it back where it was, then resume."),
        ("large", "A file became too large"),
        ("full", "The disk is full: free some space, then resume."),
        ("nan", "A number in the network is no longer finite: try a third of the learning rate"),
    ],
)
def test_what_really_happened_is_said(tmp_path, way, words):
    """Each in a process of its own, brought about by the system's limits, signals and devices."""
    script = Path(__file__).with_name("failing.py")
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-W", "ignore", str(script), way, str(tmp_path / "file")]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=100, env=environment)
    assert ended.stdout.startswith(words), ended.stdout + ended.stderr
    assert is_one_clear_sentence(ended.stdout.rstrip("\n"))
    assert not (tmp_path / "file").exists()


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has ..."), "The GPU ran out"),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"), "The GPU ran out"),
        (RuntimeError("MPS backend out of memory (MPS allocated: 5 GB)"), "The GPU ran out"),
        (RuntimeError("CUDA error: device-side assert triggered"), "The GPU stopped with an error"),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), "The device ran out of memory"),
        (OSError(errno.EDQUOT, "Disk quota exceeded", "/x"), "Your quota on this disk is used up"),
        (OSError(errno.EROFS, "Read-only file system", "/x"), "The disk can only be read"),
        (OSError(errno.EMFILE, "Too many open files"), "Too many files are open"),
        (OSError(errno.EACCES, "Permission denied", "/x/y"), "/x/y may not be used"),
        (OSError(errno.EIO, "Input/output error", "x"), "A file could not be used: Input/output error (x)."),
        (OSError("odd"), "A file could not be used: odd."),
        (RuntimeError("unable to write to file </torch_1>: No space left on device (28)"), "The disk is full"),
        (RuntimeError("DataLoader worker (pid 7) is killed by signal: Bus error ... (shm)."), "The memory"),
        (RuntimeError("[gloo/transport/tcp/pair.cc:534] Connection closed by peer"), "Another process"),
        (RuntimeError("one\ntwo"), "The run failed: one two"),
        (RuntimeError(), "The run failed: RuntimeError"),
        (KeyError("\x1b[2J"), "The run failed: "),
        (ExplorerError("said"), "said"),
    ],
)  # fmt: skip
def test_words_of_errors_that_can_not_be_brought_about_here(error, words):
    said = describe_failure(error)
    assert said.startswith(words) and said.isprintable() and "kept" not in said


def test_a_file_that_names_memory_is_still_a_file():
    assert describe_failure(FileNotFoundError(2, "No such file", "/out of memory/a")).startswith(
        "/out of memory/a is gone"
    )


def test_a_checkpoint_that_is_left_is_told_of():
    run = make_run()
    full, odd = OSError(errno.ENOSPC, "No space left"), RuntimeError("odd")
    assert describe_failure(full, run.folder) == "The disk is full: free some space, then resume."
    run.checkpoint_path.touch()
    assert describe_failure(full, run.folder).endswith(
        "resume. The last checkpoint is kept: resume goes on from there."
    )
    assert describe_failure(odd, run.folder).startswith("The run failed: odd. The last checkpoint is kept")
    assert describe_failure(ExplorerError("said"), run.folder) == "said"


def test_a_vanished_run_is_told_from_vanished_data(tmp_path):
    run = make_run()
    with pytest.raises(FileNotFoundError) as data:
        (tmp_path / "gone" / "1.png").read_bytes()
    assert describe_failure(data.value, run.folder).startswith(f"{tmp_path}/gone/1.png is gone: put it back")
    run.folder.rename(tmp_path / "moved")
    with pytest.raises(FileNotFoundError) as own:
        RecordWriter(run)
    said = describe_failure(own.value, run.folder)
    assert said == f"The run's directory {run.folder} was moved or deleted: put it back, or start a new run."


def test_a_run_is_explained_by_its_last_word_or_by_the_want_of_one():
    run = make_run()
    assert "ended without a last word" in explain_run(run) and explain_run(run).endswith("Resume begins anew.")
    (run.folder / "worker.log").write_text("Traceback:\n  x\nImportError: no torch.\n\n")
    assert explain_run(run).startswith("Its worker could not begin (ImportError: no torch): mend that")
    write(run, StepRecord(1, 0.1, 1.0, 0.5, 0.1, 100.0))
    run.checkpoint_path.touch()
    assert explain_run(run).endswith("Resume goes on from the last checkpoint.")
    assert is_one_clear_sentence(explain_run(run))
    write(run, FinalRecord(1, "failed", "The disk is full."))
    assert explain_run(run) == "The disk is full."
    run.call_worker()
    assert explain_run(run) == ""

"""The worker of a run: one process, one run, no supervisor. The command line starts it, the page starts that."""

from __future__ import annotations

import errno
import io
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import torch
from filelock import Timeout

from explorer.architecture.config import Architecture
from explorer.architecture.variant import parse_variant
from explorer.data.datasets import Dataset, count_per_channel, describe_skipped, load_dataset, split_held_out
from explorer.errors import ExplorerError, RunError
from explorer.files import write_atomically
from explorer.network.build import build_network
from explorer.network.checkpoints import save_weights
from explorer.network.device import choose_device, keep_freed_memory
from explorer.records import EpochRecord, FinalRecord
from explorer.training.config import TrainConfig
from explorer.training.loop import Trainer, check_batch_size
from explorer.training.runs import RecordWriter, Run, create_run

CHECKPOINT_SECONDS = 60


def prepare_run(variant: str, data: str, config: TrainConfig, folder: Path | None = None) -> tuple[Run, Dataset]:
    """Check everything a run needs and make its directory. Raises `ExplorerError`, and then nothing was written."""
    architecture = parse_variant(variant)
    choose_device(config.device)
    dataset = load_dataset(data, architecture.input)
    train, _ = split_held_out(dataset.labels, config.held_out, config.seed)
    check_batch_size(config, len(train))
    with torch.device("meta"):  # whether it can be built, without its memory
        build_network(replace(architecture, classes=len(dataset.classes), input=dataset.shape))
    run = create_run(architecture, dataset.name, dataset.shape, len(dataset.classes), config, folder)
    return run, dataset


def start_worker(run: Run) -> None:
    """Start the run's worker in a process session of its own, so that it outlives this process. Raises `RunError`."""
    command = [sys.executable, "-m", "explorer", "train", "--run", str(run.folder)]
    try:
        run.call_worker()
        with open(run.folder / "worker.log", "ab") as log:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
    except OSError as error:
        raise RunError(f"The run {run.id} can't be started: {describe_failure(error)}") from None
    threading.Thread(target=process.wait, daemon=True).start()  # reaps it; a zombie would stay until the page ends


def work(run: Run, dataset: Dataset | None = None, say: Callable[[str], None] = print) -> FinalRecord:
    """Train the run from its last checkpoint to its end, or until it is asked to stop. Returns the last word.

    Raises `RunError` where another worker holds the run. Any failure is written as the run's last word first.
    """
    try:
        with run.lock().acquire(timeout=5), _open_writer(run) as writer:  # a reader may hold it for a moment
            run.greet_worker()
            _remove_leftovers(run)
            try:
                final = _work_locked(run, dataset, writer, say)
            except Exception as error:
                final = FinalRecord(_last_step(run), "failed", describe_failure(error))
            with suppress(OSError):  # on a full disk the run reads as interrupted, which is true
                writer.write(final)
    except Timeout:
        raise RunError(f"The run {run.id} has a worker already: wait for it, or stop it first.") from None
    except OSError as error:
        raise RunError(f"The run {run.id} can't be written: {describe_failure(error)}") from None
    return final


@contextmanager
def _open_writer(run: Run) -> Iterator[RecordWriter]:
    writer = RecordWriter(run)
    try:
        yield writer
    finally:
        with suppress(OSError):  # a full disk: what could not be flushed was reported before
            writer.close()


def _remove_leftovers(run: Run) -> None:
    """Files that a killed worker was about to put in place."""
    for folder in (run.folder, run.checkpoint_path.parent):
        for path in folder.glob(".*.tmp"):
            path.unlink(missing_ok=True)


def _work_locked(run: Run, dataset: Dataset | None, writer: RecordWriter, say: Callable[[str], None]) -> FinalRecord:
    keep_freed_memory()
    spec, started = run.spec, time.monotonic()
    device = choose_device(spec.config.device)
    dataset = dataset or load_dataset(spec.data, parse_variant(spec.trained).input)
    train, held_out = split_held_out(dataset.labels, spec.config.held_out, spec.config.seed)
    normalisation = count_per_channel(dataset.images[train])
    network = build_network(_matching_architecture(run, dataset), spec.config.seed)
    trainer = Trainer(network, dataset.select(train), dataset.select(held_out), spec.config, normalisation, device)
    if run.checkpoint_path.exists():
        _restore(run, trainer)
    say(_describe_start(run, trainer, dataset, len(held_out)))
    status = _consume(run, trainer, writer, say)
    accuracy = run.last_accuracy()  # the network is that epoch's, or a little further on
    save_weights(network, run.weights_path, _card(run, dataset, normalisation, accuracy, trainer.step))
    seconds = time.monotonic() - started
    message = f"{status.capitalize()} after {trainer.step:,} of {trainer.steps:,} steps, {seconds:,.0f} s."
    if accuracy is not None:
        message += f" Held-out accuracy {accuracy:.1%}."
    return FinalRecord(trainer.step, status, message)


def _matching_architecture(run: Run, dataset: Dataset) -> Architecture:
    """The run's architecture. Raises `RunError` where its data has changed too much for it."""
    architecture = parse_variant(run.spec.trained)
    then, now = (architecture.classes, architecture.input), (len(dataset.classes), dataset.shape)
    if then != now:
        raise RunError(
            f"{dataset.name} holds {now[0]} classes of {_sides(now[1])} images, and held {then[0]} of "
            f"{_sides(then[1])} when the run began: put the data back as it was, or start a new run."
        )
    return architecture


def _sides(shape: tuple[int, int, int]) -> str:
    return "×".join(map(str, shape))


def _restore(run: Run, trainer: Trainer) -> None:
    """Go on from the run's checkpoint. Raises `RunError` where it is damaged."""
    try:
        trainer.restore(torch.load(run.checkpoint_path, map_location="cpu", weights_only=True))
    except (RunError, MemoryError):
        raise
    except Exception as error:  # torch, zip and pickle raise almost anything on a damaged file
        raise RunError(
            f"The checkpoint {run.checkpoint_path} can't be used ({type(error).__name__}): delete it to train from the "
            "start, or put a copy back."
        ) from None


def _consume(run: Run, trainer: Trainer, writer: RecordWriter, say: Callable[[str], None]) -> str:
    """Write what the trainer yields and checkpoint as it goes; returns finished or stopped."""
    saved = time.monotonic()
    with _listen_for_signals() as signalled:
        for record in trainer.records(lambda: signalled.is_set() or run.is_asked_to_stop()):
            writer.write(record)
            if isinstance(record, EpochRecord):
                say(_describe_epoch(record, trainer.config.epochs))
            if isinstance(record, EpochRecord) or time.monotonic() - saved > CHECKPOINT_SECONDS:
                save_checkpoint(run, trainer)
                saved = time.monotonic()
        if trainer.step < trainer.steps:
            save_checkpoint(run, trainer)
            return "stopped"
    return "finished"


@contextmanager
def _listen_for_signals() -> Iterator[threading.Event]:
    """The event of Ctrl-C or SIGTERM, which stop the run as the page would: after the step, with a checkpoint."""
    signalled = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield signalled
        return
    before = {number: signal.signal(number, lambda *_: signalled.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield signalled
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def save_checkpoint(run: Run, trainer: Trainer) -> None:
    """Replace the run's checkpoint, whole or not at all. Raises `OSError`."""
    buffer = io.BytesIO()
    torch.save(trainer.state(), buffer)
    write_atomically(run.checkpoint_path, buffer.getvalue())


def describe_failure(error: BaseException) -> str:
    """One sentence about what ended a run and what to try."""
    if isinstance(error, ExplorerError):
        return str(error)
    if isinstance(error, MemoryError | torch.OutOfMemoryError) or re.search("n't allocate|enough mem", str(error)):
        return "The device ran out of memory: try a smaller batch, input or network."
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "The disk is full: free some space, then resume; the last checkpoint is whole."
    if isinstance(error, OSError):
        return f"A file could not be used: {error.strerror or error}{f' ({error.filename})' if error.filename else ''}."
    return f"The run failed: {' '.join(str(error).split())[:200] or type(error).__name__}"


def _last_step(run: Run) -> int:
    last = run.last_record()
    return int(last.get("step", 0)) if last else 0


def _card(
    run: Run,
    dataset: Dataset,
    normalisation: tuple[tuple[float, ...], tuple[float, ...]],
    accuracy: float | None,
    step: int,
) -> dict[str, str]:
    """What travels with the weights, as text: the variant, how to prepare an image, and what the outputs mean."""
    config = run.spec.config
    return {
        "variant": run.spec.trained,
        "classes": json.dumps(dataset.classes),
        "mean": json.dumps(normalisation[0]),
        "std": json.dumps(normalisation[1]),
        "data": "digits" if dataset.name == "digits" else "folder:" + os.path.basename(dataset.name.rstrip("/")),
        "held_out": json.dumps(config.held_out),
        "seed": json.dumps(config.seed),
        "step": json.dumps(step),
        "accuracy": json.dumps(accuracy),
    }


def _describe_start(run: Run, trainer: Trainer, dataset: Dataset, held_out: int) -> str:
    lines = [
        f"{run.spec.trained} on {dataset.name}: {len(dataset.labels) - held_out:,} images to train on, "
        f"{held_out:,} held out, {trainer.steps:,} steps on {trainer.device} in {str(trainer.precision)[6:]}.",
        describe_skipped(dataset.skipped),
        f"Goes on from step {trainer.step:,}." if trainer.step else "",
        f"Run: {run.folder}",
    ]
    return "\n".join(line for line in lines if line)


def _describe_epoch(record: EpochRecord, epochs: int) -> str:
    return f"epoch {record.epoch}/{epochs}  held out: loss {record.loss:.3f}, accuracy {record.accuracy:.2%}"

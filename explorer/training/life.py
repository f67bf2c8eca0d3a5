"""One run in this process: from its last checkpoint to its end, a record at a time, all kept in its directory."""

from __future__ import annotations

import io
import json
import math
import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from typing import Any

import torch

from explorer.architecture.config import Architecture
from explorer.architecture.variant import parse_variant
from explorer.data.datasets import Dataset, describe_skipped, load_dataset
from explorer.errors import RunError
from explorer.files import write_atomically
from explorer.network.build import build_network
from explorer.network.checkpoints import save_weights
from explorer.network.device import choose_device
from explorer.records import Answers, EpochRecord, FilmRecord, FinalRecord, Record, StepRecord, write_record
from explorer.training.alarms import Alarms
from explorer.training.failures import describe_failure
from explorer.training.journal import RecordWriter
from explorer.training.loop import Trainer
from explorer.training.runs import Run
from explorer.training.splits import split_dataset
from explorer.training.start import load_start
from explorer.training.team import SOLO, Team

CHECKPOINT_SECONDS = 60


class Life:
    """A worker's hold on one run. Within ``with`` the run is locked and its records open; `advance` trains it.

    Raises `RunError` on entering where another worker holds the run, and `OSError` where it can't be written. In a team
    only the leading process holds, reads and writes the directory.
    """

    def __init__(
        self, run: Run, device: torch.device | None, team: Team = SOLO, say: Callable[[str], None] = print
    ) -> None:
        self.run, self.device, self.team = run, device, team
        self.say = say if team.leads else lambda words: None
        self.final: FinalRecord | None = None
        self.trainer: Trainer | None = None
        self._stack = ExitStack()
        self._saved = self._started = time.monotonic()

    def __enter__(self) -> Life:
        if self.team.leads:
            self._hold()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _hold(self) -> None:
        with ExitStack() as stack:
            stack.enter_context(self.run.lock().acquire(timeout=5))  # a reader may hold it for a moment
            self.writer, self.film = (RecordWriter(path) for path in (self.run.records_path, self.run.film_path))
            stack.callback(_close_quietly, self.writer)
            stack.callback(_close_quietly, self.film)
            self.run.greet_worker()
            for folder in (self.run.folder, self.run.checkpoint_path.parent):  # left by a killed worker
                for path in folder.glob(".*.tmp"):
                    path.unlink(missing_ok=True)
            self._stack = stack.pop_all()

    @property
    def progress(self) -> float:
        """Share of the steps taken, 0 to 1; 1 once there is a last word."""
        if self.final or self.trainer is None:
            return 1.0 if self.final else 0.0
        return self.trainer.step / self.trainer.steps

    def advance(self, is_signalled: Callable[[], bool], dataset: Dataset | None = None) -> Iterator[None]:
        """Train, pausing after each record; any failure becomes the run's last word, `final`."""
        try:
            yield from self._train(is_signalled, dataset)
        except Exception as error:
            last = self.run.last_record() or {}
            self.final = FinalRecord(int(last.get("step") or 0), "failed", describe_failure(error, self.run.folder))
        finally:
            self.trainer = None  # its memory may serve the others of a race
        if self.team.leads and self.final:
            with suppress(OSError):  # on a full disk the run reads as interrupted, which is true
                self.writer.write(self.final)

    def _train(self, is_signalled: Callable[[], bool], dataset: Dataset | None) -> Iterator[None]:
        trainer = self.trainer = self._prepare(dataset)
        self._started = self._saved = time.monotonic()
        for record in trainer.records(lambda: is_signalled() or self._is_called_off()):
            self._keep(record)
            if isinstance(record, EpochRecord) or self._is_checkpoint_due(record):
                self._save_checkpoint()
            yield
        if not trainer.is_done:
            self._save_checkpoint()
        self.final = self._finish()

    def _is_called_off(self) -> bool:
        return self.run.is_asked_to_stop() or self.run.is_asked_to_pause()

    def _prepare(self, dataset: Dataset | None) -> Trainer:
        spec = self.run.spec
        dataset = self.dataset = dataset or load_dataset(spec.data, parse_variant(spec.trained).input)
        network = build_network(_matching_architecture(self.run, dataset), spec.config.seed)
        preprocessing = load_start(network, spec.config.weights) if spec.config.weights else None
        normalisation = (preprocessing.mean, preprocessing.std) if preprocessing else None
        splits = split_dataset(dataset, spec.config, normalisation)
        device = self.device or choose_device(spec.config.device)
        trainer = Trainer(network, splits, spec.config, device, self.team)
        self.alarms = Alarms(spec.config, len(dataset.classes))
        if self.run.checkpoint_path.exists():
            self._restore(trainer)
        self.say(_describe_start(self.run, trainer, dataset))
        return trainer

    def _restore(self, trainer: Trainer) -> None:
        """Go on from the run's checkpoint. Raises `RunError` where it is damaged."""
        try:
            trainer.restore(torch.load(self.run.checkpoint_path, map_location="cpu", weights_only=True))
        except (RunError, MemoryError):
            raise
        except Exception as error:  # torch, zip and pickle raise almost anything on a damaged file
            raise RunError(
                f"The checkpoint {self.run.checkpoint_path} can't be used ({type(error).__name__}): delete it to train "
                "from the start, or put a copy back."
            ) from None
        for record in self._read_past(trainer.step):  # so that no alarm rings twice
            self.alarms.recall(record)

    def _read_past(self, step: int) -> list[dict[str, Any]]:
        """What was recorded up to a step."""
        return [record for record in self.run.read_all_records() if record.get("step", 0) <= step]

    def _keep(self, record: Record) -> None:
        if not self.team.leads:
            return
        if isinstance(record, Answers):
            write_atomically(self.run.answers_path, write_record(record).encode())
        elif isinstance(record, FilmRecord):
            self.film.write(record)
        else:
            for each in (record, *self.alarms.look(record)):
                self.writer.write(each)
        if isinstance(record, EpochRecord):
            assert self.trainer
            self.say(_describe_epoch(record, self.trainer.config.epochs))

    def _is_checkpoint_due(self, record: Record) -> bool:
        sound = isinstance(record, StepRecord) and math.isfinite(record.loss) and math.isfinite(record.gradient_norm)
        return sound and time.monotonic() - self._saved > CHECKPOINT_SECONDS

    def _save_checkpoint(self) -> None:
        """Replace the run's checkpoint, whole or not at all. Raises `OSError`."""
        assert self.trainer
        if self.team.leads:
            buffer = io.BytesIO()
            torch.save(self.trainer.state(), buffer)
            write_atomically(self.run.checkpoint_path, buffer.getvalue())
        self._saved = time.monotonic()

    def _finish(self) -> FinalRecord:
        """Test where all is done, write the weights, and say how it ended."""
        trainer = self.trainer
        assert trainer
        status = "finished" if trainer.is_done else "paused" if self.run.is_asked_to_pause() else "stopped"
        test = trainer.evaluate_test() if status == "finished" else None
        accuracy = self.run.last_accuracy()  # the network is that epoch's, or a little further on
        if self.team.leads:
            card = _card(self.run, self.dataset, trainer, accuracy)
            save_weights(trainer.stepper.result, self.run.weights_path, card)
        seconds = time.monotonic() - self._started
        words = [f"{status.capitalize()} after {trainer.step:,} of {trainer.steps:,} steps, {seconds:,.0f} s."]
        if accuracy is not None:
            words.append(f"Held-out accuracy {accuracy:.1%}.")
        if test:
            words.append(f"Test accuracy {test.accuracy:.2%}, of {test.total:,} images looked at once.")
        if trainer.config.schedule == "range":
            words.append(trainer.range.describe())
        return FinalRecord(trainer.step, status, " ".join(words), test.accuracy if test else None)


def _close_quietly(writer: RecordWriter) -> None:
    with suppress(OSError):  # a full disk: what could not be flushed was reported before
        writer.close()


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


def _card(run: Run, dataset: Dataset, trainer: Trainer, accuracy: float | None) -> dict[str, str]:
    """What travels with the weights, as text: the variant, how to prepare an image, and what the outputs mean."""
    config, normalisation = run.spec.config, trainer.splits.normalisation
    kind, _, path = dataset.name.partition(":")
    return {
        "variant": run.spec.trained,
        "classes": json.dumps(dataset.classes),
        "mean": json.dumps(normalisation[0]),
        "std": json.dumps(normalisation[1]),
        "data": f"{kind}:{os.path.basename(path.rstrip('/'))}" if path else kind,
        "held_out": json.dumps(config.held_out),
        "seed": json.dumps(config.seed),
        "step": json.dumps(trainer.step),
        "accuracy": json.dumps(accuracy),
    }


def _describe_start(run: Run, trainer: Trainer, dataset: Dataset) -> str:
    splits, stepper = trainer.splits, trainer.stepper
    test = f", {len(splits.test.labels):,} to test on at the end" if splits.test else ""
    lines = [
        f"{run.spec.trained} on {dataset.name}: {len(splits.train.labels):,} images to train on, "
        f"{len(splits.held_out.labels):,} held out{test}, {trainer.steps:,} steps on {trainer.device} in "
        f"{str(stepper.precision)[6:]}.",
        describe_skipped(dataset.skipped, dataset.resized),
        trainer.team.describe_norms(stepper.network, trainer.device),
        f"Goes on from step {trainer.step:,}." if trainer.step else "",
        f"Run: {run.folder}",
    ]
    return "\n".join(line for line in lines if line)


def _describe_epoch(record: EpochRecord, epochs: int) -> str:
    loss = f"{record.loss:.3f}" if math.isfinite(record.loss) else "no number"
    return f"epoch {record.epoch}/{epochs}  held out: loss {loss}, accuracy {record.accuracy:.2%}"

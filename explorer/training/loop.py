"""The training loop: a generator of records. Who consumes it decides what to do with them."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from typing import Any

import torch

from explorer.data.batches import Batches
from explorer.data.datasets import Dataset
from explorer.errors import RunError
from explorer.network.build import Network
from explorer.network.evaluation import Meter, evaluate_answers, evaluate_network
from explorer.network.memory import read_held_memory
from explorer.records import EpochRecord, Evaluation, Record, StepRecord
from explorer.training.answers import describe_answers
from explorer.training.config import TrainConfig
from explorer.training.feed import Feed
from explorer.training.film import Film
from explorer.training.instruments import Instruments
from explorer.training.schedule import RangeTest, compute_learning_rate
from explorer.training.splits import Splits
from explorer.training.step import Stepper
from explorer.training.team import SOLO, Team

RECORDS_PER_RUN = 1000


class Trainer:
    """Trains `network` on the splits' first part, with the held-out part looked at after every epoch.

    Everything random is drawn from (seed, epoch) or (seed, step), so a trainer restored from `state()` at any step goes
    on exactly as if it had not stopped.
    """

    def __init__(
        self, network: Network, splits: Splits, config: TrainConfig, device: torch.device, team: Team = SOLO
    ) -> None:
        self.config, self.device, self.splits, self.team = config, device, splits, team
        self.feed = Feed(splits.train, splits.normalisation, config, device, team)
        self.stepper = Stepper(network, config, device, team)
        self.held_out = self._make_batches(splits.held_out)
        self.instruments = Instruments(network, config)
        self.film = Film(self.stepper.result, config, self.held_out.plain(torch.tensor([0]))[0][0])
        self.range = RangeTest(config)
        self.step = 0
        self.evaluated = 0  # whole epochs after which the held-out images were looked at
        self.steps_per_epoch = self.feed.steps_per_epoch
        self.steps = self.steps_per_epoch * config.epochs
        self.record_every = -(-self.steps // RECORDS_PER_RUN)

    @property
    def is_done(self) -> bool:
        """Whether all steps were taken, or a range test has seen enough."""
        return self.step >= self.steps or self.range.broke

    def _make_batches(self, dataset: Dataset) -> Batches:
        if self.team.size > 1:
            dataset = dataset.select(torch.arange(self.team.rank, len(dataset.labels), self.team.size))
        return Batches(
            dataset.images, dataset.labels, *self.splits.normalisation, device=self.device, workers=self.config.workers
        )

    def state(self) -> dict[str, Any]:
        """Everything a later trainer needs to go on from here."""
        counts = {"step": self.step, "evaluated": self.evaluated, "images": len(self.feed), "range": self.range.state()}
        return counts | self.stepper.state()

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a `state()`. Raises `RunError` where the number of images is another now."""
        images = len(self.feed)
        if state.get("images", images) != images:
            raise RunError(
                f"There are {images:,} images to train on, and were {state['images']:,} when the run began: put the "
                "data back as it was, or start a new run."
            )
        self.stepper.restore(state)
        self.step = state["step"]
        self.evaluated = state.get("evaluated", self.step // self.steps_per_epoch)
        if "range" in state:
            self.range.restore(state["range"])

    def records(self, asked_to_stop: Callable[[], bool] = lambda: False) -> Iterator[Record]:
        """Train to the end, or one step further once `asked_to_stop()`, yielding what was seen.

        Raises `RunError` when the loss is no longer a number.
        """
        if self.instruments.units.units:
            yield self.instruments.units
        meter, stop = Meter(self.device), False
        started = time.perf_counter()
        while True:
            if self.step // self.steps_per_epoch > self.evaluated:
                yield from self._look_at_held_out()
                started = time.perf_counter()
            if stop or self.is_done:
                return
            stop = self.team.agree(asked_to_stop(), self.device)
            due = stop or self._is_due()
            watched = self.instruments.due(self.step + 1, self.steps)
            self._take_step(meter, watched)
            if due:
                record = self._read_step(meter, time.perf_counter() - started)
                yield record
                self._check(record)
            if watched:
                yield self.instruments.after_update(self.step, self.step / self.steps_per_epoch)
            if self.film.due(self.step, self.steps):
                yield self.film.shoot(self.step)
            if due:
                started = time.perf_counter()  # what the consumer did is no part of the speed

    def _is_due(self) -> bool:
        """The first step, every so many, and the last of an epoch are recorded."""
        after = self.step + 1
        return after == 1 or any(after % every == 0 for every in (self.record_every, self.steps_per_epoch))

    def _take_step(self, meter: Meter, watched: bool) -> None:
        batch = self.feed.draw(self.step)
        self.stepper.take(batch, self._rate(self.step), self.step, meter, self.instruments if watched else None)
        self.step += 1

    def _rate(self, step: int) -> float:
        return compute_learning_rate(self.config, step, self.steps, self.steps_per_epoch)

    def _read_step(self, meter: Meter, seconds: float) -> StepRecord:
        self.team.add(meter.sums)
        loss, correct, count = meter.read()
        if self.config.schedule == "range":
            self.range.look(loss, self._rate(self.step - 1))
        return StepRecord(
            step=self.step,
            epoch=self.step / self.steps_per_epoch,
            loss=loss,
            accuracy=correct / max(count, 1),
            learning_rate=self._rate(self.step - 1),
            images_per_second=count / seconds,
            gradient_norm=self.stepper.measure_gradient(),
            memory=read_held_memory(self.device),
        )

    def _check(self, record: StepRecord) -> None:
        """Raise `RunError` where the weights are no numbers; with float16 an infinite gradient is passed over."""
        sound = math.isfinite(record.gradient_norm) or self.stepper.scaler.is_enabled()
        if self.config.schedule != "range" and not (math.isfinite(record.loss) and sound):
            raise RunError(
                f"The loss is no longer a number at step {self.step}: the learning rate {self.config.peak_lr:g} is "
                "too high for this network; try a third of it."
            )

    def _look_at_held_out(self) -> Iterator[Record]:
        self.evaluated = self.step // self.steps_per_epoch
        if not self.config.watches("answers"):
            result = self.evaluate(self.held_out)
            yield EpochRecord(self.step, self.evaluated, result.loss, result.accuracy)
            return
        self.team.average(_list_statistics(self.stepper.result))
        classes = self.splits.held_out.classes
        answered = evaluate_answers(self.stepper.result, self.held_out, len(classes), self.stepper.precision)
        result, when = self._sum(answered.evaluation), (self.step, self.evaluated)
        yield EpochRecord(*when, result.loss, result.accuracy)
        yield describe_answers(answered, self.held_out, classes, self.splits.normalisation, when, self.team)

    def evaluate(self, batches: Batches) -> Evaluation:
        """How many images the result gets right; in a team each process looks at its share."""
        self.team.average(_list_statistics(self.stepper.result))
        return self._sum(evaluate_network(self.stepper.result, batches, self.stepper.precision))

    def _sum(self, seen: Evaluation) -> Evaluation:
        if self.team.size == 1:
            return seen
        sums = torch.tensor([seen.loss * seen.total, seen.correct, seen.total], device=self.device)
        self.team.add(sums)
        loss, correct, total = sums.tolist()
        return Evaluation(int(correct), int(total), loss / max(total, 1))

    def evaluate_test(self) -> Evaluation | None:
        """The same of the test images, where there are any; to be asked once, at the end."""
        return None if self.splits.test is None else self.evaluate(self._make_batches(self.splits.test))


def _list_statistics(network: Network) -> list[torch.Tensor]:
    return [buffer for buffer in network.buffers() if buffer.is_floating_point()]

"""The training loop: a generator of records. Who consumes it decides what to do with them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from explorer.data.batches import Batches
from explorer.data.datasets import Dataset
from explorer.errors import RunError
from explorer.network.build import Network
from explorer.network.device import choose_precision
from explorer.network.evaluation import Meter, evaluate_network
from explorer.records import EpochRecord, StepRecord
from explorer.training.config import TrainConfig, compute_learning_rate
from explorer.training.instruments import GradientNorms

RECORDS_PER_RUN = 1000


def check_batch_size(config: TrainConfig, images: int) -> None:
    """Raise `RunError` where one batch needs more than there are images to train on."""
    if images < config.batch_size:
        raise RunError(f"batch_size={config.batch_size} is more than the {images} images to train on: make it smaller.")


class Trainer:
    """Trains `network` on `train`, with `held_out` looked at after every epoch.

    Everything random is drawn from (seed, epoch) or (seed, step), so a trainer restored from `state()` at any step goes
    on exactly as if it had not stopped.
    """

    def __init__(
        self,
        network: Network,
        train: Dataset,
        held_out: Dataset,
        config: TrainConfig,
        normalisation: tuple[tuple[float, ...], tuple[float, ...]],
        device: torch.device,
    ) -> None:
        check_batch_size(config, len(train.labels))
        self.network = network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.config, self.device = config, device
        self.precision = choose_precision(device)
        self.train_batches = Batches(
            train.images, train.labels, *normalisation, pad=train.pad, flip=train.flip, device=device
        )
        self.held_out_batches = Batches(held_out.images, held_out.labels, *normalisation, device=device)
        self.optimizer = torch.optim.SGD(
            network.parameters(),
            config.peak_lr,
            momentum=config.momentum,
            weight_decay=config.weight_decay,
            nesterov=config.momentum > 0,
            foreach=True,
        )
        self.step = 0
        self.evaluated = 0  # whole epochs after which the held-out images were looked at
        self._order: tuple[int, Tensor] | None = None  # of the epoch under way
        self.steps_per_epoch = len(train.labels) // config.batch_size  # the last, short batch is left out
        self.steps = self.steps_per_epoch * config.epochs
        self.record_every = -(-self.steps // RECORDS_PER_RUN)

    def state(self) -> dict[str, Any]:
        """Everything a later trainer needs to go on from here."""
        return {
            "step": self.step,
            "evaluated": self.evaluated,
            "images": len(self.train_batches),
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a `state()`. Raises `RunError` where the number of images is another now."""
        images = len(self.train_batches)
        if state.get("images", images) != images:
            raise RunError(
                f"There are {images:,} images to train on, and were {state['images']:,} when the run began: put the "
                "data back as it was, or start a new run."
            )
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step = state["step"]
        self.evaluated = state.get("evaluated", self.step // self.steps_per_epoch)

    def records(self, asked_to_stop: Callable[[], bool] = lambda: False) -> Iterator[StepRecord | EpochRecord]:
        """Train to the end, or one step further once `asked_to_stop()`, yielding what was seen.

        Raises `RunError` when the loss is no longer a number.
        """
        norms, meter, stop = GradientNorms(self.network), Meter(self.device), False
        started = time.perf_counter()
        while True:
            if self.step // self.steps_per_epoch > self.evaluated:
                yield self._evaluate_epoch()
                started = time.perf_counter()
            if stop or self.step == self.steps:
                return
            stop = asked_to_stop()
            due = stop or any((self.step + 1) % every == 0 for every in (self.record_every, self.steps_per_epoch))
            gradient_norms = self._take_step(meter, norms if due else None)
            if due:
                yield self._read_step(meter, gradient_norms, time.perf_counter() - started)
                started = time.perf_counter()  # what the consumer did is no part of the speed

    def _take_step(self, meter: Meter, norms: GradientNorms | None) -> dict[str, float]:
        self.network.train()
        images, labels = self._draw_batch()
        rate = compute_learning_rate(self.step, self.steps, self.config.peak_lr)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        logits = self._forward(images)
        loss = nn.functional.cross_entropy(logits.float(), labels)
        self.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        read = norms.read() if norms else {}  # before the optimizer, which adds momentum to gradients in place
        self.optimizer.step()
        meter.add(loss.detach(), logits, labels)
        self.step += 1
        return read

    def _draw_batch(self) -> tuple[Tensor, Tensor]:
        epoch, index = divmod(self.step, self.steps_per_epoch)
        if self._order is None or self._order[0] != epoch:
            self._order = epoch, torch.randperm(len(self.train_batches), generator=self._generator("order", epoch))
        size = self.config.batch_size
        return self.train_batches.draw(
            self._order[1][index * size : (index + 1) * size], self._generator("augment", self.step)
        )

    def _generator(self, purpose: str, number: int) -> torch.Generator:
        stream = (self.config.seed * 2 + (purpose == "augment")) * 0x9E3779B97F4A7C15 + number * 0xD1B54A32D192ED03
        return torch.Generator().manual_seed(stream % 2**63)

    def _forward(self, images: Tensor) -> Tensor:
        enabled = self.precision is not torch.float32
        with torch.autocast(self.device.type, dtype=self.precision, enabled=enabled):
            return self.network(images)  # type: ignore[no-any-return]

    def _read_step(self, meter: Meter, gradient_norms: dict[str, float], seconds: float) -> StepRecord:
        loss, correct, count = meter.read()
        if loss != loss or loss == float("inf"):
            raise RunError(
                f"The loss is no longer a number at step {self.step}: the learning rate {self.config.peak_lr:g} is "
                "too high for this network; try a third of it."
            )
        return StepRecord(
            step=self.step,
            epoch=self.step / self.steps_per_epoch,
            loss=loss,
            accuracy=correct / max(count, 1),
            learning_rate=compute_learning_rate(self.step - 1, self.steps, self.config.peak_lr),
            images_per_second=count / seconds,
            gradient_norms=gradient_norms,
        )

    def _evaluate_epoch(self) -> EpochRecord:
        result = evaluate_network(self.network, self.held_out_batches, self.precision)
        self.evaluated = self.step // self.steps_per_epoch
        return EpochRecord(self.step, self.evaluated, result.loss, result.accuracy)

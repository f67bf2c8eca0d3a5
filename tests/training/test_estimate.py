import re
from dataclasses import replace

import pytest
import torch

from explorer.architecture.plan import expand_plan
from explorer.architecture.variant import parse_variant
from explorer.errors import RunError
from explorer.records import Answers, EpochRecord, StepRecord, write_record
from explorer.training.config import TrainConfig
from explorer.training.estimate import (
    WORKER,
    check_fits,
    count_need,
    estimate_memory,
    find_largest_batch,
    is_half,
    time_steps,
)
from witness import is_one_clear_sentence

CPU = torch.device("cpu")
FLOAT = {"precision": "float32", "watch": "none"}
RESNET20 = expand_plan(parse_variant("resnet20"))


def need(config: TrainConfig, images: int = 0) -> int:
    return count_need(estimate_memory(RESNET20, config, images, half=False))


def refuse(config: TrainConfig, free: int, images: int = 0) -> str:
    with pytest.raises(RunError) as caught:
        check_fits(RESNET20, config, images, CPU, free)
    assert is_one_clear_sentence(str(caught.value))
    return str(caught.value)


def test_what_fits_is_let_through_to_the_byte():
    config = TrainConfig(batch_size=256, **FLOAT)
    free = need(config, 1000)
    memory = check_fits(RESNET20, config, 1000, CPU, free)
    assert free == WORKER + memory.data + int(1.25 * (memory.total - memory.data))
    assert "needs about" in refuse(config, free - 1, 1000)


def test_here_something_small_fits():
    assert check_fits(RESNET20, TrainConfig(batch_size=2, **FLOAT), 10, CPU).total < 10**8


def test_a_refusal_names_ways_that_fit_and_are_the_least():
    config = TrainConfig(batch_size=256, **FLOAT)
    free = need(replace(config, batch_size=140))
    said = refuse(config, free)
    batch, pieces = int(re.search(r"batch_size=(\d+)", said)[1]), int(re.search(r"accumulate=(\d+)", said)[1])
    assert said.startswith("A training step of 256 images needs about 940 MB, and 720 MB are free on cpu: try ")
    assert (batch, pieces) == (140, 2) and said.endswith("accumulate=2, checkpointing=yes or batch_size=140 or less.")
    assert need(replace(config, batch_size=141)) > free >= need(replace(config, checkpointing=True))
    assert need(config) > free >= need(replace(config, accumulate=2))


def test_what_still_does_not_fit_by_itself_may_with_checkpointing():
    config = TrainConfig(batch_size=2, **FLOAT)
    wide = expand_plan(parse_variant("resnet110,input=3x128x128"))
    free = count_need(estimate_memory(wide, replace(config, checkpointing=True), 0, half=False))
    with pytest.raises(RunError, match="try checkpointing=yes or batch_size=2 or less with checkpointing=yes"):
        check_fits(wide, config, 0, CPU, free)
    with pytest.raises(RunError, match="not even two images fit, so try a smaller network or input"):
        check_fits(wide, config, 0, CPU, WORKER)


def test_images_too_many_for_memory_are_named():
    said = refuse(TrainConfig(**FLOAT), 2_000_000_000, 1_000_000)
    most = int(re.search(r"images=(\d+) or less", said)[1])
    assert "the images alone take 3.1 GB" in said
    assert check_fits(RESNET20, TrainConfig(**FLOAT), most, CPU, 2_000_000_000)


@pytest.mark.parametrize(
    "settings", [{}, {"accumulate": 4}, {"checkpointing": True}, {"ema": 0.9, "optimizer": "adamw"}]
)
def test_the_largest_batch_is_the_last_that_fits(settings):
    """Against trying each."""
    config = TrainConfig(**FLOAT, **settings)
    pieces = config.accumulate
    sizes = range(2 * pieces, 400, pieces)
    free = need(replace(config, batch_size=200))
    tried = [size for size in sizes if need(replace(config, batch_size=size)) <= free]
    assert find_largest_batch(RESNET20, config, 0, False, free) == tried[-1] == 200
    assert find_largest_batch(RESNET20, config, 0, False, free, 57) == 57 - 57 % pieces
    assert find_largest_batch(RESNET20, config, 0, False, WORKER) == 0


def test_precision_decides_what_is_half():
    assert [is_half(TrainConfig(precision=name), CPU) for name in ("float32", "bfloat16", "float16")] == [
        False,
        True,
        True,
    ]
    assert isinstance(is_half(TrainConfig(), CPU), bool)


class FakeTrainer:
    """By its own clock, making it takes 2 s, a step 0.5, the first one 7 more, a look at held-out images 4 and 1."""

    def __init__(self, steps_per_epoch: int, epochs: int) -> None:
        self.steps_per_epoch, self.steps = steps_per_epoch, steps_per_epoch * epochs
        self.step, self.clock = 0, 0.0

    def make(self) -> "FakeTrainer":
        self.clock += 2.0
        return self

    def records(self, asked_to_stop):
        stop = False
        while True:
            if self.step and self.step % self.steps_per_epoch == 0:
                self.clock += 4.0
                yield EpochRecord(self.step, self.step // self.steps_per_epoch, 1.0, 0.5)
                self.clock += 1.0
                yield Answers(self.step, 1, (), (), ())
            if stop or self.step == self.steps:
                return
            stop = asked_to_stop()
            self.clock += 0.5 + 7.0 * (self.step == 0)
            self.step += 1
            if stop or self.step % 3 == 0 or self.step % self.steps_per_epoch == 0:
                yield StepRecord(self.step, 0.0, 1.0, 0.5, 0.1, 1.0)


def time_fake(per_epoch: int, epochs: int, seconds: float = 3.0):
    trainer, config = FakeTrainer(per_epoch, epochs), TrainConfig(batch_size=10, epochs=epochs)
    memory = estimate_memory(RESNET20, config, 0, half=False)
    cost = time_steps(trainer.make, config, 90, memory, 10**9, 64, seconds=seconds, now=lambda: trainer.clock)
    return trainer, cost


def test_a_long_run_is_reckoned_from_a_few_steps():
    trainer, cost = time_fake(100, 20)
    assert trainer.step == 2 + cost.timed == 9  # two to warm up; 3 s are over before the seventh
    assert (cost.begin, cost.step, cost.images_per_second) == (9.5, 0.5, 20)
    assert cost.evaluation == pytest.approx(90 * 0.05 / 3)
    assert cost.epoch == pytest.approx(50 + cost.evaluation)
    assert cost.total == pytest.approx(9.5 + 2000 * 0.5 + 20 * cost.evaluation)
    assert (cost.free, cost.largest_batch) == (10**9, 64) and '"kind": "cost"' in write_record(cost)


@pytest.mark.parametrize("per_epoch", [1, 2, 3, 4])
def test_looks_at_the_held_out_images_are_timed_apart(per_epoch):
    _, cost = time_fake(per_epoch, 20)
    assert (cost.step, cost.evaluation) == (0.5, 5.0)
    assert cost.total == 9.5 + 20 * per_epoch * 0.5 + 20 * 5


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_a_run_shorter_than_the_timing_is_timed_whole(steps):
    _, cost = time_fake(steps, 1)
    assert cost.timed == max(1, steps - 2) and cost.step >= 0.5 and cost.total >= 9


def test_at_least_three_steps_are_timed():
    assert time_fake(100, 1, seconds=0.0)[1].timed == 3


def test_what_the_trainer_raises_comes_through():
    def make():
        raise MemoryError

    memory = estimate_memory(RESNET20, TrainConfig(), 0, half=False)
    with pytest.raises(MemoryError):
        time_steps(make, TrainConfig(), 10, memory)

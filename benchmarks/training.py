"""How fast networks train here with everything watched, against a plain loop; what watching and input cost.

The plain loop is what tutorials show: per-sample torchvision transforms on PIL images, a DataLoader with two workers,
float32 in NCHW. Both draw crops and flips anew for every image. Each runs in a process of its own, in turns. Where
there is a GPU, our step is held against the bare compiled bfloat16 step with its data on the GPU instead.
Run with ``python benchmarks/training.py``.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from typing import Any

import gpu
import numpy
import torch
from measure import compute_ratios, print_times, print_title, print_verdict, read_rounds, take_turns, time_call
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from explorer.architecture.variant import parse_variant
from explorer.data import datasets
from explorer.network.build import build_network
from explorer.network.device import choose_precision, keep_freed_memory
from explorer.records import Record, StepRecord, write_record
from explorer.training.config import TrainConfig
from explorer.training.loop import Trainer
from explorer.training.splits import Splits

BATCH, WARM, STEPS = 128, 8, 24  # the loader's workers are 4 batches ahead, so the warm-up is longer than that
MEAN, STD = (0.49, 0.48, 0.45), (0.25, 0.24, 0.26)
CPU = torch.device("cpu")
VARIANTS = ("resnet20", "resnet18,stem=cifar,input=3x32x32,classes=10")
OURS, PEER = "explorer, instruments on", "plain loop"
WATCHED, BLIND = "ten steps, everything watched", "ten steps, nothing watched"


def main() -> None:
    if len(sys.argv) == 3 and sys.argv[1] in ("ours", "plain"):
        print({"ours": measure_ours, "plain": measure_plain}[sys.argv[1]](sys.argv[2]))
        return
    rounds = read_rounds(__doc__, 4)
    precision = str(choose_precision(CPU)).removeprefix("torch.")
    print(f"explorer computes in {precision} here (bfloat16 needs avx512_bf16 or amx_bf16); the plain loop in float32")
    for variant, turns in zip(VARIANTS, (rounds, max(1, rounds // 2)), strict=True):  # resnet18 takes minutes a turn
        compare(variant, turns)
    for variant, turns in zip(VARIANTS, (4 * rounds, rounds), strict=True):
        measure_shares(variant, turns)
    if torch.cuda.is_available():
        gpu.compare(rounds)


def compare(variant: str, rounds: int) -> None:
    """Images per second of the two loops, in turns."""
    print_title(f"Training {variant} on the CPU, batches of {BATCH}")
    loops = {OURS: lambda: run_alone("ours", variant), PEER: lambda: run_alone("plain", variant)}
    results = take_turns(loops, rounds)
    print_times(results, "images/s", 1)
    print_verdict("explorer / plain loop", compute_ratios(results[OURS], results[PEER]), "x", "at least 2x")


def run_alone(which: str, variant: str) -> float:
    """Images per second, measured in a fresh process."""
    command = [sys.executable, __file__, which, variant]
    return float(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)


def draw_images(count: int) -> tuple[Tensor, Tensor]:
    """Noise in the shape of CIFAR: (N, 3, 32, 32) uint8, and labels (N,)."""
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (count, 3, 32, 32), dtype=torch.uint8, generator=generator)
    return images, torch.randint(0, 10, (count,), generator=generator)


def create_trainer(variant: str, steps: int, **settings: Any) -> Trainer:
    """A trainer with the recipe ``quick`` that lasts for `steps`."""
    images, labels = draw_images(BATCH * (steps + 1))
    dataset = datasets.Dataset("noise", images, labels, tuple("0123456789"))
    config = TrainConfig(epochs=1, batch_size=BATCH, lr=0.05, **settings)
    held_out = dataset.select(torch.arange(BATCH))
    splits = Splits(dataset.select(torch.arange(BATCH, len(labels))), held_out, None, (MEAN, STD))
    return Trainer(build_network(parse_variant(variant), seed=0), splits, config, CPU)


def take_steps(records: Iterator[Record], count: int) -> None:
    """Train until `count` steps were recorded, and write what is seen as a run does."""
    while count:
        record = next(records)
        write_record(record)
        count -= isinstance(record, StepRecord)


def measure_ours(variant: str) -> float:
    keep_freed_memory()  # as the worker does
    records = create_trainer(variant, WARM + STEPS + 1).records()
    take_steps(records, WARM)
    return BATCH * STEPS / time_call(lambda: take_steps(records, STEPS))


class PlainImages(Dataset[Any]):
    """Images that are decoded and augmented one at a time, as torchvision's CIFAR10 does."""

    def __init__(self, count: int) -> None:
        images, labels = draw_images(count)
        self.images = images.permute(0, 2, 3, 1).numpy()
        self.labels = labels.tolist()
        self.transform = transforms.Compose(
            [
                transforms.RandomCrop(32, padding=4),
                transforms.RandomHorizontalFlip(),
                transforms.ToTensor(),
                transforms.Normalize(MEAN, STD),
            ]
        )

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self.transform(Image.fromarray(numpy.asarray(self.images[index]))), self.labels[index]


def measure_plain(variant: str) -> float:
    network = build_network(parse_variant(variant), seed=0)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.05, momentum=0.9, weight_decay=5e-4, nesterov=True)
    loader = DataLoader(PlainImages(BATCH * (WARM + STEPS + 8)), BATCH, shuffle=True, num_workers=2, drop_last=True)
    batches = iter(loader)

    def take_step() -> None:
        images, labels = next(batches)
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(network(images), labels)
        loss.backward()
        optimizer.step()
        loss.item()

    time_call(take_step, WARM)
    return BATCH / time_call(take_step, STEPS)


def measure_shares(variant: str, rounds: int) -> None:
    """What instruments and input take of a step: ten steps, one of them watched, beside ten that are not."""
    print_title(f"Shares of a step of {variant}, batches of {BATCH}")
    keep_freed_memory()
    steps = 10 * (rounds + 2)
    watched, blind = (create_trainer(variant, steps, **given) for given in ({"watch_every": 10}, {"watch": "none"}))
    streams = {name: each.records() for name, each in ((WATCHED, watched), (BLIND, blind))}
    turns = {name: partial(time_call, partial(take_steps, stream, 10)) for name, stream in streams.items()}
    turns["input of ten steps"] = lambda: 10 * time_call(lambda: blind.feed.draw(0), 10)
    take_turns(turns, 1)
    results = take_turns(turns, rounds)
    print_times(results)
    costs = [100 * (ratio - 1) for ratio in compute_ratios(results[WATCHED], results[BLIND])]
    print_verdict("instruments, at their default rate", costs, " %", "at most 3 %")
    shares = [100 * ratio for ratio in compute_ratios(results["input of ten steps"], results[BLIND])]
    print_verdict("input and augmentation", shares, " %", "at most 5 %")


if __name__ == "__main__":
    main()

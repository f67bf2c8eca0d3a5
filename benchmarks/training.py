"""How fast resnet20 trains on the CPU with everything watched, against a plain loop; and what the watching costs.

The plain loop is what tutorials show: per-sample torchvision transforms on PIL images, a DataLoader with two workers,
float32 in NCHW. Both draw crops and flips anew for every image. Each runs in a process of its own, in turns.
Run with ``python benchmarks/training.py``.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

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
from explorer.network.evaluation import Meter
from explorer.records import write_record
from explorer.training.config import TrainConfig
from explorer.training.instruments import GradientNorms
from explorer.training.loop import Trainer

BATCH, WARM, STEPS = 128, 8, 24  # the loader's workers are 4 batches ahead, so the warm-up is longer than that
MEAN, STD = (0.49, 0.48, 0.45), (0.25, 0.24, 0.26)
CPU = torch.device("cpu")
OURS, PEER = "explorer, instruments on", "plain loop"


def main() -> None:
    if sys.argv[1:] in (["ours"], ["plain"]):
        print({"ours": measure_ours, "plain": measure_plain}[sys.argv[1]]())
        return
    rounds = read_rounds(__doc__, 4)
    print_title(f"Training resnet20 on the CPU, batches of {BATCH}")
    precision = str(choose_precision(CPU)).removeprefix("torch.")
    print(
        f"explorer computes in {precision} here (bfloat16 needs avx512_bf16 or amx_bf16); the plain loop in float32\n"
    )
    results = take_turns({OURS: lambda: run_alone("ours"), PEER: lambda: run_alone("plain")}, rounds)
    print_times(results, "images/s", 1)
    print_verdict("explorer / plain loop", compute_ratios(results[OURS], results[PEER]), "x", "at least 2x")
    print()
    measure_instruments(15 * rounds)


def run_alone(which: str) -> float:
    """Images per second, measured in a fresh process."""
    command = [sys.executable, __file__, which]
    return float(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)


def draw_images(count: int) -> tuple[Tensor, Tensor]:
    """Noise in the shape of CIFAR: (N, 3, 32, 32) uint8, and labels (N,)."""
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (count, 3, 32, 32), dtype=torch.uint8, generator=generator)
    return images, torch.randint(0, 10, (count,), generator=generator)


def create_trainer(steps: int) -> Trainer:
    images, labels = draw_images(BATCH * steps)
    train = datasets.Dataset("noise", images, labels, tuple("0123456789"))
    network = build_network(parse_variant("resnet20"), seed=0)
    config = TrainConfig(epochs=1, batch_size=BATCH, lr=0.05)
    return Trainer(network, train, train.select(torch.arange(BATCH)), config, (MEAN, STD), CPU)


def measure_ours() -> float:
    keep_freed_memory()  # as the worker does
    trainer = create_trainer(WARM + STEPS + 1)
    records = trainer.records()
    for _ in range(WARM):
        next(records)
    seconds = time_call(lambda: write_record(next(records)), STEPS)
    return BATCH / seconds


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


def measure_plain() -> float:
    network = build_network(parse_variant("resnet20"), seed=0)
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


class Blind(Meter):
    """A meter that doesn't look."""

    def add(self, loss: Tensor, logits: Tensor, labels: Tensor) -> None:
        pass


def measure_instruments(rounds: int) -> None:
    """Time steps with and without instruments in turns, and the instruments by themselves."""
    keep_freed_memory()
    trainer = create_trainer(2 * (rounds + WARM) + 1)
    records, blind = trainer.records(), Blind(CPU)
    spent: list[float] = []
    for owner, name in ((GradientNorms, "read"), (Meter, "add"), (Meter, "read")):
        setattr(owner, name, timed(getattr(owner, name), spent))

    def watched() -> float:
        spent.clear()
        return time_call(lambda: write_record(next(records)))

    shares = []

    def watched_and_split() -> float:
        seconds = watched()
        shares.append(100 * sum(spent) / seconds)
        return seconds

    steps = {
        "step, everything watched": watched_and_split,
        "step, nothing watched": lambda: time_call(lambda: trainer._take_step(blind, None)),
    }
    take_turns(steps, WARM)
    shares.clear()
    results = take_turns(steps, rounds)
    print_times(results)
    ratios = compute_ratios(*results.values())
    print_verdict("instruments, by difference", [100 * (ratio - 1) for ratio in ratios], " %", "at most 3 %")
    print_verdict("instruments, timed inside the step", shares, " %", "at most 3 %")


def timed(method: Callable[..., Any], spent: list[float]) -> Callable[..., Any]:
    def wrapped(*arguments: Any) -> Any:
        started = time.perf_counter()
        try:
            return method(*arguments)
        finally:
            spent.append(time.perf_counter() - started)

    return wrapped


if __name__ == "__main__":
    main()

"""Training on a GPU: our run against the bare compiled bfloat16 step, and the share of the device's own peak."""

from __future__ import annotations

from typing import Any

import torch
from measure import compute_ratios, print_times, print_title, print_verdict, take_turns, time_call
from torch import nn

from explorer.architecture.cost import compute_cost
from explorer.architecture.plan import expand_plan
from explorer.architecture.variant import parse_variant
from explorer.data import datasets
from explorer.network.build import build_network
from explorer.training.config import TrainConfig
from explorer.training.loop import Trainer
from explorer.training.splits import Splits

VARIANT, BATCH, STEPS = "resnet18,stem=cifar,input=3x32x32,classes=10", 512, 100
MEAN, STD = (0.49, 0.48, 0.45), (0.25, 0.24, 0.26)


def compare(rounds: int) -> None:
    """Print images per second of both, their ratio, and the share of the measured matrix peak."""
    device = torch.device("cuda")
    print_title(f"Training {VARIANT} on {torch.cuda.get_device_name()}, batches of {BATCH}")
    loops = {
        "explorer, instruments on": make_ours(device, "gradients-flow-residual-updates-activations-norms"),
        "explorer, nothing watched": make_ours(device, "none"),
        "bare compiled step": make_bare(device),
    }
    turns = {name: lambda loop=loop: BATCH * STEPS / time_call(loop) for name, loop in loops.items()}
    take_turns(turns, 2)  # compiles, and finds the fastest algorithms
    results = take_turns(turns, rounds)
    print_times(results, "images/s", 1)
    ours, blind, bare = results.values()
    print_verdict("explorer / bare compiled step", compute_ratios(ours, bare), "x", "at least 0.9x")
    print_verdict("instruments", [100 * (1 - ratio) for ratio in compute_ratios(ours, blind)], " %", "at most 3 %")
    flops = 6 * compute_cost(expand_plan(parse_variant(VARIANT))).macs  # forward, and twice as much backward
    peak = measure_peak(device)
    print(f"measured bfloat16 matrix peak {peak / 1e12:.0f} TFLOP/s")
    print_verdict("share of the peak", [100 * speed * flops / peak for speed in ours], " %", "")


def make_ours(device: torch.device, watch: str) -> Any:
    """A function that takes `STEPS` steps of a run."""
    images = torch.randint(0, 256, (BATCH * 101, 3, 32, 32), dtype=torch.uint8)
    dataset = datasets.Dataset("noise", images, torch.randint(0, 10, (len(images),)), tuple("0123456789"))
    config = TrainConfig(epochs=1000, batch_size=BATCH, lr=0.05, compile=True, device="cuda", watch=watch)
    splits = Splits(dataset, dataset.select(torch.arange(BATCH)), None, (MEAN, STD))
    trainer = Trainer(build_network(parse_variant(VARIANT), seed=0), splits, config, device)
    records = trainer.records()

    def take() -> None:
        until = trainer.step + STEPS
        while trainer.step < until:
            next(records)
        torch.cuda.synchronize()

    return take


def make_bare(device: torch.device) -> Any:
    """The same step with its batch ready on the GPU: forward, loss, backward, update, nothing else."""
    network = build_network(parse_variant(VARIANT), seed=0).to(device, memory_format=torch.channels_last)
    fast = torch.compile(network)
    optimizer = torch.optim.SGD(network.parameters(), 0.05, momentum=0.9, weight_decay=5e-4, nesterov=True, fused=True)
    images = torch.randn(BATCH, 3, 32, 32, device=device).to(memory_format=torch.channels_last)
    labels = torch.randint(0, 10, (BATCH,), device=device)

    def take() -> None:
        for _ in range(STEPS):
            optimizer.zero_grad()
            with torch.autocast("cuda", torch.bfloat16):
                logits = fast(images)
            nn.functional.cross_entropy(logits.float(), labels).backward()
            optimizer.step()
        torch.cuda.synchronize()

    return take


def measure_peak(device: torch.device) -> float:
    """FLOP a second of a large bfloat16 matrix product."""
    side, repeat = 8192, 20
    a, b = (torch.randn(side, side, device=device, dtype=torch.bfloat16) for _ in range(2))

    def multiply() -> None:
        for _ in range(repeat):
            a @ b
        torch.cuda.synchronize()

    time_call(multiply)
    return 2 * side**3 * repeat / time_call(multiply)

"""A few real steps of a run that is not kept: what the whole would cost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch

from explorer.architecture.plan import expand_plan
from explorer.architecture.variant import parse_variant
from explorer.data.datasets import load_dataset
from explorer.network.build import build_network
from explorer.network.device import choose_device, keep_freed_memory
from explorer.network.memory import read_free_memory
from explorer.records import RunCost
from explorer.training.config import TrainConfig
from explorer.training.estimate import check_fits, find_largest_batch, is_half, time_steps
from explorer.training.loop import Trainer
from explorer.training.splits import split_dataset
from explorer.training.worker import check_run


def try_run(variant: str, data: str, config: TrainConfig, say: Callable[[str], None] = lambda doing: None) -> RunCost:
    """Time a few steps and reckon the run's time and memory from them; `say` hears what is done meanwhile.

    Raises `ExplorerError`, as starting it would.
    """
    keep_freed_memory()
    say("reading the images")
    architecture, device = parse_variant(variant), choose_device(config.device)
    dataset = load_dataset(data, architecture.input)
    check_run(architecture, dataset, config)
    plan = expand_plan(replace(architecture, classes=len(dataset.classes), input=dataset.shape))
    splits, free = split_dataset(dataset, config), read_free_memory(device)
    resident = 0 if dataset.stream else len(splits.train.labels)
    memory = check_fits(plan, config, resident, device, free)
    largest = find_largest_batch(plan, config, resident, is_half(config, device), free) if free else None

    def make_trainer() -> Trainer:
        return Trainer(build_network(plan, config.seed), splits, config, device)

    say("training for a few steps")
    settle = torch.cuda.synchronize if device.type == "cuda" else lambda: None
    return time_steps(make_trainer, config, len(splits.held_out.labels), memory, free, largest, settle=settle)

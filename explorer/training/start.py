"""Where a run's weights begin: fresh, or another network's with a new head; what is frozen, and how fast all learn."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

import torch
from torch import nn

from explorer.architecture.variant import format_variant
from explorer.errors import RunError
from explorer.network.build import Network
from explorer.network.pretrained import Preprocessing, load_pretrained
from explorer.training.config import TrainConfig
from explorer.training.runs import find_run_by_id


def load_start(network: Network, name: str) -> Preprocessing:
    """Give the network the named weights, all but those of a head with other classes; returns how they want images.

    Raises `WeightsError`, or `RunError` where they are of another network.
    """
    with suppress(RunError):
        name = str(find_run_by_id(name).folder)
    loaded = load_pretrained(name)
    own, theirs = network.plan.architecture, loaded.architecture
    if replace(theirs, classes=own.classes, input=own.input) != own or theirs.input[0] != own.input[0]:
        raise RunError(
            f"weights={name[:60]} are of {format_variant(theirs)}, and what is trained is {format_variant(own)}: they "
            "may differ in classes and image size alone. Choose that network, or other weights."
        )
    state = loaded.network.state_dict()
    if theirs.classes != own.classes:
        state = {key: value for key, value in state.items() if not key.startswith("head.fc.")}
    network.load_state_dict(state, strict=theirs.classes == own.classes)
    return loaded.preprocessing


def list_parts(network: Network) -> list[tuple[str, nn.Module]]:
    """The parts in a row: stem, stages, head."""
    names = ["stem", *(stage.name for stage in network.plan.stages), "head"]
    return [(name, network.get_submodule(name)) for name in names]


def freeze_parts(network: Network, count: int) -> list[nn.Module]:
    """Let the first `count` parts be as they are; returns them. Raises `RunError` where nothing would learn."""
    parts = list_parts(network)
    if count >= len(parts):
        raise RunError(f"freeze={count} leaves nothing to train: this network has {len(parts)} parts, the head one.")
    frozen = [module for _, module in parts[:count]]
    for module in frozen:
        module.requires_grad_(False)
    return frozen


def make_optimizer(network: Network, config: TrainConfig, device: torch.device) -> torch.optim.Optimizer:
    """The optimizer; each group's ``share`` is the part of the schedule's rate that it learns at."""
    groups = list(_group_parameters(network, config))
    fused = {"fused": True} if device.type == "cuda" else {"foreach": True}
    if config.optimizer == "adamw":
        return torch.optim.AdamW(groups, config.peak_lr, betas=(config.momentum, 0.999), **fused)
    nesterov = config.nesterov and config.momentum > 0
    return torch.optim.SGD(groups, config.peak_lr, momentum=config.momentum, nesterov=nesterov, **fused)


def _group_parameters(network: Network, config: TrainConfig) -> Iterator[dict[str, Any]]:
    parts = list_parts(network)
    if config.stage_lr == 1:
        parts = [("", network)]
    for index, (_, module) in enumerate(parts):
        share = config.stage_lr ** (len(parts) - 1 - index)
        free = [parameter for parameter in module.parameters() if parameter.requires_grad]
        decayed = [p for p in free if config.decay_norms or p.ndim > 1]
        others = [p for p in free if not config.decay_norms and p.ndim <= 1]
        for parameters, decay in ((decayed, config.weight_decay), (others, 0.0)):
            if parameters:
                yield {"params": parameters, "weight_decay": decay, "share": share}

"""Networks of other families to compare with, built by torchvision and measured without memory for their weights.

Parameters by torchinfo, multiply-adds by torch's `FlopCounterMode`, which counts two for each. Nothing is cached on
disk: measuring all of them takes some seconds, once in a process.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import torch
import torchinfo
from torch import nn
from torch.utils.flop_counter import FlopCounterMode
from torchvision import models

from explorer.architecture.presets import DENSENET, HE_2015, find_preset
from explorer.architecture.totals import count_totals
from explorer.errors import VariantError
from explorer.records import PublishedAccuracy, PublishedError, ReferenceNetwork

INPUT = (3, 224, 224)
ONE_CROP, TEN_CROPS = "one 224x224 crop", "ten 224x224 crops"
_BUILDERS: dict[str, Callable[[], nn.Module]] = {
    "alexnet": models.alexnet,
    "vgg16": models.vgg16,
    "vgg16_bn": models.vgg16_bn,
    # its auxiliary heads are there in training alone, and its own initialisation takes minutes
    "googlenet": lambda: models.googlenet(weights=None, aux_logits=False, init_weights=False),
    "densenet121": models.densenet121,
    "densenet161": models.densenet161,
    "densenet169": models.densenet169,
    "densenet201": models.densenet201,
}
REFERENCES = tuple(_BUILDERS)
RESNETS = (
    *(f"resnet{depth}" for depth in (18, 34, 50, 101, 152)),
    *("resnext50_32x4d", "resnext101_32x8d", "resnext101_64x4d", "wide_resnet50_2", "wide_resnet101_2"),
)
PAPERS: dict[str, tuple[PublishedError, ...]] = {
    "vgg16": (PublishedError(28.07, 9.33, TEN_CROPS, f"{HE_2015}, table 3"),),
    "densenet121": (
        PublishedError(25.02, None, ONE_CROP, f"{DENSENET}, table 3"),
        PublishedError(23.61, None, TEN_CROPS, f"{DENSENET}, table 3"),
    ),
    "densenet169": (
        PublishedError(23.80, None, ONE_CROP, f"{DENSENET}, table 3"),
        PublishedError(22.08, None, TEN_CROPS, f"{DENSENET}, table 3"),
    ),
    "densenet201": (
        PublishedError(22.58, None, ONE_CROP, f"{DENSENET}, table 3"),
        PublishedError(21.46, None, TEN_CROPS, f"{DENSENET}, table 3"),
    ),
}


def list_references() -> list[ReferenceNetwork]:
    """Measure all of `REFERENCES`."""
    return [measure_reference(name) for name in REFERENCES]


@lru_cache
def measure_reference(name: str) -> ReferenceNetwork:
    """Measure one of torchvision's networks. Raises `VariantError` for a name that is none of `REFERENCES`."""
    if name not in _BUILDERS:
        raise VariantError(f"“{name[:40]}” is no network to compare with: choose from {', '.join(REFERENCES)}.")
    with torch.device("meta"):
        network = _BUILDERS[name]().eval()
        image = torch.empty(1, *INPUT)  # (N, C, H, W)
    summary = torchinfo.summary(network, input_data=image, device="meta", mode="eval", verbose=0)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        network(image)
    errors = (*PAPERS.get(name, ()), *(_describe_error(weights) for weights in _list_weights(name)))
    return ReferenceNetwork(name, INPUT, summary.total_params, counter.get_total_flops() // 2, errors)


@lru_cache
def list_accuracies() -> tuple[PublishedAccuracy, ...]:
    """Every weight that torchvision publishes for the ResNets and for `REFERENCES`, with its ImageNet accuracy.

    Accuracies are torchvision's own (its weights' metadata); what the ResNets cost is counted from the plan.
    """
    return tuple(
        _describe_accuracy(name, weights) for name in (*RESNETS, *REFERENCES) for weights in _list_weights(name)
    )


def _list_weights(name: str) -> Iterator[Any]:
    """Weights whose accuracy on ImageNet is published; of vgg16's some have no classifier, and NaN there."""
    for weights in models.get_model_weights(name):
        if _read_accuracy(weights)[0] > 0:
            yield weights


def _read_accuracy(weights: Any) -> tuple[float, float]:
    """Top-1 and top-5 in percent."""
    metrics = weights.meta.get("_metrics", {}).get("ImageNet-1K", {})
    return metrics.get("acc@1", 0.0), metrics.get("acc@5", 0.0)


def _describe_protocol(weights: Any) -> str:
    transform = weights.transforms()
    return f"one {transform.crop_size[0]}x{transform.crop_size[0]} crop, resized to {transform.resize_size[0]}"


def _describe_error(weights: Any) -> PublishedError:
    top1, top5 = (round(100 - accuracy, 3) for accuracy in _read_accuracy(weights))
    return PublishedError(top1, top5, _describe_protocol(weights), f"torchvision, {weights}")


def _describe_accuracy(name: str, weights: Any) -> PublishedAccuracy:
    top1, top5 = (round(accuracy / 100, 5) for accuracy in _read_accuracy(weights))
    if name in RESNETS:
        cost = count_totals(find_preset(name).architecture)
        params, macs = cost.params, cost.macs
    else:
        measured = measure_reference(name)
        params, macs = measured.params, measured.macs
    protocol, recipe = _describe_protocol(weights), weights.meta.get("recipe", "")
    return PublishedAccuracy(name, weights.name, top1, top5, params, macs, protocol, recipe)

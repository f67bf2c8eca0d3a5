"""What is told of layers and norms: gradients, updates, scales; against loops over plain numbers."""

import math

import pytest
import torch
from torch import nn

from explorer.architecture.ops import Kind
from explorer.training.config import TrainConfig
from explorer.training.instruments import Instruments
from watched import VARIANTS, build, compute_loss, draw_batch, make_optimizer, take_step, watch_step


def list_parameters(network):
    """Parameters by the name of their convolution or linear layer, from the names of the parameters alone."""
    layers = {}
    for name, parameter in network.named_parameters():
        path = name.rpartition(".")[0]
        if isinstance(network.get_submodule(path), nn.Conv1d | nn.Conv2d | nn.Linear):
            layers.setdefault(path, []).append(parameter)
    return layers


def root_of_squares(tensors):
    return math.sqrt(sum(value**2 for tensor in tensors for value in tensor.flatten().tolist()))


@pytest.mark.parametrize("variant", VARIANTS)
def test_gradient_norms_are_roots_of_sums_of_squares(variant):
    batch, twin = draw_batch(), build(variant).train()
    layers = list_parameters(twin)
    flat = [parameter for parameters in layers.values() for parameter in parameters]
    gradients = iter(torch.autograd.grad(compute_loss(twin, batch), flat))
    expected = {name: root_of_squares([next(gradients) for _ in layer]) for name, layer in layers.items()}
    seen = watch_step(build(variant), batch, "gradients")["gradient_norm"]
    assert seen == pytest.approx(expected, rel=1e-4) and list(seen) == list(expected)


def test_every_operation_with_weights_is_a_layer():
    network = build("se")
    names = list(watch_step(network, draw_batch(), "gradients")["gradient_norm"])
    ops = [name for name, op in network.plan.ops() if op.kind in (Kind.CONV, Kind.LINEAR)]
    inner = [f"layer{stage}.0.branch.se.fc{i}" for stage in (1, 2, 3) for i in (1, 2)]
    assert sorted(names) == sorted(ops + inner) and names[0] == "stem.conv1" and names[-1] == "head.fc"
    attention = watch_step(build("eca"), draw_batch(), "gradients")["gradient_norm"]
    assert attention["layer2.0.branch.se.conv"] > 0


@pytest.mark.parametrize("variant", VARIANTS)
def test_update_ratios_compare_the_step_with_the_weights(variant):
    """A second step too, so that momentum and weight decay are in it."""
    network, twin = build(variant).train(), build(variant).train()
    optimizer, other = make_optimizer(network), make_optimizer(twin)
    instruments = Instruments(network, TrainConfig(watch="updates"))
    for step in (1, 2):
        batch = draw_batch(step)
        record = take_step(network, optimizer, batch, instruments, step)
        before = {name: [p.detach().clone() for p in layer] for name, layer in list_parameters(twin).items()}
        take_step(twin, other, batch)
        for name, number in zip(instruments.units.units["update_ratio"], record.values["update_ratio"], strict=True):
            after = list_parameters(twin)[name]
            change = root_of_squares([a.detach() - b for a, b in zip(after, before[name], strict=True)])
            assert number == pytest.approx(change / root_of_squares(before[name]), rel=1e-3)


def test_the_update_ratio_of_zero_weights_is_zero():
    network = build("resnet8,width=4,norm=none,zero_init=yes")
    seen = watch_step(network, draw_batch(), "updates")["update_ratio"]
    assert seen["layer1.0.branch.conv2"] == 0 and seen["head.fc"] > 0
    assert network.layer1[0].branch.conv2.weight.abs().sum() > 0  # it did move


def test_gradients_are_those_of_the_loss_before_the_optimizer_touches_them():
    """Clipping, weight decay and momentum behind `before_update` change nothing."""
    batch, network = draw_batch(), build("post").train()
    expected = watch_step(build("post"), batch, "gradients")["gradient_norm"]
    instruments = Instruments(network, TrainConfig(watch="gradients"))
    with instruments.watching():
        compute_loss(network, batch).backward()
    instruments.before_update()
    nn.utils.clip_grad_norm_(network.parameters(), 1e-3)
    make_optimizer(network).step()
    assert instruments.after_update(1, 0.0).values["gradient_norm"] == pytest.approx(tuple(expected.values()))


def test_frozen_layers_are_left_out_and_missing_gradients_are_zero():
    network = build("post")
    network.stem.requires_grad_(False)
    instruments = Instruments(network.train(), TrainConfig(watch="gradients-updates"))
    assert "stem.conv1" not in instruments.units.units["gradient_norm"]
    assert "stem.conv1" not in instruments.units.units["update_ratio"]
    with instruments.watching():
        compute_loss(network, draw_batch()).backward()
    network.head.fc.weight.grad = network.head.fc.bias.grad = None
    instruments.before_update()
    record = instruments.after_update(1, 0.0)
    named = dict(zip(instruments.units.units["gradient_norm"], record.values["gradient_norm"], strict=True))
    assert named["head.fc"] == 0 and named["layer3.0.branch.conv2"] > 0


@pytest.mark.parametrize(("variant", "suffix"), [("post", "bn1"), ("group norm", "gn1")])
def test_scales_are_means_of_magnitudes_behind_the_step(variant, suffix):
    network = build(variant)
    norms = [m for m in network.modules() if isinstance(m, nn.BatchNorm2d | nn.GroupNorm)]
    with torch.no_grad():
        for index, norm in enumerate(norms):
            norm.weight.copy_(torch.linspace(-1, 2, len(norm.weight)) * (index + 1))
    seen = watch_step(network, draw_batch(), "norms")["norm_scale"]
    expected = {
        name: sum(abs(value) for value in module.weight.tolist()) / len(module.weight)
        for name, module in network.named_modules()
        if module in norms
    }
    assert seen == pytest.approx(expected, rel=1e-4) and f"stem.{suffix}" in seen


def test_without_norms_there_is_nothing_to_tell_of_them():
    instruments = Instruments(build("no norm"), TrainConfig(watch="norms"))
    assert instruments.units.units == {} and not instruments.due(1, 100)

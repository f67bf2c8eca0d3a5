"""What is told of maps: the size of x and F(x), and activations; against loops over the outputs of a forward pass."""

import math
import statistics

import pytest
import torch

from explorer.architecture.ops import Kind
from explorer.training.instruments import activations
from watched import VARIANTS, build, draw_batch, watch_step


def record_outputs(variant, batch, names):
    """What goes into and comes out of modules of a fresh network, in training mode."""
    network, seen = build(variant).train(), {}
    for name in names:
        network.get_submodule(name).register_forward_hook(
            lambda _, given, output, name=name: seen.__setitem__(name, (given[0].detach(), output.detach()))
        )
    network(batch[0])
    return seen


@pytest.mark.parametrize("variant", VARIANTS)
def test_sizes_are_means_over_the_images(variant):
    batch, network = draw_batch(), build(variant)
    seen = watch_step(network, batch, "residual")
    names = [name for name, _ in network.plan.blocks()]
    outputs = record_outputs(variant, batch, [*names, *(f"{name}.branch" for name in names)])

    def mean_norm(maps):
        return statistics.fmean(math.sqrt(sum(v**2 for v in image.flatten().tolist())) for image in maps)

    for name in names:
        assert seen["input_norm"][name] == pytest.approx(mean_norm(outputs[name][0]), rel=1e-4)
        assert seen["branch_norm"][name] == pytest.approx(mean_norm(outputs[f"{name}.branch"][1]), rel=1e-4)
    assert list(seen["input_norm"]) == list(seen["branch_norm"]) == names


@pytest.mark.parametrize("variant", [*VARIANTS, "resnet8,width=4,act=tanh", "resnet8,width=4,act=leaky_relu"])
def test_activations_are_described_number_by_number(variant):
    batch, network = draw_batch(), build(variant)
    seen = watch_step(network, batch, "activations")
    names = [name for name, op in network.plan.ops() if op.kind is Kind.ACT]
    outputs = record_outputs(variant, batch, names)
    assert list(seen["activation_mean"]) == names
    for name in names:
        output = outputs[name][1]
        numbers = output.flatten().tolist()
        assert seen["activation_mean"][name] == pytest.approx(statistics.fmean(numbers), rel=1e-3, abs=1e-5)
        assert seen["activation_std"][name] == pytest.approx(statistics.pstdev(numbers), rel=1e-3)
        channels = [[v for image in output for v in image[c].flatten().tolist()] for c in range(output.shape[1])]
        dead = sum(all(value == 0 for value in channel) for channel in channels) / len(channels)
        assert seen["dead"][name] == pytest.approx(dead, abs=1e-5)


def test_dead_channels_are_counted():
    network = build("post")
    with torch.no_grad():
        network.layer2[0].branch.bn1.weight[:3] = 0
        network.layer2[0].branch.bn1.bias[:3] = -1
        network.layer3[0].branch.bn1.bias[:] = -100
    seen = watch_step(network, draw_batch(), "activations")
    assert seen["dead"]["stem.relu1"] == 0
    assert seen["dead"]["layer2.0.branch.relu1"] == 0.375  # 3 of 8
    silent = "layer3.0.branch.relu1"
    assert [seen[quantity][silent] for quantity in ("dead", "activation_mean", "activation_std")] == [1, 0, 0]


def test_only_the_first_images_are_looked_at(monkeypatch):
    monkeypatch.setattr(activations, "IMAGES", 2)
    batch = draw_batch()
    seen = watch_step(build("post"), batch, "activations")
    output = record_outputs("post", batch, ["stem.relu1"])["stem.relu1"][1]
    assert seen["activation_mean"]["stem.relu1"] == pytest.approx(output[:2].mean().item(), rel=1e-4)


@pytest.mark.parametrize("memory", [torch.channels_last, torch.contiguous_format])
def test_a_channel_that_is_positive_once_is_alive(memory):
    maps = torch.zeros(4, 3, 5, 5).to(memory_format=memory)
    maps[3, 1, 4, 4] = 1e-6
    maps[0, 2, 0, 0], maps[0, 2, 0, 1] = 1.0, -1.0
    mean, variance = activations.measure_channels(maps)
    assert ((mean == 0) & (variance == 0)).tolist() == [True, False, False]


def test_half_precision_is_added_up_in_full():
    """In bfloat16 a sum of ones would stop at 256."""
    maps = torch.ones(4, 2, 64, 64, dtype=torch.bfloat16)
    mean, variance = activations.measure_channels(maps)
    assert mean.tolist() == [1, 1] and variance.tolist() == [0, 0] and mean.dtype == torch.float32

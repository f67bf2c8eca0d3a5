import pytest
import torch
import torchvision
from hypothesis import given, settings
from torch import nn

from explorer.architecture.config import Architecture
from explorer.architecture.cost import list_rows
from explorer.architecture.plan import expand_plan
from explorer.architecture.presets import list_presets
from explorer.architecture.variant import parse_variant
from explorer.errors import VariantError
from explorer.network.build import build_network
from strategies import small_architectures
from witness import (
    COMPOSED,
    Seen,
    assert_same_function,
    build_empty,
    draw_images,
    fill_alike,
    is_one_clear_sentence,
    observe_modules,
)

TORCHVISION = ("resnet18", "resnet34", "resnet50", "resnet101", "resnet152")


@pytest.mark.parametrize("name", TORCHVISION)
def test_outputs_and_gradients_are_torchvisions(name):
    ours, theirs = build_empty(build_network, parse_variant(name)), build_empty(getattr(torchvision.models, name))
    fill_alike(ours, theirs, seed=7)
    assert_same_function(ours, theirs, draw_images((3, 40, 40)))


@pytest.mark.parametrize("name", ["resnet18", "resnet50"])
def test_training_mode_is_torchvisions_too_running_statistics_included(name):
    ours, theirs = build_empty(build_network, parse_variant(name)), build_empty(getattr(torchvision.models, name))
    fill_alike(ours, theirs, seed=8)
    assert_same_function(ours.train(), theirs.train(), draw_images((3, 64, 64), count=4))
    for mine, other in zip(ours.buffers(), theirs.buffers(), strict=True):
        torch.testing.assert_close(mine, other)


def list_branch_weights(name):
    with torch.device("meta"):
        network = build_network(parse_variant(name))
    return [path for path, _ in network.named_parameters() if ".branch.conv" in path or ".shortcut.conv" in path]


@pytest.mark.parametrize("weight", list_branch_weights("resnet18"))
def test_permuting_one_weight_fails_the_comparison(weight):
    ours, theirs = build_empty(build_network, parse_variant("resnet18")), build_empty(torchvision.models.resnet18)
    fill_alike(ours, theirs, seed=7)
    with torch.no_grad():
        parameter = ours.get_parameter(weight)
        parameter.copy_(parameter.roll(1, dims=0).clone())
    with pytest.raises(AssertionError, match="logits"):
        assert_same_function(ours, theirs, draw_images((3, 40, 40)))


@pytest.mark.parametrize("preset", list_presets(), ids=lambda preset: preset.name)
def test_every_operation_of_the_plan_is_a_module_at_its_name(preset):
    with torch.device("meta"):
        network = build_network(preset.architecture)
    composed = [path for path, module in network.named_modules() if isinstance(module, COMPOSED)]
    inside = tuple(f"{path}." for path in composed)
    leaves = [
        path
        for path, module in network.named_modules()
        if path in composed or not (path.startswith(inside) or [*module.children()] or isinstance(module, nn.Identity))
    ]
    assert leaves == [name for name, _ in expand_plan(preset.architecture).ops()]


@settings(max_examples=30)
@given(small_architectures())
def test_any_small_network_runs_forward_and_backward_and_agrees_with_its_plan(architecture):
    network = build_network(architecture, seed=0)
    rows = list_rows(expand_plan(architecture))
    planned = {row.name: Seen(row.output, row.cost.params, row.cost.macs) for row in rows}
    assert observe_modules(network, architecture.input) == planned
    logits = network.train()(draw_images(architecture.input, count=3))
    assert logits.shape == (3, architecture.classes)
    logits.square().sum().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name


def test_a_plan_and_its_architecture_build_the_same_network():
    architecture = parse_variant("resnet20")
    states = [build_network(source, seed=3).state_dict() for source in (architecture, expand_plan(architecture))]
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


def test_a_seed_draws_the_same_weights_and_leaves_the_global_generator_alone():
    torch.manual_seed(11)
    expected = torch.rand(4)
    torch.manual_seed(11)
    first, again, other = (build_network(parse_variant("resnet20"), seed).stem.conv1.weight for seed in (1, 1, 2))
    assert torch.equal(torch.rand(4), expected)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_fresh_convolutions_have_the_spread_of_he_et_al():
    network = build_network(parse_variant("resnet56"), seed=0)
    for module in network.modules():
        if isinstance(module, nn.Conv2d) and module.kernel_size == (3, 3):
            fan_out = 9 * module.out_channels
            assert float(module.weight.detach().std()) == pytest.approx((2 / fan_out) ** 0.5, rel=0.15)


def test_nothing_works_in_place():
    network = build_network(parse_variant("resnet18"))
    assert not any(getattr(module, "inplace", False) for module in network.modules())


def test_a_network_that_fits_into_no_memory_is_refused_before_it_is_allocated():
    with pytest.raises(VariantError) as refusal:
        build_network(Architecture(width=4096))
    assert "parameters" in str(refusal.value)
    assert is_one_clear_sentence(str(refusal.value))

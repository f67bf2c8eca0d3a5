import math

import pytest
import torch

from explorer.architecture.variant import parse_variant
from explorer.network.build import build_network
from explorer.network.evaluation import Meter
from explorer.training.instruments import GradientNorms, group_parameters


@pytest.fixture
def network():
    return build_network(parse_variant("resnet8,width=2,input=1x8x8,classes=3"), seed=0)


def backward(network) -> None:
    images = torch.randn(4, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    torch.nn.functional.cross_entropy(network(images), torch.tensor([0, 1, 2, 0])).backward()


def test_every_parameter_belongs_to_one_block(network):
    groups = group_parameters(network)
    assert list(groups) == ["stem", "layer1.0", "layer2.0", "layer3.0", "head"]
    flat = [id(parameter) for group in groups.values() for parameter in group]
    assert sorted(flat) == sorted(map(id, network.parameters())) and len(set(flat)) == len(flat)


def test_norms_are_the_root_of_the_sum_of_squares(network):
    backward(network)
    expected = {
        name: math.sqrt(sum(value**2 for p in group for value in p.grad.flatten().tolist()))
        for name, group in group_parameters(network).items()
    }
    assert GradientNorms(network).read() == pytest.approx(expected, rel=1e-5)
    assert all(value > 0 for value in expected.values())


def test_norms_are_of_the_loss_and_know_nothing_of_weight_decay_or_momentum(network):
    """The optimizer may change gradients in place; read before its step, they are the loss's."""
    norms, seen = GradientNorms(network), []
    for decay, momentum in ((0.0, 0.0), (0.5, 0.9)):
        network.zero_grad()
        optimizer = torch.optim.SGD(
            network.parameters(), 0.0, momentum=momentum, weight_decay=decay, nesterov=momentum > 0, foreach=True
        )
        backward(network.eval())
        seen.append(norms.read())
        optimizer.step()
    assert seen[0] == pytest.approx(seen[1])


def test_a_block_without_gradients_has_norm_zero(network):
    for parameter in network.get_submodule("layer2.0").parameters():
        parameter.requires_grad_(False)
    backward(network)
    norms = GradientNorms(network).read()
    assert norms["layer2.0"] == 0 and norms["layer1.0"] > 0


def test_the_meter_weighs_batches_by_their_size():
    meter = Meter(torch.device("cpu"))
    meter.add(torch.tensor(1.0), torch.tensor([[0.0, 1.0], [1.0, 0.0], [1.0, 0.0]]), torch.tensor([1, 1, 0]))
    meter.add(torch.tensor(5.0), torch.tensor([[0.0, 1.0]]), torch.tensor([1]))
    assert meter.read() == (2.0, 3, 4)
    assert meter.read() == (0.0, 0, 0)

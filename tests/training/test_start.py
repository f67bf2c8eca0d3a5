import dataclasses

import pytest
import torch

from explorer.architecture.variant import parse_variant
from explorer.errors import RunError, WeightsError
from explorer.network.build import build_network
from explorer.network.checkpoints import save_weights
from explorer.training.config import TrainConfig
from explorer.training.start import freeze_parts, list_parts, load_start, make_optimizer

TEXT = "resnet8,width=4,input=3x8x8"


@pytest.fixture
def weights(tmp_path):
    """A file of weights of ten classes, with its statistics."""
    network = build_network(parse_variant(TEXT), 7)
    card = {"variant": TEXT, "mean": "[0.1, 0.2, 0.3]", "std": "[0.4, 0.5, 0.6]"}
    save_weights(network, tmp_path / "weights.safetensors", card)
    return tmp_path / "weights.safetensors", network.state_dict()


def test_all_weights_are_taken_where_the_classes_agree(weights):
    network = build_network(parse_variant(TEXT), 1)
    preprocessing = load_start(network, str(weights[0]))
    assert (preprocessing.mean, preprocessing.std) == ((0.1, 0.2, 0.3), (0.4, 0.5, 0.6))
    assert all(torch.equal(value, weights[1][name]) for name, value in network.state_dict().items())


def test_other_classes_get_a_new_head_and_other_sizes_are_no_matter(weights):
    network = build_network(parse_variant("resnet8,width=4,input=3x16x16,classes=4"), 1)
    fresh = {name: value.clone() for name, value in network.head.fc.state_dict().items()}
    load_start(network, str(weights[0]))
    for name, value in network.state_dict().items():
        if name.startswith("head.fc."):
            assert torch.equal(value, fresh[name.removeprefix("head.fc.")])
        else:
            assert torch.equal(value, weights[1][name]), name


@pytest.mark.parametrize(
    "text", ["resnet14,width=4,input=3x8x8", "resnet8,width=8,input=3x8x8", "resnet8,width=4,input=1x8x8"]
)
def test_weights_of_another_network_are_refused(weights, text):
    with pytest.raises(RunError, match="may differ in classes and image size alone") as caught:
        load_start(build_network(parse_variant(text), 1), str(weights[0]))
    assert "\n" not in str(caught.value)


def test_weights_that_are_not_there_are_refused():
    with pytest.raises(WeightsError):
        load_start(build_network(parse_variant(TEXT), 1), "nothing.safetensors")


def test_parts_are_frozen_from_the_input_on():
    network = build_network(parse_variant(TEXT), 1)
    assert [name for name, _ in list_parts(network)] == ["stem", "layer1", "layer2", "layer3", "head"]
    assert freeze_parts(network, 0) == []
    freeze_parts(network, 3)
    learning = {name.partition(".")[0] for name, p in network.named_parameters() if p.requires_grad}
    assert learning == {"layer3", "head"}
    optimizer = make_optimizer(network, dataclasses.replace(TrainConfig(), stage_lr=0.5), torch.device("cpu"))
    assert sorted({group["share"] for group in optimizer.param_groups}) == [0.5, 1.0]
    with pytest.raises(RunError, match="leaves nothing to train: this network has 5 parts"):
        freeze_parts(network, 5)

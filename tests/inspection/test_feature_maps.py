from threading import Thread

import pytest
import torch
from torch.nn.functional import pad, relu

from explorer.architecture.variant import parse_variant
from explorer.errors import VariantError
from explorer.inspection.feature_maps import record_feature_maps
from explorer.network.build import build_network
from witness import draw_images, fill_with_seed


def network_of(text):
    network = build_network(parse_variant(text), seed=0).eval()
    fill_with_seed(network, 3)
    return network


def run_by_hand(network, image):
    """Every operation's output, the block's equation written out: y = relu(shortcut(x) + branch(x))."""
    outputs = {}

    def chain(prefix, module, x):
        for name, part in module.named_children():
            x = outputs[f"{prefix}.{name}"] = part(x)
        outputs[prefix] = x
        return x

    with torch.no_grad():
        x = chain("stem", network.stem, image)
        for stage in network.plan.stages:
            for index, block in enumerate(network.get_submodule(stage.name)):
                name = f"{stage.name}.{index}"
                y = chain(f"{name}.branch", block.branch, x)
                if block.shortcut is not None:
                    short = chain(f"{name}.shortcut", block.shortcut, x)
                    y = outputs[f"{name}.merge"] = short + y
                x = outputs[f"{name}.after"] = outputs[name] = relu(y)
            outputs[stage.name] = x
        chain("head", network.head, x)
    return outputs


@pytest.mark.parametrize(
    "variant",
    ["resnet8,width=4", "resnet14,depths=1-2,width=4,input=3x40x24", "resnet8,width=4,shortcut=none",
     "resnet8,width=4,shortcut=C,depths=2-2"],
)  # fmt: skip
def test_every_operation_of_the_graph_gives_its_own_output(variant):
    network = network_of(variant)
    image = draw_images(network.plan.architecture.input, count=1)
    expected = run_by_hand(network, image)
    names = [name for name, _ in network.plan.ops()]
    assert set(names) <= set(expected)
    for name in [*names, *(name for name, _ in network.plan.blocks()), "stem", "layer1"]:
        record = record_feature_maps(network, image, name)
        wanted = expected[name][0]
        assert record.name == name
        assert record.maps.shape == (tuple(wanted.shape) if wanted.ndim == 3 else (*wanted.shape, 1, 1))
        torch.testing.assert_close(torch.from_numpy(record.maps).view_as(wanted), wanted, rtol=1e-5, atol=1e-5)


def test_shortcuts_give_what_goes_past_the_branch():
    """The identity is the block's input itself; option A is every second pixel between channels of zeros."""
    network = network_of("resnet14,depths=2-1,width=4,block=basic,shortcut=A,input=3x32x32")
    image = draw_images((3, 32, 32), count=1)
    maps = {
        name: torch.from_numpy(record_feature_maps(network, image, name).maps)
        for name in ("layer1.0", "layer1.1", "layer1.1.shortcut", "layer2.0.shortcut", "layer2.0.shortcut.pad")
    }
    assert torch.equal(maps["layer1.1.shortcut"], maps["layer1.0"])
    padded = pad(maps["layer1.1"][:, ::2, ::2], (0, 0, 0, 0, 2, 2))  # 4 channels become 8
    assert torch.equal(maps["layer2.0.shortcut.pad"], padded) and torch.equal(maps["layer2.0.shortcut"], padded)


def test_the_classifiers_output_is_the_logits():
    network = network_of("resnet8,width=4")
    image = draw_images((3, 32, 32), count=1)
    with torch.no_grad():
        logits = network(image)[0]
    assert torch.equal(torch.from_numpy(record_feature_maps(network, image, "head.fc").maps).flatten(), logits)


def count_hooks(network):
    return sum(len(module._forward_hooks) for module in network.modules())


def test_hooks_go_when_all_is_well_and_when_forward_raises():
    network = network_of("resnet8,width=4")
    record_feature_maps(network, draw_images((3, 32, 32), count=1), "layer2.0.merge")
    assert count_hooks(network) == 0
    with pytest.raises(RuntimeError):
        record_feature_maps(network, draw_images((5, 32, 32), count=1), "layer2.0.merge")
    assert count_hooks(network) == 0


@pytest.mark.parametrize("name", ["", "layer9", "layer1.0.shortcut.conv", "forward", "x" * 500])
def test_an_operation_that_is_not_there_is_refused(name):
    network = network_of("resnet8,width=4")
    with pytest.raises(VariantError, match="choose one from its graph") as caught:
        record_feature_maps(network, draw_images((3, 32, 32), count=1), name)
    assert len(str(caught.value)) < 200 and count_hooks(network) == 0


def test_a_picture_that_somebody_else_shows_the_network_meanwhile_is_not_taken():
    network = network_of("resnet8,width=4")
    own, others = draw_images((3, 32, 32), count=2).split(1)
    expected = record_feature_maps(network, own, "layer1.0").maps

    def intrude(module, inputs):  # once, before the own picture comes to layer1
        hook.remove()
        visitor = Thread(target=network, args=(others,))
        visitor.start()
        visitor.join()

    hook = network.stem.register_forward_pre_hook(intrude)
    assert (record_feature_maps(network, own, "layer1.0").maps == expected).all()

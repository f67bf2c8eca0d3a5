"""The gradient through shortcut and branch, against the paper's equation written out with an input for either way."""

import pytest
import torch

from explorer.training.config import TrainConfig
from explorer.training.instruments import Instruments
from explorer.training.instruments.flow import Flow
from watched import VARIANTS, build, compute_loss, draw_batch, watch_step


def run(network, images, part=None):
    """The forward pass by hand; returns logits, the input of the block `part`, and the two ways' inputs there."""
    x, seen = network.stem(images), (None, None, None)
    for stage in network.plan.stages:
        for name, block in network.get_submodule(stage.name).named_children():
            if name == "transition":
                x = block(x)
                continue
            shortcut = branch = x
            if f"{stage.name}.{name}" == part:  # values of their own, so that autograd can tell the ways apart
                joint = x
                projects = block.projects and block.shortcut is not None
                if projects and block.before is not None:
                    shortcut, branch = (block.before(x).detach().clone().requires_grad_() for _ in range(2))
                    seen = joint, shortcut, branch
                    y = block.branch(branch)
                else:
                    shortcut, branch = (x.detach().clone().requires_grad_() for _ in range(2))
                    seen = joint, shortcut, branch
                    y = block.branch(branch if block.before is None else block.before(branch))
            else:
                u = x if block.before is None else block.before(x)
                shortcut = u if block.projects else x
                y = block.branch(u)
            if block.shortcut is not None:
                y = block.merge(block.shortcut(shortcut), y)
            x = y if block.after is None else block.after(y)
    return network.head(x), *seen


def differentiate(variant, batch, part):
    """The gradients at either way's input, and at the block's own input in the undivided network."""
    images, labels = batch
    logits, _, shortcut, branch = run(build(variant).train(), images, part)
    loss = torch.nn.functional.cross_entropy(logits, labels)
    ways = torch.autograd.grad(loss, [shortcut, branch], allow_unused=True)
    network = build(variant).train()
    inputs = []
    handle = network.get_submodule(part).register_forward_pre_hook(lambda _, given: inputs.append(given[0]))
    loss = compute_loss(network, batch)
    handle.remove()
    return ways, torch.autograd.grad(loss, inputs)[0]


@pytest.mark.parametrize("variant", VARIANTS)
def test_both_ways_are_those_of_the_equation_written_out(variant):
    batch, network = draw_batch(), build(variant)
    seen = watch_step(network, batch, "flow")
    names = [name for name, _ in network.plan.blocks()]
    assert list(seen["gradient_branch"]) == list(seen["gradient_shortcut"]) == names
    for name in names:
        (shortcut, branch), _ = differentiate(variant, batch, name)
        assert seen["gradient_branch"][name] == pytest.approx(branch.norm().item(), rel=1e-4)
        expected = 0.0 if shortcut is None else shortcut.norm().item()
        assert seen["gradient_shortcut"][name] == pytest.approx(expected, rel=1e-4)
        assert (expected == 0) == ("plain" in variant)


class Vectors(Flow):
    """Keeps the gradients themselves."""

    def note(self, quantity, index, gradient):
        self.norms[quantity, index] = gradient.clone()


@pytest.mark.parametrize("variant", [variant for variant in VARIANTS if "plain" not in variant])
def test_the_gradient_where_the_ways_part_is_exactly_the_sum_of_both(variant):
    network = build(variant).train()
    flow, parting = Vectors(network), []
    for block in flow.blocks:
        if block.projects and block.before is not None:
            block.before.register_forward_hook(lambda _, given, u: parting.append(u))
        else:
            block.register_forward_pre_hook(lambda _, given: parting.append(given[0]))
    handles = list(flow.attach(1.0))
    gradients = torch.autograd.grad(compute_loss(network, draw_batch()), parting)
    assert len(handles) == 2 * len(gradients) and len(flow.norms) == 2 * len(gradients)
    for index, gradient in enumerate(gradients):
        both = [flow.norms[quantity, index] for quantity in flow.units]
        assert torch.equal(both[0] + both[1], gradient), flow.names[index]


@pytest.mark.parametrize("variant", ["post", "pre", "dense", "se"])
def test_the_ways_add_up_to_what_autograd_says_without_any_hook(variant):
    batch = draw_batch()
    for name, _ in build(variant).plan.blocks():
        (shortcut, branch), whole = differentiate(variant, batch, name)
        torch.testing.assert_close(shortcut + branch, whole, rtol=1e-4, atol=1e-7)


def test_what_the_loss_was_multiplied_with_is_taken_out():
    batch, network = draw_batch(), build("post")
    expected = watch_step(build("post"), batch, "flow")
    instruments = Instruments(network.train(), TrainConfig(watch="flow"))
    with instruments.watching(scale=1024.0):
        (compute_loss(network, batch) * 1024).backward()
    instruments.before_update()
    record = instruments.after_update(1, 0.0)
    for quantity, numbers in record.values.items():
        assert numbers == pytest.approx(tuple(expected[quantity].values()), rel=1e-4)


def test_no_gradient_reaches_what_stands_behind_frozen_parts():
    network = build("post")
    for part in (network.stem, network.layer1):
        part.requires_grad_(False)
    seen = watch_step(network, draw_batch(), "flow")
    assert seen["gradient_branch"]["layer1.0"] == seen["gradient_branch"]["layer2.0"] == 0
    assert seen["gradient_branch"]["layer3.0"] > 0 and seen["gradient_shortcut"]["layer3.0"] > 0


@pytest.mark.parametrize("reentrant", [False, True])
@pytest.mark.parametrize("variant", ["post", "pre, projected", "dense"])
def test_gradients_are_right_where_blocks_are_computed_twice(variant, reentrant):
    batch = draw_batch()
    expected = watch_step(build(variant), batch, "flow-residual-activations")
    network = build(variant)
    for block in (module for name, _ in network.plan.blocks() for module in [network.get_submodule(name)]):
        plain = type(block).forward
        block.forward = lambda x, block=block, plain=plain: torch.utils.checkpoint.checkpoint(
            plain, block, x, use_reentrant=reentrant
        )
    assert watch_step(network, batch, "flow-residual-activations") == expected

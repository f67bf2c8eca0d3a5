"""Whatever the options: a network that agrees with its plan on every shape and number, or one clear sentence."""

import os

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch.utils.flop_counter import FlopCounterMode

from explorer.architecture.config import Activation, Architecture
from explorer.architecture.cost import compute_cost
from explorer.architecture.ops import Kind
from explorer.architecture.plan import expand_plan
from explorer.architecture.variant import format_variant, parse_variant
from explorer.errors import VariantError
from explorer.network.build import MAX_PARAMS, build_network
from strategies import SMALL, make_valid, options
from witness import count_params, draw_images, is_one_clear_sentence

# 2,000 in all; EXPLORER_EXAMPLES=10000 makes them 50,000
EXAMPLES = int(os.environ.get("EXPLORER_EXAMPLES", "400"))


def describe(values, valid):
    """The architecture of drawn values, or None where they are refused in a sentence."""
    try:
        architecture = make_valid(dict(values)) if valid else Architecture(**values)
        expand_plan(architecture)
    except VariantError as refusal:
        assert is_one_clear_sentence(str(refusal)), str(refusal)
        return None
    return architecture


def observe(network, images):
    """Shapes that every operation of the plan really gives, and what a backward pass leaves behind."""
    shapes, hooks = {}, []
    for name, _ in network.plan.ops():
        module = network.get_submodule(name)
        note = lambda module, inputs, output, name=name: shapes.__setitem__(name, tuple(output.shape[1:]))  # noqa: E731
        hooks.append(module.register_forward_hook(note))
    logits = network(images)
    logits.square().sum().backward()
    for hook in hooks:
        hook.remove()
    return shapes


@pytest.mark.parametrize("activation", Activation)
@settings(max_examples=EXAMPLES, derandomize=True, suppress_health_check=list(HealthCheck))
@given(values=options(**SMALL), valid=st.sampled_from([True, True, True, False]))
def test_a_variant_agrees_with_its_plan_or_is_refused_in_a_sentence(activation, values, valid):
    if values["connect"] == "add":
        values["activation"] = activation
    architecture = describe(values, valid)
    if architecture is None:
        return
    plan = expand_plan(architecture)
    network = build_network(plan, seed=0)
    images = draw_images(architecture.input)
    shapes = observe(network.train(), images)
    assert shapes == {name: op.output for name, op in plan.ops()}
    assert all(parameter.grad is not None for parameter in network.parameters())
    cost = compute_cost(plan)
    assert cost.params == count_params(network)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network.eval()(images)
    assert counter.get_total_flops() == 2 * cost.macs * len(images)
    assert parse_variant(format_variant(architecture)) == architecture


@pytest.mark.parametrize(
    "text", ["wrn1000_100", "resnet50,classes=1000000,width=4096", "resnet50,widths=9-99-999-9999"]
)
def test_giants_are_planned_at_once_and_not_built(text):
    plan = expand_plan(parse_variant(text))
    params = compute_cost(plan).params
    assert params > MAX_PARAMS
    with pytest.raises(VariantError) as refusal:
        build_network(plan)
    assert f"{params:,} parameters" in str(refusal.value)
    assert is_one_clear_sentence(str(refusal.value))


def test_what_starts_at_zero_makes_every_block_the_identity():
    """Goyal et al. 2017, section 5.1: with a zero in the last norm, x goes on unchanged."""
    for text in ("resnet20,zero_init=yes,shortcut=B", "preresnet20,zero_init=yes", "resnet20,norm=none,zero_init=yes"):
        network = build_network(parse_variant(text), seed=0).eval()
        block = network.get_submodule("layer1.1")
        x = draw_images((16, 8, 8)).abs()  # as it comes out of a ReLU
        assert torch.equal(block(x), x)


def test_attention_and_norms_are_where_they_were_asked_for():
    text = "resnet20,attention=se,norm=group,shortcut=B"
    for place, where in (
        ("standard", "branch.se"),
        ("pre", "branch.se"),
        ("post", "after.se"),
        ("identity", "shortcut.se"),
    ):
        plan = expand_plan(parse_variant(f"{text},se_place={place}"))
        names = [name for name, op in plan.ops() if op.kind is Kind.SE]
        assert len(names) == 9
        assert all(name.endswith(where) for name in names)
    first = [op.kind for op in plan.stages[0].blocks[0].shortcut]
    assert first == [Kind.SE]

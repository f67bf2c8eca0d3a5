"""One step in all its variations, against plain torch written out."""

import copy

import pytest
import torch
from torch import nn

from explorer.architecture.variant import parse_variant
from explorer.network.build import build_network
from explorer.network.evaluation import Meter
from explorer.training.config import TrainConfig
from explorer.training.step import Stepper

CPU = torch.device("cpu")
TEXT = "resnet8,width=4,input=1x8x8,classes=3"


def make_stepper(text: str = TEXT, **settings) -> Stepper:
    config = TrainConfig(**{"batch_size": 8, "precision": "float32", "watch": "none", **settings})
    return Stepper(build_network(parse_variant(text), 0), config, CPU)


def draw_batch(number: int = 0):
    generator = torch.Generator().manual_seed(number)
    return torch.randn(8, 1, 8, 8, generator=generator), torch.randint(0, 3, (8,), generator=generator)


def take_steps(stepper: Stepper, count: int = 3, rate: float = 0.05) -> list[float]:
    losses = []
    for step in range(count):
        meter = Meter(CPU)
        stepper.take(draw_batch(step), rate, step, meter)
        losses.append(meter.read()[0])
    return losses


def take_plain_steps(network, optimizer, loss, count: int = 3, clip: float = 0.0) -> list[float]:
    losses = []
    for step in range(count):
        images, labels = draw_batch(step)
        optimizer.zero_grad()
        value = loss(network.train()(images), labels)
        value.backward()
        if clip:
            nn.utils.clip_grad_norm_(network.parameters(), clip)
        optimizer.step()
        losses.append(value.item())
    return losses


def assert_equal(one, other, **tolerance) -> None:
    for (name, a), (_, b) in zip(one.state_dict().items(), other.state_dict().items(), strict=True):
        torch.testing.assert_close(a, b, msg=lambda words, name=name: f"{name}: {words}", **tolerance)


@pytest.mark.parametrize(
    ("settings", "make"),
    [
        ({"nesterov": False}, lambda p: torch.optim.SGD(p, 0.05, momentum=0.9, weight_decay=5e-4)),
        ({"momentum": 0.0}, lambda p: torch.optim.SGD(p, 0.05, weight_decay=5e-4)),
        ({"optimizer": "adamw", "weight_decay": 0.1}, lambda p: torch.optim.AdamW(p, 0.05, weight_decay=0.1)),
    ],
)
def test_optimizers_are_torchs(settings, make):
    stepper = make_stepper(**settings)
    twin = build_network(parse_variant(TEXT), 0)
    losses = take_plain_steps(twin, make(twin.parameters()), nn.functional.cross_entropy)
    assert take_steps(stepper) == pytest.approx(losses, rel=1e-4)
    assert_equal(stepper.network, twin, rtol=1e-3, atol=1e-4)


def test_clipping_and_smoothing_are_torchs():
    stepper = make_stepper(clip=0.5, label_smoothing=0.2, nesterov=False)
    twin = build_network(parse_variant(TEXT), 0)
    optimizer = torch.optim.SGD(twin.parameters(), 0.05, momentum=0.9, weight_decay=5e-4)

    def smooth(logits, labels):
        target = torch.full_like(logits, 0.2 / 3).scatter_add_(1, labels[:, None], torch.full((8, 1), 0.8))
        return -(target * logits.log_softmax(1)).sum(1).mean()

    losses = take_plain_steps(twin, optimizer, smooth, clip=0.5)
    assert take_steps(stepper) == pytest.approx(losses, rel=1e-4)
    assert stepper.measure_gradient() > 0.5  # before clipping
    assert_equal(stepper.network, twin, rtol=1e-3, atol=1e-4)


def test_norms_and_biases_may_be_spared_decay():
    stepper = make_stepper(decay_norms=False, weight_decay=0.5, momentum=0.0)
    decays = {id(p): group["weight_decay"] for group in stepper.optimizer.param_groups for p in group["params"]}
    for name, parameter in stepper.network.named_parameters():
        spared = ".bn" in name or "norm" in name or name.endswith("bias")
        assert decays[id(parameter)] == (0.0 if spared else 0.5), name
    assert len(decays) == len(list(stepper.network.parameters()))


def test_earlier_parts_learn_at_a_share_of_the_rate():
    stepper = make_stepper(stage_lr=0.5)
    stepper.take(draw_batch(), 0.08, 0, Meter(CPU))
    rates = {id(p): group["lr"] for group in stepper.optimizer.param_groups for p in group["params"]}
    expected = {"stem": 0.005, "layer1": 0.01, "layer2": 0.02, "layer3": 0.04, "head": 0.08}
    for name, parameter in stepper.network.named_parameters():
        assert rates[id(parameter)] == pytest.approx(expected[name.partition(".")[0]]), name


def test_frozen_parts_stay_bit_for_bit_and_the_rest_moves():
    config = {"weights": "given elsewhere", "freeze": 2}
    stepper = make_stepper(**config)
    before = copy.deepcopy(stepper.network.state_dict())
    take_steps(stepper)
    for name, value in stepper.network.state_dict().items():
        frozen = name.startswith(("stem.", "layer1."))
        assert torch.equal(value, before[name]) is frozen, name


@pytest.mark.parametrize("norm", ["group", "batch"])
def test_a_batch_in_pieces_gives_the_mean_gradient(norm):
    """With group norm the pieces know nothing of each other: the sum of their shares is the whole batch's gradient."""
    text = f"{TEXT},norm={norm}"
    whole, pieces = make_stepper(text), make_stepper(text, accumulate=4)
    losses = take_steps(whole), take_steps(pieces)
    if norm == "group":
        assert losses[0] == pytest.approx(losses[1], rel=1e-4)
        assert_equal(whole.network, pieces.network, rtol=1e-3, atol=1e-4)
    else:
        assert losses[0] != pytest.approx(losses[1], rel=1e-4)  # each piece is normalised by itself
        assert pieces.network.get_submodule("stem.bn1").num_batches_tracked == 12


@pytest.mark.parametrize("text", [TEXT, f"{TEXT},activation=pre", f"{TEXT},dropout=0.5", f"{TEXT},shortcut=none"])
def test_blocks_computed_twice_change_nothing(text):
    plain, twice = make_stepper(text), make_stepper(text, checkpointing=True)
    assert take_steps(plain) == take_steps(twice)
    for (name, a), b in zip(plain.network.state_dict().items(), twice.network.state_dict().values(), strict=True):
        assert torch.equal(a, b), name


def test_blocks_computed_twice_keep_less():
    def count_kept(checkpointing: bool) -> int:
        kept: dict[int, int] = {}
        stepper = make_stepper("resnet20,width=4,input=1x16x16,classes=3", checkpointing=checkpointing)

        def keep(tensor):
            kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            stepper.network.train()(torch.randn(8, 1, 16, 16))
        return sum(kept.values())

    assert count_kept(True) < 0.5 * count_kept(False)


def test_averaged_weights_follow_their_formula():
    stepper = make_stepper(ema=0.9)
    expected = None
    for step in range(4):
        stepper.take(draw_batch(step), 0.05, step, Meter(CPU))
        now = {name: value.clone().double() for name, value in stepper.network.named_parameters()}
        expected = now if expected is None else {k: 0.9 * expected[k] + 0.1 * now[k] for k in now}
    assert stepper.result is not stepper.network
    for name, value in stepper.result.named_parameters():
        torch.testing.assert_close(value.double(), expected[name], rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(
    "settings", [{"ema": 0.9}, {"optimizer": "adamw"}, {"precision": "bfloat16"}, {"stage_lr": 0.5}]
)
def test_a_restored_stepper_goes_on_as_the_other_would_have(settings):
    whole = make_stepper(f"{TEXT},dropout=0.3,drop_path=0.3", **settings)
    first = make_stepper(f"{TEXT},dropout=0.3,drop_path=0.3", **settings)
    losses = take_steps(whole, 4)
    take_steps(first, 2)
    second = make_stepper(f"{TEXT},dropout=0.3,drop_path=0.3", **settings)
    second.restore(copy.deepcopy(first.state()))
    torch.manual_seed(99)  # whatever else was drawn meanwhile
    for step in (2, 3):
        meter = Meter(CPU)
        second.take(draw_batch(step), 0.05, step, meter)
        assert meter.read()[0] == losses[step]
    for a, b in zip(whole.result.state_dict().values(), second.result.state_dict().values(), strict=True):
        assert torch.equal(a, b)


def test_nothing_is_drawn_from_the_callers_random_numbers():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    take_steps(make_stepper(f"{TEXT},dropout=0.3"))
    assert torch.equal(torch.rand(3), expected)

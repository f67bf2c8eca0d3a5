import pytest
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.checkpoint import checkpoint

from explorer.architecture.memory import Optimizer, compute_training_memory
from explorer.architecture.plan import expand_plan
from explorer.architecture.variant import parse_variant
from explorer.inspection.memory import count_living
from explorer.network.build import build_network
from explorer.network.layers import Residual
from explorer.training.config import TrainConfig
from explorer.training.memory import estimate_memory

HALF = {"precision": "bfloat16"}


def build(plan, config: TrainConfig) -> nn.Module:
    network = build_network(plan, seed=0).to(memory_format=torch.channels_last).train()
    frozen = ["stem", *(stage.name for stage in plan.stages)][: config.freeze]
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(name.split(".")[0] not in frozen)
    for module in network.modules():
        if config.checkpointing and isinstance(module, Residual):
            whole = module.forward
            module.forward = lambda x, whole=whole: checkpoint(whole, x, use_reentrant=False)
    return network


def make_optimizer(network: nn.Module, config: TrainConfig) -> torch.optim.Optimizer:
    learning = [parameter for parameter in network.parameters() if parameter.requires_grad]
    if config.optimizer == "adamw":
        return torch.optim.AdamW(learning, 1e-3, foreach=True)
    nesterov = {"momentum": config.momentum, "nesterov": config.momentum > 0}
    return torch.optim.SGD(learning, 0.1, weight_decay=5e-4, foreach=True, **nesterov)


def measure(plan, config: TrainConfig) -> int:
    """The most bytes of tensors alive at once in a training step, as torch gives them out, without the data."""
    network = build(plan, config)
    optimizer = make_optimizer(network, config)
    average = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(0.99)) if config.ema else None
    piece, half = config.batch_size // config.accumulate, config.precision == "bfloat16"

    def step() -> None:
        optimizer.zero_grad()
        batch = torch.randn(config.batch_size, *plan.architecture.input).to(memory_format=torch.channels_last)
        for images in batch.split(piece):
            with torch.autocast("cpu", torch.bfloat16, enabled=half):
                logits = network(images)
            labels = torch.zeros(piece, dtype=torch.int64)
            nn.functional.cross_entropy(logits.float(), labels).backward()
        optimizer.step()
        if average is not None:
            average.update_parameters(network)

    step()
    optimizer.zero_grad()
    held = [*network.parameters(), *network.buffers()]
    held += [value for state in optimizer.state.values() for value in state.values() if isinstance(value, torch.Tensor)]
    held += [] if average is None else [*average.module.parameters(), *average.module.buffers()]
    return count_living(step, held)


@pytest.mark.parametrize(
    ("variant", "batch", "settings"),
    [
        ("resnet20", 16, {}),
        ("resnet20", 16, HALF),
        ("resnet20", 16, {"checkpointing": True}),
        ("resnet20", 16, {"checkpointing": True, **HALF}),
        ("resnet20", 32, {"accumulate": 4}),
        ("resnet20", 16, {"weights": "some", "freeze": 2}),
        ("resnet20", 16, {"weights": "some", "freeze": 2, **HALF}),
        ("resnet20", 32, {"accumulate": 4, "checkpointing": True, "ema": 0.99, "optimizer": "adamw", **HALF}),
        ("resnet8,width=4", 32, {"ema": 0.99}),
        ("preresnet20", 16, {}),
        ("preresnet20", 16, {"checkpointing": True}),
        ("seresnet20", 16, HALF),
        ("resnet20,norm=group", 16, HALF),
        ("densenet121,input=3x32x32", 8, {}),
        ("densenet121,input=3x32x32", 8, {"checkpointing": True}),
        ("resnet18,input=3x32x32", 2, {"momentum": 0.0}),
        ("resnet18,input=3x32x32", 2, {"optimizer": "adamw", "ema": 0.99, **HALF}),
        ("resnet50,input=3x32x32", 2, {"weights": "some", "freeze": 4}),
    ],
)
def test_the_estimate_is_near_what_lives_in_a_real_step(variant, batch, settings):
    plan, config = expand_plan(parse_variant(variant)), TrainConfig(batch_size=batch, watch="none", **settings)
    estimated = estimate_memory(plan, config, 0, half="precision" in settings).total
    ratio = estimated / measure(plan, config)
    print(f"{variant} {settings}: {ratio:.3f}")
    assert 0.92 < ratio < 1.13


def test_a_plain_step_is_what_the_networks_own_memory_says():
    plan = expand_plan(parse_variant("resnet20"))
    memory = compute_training_memory(plan, 64, Optimizer.MOMENTUM)
    found = estimate_memory(plan, TrainConfig(watch="none"), 0, half=False)
    assert found.total == memory.total and found.kept == memory.saved + memory.loss


def test_what_each_setting_adds_or_takes():
    plan = expand_plan(parse_variant("resnet20"))
    weights, image = 4 * 269_722, 3 * 32 * 32  # with option A, as counted in akamaster/pytorch_resnet_cifar10

    def estimate(images=0, **settings):
        return estimate_memory(plan, TrainConfig(watch="none", **settings), images, half=False)

    plain = estimate()
    assert plain.gradients == plain.scratch == weights
    assert estimate(1000).data == 1000 * (image + 8)
    assert estimate(ema=0.9).fixed - plain.fixed == weights + 4 * 2 * 688 + 8 * 19  # and 688 channels of 19 norms
    assert plain.fixed - estimate(momentum=0.0).fixed == weights
    others = 4 * 48 * image  # images of the other three pieces wait
    assert (estimate(accumulate=4).kept - others) * 4 == pytest.approx(plain.kept, rel=0.01)
    assert estimate_memory(plan, TrainConfig(), 0, half=False).scratch == 2 * weights

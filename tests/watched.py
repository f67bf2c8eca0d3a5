"""Small networks, and a training loop by hand, for what looks at training."""

import torch

from explorer.architecture.variant import parse_variant
from explorer.network.build import build_network
from explorer.training.config import TrainConfig
from explorer.training.instruments import Instruments

SMALL = ",input=1x8x8,classes=3"
VARIANTS = {
    "post": "resnet8,width=4",
    "projected": "resnet8,width=4,shortcut=B",
    "pre": "resnet8,width=4,activation=pre",  # option A: no shortcut projects
    "pre, projected": "resnet8,depths=2-2,width=4,activation=pre,shortcut=B",
    "plain": "resnet8,width=4,shortcut=none",
    "plain, pre": "resnet8,width=4,shortcut=none,activation=pre",
    "dense": "densenet40_k12,depths=2-2,growth=4,width=4",
    "se": "resnet8,width=8,attention=se,se_reduction=4",
    "eca": "resnet8,width=4,attention=eca",
    "group norm": "resnet8,width=4,norm=group,act=gelu",
    "no norm": "resnet8,width=4,norm=none",
}


def build(variant: str, seed: int = 0):
    """A small network in float64's place: float32, channels last as in training."""
    return build_network(parse_variant(VARIANTS.get(variant, variant) + SMALL), seed).to(
        memory_format=torch.channels_last
    )


def draw_batch(seed: int = 0, count: int = 6):
    """Images (N, 1, 8, 8) and labels (N,)."""
    generator = torch.Generator().manual_seed(seed)
    images = torch.randn(count, 1, 8, 8, generator=generator).to(memory_format=torch.channels_last)
    return images, torch.randint(0, 3, (count,), generator=generator)


def compute_loss(network, batch):
    images, labels = batch
    return torch.nn.functional.cross_entropy(network(images), labels)


def make_optimizer(network, lr=0.05):
    return torch.optim.SGD(network.parameters(), lr, momentum=0.9, weight_decay=5e-4, nesterov=True, foreach=True)


def take_step(network, optimizer, batch, instruments=None, step=1):
    """One step of training, watched where there are instruments; returns their record."""
    optimizer.zero_grad()
    if instruments is None:
        compute_loss(network, batch).backward()
        return optimizer.step()
    with instruments.watching():
        compute_loss(network, batch).backward()
    instruments.before_update()
    optimizer.step()
    return instruments.after_update(step, step / 10)


def watch_step(network, batch, watch: str, **settings):
    """Look at one step; returns for each quantity its numbers by name."""
    instruments = Instruments(network.train(), TrainConfig(watch=watch, **settings))
    record = take_step(network, make_optimizer(network), batch, instruments)
    assert {name: len(numbers) for name, numbers in record.values.items()} == {
        name: len(names) for name, names in instruments.units.units.items()
    }
    return {
        quantity: dict(zip(names, record.values[quantity], strict=True))
        for quantity, names in instruments.units.units.items()
    }

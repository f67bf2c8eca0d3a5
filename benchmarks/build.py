"""How fast our module of resnet50 is built and runs, against torchvision's own.

Ours has no in-place ReLU and no in-place addition, since hooks must see what was there. So torchvision's is measured
with both switched off; what they save is printed beside it, as the ratio to stock. All three have the same weights.
Run with ``python benchmarks/build.py``.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torchvision
from measure import compute_ratios, print_times, print_title, print_verdict, read_rounds, take_turns, time_call
from torch import Tensor, nn
from torchvision.models.resnet import Bottleneck

from explorer.architecture.variant import parse_variant
from explorer.network.build import build_network
from explorer.network.checkpoints import export_state
from explorer.network.device import keep_freed_memory

BATCH, SIDE = 4, 224
OURS, PEER, STOCK = "explorer", "torchvision, nothing in place", "torchvision, stock"


class PlainBottleneck(Bottleneck):
    """torchvision's block with ``out += identity`` written out of place; its ReLU is a module like the others."""

    def forward(self, x: Tensor) -> Tensor:
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.relu(self.bn2(self.conv2(out)))
        out = self.bn3(self.conv3(out))
        identity = x if self.downsample is None else self.downsample(x)
        return self.relu(out + identity)


def main() -> None:
    rounds = read_rounds(__doc__, 15)
    print_title(f"Building and running resnet50 on the CPU, channels-last, batches of {BATCH} at {SIDE}x{SIDE}")
    measure_building(rounds)
    keep_freed_memory()  # as training does; fresh memory for every map would drown what is compared
    networks = create_networks()
    images = torch.randn(BATCH, 3, SIDE, SIDE).contiguous(memory_format=torch.channels_last)
    measure_running("forward pass", {name: create_forward(each, images) for name, each in networks.items()}, rounds)
    measure_running("training step", {name: create_step(each, images) for name, each in networks.items()}, rounds)


def measure_building(rounds: int) -> None:
    architecture = parse_variant("resnet50")
    contestants = {
        OURS: lambda: time_call(lambda: build_network(architecture)),
        "torchvision": lambda: time_call(torchvision.models.resnet50),
    }
    take_turns(contestants, 1)
    results = take_turns(contestants, rounds)
    print("construction")
    print_times(results)
    print_verdict("explorer / torchvision", compute_ratios(*results.values()), "x", "at most 1.2x")
    print()


def create_networks() -> dict[str, nn.Module]:
    ours = build_network(parse_variant("resnet50"), seed=0)
    peer = torchvision.models.ResNet(PlainBottleneck, [3, 4, 6, 3])
    for module in peer.modules():
        if isinstance(module, nn.ReLU):
            module.inplace = False
    networks: dict[str, nn.Module] = {OURS: ours, PEER: peer, STOCK: torchvision.models.resnet50()}
    for name in (PEER, STOCK):
        networks[name].load_state_dict(export_state(ours))
    return {name: network.to(memory_format=torch.channels_last) for name, network in networks.items()}


def create_forward(network: nn.Module, images: Tensor) -> Callable[[], object]:
    network.eval()

    @torch.inference_mode()
    def run() -> Tensor:
        logits: Tensor = network(images)
        return logits

    return run


def create_step(network: nn.Module, images: Tensor) -> Callable[[], object]:
    labels = torch.arange(len(images))
    optimizer = torch.optim.SGD(network.parameters(), lr=1e-4, momentum=0.9)

    network.train()

    def run() -> None:
        optimizer.zero_grad()
        nn.functional.cross_entropy(network(images), labels).backward()
        optimizer.step()

    return run


def measure_running(what: str, runs: dict[str, Callable[[], object]], rounds: int) -> None:
    contestants = {name: lambda run=run: time_call(run, 2) for name, run in runs.items()}
    take_turns(contestants, 2)
    results = take_turns(contestants, rounds)
    print(what)
    print_times(results)
    print_verdict("explorer / nothing in place", compute_ratios(results[OURS], results[PEER]), "x", "at most 1.02x")
    print_verdict("explorer / stock", compute_ratios(results[OURS], results[STOCK]), "x", "none")
    print()


if __name__ == "__main__":
    main()

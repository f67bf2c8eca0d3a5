"""Memory of a training step, as the plan estimates it and as torch shows it.

On a GPU the truth is the allocator's peak of a whole step. On a CPU it is what `saved_tensors_hooks` sees, each storage
once and the parameters apart, plus parameters, buffers, gradients and the optimizer's state; the process's own size
says nothing. Run with ``python benchmarks/memory.py``.
"""

from __future__ import annotations

import torch
from measure import print_title
from torch import Tensor, nn

from explorer.architecture.memory import Optimizer, compute_training_memory
from explorer.architecture.plan import expand_plan
from explorer.architecture.variant import parse_variant
from explorer.network.build import Network, build_network

VARIANTS = ("resnet18", "resnet50", "resnet50d", "seresnet50", "resnetv2_50", "densenet121", "resnet56", "wrn16_4")
BATCH = 8


def main() -> None:
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    print_title(f"Memory of a training step on {device.type}, batches of {BATCH}, SGD with momentum, float32")
    print(f"{'':14}{'estimated':>12}{'measured':>12}{'error':>9}")
    for text in VARIANTS:
        estimated = compute_training_memory(expand_plan(parse_variant(text)), BATCH, Optimizer.MOMENTUM).total
        network = build_network(parse_variant(text), seed=0).to(device)
        measured = (measure_gpu if device.type == "cuda" else measure_cpu)(network)
        error = estimated / measured - 1
        print(f"{text:14}{estimated / 1e6:9,.1f} MB{measured / 1e6:9,.1f} MB{error:8.2%}", flush=True)


def take_step(network: Network, optimizer: torch.optim.Optimizer) -> None:
    device = next(network.parameters()).device
    images = torch.randn(BATCH, *network.plan.architecture.input, device=device)  # (N, C, H, W)
    labels = torch.zeros(BATCH, dtype=torch.long, device=device)
    nn.functional.cross_entropy(network(images), labels).backward()
    optimizer.step()


def measure_gpu(network: Network) -> int:
    """The allocator's peak over a step, once the optimizer has its state."""
    optimizer = torch.optim.SGD(network.parameters(), lr=0.01, momentum=0.9)
    take_step(network, optimizer)
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    optimizer.zero_grad()
    take_step(network, optimizer)
    torch.cuda.synchronize()
    return int(torch.cuda.max_memory_allocated())


def measure_cpu(network: Network) -> int:
    """Bytes that autograd keeps, and what the step holds besides."""
    optimizer = torch.optim.SGD(network.parameters(), lr=0.01, momentum=0.9)
    own = {parameter.untyped_storage().data_ptr() for parameter in network.parameters()}
    kept: dict[int, int] = {}

    def note(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        take_step(network, optimizer)
    state = [value for each in optimizer.state.values() for value in each.values() if isinstance(value, Tensor)]
    gradients = [parameter.grad for parameter in network.parameters() if parameter.grad is not None]
    held = [*network.parameters(), *network.buffers(), *gradients, *state]
    return sum(kept.values()) + sum(tensor.nbytes for tensor in held)


if __name__ == "__main__":
    main()

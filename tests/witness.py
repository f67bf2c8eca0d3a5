"""Independent witnesses: what torchinfo and torch see in a module, and when two networks are the same function."""

from __future__ import annotations

import csv
import string
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torchinfo
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode
from torchvision.ops import SqueezeExcitation

from explorer.network.build import Network
from explorer.network.checkpoints import export_state, list_shapes
from explorer.network.layers import ChannelAttention
from explorer.network.translation import match_tensors

COMPOSED = (SqueezeExcitation, ChannelAttention)  # one operation of the plan, several modules
_REFERENCE = Path(__file__).with_name("reference")
COUNTS = list(csv.DictReader((_REFERENCE / "counts.csv").read_text(encoding="utf-8").splitlines()))


@dataclass(frozen=True)
class Seen:
    """What a leaf module did in a forward pass of one image."""

    output: tuple[int, ...]  # (C, H, W) or (C,)
    params: int
    macs: int


def observe_modules(network: nn.Module, shape: tuple[int, ...]) -> dict[str, Seen]:
    """Leaf modules by path, in the order they run: shapes and parameters by torchinfo, MACs by torch's counter.

    Identities are left out, and channel attention is one module with all that is inside it. `cache_forward_pass`
    stays off: it takes modules of one class for one module.
    """
    device = next(network.parameters()).device
    paths = {id(module): path for path, module in network.named_modules()}
    with FlopCounterMode(display=False, depth=None) as counter:
        statistics = torchinfo.summary(
            network,
            input_data=torch.zeros(1, *shape, device=device),
            depth=10,
            verbose=0,
            mode="eval",
            device=device,
            cache_forward_pass=False,
        )
    flops = {
        path.partition(".")[2]: sum(counts.values())
        for path, counts in counter.get_flop_counts().items()
        if "." in path
    }
    composed = [path for path, module in network.named_modules() if isinstance(module, COMPOSED)]
    return {
        paths[id(layer.module)]: Seen(
            tuple(layer.output_size[1:]), layer.num_params, flops.get(paths[id(layer.module)], 0) // 2
        )
        for layer in statistics.summary_list
        if (layer.is_leaf_layer or paths[id(layer.module)] in composed)
        and not isinstance(layer.module, nn.Identity)
        and not any(paths[id(layer.module)].startswith(f"{path}.") for path in composed)
    }


def count_macs(network: nn.Module, shape: tuple[int, ...]) -> int:
    """Multiply-adds of one image by torch's own counter, which counts two for each."""
    with FlopCounterMode(display=False) as counter:
        network.eval()(torch.zeros(1, *shape, device=next(network.parameters()).device))
    return counter.get_total_flops() // 2


def count_params(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def build_empty(make: Callable[..., Any], *arguments: Any) -> Any:
    """Build a module without drawing weights, for tests that fill all of them anyway."""
    with torch.device("meta"):
        network = make(*arguments)
    return network.to_empty(device="cpu")


_POOL = torch.randn(4_194_301, generator=torch.Generator().manual_seed(0))  # a prime: no two rows repeat


def _draw(tensor: Tensor, generator: torch.Generator) -> Tensor:
    """Normal numbers in a tensor's shape, from a pool: drawing each anew costs more than the test it is for."""
    start = int(torch.randint(len(_POOL), (), generator=generator))
    rolled = torch.cat([_POOL[start:], _POOL[:start]]) if tensor.numel() > len(_POOL) - start else _POOL[start:]
    return rolled.repeat(tensor.numel() // len(rolled) + 1)[: tensor.numel()].view(tensor.shape)


def fill_with_seed(network: nn.Module, seed: int) -> None:
    """Give every parameter and buffer a value of its own, running statistics too: fresh ones hide wrong branches."""
    generator = torch.Generator().manual_seed(seed)
    for name, tensor in network.state_dict().items():
        if name.endswith("num_batches_tracked"):
            tensor.fill_(int(torch.randint(1, 1000, (), generator=generator)))
        elif tensor.ndim > 1:  # keeps the scale of what flows through (He et al. 2015, "Delving deep")
            tensor.copy_(_draw(tensor, generator)).mul_((2 / tensor[0].numel()) ** 0.5)
        elif name.endswith("running_var"):
            tensor.uniform_(0.5, 2, generator=generator)
        elif name.endswith("weight"):
            tensor.uniform_(0.5, 1, generator=generator)
        else:
            tensor.normal_(0, 0.2, generator=generator)


def draw_images(shape: tuple[int, ...], count: int = 2, seed: int = 0) -> Tensor:
    return torch.randn(count, *shape, generator=torch.Generator().manual_seed(seed))


def assert_close(actual: Tensor, expected: Tensor, what: str) -> None:
    """Equal but for rounding: the largest difference is at most 1e-4 of the largest value."""
    assert actual.shape == expected.shape, what
    error, scale = float((actual - expected).abs().max()), float(expected.abs().max())
    assert scale < 1e30 and error <= 1e-4 * scale, f"{what}: differs by {error:g} of {scale:g}"


def _differentiate(network: nn.Module, images: Tensor) -> tuple[Tensor, Tensor]:
    """Logits, and the gradient that a weighted sum of them gives the images; parameters keep theirs in `grad`."""
    network.zero_grad()
    images = images.clone().requires_grad_()
    logits = network(images)
    (logits * torch.linspace(-1, 1, logits.numel()).view_as(logits)).sum().backward()
    assert images.grad is not None
    return logits.detach(), images.grad


def assert_same_function(ours: Network, theirs: nn.Module, images: Tensor) -> None:
    """The two give the same logits, and the same gradients to the images and to every parameter."""
    (logits, slope), (their_logits, their_slope) = _differentiate(ours, images), _differentiate(theirs, images)
    assert logits.std() > 0
    assert_close(logits, their_logits, "logits")
    assert_close(slope, their_slope, "gradient of the images")
    gradients = {name: parameter.grad for name, parameter in theirs.named_parameters()}
    names = match_tensors(ours.plan, list_shapes(theirs.state_dict())).names
    for name, parameter in ours.named_parameters():
        assert_close(parameter.grad, gradients[names[name]].view(parameter.shape), f"gradient of {name}")


def fill_alike(ours: Network, theirs: nn.Module, seed: int) -> None:
    """Fill ours and load it strictly into theirs; both in evaluation mode, so that running statistics count."""
    fill_with_seed(ours, seed)
    theirs.load_state_dict(export_state(ours), strict=True)
    ours.eval()
    theirs.eval()


def is_one_clear_sentence(message: str) -> bool:
    """One line of readable length that ends like a sentence."""
    printable = message.isprintable() and any(letter in message for letter in string.ascii_lowercase)
    return printable and 20 <= len(message) <= 400 and message[-1] in ".!?"

"""The output of any operation of the graph, for one image."""

from __future__ import annotations

import threading

import torch
from torch import Tensor, nn

from explorer.errors import VariantError
from explorer.network.build import Network
from explorer.records import FeatureMaps


def record_feature_maps(network: Network, image: Tensor, name: str) -> FeatureMaps:
    """Run one image (1, C, H, W) and record what the operation called `name` puts out, as (C, H, W).

    `name` is a module's path, such as ``layer2.0.branch.conv2``. Raises `VariantError` for a name that is not there.
    """
    modules = dict(network.named_modules())
    if not name or name not in modules:
        raise VariantError(f"The network has no operation “{name[:60]}”: choose one from its graph.")
    seen: list[Tensor] = []
    thread = threading.get_ident()  # the page shows one network to several people at once; each keeps to their picture

    def keep(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        if threading.get_ident() == thread:
            seen.append(output.detach())

    handle = modules[name].register_forward_hook(keep)
    try:
        with torch.inference_mode():
            network(image)
    finally:
        handle.remove()
    maps = seen[0][0].float().cpu()  # (C, H, W), or (C,) behind the pooling
    return FeatureMaps(name, maps.reshape(maps.shape[0], *(maps.shape[1:] or (1, 1))).numpy())

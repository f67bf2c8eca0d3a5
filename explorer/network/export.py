"""A network as a file for other programs: ONNX, torch's own exported programs (.pt2), safetensors.

What is written has been read back first, and computed the same; a file is there whole or not at all.
"""

from __future__ import annotations

import importlib.util
import io
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor

from explorer.architecture.config import Architecture
from explorer.architecture.cost import compute_cost
from explorer.architecture.plan import expand_plan
from explorer.architecture.variant import format_variant, parse_variant
from explorer.errors import WeightsError
from explorer.files import write_atomically
from explorer.network.build import Network, build_network
from explorer.network.checkpoints import export_state
from explorer.network.pretrained import Pretrained

TOLERANCE = 1e-4  # of the largest logit, in float32
MAX_ONNX_BYTES = 2_000_000_000  # a protobuf message holds 2 GB
ONNX_PACKAGES = ("onnx", "onnxscript", "onnxruntime")
Card = Mapping[str, str]
Run = Callable[[Tensor], Tensor]


def export_network(network: Network, path: Path, card: Card | None = None) -> None:
    """Write a network to FILE.onnx, .pt2 or .safetensors; `card` is text that travels with it.

    The first two take any number of images, (N, C, H, W) -> logits (N, classes), and work as in evaluation. Weights in
    .safetensors have torchvision's or timm's names. Raises `WeightsError` for another suffix, where packages are
    missing, or where what was written would not compute the same.
    """
    check_target(path)
    card = {"variant": format_variant(network.plan.architecture)} | dict(card or {})
    with _evaluating(network):
        content = _WRITERS[path.suffix.lower()](network, card)
    try:
        write_atomically(path, content)
    except OSError as error:
        raise WeightsError(f"{path} can't be written: {error.strerror}. Choose another place.") from None


def check_target(path: Path) -> None:
    """Raise `WeightsError` where a file of this name can't be written, before anything is computed for it."""
    suffix = path.suffix.lower()
    if suffix not in _WRITERS:
        raise WeightsError(f"{path.name[:80]} is no file that can be exported to: end it in {', '.join(_WRITERS)}.")
    missing = [name for name in ONNX_PACKAGES if importlib.util.find_spec(name) is None]
    if suffix == ".onnx" and missing:
        raise WeightsError(
            f"Writing ONNX needs {', '.join(missing)}, which is not installed: pip install 'resnet-explorer[onnx]', or "
            "export to .pt2."
        )


@contextmanager
def _evaluating(network: Network) -> Iterator[None]:
    training = network.training
    network.eval()
    try:
        yield
    finally:
        network.train(training)


def write_card(pretrained: Pretrained) -> dict[str, str]:
    """What makes weights usable elsewhere: classes, and how a picture is prepared."""
    preprocessing = pretrained.preprocessing
    return {
        "classes": json.dumps(pretrained.labels, ensure_ascii=False),
        "mean": json.dumps(preprocessing.mean),
        "std": json.dumps(preprocessing.std),
    }


def fit_network(pretrained: Pretrained, variant: str) -> Network:
    """The weights in the network that `variant` names, of as many classes as they have; another input size will do.

    Raises `WeightsError` where they belong to another network.
    """
    held = pretrained.architecture
    asked = replace(parse_variant(variant), classes=held.classes)
    if asked == held:
        return pretrained.network
    if _list_weights(asked) != _list_weights(held):
        raise WeightsError(
            f"The weights {pretrained.name} are of {format_variant(held)} and do not fit {format_variant(asked)}: "
            "name that variant, or leave it out."
        )
    network = build_network(asked)
    network.load_state_dict(pretrained.network.state_dict())
    return network.eval()


def _list_weights(architecture: Architecture) -> list[tuple[str, tuple[int, ...]]]:
    """Names and shapes of all tensors, without taking memory."""
    with torch.device("meta"):
        return [(name, tuple(tensor.shape)) for name, tensor in build_network(architecture).state_dict().items()]


def _trace(network: Network) -> torch.export.ExportedProgram:
    """The network as a graph of torch's operations, for any number of images."""
    example = torch.randn(2, *network.plan.architecture.input)  # one image would be taken for the only number
    return torch.export.export(network, (example,), dynamic_shapes=_any_batch())


def _any_batch() -> tuple[dict[int, Any]]:
    return ({0: torch.export.Dim("batch")},)


def _write_pt2(network: Network, card: Card) -> bytes:
    file = io.BytesIO()
    torch.export.save(_trace(network), file, extra_files={"card.json": json.dumps(dict(card), ensure_ascii=False)})
    file.seek(0)
    _check_outputs(network, torch.export.load(file).module(), ".pt2")
    return file.getvalue()


def _write_onnx(network: Network, card: Card) -> bytes:
    size = compute_cost(network.plan).params * 4
    if size > MAX_ONNX_BYTES:
        raise WeightsError(f"An ONNX file holds 2 GB, and these weights are {size / 1e9:,.1f} GB: export to .pt2.")
    import onnxruntime

    program = torch.onnx.export(
        _trace(network),
        dynamo=True,
        input_names=["input"],
        output_names=["logits"],
        dynamic_shapes=_any_batch(),  # for the name of the dimension
        verbose=False,
    )
    if program is None:  # only with a file to write to
        raise WeightsError("torch wrote no ONNX program: export to .pt2.")
    model = program.model_proto
    for key, value in card.items():
        model.metadata_props.add(key=key, value=value)
    content = bytes(model.SerializeToString())
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    _check_outputs(network, lambda x: torch.from_numpy(session.run(None, {"input": x.numpy()})[0]), ".onnx")
    return content


def _write_safetensors(network: Network, card: Card) -> bytes:
    return save(export_state(network), dict(card))


_WRITERS: dict[str, Callable[[Network, Card], bytes]] = {
    ".onnx": _write_onnx,
    ".pt2": _write_pt2,
    ".safetensors": _write_safetensors,
}


@torch.no_grad()
def _check_outputs(network: Network, run: Run, suffix: str) -> None:
    """One image and three, drawn from a seed of their own. Raises `WeightsError` where the logits differ."""
    generator = torch.Generator().manual_seed(0)
    for images in (1, 3):
        x = torch.randn(images, *network.plan.architecture.input, generator=generator)
        expected, got = network(x), run(x)
        error = ((got - expected).abs().max() / expected.abs().max().clamp(min=1e-12)).item()
        if not error <= TOLERANCE:
            raise WeightsError(
                f"The {suffix} file would differ from the network by {error:.1e} of its largest logit, more than "
                f"{TOLERANCE:g}: nothing was written. Weights that are not finite can cause it."
            )


def load_for_export(variant: str | None, pretrained: Pretrained | None) -> tuple[Network, dict[str, str]]:
    """The network to export, with what travels with it: of given weights, or with fresh ones.

    Raises `WeightsError` and `VariantError`.
    """
    if pretrained is not None:
        network = pretrained.network if variant is None else fit_network(pretrained, variant)
        return network, write_card(pretrained)
    if variant is None:
        raise WeightsError("There is nothing to export: name a variant, or weights with --weights.")
    return build_network(expand_plan(parse_variant(variant)), seed=0), {}

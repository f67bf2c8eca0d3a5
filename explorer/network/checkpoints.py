"""Our names <-> the names in the wild; reading and writing weights without running what is in the file.

torchvision's names are the common tongue: CIFAR checkpoints use them too, so ours are translated to and from them only.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from explorer.architecture.config import Architecture, Block, Shortcut, Stem
from explorer.architecture.cost import compute_cost
from explorer.architecture.plan import expand_plan
from explorer.architecture.presets import IMAGENET_DEPTHS, find_preset
from explorer.errors import VariantError, WeightsError
from explorer.files import write_atomically
from explorer.network.build import Network, build_network

State = dict[str, Tensor]

# ours -> torchvision's; the block's prefix stays
_RENAMES = (
    (re.compile(r"^stem\.(conv1|bn1)\."), r"\1."),
    (re.compile(r"^(layer\d+\.\d+)\.branch\."), r"\1."),
    (re.compile(r"^(layer\d+\.\d+)\.shortcut\.conv\."), r"\1.downsample.0."),
    (re.compile(r"^(layer\d+\.\d+)\.shortcut\.bn\."), r"\1.downsample.1."),
    (re.compile(r"^head\.fc\."), "fc."),
)
_WRAPPERS = ("state_dict", "model", "model_state_dict", "net")
_PREFIXES = ("module.", "_orig_mod.")
_CLASSIFIERS = ("linear.", "classifier.", "head.fc.", "last_linear.")


def translate_name(name: str) -> str:
    """Our parameter's name in torchvision's words: ``layer1.0.branch.conv1.weight`` -> ``layer1.0.conv1.weight``."""
    for pattern, replacement in _RENAMES:
        name, changed = pattern.subn(replacement, name)
        if changed:
            break
    return name


def export_state(network: Network) -> State:
    """The network's weights under torchvision's names, float tensors contiguous on the CPU."""
    state = network.state_dict()
    return {translate_name(name): tensor.detach().cpu().contiguous() for name, tensor in state.items()}


def import_state(network: Network, state: Mapping[str, Tensor]) -> None:
    """Load weights under torchvision's names, strictly: every one must be there and fit. Raises `WeightsError`."""
    own = network.state_dict()
    names = {translate_name(name): name for name in own}
    counters = {key for key in names if key.endswith("num_batches_tracked")}  # old files lack them
    missing = [key for key in names if key not in state and key not in counters]
    surplus = [key for key in state if key not in names]
    wrong = [
        f"{key} is {_shape(state[key])}, not {_shape(own[name])}"
        for key, name in names.items()
        if key in state and state[key].shape != own[name].shape
    ]
    if missing or surplus or wrong:
        raise WeightsError(_describe_misfit(missing, surplus, wrong))
    _check_numbers(state)
    network.load_state_dict({names[key]: tensor for key, tensor in state.items()} | _counters(own, names, state))


def _counters(own: State, names: dict[str, str], state: Mapping[str, Tensor]) -> State:
    """Batch counters that an old file lacks, as they are in the network."""
    return {name: own[name] for key, name in names.items() if key not in state}


def _shape(tensor: Tensor) -> str:
    return "×".join(map(str, tensor.shape)) or "one number"


def _describe_misfit(missing: list[str], surplus: list[str], wrong: list[str]) -> str:
    parts = [
        f"{len(keys)} {what}, such as {keys[0]}"
        for keys, what in ((missing, "are missing"), (surplus, "are not known"), (wrong, "have another shape"))
        if keys
    ]
    return f"The weights do not fit the network: {'; '.join(parts)}. Name the variant they were trained with."


def _check_numbers(state: Mapping[str, Tensor]) -> None:
    for key, tensor in state.items():
        if tensor.is_floating_point() and not torch.isfinite(tensor).all():
            raise WeightsError(f"{key} holds numbers that are not finite: the file is damaged, or its run diverged.")


def read_checkpoint(path: Path) -> tuple[State, dict[str, str]]:
    """Read tensors and text from a .safetensors or torch file, names as torchvision's; nothing in it is executed.

    Raises `WeightsError`.
    """
    if not path.is_file():
        raise WeightsError(f"{path} does not exist: give a bundled name, a run, or a .safetensors, .pth or .th file.")
    try:
        state, metadata = _read_safetensors(path) if path.suffix == ".safetensors" else (_read_torch(path), {})
    except WeightsError:
        raise
    except Exception as error:  # torch and zip raise almost anything on a damaged file
        raise WeightsError(
            f"{path.name} is no checkpoint that can be read safely ({type(error).__name__}): a .safetensors file or a "
            "torch file of tensors alone is needed."
        ) from None
    _check_tensors(state, path.name)
    return _normalise_names(state, path.name), metadata


def _check_tensors(state: State, name: str) -> None:
    """Refuse what holds no real numbers, or fewer than its shape claims: a few bytes could ask for gigabytes."""
    for key, tensor in state.items():
        plain = tensor.layout is torch.strided and tensor.device.type == "cpu"
        plain = plain and not (tensor.is_complex() or tensor.is_quantized)
        if not plain or tensor.untyped_storage().nbytes() < tensor.numel() * tensor.element_size():
            raise WeightsError(f"{key[:80]} in {name} is no plain tensor of real numbers: only those are read.")


def _read_safetensors(path: Path) -> tuple[State, dict[str, str]]:
    try:
        with safe_open(path, framework="pt") as file:
            return {key: file.get_tensor(key) for key in file.keys()}, file.metadata() or {}  # noqa: SIM118
    except SafetensorError as error:
        raise WeightsError(f"{path.name} is no safetensors file ({str(error)[:80]}).") from None


def _read_torch(path: Path) -> State:
    content: Any = torch.load(path, map_location="cpu", weights_only=True)  # refuses everything but tensors
    for wrapper in _WRAPPERS:
        if isinstance(content, Mapping) and isinstance(content.get(wrapper), Mapping):
            content = content[wrapper]
    if not isinstance(content, Mapping):
        raise WeightsError(f"{path.name} holds a {type(content).__name__}, not a dictionary of tensors.")
    return {str(key): value for key, value in content.items() if isinstance(value, Tensor)}


def _normalise_names(state: State, name: str) -> State:
    for prefix in _PREFIXES * 2:  # wrapped in either order: compiled then distributed, or the other way round
        if state and all(key.startswith(prefix) for key in state):
            state = {key[len(prefix) :]: tensor for key, tensor in state.items()}
    for classifier in _CLASSIFIERS:
        if not any(key.startswith("fc.") for key in state):
            state = {re.sub("^" + re.escape(classifier), "fc.", key): tensor for key, tensor in state.items()}
    if not state:
        raise WeightsError(f"{name} holds no tensors.")
    return state


def infer_architecture(state: Mapping[str, Tensor]) -> Architecture:
    """Work the variant out of names and shapes (torchvision's). Raises `WeightsError`.

    What can't be seen is assumed: the preset's input size, option A where nothing is projected (a plain network has
    the same weights), and a bottleneck's stride on its 3x3.
    """
    try:
        block = Block.BOTTLENECK if "layer1.0.conv3.weight" in state else Block.BASIC
        conv, classifier = state["conv1.weight"], state["fc.weight"]
        depths = _infer_depths(state)
        stem = Stem.IMAGENET if conv.shape[2] == 7 else Stem.CIFAR
        return Architecture(
            depths=depths,
            block=block,
            shortcut=_infer_shortcut(state, depths, block),
            stem=stem,
            width=conv.shape[0],
            classes=classifier.shape[0],
            input=(conv.shape[1], *_usual_size(stem)),
        )
    except (KeyError, IndexError, VariantError) as error:
        raise WeightsError(
            f"The weights are of no ResNet that is known here ({str(error)[:60]} does not fit): networks with "
            "torchvision's names conv1, layer1.0.conv1, ..., fc are read."
        ) from None


def _infer_depths(state: Mapping[str, Tensor]) -> tuple[int, ...]:
    matches = [re.match(r"layer(\d{1,2})\.(\d{1,4})\.", key) for key in state]
    seen = {(int(match[1]), int(match[2])) for match in matches if match}
    stages = range(1, max((stage for stage, _ in seen), default=0) + 1)
    return tuple(sum(1 for stage, _ in seen if stage == number) for number in stages)


def _infer_shortcut(state: Mapping[str, Tensor], depths: tuple[int, ...], block: Block) -> Shortcut:
    projected = sum(key.endswith(".downsample.0.weight") for key in state)
    if projected == 0:
        return Shortcut.A
    changes = len(depths) - (block is Block.BASIC)  # a bottleneck widens in the first stage too
    return Shortcut.C if projected > changes else Shortcut.B


def _usual_size(stem: Stem) -> tuple[int, int]:
    name = "resnet20" if stem is Stem.CIFAR else f"resnet{IMAGENET_DEPTHS[0]}"
    _, height, width = find_preset(name).architecture.input
    return height, width


def save_weights(network: Network, path: Path, metadata: Mapping[str, str]) -> None:
    """Write weights under torchvision's names to a .safetensors file; whole or not at all. Raises `OSError`."""
    write_atomically(path, save(export_state(network), dict(metadata)))


def load_network(state: Mapping[str, Tensor], architecture: Architecture | None = None) -> Network:
    """Build the network that the weights belong to, in evaluation mode. Raises `WeightsError`."""
    architecture = architecture or infer_architecture(state)
    needed, held = compute_cost(expand_plan(architecture)).params, sum(tensor.numel() for tensor in state.values())
    if needed > held:  # before memory is taken for what a small file claims to be
        raise WeightsError(
            f"The weights do not fit the network: it has {needed:,} parameters, and they are {held:,} numbers. "
            "Name the variant they were trained with."
        )
    network = build_network(architecture)
    import_state(network, state)
    return network.eval()

"""Reading and writing weights, without running what is in a file and whatever library it comes from."""

from __future__ import annotations

import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from explorer.architecture.config import Architecture
from explorer.architecture.plan import expand_plan
from explorer.errors import WeightsError
from explorer.files import write_atomically
from explorer.network.build import Network, build_network
from explorer.network.inference import infer_architecture
from explorer.network.translation import (
    COUNTER,
    Shape,
    choose_dialect,
    list_entries,
    list_keys,
    match_tensors,
    printable,
    written_shape,
)

State = dict[str, Tensor]

_WRAPPERS = (
    "state_dict",
    "model",
    "model_state_dict",
    "net",
    "network",
    "weights",
    "params",
    "state_dict_ema",
    "model_ema",
)
_PREFIXES = ("module.", "_orig_mod.", "model.", "net.")
_FLOATS = (torch.float32, torch.float16, torch.bfloat16, torch.float64)


def export_state(network: Network, library: str | None = None) -> State:
    """The network's weights under a library's names, contiguous on the CPU.

    Without a `library`, torchvision's or timm's names are used where they have a network of this form, else our own.
    Raises `WeightsError` where the library has none.
    """
    dialect = choose_dialect(network.plan.architecture, library)
    state = network.state_dict()
    return {
        list_keys(dialect, entry)[0]: state[entry.key]
        .detach()
        .cpu()
        .reshape(written_shape(dialect, entry))
        .contiguous()
        for entry in list_entries(network.plan)
    }


def list_shapes(state: Mapping[str, Tensor]) -> dict[str, Shape]:
    """Shapes by key: all that is needed to tell which network a file belongs to."""
    return {key: tuple(tensor.shape) for key, tensor in state.items()}


def import_state(network: Network, state: Mapping[str, Tensor]) -> None:
    """Load weights under any dialect's names, strictly: every one must be there and fit. Raises `WeightsError`."""
    fit = match_tensors(network.plan, list_shapes(state))
    if not fit.is_exact:
        raise WeightsError(fit.describe())
    for key, tensor in state.items():
        _check_numbers(key, tensor)
    own = network.state_dict()
    given = {name: state[key].reshape(own[name].shape) for name, key in fit.names.items()}
    network.load_state_dict(own | given)  # batch counters that an old file lacks stay


def _check_numbers(key: str, tensor: Tensor) -> None:
    """Refuse what can't be trained weights, in the precision in which they are used."""
    if key.endswith(COUNTER):
        if tensor.is_floating_point() or tensor.dtype is torch.bool:
            raise WeightsError(f"{printable(key)} counts batches, and holds {tensor.dtype} instead of whole numbers.")
        return
    if tensor.dtype not in _FLOATS:
        raise WeightsError(
            f"{printable(key)} holds {str(tensor.dtype).removeprefix('torch.')} numbers: weights are float32, float16, "
            "bfloat16 or float64."
        )
    if not torch.isfinite(tensor.float()).all():
        raise WeightsError(
            f"{printable(key)} holds numbers that are not finite: the file is damaged, or its run diverged."
        )
    if key.endswith("running_var") and (tensor < 0).any():
        raise WeightsError(f"{printable(key)} holds negative variances: the file is damaged.")


def read_checkpoint(path: Path) -> tuple[State, dict[str, str]]:
    """Read tensors and text from a .safetensors or torch file, without wrappers; nothing in it is executed.

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
    return _strip_prefixes(state, path.name), metadata


def _check_tensors(state: State, name: str) -> None:
    """Refuse what holds no real numbers, or fewer than the shapes claim: a few bytes could ask for gigabytes."""
    stored: dict[int, int] = {}
    for key, tensor in state.items():
        plain = tensor.layout is torch.strided and tensor.device.type == "cpu"
        plain = plain and not (tensor.is_complex() or tensor.is_quantized)
        if not plain or tensor.untyped_storage().nbytes() < tensor.numel() * tensor.element_size():
            raise WeightsError(f"{printable(key)} in {name} is no plain tensor of real numbers: only those are read.")
        stored[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
    if sum(tensor.numel() * tensor.element_size() for tensor in state.values()) > sum(stored.values()):
        raise WeightsError(f"Tensors in {name} share their numbers: every weight needs its own.")


def _read_safetensors(path: Path) -> tuple[State, dict[str, str]]:
    try:
        with safe_open(path, framework="pt") as file:
            return {key: file.get_tensor(key) for key in file.keys()}, file.metadata() or {}  # noqa: SIM118
    except SafetensorError as error:
        raise WeightsError(f"{path.name} is no safetensors file ({str(error)[:80]}).") from None


def _read_torch(path: Path) -> State:
    _check_archive(path)
    content: Any = torch.load(path, map_location="cpu", weights_only=True)  # refuses everything but tensors
    if not isinstance(content, Mapping):
        raise WeightsError(f"{path.name} holds a {type(content).__name__}, not a dictionary of tensors.")
    return {str(key): value for key, value in _unwrap(content).items() if isinstance(value, Tensor)}


def _check_archive(path: Path) -> None:
    """Refuse archives that unpack to more than they are (zip bombs): torch itself never compresses.

    Nor is a tar read, the format before 2016: torch would unpack its members into a folder.
    """
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            if sum(member.file_size for member in archive.infolist()) > path.stat().st_size:
                raise WeightsError(f"{path.name} is compressed: save it with torch.save, which does not compress.")
    elif tarfile.is_tarfile(path):
        raise WeightsError(f"{path.name} is a tar archive: save its weights again with torch.save.")


def _unwrap(content: Mapping[Any, Any]) -> Mapping[Any, Any]:
    """The innermost dictionary of weights; what else a training script kept beside it is left out."""
    for _ in range(4):
        wrapped = [content[name] for name in _WRAPPERS if isinstance(content.get(name), Mapping)]
        if not wrapped:
            break
        content = wrapped[0]
    return content


def _strip_prefixes(state: State, name: str) -> State:
    """Take off what wrappers put before every name, in whatever order they were put on."""
    state = {key: tensor for key, tensor in state.items() if key != "n_averaged"}  # torch's averaged models count
    for prefix in _PREFIXES * 2:
        if state and all(key.startswith(prefix) for key in state):
            state = {key[len(prefix) :]: tensor for key, tensor in state.items()}
    if not state:
        raise WeightsError(f"{name} holds no tensors.")
    return state


def save_weights(network: Network, path: Path, metadata: Mapping[str, str]) -> None:
    """Write weights to a .safetensors file as `export_state` names them; whole or not at all. Raises `OSError`."""
    write_atomically(path, save(export_state(network), dict(metadata)))


def load_network(state: Mapping[str, Tensor], architecture: Architecture | None = None) -> Network:
    """Build the network that the weights belong to, in evaluation mode. Raises `WeightsError`."""
    shapes = list_shapes(state)
    architecture = architecture or infer_architecture(shapes)
    fit = match_tensors(expand_plan(architecture), shapes)
    if not fit.is_exact:  # before memory is taken for what a small file claims to be
        raise WeightsError(fit.describe())
    network = build_network(architecture)
    import_state(network, state)
    return network.eval()

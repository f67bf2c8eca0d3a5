"""Where weights come from: bundled, a run, torchvision, a file. Preprocessing and labels travel with them."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from http.client import HTTPException
from pathlib import Path
from typing import Any

import numpy
import torch
from PIL import Image
from torch import Tensor

from explorer.architecture.config import Architecture
from explorer.architecture.presets import shorten
from explorer.architecture.variant import format_variant, parse_variant
from explorer.data.images import printable_name, resize_and_crop, to_array
from explorer.errors import VariantError, WeightsError
from explorer.network.build import Network
from explorer.network.catalogue import TORCHVISION, list_bundled
from explorer.network.checkpoints import State, list_shapes, load_network, read_checkpoint
from explorer.network.inference import count_classes, infer_architecture
from explorer.resources import assets

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Preprocessing:
    """How a picture becomes the network's input: the shorter side to `resize` (None: just cover), the middle cut out,
    scaled to 0..1, then (x - mean) / std per channel."""

    mean: tuple[float, ...]
    std: tuple[float, ...]
    resize: int | None = None

    def see(self, picture: Image.Image, shape: tuple[int, int, int]) -> tuple[numpy.ndarray, Tensor]:
        """Return the picture as the network sees it, (H, W, C) uint8, and the input (1, C, H, W)."""
        channels, height, width = shape
        array = to_array(resize_and_crop(picture, height, width, self.resize), channels)
        tensor = torch.from_numpy(array.copy()).float().div(255).permute(2, 0, 1)  # (C, H, W)
        mean, std = torch.tensor(self.mean).view(-1, 1, 1), torch.tensor(self.std).view(-1, 1, 1)
        return array, ((tensor - mean) / std).unsqueeze(0)


@dataclass(frozen=True)
class Pretrained:
    """A network with weights, in evaluation mode, and what is needed to use it."""

    name: str
    network: Network
    labels: tuple[str, ...]
    preprocessing: Preprocessing
    about: str = ""
    split: tuple[float, int] | None = None  # share held out and seed, of the run that made them

    @property
    def architecture(self) -> Architecture:
        """What the network is."""
        return self.network.plan.architecture


def load_pretrained(name: str, variant: str | None = None) -> Pretrained:
    """Load weights by bundled name, run directory, torchvision name or file; raises `WeightsError`.

    `variant` says which network a file's weights belong to, where it can't be worked out; where it is known already,
    another one is refused. Its classes and input are the weights'.
    """
    loaded = _load_named(name, variant)
    if variant:
        _check_variant(loaded, parse_variant(variant))
    return loaded


def _check_variant(loaded: Pretrained, said: Architecture) -> None:
    own = loaded.architecture
    if replace(said, classes=own.classes, input=own.input) != own:
        raise WeightsError(
            f"The weights {shorten(loaded.name)} are of {shorten(format_variant(own))}, not of "
            f"{shorten(format_variant(said))}: leave the variant out, or choose weights of that network."
        )


def _load_named(name: str, variant: str | None) -> Pretrained:
    if name in list_bundled():
        return load_file(assets() / "weights" / f"{name}.safetensors", name=name)
    if name in TORCHVISION:
        return load_torchvision(name)
    path = Path(os.path.expanduser(name))  # noqa: PTH111  (pathlib's raises on ~nobody, and below on long names)
    if os.path.isfile(path / "run.json"):  # noqa: PTH113
        return load_run_folder(path)
    if os.path.isfile(path):  # noqa: PTH113
        return load_file(path, variant)
    raise WeightsError(_describe_missing(name, path))


def _describe_missing(name: str, path: Path) -> str:
    if name and os.path.isdir(path):  # noqa: PTH112
        return f"{printable_name(path)} is a folder without run.json: give a run's directory, or a checkpoint file."
    if path.suffix:
        return f"{printable_name(path)} does not exist: give a .safetensors, .pth or .th file."
    known = ", ".join([*list_bundled(), *TORCHVISION])
    return f"“{shorten(name)}” are no weights: use {known}, a run's directory, or a checkpoint file."


def load_run_folder(folder: Path) -> Pretrained:
    """Load the result of a run. Raises `WeightsError` where it has none yet."""
    path = folder / "model.safetensors"
    if not path.exists():
        raise WeightsError(f"The run {folder.name} has no weights yet: let it finish, or stop it, first.")
    return load_file(path, name=folder.name)


def load_file(path: Path, variant: str | None = None, name: str | None = None) -> Pretrained:
    """Load a checkpoint file; what is written in it wins over what can be inferred. Raises `WeightsError`."""
    state, metadata = read_checkpoint(path)
    network = load_network(state, _choose_architecture(path, state, metadata, variant))
    architecture = network.plan.architecture
    labels = _read_labels(metadata, architecture.classes)
    preprocessing = _read_preprocessing(metadata, architecture)
    return Pretrained(name or path.name, network, labels, preprocessing, _about(metadata), _read_split(metadata))


def _choose_architecture(path: Path, state: State, metadata: Mapping[str, str], variant: str | None) -> Architecture:
    """What a person says, which need not repeat the file's classes; else what the file says; else what it shows."""
    if variant:
        classes, architecture = count_classes(list_shapes(state)), parse_variant(variant)
        return replace(architecture, classes=classes) if classes else architecture
    if "variant" not in metadata:
        return infer_architecture(list_shapes(state))
    try:
        return parse_variant(metadata["variant"])
    except VariantError:
        raise WeightsError(
            f"{printable_name(path)} says that it is “{shorten(metadata['variant'])}”, which is no network that is "
            "known here: name the variant it was trained with."
        ) from None


def _read_labels(metadata: Mapping[str, str], classes: int) -> tuple[str, ...]:
    labels = _read_json(metadata, "classes")
    if isinstance(labels, list) and len(labels) == classes:
        return tuple(map(str, labels))
    return imagenet_labels() if classes == 1000 else tuple(f"class {index}" for index in range(classes))


def _read_preprocessing(metadata: Mapping[str, str], architecture: Architecture) -> Preprocessing:
    """What the file says, else the ImageNet statistics that most checkpoints in the wild were trained with."""
    channels = architecture.input[0]
    mean, std = _read_json(metadata, "mean"), _read_json(metadata, "std")
    if _are_numbers(mean, channels) and _are_numbers(std, channels) and min(std) >= 1e-6:
        return Preprocessing(tuple(mean), tuple(std))
    if channels == 3:
        return Preprocessing(IMAGENET_MEAN, IMAGENET_STD)
    return Preprocessing((0.5,) * channels, (0.5,) * channels)


def _read_split(metadata: Mapping[str, str]) -> tuple[float, int] | None:
    share, seed = _read_json(metadata, "held_out"), _read_json(metadata, "seed")
    usable = isinstance(share, float) and isinstance(seed, int) and 0 < share < 1 and 0 <= seed < 2**31
    return (share, seed) if usable else None


def _are_numbers(values: Any, count: int) -> bool:
    if not isinstance(values, list) or len(values) != count:
        return False
    return all(isinstance(value, int | float) and math.isfinite(value) for value in values)


def _read_json(metadata: Mapping[str, str], key: str) -> Any:
    try:
        return json.loads(metadata.get(key, "null"))
    except ValueError:
        return None


def _about(metadata: Mapping[str, str]) -> str:
    accuracy, data = _read_json(metadata, "accuracy"), metadata.get("data", "")
    if not isinstance(accuracy, float):
        return f"Trained on {data}." if data else ""
    return f"Trained on {data}; {accuracy:.1%} of held-out images right."


@lru_cache(maxsize=1)
def imagenet_labels() -> tuple[str, ...]:
    """ImageNet's 1,000 class names, as torchvision carries them."""
    from torchvision.models import ResNet18_Weights

    return tuple(ResNet18_Weights.IMAGENET1K_V1.meta["categories"])


def _reason(error: Exception) -> str:
    """Why a download failed, without urllib's wrapping."""
    return str(getattr(error, "reason", error)).strip("<>")[:80]


def _fetch(name: str, url: str) -> State:
    """Read torchvision's file from where torch keeps them; download it first where it is not there yet.

    A file placed there by hand is read as any other: nothing in it is executed.
    """
    folder, file = Path(torch.hub.get_dir()) / "checkpoints", url.rsplit("/", 1)[-1]
    if not (folder / file).is_file():
        try:
            folder.mkdir(parents=True, exist_ok=True)
            digest = file.rpartition("-")[2].partition(".")[0]  # torchvision's names end in the start of their SHA-256
            torch.hub.download_url_to_file(url, str(folder / file), digest, progress=False)
        except (OSError, HTTPException, RuntimeError) as error:
            raise WeightsError(
                f"torchvision's {name} weights could not be downloaded ({_reason(error)}): get {file} on a "
                f"machine with a network, and place it in {folder}."
            ) from None
    state, _ = read_checkpoint(folder / file)
    return state


def load_torchvision(name: str) -> Pretrained:
    """Load torchvision's default ImageNet weights, downloaded once where there is a network. Raises `WeightsError`."""
    from torchvision.models import get_model_weights

    weights = get_model_weights(name).DEFAULT
    state = _fetch(name, weights.url)
    transforms = weights.transforms()
    architecture = replace(parse_variant(name), input=(3, transforms.crop_size[0], transforms.crop_size[0]))
    preprocessing = Preprocessing(tuple(transforms.mean), tuple(transforms.std), transforms.resize_size[0])
    top1 = weights.meta["_metrics"]["ImageNet-1K"]["acc@1"]
    about = f"torchvision {weights.name}: {top1:.1f}% of ImageNet validation right."
    labels = tuple(weights.meta["categories"])
    return Pretrained(name, load_network(state, architecture), labels, preprocessing, about)

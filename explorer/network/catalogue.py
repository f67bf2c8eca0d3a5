"""Names of the weights that can be asked for; known without torch."""

from __future__ import annotations

from explorer.resources import assets

TORCHVISION = (
    "resnet18",
    "resnet34",
    "resnet50",
    "resnet101",
    "resnet152",
    "resnext50_32x4d",
    "resnext101_32x8d",
    "resnext101_64x4d",
    "wide_resnet50_2",
    "wide_resnet101_2",
    "densenet121",
    "densenet161",
    "densenet169",
    "densenet201",
)


def list_bundled() -> list[str]:
    """Names of the weights that travel with the package, residual networks before plain ones."""
    names = (path.stem for path in (assets() / "weights").glob("*.safetensors"))
    return sorted(names, key=lambda name: (name.startswith("plain"), name))

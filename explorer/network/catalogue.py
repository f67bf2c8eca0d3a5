"""Names of the weights that can be asked for; known without torch."""

from __future__ import annotations

from explorer.resources import assets

TORCHVISION = ("resnet18", "resnet34", "resnet50", "resnet101", "resnet152")


def list_bundled() -> list[str]:
    """Names of the weights that travel with the package."""
    return sorted(path.stem for path in (assets() / "weights").glob("*.safetensors"))

"""What other programs read: code, export."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from explorer.cli.words import Variant, app, expand, load_weights, save


@app.command()
def code(
    variant: Variant,
    style: Annotated[
        str, typer.Option(help="module (classes) or functional (F.conv2d, batch norm spelled out)")
    ] = "module",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="FILE.py; by default standard output")] = None,
) -> None:
    """Write a variant as one PyTorch file that needs torch alone."""
    from explorer.architecture.code import parse_style, write_code

    text = write_code(expand(variant), parse_style(style))
    if output is None:
        print(text, end="")
        return
    save(output, text.encode())


@app.command()
def export(
    output: Annotated[Path, typer.Option("--output", "-o", help="FILE.onnx, .pt2 or .safetensors")],
    variant: Annotated[str | None, typer.Argument(help="such as resnet50; may be left out with --weights")] = None,
    weights: Annotated[
        str | None, typer.Option(help="a bundled or torchvision name, a checkpoint, a run; by default fresh ones")
    ] = None,
) -> None:
    """Write a network for other programs: ONNX, torch.export's pt2, or weights under torchvision's or timm's names."""
    from explorer.network.export import check_target, export_network, load_for_export

    check_target(output)
    pretrained = None if weights is None else load_weights(weights, variant)
    network, card = load_for_export(variant, pretrained)
    export_network(network, output, card)
    print(output)

"""Inspect: a picture, a network with weights, what it takes the picture for, and its feature maps."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr
from gradio.components import Component
from gradio.data_classes import ImageData

from explorer.architecture.plan import expand_plan
from explorer.errors import ExplorerError, WeightsError
from explorer.network.catalogue import TORCHVISION, list_bundled
from explorer.resources import find_package
from explorer.training.runs import find_run_by_id
from explorer.ui import text
from explorer.ui.events import refuse_politely
from explorer.ui.heavy import load_torch
from explorer.ui.run_list import visible_runs

if TYPE_CHECKING:
    from PIL import Image

    from explorer.network.pretrained import Pretrained

FILE = "file"
FIRST_OP = "stem.conv1"
_SAMPLES = (
    ("gradio", "media_assets/images", ("lion.jpg", "bus.png", "cheetah.jpg", "tower.jpg")),
    ("sklearn", "datasets/images", ("flower.jpg", "china.jpg")),
)


@dataclass(frozen=True)
class InspectTab:
    """The components that other tabs need."""

    weights: gr.Dropdown
    wanted: gr.Textbox  # the operation whose maps are shown; outside the tab, so that it is there before the tab is


def list_samples() -> list[str]:
    """Photographs that installed packages carry."""
    paths = []
    for package, folder, names in _SAMPLES:
        with suppress(OSError):
            root = find_package(package)
            paths += [str(root / folder / name) for name in names if (root / folder / name).exists()]
    return paths


def list_weights(run_ids: set[str] | None) -> list[tuple[str, str]]:
    """Choices of the weights menu: bundled, runs that have weights, torchvision's, and a file."""
    bundled = [(f"{name} (bundled)", name) for name in list_bundled()]
    runs = [
        (f"run: {run.spec.variant} on {run.spec.data.rpartition('/')[2]}, {run.id[-6:]}", f"run:{run.id}")
        for run in visible_runs(run_ids)
        if run.weights_path.exists()
    ]
    return [
        *bundled,
        *runs,
        *((f"{name}, ImageNet (torchvision)", name) for name in TORCHVISION),
        (text.FILE_CHOICE, FILE),
    ]


def create_inspect_tab(tab: gr.Tab, wanted: gr.Textbox, shared: bool) -> InspectTab:
    """Create the tab; `shared` offers only the runs that the browser holds, and no path of this machine."""
    choices = list_weights(set() if shared else None)
    samples = list_samples()
    with gr.Row(elem_classes="rx-split"):
        with gr.Column(scale=0, min_width=300, elem_classes="rx-controls"):
            picture = gr.Image(
                samples[0] if samples else None, type="filepath", image_mode=None, label=text.UPLOAD, height=220,
                sources=["upload", "webcam", "clipboard"], elem_id="rx-picture",
            )  # fmt: skip
            picture.preprocess = _hand_over  # type: ignore[method-assign]
            gr.Examples(samples, picture, label="Samples", api_visibility="private")
            weights = gr.Dropdown(
                choices, value=choices[0][1], label="Weights", info=text.WEIGHTS_HELP, elem_id="rx-weights"
            )
            with gr.Group(visible=False) as file_group:
                file = gr.File(label="Checkpoint", file_types=[".safetensors", ".pth", ".pt", ".th"], type="filepath")
                variant = gr.Textbox(label="Its variant", info=text.FILE_VARIANT_HELP, max_lines=1)
        with gr.Column(scale=1, min_width=320, elem_classes="rx-stage"):
            answer = gr.HTML(_ask_for(text.NO_PICTURE), elem_id="rx-answer")
            op = gr.Dropdown(
                [FIRST_OP], value=FIRST_OP, label="Feature maps of", info=text.OP_HELP, elem_id="rx-op",
                allow_custom_value=True,  # a name from Build may come before this network's own names
            )  # fmt: skip
            maps = gr.HTML("", elem_id="rx-montage")
    inputs: list[Component] = [picture, weights, file, variant, wanted]
    outputs: list[Component] = [answer, op, maps]
    weights.input(
        lambda choice: gr.update(visible=choice == FILE), weights, file_group, queue=False, api_visibility="private"
    )
    events = [tab.select, picture.change, weights.change, file.change, variant.submit, wanted.change]
    gr.on(
        events, look, inputs, outputs, trigger_mode="always_last", concurrency_limit=2,
        show_progress="minimal", api_visibility="private",
    )  # fmt: skip
    op.input(None, op, wanted, js="(name) => name", queue=False, api_visibility="private")
    return InspectTab(weights, wanted)


def _hand_over(payload: ImageData | None) -> str | None:
    """The path of the uploaded file. gr.Image itself opens it first, and a file that is no picture gets no sentence."""
    return payload.path if payload else None


def _ask_for(sentence: str) -> str:
    return f'<p class="rx-quiet">{escape(sentence)}</p>'


@refuse_politely
def look(picture: str | None, choice: str, file: str | None, variant: str | None, op: str) -> list[Any]:
    """Show a picture to weights. A refusal takes the answer's place, so that no old answer stands under new weights."""
    if not picture:
        return [_ask_for(text.NO_PICTURE), gr.skip(), ""]
    if choice == FILE and not file:
        return [_ask_for(f"Choose a checkpoint. {text.FILE_HELP}"), gr.skip(), ""]
    try:
        return _show(picture, _load(choice, file, (variant or "").strip() or None), op)
    except ExplorerError as error:
        return [f'<p class="rx-refusal" role="alert">{escape(str(error))}</p>', gr.skip(), ""]


def _show(picture: str, pretrained: Pretrained, op: str) -> list[Any]:
    load_torch()
    from explorer.data.images import open_image
    from explorer.figures.images import describe_maps, draw_montage
    from explorer.inspection.classify import classify
    from explorer.inspection.feature_maps import record_feature_maps

    opened = open_image(picture)
    shape = pretrained.architecture.input
    seen, tensor = pretrained.preprocessing.see(opened.image, shape)
    prediction = classify(pretrained.network, tensor, pretrained.labels)
    names = [name for name, _ in expand_plan(pretrained.architecture).ops()]
    chosen = op if op in names else FIRST_OP
    record = record_feature_maps(pretrained.network, tensor, chosen)
    missing = text.NO_SUCH_OP.format(name=op, shown=chosen) if op != chosen else ""
    words = missing + describe_maps(record)
    maps = f"<figure>{_embed(draw_montage(record), words)}<figcaption>{escape(words)}</figcaption></figure>"
    answer = _draw_answer(seen, prediction.top, opened.notes, pretrained)
    return [answer, gr.update(choices=names, value=chosen), maps]


def _load(choice: str, file: str | None, variant: str | None) -> Pretrained:
    load_torch()
    from explorer.network.pretrained import load_pretrained, load_run_folder

    if choice == FILE:
        return _load_file(str(file), Path(str(file)).stat().st_mtime, variant)
    if choice.startswith("run:"):
        run = find_run_by_id(choice.removeprefix("run:"))
        return load_run_folder(run.folder)
    if choice not in (*list_bundled(), *TORCHVISION):
        raise WeightsError(text.SHARED_WEIGHTS)
    return _load_named(choice, load_pretrained)


@lru_cache(maxsize=3)
def _load_named(name: str, load: Callable[[str], Pretrained]) -> Pretrained:
    return load(name)


@lru_cache(maxsize=2)
def _load_file(path: str, changed: float, variant: str | None) -> Pretrained:
    load_torch()
    from explorer.network.pretrained import load_file

    return load_file(Path(path), variant)


def _draw_answer(seen: Any, top: tuple[tuple[str, float], ...], notes: tuple[str, ...], pretrained: Pretrained) -> str:
    from PIL import Image

    height, width = seen.shape[:2]
    image = Image.fromarray(seen[..., 0] if seen.shape[2] == 1 else seen)
    bars = "".join(
        f'<li><span class="rx-label">{escape(label)}</span><span class="rx-bar"><span style="width:{share:.1%}"></span>'
        f"</span><b>{share:.1%}</b></li>"
        for label, share in top
    )
    words = "".join(
        f"<p>{escape(note)}</p>" for note in (*notes, pretrained.about, _describe_labels(pretrained)) if note
    )
    caption = f"as the network sees it, {width} × {height}"
    return (
        f'<div class="rx-answer"><figure>{_embed(image, caption)}<figcaption>{caption}</figcaption></figure><div>'
        f'<h3>Top {len(top)}</h3><ol class="rx-top">{bars}</ol>'
        f'<div class="rx-quiet">{words}</div></div></div>'
    )


def _describe_labels(pretrained: Pretrained) -> str:
    """Whatever a network of few classes is shown, it answers with one of them; people forget."""
    few = pretrained.labels if len(pretrained.labels) <= 20 else ()
    return text.KNOWS_ONLY.format(labels=", ".join(few)) if few else ""


def _embed(image: Image.Image, label: str) -> str:
    """An `img` element that carries its pixels, so that nothing is left on the server's disk."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    data = base64.b64encode(buffer.getvalue()).decode()
    return f'<img alt="{escape(label)}" src="data:image/png;base64,{data}">'

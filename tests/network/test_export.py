"""Exported files, read back by the programs they are for."""

import json
from dataclasses import replace

import onnx
import onnxruntime
import pytest
import torch
import torchvision
from safetensors.torch import load_file as load_safetensors

from explorer.architecture.variant import format_variant, parse_variant
from explorer.errors import WeightsError
from explorer.network import export
from explorer.network.build import build_network
from explorer.network.export import export_network, fit_network, load_for_export
from explorer.network.pretrained import load_file, load_pretrained

TEXTS = (
    "resnet18,width=8,classes=5,input=3x40x40",
    "seresnet50d,width=8,depths=1-2,antialias=blur,drop_path=0.2,dropout=0.1,classes=5,input=3x32x32",
    "densenet40_k12_bc,depths=2-2,attention=eca,classes=5,input=1x17x15",
    "resnet20,depths=1-1-1,norm=group,act=mish,activation=pre,classes=5,input=2x16x16",
)


@pytest.fixture(params=TEXTS)
def network(request):
    network = build_network(parse_variant(request.param), seed=1)
    for name, buffer in network.named_buffers():
        if name.endswith("running_var"):
            buffer.uniform_(0.5, 2, generator=torch.Generator().manual_seed(2))
    return network.train()


def draw_images(network, number):
    return torch.randn(number, *network.plan.architecture.input, generator=torch.Generator().manual_seed(4))


def assert_same_logits(network, run):
    for number in (1, 2, 7):  # the batch is dynamic
        x = draw_images(network, number)
        with torch.no_grad():
            expected = network.eval()(x)
        got = run(x)
        assert got.shape == (number, 5)
        assert (got - expected).abs().max() <= 1e-4 * expected.abs().max()


def test_onnx_gives_the_same_logits_in_onnxruntime(network, tmp_path):
    path = tmp_path / "network.onnx"
    export_network(network, path)
    assert network.training  # as it was
    onnx.checker.check_model(onnx.load(path), full_check=True)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    assert session.get_inputs()[0].shape == ["batch", *network.plan.architecture.input]
    assert session.get_modelmeta().custom_metadata_map["variant"] == format_variant(network.plan.architecture)
    assert_same_logits(network, lambda x: torch.from_numpy(session.run(["logits"], {"input": x.numpy()})[0]))


def test_pt2_gives_the_same_logits_when_loaded(network, tmp_path):
    path = tmp_path / "network.pt2"
    export_network(network, path, {"note": "é"})
    files = {"card.json": ""}
    run = torch.export.load(path, extra_files=files).module()
    assert json.loads(files["card.json"]) == {"variant": format_variant(network.plan.architecture), "note": "é"}
    assert_same_logits(network, run)


def test_safetensors_has_torchvisions_names(tmp_path):
    path = tmp_path / "NETWORK.SAFETENSORS"
    network = build_network(parse_variant("resnet18,input=3x32x32"), seed=1)
    export_network(network, path)
    theirs = torchvision.models.resnet18()
    theirs.load_state_dict(load_safetensors(path))
    x = draw_images(network, 2)
    with torch.no_grad():
        torch.testing.assert_close(theirs.eval()(x), network.eval()(x))


def test_exported_weights_are_read_again_with_what_travels_with_them(tmp_path):
    pretrained = load_pretrained("resnet20-cifar10")
    network, card = load_for_export(None, pretrained)
    export_network(network, tmp_path / "copy.safetensors", card)
    copy = load_file(tmp_path / "copy.safetensors")
    assert copy.labels == pretrained.labels and "ship" in copy.labels
    assert copy.preprocessing.mean == pretrained.preprocessing.mean
    assert copy.architecture == pretrained.architecture
    x = draw_images(network, 2)
    with torch.no_grad():
        assert torch.equal(copy.network(x), pretrained.network(x))


def test_weights_fit_a_variant_of_another_input_size():
    pretrained = load_pretrained("resnet20-cifar10")
    network, _ = load_for_export("resnet20,input=3x48x40", pretrained)
    assert network.plan.architecture == replace(pretrained.architecture, input=(3, 48, 40))
    x = torch.randn(1, 3, 48, 40)
    with torch.no_grad():
        assert torch.equal(network(x), pretrained.network(x))


def test_weights_of_another_network_are_refused():
    with pytest.raises(WeightsError, match=r"are of resnet20 and do not fit resnet32: name that variant"):
        fit_network(load_pretrained("resnet20-cifar10"), "resnet32,classes=10")


def test_nothing_to_export_is_refused():
    with pytest.raises(WeightsError, match="name a variant, or weights"):
        load_for_export(None, None)


@pytest.mark.parametrize("name", ["network", "network.pth", "network.onnx.gz"])
def test_other_suffixes_are_refused_before_anything_is_done(name, tmp_path):
    with pytest.raises(WeightsError, match=r"end it in \.onnx, \.pt2, \.safetensors"):
        export_network(None, tmp_path / name)


def test_missing_packages_are_named(tmp_path, monkeypatch):
    monkeypatch.setattr(export, "ONNX_PACKAGES", ("onnx", "onnxnone", "onnxtwo"))
    with pytest.raises(WeightsError, match=r"onnxnone, onnxtwo, .* pip install 'resnet-explorer\[onnx\]'"):
        export.check_target(tmp_path / "network.onnx")
    export.check_target(tmp_path / "network.pt2")


def test_weights_that_onnx_can_not_hold_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(export, "MAX_ONNX_BYTES", 1000)
    with pytest.raises(WeightsError, match=r"export to \.pt2"):
        export_network(build_network(parse_variant("resnet20")), tmp_path / "network.onnx")


@pytest.mark.parametrize("suffix", [".onnx", ".pt2"])
def test_what_would_differ_is_not_written(suffix, tmp_path):
    network = build_network(parse_variant("resnet20,depths=1"), seed=0)
    with torch.no_grad():
        network.get_submodule("head.fc").weight.fill_(float("nan"))
    path = tmp_path / f"network{suffix}"
    path.write_text("before")
    with pytest.raises(WeightsError, match="nothing was written"):
        export_network(network, path)
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_a_place_that_can_not_be_written_is_refused(tmp_path):
    network = build_network(parse_variant("resnet20,depths=1"), seed=0)
    with pytest.raises(WeightsError, match="can't be written: No such file or directory"):
        export_network(network, tmp_path / "none" / "network.safetensors")

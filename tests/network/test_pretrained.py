import email.message
import io
import json
import re
import urllib.error

import numpy
import pytest
import timm
import torch
import torchvision
from PIL import Image
from safetensors import safe_open
from sklearn.datasets import load_sample_image
from torchvision.models import ResNet18_Weights

from explorer.architecture.variant import parse_variant
from explorer.errors import ExplorerError
from explorer.network import pretrained as module
from explorer.network.build import build_network
from explorer.network.catalogue import TORCHVISION, list_bundled
from explorer.network.checkpoints import export_state, save_weights
from explorer.network.pretrained import IMAGENET_MEAN, IMAGENET_STD, imagenet_labels, load_pretrained, load_torchvision
from explorer.resources import assets
from witness import assert_close, build_empty, draw_images, fill_with_seed, is_one_clear_sentence

TINY = "resnet8,width=4,classes=3,input=3x16x20"
CARD = {
    "variant": TINY,
    "classes": json.dumps(["ant", "bee", "cat"]),
    "mean": json.dumps([0.1, 0.2, 0.3]),
    "std": json.dumps([0.4, 0.5, 0.6]),
    "data": "folder:animals",
    "held_out": json.dumps(0.2),
    "seed": json.dumps(11),
    "accuracy": json.dumps(0.875),
}


@pytest.fixture(autouse=True)
def own_folders(tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLORER_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))


def save(path, variant=TINY, **changes):
    """Write seeded weights of a variant with `CARD` and these changes to it; None leaves an entry out."""
    network = build_network(parse_variant(variant), seed=0).eval()
    fill_with_seed(network, 1)
    card = {**CARD, "variant": variant, **changes}
    save_weights(network, path, {key: value for key, value in card.items() if value is not None})
    return network


def refusal(*arguments):
    with pytest.raises(ExplorerError) as caught:
        load_pretrained(*map(str, arguments))
    assert is_one_clear_sentence(str(caught.value)), str(caught.value)
    return str(caught.value)


def test_what_travels_with_weights_comes_back(tmp_path):
    network = save(tmp_path / "a.safetensors")
    loaded = load_pretrained(str(tmp_path / "a.safetensors"))
    assert loaded.name == "a.safetensors" and loaded.architecture == parse_variant(TINY)
    assert loaded.labels == ("ant", "bee", "cat")
    assert loaded.preprocessing.mean == (0.1, 0.2, 0.3) and loaded.preprocessing.std == (0.4, 0.5, 0.6)
    assert loaded.split == (0.2, 11)
    assert "87.5%" in loaded.about and "folder:animals" in loaded.about
    images = draw_images((3, 16, 20))
    assert not loaded.network.training and torch.equal(loaded.network(images), network(images))


def test_a_file_without_a_card_is_understood_from_its_tensors(tmp_path):
    """The usual input of its kind, ImageNet's statistics, and numbered classes."""
    network = build_network(parse_variant("resnet8,width=4,classes=3"), seed=0)
    save_weights(network, tmp_path / "bare.safetensors", {})
    loaded = load_pretrained(str(tmp_path / "bare.safetensors"))
    assert loaded.architecture == parse_variant("resnet8,width=4,classes=3")
    assert loaded.labels == ("class 0", "class 1", "class 2") and loaded.split is None and loaded.about == ""
    assert (loaded.preprocessing.mean, loaded.preprocessing.std) == (IMAGENET_MEAN, IMAGENET_STD)
    assert loaded.preprocessing.mean == tuple(ResNet18_Weights.IMAGENET1K_V1.transforms().mean)


def test_one_channel_without_a_card_is_centred(tmp_path):
    network = build_network(parse_variant("resnet8,width=4,input=1x32x32"), seed=0)
    save_weights(network, tmp_path / "grey.safetensors", {})
    loaded = load_pretrained(str(tmp_path / "grey.safetensors"))
    assert loaded.architecture.input == (1, 32, 32)
    assert (loaded.preprocessing.mean, loaded.preprocessing.std) == ((0.5,), (0.5,))


@pytest.mark.parametrize("variant", ["resnet8,width=4,shortcut=none", "resnet14,depths=1-1,width=4,stride_on=1x1"])
def test_what_tensors_do_not_show_is_read_from_the_card(tmp_path, variant):
    """A plain network has the tensors of option A, and a stride leaves none."""
    network = save(tmp_path / "plain.safetensors", variant)
    loaded = load_pretrained(str(tmp_path / "plain.safetensors"))
    assert loaded.architecture == parse_variant(variant)
    images = draw_images(loaded.architecture.input)
    assert torch.equal(loaded.network(images), network(images))


def test_a_variant_named_by_a_person_wins_and_need_not_repeat_the_classes(tmp_path):
    network = build_network(parse_variant("resnet8,width=4,classes=3,shortcut=none"), seed=0).eval()
    fill_with_seed(network, 2)
    torch.save({f"module.{k}": v for k, v in export_state(network).items()}, tmp_path / "plain.pth")
    loaded = load_pretrained(str(tmp_path / "plain.pth"), "resnet8,width=4,shortcut=none")
    images = draw_images((3, 32, 32))
    assert torch.equal(loaded.network(images), network(images))
    assert not torch.equal(load_pretrained(str(tmp_path / "plain.pth")).network(images), network(images))


@pytest.mark.parametrize("variant", [None, "resnetv2_18"])
def test_timms_own_file_is_understood(tmp_path, variant):
    """Its names, a classifier that is a 1x1 convolution, and as many classes as the file has."""
    theirs = build_empty(lambda: timm.create_model("resnetv2_18", num_classes=7, channels=(8, 16, 32, 64), stem_chs=8))
    fill_with_seed(theirs, 3)
    torch.save({"epoch": 9, "state_dict": theirs.state_dict()}, tmp_path / "timm.pth.tar")
    loaded = load_pretrained(str(tmp_path / "timm.pth.tar"), variant and f"{variant},width=8")
    assert loaded.architecture == parse_variant("resnetv2_18,width=8,classes=7")
    images = draw_images((3, 64, 64))
    with torch.no_grad():
        assert_close(loaded.network(images), theirs.eval()(images), "logits")


@pytest.mark.parametrize(
    "changes",
    [
        {"mean": "[0.1, 0.2]"}, {"mean": "not json"}, {"std": "[0.1, 0.0, 0.2]"}, {"std": "[1, NaN, 1]"},
        {"mean": '["a", "b", "c"]'}, {"mean": "[1, Infinity, 1]"}, {"std": None}, {"mean": "{}"},
    ],
)  # fmt: skip
def test_unusable_statistics_are_replaced_by_imagenets(tmp_path, changes):
    save(tmp_path / "odd.safetensors", **changes)
    preprocessing = load_pretrained(str(tmp_path / "odd.safetensors")).preprocessing
    assert (preprocessing.mean, preprocessing.std) == (IMAGENET_MEAN, IMAGENET_STD)


@pytest.mark.parametrize(
    "changes",
    [{"seed": "1.5"}, {"seed": "-1"}, {"seed": "9" * 30}, {"held_out": "0.0"}, {"held_out": "7.5"}, {"seed": "[]"}],
)
def test_an_unusable_split_is_none(tmp_path, changes):
    save(tmp_path / "odd.safetensors", **changes)
    assert load_pretrained(str(tmp_path / "odd.safetensors")).split is None


@pytest.mark.parametrize("classes", ['["one"]', "7", "[", "null"])
def test_unusable_labels_are_numbered(tmp_path, classes):
    save(tmp_path / "odd.safetensors", classes=classes)
    assert load_pretrained(str(tmp_path / "odd.safetensors")).labels == ("class 0", "class 1", "class 2")


def test_a_card_of_no_network_is_refused_by_the_files_name(tmp_path):
    network = build_network(parse_variant(TINY), seed=0)
    save_weights(network, tmp_path / "odd.safetensors", {"variant": "resnet8\n<b>"})
    message = refusal(tmp_path / "odd.safetensors")
    assert message.startswith("odd.safetensors says") and "name the variant" in message
    assert load_pretrained(str(tmp_path / "odd.safetensors"), TINY).architecture == parse_variant(TINY)


def test_weights_that_are_not_there_are_refused(tmp_path):
    assert "resnet18" in refusal("resnet19")
    assert "does not exist" in refusal(tmp_path / "none.pth")
    assert "is a folder without run.json" in refusal(tmp_path)
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "run.json").write_text("{}")
    assert "no weights yet" in refusal(tmp_path / "run")
    for odd in ("", "x" * 5000, "~nobody-here/x", "a\0b", "two\nlines", "~nobody-here/x.pth", "x" * 5000 + ".pth"):
        refusal(odd)


def test_hostile_classifiers_are_refused(tmp_path):
    torch.save({"fc.weight": torch.zeros(()), "conv1.weight": torch.zeros(1)}, tmp_path / "odd.pth")
    refusal(tmp_path / "odd.pth")
    refusal(tmp_path / "odd.pth", "resnet8,width=4")


def test_imagenets_labels():
    labels = imagenet_labels()
    assert len(labels) == 1000 and labels[0] == "tench" and labels[207] == "golden retriever"
    assert labels[999] == "toilet tissue"


# torchvision


def list_files(folder):
    return [path for path in folder.rglob("*") if path.is_file()]


FAILURES = [
    urllib.error.URLError("Name or service not known"),
    urllib.error.HTTPError("https://example.org", 404, "Not Found", {}, None),
    TimeoutError("timed out"),
    ConnectionResetError("reset"),
]


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: type(failure).__name__)
def test_a_failed_download_is_one_sentence_that_says_where_to_put_the_file(tmp_path, monkeypatch, failure):
    def fail(*arguments, **options):
        raise failure

    monkeypatch.setattr(torch.hub, "urlopen", fail)
    message = refusal("resnet50")
    assert "resnet50-11ad3fa6.pth" in message and str(tmp_path / "torch" / "hub" / "checkpoints") in message
    assert list_files(tmp_path) == []


def test_a_download_cut_off_or_altered_leaves_nothing(tmp_path, monkeypatch):
    class Response(io.BytesIO):
        def info(self):
            return email.message.Message()

    monkeypatch.setattr(torch.hub, "urlopen", lambda *_, **__: Response(b"half of a file"))
    message = refusal("resnet18")
    assert "resnet18-f37072fd.pth" in message and "invalid hash" in message
    assert list_files(tmp_path) == []


def forbid_downloads(monkeypatch):
    def fail(*arguments, **options):
        raise AssertionError("asked the network")

    monkeypatch.setattr(torch.hub, "urlopen", fail)


def place(tmp_path, url, state):
    path = tmp_path / "torch" / "hub" / "checkpoints" / url.rsplit("/", 1)[-1]
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(state, path)
    return path


@pytest.fixture
def resnet18(tmp_path, monkeypatch):
    """torchvision's own module with weights of its own, placed where a person would place the file."""
    forbid_downloads(monkeypatch)
    theirs = build_empty(torchvision.models.resnet18)
    fill_with_seed(theirs, 4)
    place(tmp_path, ResNet18_Weights.DEFAULT.url, theirs.state_dict())
    return theirs.eval()


def test_a_file_placed_by_hand_gives_torchvisions_logits_on_a_photograph(resnet18):
    transforms = ResNet18_Weights.DEFAULT.transforms()
    photo = Image.fromarray(load_sample_image("china.jpg"))
    loaded = load_pretrained("resnet18")
    seen, image = loaded.preprocessing.see(photo, loaded.architecture.input)
    expected = transforms(photo).unsqueeze(0)
    torch.testing.assert_close(image, expected, rtol=0, atol=1e-6)
    with torch.no_grad():
        assert_close(loaded.network(image), resnet18(expected), "logits")
    mean, std = (numpy.array(numbers) for numbers in (transforms.mean, transforms.std))
    shown = (expected[0].permute(1, 2, 0).numpy() * std + mean) * 255
    assert numpy.array_equal(seen, shown.round().astype(numpy.uint8))
    assert loaded.labels == tuple(ResNet18_Weights.DEFAULT.meta["categories"])
    assert "69.8%" in loaded.about


@pytest.mark.parametrize("name", TORCHVISION)
def test_preprocessing_is_that_of_the_default_weights(name, monkeypatch):
    """Crop and shorter side differ between their versions: 224 of 256, and 224 of 232."""
    monkeypatch.setattr(module, "read_checkpoint", lambda path: ({}, {}))
    monkeypatch.setattr(torch.hub, "download_url_to_file", lambda *_, **__: None)
    monkeypatch.setattr(module, "load_network", lambda state, architecture: build_meta(architecture))
    weights = torchvision.models.get_model_weights(name).DEFAULT
    loaded = load_torchvision(name)
    photo = Image.fromarray(load_sample_image("flower.jpg")).crop((0, 0, 400, 300))
    _, image = loaded.preprocessing.see(photo, loaded.architecture.input)
    torch.testing.assert_close(image[0], weights.transforms()(photo), rtol=0, atol=1e-6)


def build_meta(architecture):
    with torch.device("meta"):
        return build_network(architecture)


def test_a_file_placed_by_hand_is_not_executed(tmp_path, monkeypatch):
    forbid_downloads(monkeypatch)
    place(tmp_path, ResNet18_Weights.DEFAULT.url, {"conv1.weight": Trap(tmp_path / "sprung")})
    assert "resnet18-f37072fd.pth" in refusal("resnet18")
    assert not (tmp_path / "sprung").exists()


class Trap:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut", b"<html>not found</html>"])
def test_a_damaged_file_placed_by_hand_is_refused_by_its_name(tmp_path, monkeypatch, content):
    forbid_downloads(monkeypatch)
    place(tmp_path, ResNet18_Weights.DEFAULT.url, {}).write_bytes(content)
    assert "resnet18-f37072fd.pth" in refusal("resnet18")


def test_another_networks_file_is_refused(tmp_path, monkeypatch):
    forbid_downloads(monkeypatch)
    place(tmp_path, ResNet18_Weights.DEFAULT.url, export_state(build_network(parse_variant(TINY), seed=0)))
    assert "do not fit" in refusal("resnet18")


# what travels with the package


@pytest.mark.parametrize(("name", "variant", "least"), [
    ("resnet20-cifar10", "resnet20", 0.86), ("plain20-cifar10", "resnet20,shortcut=none", 0.83),
])  # fmt: skip
def test_bundled_networks_are_small_good_and_say_where_they_come_from(name, variant, least):
    assert name in list_bundled() and load_pretrained(name).architecture == parse_variant(variant)
    path = assets() / "weights" / f"{name}.safetensors"
    assert path.stat().st_size <= 1_200_000
    card = path.with_suffix(".md").read_text(encoding="utf-8")
    words = card.lower()
    for word in ("data", "split", "command", "seed", "epochs", "held-out", "licence", f"explorer train {variant} "):
        assert word in words, word
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata()
    accuracy = json.loads(metadata["accuracy"])
    assert accuracy >= least
    assert str(json.loads(metadata["seed"])) in re.findall(r"\d+", card)
    shares = {float(number) / 100 for number in re.findall(r"(\d+\.\d+)\s?%", card)}
    shares |= {float(number) for number in re.findall(r"\b0\.\d+", card)}
    assert any(abs(share - accuracy) < 0.00051 for share in shares), shares


def test_weights_whose_network_is_known_are_refused_for_another():
    assert "are of resnet20, not of resnet56" in refusal("resnet20-cifar10", "resnet56")
    same = load_pretrained("resnet20-cifar10", "resnet20,classes=7,input=3x64x64")
    assert same.architecture == load_pretrained("resnet20-cifar10").architecture


def test_the_bundled_network_knows_cifars_classes():
    loaded = load_pretrained("resnet20-cifar10")
    assert loaded.labels == (
        "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
    )  # fmt: skip
    assert loaded.architecture == parse_variant("resnet20")
    assert loaded.split is not None
    assert loaded.network(draw_images((3, 32, 32))).shape == (2, 10)

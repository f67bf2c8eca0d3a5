"""Inspect, in a real browser: pictures of every kind, weights from everywhere, feature maps of any operation."""

import io

import pytest
import torch
import torchvision
from PIL import Image

pytestmark = pytest.mark.browser


def open_inspect(server, visit, **options):
    page = visit(server.url, **options)
    page.get_by_role("tab", name="Inspect").click()
    page.locator("#rx-answer .rx-top li").first.wait_for()
    return page


def upload(page, name, content):
    kind = "image/png" if name.endswith("png") else "image/jpeg"
    page.get_by_role("button", name="Remove Image").click()
    page.locator("#rx-picture input[type=file]").set_input_files({"name": name, "mimeType": kind, "buffer": content})


def encode(image, kind="PNG", **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def choose(page, label, option):
    page.get_by_label(label).click()
    page.get_by_role("option", name=option).first.click()


def test_a_sample_is_answered_at_once_with_five_classes_and_feature_maps(server, visit):
    page = open_inspect(server, visit)
    assert page.locator("#rx-answer .rx-label").count() == 5
    assert "as the network sees it, 32 × 32" in page.locator("#rx-answer").inner_text()
    assert page.locator("#rx-answer .rx-label").first.inner_text() == "cat"  # a lion, among CIFAR-10's ten classes
    assert "stem.conv1: all 16 channels of 32 × 32" in page.locator("#rx-montage").inner_text()
    choose(page, "Feature maps of", "layer2.0.branch.conv2")
    page.locator("#rx-montage").get_by_text("layer2.0.branch.conv2: all 32 channels of 16 × 16").wait_for()
    width = page.evaluate("() => document.querySelector('#rx-montage img').naturalWidth")
    assert width > 300


def test_a_photograph_of_ones_own_is_answered_with_what_was_done_to_it(server, visit):
    page = open_inspect(server, visit)
    turned = Image.Exif()
    turned[0x0112] = 6
    picture = Image.effect_noise((300, 200), 60)
    upload(page, "turned.jpg", encode(picture, "JPEG", exif=turned))
    answer = page.locator("#rx-answer")
    answer.get_by_text("Turned upright").wait_for()
    assert "Greyscale" in answer.inner_text()


@pytest.mark.parametrize(
    ("name", "make", "part"),
    [
        ("words.png", lambda: b"these are words, no picture", "words.png is not an image"),
        ("cut.jpg", lambda: encode(Image.effect_noise((400, 300), 90), "JPEG")[:3000], "cut.jpg is damaged"),
        ("one.png", lambda: encode(Image.new("RGB", (1, 1))), "one.png is 1 × 1"),
        ("bomb.png", lambda: encode(Image.new("1", (13_000, 13_000)), optimize=True), "13,000 × 13,000"),
    ],
)
def test_a_picture_that_can_not_be_used_gets_one_sentence(server, visit, name, make, part):
    page = open_inspect(server, visit)
    upload(page, name, make())
    refusal = page.locator("#rx-answer .rx-refusal").or_(page.locator(".toast-body"))
    refusal.filter(has_text=part).first.wait_for()
    assert refusal.filter(has_text=part).first.inner_text().count("\n") <= 3
    assert "Traceback" not in page.content()


def test_torchvision_weights_without_a_network_say_how_to_place_the_file(server, visit):
    page = open_inspect(server, visit)
    choose(page, "Weights", "resnet18, ImageNet (torchvision)")
    refusal = page.locator("#rx-answer .rx-refusal")
    refusal.wait_for()
    assert "could not be downloaded" in refusal.inner_text()
    assert "resnet18-" in refusal.inner_text()
    assert str(server.home / "torch") in refusal.inner_text()


def test_torchvision_weights_placed_by_hand_and_an_uploaded_checkpoint_answer_alike(server, visit, tmp_path):
    torch.manual_seed(0)
    network = torchvision.models.resnet18(num_classes=7)
    path = tmp_path / "seven.pth"
    torch.save({"state_dict": {f"module.{name}": tensor for name, tensor in network.state_dict().items()}}, path)
    page = open_inspect(server, visit)
    choose(page, "Weights", "A checkpoint file")
    page.locator("input[type=file][accept*=safetensors]").set_input_files(path)
    page.locator("#rx-answer").get_by_text("as the network sees it, 224 × 224").wait_for()
    assert page.locator("#rx-answer .rx-label").first.inner_text().startswith("class ")
    page.locator("#rx-montage").get_by_text("stem.conv1: all 64 channels of 112 × 112").wait_for()


def test_the_card_in_build_leads_to_the_feature_maps_of_its_operation(server, visit):
    page = visit(server.url + "?v=resnet20")
    page.locator("#rx-level").get_by_text("Op", exact=True).click()
    find = page.get_by_label("Find in the graph by name or kind")  # far below: what is out of sight is not there
    find.fill("layer3.0.shortcut.pad")
    find.press("Enter")
    page.locator(".rx-card").get_by_text("Feature maps").click()
    page.locator("#rx-montage").get_by_text("layer3.0.shortcut.pad: all 64 channels of 8 × 8").wait_for()


def test_a_narrow_screen_shows_answer_and_maps_without_sticking_out(server, visit):
    page = open_inspect(server, visit, width=390, height=800)
    assert page.evaluate("() => document.documentElement.scrollWidth - innerWidth") <= 0
    image = page.locator("#rx-montage img").bounding_box()
    assert image["width"] <= 390

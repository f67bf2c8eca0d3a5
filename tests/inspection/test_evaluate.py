import os
import tarfile
from dataclasses import replace
from pathlib import Path

import numpy
import pytest
import torch
from PIL import Image
from torchvision.datasets import ImageFolder
from torchvision.transforms.functional import normalize, to_tensor

import explorer
from explorer.architecture.variant import parse_variant
from explorer.data.datasets import split_held_out
from explorer.errors import DataError
from explorer.inspection.evaluate import evaluate_weights
from explorer.network.build import build_network
from explorer.network.pretrained import Preprocessing, Pretrained, load_pretrained
from witness import fill_with_seed

NAMES = ("apple", "berry", "cherry")
MEAN, STD = (0.4, 0.5, 0.6), (0.2, 0.25, 0.3)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """37 pictures of 16x16 in three classes, bright and dark ones."""
    root, rng = tmp_path_factory.mktemp("pictures"), numpy.random.default_rng(0)
    for label, (name, count) in enumerate(zip(NAMES, (12, 11, 14), strict=True)):
        (root / name).mkdir()
        for number in range(count):
            pixels = rng.integers(0, 120 + 60 * label, (16, 16, 3), dtype=numpy.uint8)
            Image.fromarray(pixels).save(root / name / f"{number:02}.png")
    return root


def pretrained_of(labels=NAMES, split=None, text="resnet8,width=4,input=3x16x16"):
    network = build_network(parse_variant(f"{text},classes={len(labels)}"), seed=0).eval()
    fill_with_seed(network, 5)
    channels = network.plan.architecture.input[0]
    return Pretrained("tiny", network, labels, Preprocessing(MEAN[:channels], STD[:channels]), split=split)


def count_by_hand(pretrained, folder, indices=None, mean=MEAN, std=STD):
    """One picture at a time, by torchvision's folder and transforms: (correct, total, mean cross-entropy)."""
    samples, correct, losses = ImageFolder(folder), 0, []
    for index in range(len(samples)) if indices is None else indices:
        picture, label = samples[index]
        with torch.no_grad():
            logits = pretrained.network(normalize(to_tensor(picture), mean, std).unsqueeze(0))[0]
        correct += int(logits.argmax()) == label
        losses.append(float(logits.logsumexp(0) - logits[label]))
    return correct, len(losses), sum(losses) / len(losses)


def check(result, expected):
    correct, total, loss = expected
    assert (result.correct, result.total) == (correct, total)
    assert result.accuracy == correct / total
    assert result.loss == pytest.approx(loss, rel=1e-3)


def test_counts_equal_a_plain_loop(folder):
    pretrained = pretrained_of()
    expected = count_by_hand(pretrained, folder)
    assert 0 < expected[0] < 37  # else nothing could be told apart
    check(evaluate_weights(pretrained, f"folder:{folder}"), expected)


@pytest.mark.parametrize("every", [1, 2, 10, 36, 37, 1000])
def test_every_nth_image_in_the_folders_order(folder, every):
    pretrained = pretrained_of()
    result = evaluate_weights(pretrained, f"folder:{folder}", every=every)
    check(result, count_by_hand(pretrained, folder, range(0, 37, every)))


def test_mean_and_std_given_by_hand_win(folder):
    pretrained, mean, std = pretrained_of(), (0.1, 0.2, 0.3), (0.9, 0.8, 0.7)
    result = evaluate_weights(pretrained, f"folder:{folder}", normalisation=(mean, std))
    check(result, count_by_hand(pretrained, folder, mean=mean, std=std))
    result = evaluate_weights(pretrained, f"folder:{folder}", normalisation=(None, std))
    check(result, count_by_hand(pretrained, folder, std=std))


def test_parts_of_the_weights_own_run(folder):
    pretrained = pretrained_of(split=(0.25, 7))
    labels = torch.tensor([0] * 12 + [1] * 11 + [2] * 14)
    train, held_out = split_held_out(labels, 0.25, 7)
    assert len(held_out) == 3 + 3 + 4 and not set(train.tolist()) & set(held_out.tolist())  # round(2.75), round(3.5)
    for name, indices in (("held-out", held_out), ("train", train)):
        result = evaluate_weights(pretrained, f"folder:{folder}", split=name)
        check(result, count_by_hand(pretrained, folder, indices.tolist()))
    every = evaluate_weights(pretrained, f"folder:{folder}", every=3, split="held-out")
    check(every, count_by_hand(pretrained, folder, held_out.tolist()[::3]))


def test_classes_are_matched_by_name(folder):
    """The same network with its outputs in another order, and one that knows more classes than the folder has."""
    pretrained = pretrained_of()
    turned = pretrained_of()
    order = [2, 0, 1]
    with torch.no_grad():
        turned.network.head.fc.weight.copy_(pretrained.network.head.fc.weight[order])
        turned.network.head.fc.bias.copy_(pretrained.network.head.fc.bias[order])
    turned = replace(turned, labels=tuple(NAMES[index] for index in order))
    expected = evaluate_weights(pretrained, f"folder:{folder}")
    assert evaluate_weights(turned, f"folder:{folder}").correct == expected.correct
    assert evaluate_weights(pretrained_of(("a", *NAMES, "z")), f"folder:{folder}").total == 37


def test_unnamed_classes_are_taken_one_for_one(folder):
    pretrained = pretrained_of()
    unnamed = replace(pretrained, labels=("class 0", "class 1", "class 2"))
    check(evaluate_weights(unnamed, f"folder:{folder}"), count_by_hand(pretrained, folder))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"every": 0}, "every=0"),
        ({"every": -3}, "every=-3"),
        ({"split": "test"}, "split=test is not a part"),
        ({"split": "held-out"}, "use --split all"),
        ({"normalisation": ((0.5,), None)}, "mean has 1 numbers"),
        ({"normalisation": (None, (0.5, 0.5))}, "std has 2 numbers"),
        ({"normalisation": (None, (0.5, 0.0, 0.5))}, "std has 0"),
        ({"normalisation": (None, (0.5, -1.0, 0.5))}, "std has -1"),
        ({"normalisation": ((0.5, float("nan"), 0.5), None)}, "mean has a value that is not finite"),
        ({"normalisation": (None, (0.5, float("inf"), 0.5))}, "std has a value that is not finite"),
    ],
)
def test_impossible_options_are_refused(folder, options, words):
    with pytest.raises(DataError, match=words):
        evaluate_weights(pretrained_of(), f"folder:{folder}", **options)


@pytest.mark.parametrize(
    ("labels", "text", "words"),
    [
        (("x", "y"), "resnet8,width=4,input=3x16x16", "3 classes, tiny knows 2"),
        (("w", "x", "y", "z"), "resnet8,width=4,input=3x16x16", "3 classes, tiny knows 4"),
        (NAMES, "resnet8,width=4,input=1x16x16", "has 3 channels, tiny reads 1"),
    ],
)
def test_data_of_another_kind_is_refused(folder, labels, text, words):
    with pytest.raises(DataError, match=words):
        evaluate_weights(pretrained_of(labels, text=text), f"folder:{folder}")


def test_digits_on_a_network_for_digits():
    pretrained = pretrained_of(tuple("0123456789"), text="resnet8,width=4,input=1x32x32")
    assert evaluate_weights(pretrained, "digits", every=20).total == 90
    with pytest.raises(DataError, match="has 1 channels, tiny reads 3"):
        evaluate_weights(pretrained_of(), "digits")


def find_data():
    given = os.environ.get("EXPLORER_TEST_DATA")
    folder = Path(given) if given else Path(explorer.__file__).parents[2] / "shared" / "data"
    files = folder / "resnet20-12fca82f.th", folder / "cifar10-jpg-train.tar.gz"
    return files if all(file.is_file() for file in files) else None


def unpack_every_tenth(archive, folder):
    """Unpack images[::10] of ImageFolder's order, class folder first, then file name; returns how many there are."""
    with tarfile.open(archive) as tar:  # one pass over the compressed file; every tenth is known by its place
        members = {m.name.removeprefix("./"): m for m in tar.getmembers() if m.isfile()}
        order = sorted(members, key=lambda name: name.split("/")[-2:])
        chosen = set(order[::10])
        for name, member in members.items():
            if name in chosen:
                target = folder.joinpath(*name.split("/")[-2:])
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(tar.extractfile(member).read())
    return order


def test_a_checkpoint_from_the_wild_is_right_as_often_as_published(tmp_path):
    """akamaster/pytorch_resnet_cifar10's ResNet-20 on every tenth of 50,000 training images kept as JPEG: 4,315."""
    data = find_data()
    if data is None:
        pytest.skip("needs resnet20-12fca82f.th and cifar10-jpg-train.tar.gz in the folder $EXPLORER_TEST_DATA")
    weights, archive = data
    order = unpack_every_tenth(archive, tmp_path / "train")
    assert len(order) == 50_000
    unpacked = [Path(path).parts[-2:] for path, _ in ImageFolder(tmp_path / "train").samples]
    assert unpacked == [Path(name).parts[-2:] for name in order[::10]]
    result = evaluate_weights(load_pretrained(str(weights)), f"folder:{tmp_path / 'train'}")
    assert (result.correct, result.total) == (4315, 5000)

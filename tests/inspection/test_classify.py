import numpy
import pytest
import torch

from explorer.architecture.variant import parse_variant
from explorer.inspection.classify import classify
from explorer.network.build import build_network
from witness import draw_images, fill_with_seed


class Fixed(torch.nn.Module):
    """A stand-in for a network: the same logits for any image."""

    def __init__(self, logits):
        super().__init__()
        self.logits = torch.tensor([logits])

    def forward(self, x):
        return self.logits


@pytest.mark.parametrize("classes", [2, 5, 10, 1000])
def test_the_best_classes_have_numpys_softmax(classes):
    network = build_network(parse_variant(f"resnet8,width=4,classes={classes}"), seed=0).eval()
    fill_with_seed(network, 1)
    image = draw_images((3, 32, 32), count=1)
    with torch.no_grad():
        logits = network(image)[0].double().numpy()
    shares = numpy.exp(logits - logits.max())
    shares /= shares.sum()
    order = numpy.argsort(-shares)[:5]
    labels = [f"label {number}" for number in range(classes)]
    top = classify(network, image, labels).top
    assert [label for label, _ in top] == [labels[index] for index in order]
    assert [share for _, share in top] == pytest.approx(shares[order].tolist(), rel=1e-4)


def test_by_hand():
    top = classify(Fixed([0.0, 2.0, 1.0]), torch.zeros(1, 3, 4, 4), ("a", "b", "c")).top
    assert [label for label, _ in top] == ["b", "c", "a"]
    assert [share for _, share in top] == pytest.approx([0.66524096, 0.24472847, 0.09003057])


def test_only_as_many_as_asked():
    top = classify(Fixed([3.0, 1.0, 2.0]), torch.zeros(1, 3, 4, 4), "abc", most=1).top
    assert [label for label, _ in top] == ["a"]


def test_large_logits_do_not_overflow():
    top = classify(Fixed([1e4, -1e4]), torch.zeros(1, 1, 4, 4), "ab").top
    assert top == (("a", 1.0), ("b", 0.0))

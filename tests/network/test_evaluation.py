from math import e

import pytest
import torch
from torch import nn

from explorer.data.batches import Batches
from explorer.network import evaluation
from explorer.network.evaluation import Meter, answering, evaluate_answers, evaluate_network


class Table(nn.Module):
    """Answers with the logits in the pixels of an image: (N, 1, 1, classes) -> (N, classes)."""

    def forward(self, images):
        assert not self.training
        return images.flatten(1)


def make_batches(logits, labels) -> Batches:
    """Images of one row, a pixel for each class."""
    return Batches(torch.tensor(logits, dtype=torch.uint8)[:, None, None, :], torch.tensor(labels), (0.0,), (1.0,))


@pytest.fixture
def batches(monkeypatch):
    """Seven images of three classes, in pieces of two."""
    monkeypatch.setattr(evaluation, "BATCH_PIXELS", 6)
    logits = [[255, 0, 0], [0, 255, 0], [0, 255, 0], [128, 0, 255], [0, 128, 255], [0, 255, 128], [255, 128, 0]]
    return make_batches(logits, [0, 1, 0, 2, 1, 2, 1])


def test_answers_are_counted_by_label(batches):
    seen = evaluate_answers(Table(), batches, 3)
    assert seen.confusion.tolist() == [[1, 1, 0], [1, 1, 1], [0, 1, 1]]
    assert seen.confusion.sum() == seen.evaluation.total == 7
    assert seen.evaluation.correct == seen.confusion.trace() == 3
    assert seen.evaluation == evaluate_network(Table(), batches)


def test_the_worst_are_the_surest_and_equals_stand_in_order(batches):
    seen = evaluate_answers(Table(), batches, 3)
    assert seen.wrong.indices.tolist() == [2, 4, 5, 6]
    assert seen.wrong.answers.tolist() == [1, 2, 1, 0]
    assert seen.wrong.probabilities.tolist() == pytest.approx([e / (e + 2)] + [e / (e + e ** (128 / 255) + 1)] * 3)
    assert evaluate_answers(Table(), batches, 3, worst=2).wrong.indices.tolist() == [2, 4]
    assert evaluate_answers(Table(), batches, 3, worst=0).wrong.indices.tolist() == []


def test_everything_right_has_no_worst(batches):
    right = make_batches([[255, 0, 0], [0, 255, 0]], [0, 1])
    seen = evaluate_answers(Table(), right, 3)
    assert [len(part) for part in seen.wrong] == [0, 0, 0] and seen.evaluation.accuracy == 1
    assert seen.confusion.tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 0]]


def test_against_a_loop_over_a_real_networks_outputs(monkeypatch):
    monkeypatch.setattr(evaluation, "BATCH_PIXELS", 7 * 64)
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (40, 1, 8, 8), dtype=torch.uint8, generator=generator)
    labels = torch.randint(0, 5, (40,), generator=generator)
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.BatchNorm2d(8), nn.Flatten(), nn.Linear(288, 5))
    seen = evaluate_answers(network, Batches(images, labels, (0.5,), (0.2,)), 5, worst=6)
    assert network.training and network[2].num_batches_tracked == 0
    with torch.no_grad():
        shares = network.eval()((images / 255 - 0.5) / 0.2).softmax(1).tolist()
    confusion, wrong = [[0] * 5 for _ in range(5)], []
    for index, (row, label) in enumerate(zip(shares, labels.tolist(), strict=True)):
        answer = row.index(max(row))
        confusion[label][answer] += 1
        if answer != label:
            wrong.append((-max(row), index, answer))
    wrong = sorted(wrong)[:6]
    assert seen.confusion.tolist() == confusion
    assert seen.wrong.indices.tolist() == [index for _, index, _ in wrong]
    assert seen.wrong.answers.tolist() == [answer for *_, answer in wrong]
    assert seen.wrong.probabilities.tolist() == pytest.approx([-least for least, *_ in wrong], rel=1e-5)


def test_too_many_classes_have_no_confusion(batches):
    seen = evaluate_answers(Table(), batches, 101)
    assert seen.confusion.shape == (0, 0) and seen.wrong.indices.tolist() == [2, 4, 5, 6]
    assert evaluate_answers(Table(), batches, 100).confusion.shape == (100, 100)


def test_each_module_is_left_in_the_mode_it_was_in():
    """A frozen part stays frozen, whatever happens within."""
    network = nn.Sequential(nn.BatchNorm2d(1).eval(), nn.Dropout(0.5))
    for module in (network, network[1]):
        module.training = True
    with pytest.raises(ZeroDivisionError), answering(network):
        assert not any(module.training for module in network.modules())
        raise ZeroDivisionError
    assert [module.training for module in network.modules()] == [True, False, True]


def test_nothing_of_the_evaluation_stays_behind_a_failure():
    labels_of_other_classes = make_batches([[255, 0, 0]], [7])
    with pytest.raises(IndexError):
        evaluate_answers(Table(), labels_of_other_classes, 3)
    assert torch.is_grad_enabled() and not torch.is_inference_mode_enabled()


def test_the_meter_weighs_batches_by_their_size():
    meter = Meter(torch.device("cpu"))
    meter.add(torch.tensor(1.0), torch.tensor([[0.0, 1.0], [1.0, 0.0], [1.0, 0.0]]), torch.tensor([1, 1, 0]))
    meter.add(torch.tensor(5.0), torch.tensor([[0.0, 1.0]]), torch.tensor([1]))
    assert meter.read() == (2.0, 3, 4)
    assert meter.read() == (0.0, 0, 0)

"""How many images a network gets right, and which it gets wrong."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import torch
from torch import Tensor, nn

from explorer.data.batches import Batches
from explorer.records import Evaluation

BATCH_PIXELS = 500 * 32 * 32  # 500 images of CIFAR, 10 of ImageNet
CONFUSED_CLASSES = 100  # more make a confusion matrix that nobody can read


class Meter:
    """Running sums of loss and correct answers, kept on the device until they are read."""

    def __init__(self, device: torch.device) -> None:
        kind = torch.float32 if device.type == "mps" else torch.float64  # MPS has no float64
        self.sums = torch.zeros(3, dtype=kind, device=device)  # loss, correct, images

    def add(self, loss: Tensor, logits: Tensor, labels: Tensor) -> None:
        """Add a batch: mean loss (), logits (B, classes), labels (B,)."""
        with torch.no_grad():
            correct = (logits.argmax(1) == labels).sum()
            count = len(labels)
            self.sums += torch.stack([loss * count, correct, torch.full_like(correct, count)]).to(self.sums.dtype)

    def read(self) -> tuple[float, int, int]:
        """Return mean loss, correct answers and images since the last reading, and start anew."""
        loss, correct, count = self.sums.tolist()
        self.sums.zero_()
        return loss / max(count, 1), int(correct), int(count)


class Wrong(NamedTuple):
    """Images taken for another class, the most confident first: three of (W,), on the CPU.

    Their numbers among all that were looked at, the classes answered, and the probabilities of those, 0 to 1.
    """

    indices: Tensor
    answers: Tensor
    probabilities: Tensor


class Answered(NamedTuple):
    """What `evaluate_answers` returns. `confusion` (classes, classes) int64 counts images: a row a label."""

    evaluation: Evaluation
    confusion: Tensor
    wrong: Wrong


def evaluate_network(network: nn.Module, batches: Batches, precision: torch.dtype = torch.float32) -> Evaluation:
    """Classify every image once, without augmentation. Leaves the network in the mode it was in."""
    meter = Meter(batches.device)
    with answering(network), _computing(batches, precision):
        for indices in _split(batches):
            images, labels = batches.plain(indices)
            logits = network(images).float()
            meter.add(nn.functional.cross_entropy(logits, labels), logits, labels)
    loss, correct, count = meter.read()
    return Evaluation(correct, count, loss)


def evaluate_answers(
    network: nn.Module, batches: Batches, classes: int, precision: torch.dtype = torch.float32, worst: int = 25
) -> Answered:
    """The same, with every answer: which classes are taken for which, and the `worst` most confidently wrong images.

    Equal probabilities stand in the order of the images. Over `CONFUSED_CLASSES` classes the confusion is (0, 0). What
    an image was taken for stays on the device until the end.
    """
    meter, seen = Meter(batches.device), []
    with answering(network), _computing(batches, precision):
        for indices in _split(batches):
            images, labels = batches.plain(indices)
            logits = network(images).float()
            meter.add(nn.functional.cross_entropy(logits, labels), logits, labels)
            highest, answers = logits.max(1)
            seen.append(torch.stack([labels.float(), answers.float(), (highest - logits.logsumexp(1)).exp()]))
    loss, correct, count = meter.read()
    labels, answers, probabilities = torch.cat(seen, 1).cpu() if seen else torch.zeros(3, 0)  # three of (N,)
    confusion = _count_answers(labels.long(), answers.long(), classes if classes <= CONFUSED_CLASSES else 0)
    return Answered(Evaluation(correct, count, loss), confusion, _find_worst(labels, answers, probabilities, worst))


def _count_answers(labels: Tensor, answers: Tensor, classes: int) -> Tensor:
    """labels (N,), answers (N,) -> (classes, classes)."""
    if not classes:
        return torch.zeros(0, 0, dtype=torch.long)
    return torch.bincount(labels * classes + answers, minlength=classes**2).reshape(classes, classes)


def _find_worst(labels: Tensor, answers: Tensor, probabilities: Tensor, most: int) -> Wrong:
    indices = (labels != answers).nonzero()[:, 0]
    order = probabilities[indices].sort(descending=True, stable=True).indices[:most]
    indices = indices[order]
    return Wrong(indices, answers[indices].long(), probabilities[indices])


def _split(batches: Batches) -> tuple[Tensor, ...]:
    """Indices of all images, in pieces of `BATCH_PIXELS` or less, of which a stream is told."""
    count = max(1, BATCH_PIXELS // (batches.height * batches.width))
    pieces = torch.split(torch.arange(len(batches)), count)
    batches.expect(pieces)
    return pieces


@contextmanager
def _computing(batches: Batches, precision: torch.dtype) -> Iterator[None]:
    device = batches.device
    with torch.inference_mode(), torch.autocast(device.type, precision, enabled=precision is not torch.float32):
        yield


@contextmanager
def answering(network: nn.Module) -> Iterator[None]:
    """Within, the network is in evaluation mode; afterwards each of its modules is in the mode it was in."""
    modes = [(module, module.training) for module in network.modules()]
    network.eval()
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training

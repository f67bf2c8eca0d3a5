"""How many images a network gets right."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from explorer.data.batches import Batches
from explorer.records import Evaluation

BATCH_PIXELS = 500 * 32 * 32  # 500 images of CIFAR, 10 of ImageNet


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


def evaluate_network(network: nn.Module, batches: Batches, precision: torch.dtype = torch.float32) -> Evaluation:
    """Classify every image once, without augmentation. Leaves the network in the mode it was in."""
    device = batches.device
    meter, was_training = Meter(device), network.training
    network.eval()
    try:
        with torch.inference_mode(), torch.autocast(device.type, precision, enabled=precision is not torch.float32):
            count = max(1, BATCH_PIXELS // (batches.height * batches.width))
            pieces = torch.split(torch.arange(len(batches)), count)
            batches.expect(pieces)
            for indices in pieces:
                images, labels = batches.plain(indices)
                logits = network(images).float()
                meter.add(nn.functional.cross_entropy(logits, labels), logits, labels)
    finally:
        network.train(was_training)
    loss, correct, count = meter.read()
    return Evaluation(correct, count, loss)

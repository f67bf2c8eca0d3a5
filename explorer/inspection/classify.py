"""What a network takes a picture for."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from explorer.network.build import Network
from explorer.records import Prediction


def classify(network: Network, image: Tensor, labels: Sequence[str], most: int = 5) -> Prediction:
    """Return the most probable classes of one image (1, C, H, W), best first."""
    with torch.inference_mode():
        probabilities = network(image).softmax(1)[0]  # (classes,)
    top = probabilities.topk(min(most, len(probabilities)))
    pairs = zip(top.indices.tolist(), top.values.tolist(), strict=True)
    return Prediction(tuple((labels[index], value) for index, value in pairs))

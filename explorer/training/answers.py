"""How the held-out images were answered, as a record with small pictures of the worst mistakes."""

from __future__ import annotations

import base64
import io

import numpy
import torch
from PIL import Image

from explorer.data.batches import Batches
from explorer.network.evaluation import Answered
from explorer.records import Answers, WrongAnswer
from explorer.training.splits import Normalisation
from explorer.training.team import SOLO, Team

WORST = 25
SIDE = 96  # pixels of a small picture's longer side, at most


def describe_answers(
    answered: Answered,
    batches: Batches,
    classes: tuple[str, ...],
    normalisation: Normalisation,
    when: tuple[int, int],
    team: Team = SOLO,
) -> Answers:
    """Make the record of step and epoch `when`; in a team, of what all processes looked at together."""
    confusion = answered.confusion.to(batches.device)
    team.add(confusion)
    mine = [
        _describe(answered, batches, classes, normalisation, place, team) for place in range(len(answered.wrong[0]))
    ]
    worst = sorted(team.gather(mine), key=lambda wrong: (-wrong.probability, wrong.index))[:WORST]
    return Answers(*when, classes, tuple(map(tuple, confusion.tolist())), tuple(worst))


def _describe(
    answered: Answered, batches: Batches, classes: tuple[str, ...], normalisation: Normalisation, place: int, team: Team
) -> WrongAnswer:
    index, answer, probability = (values[place].item() for values in answered.wrong)
    image, label = batches.plain(torch.tensor([int(index)]))
    number = int(index) * team.size + team.rank
    words = classes[int(label)], classes[int(answer)]
    return WrongAnswer(number, *words, round(probability, 4), encode_image(image[0], normalisation))


def encode_image(image: torch.Tensor, normalisation: Normalisation) -> str:
    """A normalised image (C, H, W) as a base64 PNG, no side over `SIDE` pixels."""
    mean, std = (torch.tensor(values, device=image.device).view(-1, 1, 1) for values in normalisation)
    pixels = ((image.float() * std + mean) * 255).round().clamp(0, 255).byte().permute(1, 2, 0).cpu().numpy()
    picture = Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else numpy.ascontiguousarray(pixels[..., :3]))
    picture.thumbnail((SIDE, SIDE))
    file = io.BytesIO()
    picture.save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()

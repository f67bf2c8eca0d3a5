"""Feature maps of one image, again and again while the network trains."""

from __future__ import annotations

import base64
import io

import numpy
import torch
from PIL import Image
from torch import Tensor, nn

from explorer.network.build import Network
from explorer.network.evaluation import answering
from explorer.records import FilmRecord
from explorer.training.config import TrainConfig
from explorer.training.probe import check_probe

FRAMES, APART = 100, 10  # frames a run at most, and steps between two at least
MAPS, COLUMNS, SIDE = 64, 8, 64  # maps of a frame at most, maps in a row, pixels of a map's side at most


class Film:
    """Films what one operation or block, `config.probe`, makes of one normalised image (C, H, W).

    Raises `RunError` for a name that the network does not have.
    """

    def __init__(self, network: Network, config: TrainConfig, image: Tensor) -> None:
        self.network, self.image = network, image[None]
        self.name = check_probe(network.plan, config.probe)
        self.on = config.watches("film")

    def due(self, step: int, steps: int) -> bool:
        """Whether to shoot behind this step, of 1 to `steps`: the first, the last, and evenly between them."""
        gaps = min(FRAMES - 1, max(1, (steps - 1) // APART))
        if not self.on or not 1 <= step <= steps:
            return False
        nearest = round((step - 1) * gaps / max(1, steps - 1))
        return step == 1 + round(nearest * (steps - 1) / gaps)

    def shoot(self, step: int) -> FilmRecord:
        """Record the maps as they are now. Modes, statistics and gradients stay as they were."""
        output = self._look()
        maps = output[0].float().reshape(output.shape[1], *(output.shape[2:] or (1, 1)))
        channels, height, width = maps.shape
        tiles = _shrink(maps[:MAPS]).cpu().numpy()
        sheet = draw_sheet(scale_maps(tiles))
        return FilmRecord(step, self.name, (channels, height, width), min(COLUMNS, len(tiles)), _encode(sheet))

    def _look(self) -> Tensor:
        """The operation's output for the image; what comes behind it is not computed."""
        device = next(self.network.parameters()).device
        module = self.network.get_submodule(self.name)
        handle = module.register_forward_hook(_stop)
        try:
            with answering(self.network), torch.no_grad():
                self.network(self.image.to(device))
        except _SeenError as seen:
            return seen.output
        finally:
            handle.remove()
        raise AssertionError(f"{self.name} was not computed")


class _SeenError(Exception):
    """Ends a forward pass where all that is wanted was computed."""

    def __init__(self, output: Tensor) -> None:
        self.output = output


def _stop(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
    raise _SeenError(output)


def _shrink(maps: Tensor) -> Tensor:
    """Average maps (C, H, W) until no side is over `SIDE`; a frame of a large image would weigh a megabyte."""
    factor = -(-max(maps.shape[1:]) // SIDE)
    return maps if factor == 1 else nn.functional.avg_pool2d(maps[None], factor, ceil_mode=True)[0]


def scale_maps(maps: numpy.ndarray) -> numpy.ndarray:
    """(C, H, W) numbers -> uint8, each map from its least, 0, to its most, 255; 0 where all is even or no number."""
    finite = numpy.isfinite(maps)
    values = numpy.where(finite, maps, 0).astype(numpy.float64)
    least = values.min((1, 2), keepdims=True)
    reach = values.max((1, 2), keepdims=True) - least
    scaled = (values - least) / numpy.where(reach > 0, reach, 1) * 255
    return numpy.where(finite, scaled.round(), 0).astype(numpy.uint8)


def draw_sheet(maps: numpy.ndarray) -> numpy.ndarray:
    """(C, H, W) -> (rows · H, columns · W), row by row without gaps; places behind the last map are 0."""
    count, height, width = maps.shape
    columns = min(COLUMNS, count)
    rows = -(-count // columns)
    filled = numpy.zeros((rows * columns, height, width), numpy.uint8)
    filled[:count] = maps
    sheet = filled.reshape(rows, columns, height, width).swapaxes(1, 2)
    return sheet.reshape(rows * height, columns * width)


def _encode(sheet: numpy.ndarray) -> str:
    buffer = io.BytesIO()
    Image.fromarray(sheet).save(buffer, "png")
    return base64.b64encode(buffer.getvalue()).decode()

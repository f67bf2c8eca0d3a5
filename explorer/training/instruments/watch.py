"""The instruments of a run together: when they look, and what they saw as one record."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import torch

from explorer.network.build import Network
from explorer.records import UnitsRecord, WatchRecord
from explorer.training.config import TrainConfig
from explorer.training.instruments.activations import Activations
from explorer.training.instruments.flow import Flow
from explorer.training.instruments.gradients import Gradients
from explorer.training.instruments.instrument import Instrument
from explorer.training.instruments.norms import NormScales
from explorer.training.instruments.residual import ResidualSize
from explorer.training.instruments.updates import Updates

LOOKS, APART = 200, 10  # looks a run at most, and steps between two at least, where nobody says otherwise
KINDS: dict[str, Callable[[Network], Instrument]] = {  # by their names in `settings.INSTRUMENTS`
    "gradients": Gradients,
    "flow": Flow,
    "residual": ResidualSize,
    "updates": Updates,
    "activations": Activations,
    "norms": NormScales,
}


class Instruments:
    """What the settings' instruments see of a network at some of its steps.

    They draw nothing at random and change nothing of the training, bit for bit. Make them when parts are frozen and
    norms are shared already. A step goes `watching` (forward, backward), `before_update`, optimizer, `after_update`.
    """

    def __init__(self, network: Network, config: TrainConfig) -> None:
        self.every = config.watch_every
        made = [make(network) for name, make in KINDS.items() if config.watches(name)]
        self.instruments = [instrument for instrument in made if any(instrument.units.values())]
        self.units = UnitsRecord(
            {quantity: names for instrument in self.instruments for quantity, names in instrument.units.items()}
        )

    def due(self, step: int, steps: int) -> bool:
        """Whether to look at this step, of 1 to `steps`: at the first, and every so many from there."""
        every = self.every or max(APART, -(-steps // LOOKS))
        return bool(self.instruments) and (step - 1) % every == 0

    @contextmanager
    def watching(self, scale: float = 1.0) -> Iterator[None]:
        """Within, the network's forward and backward pass are seen; hooks live only here.

        `scale` is what the loss is multiplied with before the backward pass: the gradient scaler's factor (float16)
        and the share of a piece of the batch, so that the gradients seen are those of the loss itself.
        """
        with ExitStack() as hooks:
            for instrument in self.instruments:
                for handle in instrument.attach(scale):
                    hooks.callback(handle.remove)
            yield

    @torch.no_grad()
    def before_update(self) -> None:
        """Gradients are there, unscaled and unclipped."""
        for instrument in self.instruments:
            instrument.before_update()

    @torch.no_grad()
    def after_update(self, step: int, epoch: float) -> WatchRecord:
        """Weights have moved: return what was seen, to 5 significant digits. One transfer from the device."""
        read = {name: numbers for instrument in self.instruments for name, numbers in instrument.read().items()}
        units = self.units.units
        flat = iter(torch.cat([read[quantity] for quantity in units]).tolist())
        return WatchRecord(step, epoch, {name: tuple(shorten(next(flat)) for _ in units[name]) for name in units})


def shorten(number: float) -> float:
    """The number to 5 significant digits, which a chart never shows more of."""
    return float(f"{number:.5g}")

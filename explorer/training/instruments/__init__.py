"""What is watched while a network trains: one module an instrument, all read through `Instruments`."""

from explorer.training.instruments.watch import Instruments

__all__ = ["Instruments"]

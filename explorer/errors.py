"""Every refusal this project makes on purpose.

::

    ExplorerError            one sentence for the user: what came, what is allowed, what to try
    ├── VariantError         the text or the options describe no network
    ├── DataError            an image or a data set that can't be used
    │   └── ImageError       one image; it knows what is wrong in a few words
    ├── WeightsError         a checkpoint that can't be found, read or matched
    ├── DeviceError          a device that is not here
    ├── RunError             a run's directory or settings
    └── MeasureError         a measurement that can't be made here

The page turns them into a message in one place (`explorer.ui.events`), the command line into one line
on stderr and exit code 2 in one place (`explorer.cli`).
"""


class ExplorerError(Exception):
    """One sentence for the user: what was received, what is allowed, what to try."""


class VariantError(ExplorerError):
    """The text or the options describe no network that can be built."""


class DataError(ExplorerError):
    """An image or a data set that can't be used."""


class ImageError(DataError):
    """An image that can't be used; `fault` says why in a few words, such as "damaged"."""

    def __init__(self, message: str, fault: str) -> None:
        super().__init__(message)
        self.fault = fault


class WeightsError(ExplorerError):
    """A checkpoint that can't be found, read or matched to a network."""


class DeviceError(ExplorerError):
    """A device was asked for that this machine does not have."""


class RunError(ExplorerError):
    """A run's directory or settings can't be used."""


class MeasureError(ExplorerError):
    """A measurement was asked for that can't be made on this machine, or with these settings."""

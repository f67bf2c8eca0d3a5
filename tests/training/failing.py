"""Ends in the failure named on the command line, under the limits of the system, and prints what is said of it."""

import os
import resource
import signal
import sys
from pathlib import Path

from explorer.files import write_atomically
from explorer.training.failures import describe_failure


class Images:
    """The third brings its process down, or is not there."""

    def __init__(self, way: str) -> None:
        self.way = way

    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: int) -> float:
        if index == 2 and self.way == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        if index == 2 and self.way == "gone":
            Path("/nowhere/2.png").read_bytes()
        return 0.0


def step() -> None:
    """A training step with 4 GB of activations, where 2 GB more than now are allowed."""
    import torch

    now = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (now + (2 << 30),) * 2)
    layers = torch.nn.Sequential(*(torch.nn.Conv2d(1 if n == 0 else 64, 64, 3, padding=1) for n in range(4)))
    layers(torch.zeros(64, 1, 256, 256)).sum().backward()


def fill(path: Path) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    write_atomically(path, b"x" * 10_000)


def fail(way: str, path: Path) -> None:
    if way in ("killed", "gone"):
        from torch.utils.data import DataLoader

        from explorer.data.stream import explaining_death

        with explaining_death():
            list(DataLoader(Images(way), batch_size=1, num_workers=1))
    elif way == "memory":
        step()
    elif way == "list":
        resource.setrlimit(resource.RLIMIT_AS, (4 << 30,) * 2)
        bytearray(1 << 40)
    elif way == "large":
        fill(path)
    elif way == "full":
        with open("/dev/full", "wb") as file:
            file.write(b"x")
    elif way == "nan":
        import torch

        with torch.autograd.set_detect_anomaly(True, check_nan=True):
            torch.sqrt(torch.tensor(-1.0, requires_grad=True)).backward()


try:
    fail(sys.argv[1], Path(sys.argv[2]))
except Exception as error:
    print(describe_failure(error))

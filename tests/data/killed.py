"""Kills what decodes a folder's images, reads on, and prints what is said: torch may raise it anywhere in a process."""

import os
import signal
import sys

import torch

from explorer.data import room
from explorer.data.batches import Batches
from explorer.data.datasets import load_dataset
from explorer.data.stream import describe_death
from explorer.errors import DataError

PLAN = [torch.tensor(indices) for indices in ([3, 0, 11, 5], [7, 7, 2, 9], [1, 4, 6, 8], [10, 3, 5])]


def read_on(folder: str) -> None:
    room.MAX_BYTES = 0
    dataset = load_dataset(f"folder:{folder}", (3, 16, 16))
    batches = Batches(dataset.images, dataset.labels, (0.5,) * 3, (0.2,) * 3, workers=1)
    batches.expect(PLAN * 50)  # more than lie decoded already
    batches.draw(PLAN[0], torch.Generator())
    for worker in batches._stream._batches._workers:
        os.kill(worker.pid, signal.SIGKILL)
    for indices in (PLAN * 50)[1:]:
        batches.draw(indices, torch.Generator())


if __name__ == "__main__":
    try:
        read_on(sys.argv[1])
    except DataError as error:
        print(error, flush=True)
    except RuntimeError as error:
        print(describe_death(error), flush=True)
    os._exit(0)  # torch's handler may have more to say

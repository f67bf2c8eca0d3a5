"""The worker: one process, one run or one race, no supervisor. The command line starts it, the page starts that."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import torch
from filelock import Timeout

from explorer.architecture.config import Architecture
from explorer.architecture.plan import expand_plan
from explorer.architecture.variant import parse_variant
from explorer.data.datasets import Dataset, load_dataset, sketch_dataset, split_images
from explorer.data.room import fits_in_memory
from explorer.errors import RunError
from explorer.network.build import build_network
from explorer.network.device import choose_device, keep_freed_memory
from explorer.records import FinalRecord
from explorer.training.config import TrainConfig
from explorer.training.estimate import check_fits
from explorer.training.failures import describe_failure
from explorer.training.life import Life
from explorer.training.probe import check_probe
from explorer.training.runs import Run, create_run
from explorer.training.splits import check_batch_size
from explorer.training.start import freeze_parts, load_start
from explorer.training.team import SOLO, Team


def prepare_run(
    variant: str, data: str, config: TrainConfig, folder: Path | None = None, recipe: str = "", load: bool = True
) -> tuple[Run, Dataset]:
    """Check everything a run needs and make its directory; `recipe` is the text that the settings were given as.

    Returns the run and its data; unless `load`, a folder's images stay in their files, for the worker to read. Raises
    `ExplorerError`, and then nothing was written.
    """
    architecture = parse_variant(variant)
    choose_device(config.device)
    dataset = (load_dataset if load else sketch_dataset)(data, architecture.input)
    check_run(architecture, dataset, config)
    run = create_run(architecture, dataset.name, dataset.shape, len(dataset.classes), config, folder, recipe=recipe)
    return run, dataset


def check_run(architecture: Architecture, dataset: Dataset, config: TrainConfig) -> None:
    """Whether the architecture can be trained so on this data. Raises `ExplorerError`."""
    split = split_images(dataset.labels, config.held_out, config.test, config.seed)
    check_batch_size(config, min(len(split.train), config.images or len(split.train)))
    trained = replace(architecture, classes=len(dataset.classes), input=dataset.shape)
    if config.weights:
        load_start(build_network(trained), config.weights)
    plan = expand_plan(trained)
    check_probe(plan, config.probe)
    resident = len(split.train) if fits_in_memory(len(dataset.labels), dataset.shape) else 0
    check_fits(plan, config, resident, choose_device(config.device))
    with torch.device("meta"):  # whether it can be built, without its memory
        freeze_parts(build_network(trained), config.freeze)


def start_worker(*runs: Run, words: Sequence[str] = ()) -> None:
    """Start a worker for a run, or for the runs of a race, in a session of its own, so that it outlives this process.

    It gives way to others on the same cores, a page among them. `words` are another command than ``train`` that trains
    them. Raises `RunError`.
    """
    polite = ["nice", "-n", "10"] if shutil.which("nice") else []
    words = words or ["train", *(f"--run={run.folder}" for run in runs)]
    command = [*polite, sys.executable, "-m", "explorer", *words]
    try:
        for run in runs:
            run.call_worker()
        with open(runs[0].folder / "worker.log", "ab") as log:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
    except OSError as error:
        raise RunError(f"The run {runs[0].id} can't be started: {describe_failure(error)}") from None
    threading.Thread(target=process.wait, daemon=True).start()  # reaps it; a zombie would stay until the page ends


def work(run: Run, dataset: Dataset | None = None, say: Callable[[str], None] = print) -> FinalRecord:
    """Train the run from its last checkpoint to its end, or until it is asked to stop. Returns the last word.

    Raises `RunError` where another worker holds the run. Any failure is written as the run's last word first.
    """
    return work_race([run], dataset, say)[0]


def work_race(
    runs: Sequence[Run],
    dataset: Dataset | None = None,
    say: Callable[[str], None] = print,
    team: Team = SOLO,
    device: torch.device | None = None,
) -> list[FinalRecord]:
    """Train runs side by side in this process, whoever is behind first, a record each. Returns their last words.

    Raises `RunError` where another worker holds one of them. One that fails leaves the others going.
    """
    keep_freed_memory()
    with ExitStack() as stack:
        lives = [_hold(stack, Life(run, device, team, say)) for run in runs]
        with _listen_for_signals() as signalled:
            _take_turns(lives, signalled.is_set, dataset)
        return [life.final for life in lives if life.final]


def _hold(stack: ExitStack, life: Life) -> Life:
    run = life.run
    try:
        return stack.enter_context(life)
    except Timeout:
        raise RunError(f"The run {run.id} has a worker already: wait for it, or stop it first.") from None
    except OSError as error:
        raise RunError(f"The run {run.id} can't be written: {describe_failure(error)}") from None


def _take_turns(lives: list[Life], is_signalled: Callable[[], bool], dataset: Dataset | None) -> None:
    """Let whoever is behind go on, a record at a time, until all have ended."""
    if len(lives) > 1 and dataset is None:
        dataset = _load_once(lives)
    going = [(life, life.advance(is_signalled, dataset)) for life in lives]
    while going:
        life, steps = min(going, key=lambda pair: pair[0].progress)
        if next(steps, "ended") == "ended":
            going = [pair for pair in going if pair[0] is not life]


def _load_once(lives: list[Life]) -> Dataset | None:
    """The data of a race, in memory once; where it can't be loaded each run says so itself."""
    specs = {(life.run.spec.data, parse_variant(life.run.spec.trained).input) for life in lives}
    try:
        return load_dataset(*specs.pop()) if len(specs) == 1 else None
    except Exception:
        return None


@contextmanager
def _listen_for_signals() -> Iterator[threading.Event]:
    """The event of Ctrl-C or SIGTERM, which stop the run as the page would: after the step, with a checkpoint."""
    signalled = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield signalled
        return
    before = {number: signal.signal(number, lambda *_: signalled.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield signalled
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

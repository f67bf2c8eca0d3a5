"""How long a control takes to change the page while a run takes every core, in headless Chromium.

The changes are those of ``benchmarks/page.py``; the run is one that the page would start. Run with
``python benchmarks/busy.py``.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from browser import SIZE, start_browser
from measure import compute_ratios, print_times, print_title, print_verdict, read_rounds
from page import CHANGES, TARGETS, WATCH, cycle
from playwright.sync_api import Page, sync_playwright
from servers import HOST, find_port, our_command, serve

from explorer.training.config import TrainConfig
from explorer.training.runs import Run
from explorer.training.worker import prepare_run, start_worker

QUIET, BUSY = "nothing trains", "resnet20 trains on every core"


def main() -> None:
    rounds = read_rounds(__doc__, 2) * len(CHANGES)
    print_title("A change of a control, resnet50 at block level, while a run takes every core")
    port = find_port()
    with tempfile.TemporaryDirectory() as home, sync_playwright() as playwright:
        os.environ["EXPLORER_HOME"] = home
        with serve(our_command(port), port):
            page = open_page(start_browser(playwright).new_page(viewport=SIZE), port)
            quiet = time_changes(page, rounds)
            with training(Path(home) / "runs" / "busy"):
                busy = time_changes(page, rounds)
            page.context.browser.close()
    print_times({QUIET: quiet, BUSY: busy}, "ms", 1)
    print_verdict("median of a change while it trains", [statistics.median(busy)], " ms", "at most 200 ms")
    print_verdict("busy / quiet", compute_ratios(busy, quiet), "x", "none")


def open_page(page: Page, port: int) -> Page:
    target = next(iter(TARGETS.items()))
    page.goto(f"http://{HOST}:{port}/")
    page.locator(target[0]).wait_for()
    page.evaluate(WATCH, list(target))
    page.wait_for_timeout(8000)  # the server imports torch, once, soon after its first page
    return page


def time_changes(page: Page, rounds: int) -> list[float]:
    """Milliseconds from the click to the end of the frame that shows its graph and table."""
    change = cycle(page, CHANGES)
    return [change().drawn for _ in range(2 + rounds)][2:]


@contextmanager
def training(folder: Path) -> Iterator[Run]:
    """A run in a worker of its own, from its first step on."""
    run, _ = prepare_run("resnet20,input=3x32x32,classes=10", "synthetic", TrainConfig(epochs=1000), folder)
    start_worker(run)
    while not (run.last_record() or {}).get("step"):
        time.sleep(0.5)
    try:
        yield run
    finally:
        run.ask_to_stop()
        while run.state() == "running":
            time.sleep(0.5)


if __name__ == "__main__":
    main()

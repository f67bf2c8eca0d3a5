"""From the press of Start to the first point of the loss, in headless Chromium, on a server that is warm.

Beside it a bare process that imports torch and makes an optimizer: what no training of its own process can save. Run
with ``python benchmarks/start.py``.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable

from browser import SIZE, start_browser
from measure import print_times, print_title, print_verdict, read_rounds, take_turns, time_call
from playwright.sync_api import Page, sync_playwright
from servers import HOST, find_port, our_command, serve

BARE = "import torch; torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)"
OURS, SAID, PEER = "Start to the first point", "... to a sentence about the run", "bare process: torch, an optimizer"
LINK = "?v=resnet20&tab=train&d=digits&r=quick,epochs=1"
# Counts from the click's own time stamp, in the page.
WATCH = """() => {
  window.seen = {};
  const button = document.querySelector(".rx-tf-start");
  button.addEventListener("click", (event) => (window.seen.click = event.timeStamp), true);
  const look = () => {
    const seen = window.seen, run = new URLSearchParams(location.search).get("run");
    if (seen.click && run && !seen.said && document.querySelector(".rx-run-text")?.textContent.trim())
      seen.said = performance.now() - seen.click;
    if (seen.said && +document.querySelector(".rx-chart-loss")?.dataset.points > 0)
      seen.point = performance.now() - seen.click;
    if (!seen.point) requestAnimationFrame(look);
  };
  look();
}"""


def main() -> None:
    rounds = read_rounds(__doc__, 6)
    print_title("From Start to the first point: resnet20 on digits")
    port, said = find_port(), []
    with tempfile.TemporaryDirectory() as home, sync_playwright() as playwright:
        os.environ["EXPLORER_HOME"] = home
        with serve(our_command(port), port):
            page = start_browser(playwright).new_page(viewport=SIZE)
            contestants = {OURS: lambda: start_run(page, port, said), PEER: time_bare}
            take_turns(contestants, 1)  # reads the disk
            said.clear()
            results = take_turns(contestants, rounds)
            page.context.browser.close()
    print_times({OURS: results[OURS], SAID: said, PEER: results[PEER]}, "s", 1)
    beyond = [ours - bare for ours, bare in zip(results[OURS], results[PEER], strict=True)]
    print_verdict("explorer - bare process", beyond, " s", "at most 1.5 s")


def start_run(page: Page, port: int, said: list[float]) -> float:
    """Seconds from the click to the first point; the run is stopped afterwards."""
    page.goto(f"http://{HOST}:{port}/{LINK}")
    page.wait_for_function("() => document.querySelector('.rx-train_form')?.dataset.recipe")
    page.wait_for_timeout(8000)  # a person reads the form; the server imports torch, once, soon after its first page
    page.evaluate(WATCH)
    page.locator(".rx-tf-start").click()
    page.wait_for_function("() => window.seen.point", timeout=120_000)
    seen = page.evaluate("() => window.seen")
    said.append(seen["said"] / 1000)
    page.wait_for_function("() => document.querySelector('.rx-runs').dataset.state === 'finished'", timeout=240_000)
    return float(seen["point"]) / 1000


def time_bare() -> float:
    run: Callable[[], object] = lambda: subprocess.run([sys.executable, "-c", BARE], check=True)  # noqa: E731
    return time_call(run)


if __name__ == "__main__":
    main()

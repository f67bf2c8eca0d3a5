"""How long a control takes to change the page, in headless Chromium: resnet50 at block level.

From the click to the new graph and table in the document, and on to the end of the frame that shows them. Beside it,
in the same browser and in turns, stands a Gradio app that answers one word. Run with ``python benchmarks/page.py``.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass

from browser import SIZE, start_browser
from measure import compute_ratios, print_times, print_title, print_verdict, read_rounds, take_turns
from playwright.sync_api import Page, Playwright, sync_playwright
from servers import HOST, empty_command, find_port, our_command, serve

AWAY = [
    ("Depth", "34"), ("Shortcut", "C"), ("Stem", "cifar"), ("Depth", "101"), ("Shortcut", "none"),
    ("Block", "basic"), ("Shortcut", "A"), ("Depth", "18"), ("Depth", "152"), ("Stride on", "1x1"),
]  # fmt: skip
DEEP = [
    ("Shortcut", "C"),
    ("Shortcut", "B"),
    ("Stride on", "1x1"),
    ("Stride on", "3x3"),
    ("Shortcut", "D"),
    ("Shortcut", "B"),
]
BACK = {"Depth": "50", "Shortcut": "B", "Stem": "imagenet", "Block": "bottleneck", "Stride on": "3x3"}
CHANGES = [change for group, value in AWAY for change in ((group, value), (group, BACK[group]))]
IN_DOCUMENT, DRAWN, SERVER = "graph and table in the document", "... and drawn", "... of it, the server's answer"
PEER = "one word of a small Gradio app, drawn"
TARGETS = {
    ".rx-build[data-variant]": ".rx-graph .pieces, .rx-table tbody tr:first-child",
    "#answer .html-container": "",
}

# Counts from the click's own time stamp, so that whatever runs before our listeners is in it. `parts` are elements
# that a change has to put anew.
WATCH = """([selector, parts]) => {
  const target = document.querySelector(selector);
  const find = () => parts ? [...document.querySelectorAll(parts)] : [];
  let click = 0, old = [];
  window.change = null;
  document.addEventListener("click", (event) => { [click, old] = [event.timeStamp, find()]; }, true);
  new MutationObserver(() => {
    if (!click || find().some((part) => old.includes(part))) return;
    const seen = { click, inDocument: performance.now() - click };
    click = 0;
    // layout and paint of the frame lie between these two
    requestAnimationFrame(() => setTimeout(() => {
      const sent = performance.getEntriesByType("resource").filter((entry) => entry.startTime >= seen.click);
      const posts = sent.filter((entry) => entry.initiatorType === "fetch").map((entry) => entry.duration);
      window.change = { ...seen, drawn: performance.now() - seen.click, server: posts[0] || 0 };
    }));
  }).observe(target, parts ? { attributeFilter: ["data-variant"] }
    : { subtree: true, childList: true, characterData: true });
}"""
TAKE = "() => { const taken = window.change; window.change = null; performance.clearResourceTimings(); return taken; }"


@dataclass(frozen=True, slots=True)
class Change:
    """Milliseconds from one click."""

    in_document: float
    drawn: float
    server: float


def main() -> None:
    rounds = read_rounds(__doc__, 2) * len(CHANGES)
    print_title("A change of a control, resnet50 at block level")
    ports = find_port(), find_port()
    with (
        serve(our_command(ports[0]), ports[0]),
        serve(empty_command(ports[1]), ports[1]),
        sync_playwright() as playwright,
    ):
        ours, peer, deep = measure(playwright, ports, rounds)
    drawn = [change.drawn for change in ours]
    times = {
        IN_DOCUMENT: [change.in_document for change in ours],
        DRAWN: drawn,
        SERVER: [change.server for change in ours],
        PEER: [change.drawn for change in peer],
    }
    print_times(times, "ms", 1)
    print_verdict("median of a change, drawn", [statistics.median(drawn)], " ms", "at most 60 ms")
    print_verdict(
        "95th percentile", [statistics.quantiles(drawn, n=20, method="inclusive")[-1]], " ms", "at most 120 ms"
    )
    print_verdict("explorer / one word", compute_ratios(drawn, times[PEER]), "x", "none")
    print_title("\nThe same, resnet152 at operation level")
    print_times({DRAWN: [change.drawn for change in deep]}, "ms", 1)
    print_verdict("median", [statistics.median(change.drawn for change in deep)], " ms", "at most 250 ms")


def measure(playwright: Playwright, ports: tuple[int, int], rounds: int) -> tuple[list[Change], ...]:
    """Changes of resnet50 at block level, of the peer, and of resnet152 at operation level."""
    browser = start_browser(playwright)
    pages = [browser.new_page(viewport=SIZE) for _ in ports]
    for page, port, target in zip(pages, ports, TARGETS.items(), strict=True):
        page.goto(f"http://{HOST}:{port}/")
        page.locator(target[0]).wait_for()
        page.evaluate(WATCH, list(target))
    pages[0].wait_for_timeout(8000)  # the server imports torch, once, soon after its first page
    words = [("Choice", "two"), ("Choice", "one")]
    take_turns({"ours": cycle(pages[0], CHANGES[:2]), "peer": cycle(pages[1], words)}, 6)  # the browser compiles
    results = take_turns({"ours": cycle(pages[0], CHANGES), "peer": cycle(pages[1], words)}, rounds)
    pages[0].goto(f"http://{HOST}:{ports[0]}/?v=resnet152&level=op&l=1")
    pages[0].locator('.rx-build[data-variant="resnet152"]').wait_for()
    pages[0].evaluate(WATCH, list(next(iter(TARGETS.items()))))
    pages[0].wait_for_timeout(1500)
    change = cycle(pages[0], DEEP)
    deep = [change() for _ in range(2 * len(DEEP) + rounds // 4)][2:]
    browser.close()
    return results["ours"], results["peer"], deep


def cycle(page: Page, changes: list[tuple[str, str]]) -> Callable[[], Change]:
    """Return a function that makes the next change each time it is called, and times it."""
    made = 0

    def change() -> Change:
        nonlocal made
        group, value = changes[made % len(changes)]
        made += 1
        page.bring_to_front()
        page.locator("fieldset", has=page.get_by_text(group, exact=True)).locator(f'input[value="{value}"]').click()
        page.wait_for_function("window.change")
        page.wait_for_timeout(100)  # as a person's next click does, it finds the browser at rest
        taken = page.evaluate(TAKE)
        return Change(taken["inDocument"], taken["drawn"], taken["server"])

    return change


if __name__ == "__main__":
    main()

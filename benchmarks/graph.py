"""How long the graph takes: laid out part by part and by Graphviz's dot, and opened and unfolded in headless Chromium.

In the browser from the click to the end of the frame that shows what is open. Run with ``python benchmarks/graph.py``.
"""

from __future__ import annotations

import statistics

from browser import start_browser
from measure import compute_ratios, print_times, print_title, print_verdict, read_rounds, take_turns, time_call
from playwright.sync_api import Page, sync_playwright
from servers import HOST, find_port, our_command, serve

from explorer.architecture.plan import Plan, expand_plan
from explorer.architecture.variant import parse_variant
from explorer.figures.dot import render_dot, write_dot
from explorer.figures.graph import draw_view
from explorer.figures.layout import place_unit
from explorer.figures.outline import View, list_units, outline_plan
from explorer.figures.piece import draw_unit
from explorer.figures.scene import Level, compose_block, compose_chain, compose_fold, compose_part

CACHES = (place_unit, draw_unit, compose_block, compose_chain, compose_fold, compose_part)
ACTS = {  # what is clicked, in turns with what takes it back
    "a block opens": ('.sign[data-name="layer1.0"]', '.sign[data-name="layer1.0"]'),
    "repeats unfold": (".times", ".times"),
    "level Op": ('#rx-level input[value="op"]', '#rx-level input[value="block"]'),
    "level Stage": ('#rx-level input[value="stage"]', '#rx-level input[value="block"]'),
}
CLICK = """async (selector) => {
  const target = document.querySelector(`.rx-build ${selector}`);
  const start = performance.now();
  if (target.click) target.click();
  else target.dispatchEvent(new MouseEvent("click", { bubbles: true }));
  await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  return performance.now() - start;
}"""


def main() -> None:
    rounds = read_rounds(__doc__, 5)
    compare_layouts(rounds)
    with sync_playwright() as playwright:
        browser = start_browser(playwright)
        port = find_port()
        with serve(our_command(port), port):
            for variant in ("resnet50", "resnet152", "resnet1202"):
                page = browser.new_page(viewport={"width": 1280, "height": 900})
                page.goto(f"http://{HOST}:{port}/?v={variant}")
                page.locator(f'.rx-build[data-variant="{variant}"]').wait_for()
                page.wait_for_timeout(3000)
                watch(page, variant, rounds)
                page.close()
        browser.close()


def compare_layouts(rounds: int) -> None:
    """The whole of resnet152 at operation level, unfolded up to what dot is given."""
    plan, view = expand_plan(parse_variant("resnet152")), View(Level.OP, fold=False)
    print_title("Layout and drawing of resnet152, every operation of every block, from nothing")
    times = take_turns({"ours": lambda: draw_ours(plan, view), "dot": lambda: draw_with_dot(plan, view)}, rounds)
    print_times(times)
    print_verdict("dot / ours", compute_ratios(times["dot"], times["ours"]), "x", "none")


def draw_ours(plan: Plan, view: View) -> float:
    for cache in CACHES:
        cache.cache_clear()
    return time_call(lambda: draw_view(plan, view))


def draw_with_dot(plan: Plan, view: View) -> float:
    dot = write_dot(list(list_units(outline_plan(plan), view)))
    return time_call(lambda: render_dot(dot, "svg"))


def watch(page: Page, variant: str, rounds: int) -> None:
    print_title(f"{variant}: from the click to the frame that shows it")
    times: dict[str, list[float]] = {name: [] for name in ACTS}
    for _ in range(rounds):
        for name, (there, back) in ACTS.items():
            times[name].append(page.evaluate(CLICK, there))
            page.wait_for_timeout(100)
            page.evaluate(CLICK, back)
            page.wait_for_timeout(100)
    print_times(times, "ms", 1)
    worst = max(statistics.median(values) for values in times.values())
    print_verdict("slowest median", [worst], " ms", "at most 150 ms")


if __name__ == "__main__":
    main()

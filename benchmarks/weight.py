"""What the page weighs over the wire, compressed as served, and how soon after Gradio's first paint Build can be used.

The weight is of everything that a browser without a cache receives until charts are drawn, plotly.js among it.
The time is from the first paint, which shows Gradio's own frame, to the frame that shows Build's graph and table.
Run with ``python benchmarks/weight.py``.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from browser import SIZE, start_browser
from measure import print_times, print_title, print_verdict, read_rounds
from playwright.sync_api import Browser, sync_playwright
from servers import HOST, find_port, our_command, serve

WATCH = """
new MutationObserver((changes, observer) => {
  if (!document.querySelector(".rx-build[data-variant] .rx-graph > svg")) return;
  observer.disconnect();
  requestAnimationFrame(() => setTimeout(() => (window.usable = performance.now())));
}).observe(document, { subtree: true, childList: true, attributeFilter: ["data-variant"] });
"""
PAINT = "() => performance.getEntriesByName('first-contentful-paint')[0].startTime"
CHARTS = "() => document.querySelectorAll('.rx-chart .main-svg').length > 4"


def main() -> None:
    rounds = read_rounds(__doc__, 7)
    print_title("Weight of the page, and its first usable view")
    port = find_port()
    with serve(our_command(port), port), sync_playwright() as playwright:
        browser = start_browser(playwright)
        open_page(browser, port, 8000)  # the server imports torch, once, soon after its first page
        found = [open_page(browser, port) for _ in range(rounds)]
        browser.close()
    times = {
        "first paint": [paint for paint, *_ in found],
        "first usable view": [usable for _, usable, *_ in found],
        "between them": [usable - paint for paint, usable, *_ in found],
    }
    print_times(times, "ms", 1)
    _, _, first, whole = found[-1]
    print_kinds(first, "Build in sight")
    print_kinds(whole, "charts loaded")
    print_verdict("weight, Build in sight", [sum(first.values()) / 1e6], " MB", "none")
    print_verdict("weight, charts loaded", [sum(whole.values()) / 1e6], " MB", "at most 2.5 MB")
    print_verdict("first paint to usable", [between / 1000 for between in times["between them"]], " s", "at most 1.0 s")


def open_page(browser: Browser, port: int, rest: int = 300) -> tuple[float, float, Counter[str], Counter[str]]:
    """Milliseconds of first paint and first usable view, and bytes by kind until then and with the charts."""
    context = browser.new_context(viewport=SIZE)
    page = context.new_page()
    page.add_init_script(WATCH)
    network = context.new_cdp_session(page)
    network.send("Network.enable")
    kinds: dict[str, str] = {}
    weight: Counter[str] = Counter()
    network.on("Network.responseReceived", lambda event: kinds.update({event["requestId"]: name_kind(event)}))

    def finish(event: dict[str, Any]) -> None:
        weight[kinds.get(event["requestId"], "other")] += int(event["encodedDataLength"])

    network.on("Network.loadingFinished", finish)
    page.goto(f"http://{HOST}:{port}/")
    page.wait_for_function("window.usable")
    page.wait_for_timeout(rest)
    first = weight.copy()
    page.get_by_role("tab", name="Train").click()
    page.locator(".rx-no-points").first.wait_for()
    page.get_by_role("tab", name="Build").click()
    page.get_by_role("button", name="Charts", exact=True).click()
    page.wait_for_function(CHARTS)
    page.wait_for_timeout(300)
    paint, usable = page.evaluate(PAINT), page.evaluate("window.usable")
    context.close()
    return paint, usable, first, weight


def name_kind(event: dict[str, Any]) -> str:
    """Whose file it is."""
    path = event["response"]["url"].split("?")[0]
    if "plotly" in path:
        return "plotly.js"
    if "explorer-assets" in path:
        return "our scripts"
    return "the page and its events" if "/gradio_api/" in path or path.count("/") == 3 else "Gradio's frontend"


def print_kinds(weight: Counter[str], when: str) -> None:
    parts = ", ".join(f"{name} {size / 1000:,.0f} kB" for name, size in weight.most_common())
    print(f"{when}: {parts}", flush=True)


if __name__ == "__main__":
    main()

"""How long the cloud of Space takes to stand, and how fast it answers, in headless Chromium without a graphics card.

From the click on the tab to the frame that shows the last of 20,000 variants; every round has a seed of its own, so
that the server remembers none of it. Then a pointer over the cloud and a slider of its budget, from the event to the
end of the frame that shows the answer, with 20,000 variants and with 100,000. Run with ``python benchmarks/space.py``.
"""

from __future__ import annotations

import statistics
from typing import Any

from browser import SIZE, start_browser
from measure import print_times, print_title, print_verdict, read_rounds
from playwright.sync_api import Browser, Page, sync_playwright
from servers import HOST, find_port, our_command, serve

MOVES, SLIDES, MORE = 40, 20, 4  # pointer moves, slider moves, and how often 20,000 more are drawn
DRAWN = "all 20,000 drawn"

WATCH = """() => {
  window.cloud = { long: [] };
  new PerformanceObserver((list) => {
    const meanwhile = ({ startTime }) => cloud.click && startTime >= cloud.click && !cloud.end;
    cloud.long.push(...list.getEntries().filter(meanwhile).map(({ duration }) => duration));
  }).observe({ type: "longtask" });
  document.addEventListener("click", (event) => {
    if (event.target.closest("button[role=tab]")) cloud.click ??= event.timeStamp;
  }, true);
  new MutationObserver(() => {
    const { state, drawn } = document.querySelector(".rx-space")?.dataset ?? {};
    if (drawn > 0) cloud.first ??= performance.now() - cloud.click;
    if (state !== "done" || !(drawn > 0) || cloud.drawn) return;
    cloud.drawn = Number(drawn);
    // layout and paint of the frame lie between these two
    requestAnimationFrame(() => setTimeout(() => (cloud.end = performance.now() - cloud.click)));
  }).observe(document, { subtree: true, attributeFilter: ["data-state", "data-drawn"] });
}"""
FRAME = "const frame = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));"
HOVER = f"""async (count) => {{
  {FRAME}
  const box = document.querySelector(".rx-cloud"), tip = document.querySelector(".rx-space-tip");
  const {{ left, top, width, height }} = box.getBoundingClientRect();
  const times = [];
  for (let move = 0; move < count; move++) {{
    const clientX = left + width * (0.25 + 0.5 * ((move * 0.618) % 1));
    const clientY = top + height * (0.3 + 0.4 * ((move * 0.41) % 1));
    const started = performance.now();
    box.dispatchEvent(new PointerEvent("pointermove", {{ clientX, clientY, bubbles: true }}));
    const shown = !tip.hidden;
    await frame();
    if (shown) times.push(performance.now() - started);
    await new Promise((done) => setTimeout(done, 30));
  }}
  return times;
}}"""
SLIDE = f"""async (count) => {{
  {FRAME}
  const slider = document.querySelector("[data-range=macs] input[type=range]:last-child");
  const times = [];
  for (let move = 0; move < count; move++) {{
    const started = performance.now();
    slider.value = 900 - 20 * move;
    slider.dispatchEvent(new Event("input", {{ bubbles: true }}));
    await frame();
    times.push(performance.now() - started);
    await new Promise((done) => setTimeout(done, 30));
  }}
  slider.value = slider.max;
  slider.dispatchEvent(new Event("input", {{ bubbles: true }}));
  return times;
}}"""
DONE = "() => document.querySelector('.rx-space').dataset.state === 'done'"


def main() -> None:
    rounds = read_rounds(__doc__, 5)
    print_title("The cloud of 20,000 variants")
    port = find_port()
    with serve(our_command(port), port), sync_playwright() as playwright:
        browser = start_browser(playwright)
        opened = [open_cloud(browser, port, seed) for seed in range(1, rounds + 2)]
        found = [read_cloud(page) for page in opened][1:]  # the first warms the server up
        page = opened[-1]
        small = answer_times(page)
        for _ in range(MORE):
            page.locator("[data-do=more]").click()
            page.wait_for_function(DONE)
        large = answer_times(page)
        browser.close()
    times = {
        "first variants on the screen": [cloud["first"] for cloud in found],
        DRAWN: [cloud["end"] for cloud in found],
        "longest task meanwhile": [max(cloud["long"], default=0.0) for cloud in found],
        "pointer to tip, 20,000": small[0],
        "slider to cloud, 20,000": small[1],
        "pointer to tip, 100,000": large[0],
        "slider to cloud, 100,000": large[1],
    }
    print_times(times, "ms", 1)
    print_verdict(DRAWN, [statistics.median(times[DRAWN]) / 1000], " s", "at most 3 s")
    print_verdict("longest task", [max(times["longest task meanwhile"])], " ms", "none")
    print_verdict("pointer to tip, 100,000", [statistics.median(large[0])], " ms", "at most 50 ms")


def open_cloud(browser: Browser, port: int, seed: int) -> Page:
    """Open the page with a seed of its own, and then its tab."""
    page = browser.new_page(viewport=SIZE)
    page.goto(f"http://{HOST}:{port}/?ss={seed}&l=1")
    page.locator(".rx-build[data-variant]").wait_for()
    page.wait_for_timeout(4000 if seed == 1 else 500)  # the server imports torch, once, soon after its first page
    page.evaluate(WATCH)
    page.get_by_role("tab", name="Space").click()
    page.wait_for_function("window.cloud.end", timeout=60_000)
    return page


def read_cloud(page: Page) -> dict[str, Any]:
    cloud: dict[str, Any] = page.evaluate("cloud")
    return cloud


def answer_times(page: Page) -> tuple[list[float], list[float]]:
    """Milliseconds of pointer moves and of slider moves."""
    page.bring_to_front()
    page.evaluate(HOVER, 5)  # the browser compiles
    return page.evaluate(HOVER, MOVES), page.evaluate(SLIDE, SLIDES)


if __name__ == "__main__":
    main()

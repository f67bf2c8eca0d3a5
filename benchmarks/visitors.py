"""How long visitors wait for Build's answer when 20 are there at once, each changing something every second.

Each sends over HTTP what the browser sends: the change, whose time counts, and the two events behind it that tell the
other tabs what is drawn. All start at moments of their own and walk networks of their own. Run with
``python benchmarks/visitors.py``; a round takes 20 seconds.
"""

from __future__ import annotations

import http.client
import json
import statistics
import threading
import time
from dataclasses import dataclass
from random import Random
from typing import Any

import brotli
from measure import print_times, print_title, print_verdict, read_rounds
from servers import HOST, find_port, our_command, serve

VISITORS, SECONDS, PAUSE = 20, 20, 1.0
SETTLE = 10  # seconds in which the server imports torch, once, soon after its first page
CHOICES: dict[str, tuple[Any, ...]] = {
    "depth": ("18", "34", "50", "101", "152", "200"),
    "shortcut": ("A", "B", "C", "D", "none"),
    "stem": ("imagenet", "deep", "tiered", "cifar"),
    "activation": ("post", "pre"),
    "attention": ("none", "se", "eca"),
    "block": ("basic", "bottleneck"),
    "width": (16, 32, 48, 64, 96, 128),
    "norm": ("batch", "group", "layer"),
}


@dataclass(frozen=True, slots=True)
class Site:
    """Where the page is, and what its events are called in this start of the server."""

    port: int
    widget: int  # id of Build's component
    shown: int  # index of the event that Build's widget tells of a new drawing
    text: int  # id of the hidden text that holds the variant
    told: int  # index of the event behind it


def main() -> None:
    rounds = read_rounds(__doc__, 1)
    print_title(f"{VISITORS} visitors, each changing something every second for {SECONDS} seconds")
    port = find_port()
    with serve(our_command(port), port):
        time.sleep(SETTLE)
        site = read_site(port)
        alone = [seconds for number in range(3) for seconds in visit(site, number, 4, 0.1)]
        together = [seconds for _ in range(rounds) for seconds in visit_together(site)]
    print_times({"alone": alone, f"{VISITORS} at once": together})
    print_verdict("median", [1000 * statistics.median(together)], " ms", "none")
    print_verdict("95th percentile", [1000 * statistics.quantiles(together, n=20)[-1]], " ms", "at most 200 ms")


def read_site(port: int) -> Site:
    connection = http.client.HTTPConnection(HOST, port, timeout=30)
    connection.request("GET", "/config")
    config = json.loads(connection.getresponse().read())
    connection.close()
    widget = next(part["id"] for part in config["components"] if "/build.js" in str(part["props"].get("js_on_load")))
    text = next(part["id"] for part in config["components"] if part["props"].get("elem_id") == "rx-canonical")
    events = {(part, event): each["id"] for each in config["dependencies"] for part, event in each["targets"]}
    return Site(port, widget, events[widget, "shown"], text, events[text, "change"])


def visit_together(site: Site) -> list[float]:
    """Seconds of every change of all visitors."""
    times: list[float] = []

    def come(number: int) -> None:
        time.sleep(PAUSE * number / VISITORS)
        times.extend(visit(site, number, SECONDS, PAUSE))

    threads = [threading.Thread(target=come, args=(number,)) for number in range(VISITORS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(4 * SECONDS)
    return times


def visit(site: Site, number: int, seconds: float, pause: float) -> list[float]:
    """Walk from resnet50 for a while, and time every change."""
    random = Random(number)
    connection = http.client.HTTPConnection(HOST, site.port, timeout=30)
    session, variant, times = f"visitor{number}", "resnet50", []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        started = time.perf_counter()
        name = random.choice(list(CHOICES))
        question = {"variant": variant, "level": "block", "fold": True, "changes": {name: random.choice(CHOICES[name])}}
        answer = post(
            connection, "/gradio_api/component_server/",
            {"data": question, "component_id": site.widget, "fn_name": "change", "session_hash": session},
        )  # fmt: skip
        times.append(time.perf_counter() - started)
        if answer.get("variant", variant) != variant:  # else it was refused, or stayed as it was
            variant = answer["variant"]
            tell(connection, site, session, variant)
        time.sleep(max(0.0, started + pause * random.uniform(0.8, 1.2) - time.perf_counter()))
    connection.close()
    return times


def tell(connection: http.client.HTTPConnection, site: Site, session: str, variant: str) -> None:
    """Send the events behind a change, as the page does."""
    common = {"session_hash": session}
    shown = {"data": [], "event_data": {"variant": variant}, "fn_index": site.shown, "trigger_id": site.widget}
    post(connection, "/gradio_api/run/predict", shown | common)
    told = {"data": [variant], "event_data": variant, "fn_index": site.told, "trigger_id": site.text}
    post(connection, "/gradio_api/run/predict", told | common)


def post(connection: http.client.HTTPConnection, path: str, body: dict[str, Any]) -> dict[str, Any]:
    headers = {"Content-Type": "application/json", "Accept-Encoding": "br"}  # as for a browser, which decodes it
    connection.request("POST", path, json.dumps(body), headers)
    response = connection.getresponse()
    content = response.read()
    if response.status != 200:
        raise SystemExit(f"POST {path} was answered with {response.status}: {content[:200]!r}")
    if response.headers.get("Content-Encoding") == "br":
        content = brotli.decompress(content)
    answer: dict[str, Any] = json.loads(content)
    return answer


if __name__ == "__main__":
    main()

"""How long ``python -m explorer`` takes to its first page, against a Gradio app with next to nothing in it.

From the start of the process to the first whole answer to ``GET /``. Run with ``python benchmarks/startup.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from measure import print_times, print_title, print_verdict, read_rounds, take_turns
from servers import empty_command, find_port, our_command, serve

OURS, PEER = "python -m explorer", "empty Gradio app"


def main() -> None:
    rounds = read_rounds(__doc__, 8)
    print_title("Start to first page")
    contestants = {OURS: lambda: time_start(our_command), PEER: lambda: time_start(empty_command)}
    take_turns(contestants, 1)  # the first start compiles bytecode and reads the disk
    results = take_turns(contestants, rounds)
    print_times(results, "s", 1)
    pairs = list(zip(results[OURS], results[PEER], strict=True))
    print_verdict("explorer - empty app", [ours - peer for ours, peer in pairs], " s", "at most 0.5 s")
    print_verdict("explorer / empty app", [ours / peer for ours, peer in pairs], "x", "none")


def time_start(command: Callable[[int], Sequence[str]]) -> float:
    port = find_port()
    with serve(command(port), port) as seconds:
        return seconds


if __name__ == "__main__":
    main()

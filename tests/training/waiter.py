"""Where the children of the queue's tests come from: a process that imported what they need, and forks one a line.

A line is JSON: what a child shall wait for, answered with its number; or the number of one whose end is waited for,
answered with its exit code. A child waits for its turn with `folders`, notes it in `log`, and stays until told.
"""

import json
import os
import sys
import time
import traceback
from pathlib import Path

from explorer.training.queue import wait_for_turn
from explorer.training.runs import Run


def wait(folders: list[str], device: str, log: str, leave: str) -> None:
    runs = [Run(Path(folder)) for folder in folders]

    def note(word: str) -> None:
        with open(log, "a") as file:
            file.write(f"{word} {runs[0].id} {' '.join(run.id for run in ready)}\n")

    with wait_for_turn(runs, device, poll=0.02) as ready:
        note("turn")
        for run in ready:
            with run.lock().acquire(timeout=5):
                run.greet_worker()
        while ready and not Path(leave).exists() and not any(run.is_asked_to_stop() for run in ready):
            time.sleep(0.005)
        note("over")


def fork(question: dict) -> int:
    number = os.fork()
    if number:
        return number
    try:
        wait(**question)
        os._exit(0)
    except BaseException:
        traceback.print_exc()
        os._exit(1)


if __name__ == "__main__":
    for line in sys.stdin:
        question = json.loads(line)
        answer = fork(question) if isinstance(question, dict) else os.waitstatus_to_exitcode(os.waitpid(question, 0)[1])
        print(answer, flush=True)

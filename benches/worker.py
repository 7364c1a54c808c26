"""A process in which one engine works, and nothing else: ``python -m benches.worker CORE ...``.

Each engine has its own, so that packages that cannot share an environment can share a run, that memory is one engine's
alone, and that none is slowed by what another left behind. Commands come as pickles on standard input, one at a time;
the answer is a pickle on standard output. `benches.runner` is the other end. Linux only.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import os
import pickle
import re
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from benches.engines import Engine


class Worker:
    """The engines of one module, and what they are given."""

    def __init__(self) -> None:
        """Nothing is here yet."""
        self.engines: dict[tuple[str, str], Engine] = {}
        self.given: dict[str, Any] = {}
        self.prepared: dict[tuple[str, str, str], Any] = {}

    def load(self, module: str) -> list[dict[str, Any]]:
        """Import an adapter; what its engines are."""
        engines: list[Engine] = importlib.import_module(module).ENGINES
        self.engines |= {(e.task, e.name): e for e in engines}
        facts = ("task", "name", "package", "work", "version", "same")
        return [{f: getattr(e, f) for f in facts} | {"alone": e.prepare is not None} for e in engines]

    def give(self, given: dict[str, Any]) -> None:
        """Keep inputs under names, instead of all that were kept before."""
        self.given = given
        self.prepared = {}

    def answers(self, task: str, engine: str, names: list[str]) -> Any:
        """The engine's answer to inputs."""
        return self.engines[task, engine].answers(self.given[name] for name in names)

    def first(self, task: str, engine: str, name: str) -> dict[str, Any]:
        """The first run: its CPU seconds, and the anonymous memory of this process before and at its highest, in bytes.

        Files that are mapped, such as libraries, do not count: at the highest point as many as at the end.
        """
        gc.collect()
        ctypes.CDLL(None).malloc_trim(0)
        before = status("RssAnon")
        Path("/proc/self/clear_refs").write_text("5")  # forget the highest point so far
        since = time.process_time()
        made = self.engines[task, engine].whole(self.given[name])
        seconds = time.process_time() - since
        peak = status("VmHWM") - status("RssFile") - status("RssShmem")
        del made
        return {"cpu_s": seconds, "memory": {"before": before, "peak": peak, "added": peak - before}}

    def time(self, task: str, engine: str, name: str, alone: bool, repeats: int) -> tuple[float, float]:
        """CPU and wall time in seconds of one run, over `repeats` of them; the clock stops while a result is alive."""
        one = self.engines[task, engine]
        call, given = one.whole, self.given[name]
        if alone:
            key = task, engine, name
            if key not in self.prepared:
                self.prepared[key] = one.prepared(given)
            call, given = one.run, self.prepared[key]
        gc.collect()
        warm()
        if repeats > 1:
            kept = call(given)  # caches that nobody else filled meanwhile
        wall, cpu = time.perf_counter(), time.process_time()
        for _ in range(repeats):
            kept = call(given)
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        del kept
        return cpu / repeats, wall / repeats


def warm() -> None:
    """Touch as much new memory as this process ever had beyond what it has now, and give it back.

    A virtual machine may return free memory to its host within seconds: who touches it next pays thirty times as much
    as for memory that was used a moment ago, by the order of the calls and not by what is timed.
    """
    beyond = status("VmHWM") - status("VmRSS")
    if beyond > 0:
        np.ones(beyond, np.uint8)


def status(field: str) -> int:
    """A size in /proc/self/status, in bytes."""
    found = re.search(rf"(?m)^{field}:\s*(\d+) kB$", Path("/proc/self/status").read_text())
    if found is None:
        raise OSError(f"/proc/self/status has no {field}")
    return int(found[1]) * 1024


def main() -> None:
    """Answer until standard input ends."""
    os.sched_setaffinity(0, set(map(int, sys.argv[1:])))
    commands, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a package prints is no answer
    worker = Worker()
    while True:
        try:
            name, arguments = pickle.load(commands)
        except EOFError:
            return
        try:
            answer = True, getattr(worker, name)(*arguments)
        except Exception as error:
            answer = False, f"{type(error).__name__}: {error}"
        pickle.dump(answer, answers)
        answers.flush()


if __name__ == "__main__":
    main()

"""How everything is timed: each engine in a process of its own, all on one core, taking turns round after round.

Guards. A time counts only after the answer was checked. Every input is larger than the second cache, and was gone
through before, so that neither a cold nor a too small cache is measured; the first pass is recorded apart. A stretch
lasts at least `LEAST` seconds. Time must grow with the input as the task says, so that no loop was hoisted away.
CPU time decides and wall time is kept beside it, since a shared machine stretches wall time; figures are medians, and
a ratio is taken within each round, so that a busy minute touches both sides.
"""

from __future__ import annotations

import math
import os
import pickle
import shutil
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benches.engines import ADAPTERS, APART, Home

ROOT = Path(__file__).resolve().parents[1]
HOMES = ROOT / ".venv" / "engines"
LEAST = 0.05
"""Seconds that a measured stretch lasts at least: short calls are repeated."""
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "POLARS_MAX_THREADS", "RAYON_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")


class RemoteError(Exception):
    """What went wrong in a worker."""


class Worker:
    """This end of `benches.worker`: a call of any of its methods, by name."""

    def __init__(
        self, python: str = sys.executable, cores: set[int] | None = None, env: dict[str, str] | None = None
    ) -> None:
        """Start a process; on `cores`, or on the one that all share."""
        given = cores or {max(os.sched_getaffinity(0))}
        self.process = subprocess.Popen(
            [python, "-m", "benches.worker", *map(str, given)],
            cwd=ROOT,
            env=os.environ | ONE_THREAD | (env or {}),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def __call__(self, name: str, *arguments: Any) -> Any:
        """Run a method there."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        try:
            pickle.dump((name, arguments), self.process.stdin)
            self.process.stdin.flush()
            done, answer = pickle.load(self.process.stdout)
        except (BrokenPipeError, EOFError):
            raise RemoteError(f"the process ended with status {self.process.wait()}") from None
        if not done:
            raise RemoteError(answer)
        return answer

    def stop(self) -> None:
        """End the process."""
        self.process.communicate()


@dataclass(frozen=True)
class Found:
    """An engine of some adapter, and the worker it lives in."""

    adapter: str
    facts: dict[str, Any]
    worker: Worker

    @property
    def name(self) -> str:
        """Package and variant."""
        return str(self.facts["name"])


def python_of(adapter: str) -> str:
    """The interpreter of an adapter: of its home, where it has one."""
    return str(HOMES / adapter / "bin" / "python") if adapter in APART else sys.executable


def find(task: str, absent: dict[str, str]) -> Iterator[Found]:
    """One worker for each engine of a task; what is not there is written to `absent`, with the reason."""
    for adapter in ADAPTERS:
        if adapter in APART and not Path(python_of(adapter)).exists():
            absent[adapter] = "it needs an environment of its own, which is not there: python -m benches.homes"
            continue
        worker = Worker(python_of(adapter))
        try:
            engines = [facts for facts in worker("load", f"benches.engines.{adapter}_engine") if facts["task"] == task]
        except RemoteError as error:
            absent[adapter] = str(error)
            engines = []
        for facts in engines:
            own = Worker(python_of(adapter))
            own("load", f"benches.engines.{adapter}_engine")
            yield Found(adapter, facts, own)
        worker.stop()


def make_home(adapter: str, home: Home) -> str:
    """Make the environment of an adapter unless it is there; why not, or nothing."""
    if Path(python_of(adapter)).exists():
        return ""
    python = sys.executable
    if home.python:
        name = f"PYTHON{home.python.replace('.', '')}"
        python = os.environ.get(name) or shutil.which(f"python{home.python}") or ""
        if not python or subprocess.run([python, "-c", ""], capture_output=True, check=False).returncode:
            return f"it needs Python {home.python}: name one by {name}=/path/to/python"
    folder = HOMES / adapter
    for command in (
        [python, "-m", "venv", folder],
        [folder / "bin" / "python", "-m", "pip", "install", "-q", *home.requirements],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            shutil.rmtree(folder, ignore_errors=True)
            return done.stderr.strip().splitlines()[-1]
    return ""


@dataclass
class Times:
    """Seconds of one call, round by round."""

    call: Callable[[int], tuple[float, float]]
    repeats: int = 0
    cpu: list[float] = field(default_factory=list)
    wall: list[float] = field(default_factory=list)

    def round(self) -> None:
        """Once more; the first time also finds how many calls make a stretch."""
        if not self.repeats:
            self.repeats = max(1, math.ceil(LEAST / max(self.call(1)[0], 1e-6)))
        cpu, wall = self.call(self.repeats)
        self.cpu.append(cpu)
        self.wall.append(wall)

    @property
    def median(self) -> float:
        """CPU seconds."""
        return statistics.median(self.cpu)

    def to_dict(self) -> dict[str, Any]:
        """Every round, for records."""
        return {"repeats": self.repeats, "cpu_s": rounded(self.cpu), "wall_s": rounded(self.wall)}


def ratio(a: Times, b: Times) -> list[float]:
    """Time of a over time of b: low, median and high over rounds."""
    each = sorted(x / y for x, y in zip(a.cpu, b.cpu, strict=True))
    return [each[0], statistics.median(each), each[-1]]


def rounded(values: list[float]) -> list[float]:
    """Five digits are enough for a record."""
    return [float(f"{value:.5g}") for value in values]

"""What is asked of the engines: one file a task, with its inputs, its truth, and what a right answer is.

No engine has a part in a truth: Python's sets, SciPy's sparse products and NumPy's counts of bits make them.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

NAMES = ("minhash", "minhash_bytes", "simhash", "lsh", "hamming", "overlap")
"""Tasks that engines compete in; `stages` is overproof's own."""


@dataclass(frozen=True)
class Case:
    """One input of a task.

    Attributes
    ----------
    name : str
        The corpus, or what tells the cases apart.
    given, half : object
        What is timed, and every second part of it, for the guard.
    probes : tuple
        The inputs whose results the answer is made of.
    truth : object
        What `Task.check` holds the answer to.
    items, size : int
        How many units of work `given` is; its bytes of UTF-8, 0 where there is no text.
    facts : dict
        What else the record says.
    """

    name: str
    given: Any
    half: Any
    probes: tuple[Any, ...]
    truth: Any
    items: int
    size: int
    facts: dict[str, Any]


@dataclass(frozen=True)
class Task:
    """One question to all engines.

    Attributes
    ----------
    name, what : str
        Its file; the question.
    unit : str
        What `Case.items` counts.
    yardstick : str
        The engine that ratios are taken to.
    cases : callable
        At most that many units of each of those corpora; all corpora that fit the task where None are named.
    check : callable
        Truth and answer to measures; "right" says whether the answer is one.
    shown : dict
        Which measures tables show, and how they are written.
    growth : (float, float)
        Allowed time of all over time of half.
    """

    name: str
    what: str
    unit: str
    yardstick: str
    cases: Callable[[int, list[str]], Iterator[Case]]
    check: Callable[[Any, Any], dict[str, Any]]
    shown: dict[str, str]
    growth: tuple[float, float] = (1.4, 3.0)


def task(name: str) -> Task:
    """A task by its name."""
    found: Task = importlib.import_module(f"benches.tasks.{name}").TASK
    return found

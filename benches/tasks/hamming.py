"""Pairs of 100,000 values of 64 bits that differ in at most 3 bits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from benches.engines import REACH
from benches.tasks import Case, Task, quality


def cases(most: int, _names: list[str]) -> Iterator[Case]:
    """Random values, of which every tenth is followed by a copy with 1 to 6 bits flipped; all values are distinct."""
    rng = np.random.default_rng(0)
    copies, step = most // 11, 10
    plain = rng.integers(0, 2**64, most - copies, np.uint64)
    sources = np.arange(copies) * step
    flips = [rng.choice(64, rng.integers(1, 7), replace=False) for _ in sources]
    masks = np.array([sum(1 << int(bit) for bit in row) for row in flips], np.uint64)
    values = np.concatenate([plain, plain[sources] ^ masks])
    near = np.array([len(row) <= REACH for row in flips])
    order = rng.permutation(len(values))
    at = np.argsort(order)
    truth = np.sort(np.stack([at[sources], at[len(plain) :]], axis=1)[near], axis=1)
    values = values[order]
    if len(np.unique(values)) != len(values):
        raise SystemExit("two values are equal; simhash-pybind would take them as one")
    yield Case("made", values, values[::2].copy(), (values,), truth, len(values), 0, {"reach": REACH})


def check(truth: npt.NDArray[np.int64], answer: npt.NDArray[np.int64]) -> dict[str, Any]:
    """All pairs, and no other: the answer is exact."""
    measured = quality.found(truth, answer, 1.0)
    return measured | {"right": measured["recall"] == measured["precision"] == 1}


TASK = Task(
    name="hamming",
    what=f"uint64[n] to pairs of one side that differ in at most {REACH} of 64 bits",
    unit="values",
    yardstick="simhash-pybind",
    cases=cases,
    check=check,
    shown={"recall": "{:.3f}", "precision": "{:.3f}"},
    growth=(1.4, 5.5),  # some look at all pairs
)

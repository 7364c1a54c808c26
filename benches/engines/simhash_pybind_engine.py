"""simhash-pybind: sums of bits and a join by permuted blocks in C++."""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import xxhash
from simhash import compute, find_all

from benches.engines import REACH, Engine, differing, each, pairs
from benches.engines.shingles import bytestrings

BLOCKS = 6


def signatures(rows: Iterable[list[bytes]]) -> list[int]:
    """Hashes in Python, their SimHash in C++."""
    return [compute(list(map(xxhash.xxh3_64_intdigest, row))) for row in rows]


def near(values: npt.NDArray[np.uint64]) -> tuple[npt.NDArray[np.uint64], list[tuple[int, int]]]:
    """Pairs of values; they stay values until the clock has stopped."""
    return values, find_all(set(values.tolist()), BLOCKS, REACH)


def rows(found: tuple[npt.NDArray[np.uint64], list[tuple[int, int]]]) -> npt.NDArray[np.int64]:
    """Values to rows."""
    at = {value: row for row, value in enumerate(found[0].tolist())}
    return pairs((at[a], at[b]) for a, b in found[1])


ENGINES = [
    Engine(
        "simhash",
        "simhash-pybind",
        "simhash-pybind",
        "Python shingles; xxh3 of package xxhash; compute",
        signatures,
        differing,
        each(bytestrings),
    ),
    Engine("hamming", "simhash-pybind", "simhash-pybind", f"find_all, {BLOCKS} blocks; equal values once", near, rows),
]

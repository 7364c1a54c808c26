"""Uniform numbers by key: what is drawn for one row does not depend on which rows are drawn beside it."""

from __future__ import annotations

from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

__all__ = ["OneStream", "Streams", "keys_of"]

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Keys = NDArray[np.uint64]

STEP = np.uint64(0x9E3779B97F4A7C15)


def mixed(x: Keys) -> Keys:
    """The finaliser of SplitMix64 (Steele, Lea and Flood 2014): a bijection of 64 bits without visible pattern."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def keys_of(seed: int, purpose: str, rows: Ints, draft: int = 0) -> Keys:
    """A key for each row, from a seed, a purpose and the number of the draft.

    Examples
    --------
    >>> import numpy as np
    >>> bool(keys_of(1, "served", np.array([5, 6]))[1] == keys_of(1, "served", np.array([6]))[0])
    True
    """
    root = blake2b(f"{seed}\0{purpose}\0{draft}".encode(), digest_size=8).digest()
    return mixed(np.uint64(int.from_bytes(root, "little")) + mixed(rows.astype(np.uint64) * STEP))


class Streams:
    """One stream of uniform numbers in [0, 1) for each key, in the order in which they are asked for."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self._taken = np.zeros(len(keys), np.uint64)

    def each(self, rows: Ints, width: int) -> Floats:
        """The next `width` numbers of each row, rows distinct: float64[width, len(rows)]."""
        at = self._taken[rows] + np.arange(1, width + 1, dtype=np.uint64)[:, None]
        self._taken[rows] += np.uint64(width)
        return self._at(self._keys[rows], at)

    def runs(self, counts: Ints, width: int) -> Floats:
        """`width` times the next ``counts[i]`` numbers of every row i: float64[width, sum of counts]."""
        rows = np.repeat(np.arange(len(counts)), counts)
        within = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
        at = self._taken[rows] + (within + 1 + np.arange(width)[:, None] * counts[rows]).astype(np.uint64)
        self._taken += (counts * width).astype(np.uint64)
        return self._at(self._keys[rows], at)

    def table(self, n: int, width: int) -> Floats:
        """The next `width` numbers of all n rows: float64[n, width]."""
        return self.each(np.arange(n), width).T

    @staticmethod
    def _at(keys: Keys, at: Keys) -> Floats:
        return (mixed(keys + at * STEP) >> np.uint64(11)).astype(np.float64) * np.float64(2.0**-53)


class OneStream:
    """The same from one generator for all rows: quicker, but a row's numbers depend on the rows beside it."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng

    def each(self, rows: Ints, width: int) -> Floats:
        """As `Streams.each`."""
        return self._rng.random((width, len(rows)))

    def runs(self, counts: Ints, width: int) -> Floats:
        """As `Streams.runs`."""
        return self._rng.random((width, int(counts.sum())))

    def table(self, n: int, width: int) -> Floats:
        """As `Streams.table`."""
        return self._rng.random((n, width))

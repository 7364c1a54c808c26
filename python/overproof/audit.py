"""The audit inside each run: planted copies of served texts, and how many of them the run's own rule finds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from overproof.simulate import edit

__all__ = ["EDITS", "Planted", "plant", "tally"]

#: What is planted: a name, the kind of `overproof.simulate.edit`, and the share of the text that it changes.
EDITS: tuple[tuple[str, str, float], ...] = (
    ("verbatim", "none", 0.0),
    ("case", "case", 1.0),
    ("white space", "whitespace", 1.0),
    ("markdown", "markdown", 1.0),
    ("sentences reordered", "reorder", 0.5),
    ("half kept", "truncate", 0.5),
    ("10 % of words dropped", "drop", 0.1),
    ("10 % of words substituted", "substitute", 0.1),
    ("20 % of words dropped", "drop", 0.2),
    ("20 % of words substituted", "substitute", 0.2),
)


class Planted(NamedTuple):
    """Edited copies and where each came from."""

    texts: list[str]
    source: npt.NDArray[np.int64]
    """Served row of each copy."""
    kind: npt.NDArray[np.int64]
    """Index into `EDITS`."""


def plant(texts: Sequence[str], rows: npt.NDArray[np.int64], *, seed: int) -> Planted:
    """Copy the texts at `rows` once by each edit.

    Examples
    --------
    >>> copies = plant(["one two three four five six"], np.array([0]), seed=0)
    >>> len(copies.texts) == len(EDITS), copies.texts[0]
    (True, 'one two three four five six')
    """
    rngs = [np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, k]))) for k in range(len(EDITS))]
    copies: list[list[str]] = [[] for _ in EDITS]
    # Each kind draws from a stream of its own, so one text after another may go through all of them.
    for text in (texts[row] for row in rows.tolist()):
        for made, (_, how, strength), rng in zip(copies, EDITS, rngs, strict=True):
            made.append(edit(text, how, strength, rng))
    source = np.tile(rows.astype(np.int64), len(EDITS))
    kind = np.repeat(np.arange(len(EDITS), dtype=np.int64), len(rows))
    return Planted([text for made in copies for text in made], source, kind)


def tally(
    planted: Planted, found: npt.NDArray[np.bool_], interval: Callable[[int, int], list[float]]
) -> dict[str, dict[str, Any]]:
    """Copies planted and found by kind of edit, each with an exact binomial interval."""
    out = {}
    for k, (name, _, _) in enumerate(EDITS):
        of_kind = planted.kind == k
        n, hits = int(of_kind.sum()), int(found[of_kind].sum())
        if n:
            out[name] = {"planted": n, "found": hits, "interval": interval(hits, n)}
    return out

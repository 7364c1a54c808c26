"""list[str] to 64 bits of SimHash of word 5-grams; the share of differing bits of 2,000 pairs is checked first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np

from benches import corpora
from benches.engines import N
from benches.engines.shingles import strings
from benches.tasks import Case, Task, minhash, quality

BITS = 64


def differing(a: list[str], b: list[str]) -> quality.Float64:
    """What the share of differing bits should be: the angle between the counts over pi (Charikar 2002)."""
    cosines = []
    for x, y in zip(a, b, strict=True):
        one, other = Counter(strings(x)), Counter(strings(y))
        dot = sum(count * other[gram] for gram, count in one.items())
        cosines.append(dot / np.sqrt(sum(c * c for c in one.values()) * sum(c * c for c in other.values())))
    exact: quality.Float64 = np.arccos(np.minimum(cosines, 1)) / np.pi
    return exact


def cases(most: int, names: list[str]) -> Iterator[Case]:
    """Texts and pairs as for MinHash."""
    for name in names or corpora.available():
        texts = corpora.named(name)[:most]
        a, b = corpora.copies(texts[: minhash.PAIRS], seed=0)
        yield Case(name, texts, texts[::2], (a, b), differing(a, b), len(texts), corpora.size(texts), {})


def check(exact: quality.Float64, answer: quality.Float64) -> dict[str, Any]:
    """Against independent bits."""
    return quality.estimate(exact, BITS, answer)


TASK = Task(
    name="simhash",
    what=f"list[str] to SimHash, {BITS} bits, word {N}-grams",
    unit="texts",
    yardstick="simhash",
    cases=cases,
    check=check,
    shown=minhash.SHOWN,
)

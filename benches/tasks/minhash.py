"""list[str] to k = 128 signatures of word 5-grams; Jaccard of 2,000 pairs is estimated first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import overproof as op

from benches import corpora
from benches.engines import K, N
from benches.engines.shingles import strings
from benches.tasks import Case, Task, quality

PAIRS = 2000


def cases(most: int, names: list[str], shingles: Callable[[str], list[Any]] = strings) -> Iterator[Case]:
    """The texts of a corpus; the pairs are its first texts and copies with replaced words."""
    for name in names or corpora.available():
        texts = corpora.named(name)[:most]
        a, b = corpora.copies(texts[:PAIRS], seed=0)
        facts = {"ascii_texts": sum(map(str.isascii, texts))}
        if shingles is strings:
            facts["same_shingles_as_python"] = same_shingles(texts)
        exact = quality.jaccard(a, b, shingles)
        yield Case(name, texts, texts[::2], (a, b), exact, len(texts), corpora.size(texts), facts)


def same_shingles(texts: list[str]) -> float:
    """Share of texts whose set of shingles has the same size in Python's tokens as in overproof's."""
    sizes = np.diff(op.Shingler(N).transform(texts, threads=1).indptr)
    return float(np.mean([len(set(strings(t))) == size for t, size in zip(texts, sizes, strict=True)]))


def check(exact: quality.Float64, answer: quality.Float64) -> dict[str, Any]:
    """Against k independent permutations."""
    return quality.estimate(exact, K, answer)


SHOWN = {"bias": "{:+.4f}", "standard_error": "{:.4f}", "rmse_over_theory": "{:.3f}"}
TASK = Task(
    name="minhash",
    what=f"list[str] to MinHash signature, k = {K}, word {N}-grams",
    unit="texts",
    yardstick="datasketch bulk, sha1",
    cases=partial(cases, shingles=strings),
    check=check,
    shown=SHOWN,
)

"""Similarity join: all pairs of about 20,000 texts whose Jaccard of word 5-grams is at least .7, or .8."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from benches import corpora
from benches.engines import N
from benches.engines.shingles import strings
from benches.tasks import Case, Task, quality

THRESHOLDS = (0.7, 0.8)
COPIES = 2


def cases(most: int, names: list[str]) -> Iterator[Case]:
    """Texts with two copies each in which words are replaced, in an order of chance; lower-case words by one space."""
    for name in names or ["english" if "english" in corpora.available() else "made"]:
        plain = corpora.named(name)[: most // (COPIES + 1)]
        made = [corpora.copies(plain, seed) for seed in range(COPIES)]
        texts = made[0][0] + [text for seed, (_, b) in enumerate(made) for text in marked(b, seed)]
        texts = [texts[i] for i in np.random.default_rng(0).permutation(len(texts))]
        exact = jaccard(texts)
        for threshold in THRESHOLDS:
            truth = np.stack([exact.row, exact.col], axis=1)[exact.data >= threshold]
            given, half = (texts, threshold), (texts[::2], threshold)
            case = f"{name}, {threshold}"
            yield Case(case, given, half, (given,), truth, len(texts), corpora.size(texts), {"threshold": threshold})


def marked(copies: list[str], seed: int) -> list[str]:
    """Replaced words of different copies differ."""
    return [text.replace("y", f"y{seed}") for text in copies] if seed else copies


def jaccard(texts: list[str]) -> sparse.coo_matrix:
    """Exact Jaccard of each pair with a common shingle, left below right: a product of sparse matrices."""
    known: dict[str, int] = {}
    rows = [sorted({known.setdefault(gram, len(known)) for gram in strings(text)}) for text in texts]
    sizes = np.array(list(map(len, rows)))
    indptr = np.concatenate([[0], np.cumsum(sizes)])
    columns = np.concatenate(rows)
    common = np.bincount(columns)[columns] > 1  # what one text has alone is in no pair
    kept = np.concatenate([[0], np.cumsum(common)])[indptr]
    sets = sparse.csr_matrix((np.ones(kept[-1], np.int32), columns[common], kept), shape=(len(texts), len(known)))
    both = sparse.triu(sets @ sets.T, 1).tocoo()
    both.data = both.data / (sizes[both.row] + sizes[both.col] - both.data)
    return both


def check(truth: npt.NDArray[np.int64], answer: npt.NDArray[np.int64]) -> dict[str, Any]:
    """An engine that misses half of the pairs did other work."""
    return quality.found(truth, answer, 0.5)


TASK = Task(
    name="lsh",
    what=f"list[str] to pairs of one side with a Jaccard of at least .7 or .8, word {N}-grams",
    unit="texts",
    yardstick="datasketch",
    cases=cases,
    check=check,
    growth=(1.4, 5.5),  # half of the texts have a quarter of the pairs
    shown={"recall": "{:.3f}", "precision": "{:.3f}"},
)

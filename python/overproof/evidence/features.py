"""What redraws of another sampler, snapshot, host or length limit differ in, asked of the drafts alone."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from overproof.errors import InputError
from overproof.evidence.drafts import draft_rows
from overproof.evidence.self_test import REFUSED_BELOW, SelfTest, draft_similarity, rows_that_differ, self_test
from overproof.shingle import Shingler

if TYPE_CHECKING:
    from overproof.typing import TextsLike

Float64 = npt.NDArray[np.float64]
MAIN = ("similarity to the other drafts", "length", "score against declared innocents")
"""Each may fail an honest run in one of 100 cases; all others together in one of 100."""
MARKS = re.compile(r"[^\w\s]")


def draft_features(
    served: TextsLike, redraws: Sequence[Sequence[str | None] | None], *, threads: int | None = None
) -> dict[str, Float64]:
    """Quantities of each draft by itself, each a table as `self_test` takes it.

    Parameters
    ----------
    served, redraws
        As in `score_drafts`.
    threads : int, optional
        At most this many threads; never changes a value.

    Returns
    -------
    dict of str to float64[n, K + 1]
        ``"length"`` in words, ``"distinct words"`` and ``"letters a word"`` as shares of the words, ``"punctuation"``
        as a share of the characters, ``"lines"``, and ``"cut off"``: 1 where the last character is a letter or a digit.
        NaN where a draft is missing, or has no word to take a share of.

    Raises
    ------
    InputError
        As `score_drafts`.

    Examples
    --------
    >>> found = draft_features(["A cat. A dog."], [["A cat, and"]])
    >>> {name: table.tolist() for name, table in found.items() if name in ("length", "cut off")}
    {'length': [[4.0, 3.0]], 'cut off': [[0.0, 1.0]]}
    """
    rows = draft_rows(served, redraws)
    shape = len(rows), max(map(len, rows), default=1)
    given = [draft is not None for row in rows for draft in row]
    texts = [draft or "" for row in rows for draft in row]
    sets = Shingler(1).transform(texts, errors="replace", threads=threads)
    words, kinds = sets.tokens.astype(np.float64), np.diff(sets.indptr).astype(np.float64)
    size = np.array([len(text) for text in texts], np.float64)
    marks = np.array([len(MARKS.findall(text)) for text in texts], np.float64)
    blank = np.array([len(text) - len("".join(text.split())) for text in texts], np.float64)
    found = {
        "length": words,
        "distinct words": _share(kinds, words),
        "letters a word": _share(size - blank - marks, words),
        "punctuation": _share(marks, size),
        "lines": np.array([text.count("\n") for text in texts], np.float64),
        "cut off": np.array([text.rstrip()[-1:].isalnum() for text in texts], np.float64),
    }
    return {name: np.where(given, values, np.nan).reshape(shape) for name, values in found.items()}


def self_tests(
    served: TextsLike,
    redraws: Sequence[Sequence[str | None] | None],
    *,
    innocents: npt.ArrayLike | None = None,
    threads: int | None = None,
) -> dict[str, SelfTest]:
    """Every self-test that the drafts allow; if one fails, no test on these redraws may give a p-value.

    Parameters
    ----------
    served, redraws, threads
        As in `draft_features`.
    innocents : array_like of float64, shape (n, K + 1), optional
        `score_drafts` of the same drafts against declared innocents: corpora that can hold neither side.

    Returns
    -------
    dict of str to SelfTest
        ``"similarity to the other drafts"`` (with two redraws somewhere), ``"score against declared innocents"``, and
        the quantities of `draft_features`, by name; one in which no drafts differ is left out. The similarity, the
        score and the length fail below 0.01, each other one below 0.01 over their number.

    Raises
    ------
    InputError
        As `score_drafts`; `innocents` has another shape; or all drafts of every row are equal.
    MissingExtraError
        SciPy is missing.

    Notes
    -----
    One redraw a unit is enough for all but the similarity. The rank of the score against innocents takes every row,
    where a line-up takes those that reach tau. Measured on real redraws of another sampler, snapshot, host or length
    limit: docs/evidence/real-nulls.md.

    Examples
    --------
    >>> served = [f"The answer to question {i} is that it depends." for i in range(20)]
    >>> cut = [[text[:25]] for text in served]
    >>> [name for name, test in self_tests(served, cut).items() if not test.passed]
    ['length', 'letters a word', 'punctuation', 'cut off']
    """
    tables = {MAIN[0]: draft_similarity(served, redraws, threads=threads)}
    tables |= draft_features(served, redraws, threads=threads)
    others = sum(name not in MAIN for name in tables)
    if innocents is not None:
        scores = np.asarray(innocents, np.float64)
        if scores.shape != tables[MAIN[0]].shape:
            raise InputError(f"innocents has shape {scores.shape} for drafts of shape {tables[MAIN[0]].shape}")
        tables[MAIN[2]] = scores
    found = {}
    for name, values in tables.items():
        if len(rows_that_differ(values)):
            found[name] = self_test(values, level=REFUSED_BELOW / (1 if name in MAIN else others))
    if not found:
        raise InputError(
            "served and redraws: no drafts of a row differ, so nothing can be tested: draw at a temperature above 0"
        )
    return found


def _share(part: Float64, whole: Float64) -> Float64:
    return np.asarray(np.divide(part, whole, out=np.full(len(part), np.nan), where=whole > 0))

"""Exact containment: what share of the distinct word 8-grams of each suspect text the reference texts have."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from benches import corpora
from benches.engines import WINDOW
from benches.engines.shingles import words
from benches.tasks import Case, Task, quality


def cases(most: int, names: list[str]) -> Iterator[Case]:
    """Reference: plain texts. Suspect: half as many copies of some of them, words replaced, and as many others.

    Texts are lower-case ASCII words by one space, at least one n-gram long, so that all engines have the same n-grams.
    """
    for name in names or [name for name in corpora.available() if name in ("made", "english")]:
        texts = [t for t in corpora.named(name) if t.isascii() and len(words(t)) >= WINDOW][:most]
        plain, copied = corpora.copies(texts, seed=0, n=WINDOW)
        cut = 2 * len(texts) // 3
        reference, suspect = plain[:cut], copied[:cut:2] + plain[cut:]
        given, half = (suspect, reference), (suspect[::2], reference[::2])
        items = sum(len(text.split()) - WINDOW + 1 for text in suspect + reference)
        facts = {"suspect": len(suspect), "reference": len(reference)}
        yield Case(
            name, given, half, (given,), truth(suspect, reference), items, corpora.size(suspect + reference), facts
        )


def truth(suspect: list[str], reference: list[str]) -> quality.Float64:
    """By sets of strings."""

    def grams(text: str) -> set[str]:
        w = text.split()
        return {" ".join(w[i : i + WINDOW]) for i in range(len(w) - WINDOW + 1)}

    known = set().union(*map(grams, reference))
    return np.array([len(row & known) / len(row) for row in map(grams, suspect)])


def check(exact: quality.Float64, answer: quality.Float64) -> dict[str, Any]:
    """The same doubles."""
    wrong = int((np.asarray(answer) != exact).sum())
    return {"wrong_texts": wrong, "right": wrong == 0}


TASK = Task(
    name="overlap",
    what=f"list[str] x 2 to the share of each text's word {WINDOW}-grams that the reference has",
    unit="n-grams",
    yardstick="Polars, strings",
    cases=cases,
    check=check,
    shown={"wrong_texts": "{}"},
)

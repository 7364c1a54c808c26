"""Answers of several models, and of several draws of one, to the same prompts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import overproof as op
from overproof import evidence

from benches.validity import data

EVAL, LOTTERY = "k1_paired/alpaca_eval/", "k1_paired/oasst_lottery/"
SETTINGS: tuple[tuple[str, float], ...] = (("run", 20), ("run", 10), ("ngrams", 8), ("coverage", 20))
"""Scores and taus. docs/evidence asks for runs of 20 tokens and for 8 n-grams; runs of 10 give more events."""


class Draws(NamedTuple):
    """Drafts by what made them, and suspects by name: one text a prompt, in one order."""

    prompts: list[str]
    drafts: dict[str, list[str]]
    suspects: dict[str, list[str]]


def answers(folder: str) -> tuple[dict[str, str], dict[str, dict[str, str]]]:
    """Prompts by id; texts by id of each model, or of each ``model config sample``."""
    prompts = {r["id"]: r["prompt"] for r in data.rows(folder + "_prompts")}
    texts: dict[str, dict[str, str]] = {}
    for name in data.sets(folder):
        model = name.removeprefix(folder)
        for row in data.rows(name):
            key = " ".join([model, *(str(row[k]) for k in ("config", "sample") if k in row)])
            texts.setdefault(key, {})[row["id"]] = row["text"]
    return prompts, texts


def draws(folder: str, drafts: list[str], suspects: list[str] | None = None) -> Draws:
    """The texts of `drafts`, and of all others as suspects, on the prompts that all drafts answer."""
    prompts, texts = answers(folder)
    ids = sorted(set.intersection(*(set(texts[name]) for name in drafts)))
    others = suspects or sorted(set(texts) - set(drafts) - {"NullModel"})
    found = {name: [texts[name][i] for i in ids if i in texts[name]] for name in others}
    return Draws(
        [prompts[i] for i in ids],
        {name: [texts[name][i] for i in ids] for name in drafts},
        {name: theirs for name, theirs in found.items() if len(theirs) >= len(ids) / 2},
    )


def lottery_models() -> list[str]:
    """Models with two draws of each of two samplers and a greedy one, by their names."""
    _, texts = answers(LOTTERY)
    names = sorted({key.split()[0] for key in texts if key.endswith("k50 1")})
    return [name for name in names if len(texts[f"{name} k50 1"]) == 250]


def tables(drafts: list[list[str]], found: Draws, score: str, **masks: Any) -> npt.NDArray[np.float64]:
    """Scores [suspects, prompts, drafts] of columns of drafts; prompts masked."""
    served, *redraws = drafts
    rows = [list(row) for row in zip(*redraws, strict=True)]
    return np.stack(
        [
            evidence.score_drafts(served, rows, theirs, prompts=found.prompts, score=score, **masks)
            for theirs in found.suspects.values()
        ]
    )


def overlaps(texts: dict[str, list[str]]) -> Callable[[str, str], npt.NDArray[np.float64]]:
    """Word-3-gram Jaccard similarity of the answers of two models to each prompt, by name; 0 where both are empty."""
    shingler = op.Shingler(3)
    sets = {name: shingler.transform(of_model) for name, of_model in texts.items()}
    return lambda a, b: np.nan_to_num(op.jaccard(sets[a], sets[b]))

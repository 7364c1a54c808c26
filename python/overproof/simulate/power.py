"""Power from real made texts: what an edit leaves of a served text, measured by the scores that the tests use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from ..errors import InputError
from ..evidence.drafts import score_drafts
from .case import PROVIDER, RIVAL, by_others, trained_models
from .edits import edit
from .lab import Records
from .provider import answer, make_prompts, recited, seeded
from .streams import Floats, keys_of

__all__ = ["EDITED", "TextPool", "text_pool"]

EDITED: Mapping[str, tuple[str, float]] = {
    "none": ("none", 0.0),
    "10 % of words": ("substitute", 0.1),
    "20 % of words": ("substitute", 0.2),
    "30 % of words": ("substitute", 0.3),
    "40 % of words": ("substitute", 0.4),
    "50 % of words": ("substitute", 0.5),
    "half cut away": ("truncate", 0.5),
    "sentences reordered": ("reorder", 1.0),
    "10 % of words dropped": ("drop", 0.1),
}
"""Edits by name: kind and strength of `edit`."""


@dataclass(frozen=True)
class TextPool:
    """Scores of made texts, to draw runs from.

    Attributes
    ----------
    innocent : float64[n, K + 1]
        Of each unit's drafts against a suspect that holds none of them.
    leaked : dict of str to float64[n, K + 1]
        The same against a suspect that holds an edited copy of every served draft, by edit.
    """

    innocent: Floats
    leaked: dict[str, Floats]

    def draw(self, edit: str, *, runs: int, units: int, leaked: int, k: int, seed: int = 0) -> Records:
        """Draw runs of units from the pool, some of them leaked.

        Parameters
        ----------
        edit : str
            One of ``leaked``.
        runs, units, leaked, k : int
            Runs, redrawn units of each, how many of them the suspect holds, redraws of each.
        seed : int
            Of the choice.

        Returns
        -------
        Records

        Raises
        ------
        InputError
            Unknown edit, or more units or redraws than the pool has.
        """
        n, width = self.innocent.shape
        if edit not in self.leaked:
            raise InputError(f"edit={edit!r} is unknown; give one of {', '.join(self.leaked)}")
        if not 0 <= leaked <= units <= n or not 1 <= k < width:
            raise InputError(f"{leaked} leaked of {units} units with {k} redraws: the pool has {n} with {width - 1}")
        rng = np.random.default_rng([seed, runs, units, leaked, k])
        chosen = np.argsort(rng.random((runs, n)), axis=1)[:, :units]
        held = np.broadcast_to(np.arange(units) < leaked, chosen.shape)
        redraws = 1 + np.argsort(rng.random((runs * units, width - 1)), axis=1)[:, :k]
        columns = np.column_stack([np.zeros(runs * units, np.int64), redraws])
        rows, flags = chosen.ravel(), held.ravel()
        scores = np.where(flags[:, None], self.leaked[edit][rows], self.innocent[rows])
        return Records(
            run=np.repeat(np.arange(runs), units),
            prompt=rows,
            cache=np.full(len(rows), -1),
            account=np.zeros(len(rows), np.int64),
            scores=np.take_along_axis(scores, columns, axis=1),
            leaked=flags.copy(),
            runs=runs,
        )


def text_pool(
    seed: int = 0,
    *,
    units: int = 400,
    k: int = 9,
    suspect: int = 1000,
    edits: Mapping[str, tuple[str, float]] = EDITED,
    documents: int = 400,
    score: str = "run",
    boilerplate: bool | int = True,
    max_words: int = PROVIDER.max_words,
) -> TextPool:
    """Make served texts, redraws and suspects with edited copies of them, and score them all, with every mask.

    Parameters
    ----------
    seed : int
        The only source of randomness.
    units, k : int
        Prompts, one served text each, and redraws of each.
    suspect : int
        Rows of another model in the suspect, half of them to the same prompts.
    edits : Mapping[str, tuple of str and float]
        Kind and strength of `edit` by name.
    documents : int
        Passages of each author's documentation on the web, which is the background, beside those that prompts ask for.
    score, boilerplate
        As in `score_drafts`.
    max_words : int
        Length limit of the provider.

    Returns
    -------
    TextPool

    Notes
    -----
    0.15 ms a draft to make and 0.1 ms to score with each edit. Every copy stands in the suspect at once, so a draw of
    fewer has a little more chance matches than it would alone.

    Examples
    --------
    >>> pool = text_pool(units=40, k=2, suspect=60, edits={"none": ("none", 0.0)})
    >>> made = pool.draw("none", runs=2, units=20, leaked=8, k=2)
    >>> float((made.scores[made.leaked, 0] >= 20).mean()) > 0.8
    True
    """
    ours, theirs = trained_models()
    prompts = make_prompts(seeded(seed, "pool prompts"), units)
    sampler = replace(PROVIDER, max_words=max_words)
    rows = np.arange(units)
    drafts = [answer(prompts, [sampler] * units, keys_of(seed, "pool", rows, draft)) for draft in range(k + 1)]
    redraws = [list(row) for row in zip(*drafts[1:], strict=True)]
    others = by_others(
        seeded(seed, "pool suspect"),
        model=theirs,
        sampler=RIVAL,
        asked=prompts,
        recited=recited(ours, prompts),
        count=suspect,
    )
    texts = [row["text"] for row in others]
    web = list(
        dict.fromkeys([*recited(ours, prompts).values(), *ours.passages[:documents], *theirs.passages[:documents]])
    )

    def scored(corpus: list[str]) -> Floats:
        return score_drafts(
            drafts[0], redraws, corpus, prompts=prompts, background=web, boilerplate=boilerplate, score=score
        )

    leaked = {}
    for name, (kind, strength) in edits.items():
        rng = seeded(seed, f"pool {name}")
        copies = [edit(text, kind, strength, rng) for text in drafts[0]]
        leaked[name] = scored(texts + copies)
    return TextPool(scored(texts), leaked)

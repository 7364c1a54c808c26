"""The audit inside an investigation: planted copies, and known innocents, scored as the drafts are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from overproof import audit
from overproof.comparison import binomial_interval
from overproof.corpus import Corpus
from overproof.evidence.drafts import score_drafts
from overproof.evidence.selection import keyed_ranks

Int64 = npt.NDArray[np.int64]

LEAST_TOKENS = 40
"""A planted text has so many tokens, so that half of it can still reach the usual tau of 20."""


def planted_recall(
    log: Corpus,
    tested: Int64,
    *,
    tau: float,
    tokens: Int64,
    key: bytes,
    seed: int,
    most: int = 200,
    confidence: float = 0.95,
    **how: Any,
) -> list[dict[str, Any]]:
    """How often edited copies of served texts would have been found by this run's own score and tau.

    Parameters
    ----------
    log : Corpus
        The whole log.
    tested : int64[u]
        Rows that take part in the tests: none of them is planted.
    tau : float
        Least score of a hit.
    tokens : int64[n]
        Tokens of each served text; only texts of 40 and more are planted.
    key : bytes
        Chooses the planted records, as `keyed_ranks` does.
    seed : int
        Of the edits.
    most : int
        Planted records, each once by every edit.
    confidence : float
        Of the intervals.
    **how
        ``score``, ``background``, ``shingler`` and the like of `score_drafts`.

    Returns
    -------
    list of dict
        For each edit ``edit, planted, found, interval``; empty where no record is left to plant.

    Notes
    -----
    The copies are a corpus of their own, searched after the first pass: they change no mask, frequency or bucket of it.
    """
    able = tokens >= LEAST_TOKENS
    able[tested] = False
    rows = np.flatnonzero(able)
    if not len(rows):
        return []
    names = [str(i) if log.ids is None else log.ids[i] or str(i) for i in rows.tolist()]
    rows = np.sort(rows[np.argsort(keyed_ranks(names, key=key), kind="stable")[:most]])
    texts = [log.texts[i] or "" for i in rows.tolist()]
    prompts = None if log.prompts is None else log.prompts.take(rows).to_list()
    copies = audit.plant(texts, np.arange(len(rows)), seed=seed)
    found = np.zeros(len(copies.texts), np.bool_)
    for kind in range(len(audit.EDITS)):
        of_kind = np.flatnonzero(copies.kind == kind)
        hits = scores_of(texts, [copies.texts[i] for i in of_kind.tolist()], prompts=prompts, **how) >= tau
        found[of_kind] = hits[copies.source[of_kind]]
    tally = audit.tally(copies, found, lambda x, n: binomial_interval(x, n, confidence=confidence))
    return [{"edit": name, **row} for name, row in tally.items()]


def innocent_hits(
    served: list[str],
    prompts: Any,
    innocents: Mapping[str, Corpus],
    *,
    tau: float,
    confidence: float = 0.95,
    **how: Any,
) -> list[dict[str, Any]]:
    """How many of the served drafts reach tau in corpora that cannot hold them.

    Returns
    -------
    list of dict
        For each corpus ``name, texts, found, interval``; texts are the served drafts.
    """
    out = []
    for name, corpus in innocents.items():
        hits = int((scores_of(served, corpus.texts, prompts=prompts, **how) >= tau).sum())
        interval = binomial_interval(hits, len(served), confidence=confidence)
        out.append({"name": name, "texts": len(served), "found": hits, "interval": interval})
    return out


def scores_of(texts: list[str], suspect: Any, **how: Any) -> npt.NDArray[np.float64]:
    """The scores of single texts: each is beside a draft that can share nothing."""
    return score_drafts(texts, [[""]] * len(texts), suspect, **how)[:, 0]

"""Innocent worlds in which one rule is broken: what each rule of docs/evidence is there for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from overproof.simulate import lab
from overproof.simulate.lab import Records


def broken(runs: int, k: int) -> Iterator[tuple[str, Any]]:
    """Each rule and the p-values, one a run, of a line-up that breaks it."""
    for setting in ("cached copies", "shared redraws", "hot prompts", "clusters"):
        made = lab.null_records(setting, runs=runs, k=k, units=20)
        yield f"one record a unit: {setting}", _pvalues(made)
    yield "one record a unit: one text served 20 times, nothing else", _pvalues(one_cached_text(runs, k))
    plain = lab.null_records("plain", runs=runs, k=k, units=200, seed=1)
    by_tau = [_pvalues(plain, tau=tau) for tau in range(6, 36)]
    yield "tau fixed before: the best of 30", np.min(by_tau, axis=0)
    chosen = plain.take(np.flatnonzero(plain.scores[:, 0] >= lab.TAU))
    yield "records chosen blind: those whose served text matched", _pvalues(chosen)
    yield "all redraws kept: the worst half of them", _pvalues(worst_redraws(runs, k))
    atoms = lab.null_records("identical atoms", runs=runs, k=k, units=200)
    yield "ties are silent: they go to the served draft", _pvalues(ties_won(atoms))
    yield "near-duplicates of the suspect count once: each counts", copies_counted(plain)
    yield "redraws of the same settings: every other long run is cut", _pvalues(drifted(plain))


def _pvalues(records: Records, tau: float = lab.TAU) -> Any:
    return lab.line_up_pvalues(lab.count_events(records, tau=tau))


def one_cached_text(runs: int, k: int) -> Records:
    """One text served 20 times from the cache, each time with redraws of its own; all reach tau."""
    rng = np.random.default_rng([runs, k])
    scores = lab.TAU + 40 * rng.random((runs, 20, k + 1))
    scores[:, :, 0] = scores[:, :1, 0]
    plain = lab.null_records("plain", runs=runs, k=k, units=20)
    return replace(plain, scores=scores.reshape(-1, k + 1))


def worst_redraws(runs: int, k: int) -> Records:
    """Twice as many redraws are drawn, and those that fit the suspect best are thrown away."""
    made = lab.null_records("plain", runs=runs, k=2 * k, units=200, seed=2)
    return replace(made, scores=np.column_stack([made.scores[:, 0], np.sort(made.scores[:, 1:], axis=1)[:, :k]]))


def ties_won(records: Records) -> Records:
    """The served draft gets half a token more."""
    return replace(records, scores=records.scores + 0.5 * (np.arange(records.scores.shape[1]) == 0))


def copies_counted(records: Records) -> Any:
    """Each event counts once for each near-copy, one to twenty, of what it matched."""
    rng = np.random.default_rng(len(records))
    copies = np.floor(1 + 20 * rng.random(len(records)) ** 2).astype(np.int64)
    return _pvalues(records.take(np.repeat(np.arange(len(records)), copies)))


def drifted(records: Records) -> Records:
    """Redraws under a length limit: every other one that would reach tau stays below."""
    rng = np.random.default_rng(len(records))
    cut = (rng.random(records.scores.shape) < 0.5) & (np.arange(records.scores.shape[1]) > 0)
    return replace(records, scores=np.where(cut, np.minimum(records.scores, lab.TAU - 1), records.scores))

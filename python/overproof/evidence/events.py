"""Events of a line-up: the rows that count, and how likely so many are won at a bias.

Every test on scores of drafts starts from these.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from overproof._extras import need
from overproof.errors import InputError

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Events:
    """Rows that count, whether the served draft won each, and how many redraws it stood beside."""

    rows: Int64
    won: npt.NDArray[np.bool_]
    redraws: Int64
    skipped: dict[str, int]

    @property
    def wins(self) -> int:
        return int(self.won.sum())


def score_table(scores: npt.ArrayLike) -> Float64:
    """Scores as float64[n, K + 1].

    Raises
    ------
    InputError
        They are no such table, or infinite.
    """
    try:
        table = np.asarray(scores, np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"scores must be numbers in rows of one length: {error}") from None
    if table.ndim != 2 or table.shape[1] < 2:
        raise InputError(f"scores has shape {table.shape}; give (rows, K + 1): the served draft, then K >= 1 redraws")
    if np.isinf(table).any():
        raise InputError(f"scores: row {int(np.flatnonzero(np.isinf(table).any(axis=1))[0])} holds an infinite score")
    return table


def one_row_a_unit(units: Sequence[object] | None, rows: int) -> None:
    """Refuse two rows of one unit.

    Raises
    ------
    InputError
        There are two, or units of another number of rows.
    """
    if units is None:
        return
    if len(units) != rows:
        raise InputError(f"units has {len(units)} values for {rows} rows")
    first: dict[object, int] = {}
    for row, unit in enumerate(units):
        if first.setdefault(unit, row) != row:
            raise InputError(
                f"units: rows {first[unit]} and {row} are of one unit, {unit!r}; take one served record of each unit, "
                "by the plan's pseudo-random function, before the search"
            )


def events_of(table: Float64, tau: float) -> Events:
    """The rows whose best draft reaches tau and is the only best.

    Examples
    --------
    >>> found = events_of(np.array([[25.0, 3.0], [4.0, 30.0], [9.0, 9.0], [50.0, 50.0]]), 20)
    >>> found.rows, found.won, found.skipped["best draft tied"]
    (array([0, 1]), array([ True, False]), 1)
    """
    here = ~np.isnan(table)
    redraws = here[:, 1:].sum(axis=1)
    able = here[:, 0] & (redraws > 0)
    best = np.max(table, axis=1, initial=-np.inf, where=here)
    tied = (table == best[:, None]).sum(axis=1) > 1
    rows = np.flatnonzero(able & (best >= tau) & ~tied)
    skipped = {
        "served draft missing": int((~here[:, 0]).sum()),
        "no redraw": int((here[:, 0] & (redraws == 0)).sum()),
        "below tau": int((able & (best < tau)).sum()),
        "best draft tied": int((able & (best >= tau) & tied).sum()),
    }
    return Events(rows, table[rows, 0] == best[rows], redraws[rows].astype(np.int64), skipped)


def _pmf(redraws: Int64, bias: float) -> tuple[Float64, int]:
    """Probabilities of the number of wins, from the least number that has one, and that number."""
    stats = need("scipy.stats", extra="stats")
    total, start = np.ones(1), 0
    for k, n in zip(*np.unique(redraws, return_counts=True), strict=True):
        made = stats.binom.pmf(np.arange(n + 1), n, bias / (bias + k))
        support = np.flatnonzero(made > 0)
        total = np.convolve(total, made[support[0] : support[-1] + 1])
        start += int(support[0])
    return total, start


def tail_of_wins(wins: int, redraws: Int64, bias: float) -> float:
    """P(W >= wins), W the number of events won at a bias."""
    stats = need("scipy.stats", extra="stats")
    kinds = np.unique(redraws)
    if wins <= 0 or len(redraws) == 0:
        return 1.0
    if len(kinds) == 1:
        return float(stats.binom.sf(wins - 1, len(redraws), bias / (bias + kinds[0])))
    pmf, start = _pmf(redraws, bias)
    # Smallest first: the tail keeps its digits.
    return min(1.0, math.fsum(pmf[max(0, wins - start) :]))


def head_of_wins(wins: int, redraws: Int64, bias: float) -> float:
    """P(W <= wins)."""
    stats = need("scipy.stats", extra="stats")
    kinds = np.unique(redraws)
    if len(kinds) == 1:
        return float(stats.binom.cdf(wins, len(redraws), bias / (bias + kinds[0])))
    pmf, start = _pmf(redraws, bias)
    return min(1.0, math.fsum(pmf[: max(0, wins - start + 1)]))


def solved_bias(tail: Callable[[float], float], level: float) -> float:
    """The bias at which a tail that rises, or falls, with it reaches a level."""
    optimize = need("scipy.optimize", extra="stats")
    root = optimize.brentq(lambda x: tail(math.exp(x)) - level, -60, 60, xtol=1e-14, rtol=1e-15)
    return math.exp(root)

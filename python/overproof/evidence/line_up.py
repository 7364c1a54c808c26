"""The line-up: does the served draft fit the suspect better than drafts that nobody was served?

If the suspect never obtained what was served, a served output and its unserved redraws are exchangeable, whatever the
web holds: which of the drafts fits best is uniform among them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from overproof.errors import InputError
from overproof.evidence.events import (
    Events,
    events_of,
    head_of_wins,
    one_row_a_unit,
    score_table,
    solved_bias,
    tail_of_wins,
)
from overproof.evidence.result import Result, between, count

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]

EXCHANGEABLE = (
    "Had the suspect not obtained what was served, the served draft and its redraws would be exchangeable: same "
    "generation settings, one record a unit, redraws chosen before any output was compared, nothing computed from the "
    "served drafts alone."
)
PLACEBO_LIMIT = 3.0
"""A placebo that allows a greater bias than this says nothing."""


@dataclass(frozen=True, kw_only=True)
class LineUp(Result):
    """What `line_up` found.

    ``statistic`` is the number of wins, or with ``method="permutation"`` the sum of the served scores; ``interval`` is
    of the bias G (1: none), the odds by which a served draft is preferred to one redraw; ``n`` is the number of events.
    """

    wins: int
    events: Int64
    """Rows whose best draft reaches tau and is the only best."""
    least_pvalue: float
    """What it would be had every event been won: above the level, the test could not have found anything."""
    skipped: dict[str, int]
    """Rows that took no part, by reason."""


@dataclass(frozen=True, kw_only=True)
class Sensitivity(Result):
    """What `sensitivity` found: ``g_star``, and the p-value at each bias of ``g``; ``statistic`` is ``g_star``."""

    g_star: float
    """The largest bias at which the p-value is still at most alpha; NaN without events."""
    g: Float64
    pvalues: Float64


@dataclass(frozen=True, kw_only=True)
class TimePlacebo(Result):
    """What `time_placebo` found; ``statistic`` is the upper limit of the bias G, ``interval`` its interval."""

    informative: bool
    """Whether the upper limit is at most 3; if not, the placebo neither supports nor weakens a line-up."""


def line_up(
    scores: npt.ArrayLike,
    *,
    tau: float,
    units: Sequence[object] | None = None,
    method: str = "binomial",
    alpha: float = 0.001,
    tests: int = 1,
    confidence: float = 0.95,
    rng: Any = None,
) -> LineUp:
    """Test whether served drafts fit the suspect better than their unserved redraws.

    An *event* is a row whose best score is at least `tau` and held by one draft alone; it is *won* if that is the
    served draft. Under the null each event is won with probability 1 / (K + 1), K its number of redraws.

    Parameters
    ----------
    scores : array_like of float64, shape (n, K + 1)
        One row a unit: column 0 the served draft, the others its redraws; NaN where a redraw is missing.
    tau : float
        Least score of an event. It is fixed in the plan: chosen after looking, p < .05 comes in 26 % of innocent cases.
    units : sequence, optional
        The unit of each row. Two rows of one unit are refused: they share prompts, caches or sources.
    method : {"binomial", "permutation"}
        Count wins, with the exact Poisson-binomial tail; or sum the served scores of at least tau, with served and
        redraws permuted within each row: more power where scores differ much, never below 1 / (permutations + 1).
    alpha, tests : float, int
        Level of the plan and number of tests in it; the permutation draws ``20 * tests / alpha`` times.
    confidence : float
        Of the interval of G.
    rng : {None, int, numpy.random.Generator}, optional
        Of the permutations, as in SciPy; unused by the binomial method.

    Returns
    -------
    LineUp

    Raises
    ------
    InputError
        Scores are not two-dimensional, infinite, or two rows share a unit.
    MissingExtraError
        SciPy is missing.

    Notes
    -----
    P(W >= w) for W the sum of independent Bernoulli(G / (G + K_i)) at G = 1, by convolving one binomial for each K:
    exact but for rounding (relative error below 1e-12). The interval of G inverts both tails.

    References
    ----------
    Rosenbaum 2002, Observational Studies, section 4 (bias G); Phipson and Smyth 2010 (p = (b + 1) / (B + 1)).

    Examples
    --------
    >>> import numpy as np
    >>> scores = np.tile([25.0, 4.0, 3.0, 0.0, 6.0], (6, 1))
    >>> found = line_up(scores, tau=20)
    >>> found.wins, found.n, round(found.pvalue, 6)
    (6, 6, 6.4e-05)
    """
    table = score_table(scores)
    one_row_a_unit(units, len(table))
    found = events_of(table, between(tau, "tau", -math.inf, math.inf))
    confidence = between(confidence, "confidence", 0, 1)
    alpha, tests = between(alpha, "alpha", 0, 1), count(tests, "tests", 1)
    if method == "binomial":
        statistic = float(found.wins)
        pvalue = tail_of_wins(found.wins, found.redraws, 1.0)
        least = tail_of_wins(len(found.rows), found.redraws, 1.0)
    elif method == "permutation":
        statistic, pvalue, least = permuted(table, tau, math.ceil(20 * tests / alpha), np.random.default_rng(rng))
    else:
        raise InputError(f'method={method!r} is unknown; give "binomial" or "permutation"')
    return LineUp(
        statistic=statistic,
        pvalue=pvalue,
        interval=_bias_interval(found, confidence),
        n=len(found.rows),
        assumption=EXCHANGEABLE,
        wins=found.wins,
        events=found.rows,
        least_pvalue=least,
        skipped=found.skipped,
    )


def sensitivity(
    scores: npt.ArrayLike,
    *,
    tau: float,
    alpha: float = 0.001,
    units: Sequence[object] | None = None,
    g: npt.ArrayLike | None = None,
    confidence: float = 0.95,
) -> Sensitivity:
    """How large a bias in favour of served drafts the line-up survives (Rosenbaum bounds).

    Were served drafts preferred to any one redraw by odds G for a reason other than copying, an event would be won with
    probability G / (G + K). ``g_star`` is the largest G at which the line-up still has p <= alpha.

    Parameters
    ----------
    scores, tau, units, confidence
        As in `line_up`.
    alpha : float
        Level of the plan.
    g : array_like of float64, optional
        Biases of the curve; default 1 to 100, 41 of them evenly spaced in logarithm.

    Returns
    -------
    Sensitivity

    Raises
    ------
    InputError, MissingExtraError
        As `line_up`; or a bias is not above 0.

    References
    ----------
    Rosenbaum 2002, Observational Studies, section 4.

    Examples
    --------
    >>> import numpy as np
    >>> scores = np.tile([25.0] + [4.0] * 9, (10, 1))
    >>> found = sensitivity(scores, tau=20)
    >>> round(found.g_star, 2), bool(found.pvalues[0] < 1e-9)
    (9.04, True)
    """
    alpha = between(alpha, "alpha", 0, 1)
    table = score_table(scores)
    one_row_a_unit(units, len(table))
    found = events_of(table, between(tau, "tau", -math.inf, math.inf))
    biases = np.geomspace(1, 100, 41) if g is None else np.atleast_1d(np.asarray(g, np.float64))
    if not np.all((biases > 0) & np.isfinite(biases)):
        raise InputError("g: biases must be finite and above 0")

    def at(bias: float) -> float:
        return tail_of_wins(found.wins, found.redraws, bias)

    g_star = solved_bias(at, alpha) if len(found.rows) and found.wins else math.nan
    return Sensitivity(
        statistic=g_star,
        pvalue=at(1.0),
        interval=_bias_interval(found, between(confidence, "confidence", 0, 1)),
        n=len(found.rows),
        assumption=EXCHANGEABLE,
        g_star=g_star,
        g=biases,
        pvalues=np.array([at(float(b)) for b in biases]),
    )


def time_placebo(
    scores: npt.ArrayLike, *, tau: float, units: Sequence[object] | None = None, confidence: float = 0.95
) -> TimePlacebo:
    """The same line-up on outputs that were served after the suspect was published, which it cannot hold.

    It measures the bias that copying cannot explain. One whose lower limit of G is above 1 has shown such a bias: an L1
    claim then needs a G* above its upper limit.

    Parameters
    ----------
    scores, tau, units, confidence
        As in `line_up`; every row served after publication.

    Returns
    -------
    TimePlacebo

    Raises
    ------
    InputError, MissingExtraError
        As `line_up`.

    Examples
    --------
    >>> import numpy as np
    >>> scores = np.array([[25.0, 3.0], [4.0, 30.0]] * 40)
    >>> found = time_placebo(scores, tau=20)
    >>> found.n, round(found.statistic, 2), found.informative
    (80, 1.59, True)
    """
    found = line_up(scores, tau=tau, units=units, confidence=confidence)
    upper = found.interval[1]
    return TimePlacebo(
        statistic=upper,
        pvalue=found.pvalue,
        interval=found.interval,
        n=found.n,
        assumption="Every row was served after the suspect was published, so no win can come from copying.",
        informative=upper <= PLACEBO_LIMIT,
    )


def _bias_interval(found: Events, confidence: float) -> tuple[float, float]:
    wins, n, level = found.wins, len(found.rows), (1 - confidence) / 2
    low = solved_bias(lambda g: tail_of_wins(wins, found.redraws, g), level) if wins else 0.0
    high = solved_bias(lambda g: head_of_wins(wins, found.redraws, g), level) if wins < n else math.inf
    return low, high


def permuted(table: Float64, tau: float, draws: int, rng: np.random.Generator) -> tuple[float, float, float]:
    """The sum of served scores of at least tau, its p-value by permutation within rows, and the least possible one."""
    here = ~np.isnan(table)
    able = here[:, 0] & here[:, 1:].any(axis=1)
    weights = np.where(here & (table >= tau), table, 0.0)[able]
    redraws = here[able].sum(axis=1)
    # Missing drafts go last, so that a column drawn below the number of drafts is one that is there.
    order = np.argsort(~here[able], axis=1, kind="stable")
    weights = np.take_along_axis(weights, order, axis=1)
    matter = weights.max(axis=1, initial=0.0) != weights.min(axis=1, initial=0.0)
    fixed = weights[~matter, 0].sum()
    weights, redraws = weights[matter], redraws[matter]
    observed = weights[:, 0].sum()
    # Sums of the same terms in another order differ by rounding; such ties count against the claim.
    slack = 1e-9 * np.abs(weights).max(initial=0.0) * max(1, len(weights))
    at_least, most = 0, max(1, (1 << 22) // max(1, len(weights)))
    done = 0
    while done < draws:
        now = min(most, draws - done)
        columns = (rng.random((now, len(weights))) * redraws).astype(np.int64)
        sums = weights[np.arange(len(weights)), columns].sum(axis=1)
        at_least += int((sums >= observed - slack).sum())
        done += now
    return float(observed + fixed), (at_least + 1) / (draws + 1), 1 / (draws + 1)

"""How often served outputs are found, beside redraws that nobody was served."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from overproof._extras import need
from overproof.comparison import binomial_interval
from overproof.errors import InputError
from overproof.evidence.result import Result, between, count

ONE_A_UNIT = (
    "One served record of each unit and exactly one redraw of each unit of a simple random sample; had the suspect not "
    "obtained what was served, a hit would be as likely on either."
)


@dataclass(frozen=True, kw_only=True)
class RateRatio(Result):
    """What `rate_ratio` found: ``statistic`` and ``interval`` are of the ratio of hit rates, ``n`` the hits."""


@dataclass(frozen=True, kw_only=True)
class LeakRate(Result):
    """What `leak_rate` found.

    ``statistic`` and ``interval`` are of the difference of hit rates: the share of served outputs found for no reason
    that redraws share, a lower bound of the share that leaked. ``n`` is the number of served units.
    """

    recall: float
    """Share of planted copies found; NaN without any."""
    corrected: float
    """``statistic`` over ``recall``; NaN without planted copies."""
    corrected_interval: tuple[float, float]
    """Of the corrected rate, at the same confidence at least."""


def rate_ratio(
    hits_served: int, n_served: int, hits_redrawn: int, n_redrawn: int, *, confidence: float = 0.95
) -> RateRatio:
    """Test whether served outputs are found more often than unserved redraws.

    Parameters
    ----------
    hits_served, n_served : int
        Served records found, of one record a unit.
    hits_redrawn, n_redrawn : int
        Redraws found, of exactly one redraw for each unit of a simple random sample.
    confidence : float
        Of the interval.

    Returns
    -------
    RateRatio

    Raises
    ------
    InputError
        More hits than records, or no record.
    MissingExtraError
        SciPy is missing.

    Notes
    -----
    Given the total, hits on served records are Bin(total, N_s / (N_s + N_g)) under the null; the p-value is its upper
    tail, and the interval that of the binomial (Clopper and Pearson) as a ratio.

    References
    ----------
    Przyborowski and Wilenski 1940 (conditional test); Clopper and Pearson 1934.

    Examples
    --------
    >>> found = rate_ratio(30, 1000, 4, 1000)
    >>> found.statistic, round(found.pvalue, 8), [round(x, 1) for x in found.interval]
    (7.5, 3.08e-06, [2.6, 29.3])
    """
    stats = need("scipy.stats", extra="stats")
    _of(hits_served, n_served, "served")
    _of(hits_redrawn, n_redrawn, "redrawn")
    total = hits_served + hits_redrawn
    share = n_served / (n_served + n_redrawn)
    ratio = (hits_served / n_served) / (hits_redrawn / n_redrawn) if hits_redrawn else math.inf
    low, high = binomial_interval(hits_served, total, confidence=between(confidence, "confidence", 0, 1))

    def as_ratio(p: float) -> float:
        return p / (1 - p) * n_redrawn / n_served if p < 1 else math.inf

    return RateRatio(
        statistic=ratio if total else math.nan,
        pvalue=float(stats.binom.sf(hits_served - 1, total, share)),
        interval=(as_ratio(low), as_ratio(high)),
        n=total,
        assumption=ONE_A_UNIT,
    )


def leak_rate(
    hits_served: int,
    n_served: int,
    hits_redrawn: int,
    n_redrawn: int,
    *,
    planted: int = 0,
    found: int = 0,
    confidence: float = 0.95,
) -> LeakRate:
    """The share of served outputs that are found beyond what redraws explain.

    Parameters
    ----------
    hits_served, n_served, hits_redrawn, n_redrawn : int
        As in `rate_ratio`.
    planted, found : int
        Copies planted by this run's audit and how many it found, at the edits that the suspect is thought to use.
    confidence : float
        Of the intervals.

    Returns
    -------
    LeakRate

    Raises
    ------
    InputError, MissingExtraError
        As `rate_ratio`.

    Notes
    -----
    The interval of the difference inverts the score test with the constrained maximum-likelihood variance; its coverage
    is close to nominal, not above it everywhere. The p-value is that of `rate_ratio`. The corrected interval divides by
    the exact interval of the recall, each at half of the error.

    References
    ----------
    Miettinen and Nurminen 1985; Farrington and Manning 1990.

    Examples
    --------
    >>> got = leak_rate(120, 1000, 10, 1000, planted=200, found=180)
    >>> round(got.statistic, 3), [round(x, 3) for x in got.interval], round(got.corrected, 3)
    (0.11, [0.09, 0.132], 0.122)
    """
    confidence = between(confidence, "confidence", 0, 1)
    test = rate_ratio(hits_served, n_served, hits_redrawn, n_redrawn, confidence=confidence)
    sides = (hits_served, n_served, hits_redrawn, n_redrawn)
    difference = hits_served / n_served - hits_redrawn / n_redrawn
    recall, corrected, within = math.nan, math.nan, (math.nan, math.nan)
    if planted:
        _of(found, planted, "planted")
        recall = found / planted
        half = 1 - (1 - confidence) / 2
        low, high = difference_interval(*sides, confidence=half)
        worst, best = binomial_interval(found, planted, confidence=half)
        corrected = min(1.0, difference / recall) if recall else math.nan
        # A negative end gets wider by the lower recall too.
        within = (
            max(-1.0, low / (best if low > 0 else worst)) if worst or low > 0 else -1.0,
            min(1.0, high / (worst if high > 0 else best)) if worst or high <= 0 else 1.0,
        )
    return LeakRate(
        statistic=difference,
        pvalue=test.pvalue,
        interval=difference_interval(*sides, confidence=confidence),
        n=n_served,
        assumption=ONE_A_UNIT,
        recall=recall,
        corrected=corrected,
        corrected_interval=within,
    )


def _of(hits: Any, n: Any, name: str) -> None:
    if count(hits, f"hits of {name}") > count(n, f"number of {name}", 1):
        raise InputError(f"{hits} hits among {n} {name} records")


def difference_interval(x1: int, n1: int, x2: int, n2: int, *, confidence: float) -> tuple[float, float]:
    """The interval of x1 / n1 - x2 / n2 by scores (Miettinen and Nurminen)."""
    optimize, stats = need("scipy.optimize", extra="stats"), need("scipy.stats", extra="stats")
    z = float(stats.norm.isf((1 - confidence) / 2))
    difference = x1 / n1 - x2 / n2

    def score(delta: float) -> float:
        p1, p2 = constrained(x1, n1, x2, n2, delta)
        variance = (p1 * (1 - p1) / n1 + p2 * (1 - p2) / n2) * (n1 + n2) / (n1 + n2 - 1)
        return (
            (difference - delta) / math.sqrt(variance) if variance > 0 else math.copysign(math.inf, difference - delta)
        )

    def end(edge: float, at: float) -> float:
        """Where the score is `at`, between the estimate and an edge."""
        if abs(difference - edge) < 1e-15:
            return edge

        def gap(delta: float) -> float:
            return max(-1e6, min(1e6, score(delta))) - at

        inner = difference + (edge - difference) * 1e-12
        outer = edge + (difference - edge) * 1e-12
        if gap(inner) * gap(outer) > 0:
            return edge
        return float(optimize.brentq(gap, *sorted((inner, outer)), xtol=1e-15, rtol=1e-14))

    return end(-1.0, z), end(1.0, -z)


def constrained(x1: int, n1: int, x2: int, n2: int, delta: float) -> tuple[float, float]:
    """Maximum likelihood of two rates whose difference is delta: the root of a cubic (Farrington and Manning)."""
    n = n1 + n2
    l3, l2 = n, (n1 + 2 * n2) * delta - n - x1 - x2
    l1 = (n2 * delta - n - 2 * x2) * delta + x1 + x2
    l0 = x2 * delta * (1 - delta)
    q = l2**3 / (3 * l3) ** 3 - l1 * l2 / (6 * l3**2) + l0 / (2 * l3)
    inside = l2**2 / (3 * l3) ** 2 - l1 / (3 * l3)
    p = math.copysign(math.sqrt(max(0.0, inside)), q)
    angle = (math.pi + math.acos(max(-1.0, min(1.0, q / p**3 if p else 0.0)))) / 3
    p2 = min(1.0, max(0.0, 2 * p * math.cos(angle) - l2 / (3 * l3)))
    return min(1.0, max(0.0, p2 + delta)), p2

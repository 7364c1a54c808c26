"""How many units must be drawn again, and how often, for a line-up to find a leak of a given size."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from overproof._extras import need
from overproof.errors import InputError
from overproof.evidence.result import between, count

MOST = 1e5
"""Leaked units beyond which no plan needs more."""


@dataclass(frozen=True, kw_only=True)
class Size:
    """What `plan_size` found for one number of redraws.

    Attributes
    ----------
    draws : int
        Redraws of each unit (K).
    leaked_units : float
        Expected number of leaked units that must be among those drawn again.
    share : float
        Share of the log's units to draw again, were they chosen at random; above 1: out of reach.
    units, redraws : int or None
        Units and redraws, where the number of units in the log is known.
    """

    draws: int
    leaked_units: float
    share: float
    units: int | None
    redraws: int | None

    def to_dict(self) -> dict[str, Any]:
        """All fields."""
        return dict(vars(self))


def leaked_units(draws: int, *, alpha: float = 0.001, power: float = 0.9, noise: float = 0.0, g: float = 1.0) -> float:
    """The expected number of leaked units among those drawn again at which the line-up reaches a power.

    Leaked units become events that the served draft wins; their number is Poisson. Each brings `noise` events on
    average in which all drafts are alike.

    Parameters
    ----------
    draws : int
        Redraws of each unit (K).
    alpha, power : float
        Level, and chance of reaching it.
    noise : float
        Innocent events for each leaked one.
    g : float
        Bias at which the level must still be reached (`sensitivity`).

    Returns
    -------
    float

    Raises
    ------
    InputError
        A number is out of range, or no number of units below 100,000 is enough.
    MissingExtraError
        SciPy is missing.

    Notes
    -----
    Power is P(X + Y > c(X + N)), X ~ Poisson(m) leaked events, N ~ Poisson(noise m) others, Y ~ Bin(N, 1 / (K + 1)) of
    them won, c the critical number of wins of the binomial test with chance g / (g + K); m by bisection.

    Examples
    --------
    >>> [round(leaked_units(k)) for k in (1, 4, 19)], [round(leaked_units(k, noise=1)) for k in (1, 4, 9, 19)]
    ([14, 8, 5], [38, 14, 10, 7])
    """
    optimize = need("scipy.optimize", extra="stats")
    draws, alpha = count(draws, "draws", 1), between(alpha, "alpha", 0, 1)
    power, g = between(power, "power", 0, 1), between(g, "g", 0, math.inf)
    if not 0 <= noise < math.inf:
        raise InputError(f"noise={noise!r}: must be a number of at least 0")

    def lacks(m: float) -> float:
        return _power(m, draws, alpha, noise, g) - power

    high = 1.0
    while lacks(high) < 0:
        high *= 2
        if high > MOST:
            raise InputError(f"no plan with K = {draws} and noise = {noise:g} reaches power {power:g} at {alpha:g}")
    return float(optimize.brentq(lacks, high / 2 if high > 1 else 1e-6, high, xtol=1e-6))


def _power(m: float, draws: int, alpha: float, noise: float, g: float) -> float:
    stats = need("scipy.stats", extra="stats")
    most = int(stats.poisson.isf(1e-9, m)) + 1
    others = int(stats.poisson.isf(1e-9, noise * m)) + 1 if noise else 0
    leaked, innocent = stats.poisson.pmf(np.arange(most + 1), m), stats.poisson.pmf(np.arange(others + 1), noise * m)
    n = np.arange(most + others + 1)
    # Wins needed among n events: the least w with P(W >= w) <= alpha. A level reached exactly counts as reached.
    needed = stats.binom.isf(alpha * (1 + 1e-12), n, g / (g + draws)) + 1
    x, extra = np.arange(most + 1)[:, None], np.arange(others + 1)[None, :]
    reached = stats.binom.sf(needed[x + extra] - x - 1, extra, 1 / (draws + 1))
    return float(leaked @ reached @ innocent)


def plan_size(
    leaked: float,
    *,
    draws: Sequence[int] = (1, 4, 9, 19),
    units: int | None = None,
    alpha: float = 0.001,
    power: float = 0.9,
    noise: float = 0.0,
    recall: float = 1.0,
    g: float = 1.0,
) -> list[Size]:
    """How many units to draw again, for several numbers of redraws.

    Parameters
    ----------
    leaked : float
        Units of the log that the suspect is thought to hold.
    draws : sequence of int
        Numbers of redraws of each unit to compare.
    units : int, optional
        Units in the log.
    recall : float
        Share of leaked texts that reach tau, by the edits that are expected.
    alpha, power, noise, g
        As in `leaked_units`.

    Returns
    -------
    list of Size

    Raises
    ------
    InputError, MissingExtraError
        As `leaked_units`.

    Examples
    --------
    >>> [(size.draws, size.units, size.redraws) for size in plan_size(1e4, draws=(1, 4), units=10**6)]
    [(1, 1421, 1421), (4, 800, 3200)]
    """
    leaked, recall = between(leaked, "leaked", 0, math.inf), between(recall, "recall", 0, 1 + 1e-12)
    out = []
    for k in draws:
        needed = leaked_units(k, alpha=alpha, power=power, noise=noise, g=g) / recall
        share = needed / leaked
        drawn = None if units is None else math.ceil(share * units)
        total = None if drawn is None else drawn * k
        out.append(Size(draws=k, leaked_units=needed, share=share, units=drawn, redraws=total))
    return out

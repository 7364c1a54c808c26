"""Evidence that may be looked at after every draw."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from overproof.evidence.events import events_of, score_table
from overproof.evidence.line_up import EXCHANGEABLE
from overproof.evidence.result import Result, between

Float64 = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class EProcess(Result):
    """What `e_process` found.

    ``statistic`` is the e-value after the last row; ``pvalue`` is 1 over the largest that it ever was, valid whenever
    the drawing stopped; ``interval`` is the e-value's least and greatest; ``n`` the number of events at the lowest tau.
    """

    log_e: Float64
    """Natural logarithm of the e-value after each row."""


def e_process(scores: npt.ArrayLike, *, tau: float | npt.ArrayLike, lam: float = 0.5) -> EProcess:
    """The e-value of a line-up whose rows come one after another.

    Each event multiplies the e-value by ``1 - lam``, plus ``lam * (K + 1)`` if the served draft won it: a bet whose
    expectation under the null is 1. Several taus give several e-values of the same draws, which are averaged.

    Parameters
    ----------
    scores : array_like of float64, shape (n, K + 1)
        As in `line_up`, in an order that is symmetric in the drafts: by record id or time, never by score.
    tau : float or array_like of float64
        Least score of an event, fixed in the plan.
    lam : float
        Share of the stake on each event, above 0 and below 1, fixed in the plan.

    Returns
    -------
    EProcess

    Raises
    ------
    InputError
        Scores as in `line_up`; tau or lam out of range.

    Notes
    -----
    A test martingale: P(it ever reaches 1 / alpha) <= alpha (Ville). E-values of disjoint draws may be multiplied, of
    overlapping ones only averaged.

    References
    ----------
    Ville 1939; Ramdas, Grunwald, Vovk and Shafer 2023, "Game-theoretic statistics and safe anytime-valid inference".

    Examples
    --------
    >>> import numpy as np
    >>> found = e_process(np.tile([25.0, 4.0, 3.0], (4, 1)), tau=20)
    >>> round(found.statistic, 9), found.pvalue
    (16.0, 0.0625)
    """
    table = score_table(scores)
    lam = between(lam, "lam", 0, 1)
    taus = [between(t, "tau", -math.inf, math.inf) for t in np.atleast_1d(np.asarray(tau, np.float64))]
    paths = np.zeros((len(taus), len(table)))
    for path, least in zip(paths, taus, strict=True):
        found = events_of(table, least)
        path[found.rows] = np.log(np.where(found.won, 1 - lam + lam * (found.redraws + 1), 1 - lam))
    log_e = np.logaddexp.reduce(np.cumsum(paths, axis=1), axis=0) - math.log(len(taus))
    largest, last = float(np.max(log_e, initial=0.0)), float(log_e[-1]) if len(log_e) else 0.0
    return EProcess(
        statistic=_exp(last),
        pvalue=math.exp(-largest),
        interval=(_exp(float(np.min(log_e, initial=0.0))), _exp(largest)),
        n=len(events_of(table, min(taus)).rows),
        assumption=EXCHANGEABLE + " Rows come in an order that does not depend on the scores.",
        log_e=log_e,
    )


def _exp(x: float) -> float:
    return math.exp(x) if x < 709 else math.inf

"""Many hypotheses at once: accounts, groups, suspects, plans."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from overproof.errors import InputError
from overproof.evidence.result import between, plain

Float64 = npt.NDArray[np.float64]
Bool = npt.NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Adjusted:
    """P-values that account for each other.

    Attributes
    ----------
    pvalues : float64[m]
        Adjusted; NaN for hypotheses that could not be tested.
    testable : bool[m]
        Whether a hypothesis could have reached the level at all. One that could not is *not testable*, never cleared.
    rejected : bool[m]
        Adjusted p-value at most alpha.
    n : int
        Hypotheses that were corrected for.
    assumption : str
        What must hold.
    """

    pvalues: Float64
    testable: Bool
    rejected: Bool
    alpha: float
    n: int
    assumption: str

    def to_dict(self) -> dict[str, Any]:
        """All fields as JSON takes them; NaN becomes None."""
        return {name: plain(value) for name, value in vars(self).items()}


def holm(pvalues: npt.ArrayLike, *, alpha: float = 0.05, least: npt.ArrayLike | None = None) -> Adjusted:
    """Adjust so that the chance of any false rejection is at most alpha: for naming.

    Parameters
    ----------
    pvalues : array_like of float64, shape (m,)
        One a hypothesis; NaN where there was nothing to test.
    alpha : float
        Family-wise error rate.
    least : array_like of float64, shape (m,), optional
        The least p-value that each could have had, from event counts alone. Those that cannot matter are not corrected
        for (Tarone).

    Returns
    -------
    Adjusted

    Raises
    ------
    InputError
        A p-value is outside 0 to 1, or lengths differ.

    Notes
    -----
    Valid whatever the dependence. O(m log m).

    References
    ----------
    Holm 1979; Tarone 1990, "A modified Bonferroni method for discrete data".

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03]).pvalues
    array([0.03, 0.06, 0.06])
    >>> holm([0.01, 0.5, 0.5], alpha=0.02, least=[0.001, 0.5, 0.5]).pvalues
    array([0.01,  nan,  nan])
    """
    p, testable, alpha = _checked(pvalues, alpha, least)
    tested = p[testable]
    order = np.argsort(tested, kind="stable")
    steps = tested[order] * np.arange(len(tested), 0, -1)
    return _adjusted(testable, order, np.maximum.accumulate(steps), alpha, "None beyond valid p-values.")


def fdr(pvalues: npt.ArrayLike, *, alpha: float = 0.05, least: npt.ArrayLike | None = None) -> Adjusted:
    """Adjust so that at most alpha of the rejections are false on average: for triage.

    Parameters
    ----------
    pvalues, least
        As in `holm`.
    alpha : float
        False discovery rate.

    Returns
    -------
    Adjusted

    Raises
    ------
    InputError
        As `holm`.

    References
    ----------
    Benjamini and Hochberg 1995; Gilbert 2005 for the testable ones of discrete tests.

    Examples
    --------
    >>> fdr([0.01, 0.04, 0.03, 0.9]).pvalues.round(4)
    array([0.04  , 0.0533, 0.0533, 0.9   ])
    """
    p, testable, alpha = _checked(pvalues, alpha, least)
    tested = p[testable]
    order = np.argsort(tested, kind="stable")
    m = len(tested)
    steps = tested[order] * m / np.arange(1, m + 1)
    falling = np.minimum.accumulate(steps[::-1])[::-1]
    assumption = "P-values are independent, or positively dependent on each true hypothesis (PRDS)."
    return _adjusted(testable, order, falling, alpha, assumption)


def _checked(pvalues: npt.ArrayLike, alpha: float, least: npt.ArrayLike | None) -> tuple[Float64, Bool, float]:
    p = np.atleast_1d(np.asarray(pvalues, np.float64))
    alpha = between(alpha, "alpha", 0, 1)
    if p.ndim != 1 or not np.all(np.isnan(p) | ((p >= 0) & (p <= 1))):
        raise InputError("pvalues must be one-dimensional, each from 0 to 1 or NaN")
    testable = ~np.isnan(p)
    if least is None:
        return p, testable, alpha
    floor = np.atleast_1d(np.asarray(least, np.float64))
    if floor.shape != p.shape or not np.all(~testable | ((floor >= 0) & (floor <= p))):
        raise InputError("least must give each hypothesis a p-value from 0 to its own")
    # The least k at which at most k hypotheses can reach alpha / k: only those can ever be rejected.
    ascending = np.sort(floor[testable])
    k = 1
    while k <= len(ascending) and np.searchsorted(ascending, alpha / k, side="right") > k:
        k += 1
    return p, testable & (np.nan_to_num(floor, nan=1.0) <= alpha / k), alpha


def _adjusted(testable: Bool, order: Any, values: Float64, alpha: float, assumption: str) -> Adjusted:
    of_tested = np.empty(len(values))
    of_tested[order] = np.minimum(values, 1.0)
    adjusted = np.full(len(testable), np.nan)
    adjusted[testable] = of_tested
    return Adjusted(
        pvalues=adjusted,
        testable=testable,
        rejected=testable & (np.nan_to_num(adjusted, nan=1.0) <= alpha),
        alpha=alpha,
        n=int(testable.sum()),
        assumption=assumption,
    )

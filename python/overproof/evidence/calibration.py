"""From a score to a likelihood ratio, learnt from pairs of known relation, and how good such ratios are."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from overproof.errors import InputError
from overproof.evidence.result import plain

Float64 = npt.NDArray[np.float64]
Bool = npt.NDArray[np.bool_]
STEPS, CLOSE = 200, 1e-10


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """What `calibrate` learnt: ``log LR = intercept + slope * score``, within a range.

    Attributes
    ----------
    intercept, slope : float
        Natural logarithms.
    least, most : float
        No ratio outside: 1 / (families of related references + 1) and families of unrelated references + 1.
    related, unrelated : int
        References of each kind that it was learnt from.
    """

    intercept: float
    slope: float
    least: float
    most: float
    related: int
    unrelated: int

    def likelihood_ratio(self, scores: npt.ArrayLike) -> Float64:
        """The ratio of each score, within ``least`` and ``most``; NaN stays NaN."""
        log = self.intercept + self.slope * np.asarray(scores, np.float64)
        return np.exp(np.clip(log, math.log(self.least), math.log(self.most)))

    def to_dict(self) -> dict[str, Any]:
        """All fields as JSON takes them."""
        return {name: plain(value) for name, value in vars(self).items()}


def calibrate(scores: npt.ArrayLike, related: npt.ArrayLike, families: npt.ArrayLike) -> Calibration:
    """Learn a likelihood ratio from the scores of references whose relation is known.

    Parameters
    ----------
    scores : array_like of float64, shape (n,)
        One a reference, such as the z of a model and a vendor.
    related : array_like of bool, shape (n,)
        Whether the two are related.
    families : array_like, shape (n,)
        Whom a reference belongs to: those of one family repeat each other, so the range of the ratio counts families.

    Returns
    -------
    Calibration

    Raises
    ------
    InputError
        Lengths differ, a score is not finite, or a kind has references of fewer than two families.

    Notes
    -----
    Logistic regression in which both kinds weigh the same, so that its logit is the log LR, with Jeffreys' penalty,
    which keeps it finite where the kinds do not overlap. A slope below 0 becomes 0 and every ratio 1: the references do
    not part the kinds in the stated direction. An LR of 14 from 13 unrelated families says that none of 13 looked like
    this; more cannot be learnt from 13. O(n) a step.

    References
    ----------
    Brummer and du Preez 2006, "Application-independent evaluation of speaker detection"; Firth 1993, "Bias reduction of
    maximum likelihood estimates".

    Examples
    --------
    >>> learnt = calibrate([5, 4, 3, 0, 1, -1], [1, 1, 1, 0, 0, 0], ["a", "b", "c", "d", "e", "f"])
    >>> learnt.likelihood_ratio([9, 2, -9]).round(2).tolist(), learnt.most
    ([4.0, 1.0, 0.25], 4.0)
    """
    z, kind, family = _checked(scores, related, families)
    counts = [len(set(family[kind == which])) for which in (True, False)]
    if min(counts) < 2:
        raise InputError(f"references of {counts[0]} related and {counts[1]} unrelated families: give two of each")
    weight = np.where(kind, 0.5 / kind.sum(), 0.5 / (~kind).sum()) * len(z)
    centre, spread = float(z.mean()), float(z.std()) or 1.0
    design = np.stack([np.ones(len(z)), (z - centre) / spread], axis=1)
    beta = np.zeros(2)
    for _ in range(STEPS):
        chance = 1 / (1 + np.exp(-(design @ beta).clip(-500, 500)))
        curve = weight * chance * (1 - chance)
        information = design.T @ (curve[:, None] * design)
        inverse = np.linalg.pinv(information)
        leverage = curve * np.einsum("ij,jk,ik->i", design, inverse, design)
        step = inverse @ (design.T @ (weight * (kind - chance) + leverage * (0.5 - chance)))
        step *= min(1.0, 2.0 / max(float(np.abs(step).max()), 1e-300))
        beta = beta + step
        if float(np.abs(step).max()) < CLOSE:
            break
    slope = float(beta[1]) / spread
    low, high = 1 / (counts[0] + 1), float(counts[1] + 1)
    sizes = {"related": int(kind.sum()), "unrelated": int((~kind).sum())}
    if slope <= 0:
        return Calibration(intercept=0.0, slope=0.0, least=low, most=high, **sizes)
    return Calibration(intercept=float(beta[0]) - slope * centre, slope=slope, least=low, most=high, **sizes)


def leave_family_out(scores: npt.ArrayLike, related: npt.ArrayLike, families: npt.ArrayLike) -> Float64:
    """The likelihood ratio of each reference, learnt from those of other families.

    Parameters
    ----------
    scores, related, families
        As in `calibrate`.

    Returns
    -------
    float64[n]

    Raises
    ------
    InputError
        As `calibrate`, also where leaving one family out leaves too few.

    Examples
    --------
    >>> ratios = leave_family_out([5, 4, 3, 0, 1, -1], [1, 1, 1, 0, 0, 0], ["a", "b", "c", "d", "e", "f"])
    >>> ratios.round(1).tolist()
    [4.0, 4.0, 1.7, 0.2, 0.6, 0.2]
    """
    z, kind, family = _checked(scores, related, families)
    out = np.empty(len(z))
    for one in set(family):
        left = family == one
        out[left] = calibrate(z[~left], kind[~left], family[~left]).likelihood_ratio(z[left])
    return out


def cllr(ratios: npt.ArrayLike, related: npt.ArrayLike) -> float:
    """The cost of likelihood ratios: 0 is perfect, 1 what saying nothing (LR 1 always) costs, above 1 is misleading.

    Parameters
    ----------
    ratios : array_like of float64, shape (n,)
        Above 0.
    related : array_like of bool, shape (n,)
        The truth.

    Returns
    -------
    float

    Raises
    ------
    InputError
        Lengths differ, a ratio is not above 0, or one kind is missing.

    Notes
    -----
    ``(mean over related of log2(1 + 1 / LR) + mean over unrelated of log2(1 + LR)) / 2``.

    References
    ----------
    Brummer and du Preez 2006, equation 39.

    Examples
    --------
    >>> cllr([1, 1], [True, False]), round(cllr([100, 0.01], [True, False]), 3)
    (1.0, 0.014)
    """
    ratio, kind = _ratios(ratios, related)
    return float((np.log2(1 + 1 / ratio[kind]).mean() + np.log2(1 + ratio[~kind]).mean()) / 2)


def tippett(ratios: npt.ArrayLike, related: npt.ArrayLike) -> dict[str, list[float]]:
    """The points of a Tippett plot: how large a share of each kind has at least this ratio.

    Parameters
    ----------
    ratios, related
        As in `cllr`.

    Returns
    -------
    dict
        ``log10_lr`` ascending, each distinct value once; ``related`` and ``unrelated``, the shares at or above it.

    Raises
    ------
    InputError
        As `cllr`.

    References
    ----------
    Evett and Buckleton 1996, "Statistical analysis of STR data" (Tippett plots).

    Examples
    --------
    >>> tippett([100, 10, 0.1, 1], [True, True, False, False])["related"]
    [1.0, 1.0, 1.0, 0.5]
    """
    ratio, kind = _ratios(ratios, related)
    values, at = np.unique(np.log10(ratio), return_inverse=True)
    shares = [np.bincount(at[one], minlength=len(values))[::-1].cumsum()[::-1] / one.sum() for one in (kind, ~kind)]
    return {"log10_lr": values.tolist(), "related": shares[0].tolist(), "unrelated": shares[1].tolist()}


def _checked(scores: npt.ArrayLike, related: npt.ArrayLike, families: npt.ArrayLike) -> tuple[Float64, Bool, Any]:
    z, kind, family = np.asarray(scores, np.float64), np.asarray(related, bool), np.asarray(families)
    if z.ndim != 1 or z.shape != kind.shape or z.shape != family.shape:
        raise InputError(f"scores, related and families are {z.shape}, {kind.shape}, {family.shape}: one each a pair")
    if not np.isfinite(z).all():
        raise InputError("scores must be finite: leave out references without one")
    return z, kind, family


def _ratios(ratios: npt.ArrayLike, related: npt.ArrayLike) -> tuple[Float64, Bool]:
    ratio, kind = np.asarray(ratios, np.float64), np.asarray(related, bool)
    if ratio.ndim != 1 or ratio.shape != kind.shape or not (ratio > 0).all():
        raise InputError("ratios and related must have one value a reference, ratios above 0")
    if not 0 < kind.sum() < len(kind):
        raise InputError("related must name references of both kinds")
    return ratio, kind

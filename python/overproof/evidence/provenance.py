"""The suspect is a model: are its answers nearer to one vendor's than those of models that learnt elsewhere?

Copied text can be shown; training on answers can only be suspected, and at the level of a vendor. **The unit of chance
is the model.** Tests that permute or bootstrap prompts accuse 17 to 33 % of innocent models at a nominal .001, so none
is offered: more prompts do not help, more clean control models do.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from overproof._extras import need
from overproof.errors import InputError
from overproof.evidence.calibration import Calibration
from overproof.evidence.controls import LEAST_CONTROLS
from overproof.evidence.result import Result, between, count, several

Float64 = npt.NDArray[np.float64]
THRESHOLD = 6.0
"""Least z of a verdict. Chosen on the data that it was tried on, then frozen: it has no measured rate of error."""
GRID, CLOSE = 1000, 1e-5
LEAST_PROMPTS = 25
LEAST_NGRAMS = 20
"""Fewer n-grams in the median answer tell nothing."""
NO_CONTRAST = "no log-contrast: the suspect shares no n-gram with a teacher, or is the vendor's only one"
ASSUMPTION = (
    "If not taught by the vendor, the suspect is one more model like the controls, whose contrasts are normal; the "
    "controls' lineage is as declared."
)


@dataclass(frozen=True, kw_only=True)
class Provenance(Result):
    """What `provenance_lr` found for one suspect and one vendor.

    ``statistic`` is z: how many spreads of the clean controls the suspect's log-contrast is above their mean.
    ``pvalue`` is one-sided, NaN without a verdict. ``interval`` is of z, from the controls' number. ``n`` counts
    controls.

    Attributes
    ----------
    verdict : str
        "suspected", "nothing shown", or "no verdict", each with its why. "Nothing shown" clears nobody.
    vendor, suspect : str
        Of whom.
    contrast : float
        The suspect's log-contrast.
    rank_pvalue, floor : float
        (b + 1) / (n + 1), b the controls that reach the suspect, and 1 / (n + 1), below which ranks cannot go: whatever
        ``pvalue`` says below the floor rests on the normal form alone.
    likelihood_ratio : float
        NaN without references or without a verdict.
    ratio_range : tuple of float
        The least and the greatest ratio that this number of references can give.
    prompts : int
    ngrams : float
        Shared prompts; n-grams of the median answer.
    controls : tuple of str
        Names of the controls.
    """

    verdict: str
    vendor: str
    suspect: str
    contrast: float
    rank_pvalue: float
    floor: float
    likelihood_ratio: float
    ratio_range: tuple[float, float]
    prompts: int
    ngrams: float
    controls: tuple[str, ...]


def log_contrast(similarity: npt.ArrayLike, vendors: Sequence[str]) -> dict[str, Float64]:
    """How much nearer models are to each vendor's teachers than to those of other vendors.

    Parameters
    ----------
    similarity : array_like of float64, shape (m, t)
        Of m models to t teachers, above 0; NaN where a model is the teacher.
    vendors : sequence of t str
        Whose teacher each is; two vendors or more.

    Returns
    -------
    dict of str to float64[m]
        NaN where a similarity is 0, or a model has none to the vendor or to no other.

    Raises
    ------
    InputError
        Shapes differ, or all teachers are of one vendor.

    Notes
    -----
    ``C(S, V) = mean of log s(S, T) over the teachers T of V - mean of log s(S, T') over those of other vendors``. What
    a model does to all similarities alike (length, verbosity, language) cancels. Teachers are models that others could
    have learnt from, such as those with an interface at that time: one that itself learnt from V hides V.

    Examples
    --------
    >>> found = log_contrast([[0.2, 0.1, 0.1], [0.1, 0.1, 0.1]], ["x", "y", "z"])
    >>> found["x"].round(3).tolist()
    [0.693, 0.0]
    """
    table, of = np.asarray(similarity, np.float64), np.asarray(vendors)
    if table.ndim != 2 or table.shape[1] != len(of):
        raise InputError(f"similarity is {table.shape}: give one column for each of the {len(of)} vendors' teachers")
    if len(set(of)) < 2:
        raise InputError("teachers of one vendor only: a contrast needs those of two or more")
    with np.errstate(divide="ignore"):
        logs = np.log(table)
    out = {}
    for vendor in sorted(set(vendors)):
        difference = _mean(logs[:, of == vendor]) - _mean(logs[:, of != vendor])
        out[vendor] = np.where(np.isfinite(difference), difference, np.nan)
    return out


def provenance_lr(
    value: float,
    controls: npt.ArrayLike,
    *,
    prompts: int,
    ngrams: float,
    references: Calibration | None = None,
    vendor: str = "",
    suspect: str = "",
    names: Sequence[str] = (),
    confidence: float = 0.95,
) -> Provenance:
    """Whether a model's answers are nearer to one vendor's than its clean controls explain.

    Parameters
    ----------
    value : float
        The suspect's log-contrast; NaN if it has none.
    controls : array_like of float64, shape (n,)
        Log-contrasts of declared clean control models, the suspect and its family left out.
    prompts : int
        Prompts that the suspect and the teachers share.
    ngrams : float
        N-grams of the suspect's median answer.
    references : Calibration, optional
        Turns z into a likelihood ratio; from `calibrate` on pairs of known relation, the suspect's family left out.
    vendor, suspect, names
        What the result calls them; names of the controls.
    confidence : float
        Of the interval.

    Returns
    -------
    Provenance
        With fewer than 20 controls, 25 prompts or 20 n-grams an answer: no p-value, no ratio, "no verdict" and why.

    Raises
    ------
    InputError
        A control is not finite, or a count is negative.
    MissingExtraError
        SciPy is missing.

    Notes
    -----
    ``z = (value - mean) / sd`` of the n controls; ``z / sqrt(1 + 1/n)`` follows t with n - 1 degrees of freedom if the
    suspect is one more control. The interval inverts the noncentral t of ``z sqrt(n)``. A verdict needs z >= 6, a
    threshold without a measured rate: on real answers people-taught models reached z 4, and p = .001 would accuse them.

    References
    ----------
    Johnson and Welch 1940, "Applications of the non-central t-distribution" (the interval); `calibrate` for the ratio.

    Examples
    --------
    >>> controls = [0.01 * (i % 5) for i in range(25)]
    >>> found = provenance_lr(0.2, controls, prompts=100, ngrams=80)
    >>> round(found.statistic, 1), found.verdict
    (12.5, 'suspected: z reaches 6, a threshold without a measured rate of error')
    >>> provenance_lr(0.2, controls[:8], prompts=100, ngrams=80).verdict
    'no verdict: 8 clean controls, fewer than 20'
    """
    others = np.asarray(controls, np.float64)
    if others.ndim != 1 or not np.isfinite(others).all():
        raise InputError("controls must be finite numbers, one a control model")
    confidence, prompts, n = between(confidence, "confidence", 0, 1), count(prompts, "prompts"), len(others)
    z, p = against(value, others)
    reasons = [
        f"{several(n, 'clean control')}, fewer than {LEAST_CONTROLS}" if n < LEAST_CONTROLS else "",
        f"{prompts} shared prompts, fewer than {LEAST_PROMPTS}" if prompts < LEAST_PROMPTS else "",
        ""
        if ngrams >= LEAST_NGRAMS
        else f"{0 if math.isnan(ngrams) else ngrams:g} n-grams in the median answer, fewer than {LEAST_NGRAMS}",
    ]
    if n >= 2 and math.isnan(z):
        reasons.append(NO_CONTRAST if math.isnan(value) else "controls do not vary")
    why = "; ".join(filter(None, reasons))
    told = (
        f"no verdict: {why}"
        if why
        else "suspected: z reaches 6, a threshold without a measured rate of error"
        if z >= THRESHOLD
        else "nothing shown: z is below 6; this clears nobody"
    )
    return Provenance(
        statistic=z,
        pvalue=math.nan if why else p,
        interval=_interval(z, n, confidence),
        n=n,
        assumption=ASSUMPTION,
        verdict=told,
        vendor=vendor,
        suspect=suspect,
        contrast=float(value),
        rank_pvalue=math.nan if why else (int((others >= value).sum()) + 1) / (n + 1),
        floor=1 / (n + 1),
        likelihood_ratio=math.nan if why or references is None else float(references.likelihood_ratio(z)),
        ratio_range=(math.nan, math.nan) if references is None else (references.least, references.most),
        prompts=prompts,
        ngrams=float(ngrams),
        controls=tuple(names),
    )


def _mean(values: Float64) -> Float64:
    """By row, of what is not NaN; NaN where nothing is."""
    here = ~np.isnan(values)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(here, values, 0.0).sum(axis=1) / here.sum(axis=1), np.float64)


def against(value: float, controls: Float64) -> tuple[float, float]:
    """Z among the controls, and its one-sided p-value; NaN where there is none."""
    n = len(controls)
    spread = float(controls.std(ddof=1)) if n >= 2 else 0.0
    if not spread > 0 or not math.isfinite(value):
        return math.nan, math.nan
    z = (float(value) - float(controls.mean())) / spread
    stats = need("scipy.stats", extra="stats")
    return z, float(stats.t.sf(z / math.sqrt(1 + 1 / n), n - 1))


def _interval(z: float, n: int, confidence: float) -> tuple[float, float]:
    """Of z if the controls were without end: z sqrt(n) is noncentral t with n - 1 degrees of freedom."""
    if math.isnan(z):
        return math.nan, math.nan
    special = need("scipy.special", extra="stats")
    root, tail, spread = math.sqrt(n), (1 - confidence) / 2, _spreads(n - 1)

    def end(share: float) -> float:
        reach = 3 + 12 * math.sqrt(1 / n + z * z / (2 * (n - 1)))
        low, high = z - reach, z + reach
        while high - low > CLOSE * max(1.0, abs(z)):
            middle = (low + high) / 2
            at_most = float(special.ndtr(root * (z * spread - middle)).mean())
            low, high = (middle, high) if at_most > share else (low, middle)
        return (low + high) / 2

    return end(1 - tail), end(tail)


@lru_cache
def _spreads(freedom: int) -> Float64:
    """Quantiles of the spread s: P(T <= t) is the mean of Phi(t s - centre). SciPy's own form is NaN far out."""
    special = need("scipy.special", extra="stats")
    return np.asarray(np.sqrt(special.chdtri(freedom, 1 - (np.arange(GRID) + 0.5) / GRID) / freedom), np.float64)

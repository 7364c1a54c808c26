"""Are the redraws drawn as the served outputs were? Asked of the drafts alone, before the suspect is looked at."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from overproof._extras import need
from overproof.errors import InputError
from overproof.evidence.drafts import draft_rows
from overproof.evidence.events import score_table
from overproof.evidence.result import Result, between
from overproof.score import jaccard
from overproof.shingle import Shingler

if TYPE_CHECKING:
    from overproof.typing import TextsLike

REFUSED_BELOW = 0.01
"""Two-sided p-value below which no test on these redraws may give a p-value."""
EXACT = 200
"""Up to so many rows the distribution of the rank sum is exact; above, its normal limit."""


@dataclass(frozen=True, kw_only=True)
class SelfTest(Result):
    """What `self_test` found.

    ``statistic`` is the mean rank of the served draft among the drafts, from -1 (always least) to 1 (always greatest);
    ``interval`` the range that 95 % of innocent runs fall into; ``n`` the rows.
    """

    passed: bool
    """Whether the p-value is at least the level."""
    level: float = REFUSED_BELOW


def draft_similarity(
    served: TextsLike,
    redraws: Sequence[Sequence[str | None] | None],
    *,
    n: int = 2,
    threads: int | None = None,
) -> npt.NDArray[np.float64]:
    """The mean Jaccard similarity of each draft to the other drafts of its row.

    Parameters
    ----------
    served, redraws
        As in `score_drafts`.
    n : int
        Width of the word n-grams; short ones, since drafts are like in style and not copies.
    threads : int, optional
        At most this many threads; never changes a value.

    Returns
    -------
    float64[n, K + 1]
        NaN where a draft is missing, has no word, or is the only one of its row.

    Raises
    ------
    InputError
        As `score_drafts`.

    Notes
    -----
    O(K^2) set comparisons a row, exact.

    Examples
    --------
    >>> draft_similarity(["a b c"], [["a b c", "x y z"]])
    array([[0.5, 0.5, 0. ]])
    """
    drafts = draft_rows(served, redraws)
    width = max(map(len, drafts), default=1)
    shingler = Shingler(n)
    columns = [
        shingler.transform([row[k] for row in drafts], missing="keep", errors="replace", threads=threads)
        for k in range(width)
    ]
    here = np.stack([np.diff(sets.indptr) > 0 for sets in columns], axis=1)
    total, pairs = np.zeros(here.shape), np.zeros(here.shape)
    for i in range(width):
        for j in range(i + 1, width):
            both = here[:, i] & here[:, j]
            score = np.where(both, jaccard(columns[i], columns[j], threads=threads), 0.0)
            for k in (i, j):
                total[:, k] += score
                pairs[:, k] += both
    with np.errstate(invalid="ignore"):
        return np.where(pairs > 0, total / pairs, np.nan)


def self_test(values: npt.ArrayLike, *, level: float = REFUSED_BELOW) -> SelfTest:
    """Test whether the served draft stands out among the drafts of its row.

    If served outputs and redraws come from one distribution, the rank of the served draft in any quantity computed
    alike from all drafts is uniform. Redraws from another sampler, snapshot, host or length limit accuse innocents, so
    a failed self-test means: no p-value. `self_tests` runs it on what such redraws differ in.

    Parameters
    ----------
    values : array_like of float64, shape (n, K + 1)
        A quantity of each draft, column 0 the served one; NaN where missing.
    level : float
        P-value below which it fails.

    Returns
    -------
    SelfTest

    Raises
    ------
    InputError
        Not such a table, or in no row the served draft and its redraws differ: nothing can be tested, as with the
        similarity to one single redraw, which is the same for both.
    MissingExtraError
        SciPy is missing.

    Notes
    -----
    The sum over rows of the served draft's mid-rank, centred and scaled to -1..1, two-sided; its null distribution is
    exact up to 200 rows, normal with the exact variance above. Rows whose drafts are all equal take no part.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> drafts = rng.normal(size=(60, 5))
    >>> self_test(drafts).passed
    True
    >>> drafts[:, 0] += 1                        # served outputs were longer than their redraws
    >>> self_test(drafts).passed
    False
    """
    table, level = score_table(values), between(level, "level", 0, 1)
    here = ~np.isnan(table)
    rows = rows_that_differ(table)
    if not len(rows):
        raise InputError("values: no row has a served draft and a redraw that differ, so nothing can be tested")
    table, here = table[rows], here[rows]
    drafts = here.sum(axis=1)
    # Twice the centred mid-rank is a whole number: drafts below minus drafts above.
    ranks = np.stack(
        [(table < table[:, [j]]).sum(axis=1) - (table > table[:, [j]]).sum(axis=1) for j in range(table.shape[1])],
        axis=1,
    )
    ranks[~here] = 0
    observed = int(ranks[:, 0].sum())
    variance = float((ranks.astype(np.float64) ** 2).sum(axis=1) @ (1 / drafts))
    most = int((drafts - 1).sum())
    pvalue = _two_sided(ranks, here, observed, variance)
    spread = 1.959963984540054 * math.sqrt(variance) / most
    return SelfTest(
        statistic=observed / most,
        pvalue=pvalue,
        interval=(-spread, spread),
        n=len(rows),
        assumption="Rows are units: independent of each other, one served record each.",
        passed=pvalue >= level,
        level=level,
    )


def rows_that_differ(table: npt.NDArray[np.float64]) -> npt.NDArray[np.intp]:
    """Rows with a served draft whose drafts are not all equal."""
    here = ~np.isnan(table)
    least = np.min(table, axis=1, initial=np.inf, where=here)
    greatest = np.max(table, axis=1, initial=-np.inf, where=here)
    return np.flatnonzero(here[:, 0] & (least < greatest))


def _two_sided(ranks: Any, here: Any, observed: int, variance: float) -> float:
    if len(ranks) > EXACT:
        stats = need("scipy.stats", extra="stats")
        return float(2 * stats.norm.sf(abs(observed) / math.sqrt(variance)))
    pmf = np.ones(1)
    for row, there in zip(ranks, here, strict=True):
        values = row[there]
        reach = int(np.abs(values).max())
        one = np.bincount(values + reach, minlength=2 * reach + 1) / len(values)
        pmf = np.convolve(pmf, one)
    middle = len(pmf) // 2
    far = np.abs(np.arange(len(pmf)) - middle) >= abs(observed)
    return min(1.0, math.fsum(pmf[far]))

"""All similar pairs by comparing every pair, and the parameters of LSH: docs/spec/scores.md is the specification."""

from collections.abc import Collection, Hashable, Sequence
from typing import NamedTuple

from ..errors import InputError
from .score import containment, dice, jaccard, overlap_coefficient
from .sketch import power

METRICS = {
    "jaccard": jaccard,
    "containment": containment,
    "overlap_coefficient": overlap_coefficient,
    "dice": dice,
}
STEPS = 1000


class LSHParams(NamedTuple):
    """`bands` keys of `rows` values each."""

    bands: int
    rows: int


def similarity_join(
    left: Sequence[Collection[Hashable]],
    right: Sequence[Collection[Hashable]] | None = None,
    *,
    threshold: float,
    metric: str = "jaccard",
) -> list[tuple[int, int, float]]:
    """All pairs (row of left, row of right, score) with score >= threshold, sorted by rows.

    An empty set is in no pair. ``right=None`` joins left with itself: each pair once (left < right) by a symmetric
    metric, both ways by containment, and no row with itself.

    Cost O(len(left) len(right)) comparisons.

    Examples
    --------
    >>> similarity_join([{1, 2}, {2, 3}, {1, 2, 3}, set()], threshold=0.5)
    [(0, 2, 0.6666666666666666), (1, 2, 0.6666666666666666)]
    """
    if not 0 < threshold <= 1:
        raise InputError(f"threshold is {threshold}: give a number above 0 and up to 1")
    if metric not in METRICS:
        raise InputError(f"unknown metric {metric!r}: give one of {', '.join(METRICS)}")
    pairs = []
    for i, a in enumerate(left):
        for j, b in enumerate(left if right is None else right):
            if right is None and (j == i or (j < i and metric != "containment")):
                continue
            if a and b and (score := METRICS[metric](a, b)) >= threshold:
                pairs.append((i, j, score))
    return pairs


def collision_probability(similarity: float, bands: int, rows: int) -> float:
    """Probability that two sets agree on a whole band: 1 - (1 - s^rows)^bands, powers by `power`."""
    return 1.0 - power(1.0 - power(similarity, rows), bands)


def false_positive_work(threshold: float, bands: int, rows: int) -> float:
    """Integral of the collision probability from 0 to the threshold, by the midpoint rule.

    Of 1,000 steps, at (i + 0.5) w with w = threshold / 1000, summed from the first on and multiplied by w: the same
    bits on every platform.
    """
    width = threshold / STEPS
    total = 0.0
    for i in range(STEPS):
        total += collision_probability((i + 0.5) * width, bands, rows)
    return total * width


def lsh_params(threshold: float, num_perm: int, *, recall: float = 0.95) -> LSHParams:
    """Bands and rows that reach a recall at a threshold with the least work.

    For each number of rows 1 .. num_perm take the fewest bands with bands x rows <= num_perm and
    `collision_probability` (threshold, bands, rows) >= recall. Of these choose the one with the smallest
    `false_positive_work`; a tie goes to fewer bands.

    Parameters
    ----------
    threshold
        The similarity at which the recall must hold, above 0 and up to 1.
    num_perm
        Number of values of the sketch.
    recall
        Least share of pairs at the threshold that agree on a band, above 0 and below 1.

    Raises
    ------
    InputError
        An argument is out of range, or no bands and rows reach the recall.

    Examples
    --------
    >>> lsh_params(0.8, 128)
    LSHParams(bands=13, rows=7)
    """
    if not 0 < threshold <= 1 or not 0 < recall < 1 or num_perm < 1:
        raise InputError(
            f"threshold {threshold} must be above 0 and up to 1, recall {recall} between 0 and 1, "
            f"num_perm {num_perm} at least 1"
        )
    best: tuple[float, LSHParams] | None = None
    for rows in range(1, num_perm + 1):
        for bands in range(1, num_perm // rows + 1):
            if collision_probability(threshold, bands, rows) >= recall:
                work = false_positive_work(threshold, bands, rows)
                if best is None or (work, bands) < (best[0], best[1].bands):
                    best = (work, LSHParams(bands, rows))
                break
    if best is None:
        raise InputError(
            f"{num_perm} values cannot reach a recall of {recall} at threshold {threshold}: the most is "
            f"{collision_probability(threshold, num_perm, 1):.4g}; raise num_perm or lower recall"
        )
    return best[1]

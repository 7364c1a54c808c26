"""How rare it is that texts which hold no served output share as much with the suspect."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from overproof import _core
from overproof.shingle import ShingleSets

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]
BLOCK = 1 << 22
"""N-grams that are looked up at a time."""


def rarity_of_scores(scores: Float64, controls: Float64) -> Float64:
    """-log10 of the share of control texts that reach each score.

    At a score that m of N control texts reach, the share is (m + 1) / (N + 1); between two such scores its logarithm is
    linear, and beyond the greatest it falls as 1 / (1 + excess): scores keep their order and their ties.

    Examples
    --------
    >>> import numpy as np
    >>> rarity_of_scores(np.array([0.0, 10.0, 19.0]), np.array([0.0] * 98 + [10.0])).round(3).tolist()
    [0.0, 1.699, 2.699]
    """
    reached = np.unique(controls[controls > 0])
    above = len(controls) - np.searchsorted(np.sort(controls), reached)
    knots, values = np.append(0.0, reached), np.append(0.0, -np.log10((above + 1) / (len(controls) + 1)))
    beyond = np.log10(1 + np.maximum(0.0, scores - knots[-1]))
    return np.asarray(np.interp(scores, knots, values) + beyond)


def rarity_of_ngrams(
    drafts: ShingleSets,
    open_: npt.NDArray[np.bool_],
    suspect: ShingleSets,
    pairs: tuple[Int64, Int64],
    controls: ShingleSets,
) -> Float64:
    """For each pair of a draft and a suspect text the sum over shared n-grams of -log10((m + 1) / (N + 1)).

    m of N distinct control texts hold the n-gram; `open_` marks the n-grams of the drafts that no mask hides.
    """
    vocabulary = np.unique(drafts.hashes[open_])
    left, right = pairs
    if not len(vocabulary) or not len(left):
        return np.zeros(len(left))
    distinct = np.flatnonzero(_core.representatives(controls) == np.arange(len(controls)))
    behind = controls.take(distinct)
    held = np.bincount(_places(behind.hashes, vocabulary)[1], minlength=len(vocabulary))
    weights = -np.log10((held + 1) / (len(distinct) + 1))
    inside, numbers = _places(suspect.hashes, vocabulary)
    rows = np.repeat(np.arange(len(suspect)), np.diff(suspect.indptr))[inside]
    # By text, then by hash: sorted as they stand.
    stands = rows * len(vocabulary) + numbers
    ours = np.full(len(drafts.hashes), -1, np.int64)
    ours[open_] = np.searchsorted(vocabulary, drafts.hashes[open_])
    sizes = np.diff(drafts.indptr)[left]
    out = np.zeros(len(left))
    ends = np.cumsum(sizes)
    start = 0
    while start < len(left):
        stop = max(start + 1, int(np.searchsorted(ends, (ends[start - 1] if start else 0) + BLOCK)))
        of_pair = np.repeat(np.arange(start, stop), sizes[start:stop])
        first = np.repeat(drafts.indptr[left[start:stop]], sizes[start:stop])
        within = np.arange(len(of_pair)) - np.repeat(
            ends[start:stop] - sizes[start:stop] - (ends[start] - sizes[start]), sizes[start:stop]
        )
        number = ours[first + within]
        wanted = right[of_pair] * len(vocabulary) + number
        place = np.minimum(np.searchsorted(stands, wanted), max(0, len(stands) - 1))
        shared = (number >= 0) & (stands[place] == wanted) if len(stands) else np.zeros(len(wanted), bool)
        # In the order of the draft's hashes: the sum depends on the draft and the text alone.
        out[start:stop] = np.bincount(of_pair[shared] - start, weights=weights[number[shared]], minlength=stop - start)
        start = stop
    return out


def _places(hashes: npt.NDArray[np.uint64], vocabulary: npt.NDArray[np.uint64]) -> tuple[npt.NDArray[np.bool_], Int64]:
    """Which hashes are in a sorted vocabulary, and where."""
    place = np.minimum(np.searchsorted(vocabulary, hashes), len(vocabulary) - 1)
    inside = vocabulary[place] == hashes
    return inside, place[inside].astype(np.int64)

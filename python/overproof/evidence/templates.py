"""Templates of prompts: the frames that stay while the slots change, found in the log itself."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from overproof import _core
from overproof._core import ShingleSets
from overproof.evidence.result import count
from overproof.join import Metric, similarity_join
from overproof.shingle import Shingler
from overproof.units import join_units

if TYPE_CHECKING:
    from overproof.typing import TextsLike

Int64 = npt.NDArray[np.int64]
UInt64 = npt.NDArray[np.uint64]

WORDS = 5
"""Words in an n-gram of a frame."""
GRAMS = 2
"""Least number of n-grams in a frame: six words in a row, or two runs of five."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Templates:
    """The frames of a log's prompts.

    Attributes
    ----------
    frame_rows, frames : int64[m]
        Which row holds which frame: one entry a pair, ascending by row, then frame.
    tool : int64[n]
        The longest frame of each row; -1 where it holds none.
    content : int64[n]
        Rows with equal numbers ask the same but for a few words once common n-grams are masked; -1 without n-grams.
    lengths : int64[f]
        N-grams of each frame.
    """

    frame_rows: Int64
    frames: Int64
    tool: Int64
    content: Int64
    lengths: Int64


def spread(values: UInt64) -> UInt64:
    """Bits spread over all 64 (the finalizer of splitmix64), so that sums of them tell sets apart."""
    made = np.asarray(values, np.uint64) + np.uint64(0x9E3779B97F4A7C15)
    made = (made ^ (made >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    made = (made ^ (made >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return made ^ (made >> np.uint64(31))


def sums_of_rows(indptr: Int64, values: UInt64) -> UInt64:
    """The sum modulo 2**64 of each row's values; 0 for empty rows."""
    with np.errstate(over="ignore"):
        total = np.concatenate([np.zeros(1, np.uint64), np.cumsum(values, dtype=np.uint64)])
        return np.asarray(total[indptr[1:]] - total[indptr[:-1]], np.uint64)


def prompt_templates(prompts: TextsLike, *, least: int = 3, rare: int = 20, threads: int | None = None) -> Templates:
    """Find the frames that distinct prompts of a log share, and mask them to see which prompts ask the same.

    Two n-grams belong to one frame if they stand in exactly the same distinct prompts, at least `least` of them: the
    words of a template come and go together, those of its slots do not. A verbatim repeat of a prompt is no new prompt.

    Parameters
    ----------
    prompts : TextsLike
        n prompts; None is kept as missing.
    least : int
        Distinct prompts that must share a frame, at least 2.
    rare : int
        N-grams in more distinct prompts than this are masked before prompts are compared.
    threads : int, optional
        At most this many threads; never changes a value.

    Returns
    -------
    Templates

    Raises
    ------
    InputError
        An argument is out of range, or a row is no text.

    Notes
    -----
    O(bytes + n-grams log n-grams). A frame is at least six words long. Prompts are the same if 0.6 of their rare
    n-grams (Jaccard) are.

    Examples
    --------
    >>> topics = ["apples in autumn", "old bridges", "the moon", "tides and rivers"]
    >>> prompts = [f"You are a careful teacher of children. Explain {topic} to them" for topic in topics]
    >>> prompt_templates([*prompts, "What is that?"]).tool.tolist()
    [0, 0, 0, 0, -1]
    """
    least, rare = count(least, "least", 2), count(rare, "rare", 1)
    sets = Shingler(WORDS).transform(prompts, missing="keep", threads=threads)
    n = len(sets)
    with np.errstate(over="ignore"):
        same = sums_of_rows(sets.indptr, spread(sets.hashes))
        _, first, distinct = np.unique(same, return_index=True, return_inverse=True)
        kept = sets.take(first.astype(np.int64))
        units = np.arange(len(first))
        known, _ = _core.frequent(kept, units, least - 1)
        known = np.sort(known)
        at, frequent = _found(known, kept.hashes)
        g = at[frequent]
        p = np.repeat(units, np.diff(kept.indptr))[frequent]
        # N-grams in the same prompts have the same sum of the prompts' numbers.
        postings = np.zeros(len(known), np.uint64)
        np.add.at(postings, g, spread(same[first])[p])
    signs, frame_of_gram, grams_of = np.unique(postings, return_inverse=True, return_counts=True)
    frame_of = frame_of_gram[g]
    pairs = np.unique(p * max(1, len(signs)) + frame_of)
    p, f = pairs // max(1, len(signs)), pairs % max(1, len(signs))
    long = grams_of[f] >= GRAMS
    p, f = p[long], f[long]
    # What many prompts share because they ask the same is no frame.
    common, _ = _core.frequent(kept, units, rare)
    content = _contents(kept, ~_found(np.sort(common), kept.hashes)[1], threads)
    asked = np.unique(f * len(first) + content[p]) // max(1, len(first))
    several = np.bincount(asked, minlength=len(signs))[f] >= least
    p, f = p[several], f[several]
    used, f = np.unique(f, return_inverse=True)
    lengths = grams_of[used].astype(np.int64)
    prompts_of = np.bincount(f, minlength=len(used))
    tool = np.full(len(first), -1, np.int64)
    order = np.lexsort((-f, prompts_of[f], lengths[f], p))
    tool[p[order]] = f[order]  # the last of each prompt: the longest, then the most used
    has = np.diff(sets.indptr) > 0
    # From distinct prompts back to rows.
    starts = np.searchsorted(p, np.arange(len(first) + 1))
    many = np.diff(starts)[distinct]
    frame_rows = np.repeat(np.arange(n), many)
    within = np.arange(len(frame_rows)) - np.repeat(np.cumsum(many) - many, many)
    frames = f[np.repeat(starts[distinct], many) + within]
    return Templates(
        frame_rows=frame_rows.astype(np.int64),
        frames=frames.astype(np.int64),
        tool=np.where(has, tool[distinct], -1),
        content=np.where(has, content[distinct], -1),
        lengths=lengths,
    )


def _found(known: UInt64, hashes: UInt64) -> tuple[Int64, npt.NDArray[np.bool_]]:
    """Where each hash stands in an ascending list, and whether it does."""
    at = np.searchsorted(known, hashes)
    if not len(known):
        return at, np.zeros(len(hashes), np.bool_)
    at[at == len(known)] = 0
    return at, known[at] == hashes


def _contents(sets: ShingleSets, rare: npt.NDArray[np.bool_], threads: int | None) -> Int64:
    """Prompts that are the same once masked, as the lowest number among them; one without rare n-grams is alone."""
    sizes = np.concatenate([[0], np.cumsum(rare)])[sets.indptr]
    masked = ShingleSets.from_hashes(sizes.astype(np.int64), sets.hashes[rare])
    pairs = quiet_join(masked, None, 0.6, "jaccard", threads)
    return join_units(len(masked), [_edge_labels(len(masked), *pairs)])


def quiet_join(
    left: ShingleSets, right: ShingleSets | None, threshold: float, metric: Metric, threads: int | None
) -> tuple[Int64, Int64]:
    """`similarity_join` where finding nothing is no news."""
    log = logging.getLogger("overproof")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        pairs = similarity_join(left, right, threshold=threshold, metric=metric, threads=threads)
    finally:
        log.setLevel(level)
    return pairs.left, pairs.right


def _edge_labels(n: int, left: Int64, right: Int64) -> Int64:
    """Components of a graph, as the lowest member."""
    labels = np.arange(n, dtype=np.int64)
    while len(left):
        low = np.minimum(labels[left], labels[right])
        before = labels.copy()
        np.minimum.at(labels, left, low)
        np.minimum.at(labels, right, low)
        labels = labels[labels]
        if np.array_equal(labels, before):
            break
    return labels

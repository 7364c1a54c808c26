"""What counts for no draft: prompts and earlier turns, background, boilerplate. Every mask takes all drafts alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from overproof import _core
from overproof.compare import FLOORS, LOST, SUSPECT_CAP, distinct_hashes
from overproof.errors import IncompatibleError, InputError
from overproof.evidence.result import count
from overproof.join import similarity_join
from overproof.shingle import Shingler, ShingleSets

if TYPE_CHECKING:
    from overproof.typing import TextsLike

Hashes = npt.NDArray[np.uint64]
NOTHING: Hashes = np.zeros(0, np.uint64)
RATE = 0.0005
"""An n-gram of the drafts is boilerplate above this share of the units, and above a floor solved per run."""


PUBLISHED = 0.5
"""A draft stands in the background if this share of its n-grams stands in one text of it."""


def published(
    drafts: Sequence[Sequence[str | None]], background: TextsLike, shingler: Shingler, *, threads: int | None = None
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Which drafts stand in the background, and which of its texts hold one.

    A mask made of a text that holds a draft would hide that draft alone, so such a text makes no mask. The row stays:
    only a served draft can have been published, and to leave out rows by what was published would choose by the served
    draft. A draft that stands there was not served to one account alone, as far as anybody can tell.

    Parameters
    ----------
    drafts : sequence of n sequences of K + 1 str or None
        The served draft of each row, then its redraws.
    background : TextsLike
        m texts whose n-grams shall count for no draft.
    shingler : Shingler
        One width.
    threads : int, optional
        At most this many threads; never changes a value.

    Returns
    -------
    (bool[n, K + 1], bool[m])

    Examples
    --------
    >>> rows = [["the kettle boils when its circuit closes", "a kettle heats"], ["water boils when it is hot", "so"]]
    >>> published(rows, ["They say: the kettle boils when its circuit closes.", "Nothing."], Shingler(3))
    (array([[ True, False],
           [False, False]]), array([ True, False]))
    """
    texts = _core.text_list(background)
    width = max(map(len, drafts), default=1)
    out, held = np.zeros((len(drafts), width), np.bool_), np.zeros(len(texts), np.bool_)
    flat = [(i, k, draft) for i, row in enumerate(drafts) for k, draft in enumerate(row) if draft is not None]
    if not flat or not texts:
        return out, held
    found = similarity_join(
        shingler.transform([draft for _, _, draft in flat], errors="replace", threads=threads),
        shingler.transform(background, missing="keep", errors="replace", threads=threads),
        threshold=PUBLISHED,
        metric="containment",
        recall=1,
        threads=threads,
    )
    for at in found.left.tolist():
        out[flat[at][:2]] = True
    held[found.right] = True
    return out, held


def ngrams_of(texts: TextsLike | ShingleSets, shingler: Shingler, threads: int | None = None) -> Hashes:
    """All n-grams of texts, ascending, each once.

    Raises
    ------
    IncompatibleError
        The texts are n-grams already, and of another kind.
    """
    if isinstance(texts, ShingleSets):
        if texts.fingerprint != shingler.fingerprint:
            raise IncompatibleError("background: its n-grams are of another kind than those of the drafts")
        sets = texts
    else:
        sets = shingler.transform(texts, missing="keep", errors="replace", threads=threads)
    return sets.hashes if len(sets) == 1 else distinct_hashes(sets.hashes)


def as_one(texts: TextsLike, shingler: Shingler, threads: int | None = None) -> ShingleSets:
    """All n-grams of texts as one set, which `score_drafts` takes as the background in their place.

    Examples
    --------
    >>> len(as_one(["a kettle boils", "a kettle heats"], Shingler(2)).hashes)
    3
    """
    hashes = ngrams_of(texts, shingler, threads)
    return ShingleSets.from_hashes([0, len(hashes)], hashes, params=shingler.params)


def echoes(
    prompts: TextsLike | Sequence[Sequence[str | None] | str | None], rows: int, shingler: Shingler, threads: int | None
) -> ShingleSets:
    """The n-grams of each row's prompt and earlier turns; none spans two turns."""
    turns = _turns(prompts)
    if len(turns) != rows:
        raise InputError(f"prompts has {len(turns)} rows for {rows} served outputs")
    flat = shingler.transform(
        [turn for row in turns for turn in row], missing="keep", errors="replace", threads=threads
    )
    if all(len(row) == 1 for row in turns):
        return flat
    of_turn = np.repeat(np.arange(rows), [len(row) for row in turns])
    of_ngram = np.repeat(of_turn, np.diff(flat.indptr))
    order = np.lexsort((flat.hashes, of_ngram))
    of_ngram, hashes = of_ngram[order], flat.hashes[order]
    first = np.ones(len(hashes), bool)
    first[1:] = (of_ngram[1:] != of_ngram[:-1]) | (hashes[1:] != hashes[:-1])
    indptr = np.concatenate([[0], np.cumsum(np.bincount(of_ngram[first], minlength=rows))])
    return ShingleSets.from_hashes(indptr.astype(np.int64), hashes[first], params=shingler.params)


def stands_in(texts: ShingleSets, prompts: ShingleSets) -> npt.NDArray[np.bool_]:
    """For each n-gram of `texts` whether the row of `prompts` of the same number holds it."""
    vocabulary = np.unique(prompts.hashes)
    if not len(vocabulary):
        return np.zeros(len(texts.hashes), bool)

    def keys(sets: ShingleSets, place: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        return np.repeat(np.arange(len(sets)), np.diff(sets.indptr)) * len(vocabulary) + place

    place = np.minimum(np.searchsorted(vocabulary, texts.hashes), len(vocabulary) - 1)
    asked = keys(prompts, np.searchsorted(vocabulary, prompts.hashes))
    return np.asarray((vocabulary[place] == texts.hashes) & np.isin(keys(texts, place), asked))


def _turns(prompts: Any) -> list[list[str | None]]:
    nested = isinstance(prompts, Sequence) and any(isinstance(row, list | tuple) for row in prompts)
    if not nested:
        return [[prompt] for prompt in _core.text_list(prompts)]
    turns = [list(row) if isinstance(row, list | tuple) else [row] for row in prompts]
    for i, row in enumerate(turns):
        for turn in row:
            if turn is not None and not isinstance(turn, str):
                raise InputError(f"prompts: row {i} holds a value of type {type(turn).__name__}, not text")
    return turns


def boilerplate(drafts: ShingleSets, units: npt.NDArray[np.int64], suspect: ShingleSets, asked: bool | int) -> Hashes:
    """N-grams that the drafts of many units hold, or many suspect texts.

    Every draft counts, and the limit grows with the number of drafts a unit has: were a unit to hold what any of
    its drafts holds, more redraws would mask more, and cost the power that they are drawn for. A suspect text
    counts by the least of its shingle hashes, so that copies of one text count once, and m texts of mutual Jaccard
    J about 1 + (m - 1)(1 - J) times; texts that share a template and differ in the rest still count nearly each.
    """
    near = np.full(len(suspect), -1, np.int64)
    full = np.diff(suspect.indptr) > 0
    near[full] = np.unique(suspect.hashes[suspect.indptr[:-1][full]], return_inverse=True)[1]
    floor, rate = SUSPECT_CAP
    most = (
        max(floor, int(np.ceil(rate * (int(near.max(initial=-1)) + 1))))
        if asked is True
        else count(asked, "boilerplate", 1)
    )
    theirs = _core.frequent(suspect, near, most)[0]
    return np.union1d(theirs, _common(drafts, units, asked))


def _common(drafts: ShingleSets, units: npt.NDArray[np.int64], asked: bool | int) -> Hashes:
    """N-grams of too many drafts; the cap is the least floor at which few drafts lose over half of theirs."""
    rows, there = len(np.unique(units)), int((np.diff(drafts.indptr) > 0).sum())
    by_rate = int(np.ceil(RATE * rows))
    of_one = [max(floor, by_rate) for floor in FLOORS] if asked is True else [int(asked)]
    # In units that hold an n-gram in one draft each; integers, so that no rounding decides.
    caps = [max(cap, cap * there // max(1, rows)) for cap in of_one]
    keys, counts = _core.frequent(drafts, np.arange(len(drafts)), caps[0])
    if not len(keys):
        return NOTHING
    place = np.minimum(np.searchsorted(keys, drafts.hashes), len(keys) - 1)
    held = np.where(keys[place] == drafts.hashes, counts[place], 0)
    row = np.repeat(np.arange(len(drafts)), np.diff(drafts.indptr))
    sizes = np.diff(drafts.indptr)
    long = (drafts.tokens - drafts.singles / 2 >= 20) & (sizes > 0)
    cap = caps[-1]
    for cap in caps:
        lost = np.bincount(row[held > cap], minlength=len(drafts))
        if not long.any() or (2 * lost[long] > sizes[long]).mean() <= LOST:
            break
    return np.asarray(keys[counts > cap], np.uint64)

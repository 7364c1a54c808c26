"""How well each draft fits the suspect: the table that every test on redraws starts from."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from overproof import _core
from overproof.compare import LAYERS
from overproof.errors import InputError
from overproof.evidence import masks
from overproof.evidence.rarity import rarity_of_ngrams, rarity_of_scores
from overproof.evidence.result import between
from overproof.shingle import Shingler, ShingleSets, checked_shingler

if TYPE_CHECKING:
    from overproof.typing import TextsLike

Float64 = npt.NDArray[np.float64]
SCORES = {"run": "longest_run", "ngrams": "ngrams", "coverage": "covered"}
BEST = 16
"""Suspect texts, by the n-grams that they share with a draft, among which its score is the best."""
LAST = len(LAYERS) - 1
"""The layer from which on all masks are in use."""


def score_drafts(
    served: TextsLike,
    redraws: Sequence[Sequence[str | None] | None],
    suspect: TextsLike,
    *,
    prompts: TextsLike | Sequence[Sequence[str | None] | str | None] | None = None,
    background: TextsLike | ShingleSets | None = None,
    boilerplate: bool | int = False,
    rarity: TextsLike | None = None,
    score: str = "run",
    shingler: Shingler | None = None,
    threads: int | None = None,
) -> Float64:
    """Score every served output and every redraw of it against the suspect corpus.

    A draft's score depends on the draft, its prompt, the background, the suspect, and with `boilerplate` on how many
    drafts hold an n-gram: swapping a served output and a redraw swaps their scores bit for bit.

    Parameters
    ----------
    served : TextsLike
        n served outputs, one a unit; None where one is missing.
    redraws : sequence of sequences of str
        The unserved redraws of each, in the order of drawing; rows may differ in length, None is a missing one.
    suspect : TextsLike
        The corpus in question. Near-duplicates in it change no score.
    prompts : TextsLike or sequence of sequences of str, optional
        The prompt of each row, or its prompt and earlier turns as a list: their n-grams count for no draft of the row.
    background : TextsLike, optional
        Texts whose n-grams count for no draft; they hold no draft, and predate the suspect and the first leak.
    boilerplate : bool or int
        True: n-grams of numbers only, those that over ``max(20, 0.002 * texts)`` suspect texts hold, and those that in
        one draft a row over ``max(floor, 0.0005 * rows)`` rows hold, on average over the drafts, count for no draft;
        the floor is the least of 5, 6, 8, ... 128 at which at most 1 % of the drafts lose over half of their n-grams.
        An integer takes the place of both limits. Copies of one text in the suspect count once (see Notes).
    rarity : TextsLike, optional
        Control texts that hold no draft; the score becomes how rare it is among them, in powers of ten. Of
        ``"ngrams"`` the sum of -log10((m + 1) / (N + 1)) over the shared n-grams, m of N control texts holding each; of
        the others -log10 of the share of control texts that reach the score, which keeps order and ties within a row
        and is a weight for ``line_up(method="permutation")``.
    score : {"run", "ngrams", "coverage"}
        Tokens of the longest common run with one suspect text; n-grams shared with one; tokens inside shared n-grams. A
        masked n-gram ends a run.
    shingler : Shingler, optional
        One width; default ``Shingler(5)``.
    threads : int, optional
        At most this many threads; never changes a value.

    Returns
    -------
    float64[n, K + 1]
        Column 0 served, then the redraws, K the most that a row has; NaN where a draft is missing or null, 0 where
        nothing is shared.

    Raises
    ------
    InputError
        Lengths differ, a row is not text, there is no redraw, no control text holds a token, or an option is unknown.
    IncompatibleError
        The n-grams of the background are of another kind.

    Notes
    -----
    The score is the best among the 16 suspect texts that share most n-grams with the draft; of different texts with the
    same n-grams the first stands for all, so that then a run may depend on the suspect's order. A suspect text counts
    towards boilerplate by the least of its shingle hashes (a MinHash of one value): m texts of mutual Jaccard J count
    about 1 + (m - 1)(1 - J) times, so near-duplicates of a leaked text do not make its n-grams boilerplate. Between
    the values that control texts reach the logarithm of the share is linear, beyond the greatest it falls as
    1 / (1 + excess). Time O(tokens of all sides), memory about 30 bytes per n-gram of the suspect.

    Examples
    --------
    >>> served = ["the kettle boils when the thermostat closes its circuit"]
    >>> redraws = [["water boils once the kettle has heated it", "a kettle heats water until it boils"]]
    >>> score_drafts(served, redraws, ["Note: the kettle boils when the thermostat closes its circuit!"])
    array([[9., 0., 0.]])
    """
    drafts = PreparedDrafts(
        served,
        redraws,
        suspect,
        prompts=prompts,
        background=background,
        boilerplate=boilerplate,
        score=score,
        shingler=shingler,
        threads=threads,
    )
    return drafts.scores(rarity=rarity)


def draft_waterfall(
    served: TextsLike,
    redraws: Sequence[Sequence[str | None] | None],
    suspect: TextsLike,
    *,
    tau: float,
    prompts: TextsLike | Sequence[Sequence[str | None] | str | None] | None = None,
    background: TextsLike | ShingleSets | None = None,
    boilerplate: bool | int = False,
    score: str = "run",
    shingler: Shingler | None = None,
    threads: int | None = None,
) -> list[dict[str, Any]]:
    """What each mask takes from the served outputs and from their redraws.

    Parameters
    ----------
    served, redraws, suspect, prompts, background, boilerplate, score, shingler, threads
        As in `score_drafts`.
    tau : float
        Least score of an event, as in `line_up`.

    Returns
    -------
    list of dict
        One for each ``layer``: ``"raw"`` counts everything, ``"prompt echo"``, ``"background"`` and ``"boilerplate"``
        what is left without that mask and those before it, ``"left"`` what the tests see. Under ``served`` and
        ``redraws``: ``drafts`` there are, ``matched`` of them that share an n-gram, ``ngrams`` shared with the best
        text of each, summed, and ``reaching`` of them whose score is at least tau.

    Raises
    ------
    InputError
        As `score_drafts`; or tau is not a number.

    Notes
    -----
    A mask that takes more from served outputs than from redraws under an innocent suspect would be a biased one; no
    mask here can tell them apart. Cost: that of `score_drafts` for each mask in use, and once more.

    Examples
    --------
    >>> served = ["the kettle boils when the thermostat closes its circuit"]
    >>> suspect = ["Note: the kettle boils when the thermostat closes its circuit!"]
    >>> web = ["a kettle boils when the thermostat"]
    >>> taken = draft_waterfall(served, [["a kettle heats water"]], suspect, tau=5, background=web)
    >>> [(layer["layer"], layer["served"]["ngrams"]) for layer in taken]
    [('raw', 5), ('prompt echo', 5), ('background', 4), ('boilerplate', 4), ('left', 4)]
    """
    tau = between(tau, "tau", -math.inf, math.inf)
    drafts = PreparedDrafts(
        served,
        redraws,
        suspect,
        prompts=prompts,
        background=background,
        boilerplate=boilerplate,
        score=score,
        shingler=shingler,
        threads=threads,
    )
    return drafts.waterfall(tau)


def best_matches(
    texts: Sequence[str | None],
    suspect: TextsLike,
    *,
    prompts: TextsLike | Sequence[Sequence[str | None] | str | None] | None = None,
    background: TextsLike | ShingleSets | None = None,
    boilerplate: bool | int = False,
    score: str = "run",
    shingler: Shingler | None = None,
    threads: int | None = None,
) -> tuple[npt.NDArray[np.int64], Float64]:
    """The suspect text that each text fits best, and its score.

    Parameters
    ----------
    texts : sequence of str
        n texts.
    suspect, prompts, background, boilerplate, score, shingler, threads
        As in `score_drafts`.

    Returns
    -------
    (int64[n], float64[n])
        Row of the suspect, the lowest of those with the greatest score, or -1 where nothing is shared; the score.

    Examples
    --------
    >>> best_matches(["the kettle boils when it is hot", "no"], ["nothing", "so the kettle boils when it is hot"])
    (array([ 1, -1]), array([7., 0.]))
    """
    # Beside an empty text, which shares nothing: a row of drafts has two at least.
    drafts = PreparedDrafts(
        texts,
        [[""]] * len(texts),
        suspect,
        prompts=prompts,
        background=background,
        boilerplate=boilerplate,
        score=score,
        shingler=shingler,
        threads=threads,
    )
    rows, most = drafts.best()
    return rows[:, 0], most[:, 0]


class PreparedDrafts:
    """Drafts, suspect and masks, shingled once for all that is asked of them.

    Parameters
    ----------
    served, redraws, suspect, prompts, background, boilerplate, score, shingler, threads
        As in `score_drafts`.

    Raises
    ------
    InputError
        As `score_drafts`.

    Examples
    --------
    >>> drafts = PreparedDrafts(["so the kettle boils when hot"], [["no"]], ["nothing", "the kettle boils when hot"])
    >>> drafts.scores(), drafts.best()[0]
    (array([[5., 0.]]), array([[ 1, -1]]))
    """

    def __init__(
        self,
        served: TextsLike,
        redraws: Sequence[Sequence[str | None] | None],
        suspect: TextsLike,
        *,
        prompts: TextsLike | Sequence[Sequence[str | None] | str | None] | None = None,
        background: TextsLike | ShingleSets | None = None,
        boilerplate: bool | int = False,
        score: str = "run",
        shingler: Shingler | None = None,
        threads: int | None = None,
    ) -> None:
        rows = draft_rows(served, redraws)
        width = max(map(len, rows), default=1)
        if width == 1:
            raise InputError("redraws: no row has one, so nothing can be compared with what was served")
        if score not in SCORES:
            raise InputError(f"score={score!r} is unknown; give {', '.join(SCORES)}")
        self._column, self._shingler, self._threads = SCORES[score], _one_width(shingler), threads
        self._suspect, self._shape = suspect, (len(rows), width)
        self._texts = [draft for row in rows for draft in row]
        self._sets, self._theirs = self._shingled(self._texts), self._shingled(suspect)
        self._answers = _core.CopyAnswers(self._theirs, None)
        self._asked: ShingleSets | None = None
        self._behind = self._common = masks.NOTHING
        row_of = np.repeat(np.arange(len(rows)), width)
        if prompts is not None:
            self._asked = masks.echoes(prompts, len(rows), self._shingler, threads).take(row_of)
        if background is not None:
            self._behind = masks.ngrams_of(background, self._shingler, threads)
        if boilerplate is not False:
            numbers = _core.number_shingles(self._texts, self._shingler.params, threads)
            self._common = np.union1d(numbers, masks.boilerplate(self._sets, row_of, self._theirs, boilerplate))

    def scores(self, *, rarity: TextsLike | None = None) -> Float64:
        """What `score_drafts` returns."""
        if rarity is None:
            return self._table(self._left, self._column)
        controls = self._shingled(rarity)
        if not len(controls.hashes):
            raise InputError("rarity: no control text holds a token")
        alone = np.flatnonzero(
            (_core.representatives(controls) == np.arange(len(controls))) & (np.diff(controls.indptr) > 0)
        )
        if self._column == "ngrams":
            return self._weighted(controls.take(alone))
        texts = _core.text_list(rarity)
        reached = self._pairs(LAST, [texts[i] for i in alone], controls.take(alone), None)
        return rarity_of_scores(self._table(self._left, self._column), reached.most(self._column, len(alone)))

    def waterfall(self, tau: float) -> list[dict[str, Any]]:
        """What `draft_waterfall` returns."""
        out: list[dict[str, Any]] = []
        for stage, (layer, used) in enumerate(
            zip(LAYERS, (True, self._asked is not None, len(self._behind) > 0, len(self._common) > 0), strict=True)
        ):
            if used:
                found = self._left if stage == LAST else self._without(stage)
                ngrams, scores = self._table(found, "ngrams"), self._table(found, self._column)
            sides = {
                name: {
                    "drafts": int((~np.isnan(ngrams[:, part])).sum()),
                    "matched": int((ngrams[:, part] > 0).sum()),
                    "ngrams": int(np.nansum(ngrams[:, part])),
                    "reaching": int((scores[:, part] >= tau).sum()),
                }
                for name, part in (("served", slice(1)), ("redraws", slice(1, None)))
            }
            out.append({"layer": layer, **sides})
        return [*out, {**out[-1], "layer": "left"}]

    def best(self) -> tuple[npt.NDArray[np.int64], Float64]:
        """Of each draft what `best_matches` returns: int64[n, K + 1] and float64[n, K + 1]."""
        left, right, scores = self._left.left, self._left.right, self._left.scores(self._column)
        order = np.lexsort((right, -scores, left))
        texts, first = np.unique(left[order], return_index=True)
        rows, most = np.full(len(self._texts), -1, np.int64), np.zeros(len(self._texts))
        rows[texts], most[texts] = right[order][first], scores[order][first]
        rows[most == 0] = -1
        return rows.reshape(self._shape), most.reshape(self._shape)

    @cached_property
    def _left(self) -> _Pairs:
        """What all masks leave."""
        return self._without(LAST)

    def _without(self, stage: int) -> _Pairs:
        """What is left without the masks up to a stage."""
        return self._pairs(stage, self._texts, self._sets, self._asked if stage else None)

    def _shingled(self, texts: Any) -> ShingleSets:
        return self._shingler.transform(texts, missing="keep", errors="replace", threads=self._threads)

    def _table(self, found: _Pairs, column: str) -> Float64:
        return self._shaped(found.most(column, len(self._texts)))

    def _shaped(self, table: Float64) -> Float64:
        table[[draft is None for draft in self._texts]] = np.nan
        return table.reshape(self._shape)

    def _found(self, stage: int, sets: ShingleSets, asked: ShingleSets | None) -> tuple[Any, Any, Any]:
        behind = self._behind if stage >= 2 else masks.NOTHING
        common = self._common if stage >= 3 else masks.NOTHING
        index = _core.CopyIndex(self._answers, behind, common, 1)
        side = _core.CopySide(sets, asked, behind, common)
        # Every shared n-gram makes a candidate; what counts is decided on the exact text.
        return index, side, index.find(side, 1.0, 1e-300, 1.0, min(BEST, max(1, len(index))), self._threads)

    def _pairs(self, stage: int, texts: Sequence[str | None], sets: ShingleSets, asked: ShingleSets | None) -> _Pairs:
        index, side, found = self._found(stage, sets, asked)
        no_best = np.zeros(0, np.int64)  # of stages, which compare's waterfall would count
        left, right = found["left"], found["right"]
        return _Pairs(left, right, index.verify(side, left, right, no_best, texts, self._suspect, self._threads))

    def _weighted(self, controls: ShingleSets) -> Float64:
        _, _, found = self._found(LAST, self._sets, self._asked)
        hidden = np.isin(self._sets.hashes, np.union1d(self._behind, self._common))
        if self._asked is not None:
            hidden |= masks.stands_in(self._sets, self._asked)
        sums = rarity_of_ngrams(self._sets, ~hidden, self._theirs, (found["left"], found["right"]), controls)
        table = np.zeros(len(self._sets))
        np.maximum.at(table, found["left"], sums)
        return self._shaped(table)


@dataclass(frozen=True)
class _Pairs:
    """Candidate pairs of a text and a suspect row, with their scores on the exact text."""

    left: npt.NDArray[np.int64]
    right: npt.NDArray[np.int64]
    verified: dict[str, npt.NDArray[Any]]

    def scores(self, column: str) -> Float64:
        return self.verified[column].astype(np.float64)

    def most(self, column: str, texts: int) -> Float64:
        """The greatest score of each text, 0 where nothing is shared."""
        table = np.zeros(texts)
        np.maximum.at(table, self.left, self.scores(column))
        return table


def _one_width(shingler: Shingler | None) -> Shingler:
    shingler = checked_shingler(shingler) or Shingler(5)
    if len(shingler.params.n) != 1 or shingler.params.analyzer not in ("word", "char", "byte"):
        raise InputError('shingler: score_drafts needs one width n and the analyzer "word", "char" or "byte"')
    return shingler


def draft_rows(served: Any, redraws: Sequence[Sequence[str | None] | None]) -> list[list[str | None]]:
    """Each served output with its redraws, all rows as long as the longest; None where a draft is missing."""
    answers = _core.text_list(served)
    rows = [[] if row is None else _row(row, i) for i, row in enumerate(redraws)]
    if len(rows) != len(answers):
        raise InputError(f"redraws has {len(rows)} rows for {len(answers)} served outputs")
    width = max(map(len, rows), default=0)
    return [[answer, *row, *[None] * (width - len(row))] for answer, row in zip(answers, rows, strict=True)]


def _row(row: Any, i: int) -> list[str | None]:
    if isinstance(row, str | bytes) or not isinstance(row, Sequence | np.ndarray):
        raise InputError(f"redraws: row {i} is one {type(row).__name__}, not a list of redraws")
    drafts = list(row)
    for draft in drafts:
        if draft is not None and not isinstance(draft, str):
            raise InputError(f"redraws: row {i} holds a value of type {type(draft).__name__}, not text")
    return drafts

"""How well each draft fits the suspect: the table that every test on redraws starts from."""

from __future__ import annotations

import math
from collections.abc import Sequence
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


def score_drafts(
    served: TextsLike,
    redraws: Sequence[Sequence[str | None] | None],
    suspect: TextsLike,
    *,
    prompts: TextsLike | Sequence[Sequence[str | None] | str | None] | None = None,
    background: TextsLike | None = None,
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
    drafts = _Drafts(draft_rows(served, redraws), suspect, _one_width(shingler), threads)
    drafts.mask(prompts, background, boilerplate)
    return drafts.table(_known(score), rarity=rarity)


def draft_waterfall(
    served: TextsLike,
    redraws: Sequence[Sequence[str | None] | None],
    suspect: TextsLike,
    *,
    tau: float,
    prompts: TextsLike | Sequence[Sequence[str | None] | str | None] | None = None,
    background: TextsLike | None = None,
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
    tau, column = between(tau, "tau", -math.inf, math.inf), _known(score)
    drafts = _Drafts(draft_rows(served, redraws), suspect, _one_width(shingler), threads)
    drafts.mask(prompts, background, boilerplate)
    out: list[dict[str, Any]] = []
    for stage, (layer, used) in enumerate(
        zip(LAYERS, (True, prompts is not None, len(drafts.behind) > 0, len(drafts.common) > 0), strict=True)
    ):
        if used:
            ngrams, scores = drafts.tables(["ngrams", column], stage)
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


def best_matches(
    texts: Sequence[str | None],
    suspect: TextsLike,
    *,
    prompts: TextsLike | Sequence[Sequence[str | None] | str | None] | None = None,
    background: TextsLike | None = None,
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
    drafts = _Drafts([[text, ""] for text in texts], suspect, _one_width(shingler), threads)
    drafts.mask(prompts, background, boilerplate)
    return drafts.best(_known(score))


class _Drafts:
    """Drafts, suspect and masks, shingled once."""

    def __init__(self, rows: list[list[str | None]], suspect: Any, shingler: Shingler, threads: int | None) -> None:
        width = max(map(len, rows), default=1)
        if width == 1:
            raise InputError("redraws: no row has one, so nothing can be compared with what was served")
        self.shingler, self.threads, self.suspect = shingler, threads, suspect
        self.shape = len(rows), width
        self.texts = [draft for row in rows for draft in row]
        self.sets, self.theirs = self.shingled(self.texts), self.shingled(suspect)
        self.answers = _core.CopyAnswers(self.theirs, None)
        self.asked: ShingleSets | None = None
        self.behind = self.common = masks.NOTHING

    def mask(self, prompts: Any, background: Any, boilerplate: bool | int) -> None:
        row_of = np.repeat(np.arange(self.shape[0]), self.shape[1])
        if prompts is not None:
            self.asked = masks.echoes(prompts, self.shape[0], self.shingler, self.threads).take(row_of)
        if background is not None:
            self.behind = np.unique(self.shingled(background).hashes)
        if boilerplate is not False:
            numbers = _core.number_shingles(self.texts, self.shingler.params, self.threads)
            self.common = np.union1d(numbers, masks.boilerplate(self.sets, row_of, self.theirs, boilerplate))

    def shingled(self, texts: Any) -> ShingleSets:
        return self.shingler.transform(texts, missing="keep", errors="replace", threads=self.threads)

    def table(self, column: str, *, rarity: Any = None) -> Float64:
        if rarity is None:
            return self.tables([column], len(LAYERS) - 1)[0]
        controls = self.shingled(rarity)
        if not len(controls.hashes):
            raise InputError("rarity: no control text holds a token")
        alone = np.flatnonzero(
            (_core.representatives(controls) == np.arange(len(controls))) & (np.diff(controls.indptr) > 0)
        )
        if column == "ngrams":
            return self._weighted(controls.take(alone))
        texts = _core.text_list(rarity)
        reached = self._verified([column], 3, [texts[i] for i in alone], controls.take(alone), None)[0]
        return rarity_of_scores(self.tables([column], len(LAYERS) - 1)[0], reached)

    def tables(self, columns: list[str], stage: int) -> list[Float64]:
        """Scores of all drafts without the masks up to a stage."""
        tables = self._verified(columns, stage, self.texts, self.sets, self.asked if stage else None)
        return [self._shaped(table) for table in tables]

    def _shaped(self, table: Float64) -> Float64:
        table[[draft is None for draft in self.texts]] = np.nan
        return table.reshape(self.shape)

    def _found(self, stage: int, sets: ShingleSets, asked: ShingleSets | None) -> tuple[Any, Any, Any]:
        behind = self.behind if stage >= 2 else masks.NOTHING
        common = self.common if stage >= 3 else masks.NOTHING
        index = _core.CopyIndex(self.answers, behind, common, 1)
        side = _core.CopySide(sets, asked, behind, common)
        # Every shared n-gram makes a candidate; what counts is decided on the exact text.
        return index, side, index.find(side, 1.0, 1e-300, 1.0, min(BEST, max(1, len(index))), self.threads)

    def _verified(
        self, columns: list[str], stage: int, texts: list[str | None], sets: ShingleSets, asked: ShingleSets | None
    ) -> list[Float64]:
        left, _, scores = self._pairs(columns, stage, texts, sets, asked)
        tables = [np.zeros(len(sets)) for _ in columns]
        for table, of_pairs in zip(tables, scores, strict=True):
            np.maximum.at(table, left, of_pairs)
        return tables

    def _pairs(
        self, columns: list[str], stage: int, texts: list[str | None], sets: ShingleSets, asked: ShingleSets | None
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], list[Float64]]:
        """Candidate pairs of a text and a suspect row, with their scores on the exact text."""
        index, side, found = self._found(stage, sets, asked)
        no_best = np.zeros(0, np.int64)  # of stages, which compare's waterfall would count
        verified = index.verify(side, found["left"], found["right"], no_best, texts, self.suspect, self.threads)
        return found["left"], found["right"], [verified[column].astype(np.float64) for column in columns]

    def best(self, column: str) -> tuple[npt.NDArray[np.int64], Float64]:
        """Of the first draft of each row: the suspect row that it fits best, and the score."""
        left, right, scores = self._pairs([column], len(LAYERS) - 1, self.texts, self.sets, self.asked)
        order = np.lexsort((right, -scores[0], left))
        texts, first = np.unique(left[order], return_index=True)
        rows, most = np.full(len(self.texts), -1, np.int64), np.zeros(len(self.texts))
        rows[texts], most[texts] = right[order][first], scores[0][order][first]
        rows[most == 0] = -1
        return rows[:: self.shape[1]], most[:: self.shape[1]]

    def _weighted(self, controls: ShingleSets) -> Float64:
        _, _, found = self._found(len(LAYERS) - 1, self.sets, self.asked)
        hidden = np.isin(self.sets.hashes, np.union1d(self.behind, self.common))
        if self.asked is not None:
            hidden |= masks.stands_in(self.sets, self.asked)
        sums = rarity_of_ngrams(self.sets, ~hidden, self.theirs, (found["left"], found["right"]), controls)
        table = np.zeros(len(self.sets))
        np.maximum.at(table, found["left"], sums)
        return self._shaped(table)


def _known(score: str) -> str:
    if score not in SCORES:
        raise InputError(f"score={score!r} is unknown; give {', '.join(SCORES)}")
    return SCORES[score]


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
            raise InputError(f"redraws: row {i} holds a {type(draft).__name__}, not text")
    return drafts

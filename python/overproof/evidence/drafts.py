"""How well each draft fits the suspect: the table that every test on redraws starts from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from overproof import _core
from overproof.errors import InputError
from overproof.shingle import Shingler, checked_shingler

if TYPE_CHECKING:
    from overproof.typing import TextsLike

SCORES = {"run": "longest_run", "ngrams": "ngrams", "coverage": "covered"}
BEST = 16
"""Suspect texts, by the n-grams that they share with a draft, among which its score is the best."""


def score_drafts(
    served: TextsLike,
    redraws: Sequence[Sequence[str | None] | None],
    suspect: TextsLike,
    *,
    prompts: TextsLike | None = None,
    background: TextsLike | None = None,
    score: str = "run",
    shingler: Shingler | None = None,
    threads: int | None = None,
) -> npt.NDArray[np.float64]:
    """Score every served output and every redraw of it against the suspect corpus.

    A draft's score depends on the draft, its prompt, the background and the suspect, and on no other draft: swapping a
    served output and a redraw swaps their scores bit for bit.

    Parameters
    ----------
    served : TextsLike
        n served outputs, one a unit; None where one is missing.
    redraws : sequence of sequences of str
        The unserved redraws of each, in the order of drawing; rows may differ in length, None is a missing one.
    suspect : TextsLike
        The corpus in question. Near-duplicates in it change no score.
    prompts : TextsLike, optional
        The prompt and earlier turns of each row, whose n-grams count for no draft of the row.
    background : TextsLike, optional
        Texts whose n-grams count for no draft; they hold no draft, and predate the suspect and the first leak.
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
        Lengths differ, a row is not text, there is no redraw, or an option is unknown.

    Notes
    -----
    The score is the best among the 16 suspect texts that share most n-grams with the draft. Time O(tokens of all
    sides), memory about 30 bytes per n-gram of the suspect.

    Examples
    --------
    >>> served = ["the kettle boils when the thermostat closes its circuit"]
    >>> redraws = [["water boils once the kettle has heated it", "a kettle heats water until it boils"]]
    >>> score_drafts(served, redraws, ["Note: the kettle boils when the thermostat closes its circuit!"])
    array([[9., 0., 0.]])
    """
    if score not in SCORES:
        raise InputError(f"score={score!r} is unknown; give {', '.join(SCORES)}")
    shingler = checked_shingler(shingler) or Shingler(5)
    if len(shingler.params.n) != 1 or shingler.params.analyzer not in ("word", "char", "byte"):
        raise InputError('shingler: score_drafts needs one width n and the analyzer "word", "char" or "byte"')
    rows = draft_rows(served, redraws)
    width = max(map(len, rows), default=1)
    if width == 1:
        raise InputError("redraws: no row has one, so nothing can be compared with what was served")
    drafts = [draft for row in rows for draft in row]

    def sets(texts: Any) -> Any:
        return shingler.transform(texts, missing="keep", errors="replace", threads=threads)

    asked = None
    if prompts is not None:
        of_row = _core.text_list(prompts)
        if len(of_row) != len(rows):
            raise InputError(f"prompts has {len(of_row)} rows for {len(rows)} served outputs")
        asked = sets([prompt for prompt in of_row for _ in range(width)])
    nothing = np.zeros(0, np.uint64)
    behind = np.unique(sets(background).hashes) if background is not None else nothing
    index = _core.CopyIndex(_core.CopyAnswers(sets(suspect), None), behind, nothing, 1)
    side = _core.CopySide(sets(drafts), asked, behind, nothing)
    # Every shared n-gram makes a candidate; what counts is decided on the exact text.
    found = index.find(side, 1.0, 1e-300, 1.0, min(BEST, max(1, len(index))), threads)
    no_best = np.zeros(0, np.int64)  # of stages, which a waterfall would count
    verified = index.verify(side, found["left"], found["right"], no_best, drafts, suspect, threads)
    table = np.zeros(len(drafts))
    np.maximum.at(table, found["left"], verified[SCORES[score]].astype(np.float64))
    table[[draft is None for draft in drafts]] = np.nan
    return table.reshape(len(rows), width)


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

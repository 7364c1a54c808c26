"""Which drafts a log shows served to one account alone: the filter of rung L2."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from overproof._core import ShingleSets, TextColumn
from overproof.errors import InputError
from overproof.evidence.result import between
from overproof.evidence.templates import quiet_join, spread, sums_of_rows
from overproof.index import NgramTable
from overproof.shingle import Shingler, checked_shingler

if TYPE_CHECKING:
    from overproof.typing import TextsLike

Int64 = npt.NDArray[np.int64]
BLOCK = 1 << 16
UNKNOWN = -2


def served_only_here(
    drafts: Sequence[Sequence[str | None]],
    accounts: Sequence[Hashable],
    log_texts: TextsLike,
    log_accounts: Sequence[Hashable],
    *,
    own_rows: npt.ArrayLike,
    threshold: float = 0.5,
    shingler: Shingler | None = None,
    threads: int | None = None,
) -> npt.NDArray[np.bool_]:
    """Whether each draft stands in no text that the log served to another account, near-duplicates included.

    Parameters
    ----------
    drafts : sequence of n sequences of K + 1 str or None
        Of each unit the served text, then its redraws. None where a redraw is missing.
    accounts : sequence of n
        The account, or the group, that each unit was served to.
    log_texts : TextsLike
        All texts of the log, of all accounts.
    log_accounts : sequence
        The account of each, or the group, as in `accounts`; None where not known, which counts as another account.
    own_rows : int64[n]
        The row of each unit in the log: the record itself is no other text.
    threshold : float
        A draft stands in a text if this share of its distinct n-grams does (containment in one text).
    shingler : Shingler, optional
        ``Shingler()`` unless given.
    threads : int, optional
        At most this many threads; never changes a value.

    Returns
    -------
    bool[n, K + 1]
        False for missing drafts, and for all that others were served. For `account_attribution`.

    Raises
    ------
    InputError
        Lengths differ; a row is outside the log, or its account is not the unit's; units have different numbers of
        drafts.

    Notes
    -----
    A function of the text of a draft and of the log without the record, the same for served drafts and redraws:
    swapping a served text with a redraw swaps the two values. It costs power, not validity: a text that was served to
    others too shows nothing of this account. Complete and exact on the n-grams; O(bytes of the log), and memory for the
    n-grams of the drafts and of one block of texts. What the log does not hold (another channel, a republication) it
    cannot see.

    Examples
    --------
    >>> shared = "to all we say the same few words"
    >>> log = ["the answer is a long one for you", shared, shared.upper() + "!"]
    >>> served_only_here(
    ...     [[log[0], "another draw of the answer is here"], [log[1], "and this is one of the others"]],
    ...     ["a", "b"], log, ["a", "b", "c"], own_rows=[0, 1])
    array([[ True,  True],
           [False,  True]])
    """
    shingler, threshold = checked_shingler(shingler) or Shingler(), between(threshold, "threshold", 0, 1 + 1e-9)
    texts = TextColumn(log_texts, missing="keep", errors="replace")
    rows = np.atleast_1d(np.asarray(own_rows))
    width = len(drafts[0]) if len(drafts) else 0
    for name, length, wanted in (
        ("accounts", len(accounts), len(drafts)),
        ("own_rows", len(rows), len(drafts)),
        ("log_accounts", len(log_accounts), len(texts)),
    ):
        if length != wanted:
            raise InputError(f"{name} has {length} values for {wanted} rows")
    if any(len(unit) != width for unit in drafts):
        raise InputError("drafts: each unit must have as many as the first; None where one is missing")
    number: dict[Hashable, int] = {}
    owners = np.array([number.setdefault(a, len(number)) for a in accounts], np.int64)
    holders = np.array([UNKNOWN if a is None else number.setdefault(a, len(number)) for a in log_accounts], np.int64)
    for unit, row in enumerate(rows.tolist()):
        if not isinstance(row, int) or not 0 <= row < len(texts):
            raise InputError(f"own_rows: {row!r} of unit {unit} is no row of the log (0 to {len(texts) - 1})")
        if holders[row] not in (owners[unit], UNKNOWN):
            raise InputError(f"own_rows: row {row} was not served to {accounts[unit]!r}, the account of unit {unit}")
    flat = [text for unit in drafts for text in unit]
    sets = shingler.transform(flat, missing="keep", threads=threads)
    table = NgramTable(sets)
    elsewhere = np.zeros(len(flat), np.bool_)
    owner_of, row_of = np.repeat(owners, width), np.repeat(rows.astype(np.int64), width)
    for at in range(0, len(texts), BLOCK):
        block = shingler.transform(texts[at : at + BLOCK], missing="keep", threads=threads)
        inside = table.contains(block.hashes, threads=threads)
        indptr = np.concatenate([[0], np.cumsum(inside)])[block.indptr].astype(np.int64)
        known = np.flatnonzero(np.diff(indptr) > 0)
        if not len(known):
            continue
        hashes, indptr = block.hashes[inside], np.concatenate([[0], np.cumsum(np.diff(indptr)[known])])
        mine = holders[at + known]
        # Equal texts of one account are one, so that a text that was served a thousand times is compared once; those of
        # accounts not known stay apart, for one of them may be the record itself.
        same = sums_of_rows(indptr, spread(hashes))
        with np.errstate(over="ignore"):
            alone = np.where(mine == UNKNOWN, known + len(number) + 1, mine).astype(np.uint64)
            first = np.unique(spread(same + spread(alone)), return_index=True)[1]
        kept = _sets(indptr, hashes).take(np.sort(first).astype(np.int64))
        found = quiet_join(_sets(sets.indptr, sets.hashes), kept, threshold, "containment", threads)
        draft, holder = found[0], mine[np.sort(first)][found[1]]
        row = at + known[np.sort(first)][found[1]]
        other = np.where(holder == UNKNOWN, row != row_of[draft], holder != owner_of[draft])
        elsewhere[draft[other]] = True
    here = ~elsewhere & np.array([text is not None for text in flat], np.bool_)
    return here.reshape(len(drafts), width)


def _sets(indptr: Int64, hashes: npt.NDArray[np.uint64]) -> ShingleSets:
    """Sets of some of the n-grams, without the parameters of the whole ones."""
    return ShingleSets.from_hashes(indptr.astype(np.int64), hashes)

"""Which records may take part: redraws that were drawn as the served output was, and none that somebody picked."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Set
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from overproof._core import TextColumn
from overproof.corpus import Corpus
from overproof.errors import InputError
from overproof.evidence.canonical import canonical
from overproof.evidence.log import CUT, GENERATION, column, refusals
from overproof.evidence.units import log_units, turns_of

Settings = Mapping[str, tuple[TextColumn | None, TextColumn | None]]

BY_KEY = ("prf", "prompt", "all")
"""Ways to choose records that do not look at what was served."""


@dataclass(frozen=True)
class Drafts:
    """Served outputs with their redraws, as `match_redraws` found them fit to be compared.

    Attributes
    ----------
    rows : int64[u]
        The row of the log of each unit that takes part, ascending.
    served : list of str
        What was served.
    redraws : list of list of str or None
        By draft number; None where a redraw was refused or has no text.
    refused : dict of str to int
        Records, and single redraws, that take no part, by reason.
    k : int64[u]
        Redraws of each unit that have a text.
    """

    rows: npt.NDArray[np.int64]
    served: list[str]
    redraws: list[list[str | None]]
    refused: dict[str, int]
    k: npt.NDArray[np.int64]


def match_redraws(
    log: Corpus,
    redraws: Corpus,
    *,
    rows: npt.ArrayLike | None = None,
    units: npt.NDArray[np.int64] | None = None,
    drawn: Mapping[str, int] | None = None,
    spent: Set[str] = frozenset(),
) -> Drafts:
    """Bring each served output and its redraws together, and refuse what would accuse innocents.

    Parameters
    ----------
    log : Corpus
        n requests, as `read_log` gives.
    redraws : Corpus
        ``text``, and in ``.extra`` ``request_id`` (or as ``.ids``), ``draft`` (1 to K), ``selected_by`` and the fields
        of `GENERATION` that are known.
    rows : array_like of int64, optional
        The rows of the log that were chosen before anything was compared; by default those that have redraws.
    units : int64[n], optional
        As `log_units` gives, when it is known already.
    drawn : mapping of str to int, optional
        Draws that the ledger holds for each request: more than are given means that somebody picked.
    spent : set of str
        Requests whose redraws a report has opened.

    Returns
    -------
    Drafts

    Raises
    ------
    InputError
        The log or the redraws have no request ids, the redraws no draft numbers, or a row is outside the log.

    Notes
    -----
    A field of `GENERATION` that both sides have must be equal as JSON. One that only one side has is covered by equal
    ``params_hash``; the model never is, and several turns need their messages. Measured without the rule: p < .001
    against innocents in 14-40 %, by another length limit in 14 of 14.

    Examples
    --------
    >>> import overproof as op
    >>> log = op.Corpus(["a b"], ids=["r1"], extra={"model": ["m-1"], "params_hash": ["h"]})
    >>> fields = {"request_id": ["r1"] * 2, "draft": [1, 2], "model": ["m-1", "m-2"], "params_hash": ["h"] * 2}
    >>> drafts = match_redraws(log, op.Corpus(["c d", "e f"], extra=fields))
    >>> drafts.redraws, drafts.refused
    ([['c d', None]], {'redraw with another model': 1})
    """
    if log.ids is None:
        raise InputError("the log has no request ids, which redraws are matched by: give the field of its ids")
    ids, of = log.ids.to_list(), _by_request(redraws)
    known, bad = set(ids), dict(refusals(log))
    units = log_units(log) if units is None else units
    if rows is None:
        chosen = np.array([row for row, name in enumerate(ids) if name in of], np.int64)
    else:
        chosen = np.unique(np.asarray(rows, np.int64))
    if len(chosen) and not 0 <= chosen[0] <= chosen[-1] < len(log):
        raise InputError(f"rows: {chosen[-1]} is no row of a log of {len(log)}")
    settings = {name: (log.extra.get(name), redraws.extra.get(name)) for name in GENERATION}
    refused, kept, taken = Counter[str](), list[tuple[int, list[str | None]]](), set[int]()
    for row in chosen.tolist():
        name = ids[row] or ""
        mine = of.get(name, [])
        reason = bad.get(row) or _of_record(name, mine, drawn, spent)
        if reason is None and units[row] in taken:
            reason = "another record of its unit"
        if reason is None:
            drafts = _drafts(log, row, redraws, mine, settings=settings, refused=refused)
            if any(draft is not None for draft in drafts):
                taken.add(int(units[row]))
                kept.append((row, drafts))
                continue
            reason = "no redraw is left"
        refused[reason] += 1
    asked = {ids[row] for row in chosen.tolist()}
    for request, mine in of.items():
        if request not in asked:
            reason = "redraw of a record that was not chosen" if request in known else "redraw of an unknown request"
            refused[reason] += len(mine)
    return Drafts(
        rows=np.array([row for row, _ in kept], np.int64),
        served=[log.texts[row] or "" for row, _ in kept],
        redraws=[drafts for _, drafts in kept],
        refused=dict(sorted(refused.items())),
        k=np.array([sum(draft is not None for draft in drafts) for _, drafts in kept], np.int64),
    )


def _by_request(redraws: Corpus) -> dict[str, list[tuple[int, int, str | None]]]:
    """Of each request, its redraws as (draft number, row, chosen how)."""
    requests = redraws.extra.get("request_id", redraws.ids)
    if requests is None or "draft" not in redraws.extra:
        missing = "request_id" if requests is None else "draft"
        raise InputError(f"the redraws have no field {missing!r}; they need request_id, draft, text and their settings")
    found = defaultdict(list)
    numbers, how = column(redraws, "draft"), column(redraws, "selected_by")
    for row, request in enumerate(requests):
        number = numbers[row] or ""
        if request is None or not number.isdecimal():
            raise InputError(f"redraws: row {redraws.rows[row]} has no request_id, or {number!r} as its draft number")
        found[request].append((int(number), row, how[row]))
    return {name: sorted(mine, key=lambda one: one[:2]) for name, mine in found.items()}


def _of_record(
    name: str, mine: list[tuple[int, int, str | None]], drawn: Mapping[str, int] | None, spent: Set[str]
) -> str | None:
    """Why all redraws of a record are refused."""
    numbers = [number for number, _, _ in mine]
    if not mine:
        return "no redraw"
    if name in spent:
        return "redraws were opened in a report (spent)"
    if any(how is not None and how.lower() not in BY_KEY for _, _, how in mine):
        return "record chosen by what was served, not by key or prompt"
    if len(set(numbers)) < len(numbers):
        return "draft number given twice"
    if numbers != list(range(1, len(numbers) + 1)):
        return "draft numbers are not 1 to K"
    if drawn is not None and drawn.get(name, 0) > len(numbers):
        return "more redraws were drawn than are given"
    if drawn is not None and drawn.get(name, 0) < len(numbers):
        return "redraws that the ledger does not hold"
    return None


def _drafts(
    log: Corpus,
    row: int,
    redraws: Corpus,
    mine: list[tuple[int, int, str | None]],
    *,
    settings: Settings,
    refused: Counter[str],
) -> list[str | None]:
    """The redraws of one record by draft number; None where one is refused, which is counted."""
    ended = redraws.extra.get("finish_reason")
    drafts: list[str | None] = []
    for _, at, _ in mine:
        text, reason = redraws.texts[at], None
        if text is None or not text.strip():
            reason = "redraw without a text"
        elif ended is not None and (ended[at] or "").strip().lower() in CUT:
            reason = "redraw cut off"
        elif (differs := _difference(settings, row, at)) is not None:
            reason = f"redraw with another {differs}"
        if reason is not None:
            refused[reason] += 1
        drafts.append(text if reason is None else None)
    return drafts


def _difference(settings: Settings, row: int, at: int) -> str | None:
    """The first field in which a redraw was not drawn as the served output was."""
    values = {
        name: (None if ours is None else ours[row], None if theirs is None else theirs[at])
        for name, (ours, theirs) in settings.items()
    }
    a, b = values["params_hash"]
    covered = a is not None and a == b
    apart = any(None not in values[name] for name in ("temperature", "top_p", "max_tokens"))
    for name, (a, b) in values.items():
        if a is not None and b is not None:
            if not same(a, b):
                return name
        elif a is None and b is None:
            continue
        elif name == "messages":
            # One turn is fixed by the request; several are fixed by the history that was served.
            if sum(role in ("user", "human") for role, _ in turns_of(b if a is None else a)) > 1:
                return name
        elif name == "model" or not (covered or (name == "params_hash" and apart)):
            # A hash on one side says nothing about settings that both sides give apart.
            return name
    return None


def same(a: str, b: str) -> bool:
    """Whether two values are one as JSON: 1 and 1.0, and keys in another order, are no difference.

    Examples
    --------
    >>> same('{"a":1,"b":"x"}', '{"b":"x","a":1.0}'), same("0.7", "0.70"), same("m-1", "m-2")
    (True, True, False)
    """
    if a == b:
        return True
    try:
        return canonical(json.loads(a)) == canonical(json.loads(b))
    except (ValueError, RecursionError):
        return False

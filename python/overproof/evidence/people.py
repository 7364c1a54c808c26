"""Accounts and groups of a case: what each was served, and what the tests say of it."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from overproof.corpus import Corpus
from overproof.evidence.accounts import account_attribution, greedy_cover
from overproof.evidence.result import plain
from overproof.evidence.selection import check_key

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]
Bool = npt.NDArray[np.bool_]

DIGITS = 12
"""Hex digits of a pseudonym."""
NAMED = (
    "The corpus holds outputs that this log shows served only to {who}. The route is not shown: other channels, "
    "republication and compromise of the account are not excluded."
)
NOT_SHOWN = "Tested, and nothing is shown of {who}. That does not clear it."
NOT_TESTABLE = "Not testable: even had every event been won, {who} could not have reached the level."
REFUSED = "No p-value may be given: {why}"


@dataclass(frozen=True, kw_only=True)
class People:
    """Accounts and groups, each a dict as a case's JSON holds it, and which accounts explain the hits.

    Attributes
    ----------
    accounts, groups : list of dict
        Sorted by p-value, then by name; those without a tested unit last.
    cover : list of dict
        Which accounts explain most hits (`greedy_cover`): for display, not a test.
    uncovered : int
        Hits that no account explains.
    private : dict
        Pseudonym to account.
    """

    accounts: list[dict[str, Any]]
    groups: list[dict[str, Any]]
    cover: list[dict[str, Any]]
    uncovered: int
    private: dict[str, str]


def pseudonyms(accounts: Sequence[str], *, key: bytes) -> dict[str, str]:
    """A pseudonym of each account, which nobody without the case's key can trace back or link to another case.

    With the same key an account has the same one in every case, screen and export, whatever accounts are beside it.

    Parameters
    ----------
    accounts : sequence of str
        Names; equal ones get one pseudonym.
    key : bytes
        16 to 64 secret bytes, one key a case.

    Returns
    -------
    dict of str to str

    Raises
    ------
    InputError
        The key is too short or too long.

    Notes
    -----
    ``acct-`` and 12 hex digits of BLAKE2b with its key; 32 for those whose 12 are the same.

    Examples
    --------
    >>> pseudonyms(["alice"], key=b"sixteen bytes or more")
    {'alice': 'acct-95d8a6d25f60'}
    """
    check_key(key)
    digests = {
        name: hashlib.blake2b(name.encode("utf-8", "surrogatepass"), key=key, digest_size=32).hexdigest()
        for name in sorted(set(accounts))
    }
    times = Counter(digest[:DIGITS] for digest in digests.values())
    return {name: f"acct-{digest[: DIGITS if times[digest[:DIGITS]] == 1 else 32]}" for name, digest in digests.items()}


def people(
    scores: Float64,
    log: Corpus,
    rows: Int64,
    *,
    tau: float,
    alpha: float,
    key: bytes,
    groups: Mapping[str, Mapping[str, Any]] | None = None,
    only_here: tuple[Bool, Bool] | None = None,
    tokens: Int64 | None = None,
    at: Float64 | None = None,
    plans: int = 1,
    refused: str = "",
) -> People:
    """Test every account and every group of a log on the units that were tested.

    Parameters
    ----------
    scores : float64[n, K + 1]
        As in `line_up`.
    log : Corpus
        The whole log, with accounts.
    rows : int64[n]
        Row of the log of each unit's served record.
    tau, alpha : float
        Least score of an event; family-wise error rate.
    key : bytes
        Of the pseudonyms.
    groups : mapping of str to mapping, optional
        Groups by id, fixed in the plan from log metadata, each with its ``accounts``, ``pvalue`` and ``why``.
    only_here : pair of bool[n, K + 1], optional
        Whether each draft was served to no other account, and to no account outside the group.
    tokens : int64[rows of log], optional
        Tokens of each served text.
    at : float64[rows of log], optional
        When each was served, in seconds since 1970 (UTC); NaN where not known.
    plans : int
        Plans against the suspect: adjusted p-values are multiplied by it.
    refused : str
        Why no p-value may be given, if so.

    Returns
    -------
    People
    """
    if log.accounts is None:
        return People(accounts=[], groups=[], cover=[], uncovered=_hits(scores, tau), private={})
    owner = np.array([name if name is not None else "" for name in log.accounts.to_list()], dtype=object)
    known = owner != ""
    names, inverse = np.unique(owner[known].astype(str), return_inverse=True)
    number = np.full(len(owner), -1, np.int64)
    number[known] = inverse
    nickname = pseudonyms(names.tolist(), key=key)
    group_of = {account: name for name, one in (groups or {}).items() for account in one["accounts"]}
    about = _about(log, number, len(names), tokens, at)
    took = number[rows]
    kept = np.flatnonzero(took >= 0)
    of_rows = [str(names[i]) for i in took[kept].tolist()]
    mine, theirs = (None, None) if only_here is None else (part[kept] for part in only_here)

    def tested(labels: Sequence[Hashable], here: Bool | None, called: Mapping[Any, str]) -> dict[Hashable, Any]:
        return rows_of(
            scores[kept], labels, tau=tau, alpha=alpha, only_here=here, called=called, plans=plans, refused=refused
        )

    singles = tested(of_rows, mine, nickname)
    accounts = []
    for i, name in enumerate(names.tolist()):
        made = {"pseudonym": nickname[name], "group": group_of.get(name)}
        accounts.append(made | about[i] | singles.pop(name, untested(nickname[name])))
    in_group = np.array([name in group_of for name in of_rows], np.bool_)
    of_groups: dict[Hashable, dict[str, Any]] = {}
    if in_group.any():
        kept, here = kept[in_group], None if theirs is None else theirs[in_group]
        labels = [group_of[name] for name, inside in zip(of_rows, in_group, strict=True) if inside]
        of_groups = tested(labels, here, {name: group_words(name) for name in labels})
    place = {name: i for i, name in enumerate(names.tolist())}
    summed = []
    for name, one in sorted((groups or {}).items()):
        members = [account for account in sorted(one["accounts"]) if account in place]
        summed.append(
            {
                "group": name,
                "members": [nickname[account] for account in members],
                "group_pvalue": plain(one.get("pvalue")),
                "why": plain(one.get("why")),
                "requests": sum(about[place[account]]["requests"] for account in members),
                **of_groups.pop(name, untested(group_words(name))),
            }
        )
    hit = rows[scores[:, 0] >= tau]
    cover, uncovered = _cover(log, hit, owner, nickname)
    return People(
        accounts=sorted(accounts, key=_strongest),
        groups=sorted(summed, key=_strongest),
        cover=cover,
        uncovered=uncovered,
        private={nick: name for name, nick in nickname.items()},
    )


def group_words(name: str) -> str:
    """How a sentence calls a group."""
    return f"the accounts of group {name}"


def rows_of(
    scores: Float64,
    labels: Sequence[Hashable],
    *,
    tau: float,
    alpha: float,
    only_here: Bool | None,
    called: Mapping[Any, str],
    plans: int = 1,
    refused: str = "",
) -> dict[Hashable, dict[str, Any]]:
    """What the tests say of each label (an account or a group), as a case's JSON holds it."""
    if not len(scores):
        return {}
    found = account_attribution(scores, labels, tau=tau, only_here=only_here, alpha=alpha / plans)
    out: dict[Hashable, dict[str, Any]] = {}
    for i, name in enumerate(found.accounts):
        verdict = "refused" if refused else found.verdicts[i]
        sentence = {"named": NAMED, "not shown": NOT_SHOWN, "not testable": NOT_TESTABLE, "refused": REFUSED}[verdict]
        out[name] = {
            "units": int(found.units[i]),
            "events": int(found.events[i]),
            "wins": int(found.wins[i]),
            "hits": int(found.hits[i]),
            "leak_rate": plain(found.leak_rates[i]),
            "interval": plain(found.intervals[i]),
            "pvalue": None if refused else plain(found.pvalues[i]),
            "least_pvalue": None if refused else plain(found.least_pvalues[i]),
            "adjusted": None if refused else plain(np.minimum(1.0, found.adjusted.pvalues[i] * plans)),
            "testable": bool(found.adjusted.testable[i]) and not refused,
            "verdict": verdict,
            "rung": "L2" if verdict == "named" else None,
            "sentence": sentence.format(who=called[name], why=refused),
        }
    return out


def untested(who: str) -> dict[str, Any]:
    """What is said of an account or a group of which no unit was tested."""
    nothing = dict.fromkeys(("leak_rate", "pvalue", "least_pvalue", "adjusted", "rung"))
    return {
        **{"units": 0, "events": 0, "wins": 0, "hits": 0, "interval": [None, None], "testable": False},
        **nothing,
        "verdict": "not testable",
        "sentence": f"Not testable: no output that {who} was served was drawn again.",
    }


def _hits(scores: Float64, tau: float) -> int:
    return int((scores[:, 0] >= tau).sum())


def _about(log: Corpus, number: Int64, accounts: int, tokens: Int64 | None, at: Float64 | None) -> list[dict[str, Any]]:
    """Requests, tokens, first and last time, and models of each account."""
    known = np.flatnonzero(number >= 0)
    requests = np.bincount(number[known], minlength=accounts)
    amount = None if tokens is None else np.bincount(number[known], weights=tokens[known], minlength=accounts)
    first, last = np.full(accounts, np.inf), np.full(accounts, -np.inf)
    if at is not None:
        timed = known[~np.isnan(at[known])]
        np.minimum.at(first, number[timed], at[timed])
        np.maximum.at(last, number[timed], at[timed])
    models: list[set[str]] = [set() for _ in range(accounts)]
    if (column := log.extra.get("model")) is not None:
        for one, model in zip(number.tolist(), column.to_list(), strict=True):
            if one >= 0 and model is not None:
                models[one].add(model)
    return [
        {
            "requests": int(requests[i]),
            "tokens": None if amount is None else int(amount[i]),
            "first": _moment(first[i]),
            "last": _moment(last[i]),
            "models": sorted(models[i]),
        }
        for i in range(accounts)
    ]


def _moment(at: float) -> str | None:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if math.isfinite(at) else None


def _strongest(one: Mapping[str, Any]) -> tuple[Any, ...]:
    name = one.get("pseudonym") or one["group"]
    return one["pvalue"] is None, one["pvalue"] or 0.0, -one["units"], name


def _cover(
    log: Corpus, hit: Int64, owner: npt.NDArray[Any], nickname: Mapping[str, str]
) -> tuple[list[dict[str, Any]], int]:
    """Accounts that were served the very text of a hit, those first that explain most."""
    wanted: dict[str | None, set[str]] = {log.texts[i]: set() for i in hit.tolist()}
    if wanted:
        for text, name in zip(log.texts.to_list(), owner.tolist(), strict=True):
            if name and text in wanted:
                wanted[text].add(nickname[name])
    hits = [sorted(wanted[log.texts[i]]) for i in hit.tolist()]
    found = greedy_cover(hits)
    cover: list[dict[str, Any]] = [{"pseudonym": name, "hits": n} for name, n in found]
    return cover, len(hits) - sum(n for _, n in found)

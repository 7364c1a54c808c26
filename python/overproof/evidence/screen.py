"""A log by itself: accounts that stand out from benign ones, for a person to review; never a verdict."""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from overproof.corpus import Corpus
from overproof.errors import InputError
from overproof.evidence.account_features import FEATURES
from overproof.evidence.log import seconds
from overproof.evidence.monitor import AccountMonitor, union_of_states
from overproof.evidence.result import between, count, plain

__all__ = ["DECISIONS", "Screen", "monitor_of", "read_decisions", "screen_accounts", "screen_monitor"]

Float64 = npt.NDArray[np.float64]
DECISIONS = ("confirmed", "cleared", "blocked")
FOR_REVIEW = "For review: an account that stands out is unlike benign ones in what it asks or when. That is no verdict."


@dataclass(frozen=True, kw_only=True, eq=False)
class Screen:
    """Accounts beside thresholds that benign accounts rarely cross.

    Attributes
    ----------
    accounts : list of str
        Accounts that were screened, ascending.
    features : dict of str to float64[m]
        `overproof.evidence.account_features.FEATURES` says what each is; NaN where nothing is known.
    thresholds : list of dict
        For each feature ``name, meaning, threshold, benign, benign_hits``: an account *above* the threshold stands out;
        of so many benign accounts so many would. None where there are too few benign accounts for the rate.
    benign, benign_hits : int
        Benign accounts, and how many of them cross any threshold.
    rate : float
        Share of benign accounts that each threshold may hit.
    calibrated_on : str
        "benign accounts", or "this log itself".
    skipped : dict of str to int
        Accounts not screened, by reason.
    decisions : dict of str to str
        What was decided of accounts before: confirmed, cleared, blocked.
    """

    accounts: list[str]
    features: dict[str, Float64]
    thresholds: list[dict[str, Any]]
    benign: int
    benign_hits: int
    rate: float
    calibrated_on: str
    skipped: dict[str, int]
    decisions: dict[str, str]
    note: str = FOR_REVIEW

    @property
    def flags(self) -> list[list[str]]:
        """The features by which each account stands out."""
        limits = [(t["name"], t["threshold"]) for t in self.thresholds if t["threshold"] is not None]
        return [[name for name, limit in limits if self.features[name][i] > limit] for i in range(len(self.accounts))]

    @property
    def review(self) -> list[dict[str, Any]]:
        """Accounts to review: ``account, flags, decision`` and all features, most flags first, then by name."""
        rows = [
            {
                "account": account,
                "flags": flags,
                "decision": self.decisions.get(account, ""),
                **{name: plain(float(values[i])) for name, values in self.features.items()},
            }
            for i, (account, flags) in enumerate(zip(self.accounts, self.flags, strict=True))
            if flags
        ]
        return sorted(rows, key=lambda row: (-len(row["flags"]), row["account"]))

    def to_dict(self) -> dict[str, Any]:
        """As JSON takes it: the thresholds and the accounts to review."""
        skip = ("accounts", "features")
        return {name: plain(value) for name, value in vars(self).items() if name not in skip} | {
            "screened": len(self.accounts),
            "review": self.review,
        }


def screen_accounts(
    log: Corpus | AccountMonitor | Mapping[str, Any],
    *,
    benign: Corpus | AccountMonitor | Mapping[str, Any] | None = None,
    rate: float = 0.01,
    decisions: Mapping[str, str] | None = None,
    least_requests: int = 20,
) -> Screen:
    """Find the accounts of a log that stand out from benign ones.

    Parameters
    ----------
    log : Corpus, AccountMonitor, or mapping
        The log. A mapping holds the arguments of `AccountMonitor.update` by name: ``accounts``, ``prompts``, and where
        known ``times``, ``conversations``, ``models``.
    benign : the same, optional
        Requests of accounts that are taken as benign, such as those of the last quarter after its review. Without it
        the thresholds are ranks within the log: the most extreme accounts then stand out by construction.
    rate : float
        Share of benign accounts that each threshold may hit.
    decisions : mapping of str to str, optional
        What was decided of accounts (`read_decisions`): "cleared" ones count as benign, "confirmed" and "blocked" ones
        are left out of the calibration.
    least_requests : int
        Accounts with fewer are not screened, and do not calibrate.

    Returns
    -------
    Screen

    Raises
    ------
    InputError
        The log has no accounts or prompts; a decision is unknown; an argument is out of range.
    IncompatibleError
        Monitors of different parameters.

    Notes
    -----
    Among n benign accounts the threshold of a feature is the largest value that at most ``rate (n + 1) - 1`` of them
    exceed, so a further benign account like them crosses it with probability ``rate`` at most (the rank of one among
    n + 1 exchangeable ones is uniform); below ``1 / rate - 1`` accounts there is none. It holds for each threshold by
    itself: ``benign_hits`` says how many cross any. Accounts that changed their ways since are not like them.

    References
    ----------
    Vovk, Gammerman and Shafer 2005 (ranks of exchangeable values); Gretton et al. 2012 (MMD).

    Examples
    --------
    >>> last = range(1800)
    >>> usual = {"accounts": [f"user-{i % 60}" for i in last], "prompts": [f"about {i * i} of {i % 7}" for i in last]}
    >>> busy = {"accounts": ["bot"] * 900 + ["user"] * 30, "prompts": [f"number {i} is what" for i in range(930)]}
    >>> found = screen_accounts(busy, benign=usual, rate=0.05)
    >>> found.review[0]["account"], found.thresholds[0]["threshold"], found.thresholds[0]["benign_hits"]
    ('bot', 30.0, 0)
    """
    ours = _monitor(log, "log")
    theirs = None if benign is None else _monitor(benign, "benign")
    return screen_monitor(ours, benign=theirs, rate=rate, decisions=decisions, least_requests=least_requests)


def screen_monitor(
    monitor: AccountMonitor,
    *,
    benign: AccountMonitor | None,
    rate: float,
    decisions: Mapping[str, str] | None,
    least_requests: int,
) -> Screen:
    """`screen_accounts` of a monitor."""
    rate, least = between(rate, "rate", 0, 1), count(least_requests, "least_requests", 1)
    decided = dict(decisions or {})
    for account, decision in decided.items():
        if decision not in DECISIONS:
            raise InputError(f"decision {decision!r} of {account!r} is unknown; give one of {', '.join(DECISIONS)}")
    bad = {account for account, decision in decided.items() if decision != "cleared"}
    good = {account for account, decision in decided.items() if decision == "cleared"}
    reference = _part(monitor if benign is None else benign, lambda name: name not in bad)
    if benign is not None and good:
        reference = reference.merge(_part(monitor, lambda name: name in good))
    mine = monitor.features(benign=reference)
    usual = reference.features(benign=reference)
    enough = mine["requests"] >= least
    judged = usual["requests"] >= least
    names = [name for name, ok in zip(monitor.accounts, enough.tolist(), strict=True) if ok]
    thresholds, crossed = [], np.zeros(int(judged.sum()), np.bool_)
    for name, meaning in FEATURES.items():
        values = usual[name][judged]
        known = np.sort(values[~np.isnan(values)])
        allowed = int(np.floor(rate * (len(known) + 1) + 1e-9)) - 1
        limit = float(known[-1 - allowed]) if 0 <= allowed < len(known) else None
        hit = values > limit if limit is not None else np.zeros(len(values), np.bool_)
        crossed |= hit
        thresholds.append(
            {
                "name": name,
                "meaning": meaning,
                "threshold": limit,
                "benign": len(known),
                "benign_hits": int(hit.sum()),
            }
        )
    return Screen(
        accounts=names,
        features={name: values[enough] for name, values in mine.items()},
        thresholds=thresholds,
        benign=int(judged.sum()),
        benign_hits=int(crossed.sum()),
        rate=rate,
        calibrated_on="this log itself" if benign is None else "benign accounts",
        skipped={f"fewer than {least} requests": int((~enough).sum())},
        decisions=decided,
    )


def monitor_of(log: Corpus, *, batch: int = 1 << 17) -> AccountMonitor:
    """A monitor that has seen the requests of a corpus.

    Raises
    ------
    InputError
        The corpus has no accounts or no prompts, or a time without zone.
    """
    for name in ("accounts", "prompts"):
        if getattr(log, name) is None:
            raise InputError(f"the log has no {name}; name the field when it is read: {name[:-1]}_field")
    assert log.accounts is not None
    assert log.prompts is not None
    times = None
    if log.times is not None:
        times = seconds(log)
    models = getattr(log, "extra", {}).get("model")
    made = AccountMonitor()
    for at in range(0, len(log), batch):
        part = slice(at, at + batch)
        made.update(
            log.accounts[part],
            log.prompts[part],
            times=None if times is None else times[part],
            conversations=None if log.conversations is None else log.conversations[part],
            models=None if models is None else models[part],
        )
    return made


def read_decisions(path: str | os.PathLike[str]) -> dict[str, str]:
    """What people decided: the columns ``account`` and ``decision`` of a review file; empty decisions are left out.

    Raises
    ------
    InputError
        A column is missing, a decision is unknown, or two rows of one account disagree; the message names the line.
    """
    decided: dict[str, str] = {}
    with open(path, newline="", encoding="utf-8-sig") as file:
        rows = csv.DictReader(file)
        for column in ("account", "decision"):
            if column not in (rows.fieldnames or []):
                raise InputError(f"{path}: has no column {column!r}; it is what `screen --out` writes")
        for row in rows:
            account, decision = row["account"], (row["decision"] or "").strip().lower()
            if not decision:
                continue
            if decision not in DECISIONS:
                raise InputError(
                    f"{path}, line {rows.line_num}: decision {decision!r} is unknown; give one of "
                    f"{', '.join(DECISIONS)}, or leave it empty"
                )
            if decided.setdefault(account, decision) != decision:
                raise InputError(
                    f"{path}, line {rows.line_num}: {account!r} is also {decided[account]!r}; keep one row"
                )
    return decided


def _monitor(log: Any, name: str) -> AccountMonitor:
    if isinstance(log, AccountMonitor):
        return log
    if isinstance(log, Corpus):
        return monitor_of(log)
    if not isinstance(log, Mapping) or not {"accounts", "prompts"} <= set(log):
        raise InputError(
            f"{name} is of type {type(log).__name__}; give a Corpus, an AccountMonitor, or accounts and prompts"
        )
    made = AccountMonitor()
    made.update(**log)
    return made


def _part(monitor: AccountMonitor, wanted: Any) -> AccountMonitor:
    """The accounts whose name is wanted."""
    state = monitor._state
    kept = np.array([bool(wanted(name)) for name in state["names"]], np.bool_)
    rows = np.flatnonzero(kept)
    number = np.cumsum(kept) - 1
    part: dict[str, Any] = {"names": state["names"].take(rows)}
    for table, columns in state.items():
        if table == "names":
            continue
        if table == "accounts":
            part[table] = {c: v[rows] for c, v in columns.items()}
            continue
        inside = kept[columns["row"]]
        part[table] = {c: v[inside] for c, v in columns.items()}
        part[table]["row"] = number[part[table]["row"]].astype(np.uint32)
    made = monitor._like()
    made._runs = [union_of_states([part], made._kept)]
    return made

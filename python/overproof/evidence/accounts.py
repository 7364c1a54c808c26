"""Which accounts were served what the suspect holds."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from overproof.errors import InputError
from overproof.evidence.events import events_of, one_row_a_unit, score_table, tail_of_wins
from overproof.evidence.many import Adjusted, fdr, holm
from overproof.evidence.rates import leak_rate
from overproof.evidence.result import between, plain

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]

ONLY_HERE = (
    "Accounts and groups were fixed from log metadata, or on another part of the data; each unit was served to one "
    "account alone. The outputs were served only to these accounts by this log; the route is not shown."
)


@dataclass(frozen=True, kw_only=True)
class AccountTests:
    """What `account_attribution` found, one entry an account, in the order of ``accounts``.

    Attributes
    ----------
    accounts : list
        Accounts, ascending by name.
    units, events, wins, hits : int64[m]
        Rows of each, its events, how many the served draft won, and served drafts of at least tau.
    pvalues, least_pvalues : float64[m]
        Of the line-up on its rows; and what it would be had every event been won. NaN without an event.
    adjusted : Adjusted
        All accounts together.
    leak_rates : float64[m]
        Share of its served outputs found beyond what redraws explain (`leak_rate`, the first redraw of each row).
    intervals : float64[m, 2]
        Of the leak rates.
    assumption : str
        What must hold, and what is not shown.
    """

    accounts: list[Any]
    units: Int64
    events: Int64
    wins: Int64
    hits: Int64
    pvalues: Float64
    least_pvalues: Float64
    adjusted: Adjusted
    leak_rates: Float64
    intervals: Float64
    assumption: str

    @property
    def verdicts(self) -> list[str]:
        """ "named", "not shown" or "not testable" for each account; never "cleared"."""
        return [
            "not testable" if not able else "named" if hit else "not shown"
            for able, hit in zip(self.adjusted.testable, self.adjusted.rejected, strict=True)
        ]

    def to_dict(self) -> dict[str, Any]:
        """All fields as JSON takes them; NaN becomes None."""
        rest = {name: plain(value) for name, value in vars(self).items() if name != "adjusted"}
        return rest | {"adjusted": self.adjusted.to_dict(), "verdicts": self.verdicts}


def account_attribution(
    scores: npt.ArrayLike,
    accounts: Sequence[Hashable],
    *,
    tau: float,
    units: Sequence[Hashable] | None = None,
    only_here: npt.ArrayLike | None = None,
    method: str = "holm",
    alpha: float = 0.05,
    confidence: float = 0.95,
) -> AccountTests:
    """Test each account, or group of accounts, on the units that it alone was served (rung L2).

    Parameters
    ----------
    scores : array_like of float64, shape (n, K + 1)
        As in `line_up`.
    accounts : sequence
        The account, or the group, that each row was served to; fixed before the search, from log metadata alone.
    tau : float
        Least score of an event, fixed in the plan.
    units : sequence, optional
        As in `line_up`.
    only_here : array_like of bool, shape (n, K + 1), optional
        Whether a draft, near-duplicates included, was served to no other account. A draft for which this is False
        counts as not found. It must be computed alike for all drafts, from the log without the record.
    method : {"holm", "bh"}
        Holm to name accounts, Benjamini-Hochberg for triage; both with Tarone's correction.
    alpha : float
        Family-wise error rate, or false discovery rate.
    confidence : float
        Of the intervals of the leak rates.

    Returns
    -------
    AccountTests

    Raises
    ------
    InputError
        Lengths differ, or an option is unknown.
    MissingExtraError
        SciPy is missing.

    Notes
    -----
    An account whose events could not reach the level even if all were won is *not testable*; nobody is ever cleared.

    References
    ----------
    Holm 1979; Benjamini and Hochberg 1995; Tarone 1990.

    Examples
    --------
    >>> import numpy as np
    >>> leaked, chance = [30.0, 2.0, 1.0, 0.0, 3.0], [1.0, 2.0, 3.0, 0.0, 2.0]
    >>> found = account_attribution([leaked] * 6 + [chance] * 6, ["a"] * 6 + ["b"] * 6, tau=20)
    >>> found.accounts, found.verdicts, found.leak_rates.tolist()
    (['a', 'b'], ['named', 'not testable'], [1.0, 0.0])
    """
    table = score_table(scores)
    if len(accounts) != len(table):
        raise InputError(f"accounts has {len(accounts)} values for {len(table)} rows")
    one_row_a_unit(units, len(table))
    if method not in ("holm", "bh"):
        raise InputError(f'method={method!r} is unknown; give "holm" or "bh"')
    if only_here is not None:
        here = np.asarray(only_here)
        if here.dtype != np.bool_ or here.shape != table.shape:
            raise InputError(f"only_here must be bool of shape {table.shape}, not {here.dtype} of {here.shape}")
        table = np.where(here | np.isnan(table), table, -np.inf)
    rows_of: dict[Hashable, list[int]] = {}
    for row, account in enumerate(accounts):
        rows_of.setdefault(account, []).append(row)
    names = sorted(rows_of, key=lambda name: (str(type(name)), name))
    tests = [_test(table[rows_of[name]], between(tau, "tau", -np.inf, np.inf), confidence) for name in names]
    columns = [np.array(column) for column in zip(*tests, strict=True)] or [np.zeros(0)] * 8
    units_, events, wins, hits, pvalues, least, rates, intervals = columns
    # Without an event there is no p-value, and 1 is what it would be at best.
    adjust = holm if method == "holm" else fdr
    return AccountTests(
        accounts=names,
        units=units_.astype(np.int64),
        events=events.astype(np.int64),
        wins=wins.astype(np.int64),
        hits=hits.astype(np.int64),
        pvalues=pvalues,
        least_pvalues=least,
        adjusted=adjust(pvalues, alpha=alpha, least=least),
        leak_rates=rates,
        intervals=intervals.reshape(-1, 2),
        assumption=ONLY_HERE,
    )


def _test(table: Float64, tau: float, confidence: float) -> tuple[Any, ...]:
    found = events_of(table, tau)
    nan = float("nan")
    events = len(found.rows)
    pvalue = tail_of_wins(found.wins, found.redraws, 1.0) if events else nan
    least = tail_of_wins(events, found.redraws, 1.0) if events else nan
    here = ~np.isnan(table)
    served = here[:, 0] & here[:, 1:].any(axis=1)
    rate, interval, found_served = nan, (nan, nan), 0
    if served.any():
        # The first redraw that is there: exactly one a row.
        first = table[served, 1 + here[served, 1:].argmax(axis=1)]
        n = int(served.sum())
        found_served, chance = int((table[served, 0] >= tau).sum()), int((first >= tau).sum())
        rate, interval = _rate(found_served, n, chance, confidence)
    return len(table), events, found.wins, found_served, pvalue, least, rate, interval


@lru_cache(maxsize=1 << 16)
def _rate(hits: int, n: int, chance: int, confidence: float) -> tuple[float, tuple[float, float]]:
    """Leak rate and its interval, kept: of a million accounts most have one of few counts."""
    made = leak_rate(hits, n, chance, n, confidence=confidence)
    return made.statistic, made.interval


def greedy_cover(hits: Sequence[Sequence[Hashable]]) -> list[tuple[Hashable, int]]:
    """Which accounts explain most of the verified hits: for display, not a test.

    Parameters
    ----------
    hits : sequence of sequences
        For each hit the accounts that were served it; an empty one is explained by nobody.

    Returns
    -------
    list of (account, hits that no account before it explains)
        Descending; ties by name. Hits left over are ``len(hits)`` minus the sum.

    Notes
    -----
    The greedy cover explains at least 1 - 1/e of what any choice of as many accounts can (Nemhauser et al. 1978).

    Examples
    --------
    >>> greedy_cover([["a"], ["a", "b"], ["b"], ["b", "c"], []])
    [('b', 3), ('a', 1)]
    """
    open_hits: dict[Hashable, set[int]] = {}
    for hit, names in enumerate(hits):
        for name in names:
            open_hits.setdefault(name, set()).add(hit)
    out = []
    while open_hits:
        name = min(open_hits, key=lambda a: (-len(open_hits[a]), str(type(a)), a))
        taken = open_hits.pop(name)
        if not taken:
            break
        out.append((name, len(taken)))
        for others in open_hits.values():
            others.difference_update(taken)
    return out

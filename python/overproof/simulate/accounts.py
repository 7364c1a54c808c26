"""Who asks, and when: made accounts with heavy-tailed volumes, daily and weekly rhythm, and one pooled group."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from .text_model import Ints, pick, shuffled

__all__ = ["Account", "Traffic", "make_accounts", "make_traffic"]

HOURS = np.array([2, 1, 1, 1, 1, 2, 4, 8, 14, 18, 20, 19, 16, 18, 20, 19, 17, 14, 11, 10, 9, 8, 6, 4])  # local time
WEEKDAYS = np.array([10, 10, 10, 10, 9, 4, 4])  # Monday first
ZONES = (-8, -6, -5, -3, 0, 1, 2, 5, 8, 9)  # hours from UTC
DAY = 86_400
FLAT = ("pooled", "harness")
"""Roles that ask around the clock, single questions."""


@dataclass(frozen=True)
class Account:
    """One account: its id, its role (``normal``, ``heavy``, ``pooled``), its zone in hours from UTC, its requests."""

    id: str
    role: str
    zone: int
    requests: int


@dataclass(frozen=True)
class Traffic:
    """Requests in order of time: seconds from the start, index of the account, number of the conversation."""

    seconds: Ints
    account: Ints
    conversation: Ints


def make_accounts(
    rng: np.random.Generator, *, served: int, normal: int, heavy: int, pooled: int, pooled_share: float
) -> list[Account]:
    """Share `served` requests among accounts.

    Pooled accounts get `pooled_share` of all, evenly within 20 %; a heavy account as much as the busiest normal one, or
    up to twice that; normal accounts follow a Pareto law of shape 1, cut at 200 times its minimum.

    Raises
    ------
    InputError
        Fewer requests than accounts, or counts and shares that make no log.

    Examples
    --------
    >>> made = make_accounts(np.random.default_rng(0), served=100, normal=10, heavy=1, pooled=2, pooled_share=0.3)
    >>> sum(account.requests for account in made), sum(a.requests for a in made if a.role == "pooled")
    (100, 30)
    """
    total = normal + heavy + pooled
    if min(normal, heavy, pooled) < 0 or normal + heavy < 1:
        raise InputError(f"accounts: {normal} normal, {heavy} heavy, {pooled} pooled; at least one must not be pooled")
    if not 0 <= pooled_share < 1:
        raise InputError(f"pooled_share: {pooled_share!r} must be in [0, 1)")
    of_pool = round(served * pooled_share) if pooled else 0
    if served - of_pool < normal + heavy or of_pool < pooled:
        raise InputError(f"served: {served} requests are too few for {total} accounts; each has at least one")
    pareto = 1.0 / (1.0 - rng.random(normal) * 0.995)
    busiest = pareto.max(initial=1.0)
    weights = np.concatenate([pareto, busiest * (1.0 + rng.random(heavy))])
    counts = share(weights, served - of_pool)
    counts += share(0.8 + 0.4 * rng.random(pooled), of_pool) if pooled else []
    roles = ["normal"] * normal + ["heavy"] * heavy + ["pooled"] * pooled
    zones = np.floor(rng.random(total) * len(ZONES)).astype(np.int64).tolist()
    order = shuffled(rng, total).tolist()  # so that an id says nothing of the role
    return [
        Account(id=f"acct-{number:05d}", role=roles[i], zone=ZONES[zones[i]], requests=counts[i])
        for number, i in enumerate(order)
    ]


def share(weights: NDArray[np.float64], total: int) -> list[int]:
    """Split `total` in proportion to weights, at least one each, by largest remainder; integers, so exactly."""
    parts = np.floor(weights * 2**20).astype(np.int64)
    counts, left = np.divmod(parts * (total - len(parts)), parts.sum())
    missing = total - len(parts) - int(counts.sum())
    counts[np.argsort(-left, kind="stable")[:missing]] += 1
    return [count + 1 for count in counts.tolist()]


def make_traffic(rng: np.random.Generator, accounts: list[Account], *, days: int, weekday: int) -> Traffic:
    """Spread the accounts' requests over `days` days.

    Normal and heavy users come by the hour of their day and by the day of the week, and go on in a conversation with
    probability 0.35, 20 to 600 s after the request before. Pooled accounts and harnesses ask around the clock, single
    questions.

    Parameters
    ----------
    weekday : int
        Of the first day; Monday is 0.

    Returns
    -------
    Traffic
        int64 columns, one entry for each request, sorted by time.
    """
    seconds, owner, talk = [], [], []
    talks = 0
    for index, account in enumerate(accounts):
        n = account.requests
        follows = (rng.random(n) < (0.0 if account.role in FLAT else 0.35)) & (np.arange(n) > 0)
        conversation = np.cumsum(~follows) - 1
        starts = _start_times(rng, int(conversation[-1]) + 1, account, days, weekday)
        gaps = np.where(follows, 20 + np.floor(rng.random(n) * 581), 0).astype(np.int64)
        passed = np.cumsum(gaps)
        within = passed - passed[np.flatnonzero(~follows)][conversation]
        seconds.append(starts[conversation] + within)
        owner.append(np.full(n, index))
        talk.append(conversation + talks)
        talks += len(starts)
    columns = [np.concatenate(part) for part in (seconds, owner, talk)]
    order = np.lexsort((columns[1], columns[0]))
    return Traffic(*(column[order] for column in columns))


def _start_times(rng: np.random.Generator, n: int, account: Account, days: int, weekday: int) -> Ints:
    """Return n sorted starts of conversations, in seconds from the first day's midnight UTC."""
    if account.role in FLAT:
        hour = np.floor(rng.random(n) * 24 * days).astype(np.int64)
    else:
        by_day = np.resize(np.roll(WEEKDAYS, -weekday), days)
        local = pick(rng, np.cumsum(np.outer(by_day, HOURS).ravel()), n)
        hour = (local - account.zone) % (24 * days)
    return np.sort(hour * 3600 + np.floor(rng.random(n) * 3600).astype(np.int64))

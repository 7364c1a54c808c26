"""A lab of scores: made worlds whose truth is known, put through the unit rule and the tests by the thousand.

A record is one served output with its redraws, each with its score against the suspect. In an innocent world the drafts
of a record are draws from one law, whatever else they share: a cached text that was served twenty times, redraws that
twenty records have in common, prompts that everybody asks, scores that tie. `null_records` makes such worlds,
`leak_records` plants a leak, `one_record_a_unit` applies the unit rule, and the functions after it are the tests of
`overproof.evidence` on all runs at once, equal to them run by run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._extras import need
from ..errors import InputError
from ..evidence.events import events_of, solved_bias, tail_of_wins
from ..evidence.many import fdr, holm
from ..evidence.selection import one_per_unit, sample_by_key
from ..units import join_units
from .streams import Floats, Ints

__all__ = [
    "MEAN_CHANCE",
    "SETTINGS",
    "TAU",
    "Counts",
    "Records",
    "account_errors",
    "bias_pvalues",
    "count_events",
    "fewer_redraws",
    "g_stars",
    "hits",
    "leak_records",
    "line_up_pvalues",
    "no_difference_pvalues",
    "null_records",
    "one_record_a_unit",
    "rate_ratio_pvalues",
]

Bools = NDArray[np.bool_]

TAU = 20.0
"""Least score of an event in these worlds: a run of twenty words."""
ACCOUNTS = 12
HOT = 3
COPIES = 20
KEY = b"the lab's key, which is public"


@dataclass(frozen=True)
class Records:
    """Served records of many runs, one entry a record, those of a run side by side.

    Attributes
    ----------
    run, prompt, cache, account : int64[n]
        Which run a record belongs to; its prompt and cache entry (-1: none), its account.
    scores : float64[n, K + 1]
        Of the served draft and its redraws; NaN where a redraw is missing.
    leaked : bool[n]
        Whether the suspect holds the served draft.
    runs : int
        Their number.
    """

    run: Ints
    prompt: Ints
    cache: Ints
    account: Ints
    scores: Floats
    leaked: Bools
    runs: int

    def __len__(self) -> int:
        return len(self.run)

    def take(self, rows: Ints) -> Records:
        """Some records, in the order given."""
        return Records(
            run=self.run[rows],
            prompt=self.prompt[rows],
            cache=self.cache[rows],
            account=self.account[rows],
            scores=self.scores[rows],
            leaked=self.leaked[rows],
            runs=self.runs,
        )

    def of_run(self, run: int) -> Floats:
        """The scores of one run: float64[m, K + 1]."""
        begin, end = np.searchsorted(self.run, [run, run + 1])
        return self.scores[begin:end]


MEAN_CHANCE = 0.95 * (0.01 / 0.95) ** (5 / 3) + 0.025 * (1 - (0.01 / 0.95) ** (2 / 3))
"""How often a draft of a plain world reaches tau: the mean of `_chance`."""


def _chance(rng: np.random.Generator, size: int) -> Floats:
    """How likely one draft of each prompt reaches tau: 2.4 % on average, a few prompts almost surely."""
    return np.minimum(0.95, 0.01 * (1.0 - rng.random(size)) ** -0.6)


def _drafts(rng: np.random.Generator, chance: Floats, level: Floats, width: int) -> Floats:
    """Scores of drafts: whole tokens, mostly below 12, and from a prompt's level on by its chance."""
    shape = (len(chance), width)
    low = np.floor(12 * rng.random(shape) ** 2)
    high = np.floor(level[:, None] + 16 * rng.random(shape) ** 3)
    return np.where(rng.random(shape) < chance[:, None], high, low)


def _level(rng: np.random.Generator, size: int) -> Floats:
    return np.floor(TAU + 12 * rng.random(size))


def _own(rng: np.random.Generator, runs: int, units: int, k: int) -> Records:
    """Every record asks a prompt of its own."""
    n = runs * units
    return Records(
        run=np.repeat(np.arange(runs), units),
        prompt=np.tile(np.arange(units), runs),
        cache=np.full(n, -1),
        account=np.floor(rng.random(n) * ACCOUNTS).astype(np.int64),
        scores=_drafts(rng, _chance(rng, n), _level(rng, n), k + 1),
        leaked=np.zeros(n, np.bool_),
        runs=runs,
    )


def _repeated(rng: np.random.Generator, runs: int, k: int, start: int) -> Records:
    """`COPIES` records of each of three prompts whose drafts mostly reach tau."""
    n = runs * HOT
    rows = np.repeat(np.arange(n), COPIES)
    made = Records(
        run=np.repeat(np.arange(runs), HOT),
        prompt=np.tile(np.arange(start, start + HOT), runs),
        cache=np.full(n, -1),
        account=np.zeros(n, np.int64),
        scores=np.zeros((n, k + 1)),
        leaked=np.zeros(n, np.bool_),
        runs=runs,
    ).take(rows)
    chance, level = np.repeat(0.5 + 0.5 * rng.random(n), COPIES), np.repeat(_level(rng, n), COPIES)
    account = np.floor(rng.random(len(rows)) * ACCOUNTS).astype(np.int64)
    return replace(made, account=account, scores=_drafts(rng, chance, level, k + 1))


def _beside(one: Records, other: Records) -> Records:
    """Two sets of records of the same runs as one, by run."""
    made = Records(
        run=np.concatenate([one.run, other.run]),
        prompt=np.concatenate([one.prompt, other.prompt]),
        cache=np.concatenate([one.cache, other.cache]),
        account=np.concatenate([one.account, other.account]),
        scores=np.concatenate([one.scores, other.scores]),
        leaked=np.concatenate([one.leaked, other.leaked]),
        runs=one.runs,
    )
    return made.take(np.argsort(made.run, kind="stable"))


def _first_of_prompt(records: Records) -> Ints:
    """For each record the first one of its run and prompt."""
    _, first, place = np.unique(
        records.run * (records.prompt.max() + 1) + records.prompt, return_index=True, return_inverse=True
    )
    return first[place]


def _plain(rng: np.random.Generator, runs: int, units: int, k: int) -> Records:
    return _own(rng, runs, units, k)


def _cached(rng: np.random.Generator, runs: int, units: int, k: int) -> Records:
    hot = _repeated(rng, runs, k, units)
    scores = hot.scores.copy()
    scores[:, 0] = scores[_first_of_prompt(hot), 0]
    # The cache looks through what differs between the prompts.
    hot = replace(hot, scores=scores, cache=hot.prompt, prompt=np.arange(len(hot)) % (HOT * COPIES) + units)
    return _beside(_own(rng, runs, units, k), hot)


def _shared(rng: np.random.Generator, runs: int, units: int, k: int) -> Records:
    hot = _repeated(rng, runs, k, units)
    scores = hot.scores.copy()
    scores[:, 1:] = scores[_first_of_prompt(hot), 1:]
    return _beside(_own(rng, runs, units, k), replace(hot, scores=scores))


def _hot(rng: np.random.Generator, runs: int, units: int, k: int) -> Records:
    """Everybody asks three prompts; the suspect holds one answer to each, which drafts come near by chance."""
    hot = _repeated(rng, runs, k, units)
    atoms = np.floor(hot.scores / 4) * 4  # few ways to answer: everybody gets one of some texts
    first = _first_of_prompt(hot)
    same = rng.random(len(hot)) < 0.6
    atoms[same, 0] = atoms[first[same], 0]
    return _beside(_own(rng, runs, units, k), replace(hot, scores=atoms))


def _clusters(rng: np.random.Generator, runs: int, units: int, k: int) -> Records:
    prompts = runs * units
    size = np.minimum(40, np.floor(1.0 / (1.0 - rng.random(prompts)))).astype(np.int64)
    recite = rng.random(prompts) < 0.01
    chance = np.where(recite, 1.0, _chance(rng, prompts))
    level = np.where(recite, np.floor(30 + 60 * rng.random(prompts)), _level(rng, prompts))
    rows = np.repeat(np.arange(prompts), size)
    scores = _drafts(rng, chance[rows], level[rows], k + 1)
    made = Records(
        run=rows // units,
        prompt=rows % units,
        cache=np.full(len(rows), -1),
        account=np.floor(rng.random(len(rows)) * ACCOUNTS).astype(np.int64),
        scores=scores,
        leaked=np.zeros(len(rows), np.bool_),
        runs=runs,
    )
    copied = recite[rows] & (rng.random(len(rows)) < 0.5)
    scores[copied, 0] = scores[_first_of_prompt(made)[copied], 0]
    return made


def _atoms(rng: np.random.Generator, runs: int, units: int, k: int) -> Records:
    """Each prompt has one to four possible answers, so drafts are equal and tie, some always."""
    made = _own(rng, runs, units, k)
    n = len(made)
    answers = np.floor(1 + 4 * rng.random(n))
    of_answer = _drafts(rng, np.minimum(0.95, 3 * _chance(rng, n)), _level(rng, n), 4)
    which = np.floor(rng.random((n, k + 1)) ** 2 * answers[:, None]).astype(np.int64)
    return replace(made, scores=np.take_along_axis(of_answer, which, axis=1))


def _near(rng: np.random.Generator, runs: int, units: int, k: int) -> Records:
    """The suspect holds families of near-copies; a draft that comes near one comes near all of it, cut a bit."""
    families = 6
    copies = np.floor(1 + COPIES * rng.random((runs, families)) ** 2)
    level = _level(rng, runs * families).reshape(runs, families)
    made = _own(rng, runs, units, k)
    family = np.floor(rng.random(len(made)) * families).astype(np.int64)
    chance = np.where(rng.random(len(made)) < 0.15, 0.3, 0.002)
    shape = made.scores.shape
    # The best of c copies, each cut by an even share of 10 tokens.
    least_cut = 10 * (1 - (1.0 - rng.random(shape)) ** (1 / copies[made.run, family])[:, None])
    near = np.floor(level[made.run, family][:, None] + 8 - least_cut)
    return replace(made, scores=np.where(rng.random(shape) < chance[:, None], near, made.scores))


def _all(rng: np.random.Generator, runs: int, units: int, k: int) -> Records:
    made = None
    for number, part in enumerate((_cached, _shared, _hot, _clusters, _atoms, _near)):
        one = part(rng, runs, max(1, units // 6), k)
        one = replace(
            one,
            prompt=one.prompt + number * 1_000_000,
            cache=np.where(one.cache >= 0, one.cache + number * 1_000_000, -1),
        )
        made = one if made is None else _beside(made, one)
    assert made is not None
    return made


_SETTINGS: dict[str, tuple[str, Callable[[np.random.Generator, int, int, int], Records]]] = {
    "plain": ("every record asks a prompt of its own", _plain),
    "cached copies": ("three texts served 20 times each from a cache, with redraws of their own", _cached),
    "shared redraws": ("three prompts asked 20 times, whose records share their redraws", _shared),
    "hot prompts": ("three prompts asked 20 times, most of them answered alike", _hot),
    "clusters": ("Pareto many records a prompt; 1 % of the prompts recite, half of those from a cache", _clusters),
    "identical atoms": ("one to four possible answers to a prompt, so drafts tie", _atoms),
    "near-duplicates": ("the suspect holds families of up to 20 near-copies", _near),
    "all together": ("a sixth of each of these", _all),
}
SETTINGS = {name: what for name, (what, _) in _SETTINGS.items()}
"""The innocent worlds and what is in them."""


def null_records(setting: str, *, runs: int, k: int, units: int = 200, seed: int = 0) -> Records:
    """Make innocent worlds: the drafts of each record are draws of one law.

    Parameters
    ----------
    setting : str
        One of `SETTINGS`.
    runs, units : int
        Worlds, and prompts in each beside the special ones.
    k : int
        Redraws of each record.
    seed : int
        The only source of randomness.

    Returns
    -------
    Records

    Raises
    ------
    InputError
        Unknown setting, or numbers below 1.

    Examples
    --------
    >>> made = null_records("cached copies", runs=2, k=4, units=100)
    >>> len(made), made.scores.shape
    (320, (320, 5))
    """
    if setting not in _SETTINGS:
        raise InputError(f"setting={setting!r} is unknown; give one of {', '.join(SETTINGS)}")
    if min(runs, k, units) < 1:
        raise InputError(f"runs={runs}, k={k} and units={units} must be 1 or more")
    number = list(_SETTINGS).index(setting)
    return _SETTINGS[setting][1](np.random.default_rng([seed, number, k]), runs, units, k)


def leak_records(
    *,
    runs: int,
    k: int,
    units: int,
    leaked: float,
    found: Floats,
    seed: int = 0,
    turns: int = 1,
    guilty: int = ACCOUNTS,
) -> Records:
    """Plant a leak in plain worlds.

    Parameters
    ----------
    runs, k, units, seed
        As in `null_records`.
    leaked : int or float
        Prompts of each run whose served outputs the suspect holds; a number below 1 is the chance of each.
    found : float64[m]
        Scores that a leaked output gets, such as the longest runs that an edit leaves; drawn from at random.
    turns : int
        Records of each prompt: with more than one, whole conversations leak.
    guilty : int
        Accounts that the leaked prompts were asked by.

    Returns
    -------
    Records

    Raises
    ------
    InputError
        More leaked prompts than prompts, or more guilty accounts than accounts.

    Examples
    --------
    >>> made = leak_records(runs=3, k=4, units=50, leaked=10, found=np.array([60.0]))
    >>> int(made.leaked.sum()), bool((made.scores[made.leaked, 0] >= 60).all())
    (30, True)
    """
    if not 0 <= leaked <= units or not 1 <= guilty <= ACCOUNTS:
        raise InputError(f"leaked: {leaked} of {units} prompts by {guilty} of {ACCOUNTS} accounts")
    rng = np.random.default_rng([seed, 1000, k])
    made = _own(rng, runs, units, k)
    u = rng.random((runs, units))
    made.leaked[:] = (u < leaked if 0 < leaked < 1 else np.argsort(np.argsort(u, axis=1), axis=1) < leaked).ravel()
    made.account[made.leaked] = np.floor(rng.random(int(made.leaked.sum())) * guilty).astype(np.int64)
    if turns > 1:
        # Turns of a conversation are found alike, by chance too.
        made = made.take(np.repeat(np.arange(len(made)), turns))
    kept = found[np.floor(rng.random(len(made)) * len(found)).astype(np.int64)]
    scores = made.scores.copy()
    scores[:, 0] = np.where(made.leaked, np.maximum(kept, scores[:, 0]), scores[:, 0])
    return replace(made, scores=scores)


def one_record_a_unit(records: Records, *, key: bytes = KEY) -> Records:
    """The unit rule: records that share a prompt or a cache entry are one unit, of which a keyed choice takes one.

    Examples
    --------
    >>> made = null_records("cached copies", runs=2, k=1, units=100)
    >>> len(one_record_a_unit(made))
    206
    """
    n = len(records)

    def apart(column: Ints) -> Ints:
        return np.where(column >= 0, records.run * (column.max(initial=0) + 1) + column, -1)

    units = join_units(n, [apart(records.prompt), apart(records.cache)])
    ids = [f"{run}/{row}" for row, run in enumerate(records.run.tolist())]
    return records.take(one_per_unit(units.tolist(), ids, key=key))


def fewer_redraws(records: Records, *, seed: int = 0) -> Records:
    """Take redraws away from some records, so that K differs by unit: 1, 4 or all, decided apart from the scores."""
    width = records.scores.shape[1]
    kept = np.array([min(2, width), min(5, width), width])
    keep = kept[np.random.default_rng(seed).integers(0, 3, len(records))]
    return replace(records, scores=np.where(np.arange(width) < keep[:, None], records.scores, np.nan))


@dataclass(frozen=True)
class Counts:
    """Events and wins of each run, by the number of redraws: int64[runs, kinds] and kinds."""

    events: Ints
    wins: Ints
    redraws: Ints


def count_events(records: Records, *, tau: float = TAU, by: Ints | None = None, groups: int | None = None) -> Counts:
    """Count what the line-up counts, in each run or in each group of records."""
    found = events_of(records.scores, tau)
    groups = records.runs if groups is None else groups
    group = (records.run if by is None else by)[found.rows]
    kinds = np.unique(found.redraws)
    events, wins = np.zeros((groups, len(kinds)), np.int64), np.zeros((groups, len(kinds)), np.int64)
    place = np.searchsorted(kinds, found.redraws)
    np.add.at(events, (group, place), 1)
    np.add.at(wins, (group, place), found.won.astype(np.int64))
    return Counts(events, wins, kinds)


def line_up_pvalues(counts: Counts, *, g: float = 1.0, wins: Ints | None = None) -> Floats:
    """The p-value of `overproof.evidence.line_up` in each group: float64[groups]; 1 without an event.

    Parameters
    ----------
    counts : Counts
        Of `count_events`.
    g : float
        Bias at which it is taken.
    wins : int64[groups], optional
        Other wins than the counted ones; those of all events give the least p-value possible.

    Examples
    --------
    >>> made = null_records("plain", runs=3, k=4)
    >>> from overproof.evidence import line_up
    >>> fast = line_up_pvalues(count_events(made))
    >>> bool(fast[2] == line_up(made.of_run(2), tau=TAU).pvalue)
    True
    """
    stats = need("scipy.stats", extra="stats")
    won = counts.wins.sum(axis=1) if wins is None else wins
    if len(counts.redraws) == 1:
        k = counts.redraws[0]
        made: Floats = stats.binom.sf(won - 1, counts.events[:, 0], g / (g + k))
        return np.where(won <= 0, 1.0, made)
    table, place = np.unique(np.column_stack([won, counts.events]), axis=0, return_inverse=True)
    distinct = [tail_of_wins(int(row[0]), np.repeat(counts.redraws, row[1:]), g) for row in table]
    return np.array(distinct)[place.ravel()] if distinct else np.ones(len(won))


def hits(records: Records, *, tau: float = TAU, share: float = 1.0, key: bytes = KEY) -> tuple[Ints, Ints, Ints, Ints]:
    """Hits and numbers of served records, and of first redraws of a keyed sample of them, in each run.

    Returns
    -------
    hits_served, n_served, hits_redrawn, n_redrawn : int64[runs]
    """
    sampled = np.ones(len(records), np.bool_)
    if share < 1:
        sampled = sample_by_key([f"hit/{row}" for row in range(len(records))], key=key, rate=share)

    def per_run(which: Bools) -> Ints:
        return np.bincount(records.run[which], minlength=records.runs)

    served, redrawn = records.scores[:, 0] >= tau, records.scores[:, 1] >= tau
    return per_run(served), per_run(np.ones_like(served)), per_run(sampled & redrawn), per_run(sampled)


def bias_pvalues(counts: Counts) -> Floats:
    """Twice the lesser tail of the wins, at most 1: below 0.05 where the 95 % interval of the bias G leaves out 1."""
    stats = need("scipy.stats", extra="stats")
    if len(counts.redraws) != 1:
        raise InputError("counts: K must be the same for all records")
    wins, events = counts.wins[:, 0], counts.events[:, 0]
    heads: Floats = stats.binom.cdf(wins, events, 1 / (1 + counts.redraws[0]))
    made: Floats = np.minimum(1.0, 2 * np.minimum(heads, line_up_pvalues(counts)))
    return made


def g_stars(counts: Counts, *, alpha: float = 0.001) -> Floats:
    """The largest bias at which each group's line-up keeps p <= alpha, as `sensitivity`: float64[groups]; NaN without.

    Examples
    --------
    >>> made = leak_records(runs=2, k=9, units=60, leaked=10, found=np.array([60.0]))
    >>> bool((g_stars(count_events(made)) > 2).all())
    True
    """
    table, place = np.unique(np.column_stack([counts.wins.sum(axis=1), counts.events]), axis=0, return_inverse=True)

    def one(row: Ints) -> float:
        redraws = np.repeat(counts.redraws, row[1:])
        return solved_bias(lambda g: tail_of_wins(int(row[0]), redraws, g), alpha) if row[0] else float("nan")

    return np.array([one(row) for row in table], np.float64)[place.ravel()]


def rate_ratio_pvalues(counts: Sequence[Ints]) -> Floats:
    """The p-value of `overproof.evidence.rate_ratio` in each run, from what `hits` returns."""
    stats = need("scipy.stats", extra="stats")
    of_served, n_served, of_redrawn, n_redrawn = counts
    made: Floats = stats.binom.sf(of_served - 1, of_served + of_redrawn, n_served / (n_served + n_redrawn))
    return made


def no_difference_pvalues(counts: Sequence[Ints]) -> Floats:
    """The level at which the interval of `overproof.evidence.leak_rate` just holds 0, in each run."""
    stats = need("scipy.stats", extra="stats")
    x1, n1, x2, n2 = counts
    n = n1 + n2
    pooled = (x1 + x2) / n
    variance = pooled * (1 - pooled) * (1 / n1 + 1 / n2) * n / (n - 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        z = np.where(variance > 0, np.abs(x1 / n1 - x2 / n2) / np.sqrt(variance), 0.0)
    made: Floats = np.asarray(2 * stats.norm.sf(z), np.float64)
    return made


def account_errors(records: Records, *, tau: float = TAU, alpha: float = 0.05) -> dict[str, Any]:
    """What Holm and Benjamini-Hochberg, both with Tarone's correction, say of innocent accounts.

    Parameters
    ----------
    records : Records
        One a unit; an account with a leaked record is guilty.

    Returns
    -------
    dict
        ``holm_any``: share of runs in which an innocent account is named; ``bh_false``: mean share of innocent ones
        among those named; ``holm_power`` and ``bh_power``: share of the guilty ones named (NaN without any).

    Examples
    --------
    >>> account_errors(one_record_a_unit(null_records("plain", runs=20, k=4)))["holm_any"]
    0.0
    """
    runs = records.runs
    group = records.run * ACCOUNTS + records.account
    counts = count_events(records, tau=tau, by=group, groups=runs * ACCOUNTS)
    events = counts.events.sum(axis=1)
    p = np.where(events > 0, line_up_pvalues(counts), np.nan).reshape(runs, ACCOUNTS)
    least = np.where(events > 0, line_up_pvalues(counts, wins=events), np.nan).reshape(runs, ACCOUNTS)
    guilty = np.zeros((runs, ACCOUNTS), np.bool_)
    guilty[records.run[records.leaked], records.account[records.leaked]] = True
    named = {
        name: np.array([rule(one, alpha=alpha, least=low).rejected for one, low in zip(p, least, strict=True)])
        for name, rule in (("holm", holm), ("bh", fdr))
    }
    false = {name: (made & ~guilty).sum(axis=1) for name, made in named.items()}
    power = {
        f"{name}_power": float(made[guilty].mean()) if guilty.any() else float("nan") for name, made in named.items()
    }
    return {
        "holm_any": float((false["holm"] > 0).mean()),
        "bh_false": float((false["bh"] / np.maximum(1, named["bh"].sum(axis=1))).mean()),
        **power,
    }

"""Accounts that act as one, from log metadata alone: who shares what with whom beyond what chance and tools explain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from overproof._extras import need
from overproof.errors import InputError
from overproof.evidence.result import between, count, plain
from overproof.evidence.templates import Templates, prompt_templates, spread
from overproof.units import join_units

if TYPE_CHECKING:
    from overproof.typing import TextsLike

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]

ASSUMPTION = (
    "Unrelated accounts hold their link keys without regard to which frames they share, given how "
    "many keys each holds; and ask what they ask without regard to each other, given the tool."
)
HUB = 20
"""A key other than a payment that more accounts hold is an office, a carrier or a hosted tool, and no link."""
ROUNDS = 6
"""Times that what was found is set apart and the rest is searched again."""
PRIVATE = 0.6
"""Share of a frame's users that must be linked with one another for the frame to be the group's own."""


@dataclass(frozen=True, kw_only=True)
class AccountGroups:
    """Communities of accounts, each with the chance of one as strong in a log of unrelated accounts.

    Attributes
    ----------
    groups : list of dict
        ``id, accounts, requests, pvalue, why``, largest first; ``why`` tells what the members share. For review and for
        the plan: a group is accounts that act as one, such as a company's, and says nothing of what they do.
    alpha : float
        Largest p-value of a group.
    tested : int
        Communities that were looked at.
    null_runs : int
        Null logs in which search and clustering were run again.
    skipped : dict of str to int
        Rows without an account; keys that too many accounts hold.
    assumption : str
        What must hold.
    """

    groups: list[dict[str, Any]]
    alpha: float
    tested: int
    null_runs: int
    skipped: dict[str, int]
    assumption: str = ASSUMPTION

    @property
    def of(self) -> dict[Any, str]:
        """The group of each account that has one."""
        return {account: group["id"] for group in self.groups for account in group["accounts"]}

    def to_dict(self) -> dict[str, Any]:
        """All fields as JSON takes them."""
        return {name: plain(value) for name, value in vars(self).items()}


def account_groups(
    accounts: Sequence[Any],
    prompts: TextsLike,
    *,
    times: npt.ArrayLike | None = None,
    links: Mapping[str, Sequence[Any]] | None = None,
    alpha: float = 0.01,
    null_runs: int = 399,
    rng: Any = None,
    threads: int | None = None,
) -> AccountGroups:
    """Find groups of accounts from what the log knows without any output: prompts, times, link keys.

    Three things are looked for. **Frames with links**: accounts that use the same frames *and* hold each other's
    payment or network. **Linked cells**: the same for one set of linked accounts within a frame. **One list**: accounts
    that ask the same rare prompts more often than users of their tools would. A frame alone is never a group, however
    rare: it may be a public tool that few use, and then its users share the frame, and nothing else. If 0.6 of those
    whose requests mostly hold the same frames are linked with one another, the frames are the group's own, and all of
    them belong to it. How members split one list of prompts, and how their clocks agree, is told in ``why`` and tests
    nothing: prompts that nobody else asks do not repeat among users of a public tool either.

    Parameters
    ----------
    accounts : sequence of n
        The account of each request; None is left out and counted.
    prompts : TextsLike
        n prompts; None where missing.
    times : float64[n], optional
        Seconds since 1970 (UTC), NaN where not known.
    links : mapping of str to sequences of n, optional
        Keys that tie accounts together, such as ``payment`` and ``network``; None where not known.
    alpha : float
        Largest p-value of a group.
    null_runs : int
        Null logs. The least p-value is 3 / (null_runs + 1), 1 / (null_runs + 1) without links.
    rng : {None, int, numpy.random.Generator}, optional
        Of the null logs, as in SciPy; None is seed 0, so that two runs agree.
    threads : int, optional
        At most this many threads; never changes a value.

    Returns
    -------
    AccountGroups

    Raises
    ------
    InputError
        Lengths differ or an argument is out of range.
    MissingExtraError
        SciPy is missing.

    Notes
    -----
    *Null logs.* Every account keeps its requests, their times, and the tool of each: what makes users of one public
    tool look alike stays. The bundles of link keys move between accounts that hold equally many (in octaves); who asked
    a shared prompt is drawn anew among the requests of its tool. Search, clustering and maximum are run again on each.
    The p-value of a community is (1 + b) / (1 + B), b the null logs whose strongest community of that kind is at least
    as strong, times the kinds looked for: the family-wise error over all communities of a log is at most alpha. A
    z-score against the mean of null logs is no substitute, since a search finds communities of z 23 in noise.

    *Statistics.* A key with d holders of whom m use a frame, which a share q of the accounts use, counts
    x log(x / e) - x + e with x = m - 1 and e = (d - 1) q (Kulldorff's scan statistic). A frame has the sum over its
    keys; a cell the sum over its own, and how rare it is that two accounts have any so rare frame in common. Two
    accounts that share x rare prompts of one tool have the same formula. Up to six times what was found is set apart
    and the rest is tested by itself (step-down), so that a large group does not hide small ones.

    *What it does not see.* Groups without any shared key that ask each prompt once; frames that change in every
    request. Keys other than payments that over 20 accounts hold (offices, carriers, hosted tools) join nobody.

    Cost: O(n log n), and about 0.1 s of CPU a null log and round for 10^6 requests of 10^5 accounts.

    References
    ----------
    Kulldorff 1997, "A spatial scan statistic"; Phipson and Smyth 2010; Westfall and Young 1993 (maxima).

    Examples
    --------
    >>> frame = "You are the best expert of all. Answer in full and name your sources: {}"
    >>> own = [("ab"[i % 2], frame.format(f"item {i} of the list"), "card-1") for i in range(12)]
    >>> rest = [(f"user-{i}", f"my question number {i} is short", f"card-{i + 2}") for i in range(60)]
    >>> rows = own + rest
    >>> found = account_groups([r[0] for r in rows], [r[1] for r in rows], links={"payment": [r[2] for r in rows]})
    >>> [(group["accounts"], group["pvalue"]) for group in found.groups]
    [(['a', 'b'], 0.0075)]
    """
    alpha, null_runs = between(alpha, "alpha", 0, 1), count(null_runs, "null_runs", 1)
    names, owner = _numbered(accounts)
    templates = prompt_templates(prompts, threads=threads)
    if len(templates.tool) != len(owner):
        raise InputError(f"prompts has {len(templates.tool)} values for {len(owner)} accounts")
    clock = None if times is None else np.asarray(times, np.float64)
    columns: dict[str, Int64] = {}
    for name, values in (links or {}).items():
        columns[name] = _numbered(values)[1]
    for name, column in [("times", clock), *columns.items()]:
        if column is not None and column.shape != owner.shape:
            raise InputError(f"{name} has {column.size} values for {len(owner)} accounts")
    known = owner >= 0
    skipped = {"account not known": int((~known).sum())}
    random = np.random.default_rng(0 if rng is None else rng)
    n = len(names)
    if n < 2:
        return AccountGroups(groups=[], alpha=alpha, tested=0, null_runs=null_runs, skipped=skipped)

    keys, places = [], [_frame_users(templates, owner, n), _profiles(templates, owner, n)]
    for name, column in columns.items():
        held = _pairs(owner, column, known & (column >= 0))
        size = np.bincount(held[1])
        joins = size[held[1]] >= 2 if name == "payment" else (size[held[1]] >= 2) & (size[held[1]] <= HUB)
        keys.append(held[:, joins])
        if name != "payment":
            skipped[f"{name} keys of more than {HUB} accounts"] = int((size > HUB).sum())
    shared = _Shared(templates, owner, known)
    kinds = (2 if keys else 0) + 1

    def pvalues(stat: Float64, null: Float64) -> Float64:
        ordered = np.sort(null)
        above = null_runs - np.searchsorted(ordered, stat * (1 - 1e-9) - 1e-12, side="left")
        return np.minimum(1.0, kinds * (1 + above) / (1 + null_runs))

    found: list[tuple[float, Int64]] = []
    free, tested = np.ones(n, np.bool_), 0
    for _ in range(ROUNDS if keys else 0):
        # Step down: the keys of what was found are out of the null logs that the rest is held against.
        scan = _Scan(n, [k[:, free[k[0]]] for k in keys], [p[:, free[p[0]]] for p in places], free)
        seen = scan.run(np.arange(n))
        tested += len(seen.frames) + len(seen.cells)
        null = np.zeros((null_runs, 2))
        for run in range(null_runs if len(seen.frames) else 0):
            again = scan.run(scan.permuted(random), members=False)
            null[run] = again.frame_stat.max(initial=0), again.cell_stat.max(initial=0)
        now = []
        for p, frame in zip(pvalues(seen.frame_stat, null[:, 0]).tolist(), seen.frames.tolist(), strict=True):
            if p <= alpha and scan.profile[frame] and seen.private(frame):
                now.append((p, scan.users(frame)))
        for p, cell in zip(pvalues(seen.cell_stat, null[:, 1]).tolist(), seen.cells, strict=True):
            if p <= alpha:
                now.append((p, cell))
        if not now:
            break
        found += now
        for _, members in now:
            free[members] = False
    pairs = shared.run(None)
    tested += len(pairs.stat)
    alone = [shared.run(random).stat.max(initial=0) for _ in range(null_runs if len(pairs.stat) else 0)]
    p_pairs = pvalues(pairs.stat, np.array(alone or [0.0] * null_runs))
    strong = p_pairs <= alpha
    if strong.any():
        a, b = pairs.a[strong], pairs.b[strong]
        label = join_units(n, _as_keys(n, a, b))
        for root in np.unique(label[a]):
            found.append((float(p_pairs[strong][label[a] == root].min()), np.flatnonzero(label == root)))
    communities = _merged(found)
    detail = _Detail(names, owner, templates, clock, columns=columns, rng=random)
    groups = [detail.group(p, members) for p, members in communities]
    groups.sort(key=lambda g: (-len(g["accounts"]), str(g["accounts"][0])))
    for number, group in enumerate(groups):
        group["id"] = f"group-{number + 1:03d}"
    return AccountGroups(groups=groups, alpha=alpha, tested=tested, null_runs=null_runs, skipped=skipped)


def _numbered(values: Sequence[Any]) -> tuple[list[Any], Int64]:
    """The distinct values, ascending, and the number of each row's; -1 for None."""
    column = values.to_list() if hasattr(values, "to_list") else list(values)
    names = sorted({v for v in column if v is not None}, key=lambda v: (str(type(v)), v))
    number = {name: i for i, name in enumerate(names)}
    number[None] = -1
    return names, np.array([number[v] for v in column], np.int64)


def _pairs(a: Int64, b: Int64, rows: npt.NDArray[np.bool_]) -> Int64:
    """Distinct pairs of some rows: int64[2, m]."""
    width = int(b.max(initial=0)) + 1
    code = np.unique(a[rows] * width + b[rows])
    return np.stack([code // width, code % width])


def _frame_users(templates: Templates, owner: Int64, n: int) -> Int64:
    """Accounts and the frames that 5 % of their requests hold."""
    user = owner[templates.frame_rows]
    width = max(1, len(templates.lengths))
    code, times = np.unique((user * width + templates.frames)[user >= 0], return_counts=True)
    volume = np.bincount(owner[owner >= 0], minlength=n)
    often = times >= 0.05 * volume[code // width]
    return np.stack([code // width, code % width])[:, often]


def _profiles(templates: Templates, owner: Int64, n: int) -> Int64:
    """Accounts and the set of frames that half of their requests hold."""
    user = owner[templates.frame_rows]
    width = max(1, len(templates.lengths))
    code, times = np.unique((user * width + templates.frames)[user >= 0], return_counts=True)
    volume = np.bincount(owner[owner >= 0], minlength=n)
    most = code[2 * times >= volume[code // width]]
    sign = np.zeros(n, np.uint64)
    with np.errstate(over="ignore"):
        np.add.at(sign, most // width, spread((most % width).astype(np.uint64)))
    users = np.unique(most // width)
    return np.stack([users, np.unique(sign[users], return_inverse=True)[1].astype(np.int64)])


def _classes(places: list[Int64], n: int, people: int) -> tuple[Int64, Int64, Int64, npt.NDArray[np.bool_]]:
    """Distinct sets of 2 accounts to half of them.

    Class and account of each incidence, sorted by class; the size of each class; whether it is of the last kind.
    """
    offset, parts = 0, []
    for part in places:
        parts.append(np.stack([part[0], part[1] + offset]))
        before, offset = offset, offset + int(part[1].max(initial=-1)) + 1
    user, place = np.concatenate(parts, axis=1)
    size = np.bincount(place, minlength=offset)
    sign = np.zeros(offset, np.uint64)
    with np.errstate(over="ignore"):
        np.add.at(sign, place, spread(user.astype(np.uint64)))
    same, order = np.unique(sign, return_index=True)
    last_kind = np.isin(same, sign[before:])
    fit = (size[order] >= 2) & (size[order] <= people / 2)
    by = np.argsort(order[fit], kind="stable")
    kept, last_kind = order[fit][by], last_kind[fit][by]
    number = np.full(offset, -1, np.int64)
    number[kept] = np.arange(len(kept))
    place = number[place]
    user, place = user[place >= 0], place[place >= 0]
    order = np.lexsort((user, place))
    return place[order], user[order], size[kept].astype(np.int64), last_kind


@dataclass
class _Found:
    frames: Int64
    frame_stat: Float64
    linked: Int64
    sizes: Int64
    cells: list[Int64]
    cell_stat: Float64

    def private(self, frame: int) -> bool:
        size, linked = int(self.sizes[frame]), int(self.linked[frame])
        return linked >= max(PRIVATE * size, min(size, 3))


class _Scan:
    """Links among the users of each frame or other place."""

    def __init__(self, n: int, keys: list[Int64], places: list[Int64], free: npt.NDArray[np.bool_]) -> None:
        self._place, self._user, self._sizes, self.profile = _classes(places, n, int(free.sum()))
        held, value, offset = [], [], 0
        for part in keys:
            held.append(part[0])
            value.append(part[1] + offset)
            offset += int(part[1].max(initial=-1)) + 1
        holder, of_holder = np.concatenate(held), np.concatenate(value)
        self._holders = np.bincount(of_holder, minlength=1)
        self._degree = np.bincount(holder, minlength=n)
        self._value = of_holder[np.argsort(holder, kind="stable")]
        self._starts = np.concatenate([[0], np.cumsum(self._degree)])
        octave = np.floor(np.log2(np.maximum(self._degree, 1))).astype(np.int64)
        # Accounts that share no key are exchangeable with those that hold one.
        self._strata = [np.flatnonzero(free & (octave == o)) for o in np.unique(octave)]
        self._n, people = n, max(2, int(free.sum()))
        sizes = self._sizes
        by_size = np.argsort(sizes, kind="stable")
        together = np.cumsum((sizes * (sizes - 1) / 2)[by_size])
        last = np.searchsorted(sizes[by_size], sizes, side="right") - 1
        self._share = sizes / people
        pairs = people * (people - 1) / 2
        # How much rarer it is that two accounts have so rare a place in common than that one more has this one.
        self._gain = np.maximum(0.0, np.log(self._share * pairs / np.maximum(1, together[last])))

    def users(self, frame: int) -> Int64:
        at = np.searchsorted(self._place, [frame, frame + 1])
        return self._user[at[0] : at[1]]

    def permuted(self, rng: np.random.Generator) -> Int64:
        """Whose keys each account holds."""
        source = np.arange(self._n)
        for stratum in self._strata:
            source[stratum] = rng.permutation(stratum)
        return source

    def run(self, source: Int64, *, members: bool = True) -> _Found:
        graph, sparse = need("scipy.sparse.csgraph", extra="stats"), need("scipy.sparse", extra="stats")
        from_ = source[self._user]
        rows = np.flatnonzero(self._degree[from_] > 0)
        many = self._degree[from_[rows]]
        node = np.repeat(np.arange(len(rows)), many)
        within = np.arange(len(node)) - np.repeat(np.cumsum(many) - many, many)
        value = self._value[np.repeat(self._starts[from_[rows]], many) + within]
        code = self._place[rows][node] * len(self._holders) + value
        ordered = np.sort(code)
        keys, times = np.unique(ordered[1:][ordered[1:] == ordered[:-1]], return_counts=True)
        key = np.minimum(np.searchsorted(keys, code), max(0, len(keys) - 1))
        shared = keys[key] == code if len(keys) else np.zeros(len(code), np.bool_)
        nodes, node = np.unique(node[shared], return_inverse=True)
        key = key[shared]
        place_of_key, value_of_key = keys // len(self._holders), keys % len(self._holders)
        # One more holder in the place than chance has there, the first one given.
        x, mean = times, (self._holders[value_of_key] - 1) * self._share[place_of_key]
        surprise = np.where(x > mean, x * np.log(x / mean) - x + mean, 0.0)
        total = len(nodes) + len(keys)
        made = sparse.coo_matrix((np.ones(len(node), np.int8), (node, key + len(nodes))), shape=(total, total))
        cells, label = graph.connected_components(made, directed=False)
        of_node, of_key = label[: len(nodes)], label[len(nodes) :]
        place = self._place[rows[nodes]]
        place_of_cell = np.zeros(cells, np.int64)
        place_of_cell[of_node] = place
        cell_stat = np.bincount(of_key, weights=surprise, minlength=cells) + self._gain[place_of_cell]
        frames = np.unique(place)
        frame_stat = np.bincount(place_of_key, weights=surprise, minlength=len(self._sizes))[frames]
        linked = np.bincount(place, minlength=len(self._sizes))
        listed: list[Int64] = []
        if members and cells:
            order = np.lexsort((self._user[rows[nodes]], of_node))
            cut = np.flatnonzero(np.diff(of_node[order]) > 0) + 1
            listed = np.split(self._user[rows[nodes]][order], cut)
        return _Found(frames, np.asarray(frame_stat, np.float64), linked, self._sizes, listed, np.asarray(cell_stat))


@dataclass
class _SharedPairs:
    a: Int64
    b: Int64
    stat: Float64


class _Shared:
    """Rare prompts that several accounts ask, tool by tool."""

    def __init__(self, templates: Templates, owner: Int64, known: npt.NDArray[np.bool_]) -> None:
        rows = known & (templates.content >= 0)
        tool, user, content = templates.tool[rows] + 1, owner[rows], templates.content[rows]
        # One incidence for each account and content of a tool: who repeats himself shares nothing.
        code = np.unique(np.stack([tool, content, user]), axis=1) if len(tool) else np.zeros((3, 0), np.int64)
        tool, content, user = code
        new = np.flatnonzero((np.diff(tool, prepend=-1) != 0) | (np.diff(content, prepend=-1) != 0))
        holders = np.diff(np.append(new, len(tool)))
        many = np.repeat(holders, holders)
        rare = (many >= 2) & (many <= HUB)
        self._tool, self._user = tool[rare], user[rare]
        self._holders = holders[(holders >= 2) & (holders <= HUB)]
        order = np.lexsort((user, tool))
        self._pool, self._pool_tool = user[order], tool[order]
        self._start = np.searchsorted(self._pool_tool, self._tool)
        self._width = np.searchsorted(self._pool_tool, self._tool, side="right") - self._start
        self._n = int(owner.max(initial=0)) + 1
        self._codes = self._pool_tool * self._n + self._pool
        # All pairs of holders of one prompt, by their places.
        ends = np.cumsum(self._holders)
        left: list[Int64] = [np.zeros(0, np.int64)]
        for step in range(1, int(self._holders.max(initial=1))):
            here = np.arange(len(self._user) - step)
            inside = np.searchsorted(ends, here, side="right") == np.searchsorted(ends, here + step, side="right")
            left.append(here[inside])
        self._left = np.concatenate(left)
        self._right = self._left + np.repeat(np.arange(len(left)), [len(part) for part in left])
        self._pairs = np.bincount(self._tool[self._left], minlength=int(self._tool.max(initial=0)) + 1)

    def run(self, rng: np.random.Generator | None) -> _SharedPairs:
        """Pairs that share rare prompts of one tool; with `rng`, who asks is drawn anew among the tool's requests."""
        user = self._user
        if rng is not None:
            user = self._pool[self._start + (rng.random(len(user)) * self._width).astype(np.int64)]
        n = self._n
        a, b = user[self._left], user[self._right]
        low, high = np.minimum(a, b), np.maximum(a, b)
        code = np.sort((self._tool[self._left] * n + low)[low != high] * n + high[low != high])
        start = np.flatnonzero(np.diff(code, prepend=-1))
        times = np.diff(np.append(start, len(code)))
        code, times = code[start[times >= 2]], times[times >= 2]
        tool, a, b = code // (n * n), code // n % n, code % n
        e = np.maximum(2 * self._pairs[tool] * self._share(tool, a) * self._share(tool, b), 1e-12)
        stat = np.where(times > e, times * np.log(times / e) - times + e, 0.0)
        kept = stat > 0
        return _SharedPairs(a[kept], b[kept], stat[kept])

    def _share(self, tool: Int64, user: Int64) -> Float64:
        """Share of a tool's askings that are an account's."""
        wanted = tool * self._n + user
        own = np.searchsorted(self._codes, wanted, side="right") - np.searchsorted(self._codes, wanted)
        total = np.searchsorted(self._pool_tool, tool, side="right") - np.searchsorted(self._pool_tool, tool)
        return np.asarray(own / np.maximum(1, total), np.float64)


def _as_keys(n: int, a: Int64, b: Int64) -> list[Int64]:
    """Pairs as keys for `join_units`: one key array a round of disjoint pairs."""
    graph, sparse = need("scipy.sparse.csgraph", extra="stats"), need("scipy.sparse", extra="stats")
    _, label = graph.connected_components(sparse.coo_matrix((np.ones(len(a)), (a, b)), shape=(n, n)), directed=False)
    return [label.astype(np.int64)]


def _merged(found: list[tuple[float, Int64]]) -> list[tuple[float, Int64]]:
    """Communities of which half the smaller one is in the other, as one; the largest first takes in the others."""
    out: list[tuple[float, set[int]]] = []
    for p, members in sorted(found, key=lambda f: (-len(f[1]), f[0], f[1].tolist())):
        mine = set(members.tolist())
        for i, (best, theirs) in enumerate(out):
            if 2 * len(mine & theirs) >= len(mine):
                out[i] = (min(best, p), theirs | mine)
                break
        else:
            out.append((p, mine))
    # An account belongs to one group: the strongest, then the largest.
    taken: set[int] = set()
    last = []
    for p, members_ in sorted(out, key=lambda f: (f[0], -len(f[1]), min(f[1]))):
        left = members_ - taken
        taken |= left
        if len(left) >= 2:
            last.append((p, np.array(sorted(left), np.int64)))
    return last


class _Detail:
    """What the members of a group share, for a person to read; no test."""

    def __init__(
        self,
        names: list[Any],
        owner: Int64,
        templates: Templates,
        times: Float64 | None,
        *,
        columns: Mapping[str, Int64],
        rng: np.random.Generator,
    ) -> None:
        self._names, self._owner, self._templates = names, owner, templates
        self._times, self._columns, self._rng = times, columns, rng
        self._order = np.argsort(owner, kind="stable")
        self._starts = np.searchsorted(owner[self._order], np.arange(len(names) + 1))

    def group(self, p: float, members: Int64) -> dict[str, Any]:
        rows = np.concatenate([self._order[self._starts[m] : self._starts[m + 1]] for m in members.tolist()])
        why: dict[str, Any] = {"frame": self._frame(rows, members), "prompts": self._coverage(rows)}
        for name, column in self._columns.items():
            held = _pairs(self._owner, column, np.isin(np.arange(len(column)), rows) & (column >= 0))
            shared = np.bincount(held[1])[held[1]] >= 2
            why[name] = {
                "shared_keys": len(np.unique(held[1][shared])),
                "accounts": len(np.unique(held[0][shared])),
            }
        if self._times is not None:
            why["clock"] = self._clock(rows)
        names = [self._names[m] for m in members.tolist()]
        return {"id": "", "accounts": names, "requests": len(rows), "pvalue": p, "why": why}

    def _frame(self, rows: Int64, members: Int64) -> dict[str, Any]:
        """The frame that most of these requests hold."""
        inside = np.isin(self._templates.frame_rows, rows)
        if not inside.any():
            return {"share_of_requests": 0.0, "ngrams": 0, "accounts": 0, "other_accounts": 0}
        times = np.bincount(self._templates.frames[inside])
        frame = int(np.lexsort((self._templates.lengths[: len(times)], times))[-1])
        users = np.unique(self._owner[self._templates.frame_rows[self._templates.frames == frame]])
        return {
            "share_of_requests": float(times[frame] / len(rows)),
            "ngrams": int(self._templates.lengths[frame]),
            "accounts": int(np.isin(users, members).sum()),
            "other_accounts": int((~np.isin(users, members) & (users >= 0)).sum()),
        }

    def _coverage(self, rows: Int64) -> dict[str, Any]:
        """How the members share one list: distinct prompts, and those that more than one member asked."""
        content = self._templates.content
        some = rows[content[rows] >= 0]
        held = _pairs(self._owner[some], content[some], np.ones(len(some), np.bool_))
        askers = np.bincount(np.unique(held[1], return_inverse=True)[1]) if held.size else np.zeros(0)
        outside = np.isin(content, content[some]) & ~np.isin(np.arange(len(content)), rows)
        return {
            "distinct": len(askers),
            "asked_by_several_members": int((askers > 1).sum()),
            "asked_by_others_too": len(np.unique(content[outside])),
        }

    def _clock(self, rows: Int64) -> dict[str, Any]:
        """Hours in which two members are active, beside the same with each member's days turned by a random number."""
        assert self._times is not None
        rows = rows[np.isfinite(self._times[rows])]
        if not len(rows):
            return {"pairs_in_one_hour": 0, "expected": 0.0, "quietest_8_hours": None}
        hour = np.floor(self._times[rows] / 3600).astype(np.int64)
        hour -= hour.min()
        span = (int(hour.max()) // 24 + 1) * 24
        held = _pairs(self._owner[rows], hour, np.ones(len(rows), np.bool_))
        _, member = np.unique(held[0], return_inverse=True)

        def together(at: Int64) -> int:
            k = np.bincount(at, minlength=span)
            return int((k * (k - 1) // 2).sum())

        turned = [
            together((held[1] + 24 * self._rng.integers(0, span // 24, member.max() + 1)[member]) % span)
            for _ in range(20)
        ]
        day = np.bincount((np.floor(self._times[rows] / 3600).astype(np.int64)) % 24, minlength=24)
        quiet = min(np.roll(day, -h)[:8].sum() for h in range(24)) / len(rows)
        return {
            "pairs_in_one_hour": together(held[1]),
            "expected": float(np.mean(turned)),
            "quietest_8_hours": float(quiet),
        }

"""Make a provider's log: who asks what and when, what the cache answers, and the corpora that grow beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace

import numpy as np

from ..errors import InputError
from .accounts import make_traffic
from .case import DEFAULT_EDITS, PROVIDER, RIVAL, Sampler, check_edits, iso, parse_day
from .harvest import Harvest, harvest
from .log import ApiLog
from .population import SYSTEMS, TEMPERATURES, Member, make_population
from .provider import NEXT, make_prompts, seeded
from .streams import Ints, Streams, keys_of
from .text_model import PLAIN, shuffled, training_digest, training_texts

__all__ = ["api_log"]

SHORT = 60
"""Most words of an answer with ``texts="short"``."""


def api_log(
    seed: int = 0,
    *,
    requests: int = 10_000,
    prompts: int | None = None,
    accounts: int = 150,
    heavy: int = 3,
    templates: int = 3,
    template_users: int = 20,
    harness: int = 1,
    publishers: int = 3,
    resellers: int = 2,
    groups: Sequence[int] = (8,),
    pooled_share: float = 0.2,
    hot: int = 5,
    hot_share: float = 0.04,
    reask: float = 0.05,
    cache: float = 0.5,
    cache_hours: int = 96,
    cut: float = 0.01,
    suspect: int = 2000,
    leak: int | Sequence[int] = 400,
    resold: int = 30,
    web: int = 200,
    repeats: int = 60,
    people: int = 500,
    background: int = 400,
    hidden: tuple[float, float] = (0.5, 0.9),
    edits: Mapping[str, float] = DEFAULT_EDITS,
    strength: tuple[float, float] = (0.05, 0.3),
    days: int = 30,
    published: int = 24,
    start: str = "2025-01-01",
    texts: str = "full",
    snapshots: Sequence[Sampler] = (PROVIDER, NEXT),
    rival: Sampler = RIVAL,
) -> ApiLog:
    """Make a log of up to millions of requests, and a suspect corpus that took some of what it served.

    Beside groups that collect outputs there is everything that looks like them: users of public tools who share a
    template, heavy users, a benchmark harness, publishers whose pages the suspect crawled, companies that share a
    payment. Beside fresh outputs there are cached ones served to several accounts, prompts that everybody asks, and
    users who ask again.

    Parameters
    ----------
    seed : int
        The only source of randomness.
    requests, prompts : int
        Rows of the log, and distinct bare prompts (default half as many, at least 300).
    accounts, heavy, templates, template_users, harness, publishers, resellers : int
        Normal and heavy accounts; public tools and the users of each; benchmark harnesses; accounts that put what they
        are served on the web; accounts that pass it on to the suspect.
    groups : sequence of int
        Accounts of each pooled group: its own template in two forms, shared links, flat clocks, one list of prompts
        that its accounts go through together.
    pooled_share : float
        Share of the requests that groups make.
    hot, hot_share : int, float
        Prompts that everybody asks, and the share of innocent requests that ask one.
    reask : float
        Share of innocent requests that repeat the account's last prompt.
    cache, cache_hours : float, int
        Share of innocent accounts that take cached outputs, and how long an output is kept. A hit has the
        same prompt, system prompt and settings as the request that filled the cache; both open a conversation.
    cut : float
        Share of outputs whose client hung up before the end.
    suspect : int
        Rows of the suspect and of the innocent corpus.
    leak : int or sequence of int
        Rows taken from all groups, or from each.
    resold, web, repeats : int
        Rows that resellers passed on; rows copied from the web, half of them from publishers; near-copies of others.
    people, background : int
        Rows of the control, and of documentation in the web snapshot.
    hidden : tuple of float
        Least and greatest share of a publisher's pages that the snapshot does not have.
    edits, strength
        Of leaked and resold rows, as in `case`.
    days, published : int
        Length of the log, and the day on which the suspect came out.
    start : str
        First day, UTC.
    texts : {"full", "short"}
        Answers of up to 300 words in the provider's style, or bare ones of up to 60.
    snapshots : sequence of Sampler
        Models of the provider, one after another over the days; each at the temperatures 1, 0.7 and 0.
    rival : Sampler
        The model behind the innocent rows.

    Returns
    -------
    ApiLog

    Raises
    ------
    InputError
        Arguments that contradict each other; the message says which.

    Notes
    -----
    Settings, accounts and times of 10^6 requests take about 10 s; their texts are drawn when asked for, by keys, so
    that some rows of a large log are cheap and the same as in the whole.

    Examples
    --------
    >>> made = api_log(1, requests=1500, accounts=40, suspect=200, leak=30, resold=5, web=20, repeats=5, people=10)
    >>> len(made), len(made.suspect), made.truth["groups"].keys()
    (1500, 200, dict_keys(['group-00']))
    >>> row = next(made.rows([0]))
    >>> row["request_id"], row["text"] == made.texts([0])[0]
    ('req-00000000', True)
    >>> [redraw["draft"] for redraw in made.redraw([0], 3, seed=7)]
    [1, 2, 3]
    """
    if requests < 1 or days < 2 or not 0 < published < days:
        raise InputError("requests must be 1 or more, days 2 or more, published a day within them")
    if texts not in ("full", "short"):
        raise InputError(f'texts={texts!r} is unknown; give "full" or "short"')
    for name, share in {"hot_share": hot_share, "reask": reask, "cache": cache, "cut": cut}.items():
        if not 0 <= share < 1:
            raise InputError(f"{name}: {share!r} must be in [0, 1)")
    if not 0 <= hidden[0] <= hidden[1] <= 1:
        raise InputError(f"hidden: {hidden!r} must be (least, greatest) within [0, 1]")
    check_edits(edits, strength)
    taken = [leak] if isinstance(leak, int) else list(leak)
    if not isinstance(leak, int) and len(taken) != len(groups):
        raise InputError(f"leak: {len(taken)} numbers for {len(groups)} groups")
    params = {key: value for key, value in locals().items() if key not in ("taken", "name", "share", "snapshots")}
    params |= {"snapshots": [asdict(sampler) for sampler in snapshots], "rival": asdict(rival), "edits": dict(edits)}
    prompts = max(300, requests // 2) if prompts is None else prompts
    if not 0 <= hot <= prompts or prompts < 1 or (hot_share and not hot):
        raise InputError(
            f"prompts: {prompts}, of them {hot} hot; give 1 or more, and hot ones where hot_share is above 0"
        )
    members = make_population(
        seeded(seed, "population"),
        requests=requests,
        accounts=accounts,
        heavy=heavy,
        templates=templates,
        template_users=template_users,
        harness=harness,
        publishers=publishers,
        resellers=resellers,
        groups=list(groups),
        pooled_share=pooled_share,
        cache=cache,
    )
    day = parse_day(start)
    traffic = make_traffic(seeded(seed, "traffic"), list(members), days=days, weekday=day.weekday())
    asked = _asked(seeded(seed, "asked"), members, traffic.account, prompts, hot=hot, hot_share=hot_share, reask=reask)
    style = {"max_words": SHORT, "style": PLAIN} if texts == "short" else {}
    samplers = [replace(one, temperature=t, **style) for one in snapshots for t in TEMPERATURES]  # type: ignore[arg-type]
    snapshot = np.minimum(len(snapshots) - 1, traffic.seconds * len(snapshots) // (days * 86_400))
    warm = np.array([member.temperature for member in members])
    sampler = snapshot * len(TEMPERATURES) + warm[traffic.account]
    of_row = Streams(keys_of(seed, "row", np.arange(requests))).table(requests, 3)
    caches = np.array([member.caches for member in members])[traffic.account]
    first = np.zeros(requests, np.bool_)
    first[np.unique(traffic.conversation, return_index=True)[1]] = True  # a later turn depends on its history too
    window = traffic.seconds // (3600 * cache_hours)
    around = np.array([(member.template + 1) * len(SYSTEMS) + member.system for member in members])[traffic.account]
    exact = ((window * len(samplers) + sampler) * (around.max() + 1) + around) * prompts + asked
    source = _sources(np.where(caches & first, exact, -1))
    hung_up = (of_row[:, 0] < cut) & (source == np.arange(requests))
    log = ApiLog(
        seed=seed,
        members=members,
        samplers=samplers,
        account=traffic.account,
        seconds=traffic.seconds,
        conversation=traffic.conversation,
        asked=asked,
        form=of_row[:, 2],
        sampler=sampler,
        source=source,
        cut=np.where(hung_up, 0.2 + 0.6 * of_row[:, 1], 1.0),
        prompts=make_prompts(seeded(seed, "prompts"), prompts),
        start=start,
        published=iso(day, published * 86_400),
        made=Harvest(),
        truth={},
    )
    harvest(
        log,
        suspect=suspect,
        leak=taken,
        resold=resold,
        web=web,
        repeats=repeats,
        people=people,
        background=background,
        hidden=hidden,
        edits=edits,
        strength=strength,
        published=published,
        rival=replace(rival, **style) if style else rival,  # type: ignore[arg-type]
    )
    roles = {member.id: member.role for member in members}
    of_group: dict[str, list[str]] = {}
    for member in sorted(members, key=lambda m: m.id):
        if member.group >= 0:
            of_group.setdefault(f"group-{member.group:02d}", []).append(member.id)
    log.truth.update(
        params=json.loads(json.dumps(params)),
        published=log.published,
        training_digest=training_digest(training_texts()),
        accounts=roles,
        groups=dict(sorted(of_group.items())),
        suspect=log.made.origin["suspect"],
        innocent=log.made.origin["innocent"],
        pages=log.made.pages,
    )
    return log


def _asked(
    rng: np.random.Generator,
    members: Sequence[Member],
    account: Ints,
    prompts: int,
    *,
    hot: int,
    hot_share: float,
    reask: float,
) -> Ints:
    """The bare prompt of each request; the first `hot` prompts are the hot ones."""
    n = len(account)
    u = rng.random((4, n))
    free = np.floor(u[0] * u[0] * prompts).astype(np.int64)
    asked: Ints = np.where(u[1] < hot_share, np.floor(u[2] * hot).astype(np.int64), free)
    order = np.argsort(account, kind="stable")  # by account, then by time
    again = (u[3][order] < reask) & np.append(False, np.diff(account[order]) == 0)
    asked[order] = asked[order][np.maximum.accumulate(np.where(again, 0, np.arange(n)))]
    lists: dict[tuple[str, int], list[int]] = {}
    for i, member in enumerate(members):
        if member.role in ("pooled", "harness"):
            lists.setdefault((member.role, member.group if member.role == "pooled" else i), []).append(i)
    for (role, _), owners in sorted(lists.items()):
        rows = np.flatnonzero(np.isin(account, owners))
        asks = shuffled(rng, prompts)[: prompts if role == "pooled" else min(prompts, 500)]
        asked[rows] = asks[np.arange(len(rows)) % len(asks)]
    return asked


def _sources(keys: Ints) -> Ints:
    """The first row of each key; a row without a key (-1) is its own."""
    source: Ints = np.arange(len(keys), dtype=np.int64)
    rows = np.flatnonzero(keys >= 0)
    _, first, place = np.unique(keys[rows], return_index=True, return_inverse=True)
    source[rows] = rows[first[place]]
    return source

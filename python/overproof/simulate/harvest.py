"""What grew beside a made log: the web, a suspect corpus that took served texts by several routes, an innocent one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import InputError
from .case import PEOPLE, Sampler, by_others, iso, leaked, parse_day, trained_models
from .edits import edit
from .provider import recited, seeded
from .streams import Ints
from .text_model import WARRANTY, shuffled

if TYPE_CHECKING:
    from .log import ApiLog

__all__ = ["Harvest", "harvest"]

Row = dict[str, Any]
LAG = 2 * 86_400
"""Seconds between the last text that a corpus took and its publication."""
REPEATS = (("whitespace", 0.2), ("case", 0.5), ("drop", 0.05), ("none", 0.0))


@dataclass
class Harvest:
    """The corpora of a log; `ApiLog` says what each is."""

    suspect: list[Row] = field(default_factory=list)
    innocent: list[Row] = field(default_factory=list)
    people: list[Row] = field(default_factory=list)
    background: list[Row] = field(default_factory=list)
    pages: dict[str, Row] = field(default_factory=dict)
    origin: dict[str, dict[str, Row]] = field(default_factory=dict)


def harvest(
    log: ApiLog,
    *,
    suspect: int,
    leak: Sequence[int],
    resold: int,
    web: int,
    repeats: int,
    people: int,
    background: int,
    hidden: tuple[float, float],
    edits: Mapping[str, float],
    strength: tuple[float, float],
    published: int,
    rival: Sampler,
) -> None:
    """Fill ``log.made``.

    Raises
    ------
    InputError
        More rows are to be taken than there are.
    """
    if min(suspect, *leak, resold, web, repeats, people, background) < 0:
        raise InputError("suspect, leak, resold, web, repeats, people, background must be 0 or more")
    if suspect < sum(leak) + resold + web + repeats:
        raise InputError(
            f"suspect: {suspect} rows cannot hold {sum(leak)} leaked, {resold} resold, {web} web and {repeats} repeats"
        )
    early = log.seconds < published * 86_400 - LAG
    pages = _pages(log, early, hidden, background)
    taken = [_taken(log, early, "pooled", n, group if len(leak) > 1 else None) for group, n in enumerate(leak)]
    taken.append(np.zeros(0, np.int64))
    stolen = {
        "leak": np.concatenate(taken),
        "resold": _taken(log, early, "reseller", resold, None),
    }
    for name, routes in (("suspect", stolen), ("innocent", {})):
        rng = seeded(log.seed, name)
        rows: list[tuple[Row, Row]] = []
        for route, which in routes.items():
            for row, text in zip(which.tolist(), log.texts(which), strict=True):
                bare = log.prompts[log.asked[row]]
                made, truth = leaked(rng, {"request_id": log.request_id(row), "text": text}, bare, edits, strength)
                rows.append((made, {**truth, "origin": route, "account": log.members[log.account[row]].id}))
        rows += _crawled(rng, pages, web)
        others = suspect - len(rows) - repeats
        ours, theirs = trained_models()
        passages = recited(ours, log.prompts)
        rows += [
            (row, {"origin": "other", "edit": "none", "strength": 0.0})
            for row in by_others(rng, model=theirs, sampler=rival, asked=log.prompts, recited=passages, count=others)
        ]
        corpus, origin = _numbered(rng, rows, repeats, name[:3])
        setattr(log.made, name, corpus)
        log.made.origin[name] = origin
    log.made.people = [
        {"id": f"person-{i:06d}", **row}
        for i, row in enumerate(
            by_others(
                seeded(log.seed, "people"),
                model=theirs,
                sampler=PEOPLE,
                asked=log.prompts,
                recited=passages,
                count=people,
            )
        )
    ]


def _taken(log: ApiLog, early: Any, role: str, count: int, group: int | None) -> Ints:
    """Rows served to a role, or to one group, before the corpus was closed; whole outputs, in random order."""
    owners = [i for i, m in enumerate(log.members) if m.role == role and group in (None, m.group)]
    rows = np.flatnonzero(early & np.isin(log.account, owners) & (log.cut == 1))
    if count > len(rows):
        whose = f"group {group}" if group is not None else f"the {role} accounts"
        raise InputError(f"{whose} got {len(rows)} outputs before the suspect came out, fewer than {count}")
    return rows[shuffled(seeded(log.seed, f"taken {role} {group}"), len(rows))[:count]]


def _pages(log: ApiLog, early: Any, hidden: tuple[float, float], background: int) -> list[tuple[Row, Row]]:
    """Put documentation and the publishers' outputs on the web; return all pages, hidden ones too, with their truth."""
    rng, day = seeded(log.seed, "web"), parse_day(log.start)
    ours, theirs = trained_models()
    known = list(dict.fromkeys([WARRANTY, *recited(ours, log.prompts).values()]))
    passages = [text for model in (ours, theirs) for text in model.passages]
    texts = list(dict.fromkeys([*known, *(passages[i] for i in shuffled(rng, len(passages)).tolist())]))
    if background > len(texts):
        raise InputError(f"background: the training text has {len(texts)} passages, fewer than {background}")
    pages: list[tuple[Row, Row]] = []
    for text, u in zip(texts, rng.random(background).tolist(), strict=False):
        pages.append(
            ({"time": iso(day, -86_400 * (30 + int(u * 1000))), "text": text}, {"origin": "web", "hidden": False})
        )
    for owner, member in enumerate(log.members):
        if member.role != "publisher":
            continue
        share = hidden[0] + (hidden[1] - hidden[0]) * float(rng.random())
        rows = np.flatnonzero(early & (log.account == owner))
        u = rng.random((2, len(rows)))
        for row, text, dark, late in zip(rows.tolist(), log.texts(rows), *u.tolist(), strict=True):
            time = iso(day, int(log.seconds[row]) + int(late * LAG))
            truth = {"origin": "published", "request_id": log.request_id(row), "account": member.id}
            pages.append(({"time": time, "text": text}, {**truth, "hidden": dark < share}))
    for number, (page, truth) in enumerate(pages):
        page["id"] = truth["page"] = f"web-{number:06d}"
        if truth["origin"] == "published":
            log.made.pages[page["id"]] = {k: truth[k] for k in ("request_id", "account", "hidden")}
        if not truth["hidden"]:
            log.made.background.append({k: page[k] for k in ("id", "time", "text")})
    return pages


def _crawled(rng: np.random.Generator, pages: Sequence[tuple[Row, Row]], count: int) -> list[tuple[Row, Row]]:
    """Copy pages, half of them from publishers where there are any; the first documentation is the best known."""
    documents = [page for page in pages if page[1]["origin"] == "web"]
    ours = [page for page in pages if page[1]["origin"] == "published"]
    if count and not pages:
        raise InputError(f"web: {count} rows need pages to be copied from; set background or publishers")
    made = []
    for which, at in rng.random((count, 2)).tolist():
        some = ours if ours and (which < 0.5 or not documents) else documents
        page, truth = some[int((at if some is ours else at * at) * len(some))]
        made.append(({"prompt": "", "text": page["text"]}, {**truth, "edit": "none", "strength": 0.0}))
    return made


def _numbered(
    rng: np.random.Generator, rows: Sequence[tuple[Row, Row]], repeats: int, tag: str
) -> tuple[list[Row], dict[str, Row]]:
    """Add near-copies of some rows, shuffle, number."""
    if repeats and not rows:
        raise InputError(f"repeats: {repeats} rows need others to be copied from")
    copies = []
    for at, kind in rng.random((repeats, 2)).tolist():
        of, (name, strength) = int(at * len(rows)), REPEATS[int(kind * len(REPEATS))]
        copies.append((of, name, strength, edit(rows[of][0]["text"], name, strength, rng)))
    order = shuffled(rng, len(rows) + repeats).tolist()
    ids = {which: f"{tag}-{number:06d}" for number, which in enumerate(order)}
    corpus: list[Row] = []
    origin: dict[str, Row] = {}
    for which in order:
        if which < len(rows):
            row, truth = rows[which]
        else:
            of, name, strength, text = copies[which - len(rows)]
            row = {"prompt": rows[of][0]["prompt"], "text": text}
            truth = {"origin": "repeat", "of": ids[of], "edit": name, "strength": strength}
        corpus.append({"id": ids[which], **row})
        origin[ids[which]] = truth
    return corpus, origin

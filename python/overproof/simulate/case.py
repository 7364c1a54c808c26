"""One case: a provider's log with unserved redraws, a suspect corpus that took some of it, controls, and the truth."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from .._extras import need
from .._files import atomic_path
from ..errors import InputError
from .accounts import make_accounts, make_traffic
from .edits import EDITS, edit
from .text_model import (
    WARRANTY,
    Ints,
    Style,
    TextModel,
    one_of,
    pick,
    shuffled,
    training_digest,
    training_texts,
)

__all__ = ["DEFAULT_EDITS", "PEOPLE", "PROVIDER", "RIVAL", "Case", "Sampler", "case"]

Row = dict[str, Any]

DEFAULT_EDITS: Mapping[str, float] = {kind: 4.0 if kind == "none" else 1.0 for kind in EDITS}
"""Weights of the edits of leaked rows: a third of them as served, the rest spread evenly."""


@dataclass(frozen=True)
class Sampler:
    """How a model is sampled: name, temperature, top-k, length limit, and the style of its answers."""

    model: str
    temperature: float = 1.0
    top_k: int | None = None
    max_words: int = 300
    style: Style = field(default_factory=Style)

    @property
    def params_hash(self) -> str:
        """First 16 hex digits of the SHA-256 of the generation parameters as canonical JSON."""
        return sha256(json.dumps(asdict(self), sort_keys=True, separators=(",", ":")).encode()).hexdigest()[:16]

    def draw(
        self, model: TextModel, rng: np.random.Generator, prompts: Sequence[str], recited: Mapping[str, str]
    ) -> list[str]:
        """Draw one answer to each prompt."""
        return model.generate_many(
            rng,
            prompts,
            max_words=self.max_words,
            temperature=self.temperature,
            top_k=self.top_k,
            style=self.style,
            recited=recited,
        )


PROVIDER = Sampler("provider-1-2025-01-01")
"""The provider's model."""
RIVAL = Sampler("rival-1", temperature=0.9, style=Style(opener=0.3, echo=0.15, disclaimer=0.08, recite=0.5))
"""The model behind the innocent rows of the suspect corpus."""
PEOPLE = Sampler(
    "people",
    temperature=1.2,
    max_words=220,
    style=Style(
        opener=0, closer=0, disclaimer=0, bullets=0.05, numbered=0.02, code=0.05, echo=0.02, recite=0.1, lower=0.15
    ),
)
"""People: shorter and plainer texts of another author."""

PROMPTS = (
    "Explain {a} to a beginner.",
    "What is the difference between {a} and {b}?",
    "How do I use {a} together with {b}?",
    "Write a short guide to {a} with an example.",
    "When should I prefer {a} over {b}?",
    "List the most common mistakes with {a} and {b}.",
    "Why does {a} raise an error when I pass {b}?",
    "Summarise what the documentation says about {a} and {b}.",
    "Give me five facts about {a}, and one about {b}.",
    "Is {a} faster than {b}? Explain your answer.",
    "I am new to Python. Which of {a} and {b} do I need to read a file line by line, and why?",
    "Describe how {a} changed over the years.",
)
POOL_TEMPLATES = (
    "You are an expert assistant. Answer the task below fully and correctly.\n\n### Task\n{prompt}\n\n### Answer",
    "Below is an instruction. Write a detailed response.\n\n### Instruction:\n{prompt}\n\n### Response:",
)
FILES = {
    "served": "served.jsonl",
    "redraws": "redraws.jsonl",
    "suspect": "suspect.jsonl",
    "people": "people.jsonl",
    "background": "background.jsonl",
}


@dataclass(frozen=True)
class Case:
    """The tables of a case; each is a list of rows, and each row a dict of plain values.

    Attributes
    ----------
    served : list of dict
        ``request_id, account, time, model, params_hash, conversation, prompt, text``, sorted by time (ISO-8601, UTC).
    redraws : list of dict
        ``request_id, draft, text, model, params_hash, selected_by``: drafts 1 to K of each request, served to nobody.
    suspect : list of dict
        ``id, prompt, text``.
    people : list of dict
        ``id, prompt, text``: the control, texts of other authors to the same prompts.
    background : list of dict
        ``id, time, text``: public web text, from before the log begins.
    truth : dict
        ``suspect`` maps each suspect id to ``origin`` (leak, other, web), ``request_id`` (leak), ``background_id``
        (web), ``edit`` and ``strength``; ``accounts`` maps each account to its role; ``params`` holds the arguments,
        ``training_digest`` the version of the training text.
    """

    served: list[Row]
    redraws: list[Row]
    suspect: list[Row]
    people: list[Row]
    background: list[Row]
    truth: dict[str, Any]

    def files(self) -> dict[str, bytes]:
        """Return file names and contents: JSON lines in UTF-8, and ``truth.json``."""
        made = {name: _json_lines(getattr(self, table)) for table, name in FILES.items()}
        made["truth.json"] = json.dumps(self.truth, ensure_ascii=False, sort_keys=True, indent=1).encode() + b"\n"
        return made

    def digest(self) -> str:
        """Return the SHA-256 of all files: equal for equal arguments and equal training text."""
        whole = sha256()
        for name, content in self.files().items():
            whole.update(f"{name}\0{len(content)}\0".encode() + content)
        return whole.hexdigest()

    def summary(self) -> str:
        """Return some lines for a terminal: sizes, what was planted, and the digest of the training text."""
        origins = [row["origin"] for row in self.truth["suspect"].values()]
        roles = list(self.truth["accounts"].values())
        return "\n".join(
            (
                f"served      {len(self.served):6,} texts to {len(roles):,} accounts, {roles.count('pooled'):,} pooled",
                f"redraws     {len(self.redraws):6,} texts that nobody was served",
                f"suspect     {len(self.suspect):6,} texts: {origins.count('leak'):,} served ones, "
                f"{origins.count('web'):,} from the web, {origins.count('other'):,} by another model",
                f"people      {len(self.people):6,} texts",
                f"background  {len(self.background):6,} texts",
                f"seed {self.truth['params']['seed']}, training text sha256:{self.truth['training_digest'][:16]}",
            )
        )

    def write(self, folder: str | os.PathLike[str], *, compress: bool = False) -> dict[str, Path]:
        """Write all files into a folder, made where it is missing; each appears whole or not at all.

        Parameters
        ----------
        folder : path
            Files of the same names in it are replaced.
        compress : bool
            Write the tables as ``.jsonl.zst``; the truth stays plain.

        Returns
        -------
        dict of str to Path
            ``served``, ``redraws``, ``suspect``, ``people``, ``background`` and ``truth``, and where each is.

        Raises
        ------
        MissingExtraError
            `compress` without the package zstandard.
        """
        target = Path(folder)
        pack = need("zstandard", extra="bench").ZstdCompressor(level=10).compress if compress else None
        target.mkdir(parents=True, exist_ok=True)
        paths = {}
        for name, content in self.files().items():
            packed = pack is not None and name.endswith(".jsonl")
            path = target / (f"{name}.zst" if packed else name)
            with atomic_path(path) as temporary:
                temporary.write_bytes(pack(content) if pack is not None and packed else content)
            paths[name.partition(".")[0]] = path
        return paths


def case(
    seed: int = 0,
    *,
    prompts: int = 800,
    served: int = 2000,
    accounts: int = 60,
    heavy: int = 2,
    pooled: int = 8,
    pooled_share: float = 0.25,
    redraws: int = 4,
    suspect: int = 1000,
    leak: int = 200,
    web: int = 80,
    people: int = 500,
    background: int = 400,
    edits: Mapping[str, float] = DEFAULT_EDITS,
    strength: tuple[float, float] = (0.05, 0.3),
    days: int = 60,
    start: str = "2025-01-01",
    provider: Sampler = PROVIDER,
    rival: Sampler = RIVAL,
    others: Sampler = PEOPLE,
) -> Case:
    """Make a case.

    A provider's model answers `served` requests of normal, heavy and pooled accounts over `days` days, and draws
    `redraws` more answers to each request from the same distribution. The pooled accounts send one list of prompts
    through shared templates; `leak` of the texts they were served, edited, stand in the suspect corpus under the bare
    prompts, among public web text and answers of another model to the same or other prompts. A few prompts ask to
    rewrite a paragraph or to quote a passage, some answers repeat their prompt, and some end with a stock disclaimer,
    so that innocent texts match too: by prompt echo, by shared sources, by boilerplate.

    Parameters
    ----------
    seed : int
        The only source of randomness.
    prompts : int
        Distinct prompts; some are asked far more often than others.
    served, redraws : int
        Requests, and redraws for each (K).
    accounts, heavy, pooled : int
        Accounts of each role.
    pooled_share : float
        Share of the requests that the pooled accounts make.
    suspect, leak, web : int
        Rows of the suspect corpus in all; those taken from the pooled accounts; those copied from `background`.
        With ``leak=0`` and ``web=0`` the corpus is innocent by construction.
    people, background : int
        Rows of the control and of the web text.
    edits : Mapping[str, float]
        Weights of the kinds of `edit` among leaked rows.
    strength : tuple of float
        Least and greatest strength, drawn evenly in steps of 0.01.
    days, start : int, str
        Length of the log, and its first day (ISO-8601, UTC).
    provider, rival, others : Sampler
        How the provider's model, the other model and the people write. The last two learn from one half of the
        documents, the provider from the other.

    Returns
    -------
    Case

    Raises
    ------
    InputError
        Arguments that contradict each other; the message says which.

    Notes
    -----
    About 1.5 s to train, once in a process, then 0.1 ms a draft on one core: 10,000 drafts with the defaults. Served
    texts do not depend on `redraws`, nor the log on `suspect`, `people` or `background`.

    Examples
    --------
    >>> made = case(seed=1, prompts=50, served=100, accounts=8, pooled=2, suspect=30, leak=10, web=5, people=20)
    >>> sorted(made.served[0])
    ['account', 'conversation', 'model', 'params_hash', 'prompt', 'request_id', 'text', 'time']
    """
    if min(prompts, served, days) < 1 or min(redraws, leak, web, people, background) < 0:
        raise InputError("prompts, served and days must be 1 or more; redraws, leak, web, people, background 0 or more")
    if leak + web > suspect:
        raise InputError(f"suspect: {suspect} rows cannot hold {leak} leaked and {web} web rows")
    if web and not background:
        raise InputError(f"web: {web} rows need background rows to be copied from; set background")
    check_edits(edits, strength)
    params = {key: value for key, value in locals().items() if key not in ("provider", "rival", "others")}
    params |= {"edits": dict(edits), "strength": list(strength)}
    params |= {"provider": asdict(provider), "rival": asdict(rival), "others": asdict(others)}
    *seeds, draft_seed = np.random.SeedSequence(seed).spawn(6)
    for_prompts, for_log, for_suspect, for_people, for_background = map(_generator, seeds)

    ours, theirs = trained_models()
    asked, recited = _make_prompts(for_prompts, ours, prompts)
    roles = make_accounts(
        for_log, served=served, normal=accounts, heavy=heavy, pooled=pooled, pooled_share=pooled_share
    )
    day = parse_day(start)
    traffic = make_traffic(for_log, roles, days=days, weekday=day.weekday())
    taken = [i for i, owner in enumerate(traffic.account.tolist()) if roles[owner].role == "pooled"]
    if leak > len(taken):
        raise InputError(
            f"leak: the pooled accounts were served {len(taken)} texts, fewer than {leak}; raise pooled_share"
        )
    bare = _ask(for_log, [roles[i].role == "pooled" for i in traffic.account.tolist()], prompts)
    log = []
    templates = _templates(for_log, len(roles))
    for number, (seconds, owner, talk, which) in enumerate(
        zip(traffic.seconds.tolist(), traffic.account.tolist(), traffic.conversation.tolist(), bare, strict=True)
    ):
        pool = roles[owner].role == "pooled"
        log.append(
            {
                "request_id": f"req-{number:08d}",
                "account": roles[owner].id,
                "time": iso(day, seconds),
                "model": provider.model,
                "params_hash": provider.params_hash,
                "conversation": f"conv-{talk:08d}",
                "prompt": templates[owner].format(prompt=asked[which]) if pool else asked[which],
            }
        )
    full = {row["prompt"]: recited[asked[i]] for row, i in zip(log, bare, strict=True) if asked[i] in recited}
    questions = [row["prompt"] for row in log]
    drafts = []
    for one in draft_seed.spawn(redraws + 1):
        drafts.append(provider.draw(ours, _generator(one), questions, full))
    for row, text in zip(log, drafts[0], strict=True):
        row["text"] = text

    pages = _make_background(for_background, (ours, theirs), list(recited.values()), background, day)
    rows: list[tuple[Row, Row]] = []
    for i in shuffled(for_suspect, len(taken))[:leak].tolist():
        record, prompt = log[taken[i]], asked[bare[taken[i]]]
        rows.append(leaked(for_suspect, record, prompt, edits, strength))
    skewed = for_suspect.random(web)
    for i in np.floor(skewed * skewed * len(pages)).astype(np.int64).tolist():  # the first pages are the best known
        rows.append(
            (
                {"prompt": "", "text": pages[i]["text"]},
                {"origin": "web", "background_id": pages[i]["id"], "edit": "none", "strength": 0.0},
            )
        )
    rows += [
        (row, {"origin": "other", "edit": "none", "strength": 0.0})
        for row in by_others(
            for_suspect, model=theirs, sampler=rival, asked=asked, recited=recited, count=suspect - leak - web
        )
    ]
    corpus: list[Row] = []
    origin: Row = {}
    for number, i in enumerate(shuffled(for_suspect, len(rows)).tolist()):
        corpus.append({"id": f"sus-{number:06d}", **rows[i][0]})
        origin[f"sus-{number:06d}"] = rows[i][1]
    return Case(
        served=log,
        redraws=[
            {
                "request_id": row["request_id"],
                "draft": draft,
                "text": drafts[draft][i],
                "model": provider.model,
                "params_hash": provider.params_hash,
                "selected_by": "all",
            }
            for i, row in enumerate(log)
            for draft in range(1, redraws + 1)
        ],
        suspect=corpus,
        people=[
            {"id": f"person-{i:06d}", **row}
            for i, row in enumerate(
                by_others(for_people, model=theirs, sampler=others, asked=asked, recited=recited, count=people)
            )
        ],
        background=pages,
        truth={
            "params": params,
            "training_digest": training_digest(training_texts()),
            "accounts": {account.id: account.role for account in roles},
            "suspect": origin,
        },
    )


def _generator(seed: np.random.SeedSequence) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed))


@lru_cache(maxsize=1)
def trained_models() -> tuple[TextModel, TextModel]:
    """Train the provider's model and the others' on every other document each."""
    texts = list(training_texts().values())
    return TextModel.train(texts[::2]), TextModel.train(texts[1::2])


def check_edits(edits: Mapping[str, float], strength: tuple[float, float]) -> None:
    """Refuse weights and strengths that no edits can be drawn from."""
    unknown = [kind for kind in edits if kind not in EDITS]
    if unknown:
        raise InputError(f"edits: {unknown[0]!r} is no edit; use {', '.join(EDITS)}")
    if not edits or min(edits.values()) < 0 or max(edits.values()) <= 0:
        raise InputError("edits: weights must be 0 or more, and one of them above 0")
    if not 0 <= strength[0] <= strength[1] <= 1:
        raise InputError(f"strength: {strength!r} must be (least, greatest) within [0, 1]")


def parse_day(start: str) -> date:
    """Return the day that `start` names in ISO-8601."""
    try:
        return date.fromisoformat(start)
    except ValueError as error:
        raise InputError(f"start: {start!r} must be a day like 2025-01-31") from error


def iso(day: date, seconds: int) -> str:
    """Return the moment so many seconds from the day's midnight UTC, in ISO-8601."""
    moment = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(seconds=seconds)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _make_prompts(rng: np.random.Generator, model: TextModel, count: int) -> tuple[list[str], dict[str, str]]:
    """Make distinct prompts: 4 % bring a paragraph to rewrite, 1.5 % ask for a passage, which is returned too."""
    names = model.names[:400]
    made: dict[str, None] = {}
    recited: dict[str, str] = {}
    while len(made) < count:
        u = rng.random((count, 4)).tolist()
        for kind, first, second, form in u:
            a, b = one_of(names, first), one_of(names, second)
            if kind < 0.04:
                prompt = f"Rewrite the following paragraph for a beginner.\n\n{one_of(model.passages, form)}"
            elif kind < 0.052:
                prompt = f"Quote what the documentation of Python says where it speaks of {a} and {b}."
                recited[prompt] = one_of(model.passages, form)
            elif kind < 0.055:
                prompt = f"Quote the warranty clause of a permissive licence, for a project that uses {a} and {b}."
                recited[prompt] = WARRANTY
            else:
                prompt = one_of(PROMPTS, form).format(a=a, b=b)
            made.setdefault(prompt)
    kept = list(made)[:count]
    return kept, {prompt: recited[prompt] for prompt in kept if prompt in recited}


def _templates(rng: np.random.Generator, accounts: int) -> list[str]:
    return [one_of(POOL_TEMPLATES, u) for u in rng.random(accounts).tolist()]


def _ask(rng: np.random.Generator, pooled: Sequence[bool], prompts: int) -> list[int]:
    """Choose a prompt for each request: the pool goes through the list, others prefer its beginning."""
    order = shuffled(rng, prompts).tolist()
    u = rng.random(len(pooled))
    free = np.floor(u * u * prompts).astype(np.int64).tolist()
    chosen, turn = [], 0
    for i, pool in enumerate(pooled):
        chosen.append(order[turn % prompts] if pool else free[i])
        turn += pool
    return chosen


def _make_background(
    rng: np.random.Generator, models: Sequence[TextModel], recited: list[str], count: int, day: date
) -> list[Row]:
    """Put documentation on the web: a licence and the recited passages first, then others; before the log begins."""
    passages = [text for model in models for text in model.passages]
    texts = list(dict.fromkeys([WARRANTY, *recited, *(passages[i] for i in shuffled(rng, len(passages)).tolist())]))
    if count > len(texts):
        raise InputError(f"background: the training text has {len(texts)} passages, fewer than {count}")
    ages = np.floor(rng.random(count) * 1000).astype(np.int64).tolist()
    return [
        {"id": f"web-{i:06d}", "time": iso(day - timedelta(days=30 + age), 0), "text": texts[i]}
        for i, age in enumerate(ages)
    ]


def leaked(
    rng: np.random.Generator, record: Row, prompt: str, edits: Mapping[str, float], strength: tuple[float, float]
) -> tuple[Row, Row]:
    """Edit one served text; return its suspect row and the truth of it."""
    kinds = [kind for kind in EDITS if kind in edits]
    weights = np.array([int(edits[kind] * 2**20) for kind in kinds], dtype=np.int64)
    kind = kinds[int(pick(rng, np.cumsum(weights), 1)[0])]
    low, high = (round(100 * bound) for bound in strength)
    degree = 0.0 if kind == "none" else (low + int(rng.random() * (high - low + 1))) / 100
    text = edit(record["text"], kind, degree, rng)
    truth = {"origin": "leak", "request_id": record["request_id"], "edit": kind, "strength": degree}
    return {"prompt": prompt, "text": text}, truth


def by_others(
    rng: np.random.Generator,
    *,
    model: TextModel,
    sampler: Sampler,
    asked: Sequence[str],
    recited: Mapping[str, str],
    count: int,
) -> list[Row]:
    """Let another author answer: half of the prompts from the provider's list, half his own."""
    if not count:
        return []
    own, own_recited = _make_prompts(rng, model, count)
    public: Ints = np.floor(rng.random(count) * len(asked)).astype(np.int64)
    shared = (rng.random(count) < 0.5).tolist()
    prompts = [asked[i] if same else mine for i, mine, same in zip(public.tolist(), own, shared, strict=True)]
    texts = sampler.draw(model, rng, prompts, {**recited, **own_recited})
    return [{"prompt": prompt, "text": text} for prompt, text in zip(prompts, texts, strict=True)]


def _json_lines(rows: Sequence[Row]) -> bytes:
    return b"".join(json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode() + b"\n" for row in rows)

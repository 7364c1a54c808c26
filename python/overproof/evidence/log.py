"""A provider's log: its fields by their usual names, its times, and how far up the claims ladder it can reach."""

from __future__ import annotations

import datetime
import logging
import math
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from overproof._core import TextColumn
from overproof.corpus import Corpus
from overproof.errors import InputError
from overproof.io import field_names, read_corpus

logger = logging.getLogger("overproof")

GENERATION = (
    *("model", "messages", "system", "tools", "retrieved", "temperature", "top_p", "top_k", "max_tokens", "stop"),
    *("post", "host", "params_hash"),
)
"""What decides how a text is drawn: all of it has to be equal for a served output and its redraws."""
LINKS = ("payment", "network")
"""What links accounts."""
OTHER = ("seed", "finish_reason", "cache_hit", "cache_key", "template", *LINKS, "user_choice", "role")
"""What else is known of a request."""

USUAL: dict[str, tuple[str, ...]] = {
    "id": ("request_id", "id", "req_id", "response_id", "completion_id", "uuid"),
    "account": ("account", "acct", "account_id", "user_id", "customer", "customer_id", "org_id", "organization"),
    "time": ("time", "ts", "timestamp", "created_at", "created", "served_at"),
    "conversation": ("conversation", "conversation_id", "session_id", "thread_id", "chat_id"),
    "model": ("model", "snapshot", "model_snapshot"),
    "system": ("system", "system_prompt", "instructions"),
    "tools": ("tools", "functions"),
    "retrieved": ("retrieved", "retrieved_text", "documents"),
    "max_tokens": ("max_tokens", "max_completion_tokens", "max_output_tokens"),
    "stop": ("stop", "stop_sequences"),
    "post": ("post", "post_processing"),
    "host": ("host", "server", "system_fingerprint"),
    "finish_reason": ("finish_reason", "stop_reason"),
    "cache_hit": ("cache_hit", "cached"),
    "template": ("template", "template_id"),
    "payment": ("payment", "payment_id"),
    "network": ("network", "ip", "asn"),
    "user_choice": ("user_choice", "chosen_by"),
}
"""The names by which a field is known, the likeliest first; a field that is not listed has its own name only."""

CUT = frozenset(
    [
        "cut",
        "cancelled",
        "canceled",
        "aborted",
        "abort",
        "interrupted",
        "incomplete",
        "disconnected",
        "client_disconnect",
        "client_disconnected",
        "client_cancelled",
        "user_cancelled",
    ]
)
"""Finish reasons of a stream that the user cut."""
NO = frozenset(("", "0", "false", "no", "none", "null", "[]", "{}"))

NEEDED: dict[str, tuple[tuple[str, ...], ...]] = {
    "L0": (("text",),),
    "L1": (
        *(("id",), ("time",), ("prompt", "messages"), ("model",)),
        *((name, "params_hash") for name in ("temperature", "top_p", "max_tokens")),
        ("finish_reason",),
    ),
    "L2": (("account",),),
}
"""What each rung needs beyond the rung below; of several names one is enough."""

WITHOUT = {
    "conversation": "turns of one conversation count as units of their own unless messages or texts join them",
    "messages": "several turns cannot be redrawn: only requests of one turn take part",
    "system": "must be the same for all requests, or be part of messages or params_hash",
    "cache_key": "cached copies are joined by their text alone",
    "cache_hit": "cached copies are joined by their text alone",
    "template": "requests of one public tool count as units of their own",
    "seed": "served draws cannot be told from repeated ones",
    "payment": "accounts are grouped without it",
    "network": "accounts are grouped without it",
    "user_choice": "outputs chosen by a later user action cannot be left out",
}
"""What is lost without a field that no rung needs."""


@dataclass(frozen=True)
class LogCheck:
    """What a log can carry.

    Attributes
    ----------
    rows : int
        Rows of the log.
    fields : dict of str to float
        The share of rows that have each field, by canonical name.
    rungs : list of dict
        For L0, L1 and L2: ``rung``, ``reachable``, ``rows`` (that have all its fields) and ``missing`` (fields that no
        row has; alternatives joined by "or").
    problems : dict of str to int
        Rows by what keeps them, or the times in them, from taking part.
    notes : list of str
        What is lost without fields that no rung needs.
    """

    rows: int
    fields: dict[str, float]
    rungs: list[dict[str, Any]]
    problems: dict[str, int]
    notes: list[str]

    @property
    def rung(self) -> str | None:
        """The highest rung that can be reached; None where there is no text at all."""
        return next((rung["rung"] for rung in reversed(self.rungs) if rung["reachable"]), None)

    def to_dict(self) -> dict[str, Any]:
        """As plain values, for JSON."""
        return {
            "rows": self.rows,
            "rung": self.rung,
            "rungs": self.rungs,
            "fields": self.fields,
            "problems": self.problems,
            "notes": self.notes,
        }


def read_log(
    path: Any,
    *,
    account_field: str | None = None,
    time_field: str | None = None,
    fields: Mapping[str, str] | None = None,
    progress: Callable[[int, int], object] | None = None,
    threads: int | None = None,
    **options: Any,
) -> Corpus:
    """Read a log with all that is known of its requests.

    Parameters
    ----------
    path : path, list of paths, or frame
        As in `read_corpus`.
    account_field, time_field : str, optional
        As in `read_corpus`; guessed by their usual names when not given.
    fields : mapping of str to str, optional
        The field of each canonical name that is not guessed: ``{"model": "request.model"}``. The names are those of
        `GENERATION` and `OTHER`, and ``text``, ``prompt``, ``id``, ``conversation``, ``account``, ``time``.
    progress, threads, **options
        As in `read_corpus`, ``id_field`` and its like included. Missing texts are kept, and counted by `check_log`.

    Returns
    -------
    Corpus
        Settings and link keys are in ``.extra``; ``.guessed`` and the log ``overproof`` say what was guessed.

    Raises
    ------
    InputError
        As `read_corpus`, or a canonical name is unknown.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp(), "log.jsonl")
    >>> _ = path.write_text('{"request_id": "r1", "acct": "a", "text": "Yes.", "temperature": 0.70}\\n')
    >>> log = read_log(path)
    >>> log.ids[0], log.accounts[0], log.extra["temperature"][0]
    ('r1', 'a', '0.70')
    """
    given = dict(fields or {})
    known = ("text", "prompt", *USUAL, *GENERATION, *OTHER)
    if unknown := [name for name in given if name not in known]:
        raise InputError(f"fields: {unknown[0]!r} is no field of a log; give some of {', '.join(dict.fromkeys(known))}")
    own = ("text", "prompt", "id", "account", "time", "conversation")
    named = {"account": account_field, "time": time_field} | {
        name: options.pop(f"{name}_field", None) for name in own[:3]
    }
    named["conversation"] = options.pop("conversation_field", None)
    given |= {name: field for name, field in named.items() if field is not None}
    there = field_names(path, errors=options.get("errors", "raise"))
    guessed = {}
    for name in dict.fromkeys((*USUAL, *GENERATION, *OTHER)):
        if name not in given:
            found = next((usual for usual in USUAL.get(name, (name,)) if usual in there), None)
            if found is not None:
                given[name] = guessed[name] = found
    if guessed:
        told = (name if name == found else f"{name}={found!r}" for name, found in guessed.items())
        logger.info("%s: guessed the fields %s", _where(path), ", ".join(told))
    return read_corpus(
        path,
        **dict[str, Any]({f"{name}_field": given[name] for name in own if name in given}),
        extra_fields={name: found for name, found in given.items() if name not in own},
        missing="keep",
        progress=progress,
        threads=threads,
        **options,
    )


def _where(path: Any) -> str:
    """A log as it was given, for messages."""
    paths = path if isinstance(path, list | tuple) else [path]
    named = all(isinstance(one, str | os.PathLike) for one in paths)
    return ", ".join(map(os.fspath, paths)) if named else "the frame"


def seconds(corpus: Corpus) -> npt.NDArray[np.float64]:
    """The times of a corpus as seconds since 1970 in UTC.

    Parameters
    ----------
    corpus : Corpus
        n rows whose ``.times`` are ISO 8601 with a zone, or numbers: seconds since 1970 (from 1e11 on milliseconds,
        from 1e14 on microseconds).

    Returns
    -------
    float64[n]
        NaN where no time is known.

    Raises
    ------
    InputError
        A time without a zone, or that cannot be read; the message names file and row.

    Examples
    --------
    >>> import overproof as op
    >>> seconds(op.Corpus(["a", "b"], times=["2025-01-20T01:00+01:00", None]))
    array([1.7373312e+09,           nan])
    """
    out, bad = _seconds(corpus.times, len(corpus))
    for row, what in bad:
        assert corpus.times is not None  # a bad time is a time
        raise InputError(f"{_place(corpus, row)}: the time {corpus.times[row]!r} {what}")
    return out


def instant(text: str, name: str) -> float:
    """One time as seconds since 1970.

    Raises
    ------
    InputError
        It has no zone or cannot be read.

    Examples
    --------
    >>> instant("2025-01-20T00:00Z", "published")
    1737331200.0
    """
    value = _instant(text)
    if isinstance(value, str):
        raise InputError(f"{name}: the time {text!r} {value}")
    return value


NO_ZONE = "has no zone: write it as 2025-01-20T00:00Z or with its offset, or as seconds since 1970"
UNREADABLE = "cannot be read: write it as 2025-01-20T00:00Z, or as seconds since 1970"


def _instant(text: str) -> float | str:
    """Seconds since 1970, or what is wrong."""
    try:
        number = float(text)
    except ValueError:
        try:
            moment = datetime.datetime.fromisoformat(text.strip())
        except ValueError:
            return UNREADABLE
        return NO_ZONE if moment.tzinfo is None else moment.timestamp()
    if not math.isfinite(number):
        return UNREADABLE
    return number / 1e6 if abs(number) >= 1e14 else number / 1e3 if abs(number) >= 1e11 else number


def _seconds(times: TextColumn | None, n: int) -> tuple[npt.NDArray[np.float64], list[tuple[int, str]]]:
    out, bad = np.full(n, np.nan), []
    for row, text in enumerate(times.to_list() if times is not None else ()):
        if text is not None:
            value = _instant(text)
            if isinstance(value, str):
                bad.append((row, value))
            else:
                out[row] = value
    return out, bad


def _place(corpus: Corpus, row: int) -> str:
    place = corpus.row_of(row)
    return f"row {place['row']}" if place["file"] is None else f"{place['file']}: row {place['row']}"


def column(corpus: Corpus, name: str) -> list[str | None]:
    """A column of a log by its canonical name; all None where there is none.

    Examples
    --------
    >>> import overproof as op
    >>> log = op.Corpus(["a"], ids=["r1"], extra={"model": ["m-1"]})
    >>> column(log, "id"), column(log, "model"), column(log, "host")
    (['r1'], ['m-1'], [None])
    """
    own = {"text": "texts", "id": "ids", "prompt": "prompts", "account": "accounts", "time": "times"}
    own["conversation"] = "conversations"
    found = getattr(corpus, own[name]) if name in own else corpus.extra.get(name)
    return [None] * len(corpus) if found is None else found.to_list()


def refusals(corpus: Corpus) -> Iterator[tuple[int, str]]:
    """Rows of a log that take no part in a test on redraws, each with the first reason.

    Examples
    --------
    >>> import overproof as op
    >>> log = op.Corpus(["a", None, "c"], ids=["1", "2", "3"], missing="keep", extra={"finish_reason": [0, 0, "cut"]})
    >>> list(refusals(log))
    [(1, 'missing text'), (2, 'stream cut by the user')]
    """
    ids = column(corpus, "id")
    twice = {name for name, n in Counter(ids).items() if n > 1}
    rows = zip(ids, column(corpus, "text"), column(corpus, "finish_reason"), column(corpus, "user_choice"), strict=True)
    for row, (name, text, reason, choice) in enumerate(rows):
        if name is None:
            yield row, "no request id"
        elif name in twice:
            yield row, "duplicate request id"
        elif text is None or not text.strip():
            yield row, "missing text"
        elif reason is not None and reason.strip().lower() in CUT:
            yield row, "stream cut by the user"
        elif choice is not None and choice.strip().lower() not in NO:
            yield row, "chosen by a later user action"


def check_log(corpus: Corpus) -> LogCheck:
    """Find out which rung of the claims ladder a log can reach, and what is missing.

    Parameters
    ----------
    corpus : Corpus
        As `read_log` gives.

    Returns
    -------
    LogCheck

    Notes
    -----
    L1 needs what a redraw is held against, field by field, and times, which say what was served before the suspect came
    out. L2 also needs accounts. About 3 s for 10^6 rows.

    Examples
    --------
    >>> import overproof as op
    >>> check = check_log(op.Corpus(["a b"], ids=["r1"], times=["2025-01-20T00:00"]))
    >>> check.rung, check.problems
    ('L0', {'time without zone': 1})
    >>> check.rungs[1]["missing"][:2]
    ['prompt or messages', 'model']
    """
    n = len(corpus)
    has = {}
    for name in dict.fromkeys(("text", "prompt", *USUAL, *GENERATION, *OTHER)):
        has[name] = np.array([value is not None and value != "" for value in column(corpus, name)], bool)
    rungs, complete, missing = [], np.ones(n, bool), list[str]()
    for rung, needs in NEEDED.items():
        for names in needs:
            either = np.logical_or.reduce([has[name] for name in names])
            complete = complete & either
            if not either.any():
                missing.append(" or ".join(names))
        rungs.append(
            {"rung": rung, "reachable": bool(complete.any()), "rows": int(complete.sum()), "missing": list(missing)}
        )
    problems = Counter(reason for _, reason in refusals(corpus))
    for _, what in _seconds(corpus.times, n)[1]:
        problems["time without zone" if what == NO_ZONE else "time that cannot be read"] += 1
    for name, reason in (("account", "no account"), ("time", "no time")):
        if has[name].any() and not has[name].all():
            problems[reason] = int((~has[name]).sum())
    hits = [value is not None and value.lower() not in NO for value in column(corpus, "cache_hit")]
    if any(hits):
        problems["answered from a cache"] = sum(hits)
    return LogCheck(
        rows=n,
        fields={name: float(there.mean()) if n else 0.0 for name, there in has.items()},
        rungs=rungs,
        problems={reason: count for reason, count in sorted(problems.items()) if count},
        notes=[f"without {name}: {loss}" for name, loss in WITHOUT.items() if not has[name].any()],
    )

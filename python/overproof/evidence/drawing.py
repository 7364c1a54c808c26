"""Which records are drawn again, what is asked of the endpoint, and what it gave."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from overproof._files import atomic_path
from overproof.corpus import Corpus
from overproof.errors import FormatError, IncompatibleError, InputError
from overproof.evidence.canonical import digest
from overproof.evidence.commitment import commit_log
from overproof.evidence.commitment import timestamp as stamped
from overproof.evidence.ledger import Ledger
from overproof.evidence.log import GENERATION
from overproof.evidence.plan import RULES, Plan, corpus_digest, groups_form, selection_digest
from overproof.evidence.result import between, count
from overproof.evidence.selection import key_id, one_per_unit, sample_by_key
from overproof.evidence.units import log_units
from overproof.io import read_corpus
from overproof.join import similarity_join
from overproof.shingle import Shingler

Int64 = npt.NDArray[np.int64]
STANDS = 0.9
"""A suspect's prompt stands in a log's prompt if this share of its word 3-grams does: a template may be around it."""
SETTINGS = {
    "temperature": "temperature",
    "top_p": "top_p",
    "top_k": "top_k",
    "max_tokens": "max_tokens",
    "stop": "stop",
    "tools": "tools",
}
"""Fields of a log, and what the batch form of a chat endpoint calls them."""


def select(
    plan: Plan,
    log: Corpus,
    suspects: Mapping[str, Corpus],
    *,
    key: bytes,
    rule: str,
    rate: float = 1.0,
    units: Int64 | None = None,
) -> Int64:
    """Rows of the log that a rule chooses: one record a unit, by nothing that was served.

    Parameters
    ----------
    plan : Plan
        Whose key this is.
    log : Corpus
        The whole log.
    suspects : mapping of str to Corpus
        Whose prompts the rule "prompt" looks for.
    key : bytes
        The plan's.
    rule : {"prf", "prompt", "all"}
        Units at a rate, by a keyed pseudo-random function; every record whose prompt stands in a suspect, one a unit;
        or one of every unit. "prf" takes `rate` of them; so does "prompt", where 1 is not enough of a limit.
    rate : float
        Share of the units, above 0 and at most 1.
    units : int64[n], optional
        As `log_units` gives, when it is known already.

    Returns
    -------
    int64[m]
        Ascending.

    Raises
    ------
    InputError
        No ids or prompts where they are needed; an unknown rule, such as one by what matched.

    Notes
    -----
    A prompt of a suspect stands in a log's prompt if nine tenths of its word 3-grams do, so that a template around it
    does not hide it. Served texts are not looked at. Records without an id, or with that of another one, are left out.
    """
    if rule not in RULES:
        raise InputError(
            f"rule={rule!r}: give prf, prompt or all; records chosen because their output matched prove nothing"
        )
    if key_id(key) != plan.key_id:
        raise IncompatibleError("the key is not the one that the plan was made with: give its own key file")
    if log.ids is None:
        raise InputError("the log has no request ids: name the field that holds them")
    ids = [name or "" for name in log.ids.to_list()]
    times = Counter(ids)
    # A record whose id names no record, or two, cannot be asked for by it, and takes no part.
    one = np.array([times[name] == 1 and name != "" for name in ids], np.bool_)
    rows = np.arange(len(log))
    if rule == "prompt":
        rows = _asked_in(log, suspects)
    rows = rows[one[rows]]
    units = (log_units(log) if units is None else units)[rows]
    named = [ids[i] for i in rows.tolist()]
    rows = rows[one_per_unit(units.tolist(), named, key=key)]
    if rate != 1:
        # Another key than that of the representatives: those have low ranks.
        other = hashlib.sha256(b"overproof rate\0" + key).digest()
        rows = rows[sample_by_key([ids[i] for i in rows.tolist()], key=other, rate=rate)]
    return np.asarray(rows, np.int64)


def _asked_in(log: Corpus, suspects: Mapping[str, Corpus]) -> Int64:
    """Rows whose prompt holds a prompt of a suspect."""
    if log.prompts is None:
        raise InputError("the log has no prompts, so none can be looked for: name their field, or select by prf")
    theirs = sorted({p for one in suspects.values() if one.prompts is not None for p in one.prompts.to_list() if p})
    if not theirs:
        raise InputError("no suspect has prompts, so none can be looked for in the log: select by prf")
    ours: dict[str, list[int]] = {}
    for row, prompt in enumerate(log.prompts.to_list()):
        if prompt:
            ours.setdefault(prompt, []).append(row)
    names = list(ours)
    found = similarity_join(theirs, names, threshold=STANDS, metric="containment", shingler=Shingler(3), recall=1)
    return np.array(sorted(row for at in set(found.right.tolist()) for row in ours[names[at]]), np.int64)


def plan_sample(
    plan: Plan,
    log: Corpus,
    suspects: Mapping[str, Corpus],
    out: str | os.PathLike[str],
    *,
    key: bytes,
    select_by: str = "prf",
    rate: float = 1.0,
    draws: int = 9,
    beacon: str | None = None,
    groups: Mapping[str, Any] | None = None,
    read: Mapping[str, Any] | None = None,
) -> Plan:
    """Choose the records to draw again, and write the requests for the user's own endpoint.

    Parameters
    ----------
    plan : Plan
        In the state "made".
    log, suspects, key
        As in `select`.
    out : path
        The requests, JSON lines in the batch form of the OpenAI API, which ``vllm run-batch`` takes too; nothing is
        sent anywhere. One line a draft; ``custom_id`` is the request id, a slash, and the number of the draft.
    select_by, rate
        ``rule`` and ``rate`` of `select`.
    draws : int
        Redraws of each record (K).
    beacon : str, optional
        A public random value that was drawn after the plan was made, such as that of a day's randomness beacon: with
        the plan's hash it fixes the seeds, which grade B' needs.
    groups : mapping of str to mapping, optional
        Groups of accounts, made from log metadata: fixed here, before anything is searched.
    read : mapping, optional
        How the log is read again.

    Returns
    -------
    Plan
        In the state "sampled".

    Raises
    ------
    InputError
        As `select`; no record is chosen; the plan was sampled already.
    """
    if plan.state != "made":
        raise InputError("the plan has chosen its records already: another choice needs another plan")
    draws = count(draws, "draws", 1)
    rate = 1.0 if rate == 1 else between(rate, "rate", 0, 1)
    for one in plan.suspects:
        if one["name"] not in suspects or corpus_digest(suspects[one["name"]]) != one["digest"]:
            raise IncompatibleError(f"the suspect {one['name']!r} is not the one that the plan was made for")
    rows = select(plan, log, suspects, key=key, rule=select_by, rate=rate)
    if not len(rows):
        raise InputError(f"no record is chosen by {select_by}: choose another rule, or a higher rate")
    with atomic_path(out) as part:
        whole = hashlib.sha256()
        with part.open("wb") as file:
            for line in _requests(plan, log, rows, draws, beacon):
                raw = (
                    json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass") + b"\n"
                )
                whole.update(raw)
                file.write(raw)
    return replace(
        plan,
        log={"digest": corpus_digest(log), "rows": len(log), "read": dict(read or {})},
        selection={
            "rule": select_by,
            "rate": rate,
            "records": len(rows),
            "digest": selection_digest(log, rows),
            "draws": draws,
            "beacon": beacon,
            "requests": whole.hexdigest(),
        },
        groups=None if groups is None else {"digest": digest(groups_form(groups)), "groups": len(groups)},
    )


def seed_of(plan: Plan, beacon: str | None, request: str, draft: int) -> int:
    """The seed of one draft: nobody who does not choose plan and beacon together can choose it."""
    named = f"{plan.name}\0{beacon or ''}\0{request}\0{draft}".encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.sha256(named).digest()[:4], "big") >> 1


def _requests(plan: Plan, log: Corpus, rows: Int64, draws: int, beacon: str | None) -> Iterator[dict[str, Any]]:
    assert log.ids is not None
    for row in rows.tolist():
        request = log.ids[row]
        body = _body(log, row)
        for draft in range(1, draws + 1):
            yield {
                "custom_id": f"{request}/{draft}",
                "method": "POST",
                "url": "/v1/chat/completions",
                "body": body | {"seed": seed_of(plan, beacon, str(request), draft)},
            }


def _body(log: Corpus, row: int) -> dict[str, Any]:
    """What the record asked, in the words of a chat endpoint."""

    def field(name: str) -> str | None:
        column = log.extra.get(name)
        return None if column is None else column[row]

    messages = field("messages")
    body: dict[str, Any] = {"model": field("model") or ""}
    if messages is not None:
        said = _turns(log, row, messages)
    else:
        prompt = None if log.prompts is None else log.prompts[row]
        if prompt is None:
            raise InputError(
                f"{log.row_of(row)}: the record has no messages and no prompt, so it cannot be asked again"
            )
        said = [{"role": "user", "content": prompt}]
    system = field("system")
    if system is not None and not any(one.get("role") == "system" for one in said):
        said = [{"role": "system", "content": system}, *said]
    body["messages"] = said
    for name, called in SETTINGS.items():
        value = field(name)
        if value is not None:
            body[called] = _plain(value)
    return body


def _turns(log: Corpus, row: int, messages: str) -> list[dict[str, Any]]:
    try:
        said = json.loads(messages)
    except ValueError:
        said = None
    if not isinstance(said, list) or not all(isinstance(one, dict) for one in said):
        raise InputError(
            f"{log.row_of(row)}: its messages are no JSON list of turns with role and content, so it cannot be asked "
            "again: mend the field, or rename it if it holds something else"
        )
    return said


def _plain(value: str) -> Any:
    try:
        return json.loads(value)
    except ValueError:
        return value


def plan_seal(
    plan: Plan,
    log: Corpus,
    drawn: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    ledger: Ledger | None = None,
    leave_out: bool = False,
    neutral: str | None = None,
    timestamp: bytes | None = None,
    committed: str | None = None,
) -> Plan:
    """Read what was drawn, refuse what does not fit what was asked, and fix it.

    Parameters
    ----------
    plan : Plan
        In the state "sampled".
    log : Corpus
        The log, as it was sampled: redraws inherit the settings that were asked.
    drawn : path
        The endpoint's answers in the batch form, or rows ``request_id, draft, text, ...`` of one's own.
    out : path
        The redraws as rows, which an investigation reads.
    ledger : Ledger, optional
        Where plans against the suspect and opened redraws are listed: spent ones are refused.
    leave_out : bool
        Leave out units of which a draft is missing, whole and counted, rather than refuse.
    neutral : str, optional
        The neutral party that drew them.
    timestamp : bytes, optional
        A third party's timestamp token (RFC 3161) over the SHA-256 of the drawn file; it is carried, and its time read.
    committed : str, optional
        When the drawn rows were committed to and timestamped, as `committed_at` found.

    Returns
    -------
    Plan
        In the state "sealed".

    Raises
    ------
    InputError
        Drafts that were not asked for, missing, given twice, or spent.
    FormatError
        A line is neither form.
    """
    if plan.state != "sampled" or plan.selection is None or plan.log is None:
        what = "its redraws do not change; make another plan" if plan.redraws else "run `plan sample` first"
        raise InputError(f"the plan is {plan.state}: {what}")
    if corpus_digest(log) != plan.log["digest"]:
        raise IncompatibleError("the log is not the one that the plan was sampled from")
    chosen = plan.selection
    found = _drawn(drawn)
    row_of = {name: row for row, name in enumerate(log.ids.to_list())} if log.ids is not None else {}
    by_request: dict[str, dict[int, dict[str, Any]]] = {}
    for where, one in found:
        request, draft = one["request_id"], one["draft"]
        if request not in row_of or not 1 <= draft <= chosen["draws"]:
            raise InputError(
                f"{where}: draft {draft} of {request!r} was not asked for: every draw made must be one that the plan "
                f"asked (drafts 1 to {chosen['draws']} of its records), or the best of many could be kept"
            )
        if draft in by_request.setdefault(request, {}):
            raise InputError(f"{where}: draft {draft} of {request!r} is there twice: keep the one that was drawn first")
        by_request[request][draft] = one
    given = np.array(sorted(row_of[name] for name in by_request), np.int64)
    lacking = [name for name, drafts in by_request.items() if any(d["text"] is None for d in drafts.values())]
    lacking += [name for name, drafts in by_request.items() if len(drafts) < chosen["draws"] and name not in lacking]
    if selection_digest(log, given) != chosen["digest"]:
        raise InputError(
            f"{drawn}: {len(given):,} records were drawn, and they are not the {chosen['records']:,} that the plan "
            "chose: draw the missing ones, and no others"
        )
    if lacking and not leave_out:
        raise InputError(
            f"{drawn}: drafts are missing of {len(lacking):,} records, such as {lacking[0]!r}: draw them, or leave "
            "those units out whole (--leave-out)"
        )
    seeds = all(
        one.get("seed") in (None, seed_of(plan, chosen["beacon"], name, draft))
        for name, drafts in by_request.items()
        for draft, one in drafts.items()
    )
    dropped = set(lacking)
    lines, hashes = [], []
    for row in given.tolist():
        name = log.ids[row] if log.ids is not None else None
        if name is None or name in dropped:
            continue
        for draft, one in sorted(by_request[name].items()):
            lines.append(_redraw(plan, log, row, draft, one))
            hashes.append(row_hash(name, draft, one["text"]))
    if ledger is not None and ledger.sealed(plan.name):
        raise InputError(
            "the ledger saw this plan sealed already: redraws that are drawn once more could be the best of several"
        )
    if ledger is not None and (spent := ledger.spent(hashes, plan=plan.name)):
        raise InputError(
            f"{drawn}: {spent:,} of the redraws were opened by another investigation: they are spent, draw new ones"
        )
    # Every row has every field, so that the first line shows which there are.
    every = dict.fromkeys(name for line in lines for name in line)
    lines = [every | line for line in lines]
    with atomic_path(out) as part:
        part.write_bytes(
            b"".join(json.dumps(x, ensure_ascii=False, separators=(",", ":")).encode("utf-8") + b"\n" for x in lines)
        )
    raw = Path(out).read_bytes()
    rows = len(lines)
    token = None
    if timestamp is not None:
        token = stamped(timestamp, hashlib.sha256(Path(drawn).read_bytes()).digest())
    return replace(
        plan,
        redraws={
            "digest": hashlib.sha256(f"{hashlib.sha256(raw).hexdigest()}:{rows}\n".encode()).hexdigest(),
            "rows": rows,
            "left_out": len(dropped),
            "seeds": seeds,
            "neutral": neutral,
            "timestamp": token,
            "committed": committed,
        },
    )


def committed_at(drawn: Corpus, commitment: Mapping[str, Any], *, key: bytes) -> str:
    """When redraws were committed to: the time of the timestamp over the root of their tree.

    Parameters
    ----------
    drawn : Corpus
        The redraws, read as they were when `commit_log` was called.
    commitment : mapping
        As ``overproof commit`` wrote it, with its ``timestamp``.
    key : bytes
        The key of the commitment.

    Returns
    -------
    str

    Raises
    ------
    InputError
        The redraws are not those that were committed to, or nothing says when that was.
    """
    if commit_log(drawn, key=key).tree.root.hex() != commitment.get("root"):
        raise InputError("the redraws are not those of the commitment: give the very file, and its key")
    token = commitment.get("timestamp") or {}
    if "time" not in token:
        raise InputError("the commitment carries no timestamp, so nothing says when it was made")
    # From the token itself: the time beside it is a word of the file, which anybody can change.
    try:
        raw = base64.b64decode(token["token"], validate=True)
    except (KeyError, TypeError, ValueError):
        raise InputError(
            "the commitment's timestamp has no token: give the file that `overproof commit` wrote"
        ) from None
    return stamped(raw, bytes.fromhex(commitment["root"]))["time"]


def row_hash(request: str, draft: int, text: str) -> str:
    """16 hex digits by which the ledger knows a redraw that was opened."""
    return hashlib.sha256(f"{request}\0{draft}\0{text}".encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _redraw(plan: Plan, log: Corpus, row: int, draft: int, one: Mapping[str, Any]) -> dict[str, Any]:
    """A row of redraws: what was asked, as the log has it, and what the endpoint said otherwise."""
    assert plan.selection is not None
    asked = {name: log.extra[name][row] for name in GENERATION if name in log.extra}
    said = {name: value for name, value in one.items() if value is not None and name not in ("request_id", "draft")}
    made = {"seed": None, "finish_reason": None} | asked | said
    return {"request_id": one["request_id"], "draft": draft, **made, "selected_by": plan.selection["rule"]}


def read_redraws(path: str | os.PathLike[str]) -> Corpus:
    """The redraws that `plan_seal` wrote: request ids as ids, all other fields as ``extra``.

    Raises
    ------
    InputError, FormatError
        There is no such file, or it is no file of redraws.
    """
    file = Path(path)
    if not file.is_file():
        raise InputError(f"{path}: the sealed redraws are missing: they stand beside the plan")
    with file.open("rb") as lines:
        try:
            first = json.loads(lines.readline())
        except ValueError as error:
            raise FormatError(f"{path}: line 1 is no JSON: {error}") from None
    fields = {name: name for name in first if name not in ("request_id", "text")}
    return read_corpus(
        file, text_field="text", id_field="request_id", prompt_field=False, extra_fields=fields, name="redraws"
    )


def _drawn(path: str | os.PathLike[str]) -> list[tuple[str, dict[str, Any]]]:
    """Every draft with where it stands: request_id, draft, text (None where the endpoint failed), and what else."""
    if not Path(path).is_file():
        raise InputError(f"{path}: there is no such file of redraws")
    out = []
    for number, line in enumerate(Path(path).read_bytes().split(b"\n"), start=1):
        if not line.strip():
            continue
        where = f"{path}: line {number}"
        try:
            row = json.loads(line)
        except ValueError as error:
            raise FormatError(f"{where}: is no JSON: {error}") from None
        if not isinstance(row, dict):
            raise FormatError(f"{where}: is no object")
        made = _answer(row, where) if "custom_id" in row else _own(row, where)
        if made["text"] is not None:
            # Half of a surrogate pair is no text; a replacement character is what scoring would make of it.
            made["text"] = re.sub("[\ud800-\udfff]", "\ufffd", made["text"])
        out.append((where, made))
    if not out:
        raise InputError(f"{path}: holds no redraw")
    return out


def _own(row: dict[str, Any], where: str) -> dict[str, Any]:
    draft = row.get("draft")
    if isinstance(draft, str) and draft.isdecimal():
        draft = int(draft)
    if not isinstance(row.get("request_id"), str) or not isinstance(draft, int) or isinstance(draft, bool):
        raise FormatError(f"{where}: give request_id (text), draft (from 1), model and text")
    if row.get("text") is not None and not isinstance(row.get("model"), str):
        raise FormatError(f"{where}: does not say which model drew it: give the snapshot as model")
    text = row.get("text")
    if text is not None and not isinstance(text, str):
        raise FormatError(f"{where}: its text is no text")
    return row | {"draft": draft, "text": text}


def _answer(row: dict[str, Any], where: str) -> dict[str, Any]:
    """One line of a batch endpoint's output."""
    request, slash, draft = str(row["custom_id"]).rpartition("/")
    if not slash or not draft.isdecimal():
        raise FormatError(f"{where}: custom_id {row['custom_id']!r} is not one that `plan sample` wrote")
    made: dict[str, Any] = {"request_id": request, "draft": int(draft), "text": None}
    response = row.get("response") or {}
    body = response.get("body") or {}
    if row.get("error") or response.get("status_code", 200) != 200:
        return made
    choices = body.get("choices")
    if not isinstance(choices, list) or len(choices) != 1:
        got = len(choices) if isinstance(choices, list) else "none"
        raise FormatError(f"{where}: one choice was asked for, and the answer has {got}")
    message = choices[0].get("message") or {}
    made["text"] = message.get("content")
    if made["text"] is not None and not isinstance(made["text"], str):
        raise FormatError(
            f"{where}: its content is of type {type(made['text']).__name__}, not text: ask for text alone"
        )
    return made | {"model": body.get("model"), "finish_reason": choices[0].get("finish_reason")}

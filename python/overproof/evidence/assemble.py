"""The parts of an investigation put together as a case: its JSON form, and the table of events."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from overproof.case import SCHEMA, Case
from overproof.corpus import Corpus
from overproof.evidence.people import People
from overproof.evidence.plan import corpus_digest
from overproof.evidence.result import plain, several

PROPOSITIONS = {
    "hp": "The suspect corpus holds texts that this log served{before}.",
    "hd1": "Its texts were written independently of what was served.",
    "hd2": "Its texts were taken from the public web, where served outputs had been put, or which the model recites.",
    "hd3": "Its texts were obtained otherwise: from another provider of the same model, or from somebody whom this log "
    "does not name.",
}
LIMITS = (
    "A line-up shows that served drafts fit the suspect better than drafts that nobody was served. It says nothing of "
    "the route, of training, or of intent.",
    "Paraphrase and translation, and edits of 30 % or more of the words, are out of reach: what was not found is not "
    "shown to be absent.",
    "Accounts are tested on units that were drawn again. An account that is not named is not cleared.",
    "The tests share their rows: they stand beside each other and do not add up.",
)
ALONE = ("only_here", "only_here_group")
"""Whether each draft was served to no other account, and to no account outside the group."""
OF_COMPARISON = ("params", "inputs", "summary", "controls", "waterfall", "matches", "matches_total", "matches_file")


def assemble(
    *,
    plan: Mapping[str, Any],
    blocks: Mapping[str, Mapping[str, Any]],
    found: Mapping[str, People],
    self_tests: Sequence[Mapping[str, Any]],
    audit: Sequence[Mapping[str, Any]],
    false_positives: Sequence[Mapping[str, Any]],
    excluded: Mapping[str, int],
    not_tested: Sequence[str],
    manifest: Mapping[str, Any],
    events: dict[str, list[Any]],
) -> Case:
    """Put the parts together.

    Parameters
    ----------
    plan, manifest : mapping
        As a case's JSON holds them.
    blocks : mapping of str to mapping
        By suspect, what was found.
    found : mapping of str to People
        By suspect, its accounts and groups.
    self_tests, audit, false_positives, not_tested
        As a case's JSON holds them.
    excluded : mapping of str to int
        Records and redraws that took no part, by reason.
    events : dict of str to list
        Columns of the table of events.

    Returns
    -------
    Case
    """
    first = next(iter(blocks))
    rungs = [rung_of(blocks[name]["rung"], found[name].accounts, found[name].groups) for name in blocks]
    made = {name: _of_suspect(name, block, found[name]) for name, block in blocks.items()}
    for one, rung in zip(made.values(), rungs, strict=True):
        one["summary"] = one["summary"] | {"rung": rung["rung"], "recall_measured": list(audit) or None}
    before = f" before {plan['published']}" if plan["published"] else ""
    compared = blocks[first]["compared"]
    top = made.pop(first)
    top.pop("name")
    result = {
        "schema": SCHEMA,
        "version": compared["version"],
        **{key: top.pop(key) for key in OF_COMPARISON},
        "propositions": {key: text.format(before=before) for key, text in PROPOSITIONS.items()},
        "plan": dict(plan),
        "rungs": rungs,
        "self_tests": list(self_tests),
        "tests": [test for block in blocks.values() for test in block["tests"]],
        **top,
        "audit": list(audit),
        "false_positives": list(false_positives),
        "excluded": [{"reason": reason, "records": n} for reason, n in sorted(excluded.items())],
        "others": list(made.values()),
        "limits": [*LIMITS, *compared["limits"][1:]],
        "warnings": compared["warnings"],
        "not_tested": [*not_tested, *_of_comparison(compared["not_tested"], audit)],
        "manifest": dict(manifest),
    }
    people = found[first]
    columns = {"events": events, "accounts": _columns(people.accounts), "groups": _columns(people.groups)}
    return Case(plain(result), columns, private=people.private)


def _of_suspect(name: str, block: Mapping[str, Any], people: People) -> dict[str, Any]:
    called = {account: nick for nick, account in people.private.items()}
    compared = block["compared"]
    own = {key: compared[key] for key in OF_COMPARISON}
    own["matches"] = [match | {"account": called.get(match["account"])} for match in compared["matches"]]
    rest = {key: value for key, value in block.items() if key not in ("compared", "tests", "rung")}
    of_people = {key: getattr(people, key) for key in ("accounts", "groups", "cover", "uncovered")}
    return {"name": name, **own, **rest, **of_people}


def rung_of(
    rung: Mapping[str, Any], accounts: Sequence[Mapping[str, Any]], groups_: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """L2 stands on L1: a group or an account is named only where the corpus test holds."""
    named = [one for one in accounts if one["verdict"] == "named"]
    groups = [one for one in groups_ if one["verdict"] == "named"]
    if not rung["reached"] or not (named or groups):
        return dict(rung)
    counted = ((len(groups), "group"), (len(named), "account"))
    who = " and ".join(several(n, noun) for n, noun in counted if n)
    said = f"The corpus holds outputs that this log shows served only to {who}; the route is not shown."
    return {**rung, "rung": "L2", "reasons": [*rung["reasons"], said]}


def _of_comparison(said: Sequence[str], audit: Sequence[Any]) -> list[str]:
    """What `compare` did not test and the investigation did not either: it has redraws, and an audit of its own."""
    done = ("No test against chance", "Recall was not measured") if audit else ("No test against chance",)
    return [one for one in said if not one.startswith(done)]


def _columns(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Rows as columns; what is not a plain value or a list of texts becomes JSON text."""
    names = list(rows[0]) if rows else []
    return {
        name: [
            json.dumps(row[name], ensure_ascii=False, sort_keys=True) if isinstance(row[name], dict) else row[name]
            for row in rows
        ]
        for name in names
    }


def inputs_of(role: str, corpora: Mapping[str, Corpus]) -> list[dict[str, Any]]:
    """What was read, with its digests."""
    out: list[dict[str, Any]] = []
    for name, corpus in corpora.items():
        base = {"role": role, "name": name}
        if corpus.sources:
            out += [base | {"sha256": s.sha256, "rows": s.rows, "skipped": dict(s.skipped)} for s in corpus.sources]
        else:
            out.append(base | {"sha256": corpus_digest(corpus), "rows": len(corpus), "skipped": {}})
    return out


def event_rows(
    suspects: Mapping[str, npt.NDArray[np.float64]],
    *,
    about: Sequence[Mapping[str, Any]],
    after: npt.NDArray[np.bool_],
    k: npt.NDArray[np.int64],
    only_here: tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]] | None,
    strata: Sequence[str] | None,
) -> dict[str, list[Any]]:
    """The table of events: a row for each suspect and unit, with the scores of all drafts."""
    columns: dict[str, list[Any]] = {
        name: []
        for name in (
            "suspect",
            "request_id",
            "pseudonym",
            "group",
            "time",
            "stratum",
            "role",
            "drafts",
            "scores",
            *ALONE,
        )
    }
    for name, scores in suspects.items():
        columns["suspect"] += [name] * len(scores)
        for key in ("request_id", "pseudonym", "group", "time"):
            columns[key] += [row[key] for row in about]
        columns["stratum"] += [None] * len(scores) if strata is None else list(strata)
        columns["role"] += ["placebo" if late else "test" for late in after.tolist()]
        columns["drafts"] += (k + 1).tolist()
        columns["scores"] += plain(scores)
        for at, key in enumerate(ALONE):
            columns[key] += [None] * len(scores) if only_here is None else only_here[at].tolist()
    return columns

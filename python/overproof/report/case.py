"""The report of a case: one HTML file with the rung that was proved, beside everything that limits it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from .._extras import need
from . import case_words, show, words
from .html import environment

__all__ = ["LISTED", "by_verdict", "render", "suspects"]

LISTED = 100
"""Accounts, groups and reasons in one table."""
LISTS = (
    *(
        "waterfall",
        "drafts_waterfall",
        "controls",
        "wins_by_draft",
        "examples",
        "accounts",
        "groups",
        "cover",
        "timeline",
    ),
)
"""What a case holds a list of, for each suspect."""
ORDER = {"named": 0, "not shown": 1, "refused": 2, "not testable": 3}
"""Accounts that are named come first."""


def render(case: Mapping[str, Any]) -> str:
    """Write the report of one case.

    Parameters
    ----------
    case : Mapping[str, Any]
        What ``case.json`` holds (docs/case-json.md).

    Returns
    -------
    str
        HTML with every text escaped, invisible characters written out, no external address and no script; the same
        bytes for the same case.

    Raises
    ------
    MissingExtraError
        Without Jinja2.

    Notes
    -----
    A test that was refused stands in the same table as the others, with its reason. Nothing here is a verdict, a share
    "distilled" or a legal conclusion. The size is bounded by the examples, some 15 kB each, and 100 kB for the rest.
    """
    need("jinja2", extra="report")
    page: str = environment().get_template("case.html.j2").render(**_view(case))
    return page


def suspects(case: Mapping[str, Any]) -> list[dict[str, Any]]:
    """List the suspects of a case, each with its own figures; what it does not hold is empty or None.

    Returns
    -------
    list of dict
        The block of each suspect under the keys of ``case.json``, and ``name``; ``steps``, the ladder from L0 to L4;
        ``rung``, the highest that was reached, ``claim``, what that says here, ``why``, what the next one lacks;
        ``named``, the groups and accounts that are named, ``unnamed``, why none may be; ``headline``, one sentence on
        the line-up; ``refused``, the tests without a p-value.
    """
    tests, rungs = list(case.get("tests") or ()), list(case.get("rungs") or ())
    first = next((one.get("suspect") for one in (*rungs, *tests) if one.get("suspect")), None)
    blocks = [(show.names(case, "suspect") if first is None else first, case)]
    blocks += [(block["name"], block) for block in case.get("others") or ()]
    made = []
    for name, block in blocks:
        mine = [one for one in tests if one.get("suspect", name) == name]
        one: dict[str, Any] = {key: list(block.get(key) or ()) for key in LISTS}
        one |= {"groups": [group | {"pseudonym": group["group"], "group": None} for group in one["groups"]]}
        one |= {"accounts": by_verdict(one["accounts"]), "groups": by_verdict(one["groups"])}
        one |= {key: block.get(key) for key in ("sensitivity", "placebo", "survival", "uncovered")}
        one |= {"name": name, "summary": block["summary"], "tests": mine}
        one["named"] = [who for who in (*one["groups"], *one["accounts"]) if who.get("verdict") == "named"]
        refused = [
            who.get("sentence") or "" for who in (*one["groups"], *one["accounts"]) if who["verdict"] == "refused"
        ]
        one["unnamed"] = show.one_line(refused[0]) if refused else ""
        one["steps"] = _steps([step for step in rungs if step.get("suspect") == name], one)
        one["rung"] = max(step["rung"] for step in one["steps"] if step["reached"])
        above = next((step for step in one["steps"] if not step["reached"] and step["reasons"]), None)
        one["why"] = above and {"rung": above["rung"], "reasons": above["reasons"]}
        one["claim"] = words.claim(one["rung"])
        if one["rung"] == "L0" and not one["summary"]["suspect_texts_matched"]:
            one["claim"] = case_words.NOTHING.format(texts=show.count(one["summary"]["suspect_texts"]))
        one["headline"] = _headline(mine, (case.get("plan") or {}).get("K"), above["reasons"] if above else ())
        one["refused"] = [test for test in mine if case_words.refusal(test)]
        made.append(one)
    return made


def _steps(entries: Sequence[Mapping[str, Any]], one: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Lay the rungs of a case onto the ladder: whether each is reached, and the reasons that were given.

    An entry that was reached stands for those below it; of L2, the last reason is its own, the others are L1's. One
    that was not reached, under L0, says why L1 was not. L2 may have no entry: then the accounts say why it was not.
    """
    said: dict[str, tuple[bool, list[str]]] = {}
    for entry in entries:
        at = "L1" if entry["rung"] == "L0" and not entry.get("reached") else entry["rung"]
        said[at] = bool(entry.get("reached")), list(entry.get("reasons") or ())
    if said.get("L2", (False,))[0] and "L1" not in said:
        said["L1"], said["L2"] = (True, said["L2"][1][:-1]), (True, said["L2"][1][-1:])
    barred = min((at for at, (reached, _) in said.items() if not reached), default="L9")
    highest = max((at for at, (reached, _) in said.items() if reached and at < barred), default="L0")
    if highest == "L1" and "L2" not in said:
        said["L2"] = False, [case_words.NO_NAME if one["accounts"] or one["groups"] else case_words.NO_ACCOUNTS]
    return [
        {
            "rung": step.name,
            "claim": step.claim,
            "proof": step.proof,
            "reached": step.name <= highest,
            "reasons": said.get(step.name, (False, []))[1],
        }
        for step in words.LADDER
    ]


def _headline(tests: Sequence[Mapping[str, Any]], redraws: int | None, reasons: Sequence[str]) -> str:
    """Say what the line-up found; if it was refused, or there is none, that no p-value stands here and why.

    A refusal that the `reasons` beside it give already is not said twice.
    """
    line_up = next((one for one in tests if one.get("name") == "line-up"), None)
    refused = [reason for reason in map(case_words.refusal, tests) if reason]
    if line_up is not None and not case_words.refusal(line_up):
        said = case_words.reading(line_up, redraws=redraws)
        if not line_up.get("n"):
            return said
        g_star = line_up.get("g_star")
        bias = "" if g_star is None else f", G* {'' if g_star < 1 else '= '}{show.bias(g_star)}"
        p = line_up.get("pvalue_adjusted")
        return f"{said} p = {show.pvalue(line_up.get('pvalue') if p is None else p)}{bias}."
    if not refused or any(refused[0].rstrip(".") in reason for reason in reasons):
        return case_words.NO_TEST
    return f"{case_words.NO_TEST} Refused: {show.one_line(refused[0]).rstrip('.')}."


def _view(case: Mapping[str, Any]) -> dict[str, Any]:
    """Gather what the template needs."""
    plan = case.get("plan") or {}
    manifest = case.get("manifest") or {}
    found = [one | _drawn(one, number) | {"number": number} for number, one in enumerate(suspects(case), start=1)]
    return {
        "result": case,
        "plan": plan,
        "grade_words": case_words.GRADES.get(plan.get("grade") or "", ""),
        "manifest": manifest,
        "suspects": found,
        "several": len(found) > 1,
        "any_pvalue": any(one.get("pvalue") is not None for one in case.get("tests") or ()),
        "served_name": show.names(case, "served"),
        "suspect_name": show.listed([one["name"] for one in found], 3),
        "has_background": any(one.get("role") == "background" for one in case.get("inputs", ())),
        "confidence": show.confidence(case),
        "self_tests": list(case.get("self_tests") or ()),
        "audit": list(case.get("audit") or ()),
        "false_positives": list(case.get("false_positives") or ()),
        "excluded": list(case.get("excluded") or ()),
        "listed": LISTED,
        "fingerprint": manifest.get("fingerprint") or case.get("params", {}).get("fingerprint"),
    }


def _drawn(one: Mapping[str, Any], number: int) -> dict[str, Any]:
    """Add what only the page shows of one suspect."""
    corpora = show.parts({"summary": one["summary"], "controls": one["controls"]})
    corpora[0]["name"] = one["name"]
    points, curves = _curves(one["survival"])
    return {
        "corpora": corpora,
        "widest": max((part["interval"][1] for part in corpora if part["interval"]), default=0.0),
        "raw": max((layer["suspect_texts"] for layer in one["waterfall"]), default=0),
        "points": points,
        "curves": curves,
        "examples": [_example(example, f"{number}-{i}") for i, example in enumerate(one["examples"], start=1)],
        "told_accounts": told(one["accounts"]),
        "told_groups": told(one["groups"]),
        "cover": _covered(one["cover"]),
        "allowed": _allowed(one["placebo"]),
        "barred": next((case_words.refusal(test) for test in one["tests"] if test["name"] == "line-up"), ""),
        "no_events": bool(one["wins_by_draft"]) and not sum(one["wins_by_draft"]),
    }


def _allowed(placebo: Mapping[str, Any] | None) -> float | None:
    """Give the greatest bias that a time placebo leaves possible: infinite where it has events and no limit."""
    if not placebo or not placebo.get("n"):
        return None
    limit = placebo.get("statistic")
    return math.inf if limit is None else float(limit)


def _curves(survival: Mapping[str, Any] | None) -> tuple[list[float], list[tuple[str, list[float]]]]:
    from .plots_tests import survival_rows

    return survival_rows(survival)


def _example(example: Mapping[str, Any], anchor: str) -> dict[str, Any]:
    """Pair the suspect's spans with those of the draft that won, in the suspect's order; set the best redraw apart."""
    served = _side(example["served"])
    redraws = [_side(one) for one in example.get("redraws") or () if one.get("text") is not None]
    best = max(redraws, key=lambda one: (_score(one), -(one.get("draft") or 0)), default=None)
    suspect = _side(example["suspect"])
    winner = served if example.get("won") or best is None else best
    twins = len(winner["spans"]) == len(suspect["spans"])
    if twins:
        pairs = sorted(zip(suspect["spans"], winner["spans"], strict=True))
        suspect["spans"], winner["spans"] = [list(side) for side in zip(*pairs, strict=True)] or [[], []]
    return {
        **example,
        "anchor": anchor,
        "twins": twins,
        "suspect": suspect,
        "served": served,
        "served_score": served.get("score", example.get("score") if example.get("won") else None),
        "served_won": winner is served,
        "best": best,
        "redraws": [one for one in redraws if one is not best],
    }


def _side(one: Mapping[str, Any]) -> dict[str, Any]:
    spans = [(int(start), int(end)) for start, end in one.get("spans") or ()]
    return {**one, "text": one.get("text") or "", "spans": spans}


def _score(one: Mapping[str, Any]) -> float:
    score = one.get("score")
    return float("-inf") if score is None else float(score)


def by_verdict(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Order accounts: named, not shown, not testable; the least p-value first, then most hits, then the name."""

    def place(one: Mapping[str, Any]) -> tuple[int, float, int, str]:
        p = one.get("pvalue")
        verdict = ORDER.get(one.get("verdict") or "", 3)
        return verdict, 2.0 if p is None else p, -(one.get("hits") or 0), str(one.get("pseudonym"))

    return sorted(rows, key=place)


def told(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Take those of whom there is something to say: an event, or a hit; the others are counted only."""
    return [one for one in rows if one.get("events") or one.get("hits")]


def _covered(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Add the running sum of hits."""
    made, total = [], 0
    for one in rows:
        total += one["hits"]
        made.append({**one, "so_far": total})
    return made

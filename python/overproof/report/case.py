"""The report of a case: one HTML file with the rung that was proved, beside everything that limits it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .._extras import need
from . import case_words, show
from .html import environment

__all__ = ["LISTED", "by_verdict", "render", "suspects"]

LISTED = 100
"""Accounts, groups and reasons in one table."""
ORDER = {"named": 0, "not shown": 1, "not testable": 2}
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
        ``name, summary, waterfall, controls, sensitivity, wins_by_draft, survival, placebo, examples, tests, rungs,
        rung, next, headline``. ``rung`` is the highest that was reached, ``next`` the one above it with its reasons,
        and ``headline`` one sentence on the line-up.
    """
    rungs = list(case.get("rungs") or ())
    tests = list(case.get("tests") or ())
    first = next((one.get("suspect") for one in (*rungs, *tests) if one.get("suspect")), None)
    blocks = [(show.names(case, "suspect") if first is None else first, case)]
    blocks += [(block["name"], block) for block in case.get("others") or ()]
    redraws = (case.get("plan") or {}).get("K")
    made = []
    for name, block in blocks:
        own = [one for one in rungs if one.get("suspect") == name]
        mine = [one for one in tests if one.get("suspect", name) == name]
        reached = _reached(own, block["summary"])
        made.append(
            {
                "name": name,
                "summary": block["summary"],
                "waterfall": list(block.get("waterfall") or ()),
                "controls": list(block.get("controls") or ()),
                "sensitivity": block.get("sensitivity"),
                "wins_by_draft": list(block.get("wins_by_draft") or ()),
                "survival": block.get("survival"),
                "placebo": block.get("placebo"),
                "examples": list(block.get("examples") or ()),
                "tests": mine,
                "rungs": own,
                **reached,
                "headline": _headline(mine, redraws, (reached["next"] or {}).get("reasons") or ()),
            }
        )
    return made


def _reached(rungs: Sequence[Mapping[str, Any]], summary: Mapping[str, Any]) -> dict[str, Any]:
    """Find the highest rung with none missing below it, and the first that was not reached."""
    rung, above = None, None
    for one in rungs:
        if not one.get("reached"):
            above = one
            break
        rung = one["rung"]
    return {"rung": rung or ("L0" if rungs else summary.get("rung") or "L0"), "next": above}


def _headline(tests: Sequence[Mapping[str, Any]], redraws: int | None, reasons: Sequence[str]) -> str:
    """Say what the line-up found; if it was refused, or there is none, that no p-value stands here and why.

    A refusal that the `reasons` beside it give already is not said twice.
    """
    line_up = next((one for one in tests if one.get("name") == "line-up"), None)
    if line_up is not None and not line_up.get("refused"):
        said = case_words.reading(line_up, redraws=redraws)
        if not line_up.get("n"):
            return said
        g_star = line_up.get("g_star")
        bias = "" if g_star is None else f", G* {'' if g_star < 1 else '= '}{show.bias(g_star)}"
        p = line_up.get("pvalue_adjusted")
        return f"{said} p = {show.pvalue(line_up.get('pvalue') if p is None else p)}{bias}."
    reason = line_up["refused"] if line_up else next((one["refused"] for one in tests if one.get("refused")), None)
    if reason is None or any(reason in said for said in reasons):
        return case_words.NO_TEST
    return f"{case_words.NO_TEST} Refused: {show.one_line(reason).rstrip('.')}."


def _view(case: Mapping[str, Any]) -> dict[str, Any]:
    """Gather what the template needs."""
    plan = case.get("plan") or {}
    manifest = case.get("manifest") or {}
    found = [one | _drawn(one, number) | {"number": number} for number, one in enumerate(suspects(case), start=1)]
    accounts, groups = (by_verdict(case.get(key) or ()) for key in ("accounts", "groups"))
    return {
        "result": case,
        "plan": plan,
        "grade_words": case_words.GRADES.get(plan.get("grade") or "", ""),
        "manifest": manifest,
        "suspects": found,
        "several": len(found) > 1,
        "any_pvalue": any(one.get("pvalue") is not None for one in case.get("tests") or ()),
        "rung": max((one["rung"] for one in found), default="L0"),
        "served_name": show.names(case, "served"),
        "suspect_name": show.listed([one["name"] for one in found], 3),
        "has_background": any(one.get("role") == "background" for one in case.get("inputs", ())),
        "confidence": show.confidence(case),
        "self_tests": list(case.get("self_tests") or ()),
        "audit": list(case.get("audit") or ()),
        "false_positives": list(case.get("false_positives") or ()),
        "accounts": accounts,
        "groups": groups,
        "cover": _covered(case.get("cover") or ()),
        "uncovered": case.get("uncovered"),
        "timeline": list(case.get("timeline") or ()),
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
        "refused": [test for test in one["tests"] if test.get("refused")],
        "no_events": bool(one["wins_by_draft"]) and not sum(one["wins_by_draft"]),
    }


def _curves(survival: Mapping[str, Any] | None) -> tuple[list[float], list[tuple[str, list[float]]]]:
    from .plots_tests import survival_rows

    return survival_rows(survival)


def _example(example: Mapping[str, Any], anchor: str) -> dict[str, Any]:
    """Pair the spans of the suspect with those of the served text, in the suspect's order; part the best redraw off."""
    served, suspect = example["served"], example["suspect"]
    ours, theirs = ([(int(start), int(end)) for start, end in side.get("spans") or ()] for side in (served, suspect))
    twins = len(ours) == len(theirs)
    if twins:
        order = sorted(range(len(theirs)), key=lambda i: (theirs[i], ours[i]))
        ours, theirs = [ours[i] for i in order], [theirs[i] for i in order]
    redraws = [
        dict(one, spans=[(int(start), int(end)) for start, end in one.get("spans") or ()])
        for one in example.get("redraws") or ()
        if one.get("text") is not None
    ]
    best = max(redraws, key=lambda one: (_score(one), -(one.get("draft") or 0)), default=None)
    return {
        **example,
        "anchor": anchor,
        "twins": twins,
        "served_spans": ours,
        "suspect_spans": theirs,
        "best": best,
        "redraws": [one for one in redraws if one is not best],
    }


def _score(one: Mapping[str, Any]) -> float:
    score = one.get("score")
    return float("-inf") if score is None else float(score)


def by_verdict(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Order accounts: named, not shown, not testable; the least p-value first, then the name."""

    def place(one: Mapping[str, Any]) -> tuple[int, float, str]:
        p = one.get("pvalue")
        return ORDER.get(one.get("verdict") or "", 3), 2.0 if p is None else p, str(one.get("pseudonym"))

    return sorted(rows, key=place)


def _covered(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Add the running sum of hits."""
    made, total = [], 0
    for one in rows:
        total += one["hits"]
        made.append({**one, "so_far": total})
    return made

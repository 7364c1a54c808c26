"""A case for a terminal: the rung, the tests and their refusals, the accounts, and what limits them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from . import case_words, show, words
from .case import by_verdict, suspects
from .console import Sheet

__all__ = ["render", "render_accounts"]

LISTED = 10
"""Accounts in the summary of a case."""


def render(case: Mapping[str, Any], *, width: int = 80, color: bool = False, ascii_only: bool = False) -> str:
    """Write the summary of a case.

    Parameters
    ----------
    case : Mapping[str, Any]
        What ``case.json`` holds (docs/case-json.md).
    width : int
        Columns of the terminal.
    color : bool
        With ANSI colours; without, plain characters only.
    ascii_only : bool
        Draw rules in ASCII, for terminals that know nothing else; characters of the data are escaped.

    Returns
    -------
    str
        Lines that end in a newline. Control characters of the data are written out, never sent to the terminal.

    Raises
    ------
    MissingExtraError
        Without rich.
    """
    sheet = Sheet(width=width, color=color, ascii_only=ascii_only)
    found = suspects(case)
    several = len(found) > 1
    for one in found:
        name = f"{show.one_line(one['name'])}: " if several else ""
        sheet.print(f"{name}Rung {one['rung']}. {words.claim(one['rung'])}", style="bold")
        sheet.print(one["headline"])
        if one["next"]:
            reasons = " ".join(show.one_line(reason) for reason in one["next"].get("reasons") or ())
            sheet.print(f"Why not {one['next']['rung']}: {reasons}")
    sheet.print()
    _plan(sheet, case.get("plan") or {})
    for one in found:
        _tests(sheet, one, several)
    _self_tests(sheet, case.get("self_tests") or ())
    for one in found:
        _placebo(sheet, one, several)
    _audit(sheet, case)
    accounts, groups = by_verdict(case.get("accounts") or ()), by_verdict(case.get("groups") or ())
    if accounts or groups:
        _accounts(sheet, groups, accounts, most=LISTED)
    else:
        sheet.print(case_words.NO_ACCOUNTS)
    _excluded(sheet, case.get("excluded") or ())
    for line in case.get("warnings") or ():
        sheet.print(f"Warning: {show.one_line(line)}", style="yellow")
    for line in case.get("not_tested") or ():
        sheet.print(f"Not tested: {show.one_line(line)}")
    sheet.print()
    sheet.print(words.NOTHING_FOUND)
    sheet.print(f"{case_words.NO_CLAIM} {words.NEVER}")
    return sheet.text()


def render_accounts(
    case: Mapping[str, Any],
    *,
    rung: str | None = None,
    most: int = 50,
    width: int = 80,
    color: bool = False,
    ascii_only: bool = False,
) -> str:
    """Write the accounts and groups of a case.

    Parameters
    ----------
    case : Mapping[str, Any]
        What ``case.json`` holds.
    rung : str or None
        Only accounts and groups that reached this rung.
    most : int
        Rows of each table; how many more there are is said.
    width, color, ascii_only
        As in `render`.

    Returns
    -------
    str
        Lines that end in a newline.

    Raises
    ------
    MissingExtraError
        Without rich.
    """
    sheet = Sheet(width=width, color=color, ascii_only=ascii_only)
    groups, accounts = (
        [one for one in by_verdict(case.get(key) or ()) if rung is None or one.get("rung") == rung]
        for key in ("groups", "accounts")
    )
    if accounts or groups:
        _accounts(sheet, groups, accounts, most=most)
    elif case.get("accounts") or case.get("groups"):
        sheet.print(f"No account and no group reaches rung {show.one_line(rung)}.", style="bold yellow")
    else:
        sheet.print(case_words.NO_ACCOUNTS, style="bold yellow")
    if case.get("cover"):
        explained = ", ".join(
            f"{show.one_line(one['pseudonym'])} {show.count(one['hits'])}" for one in case["cover"][:5]
        )
        sheet.print(f"Hits explained, greedily: {explained}; not explained: {show.count(case.get('uncovered'))}.")
    sheet.print()
    sheet.print(f"{case_words.ACCOUNTS} {case_words.NOT_TESTABLE}")
    return sheet.text()


def _plan(sheet: Sheet, plan: Mapping[str, Any]) -> None:
    grade = plan.get("grade")
    sheet.print(
        f"Redraws: grade {show.one_line(grade)}, K = {show.one_line(plan.get('K'))}; alpha "
        f"{show.pvalue(plan.get('alpha'))}, an event from {show.number(plan.get('tau'))} on; plans against this "
        f"suspect: {show.count(plan.get('plans_against_suspect'))}; published {show.one_line(plan.get('published'))}."
    )
    reason = plan.get("why_grade") or case_words.GRADES.get(grade or "")
    if reason:
        sheet.print(f"Grade {show.one_line(grade)}: {show.one_line(reason)}.")


def _tests(sheet: Sheet, one: Mapping[str, Any], several: bool) -> None:
    title = f"Tests: {show.one_line(one['name'])}" if several else "Tests"
    if not one["tests"]:
        sheet.print(f"{title}: {case_words.NO_TEST}", style="bold yellow")
        return
    table = sheet.table("test", "statistic", "interval", "n", "p", "adjusted", "G*", title=title)
    refused: dict[str, list[str]] = {}
    for test in one["tests"]:
        kind, name = case_words.kind(test["name"]), show.one_line(test["name"])
        reason = test.get("refused")
        if reason:
            refused.setdefault(show.one_line(reason), []).append(name)
        statistic = (show.percent if kind.share else show.number)(test.get("statistic"))
        table.add_row(
            name,
            "∞" if case_words.unbounded(test) else statistic,
            show.reach(test.get("interval"), share=kind.share),
            show.count(test.get("n")),
            "refused" if reason else show.pvalue(test.get("pvalue")),
            show.pvalue(test.get("pvalue_adjusted")),
            show.bias(test.get("g_star")),
            style="yellow" if reason else None,
        )
    sheet.print(table)
    for reason, names in refused.items():
        sheet.print(f"Refused ({', '.join(names)}): {reason}", style="bold yellow")


def _self_tests(sheet: Sheet, tests: Sequence[Mapping[str, Any]]) -> None:
    if not tests:
        sheet.print("Self-tests of the redraws: none, they need two redraws a unit or innocent corpora.")
        return
    table = sheet.table(
        "self-test of the redraws", "statistic", "n", "p", "passed", title="Self-tests, without the suspect"
    )
    for test in tests:
        passed = "yes" if test["passed"] else "NO"
        figures = show.number(test.get("statistic")), show.count(test.get("n")), show.pvalue(test.get("pvalue"))
        table.add_row(show.one_line(test["name"]), *figures, passed, style=None if test["passed"] else "yellow")
    sheet.print(table)


def _placebo(sheet: Sheet, one: Mapping[str, Any], several: bool) -> None:
    name = f" ({show.one_line(one['name'])})" if several else ""
    made = one["placebo"]
    if not made or not made.get("n"):
        sheet.print(f"Time placebo{name}: {case_words.NO_PLACEBO}")
        return
    informative = "" if made.get("informative") else " Uninformative: the limit is above 3."
    limit = show.number(made["statistic"]) if made.get("statistic") is not None else "∞"
    sheet.print(
        f"Time placebo{name}: on {show.count(made['n'])} events served after publication, the bias G is at most "
        f"{limit}, p = {show.pvalue(made.get('pvalue'))}.{informative}"
    )


def _audit(sheet: Sheet, case: Mapping[str, Any]) -> None:
    table = sheet.table(
        "of this run",
        "found",
        "of",
        "share",
        f"{show.confidence(case)} interval",
        title="Recall and false positives, measured",
    )
    rows = [(f"planted copies: {one['edit']}", one["found"], one["planted"], one) for one in case.get("audit") or ()]
    rows += [(f"control: {one['name']}", one["found"], one["texts"], one) for one in case.get("false_positives") or ()]
    for name, found, total, one in rows:
        share = show.percent(found / total if total else None)
        figures = show.count(found), show.count(total), share, show.reach(one.get("interval"), share=True)
        table.add_row(show.one_line(name), *figures)
    if rows:
        sheet.print(table)
    for key, what in (("audit", "Recall"), ("false_positives", "False positives")):
        if not case.get(key):
            sheet.print(f"{what}: not measured in this run.", style="yellow")


def _accounts(
    sheet: Sheet, groups: Sequence[Mapping[str, Any]], accounts: Sequence[Mapping[str, Any]], *, most: int
) -> None:
    for title, rows in (("Groups", groups), ("Accounts", accounts)):
        if not rows:
            continue
        shown = f"{title}: {len(rows):,}" if len(rows) <= most else f"{title}: the first {most:,} of {len(rows):,}"
        table = sheet.table("name", "won", "rate", "interval", "adj. p", "finding", title=shown)
        for one in rows[:most]:
            name = show.one_line(one["pseudonym"])
            beside = one.get("group") if title == "Accounts" else f"{len(one.get('members') or ())} accounts"
            table.add_row(
                name if beside is None else f"{name} ({show.one_line(beside)})",
                f"{show.count(one.get('wins'))} of {show.count(one.get('events'))}",
                show.percent(one.get("leak_rate")),
                show.reach(one.get("interval"), share=True),
                show.pvalue(one.get("adjusted")),
                show.one_line(one.get("verdict")),
                style="bold" if one.get("verdict") == "named" else None,
            )
        sheet.print(table)
    named = [one for one in (*groups, *accounts) if one.get("verdict") == "named"]
    for one in named[:most]:
        sheet.print(f"{show.one_line(one['pseudonym'])}: {show.one_line(one.get('sentence') or words.claim('L2'))}")
    if not named:
        sheet.print("No account and no group is named.")


def _excluded(sheet: Sheet, rows: Sequence[Mapping[str, Any]]) -> None:
    for one in rows[:LISTED]:
        sheet.print(f"Left out: {show.count(one['records'])} records, {show.one_line(one['reason'])}.")
    if len(rows) > LISTED:
        rest = sum(one["records"] for one in rows[LISTED:])
        sheet.print(f"Left out for {len(rows) - LISTED} more reasons: {show.count(rest)} records.")

"""A case for a terminal: the rung, the tests and their refusals, the accounts, and what limits them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from . import case_words, show, words
from .case import suspects
from .console import Sheet

__all__ = ["render", "render_accounts"]

LISTED = 10
"""Accounts in the summary of a case."""
SAID = 3
"""Of the named ones, those whose sentence stands there in full."""


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
        sheet.print(f"{name}Rung {one['rung']}. {one['claim']}", style="bold")
        sheet.print(one["headline"])
        if one["why"]:
            reasons = " ".join(map(show.one_line, one["why"]["reasons"]))
            sheet.print(f"Why not {one['why']['rung']}: {reasons}")
    sheet.print()
    _plan(sheet, case.get("plan") or {})
    for one in found:
        _tests(sheet, one, several)
    _self_tests(sheet, case.get("self_tests") or ())
    for one in found:
        _placebo(sheet, one, several)
    _audit(sheet, case)
    for one in found:
        if one["accounts"] or one["groups"]:
            _accounts(sheet, one, several, most=LISTED, quiet=True)
    if not any(one["accounts"] or one["groups"] for one in found):
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
    found = suspects(case)
    for one in found:
        any_of_them = bool(one["accounts"] or one["groups"])
        for key in ("accounts", "groups", "named"):
            one[key] = [who for who in one[key] if rung is None or who.get("rung") == rung]
        if one["accounts"] or one["groups"]:
            _accounts(sheet, one, len(found) > 1, most=most)
        elif any_of_them:
            of = f" on {show.one_line(one['name'])}" if len(found) > 1 else ""
            sheet.print(f"No account and no group reaches rung {show.one_line(rung)}{of}.", style="bold yellow")
        else:
            sheet.print(case_words.NO_ACCOUNTS, style="bold yellow")
        if one["cover"]:
            some = ", ".join(f"{show.one_line(who['pseudonym'])} {show.count(who['hits'])}" for who in one["cover"][:5])
            sheet.print(f"Hits explained, greedily: {some}; not explained: {show.count(one['uncovered'])}.")
    sheet.print()
    sheet.print(f"{case_words.ACCOUNTS} {case_words.NOT_TESTABLE}")
    return sheet.text()


def _plan(sheet: Sheet, plan: Mapping[str, Any]) -> None:
    grade = plan.get("grade")
    sheet.print(
        f"Redraws: grade {show.one_line(grade)}, K = {show.one_line(plan.get('K'))}; alpha "
        f"{show.pvalue(plan.get('alpha'))}, an event from {show.number(plan.get('tau'))} on; plans against the "
        f"suspect: {case_words.plans(plan)}; published {show.one_line(plan.get('published'))}."
    )
    reason = plan.get("why_grade") or case_words.GRADES.get(grade or "")
    if reason:
        sheet.print(f"Grade {show.one_line(grade)}: {show.sentence(reason)}")


def _tests(sheet: Sheet, one: Mapping[str, Any], several: bool) -> None:
    title = f"Tests: {show.one_line(one['name'])}" if several else "Tests"
    if not one["tests"]:
        sheet.print(f"{title}: {case_words.NO_TEST}", style="bold yellow")
        return
    table = sheet.table("test", "statistic", "interval", "n", "p", "adjusted", "G*", title=title)
    refused: dict[str, list[str]] = {}
    for test in one["tests"]:
        kind, name = case_words.kind(test["name"]), show.one_line(test["name"])
        reason = case_words.refusal(test)
        if reason:
            refused.setdefault(show.one_line(reason), []).append(name)
        statistic = (show.percent if kind.share else show.number)(test.get("statistic"))
        reach = show.reach(test.get("interval"), share=kind.share)
        table.add_row(
            name,
            "∞" if case_words.unbounded(test) else statistic,
            f"{kind.parameter}: {reach}" if kind.parameter and reach != show.MISSING else reach,
            show.count(test.get("n")),
            "refused" if reason else show.pvalue(test.get("pvalue")),
            show.pvalue(test.get("pvalue_adjusted")),
            show.bias(test.get("g_star")),
            style="yellow" if reason else None,
        )
    sheet.print(table)
    sheet.print(case_words.BIAS)
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
        passed = "yes" if test.get("passed") else "not made" if test.get("passed") is None else "NO"
        figures = show.number(test.get("statistic")), show.count(test.get("n")), show.pvalue(test.get("pvalue"))
        table.add_row(show.one_line(test["name"]), *figures, passed, style="yellow" if passed == "NO" else None)
    sheet.print(table)


def _placebo(sheet: Sheet, one: Mapping[str, Any], several: bool) -> None:
    name = f" ({show.one_line(one['name'])})" if several else ""
    made = one["placebo"]
    if not made:
        sheet.print(f"Time placebo{name}: {case_words.NO_PLACEBO}")
        return
    said = case_words.placebo(made)
    sheet.print(f"Time placebo{name}: {said[0].lower()}{said[1:]} p = {show.pvalue(made.get('pvalue'))}.")


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


def _accounts(sheet: Sheet, one: Mapping[str, Any], several: bool, *, most: int, quiet: bool = False) -> None:
    """Write the tables of groups and accounts; with `quiet` those without an event are counted only."""
    of = f" ({show.one_line(one['name'])})" if several else ""
    for title, all_rows in (("Groups", one["groups"]), ("Accounts", one["accounts"])):
        rows = [who for who in all_rows if who.get("events")] if quiet else all_rows
        if not rows:
            if all_rows:
                sheet.print(f"{title}{of}: {len(all_rows):,}, none with an event.")
            continue
        shown = f"{len(rows):,}" if len(rows) <= most else f"the first {most:,} of {len(rows):,}"
        if len(rows) < len(all_rows):
            shown += f" with an event, {len(all_rows):,} in all"
        shown = f"{title}{of}: {shown}"
        table = sheet.table("name", "won", "rate", "interval", "adj. p", "finding", title=shown)
        for who in rows[:most]:
            name = show.one_line(who["pseudonym"])
            beside = who.get("group") if title == "Accounts" else f"{len(who.get('members') or ())} accounts"
            table.add_row(
                name if beside is None else f"{name} ({show.one_line(beside)})",
                f"{show.count(who.get('wins'))} of {show.count(who.get('events'))}",
                show.percent(who.get("leak_rate")),
                show.reach(who.get("interval"), share=True),
                show.pvalue(who.get("adjusted")),
                show.one_line(who.get("verdict")),
                style="bold" if who.get("verdict") == "named" else None,
            )
        sheet.print(table)
    said = one["named"][: SAID if quiet else most]
    for who in said:
        sheet.print(f"{show.one_line(who['pseudonym'])}: {show.one_line(who.get('sentence') or words.claim('L2'))}")
    if len(said) < len(one["named"]):
        sheet.print(f"The same holds of {len(one['named']) - len(said):,} more that are named.")
    if not one["named"]:
        sheet.print(f"{case_words.NO_NAME}{' ' + one['unnamed'] if one['unnamed'] else ''}")


def _excluded(sheet: Sheet, rows: Sequence[Mapping[str, Any]]) -> None:
    for one in rows[:LISTED]:
        sheet.print(f"Left out: {show.count(one['records'])} records, {show.one_line(one['reason'])}.")
    if len(rows) > LISTED:
        rest = sum(one["records"] for one in rows[LISTED:])
        sheet.print(f"Left out for {len(rows) - LISTED} more reasons: {show.count(rest)} records.")

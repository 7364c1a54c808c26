"""The sentences of a case: what each statistic is, what each grade of redraws allows, what one test says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from . import show

__all__ = [
    "ACCOUNTS",
    "ALIKE",
    "BARRED",
    "BIAS",
    "EDITS",
    "GRADES",
    "NEEDED",
    "NOTHING",
    "NOT_TESTABLE",
    "NO_ACCOUNTS",
    "NO_CLAIM",
    "NO_EVENTS",
    "NO_NAME",
    "NO_PLACEBO",
    "NO_TEST",
    "SELECTED",
    "SENSITIVITY",
    "TESTS",
    "Kind",
    "kind",
    "placebo",
    "plans",
    "reading",
    "refusal",
    "ties",
    "unbounded",
]


class Kind(NamedTuple):
    """What the figures of one test mean."""

    statistic: str
    interval: str
    n: str
    share: bool
    """Whether statistic and interval are shares."""
    parameter: str = ""
    """What the interval is of, in a word, where it is not of the statistic."""


TESTS = {
    "line-up": Kind("events won by the served draft", "of the bias G (1: none)", "events", False, "G"),
    "line-up, permutation": Kind("sum of the served scores", "of the bias G (1: none)", "events", False, "G"),
    "rate ratio": Kind("hit rate of served over that of redraws", "of the ratio", "hits", False),
    "leak rate": Kind("share found beyond what redraws explain", "of the share", "units", True),
    "e-value": Kind("e-value after the last draw", "its least and greatest", "events", False),
    "rank among controls": Kind(
        "controls that reach the suspect's value", "of the share of such corpora", "controls", False, "share"
    ),
}
OTHER = Kind("statistic", "of its parameter", "n", False)

GRADES = {
    "A": "committed in the Merkle tree of the log when they were served",
    "B": "drawn by a keyed choice and timestamped by a third party before the suspect was fetched",
    "B'": "drawn afterwards for every prompt that stands in the suspect, seeds fixed by the plan's hash and a public "
    "beacon, or by a neutral party",
    "C": "none of the others: exploratory, no p-value",
}
SELECTED = {
    "prf": "by a keyed pseudo-random function of the record's id",
    "prompt": "every record whose prompt stands in the suspect, chosen before any output was compared",
    "all": "every record",
}
NEEDED = (
    "Rung L1 asks for G* of at least 3: the result must hold even if served drafts were preferred to redraws by those "
    "odds for reasons other than copying. The time placebo bars it only where it shows a bias itself: where its lower "
    "limit of G is above 1, and G* is not above its upper limit."
)
NO_TEST = "No test gave a p-value."
NO_EVENTS = (
    "No draft, served or redrawn, reaches the score of an event: there is nothing to line up. That is not “innocent”; "
    "see the recall measured in this run and the limits."
)
ALIKE = "If the suspect never obtained what was served, all bars are alike but for chance, whatever the web holds."
BARRED = (
    "For the reason above, bars that differ show nothing here: redraws may differ from what was served on their own."
)
NOTHING = "No served text was found in any of the {texts} suspect texts. That is not “innocent”."
NO_NAME = "No account and no group is named."
NO_CLAIM = "The figures claim no more than their rung: not how the texts came there, nor what for, nor why."
NO_PLACEBO = (
    "There is none: it needs units served after the suspect was published, with redraws of their own. The sensitivity "
    "analysis stands alone."
)
ACCOUNTS = (
    "The log shows to whom an output was served. It does not show the route: other channels, republication or a "
    "compromised account end in the same corpus."
)
NOT_TESTABLE = (
    "“Not testable” means that even had every event been won, the level could not have been reached. It clears nobody, "
    "and neither does “not shown”."
)
NO_ACCOUNTS = "No account was tested: the log has no account field, or no unit of this case belongs to one."
EDITS = (
    "Copies of served texts from outside the test were edited, planted into the suspect in a second pass, and looked "
    "for by the same rule. What is not found here would not have been found there."
)
BIAS = "G: the odds by which a served draft is preferred to one redraw; 1: not at all."
SENSITIVITY = (
    "The line-up's p-value if served drafts were preferred to a redraw by odds of G for reasons other than copying "
    "(Rosenbaum bounds). G* is the largest G at which it is still at most alpha."
)


def kind(name: str) -> Kind:
    """Return what the figures of a test mean; of an unknown one, plain names."""
    return TESTS.get("line-up" if name.startswith("line-up, stratum ") else name, OTHER)


def placebo(made: Mapping[str, Any]) -> str:
    """Say what a time placebo shows; if served drafts win there too, that something other than copying favours them.

    Examples
    --------
    >>> placebo({"statistic": 2.5, "interval": [0.6, 2.5], "n": 60, "informative": True})
    'On 60 events served after publication, which the suspect cannot hold, the bias G is at most 2.5.'
    """
    if not made["n"]:
        return "No draft of the units served after publication reaches tau: that is uninformative."
    limit = "unbounded" if made.get("statistic") is None else f"at most {show.number(made['statistic'])}"
    events = "1 event" if made["n"] == 1 else f"{show.count(made['n'])} events"
    said = f"On {events} served after publication, which the suspect cannot hold, the bias G is {limit}."
    low = (made.get("interval") or (None,))[0]
    if low is not None and low > 1:
        return (
            f"{said} It is at least {show.number(low)}: served drafts win where nothing can have been copied, so "
            "something else favours them, in the line-up too."
        )
    if not made.get("informative"):
        return f"{said} That is uninformative: a limit above 3 neither supports nor weakens the line-up."
    return said


def plans(plan: Mapping[str, Any]) -> str:
    """Say how many plans there are against the suspect, or against each of several."""
    against = plan.get("plans_against")
    if not against:
        return show.MISSING
    if len(against) == 1:
        return show.count(next(iter(against.values())))
    return ", ".join(f"{show.one_line(name)} {show.count(n)}" for name, n in against.items())


def ties(why: Mapping[str, Any] | None) -> str:
    """Say what makes some accounts a group; what has no words here keeps its name.

    Examples
    --------
    >>> ties({"payment": {"shared_keys": 1, "accounts": 3}, "link keys": 2})
    'payment: 1 key shared by 3 of them; link keys: 2'
    """
    return "; ".join(
        text
        for name, of in (why or {}).items()
        for text in ([_tie(name, of)] if _known(name, of) else _plain(name, of))
    )


def _known(name: str, of: Any) -> bool:
    wanted = {
        "frame": {"share_of_requests", "ngrams", "accounts", "other_accounts"},
        "prompts": {"distinct", "asked_by_several_members", "asked_by_others_too"},
        "clock": {"pairs_in_one_hour", "expected", "quietest_8_hours"},
    }.get(name, {"shared_keys", "accounts"})
    return isinstance(of, Mapping) and of.keys() == wanted


def _tie(name: str, of: Mapping[str, Any]) -> str:
    count = {key: show.one_line(value) if isinstance(value, str) else show.count(value) for key, value in of.items()}
    if name == "frame":
        share = show.percent(of["share_of_requests"])
        return (
            f"{share} of their requests hold one frame of {count['ngrams']} n-grams, which {count['accounts']} of them "
            f"use and {count['other_accounts']} other accounts"
        )
    if name == "prompts":
        return (
            f"{count['distinct']} distinct prompts, {count['asked_by_several_members']} of them asked by several "
            f"members, {count['asked_by_others_too']} by other accounts too"
        )
    if name == "clock":
        quiet, chance = show.percent(of["quietest_8_hours"]), show.number(of["expected"])
        return (
            f"two members are active in one hour {count['pairs_in_one_hour']} times, {chance} expected by chance; "
            f"{quiet} of their requests fall into the quietest 8 hours of the day"
        )
    keys = "key" if of["shared_keys"] == 1 else "keys"
    return f"{show.one_line(name)}: {count['shared_keys']} {keys} shared by {count['accounts']} of them"


def _plain(name: str, of: Any) -> list[str]:
    return [
        f"{show.one_line(key).replace('_', ' ').replace('.', ', ')}: {show.one_line(value)}"
        for key, value in show.items({name: of})
    ]


def refusal(test: Mapping[str, Any]) -> str:
    """Return why a test gives no p-value; empty where it gives one."""
    verdict = str(test.get("verdict") or "") if test.get("pvalue") is None else ""
    return str(test.get("refused") or "") or verdict


def unbounded(test: Mapping[str, Any]) -> bool:
    """Find out whether the statistic is a ratio over nothing found: no number, and no upper bound."""
    ratio = test.get("name") == "rate ratio" and test.get("statistic") is None
    return ratio and bool(test.get("n")) and not refusal(test)


def reading(test: Mapping[str, Any], *, redraws: int | None) -> str:
    """Say in one sentence what a test found, without a verdict.

    Parameters
    ----------
    test : Mapping[str, Any]
        One entry of a case's ``tests``.
    redraws : int or None
        K where it is the same for all units: then the number expected by chance is stated.

    Examples
    --------
    >>> reading({"name": "line-up", "statistic": 39.0, "n": 41}, redraws=9)
    'The served draft won 39 of 41 events; 4.1 are expected by chance.'
    """
    if refusal(test):
        return f"Refused: {show.sentence(refusal(test))}"
    name, statistic, n = test.get("name"), test.get("statistic"), test.get("n")
    bounds = test.get("interval") or (None, None)
    if n == 0 and name in ("line-up", "line-up, permutation", "e-value"):
        return "There is no event: no draft reaches tau alone."
    if n == 0 and name == "rate ratio":
        return "Nothing was found, served or redrawn: there is no ratio."
    if name == "line-up":
        chance = test.get("expected", n / (redraws + 1) if n and redraws else None)
        tail = "" if chance is None else f"; {show.number(chance)} are expected by chance"
        return f"The served draft won {show.number(statistic)} of {show.count(n)} events{tail}."
    if name == "rate ratio":
        if statistic is None:
            return f"{show.count(n)} served outputs and no redraw were found: the ratio has no upper bound."
        return f"Served outputs were found {show.number(statistic)} times as often as redraws."
    if name == "leak rate" and statistic is not None:
        found = f"{show.percent(statistic)} of the served outputs were found beyond what redraws explain, a lower bound"
        if test.get("recall") is None:
            return f"{found}."
        return (
            f"{found}; planted copies were found at {show.percent(test['recall'])}, which would make it "
            f"{show.percent(test.get('corrected'))} ({show.reach(test.get('corrected_interval'), share=True)})."
        )
    if name == "e-value" and statistic is not None:
        made = show.number(statistic)
        return f"A bet that gains nothing on average if the suspect is innocent multiplied its stake by {made}."
    if name == "rank among controls" and statistic is not None:
        verdict = show.one_line(test.get("verdict") or "exploratory")
        return f"{show.number(statistic)} of {show.count(n)} controls reach the suspect's value; {verdict}."
    if name == "line-up, permutation" and statistic is not None:
        made = show.number(statistic)
        return f"The served drafts score {made} in sum, beside permutations of the drafts within each unit."
    return f"{kind(str(name)).statistic}: {show.number(statistic)} ({show.reach(bounds)})."

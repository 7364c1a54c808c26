"""The summary of a case for a terminal."""

from __future__ import annotations

import re
from typing import Any

import pytest
from handmade_case import REFUSED, make_case
from overproof.evidence import rank_among_controls
from overproof.report.case_terminal import render, render_accounts
from overproof.report.case_words import reading


def flat(text: str) -> str:
    return " ".join(text.split())


def test_figures_fit_80_columns() -> None:
    text = render(make_case())
    assert max(map(len, text.splitlines())) <= 80
    said = flat(text)
    for figure in (
        "Rung L2. The corpus holds outputs that this log shows served only to these accounts; the route is not shown.",
        "The served draft won 39 of 41 events; 4.1 are expected by chance. p = 6.7e-37, G* = 27.75.",
        "Redraws: grade B', K = 9; alpha 0.001, an event from 20 on; plans against the suspect: 1",
        "line-up 39 G: 45.44 to 1,500 41 6.7e-37 6.7e-37 27.75",
        "G: the odds by which a served draft is preferred to one redraw; 1: not at all.",
        "Refused (rank among controls): no verdict: 2 controls, fewer than 20",
        "length -0.011 400 0.71 yes",
        "Time placebo: on 60 events served after publication, which the suspect cannot hold, the bias G is at most",
        "planted copies: 30 % of words 9 40 22.5% 10.8% to 38.5%",
        "control: people-1 1 500 0.20%",
        "g-01 (2 accounts) 35 of 35 29.0%",
        "Accounts: 3 with an event, 7 in all",
        "a-7d1c (g-01) 21 of 21 35.0% 22.0% to 49.0% 2e-21 named",
        "Left out: 12 records, generation fields differ: temperature.",
        "Not tested: Accounts",
        "no legal conclusion",
    ):
        assert figure in said, figure


def test_refusals_stand_first() -> None:
    said = flat(render(make_case(refused=REFUSED)))
    assert said.startswith("Rung L0. The texts are similar. No test gave a p-value. Why not L1: No p-value may")
    assert f"(line-up, line-up, permutation, rate ratio, leak rate, e-value): {REFUSED}" in said
    assert "length 0.13 400 1.2e-4 NO" in said
    assert "6.7e-37" not in said


@pytest.mark.parametrize("width", [40, 80, 200])
@pytest.mark.parametrize(
    "case",
    [
        make_case(suspects=3),
        make_case(leaked=0, noise=0),
        make_case(accounts=False, placebo=False, controls=0),
        make_case(redraws=1),
    ],
    ids=["several", "no events", "no accounts", "one redraw"],
)
def test_any_case_at_any_width(case: dict[str, Any], width: int) -> None:
    text = render(case, width=width)
    assert max(map(len, text.splitlines())) <= width
    assert "is not “innocent”" in flat(text)


def test_what_is_missing_is_said() -> None:
    said = flat(render(make_case(accounts=False, placebo=False, controls=0)))
    assert "No account was tested" in said
    assert "Time placebo: There is none" in said
    assert "False positives: not measured in this run." in said
    assert "There is no event: no draft reaches tau alone." in flat(render(make_case(leaked=0, noise=0)))


def test_accounts_alone() -> None:
    text = render_accounts(make_case())
    assert max(map(len, text.splitlines())) <= 80
    said = flat(text)
    assert "a-7d1c: The suspect holds outputs that this log shows served only to this account; the route is not" in said
    assert "Hits explained, greedily: a-7d1c 21, a-09be 14; not explained: 3." in said
    assert "It clears nobody" in said
    assert said.count("not testable") == 4


def test_many_named_accounts_are_said_once() -> None:
    case = make_case()
    case["accounts"] = [dict(case["accounts"][0], pseudonym=f"x-{i}") for i in range(30)]
    said = flat(render(case))
    assert said.count("the route is not shown.") == 4
    assert "The same holds of 28 more that are named." in said


def test_accounts_of_one_rung_and_cut() -> None:
    said = flat(render_accounts(make_case(), rung="L2"))
    assert "a-7d1c" in said
    assert "a-33f0" not in said
    assert "No account and no group reaches rung L3." in flat(render_accounts(make_case(), rung="L3"))
    assert "Accounts: the first 2 of 7" in flat(render_accounts(make_case(), most=2))
    assert "No account was tested" in flat(render_accounts(make_case(accounts=False)))


def test_plain_without_colour_and_coloured_with() -> None:
    case = make_case()
    assert "\x1b" not in render(case)
    coloured = render(case, color=True)
    assert "\x1b[" in coloured
    assert re.sub(r" +$", "", re.sub(r"\x1b\[[\d;]*m", "", coloured), flags=re.M) == render(case)


def test_the_rank_among_controls_does_not_deny_the_redraws_of_its_case() -> None:
    rank = {"name": "rank among controls"} | rank_among_controls(0.3, [0.01 * i for i in range(24)]).to_dict()
    said = reading(rank, redraws=9)
    assert said == "0 of 24 controls reach the suspect's value; exploratory: this rank uses no redraws."


def test_ascii_terminals() -> None:
    case = make_case()
    case["accounts"][0]["pseudonym"] = "名前"
    assert render(case, ascii_only=True).isascii()
    assert render_accounts(case, ascii_only=True).isascii()


def test_data_cannot_drive_the_terminal() -> None:
    evil = "\x1b]0;owned\x07\x1b[2J\u202e[red]x[/red]"
    case = make_case(suspects=2)
    for one in (*case["accounts"], *case["groups"]):
        one |= {"pseudonym": evil, "sentence": evil, "verdict": "named", "group": evil, "rung": evil}
    for key in ("rungs", "others", "self_tests", "excluded", "audit", "false_positives", "cover"):
        for one in case[key]:
            one |= {name: evil for name in ("name", "reason", "edit", "pseudonym") if name in one}
            if "reasons" in one:
                one["reasons"] = [evil]
    case["tests"][0]["refused"] = evil
    case["plan"] |= {"grade": evil, "why_grade": evil, "published": evil}
    case["warnings"] = case["not_tested"] = [evil]
    for text in (render(case, width=200), render_accounts(case, width=200)):
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", text)
        assert "[red]x[/red]" in text

"""The report of a case: the rung and why no higher, refusals as loud as results, quiet whatever the data hold."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from handmade_case import REFUSED, make_case
from overproof.report.case import render
from test_report_html import NASTY, Page, poisoned


def nasty_case() -> dict[str, Any]:
    """Every text of a case poisoned but dates, names that choose a sentence, and names that join its parts."""
    plain = make_case(suspects=2)
    case: dict[str, Any] = poisoned(plain)
    for key in ("rungs", "tests", "others"):
        for one, before in zip(case[key], plain[key], strict=True):
            one |= {name: before[name] for name in ("rung", "name") if name in one}
            if "name" in one and "suspect" not in one:
                one["name"] += NASTY
    for one, before in zip(case["accounts"], plain["accounts"], strict=True):
        one["verdict"] = before["verdict"]
    for one, before in zip(case["timeline"], plain["timeline"], strict=True):
        one["day"] = before["day"]
    case["survival"]["controls"] = {NASTY: case["survival"]["controls"]["people-0"]}
    case["manifest"]["seeds"] = {NASTY: 1}
    case["groups"][0]["why"] = {NASTY: NASTY}
    return case


CASES = {
    "leak": make_case(),
    "refused": make_case(refused=REFUSED),
    "no accounts": make_case(accounts=False),
    "no placebo, no controls": make_case(placebo=False, controls=0),
    "several": make_case(suspects=3),
    "one redraw": make_case(redraws=1),
    "no events": make_case(leaked=0, noise=0),
    "nasty": nasty_case(),
}
PAGES = {name: render(case) for name, case in CASES.items()}


def words(name: str) -> str:
    return Page(PAGES[name]).text


@pytest.mark.parametrize("name", PAGES)
def test_nothing_runs_nothing_is_fetched_and_links_arrive(name: str) -> None:
    page = Page(PAGES[name])
    assert not {tag for tag, _ in page.tags} & {"script", "iframe", "object", "embed", "link", "base", "form", "img"}
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    for tag, attributes in page.tags:
        for key, value in attributes.items():
            assert not key.startswith("on"), (tag, key)
            assert key not in ("src", "style", "srcset", "action", "xlink:href", "data", "background"), (tag, key)
            if key == "href":
                assert (value or "") in [f"#{one}" for one in ids], value
            if key == "aria-labelledby":
                assert value in ids
    assert not re.search(r"https?:|//[a-z]|@import|url\(", PAGES[name])
    assert "default-src 'none'" in PAGES[name]


@pytest.mark.parametrize("name", PAGES)
def test_no_character_hides_or_reorders_anything(name: str) -> None:
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u200e\u200f\u061c]", PAGES[name])
    PAGES[name].encode()


@pytest.mark.parametrize("name", PAGES)
def test_no_verdict_in_one_number(name: str) -> None:
    said = words(name).lower()
    assert said.count("distilled") == 1
    assert "no “distilled %”" in said
    assert "no legal conclusion" in said
    assert not re.search(r"\bguilty\b|\bstole\b|\binfring|\bcleared\b|\bproves that\b", said)


def test_hostile_text_is_shown_as_it_is() -> None:
    said = words("nasty")
    assert said.count("<script>alert(1)</script>") > 100
    assert "U+202E" in said
    assert "{{7*7}} {% raw %}" in said


def test_every_test_stands_with_its_figures() -> None:
    said = words("leak")
    for figure in (
        "The served draft won 39 of 41 events; 4.1 are expected by chance.",
        "39 45.44 to 1,500 41 6.7e-37 6.7e-37 27.75 B'",
        "39 6.6 to 1,579 40 3.7e-11",
        "9.5% 6.9% to 12.8% 400",
        "1.9e28",
        "Null: Had the suspect not obtained",
        "Assumption: One served record of each unit",
    ):
        assert figure in said, figure


def test_rungs_state_why_no_higher() -> None:
    said = words("leak")
    assert "Rung L2. The corpus holds outputs that this log shows served only to these accounts" in said
    assert "Rung L1. The corpus holds texts that we served." in words("no accounts")
    assert "Why not L2: No account was tested: the log has no account field" in words("no accounts")
    assert "Rung L0. The texts are similar." in words("refused")


def test_reasons_stand_at_their_rung() -> None:
    said = words("leak").partition("L1 The corpus holds texts")[2]
    first, _, second = said.partition("L2 The corpus holds outputs")
    assert "at most the plan's level of 0.001" in first
    assert "served only to 1 group" in second[:300]


def test_a_rung_above_a_missing_one_is_not_reached() -> None:
    case = make_case()
    case["rungs"] = [
        {"suspect": "rival", "rung": "L1", "reached": False, "reasons": ["Not enough events."]},
        {"suspect": "rival", "rung": "L2", "reached": True, "reasons": []},
    ]
    said = Page(render(case)).text
    assert "Rung L0. The texts are similar." in said
    assert "Why not L1: Not enough events." in said
    assert "not shown" in said.partition("L2 The corpus holds outputs")[2][:250]


def test_nothing_similar_is_not_called_similar() -> None:
    said = words("no events")
    assert "Rung L0. No served text was found in any of the 1,000 suspect texts." in said
    assert "L0 The texts are similar. scores with intervals, spans, beside the controls nothing found" in said


def test_refusals_are_as_loud_as_results() -> None:
    said = words("refused")
    assert "No test gave a p-value. Why not L1: No p-value may be given: redraws do not pass the self-test" in said
    assert said.count(f"Refused: {REFUSED[0].upper()}{REFUSED[1:]}.") == 5
    page = Page(PAGES["refused"])
    rows = [attributes for tag, attributes in page.tags if tag == "tr" and "refused" in (attributes.get("class") or "")]
    assert len(rows) == 2 * 6 + 1
    assert "no: no p-value may be given" in said
    assert f"No p-value. {REFUSED[0].upper()}{REFUSED[1:]}." in said
    assert "bars that differ show nothing here" in said
    assert "Sensitivity to bias" not in said
    assert "won 39" not in said


def test_what_is_missing_is_said() -> None:
    assert "No account was tested" in words("no accounts")
    assert "There is none: it needs units served after the suspect was published" in words("no placebo, no controls")
    assert "No control was given" in words("no placebo, no controls")
    assert "with one redraw a unit both drafts are equally similar" in words("one redraw")
    assert "None was made: they need at least two redraws" in Page(render(make_case() | {"self_tests": []})).text
    said = words("no events")
    for line in ("There is no event: no draft reaches tau alone.", "No event.", "Nothing was found, served or redrawn"):
        assert line in said, line
    assert said.count("is not “innocent”") >= 2


def test_placebo_says_when_it_is_uninformative() -> None:
    assert "upper limit of G 2.935" in words("leak")
    case = make_case()
    case["placebo"] |= {"informative": False, "statistic": None, "interval": [0.2, None]}
    said = Page(render(case)).text
    assert "the bias G is unbounded. That is uninformative" in said
    assert "0.2 to ∞" in said


def test_a_placebo_that_says_nothing_is_not_said_to_bar_the_rung() -> None:
    case = make_case()
    case["placebo"] |= {"informative": False, "statistic": 351.0, "interval": [0.0, 351.0], "n": 1, "pvalue": 1.0}
    said = Page(render(case)).text
    assert "bars it only where it shows a bias itself" in said
    assert "above the upper limit of G that the placebo allows" not in said


def test_placebo_without_an_event_is_not_a_missing_one() -> None:
    case = make_case()
    case["placebo"] |= {"informative": False, "statistic": None, "interval": [0.0, None], "n": 0, "pvalue": 1.0}
    said = Page(render(case)).text
    assert "No draft of the units served after publication reaches tau: that is uninformative." in said
    assert "There is none" not in said


def test_placebo_that_finds_a_bias_says_so() -> None:
    case = make_case()
    case["placebo"] |= {"informative": False, "statistic": 6.2, "interval": [1.2, 6.2]}
    assert "at least 1.2: served drafts win where nothing can have been copied" in Page(render(case)).text


def test_every_suspect_has_its_own_figures() -> None:
    said = words("several")
    assert "rival: Rung L2." in said
    assert "other-1: Rung L0." in said
    assert "other-2: Rung L0." in said
    assert "p = 0.469, G* < 1." in said
    page = Page(PAGES["several"])
    labels = [attributes.get("aria-label") or "" for tag, attributes in page.tags if tag == "svg"]
    assert sum(label.startswith("Events won") for label in labels) == 3
    assert sum(label.startswith("Share of drafts") for label in labels) == 3


def test_accounts_state_no_route_and_clear_nobody() -> None:
    said = words("leak")
    assert (
        "a-7d1c : The suspect holds outputs that this log shows served only to this account; the route is not" in said
    )
    assert "It does not show the route" in said
    assert "“Not testable” means that even had every event been won" in said
    assert "4 accounts without an event or a hit: nothing is said of them" in said
    assert "a-0001" not in said.partition("Accounts under pseudonyms")[2]
    assert "35 of 35" in said
    assert "2 accounts: a-7d1c, a-09be" in said
    assert "a-7d1c 21 21 a-09be 14 35 not explained by any account 3" in said


def test_many_accounts_are_cut_and_counted() -> None:
    case = make_case()
    case["accounts"] = [dict(case["accounts"][0], pseudonym=f"x-{i}") for i in range(2000)]
    page = render(case)
    assert "100 of 2,000 with an event or a hit, those with most to say first" in page
    assert "more, in the table and in accounts.parquet" in page
    assert len(page) < 200_000
    quiet = make_case(leaked=0)
    quiet["accounts"] = [dict(quiet["accounts"][0], pseudonym=f"x-{i}") for i in range(2000)]
    said = Page(render(quiet)).text
    assert "All 2,000 are in the case's accounts.parquet. " in said
    assert "2,000 accounts without an event or a hit: nothing is said of them" in said
    assert "x-1" not in said


def test_what_makes_a_group_is_said_in_words() -> None:
    case = make_case()
    case["groups"][0]["why"] = {
        "frame": {"share_of_requests": 0.84375, "ngrams": 9, "accounts": 6, "other_accounts": 0},
        "prompts": {"distinct": 791, "asked_by_several_members": 9, "asked_by_others_too": 346},
        "payment": {"shared_keys": 1, "accounts": 3},
        "clock": {"pairs_in_one_hour": 308, "expected": 310.25, "quietest_8_hours": None},
        "own_tie": {"of_the_data": 0.5},
    }
    page = render(case)
    said = Page(page).text
    for words_ in (
        "84.4% of their requests hold one frame of 9 n-grams, which 6 of them use and 0 other accounts",
        "791 distinct prompts, 9 of them asked by several members, 346 by other accounts too",
        "payment: 1 key shared by 3 of them",
        "two members are active in one hour 308 times, 310.2 expected by chance",
        "own tie, of the data: 0.5",
    ):
        assert words_ in said, words_
    assert "share_of_requests" not in page


def test_texts_side_by_side_with_twins_and_redraws() -> None:
    page = Page(PAGES["leak"])
    marks = [attributes for tag, attributes in page.tags if tag == "mark" and "id" in attributes]
    assert [(mark["id"], mark["class"]) for mark in marks] == [
        ("a1-1-1", "c0"),
        ("a1-1-2", "c1"),
        ("b1-1-1", "c0"),
        ("b1-1-2", "c1"),
        # A redraw won the second: the suspect's twin is that redraw.
        ("a1-2-1", "c0"),
        ("a1-2-2", "c1"),
        ("b1-2-1", "c0"),
        ("b1-2-2", "c1"),
    ]
    assert "Best redraw: draft 3, score 6 Its best match is in another text: sus-000099" in page.text
    assert "The other redraws: 8" in page.text
    assert "a redraw fits better than what was served" in page.text


def test_a_long_redraw_is_cut_once() -> None:
    case = make_case()
    case["examples"][0]["redraws"][5] |= {"text": "many words of it " * 100, "spans": []}
    assert "many words of … 1,380 characters …" in (said := Page(render(case)).text)
    assert "characters … …" not in said


def test_audit_exclusions_limits_and_manifest() -> None:
    said = words("leak")
    for line in (
        "left 39 400 1,560 9 3,600 360",
        "10 % of words 40 39 97.5% 86.8% to 99.9",
        "people-1 500 1 0.20%",
        "generation fields differ: temperature 12",
        "Not tested: Accounts",
        "overproof investigate case.plan.json --served log/",
        "key_id case-0417",
        "plan.hash 5e5e",
        "root 7777",
        "0d0d0d",
        "fingerprint 9f3b0c1d2e4a5b6c",
    ):
        assert line in said, line
    assert "Merkle roots" in said
    case = make_case()
    case["manifest"]["merkle"] = []
    assert "No Merkle commitment of the log is in this case" in Page(render(case)).text


def test_same_case_same_bytes_and_the_case_is_left_alone() -> None:
    case = make_case(suspects=2)
    before = json.dumps(case)
    assert render(case) == render(case)
    assert json.dumps(case) == before
    assert render(json.loads(before)) == render(case)


def test_a_case_without_the_parts_that_may_be_missing() -> None:
    case = make_case()
    for key in ("propositions", "rungs", "self_tests", "tests", "sensitivity", "placebo", "wins_by_draft", "survival"):
        del case[key]
    for key in (
        "audit",
        "false_positives",
        "accounts",
        "groups",
        "cover",
        "timeline",
        "examples",
        "excluded",
        "others",
    ):
        del case[key]
    case["manifest"] = {}
    said = Page(render(case)).text
    assert "No test gave a p-value." in said
    assert "Recall: not measured in this run." in said

"""The ledger: a chain that shows every change, plans counted, redraws spent."""

from pathlib import Path

import pytest
from overproof.errors import FormatError, InputError
from overproof.evidence.ledger import Ledger


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    made = Ledger(tmp_path / "ledger.jsonl")
    for plan in ("a", "b"):
        made.add("new", plan=plan, suspects=["s"])
    made.add("seal", plan="a", hash="h1", suspects=["s"])
    made.add("investigate", plan="a", redraws=["r1", "r2"])
    return made


def test_plans_against_a_suspect_are_those_sealed(ledger: Ledger) -> None:
    assert ledger.plans_against("s") == 1
    ledger.add("seal", plan="b", hash="h2", suspects=["s", "t"])
    ledger.add("seal", plan="b", hash="h3", suspects=["s", "t"])
    assert (ledger.plans_against("s"), ledger.plans_against("t"), ledger.plans_against("u")) == (2, 1, 0)
    assert ledger.sealed("b") == ["h2", "h3"]


def test_a_plan_that_was_sampled_and_never_sealed_counts(ledger: Ledger) -> None:
    ledger.add("sample", plan="b", hash="h4")
    assert (ledger.plans_against("s"), ledger.sampled("b")) == (2, ["h4"])


def test_redraws_are_spent_for_other_plans_only(ledger: Ledger) -> None:
    assert ledger.spent(["r1", "r3"], plan="b") == 1
    assert ledger.spent(["r1", "r3"], plan="a") == 0


@pytest.mark.parametrize("change", ["edit", "remove", "insert", "no JSON"])
def test_a_change_breaks_the_chain(ledger: Ledger, change: str) -> None:
    lines = ledger.path.read_bytes().splitlines(keepends=True)
    if change == "edit":
        lines[1] = lines[1].replace(b'"b"', b'"c"')
    elif change == "remove":
        del lines[1]
    elif change == "insert":
        lines.insert(2, lines[1])
    else:
        lines[2] = b"{\n"
    ledger.path.write_bytes(b"".join(lines))
    with pytest.raises(FormatError, match=r"line [23]"):
        ledger.entries()


def test_a_cut_shows_in_the_head(ledger: Ledger) -> None:
    head = ledger.head
    lines = ledger.path.read_bytes().splitlines(keepends=True)
    ledger.path.write_bytes(b"".join(lines[:-1]))
    assert ledger.head != head


def test_other_words_and_places_are_refused(ledger: Ledger, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="give one of new"):
        ledger.add("forget", plan="a")
    with pytest.raises(InputError, match="cannot be written"):
        Ledger(tmp_path / "missing" / "ledger.jsonl").add("new", plan="a")

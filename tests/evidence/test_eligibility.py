"""Redraws that were not drawn as the served output was, or that somebody picked, take no part."""

from typing import Any

import overproof as op
import pytest
from overproof.evidence.eligibility import match_redraws

SETTINGS = {"model": "m-1", "temperature": 0.7, "max_tokens": 100, "params_hash": "h"}


def log_of(n: int = 3, **changes: Any) -> op.Corpus:
    extra: dict[str, Any] = {name: [value] * n for name, value in SETTINGS.items()} | changes
    return op.Corpus(
        [f"served {i}" for i in range(n)],
        ids=[f"r{i}" for i in range(n)],
        prompts=[f"p{i}" for i in range(n)],
        extra=extra,
    )


def redraws_of(rows: list[dict[str, Any]]) -> op.Corpus:
    names = dict.fromkeys(key for row in rows for key in row if key != "text")
    extra = {name: [row.get(name) for row in rows] for name in names}
    return op.Corpus([row.get("text") for row in rows], extra=extra, missing="keep")


def drafts(request: str, k: int = 2, **changes: Any) -> list[dict[str, Any]]:
    base = {"request_id": request, "selected_by": "prf", **SETTINGS, **changes}
    return [{**base, "draft": i, "text": f"{request} draft {i}"} for i in range(1, k + 1)]


def test_what_fits_takes_part() -> None:
    found = match_redraws(log_of(), redraws_of(drafts("r2", 1) + drafts("r0", 3)))
    assert found.rows.tolist() == [0, 2]
    assert found.served == ["served 0", "served 2"]
    assert found.redraws == [["r0 draft 1", "r0 draft 2", "r0 draft 3"], ["r2 draft 1"]]
    assert (found.k.tolist(), found.refused) == ([3, 1], {})
    minimal = [
        {key: row[key] for key in ("request_id", "draft", "text", "model", "params_hash")} for row in drafts("r1")
    ]
    assert match_redraws(log_of(), redraws_of(minimal)).rows.tolist() == [1]
    by_ids = redraws_of(minimal)
    by_ids = op.Corpus(by_ids.texts, ids=by_ids.extra["request_id"], extra={**by_ids.extra} | {"request_id": None})
    assert match_redraws(log_of(), by_ids).rows.tolist() == [1]
    as_numbers = drafts("r0", temperature="0.70", max_tokens=1e2)
    assert match_redraws(log_of(), redraws_of(as_numbers)).k.tolist() == [2]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"model": "m-2"}, "redraw with another model"),
        ({"temperature": 1}, "redraw with another temperature"),
        ({"max_tokens": 50}, "redraw with another max_tokens"),
        ({"params_hash": "other"}, "redraw with another params_hash"),
        ({"model": None}, "redraw with another model"),
        ({"host": "h2", "params_hash": None}, "redraw with another host"),
        ({"finish_reason": "cancelled"}, "redraw cut off"),
    ],
)
def test_a_redraw_drawn_in_another_way_is_refused(changes: dict[str, Any], reason: str) -> None:
    found = match_redraws(log_of(), redraws_of([*drafts("r0", 1), drafts("r0", 2, **changes)[1]]))
    assert found.redraws == [["r0 draft 1", None]]
    assert found.refused == {reason: 1}
    found = match_redraws(log_of(), redraws_of(drafts("r0", 2, **changes)))
    assert found.refused == {reason: 2, "no redraw is left": 1}


def test_a_field_that_only_the_log_has_needs_the_hash() -> None:
    bare = [{key: row[key] for key in ("request_id", "draft", "text", "model")} for row in drafts("r0", 1)]
    assert match_redraws(log_of(), redraws_of(bare)).refused["redraw with another temperature"] == 1


def test_several_turns_need_their_messages() -> None:
    turns = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}, {"role": "user", "content": "c"}]
    log = log_of(1, messages=[turns])
    assert match_redraws(log, redraws_of(drafts("r0"))).refused["redraw with another messages"] == 2
    other = [*turns[:1], {"role": "assistant", "content": "not what was served"}, turns[2]]
    assert match_redraws(log, redraws_of(drafts("r0", messages=other))).refused["redraw with another messages"] == 2
    assert match_redraws(log, redraws_of(drafts("r0", messages=turns))).k.tolist() == [2]


@pytest.mark.parametrize(
    ("given", "options", "reason", "n"),
    [
        (drafts("nobody"), {}, "redraw of an unknown request", 2),
        (drafts("r1"), {"rows": [0]}, "redraw of a record that was not chosen", 2),
        (drafts("r0", 1) + drafts("r0", 1), {}, "draft number given twice", 1),
        (drafts("r0", 4)[1:], {}, "draft numbers are not 1 to K", 1),
        (drafts("r0", 4), {"drawn": {"r0": 20}}, "more redraws were drawn than are given", 1),
        (drafts("r0", 4), {"drawn": {"r0": 2}}, "redraws that the ledger does not hold", 1),
        (drafts("r0"), {"spent": {"r0"}}, "redraws were opened in a report (spent)", 1),
        (drafts("r0", selected_by="match"), {}, "record chosen by what was served, not by key or prompt", 1),
        (drafts("r1"), {"rows": [0, 1]}, "no redraw", 1),
        ([{**drafts("r0", 1)[0], "text": None}], {}, "redraw without a text", 1),
    ],
)
def test_what_somebody_picked_is_refused(given: Any, options: dict[str, Any], reason: str, n: int) -> None:
    assert match_redraws(log_of(), redraws_of(given), **options).refused[reason] == n


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [("finish_reason", "cut", "stream cut by the user"), ("user_choice", "best-of", "chosen by a later user action")],
)
def test_records_that_may_not_take_part(name: str, value: str, reason: str) -> None:
    found = match_redraws(log_of(**{name: [value, None, None]}), redraws_of(drafts("r0") + drafts("r1")))
    assert (found.rows.tolist(), found.refused) == ([1], {reason: 1})


def test_one_record_of_a_unit() -> None:
    log = log_of(cache_key=["k", "k", None])
    found = match_redraws(log, redraws_of(drafts("r0") + drafts("r1") + drafts("r2")))
    assert (found.rows.tolist(), found.refused) == ([0, 2], {"another record of its unit": 1})


def test_what_redraws_need() -> None:
    with pytest.raises(op.InputError, match="the redraws have no field 'draft'"):
        match_redraws(log_of(), op.Corpus(["x"], extra={"request_id": ["r0"]}))
    with pytest.raises(op.InputError, match="row 1 has no request_id, or 'x' as its draft number"):
        match_redraws(log_of(), redraws_of([{"request_id": "r0", "draft": "x", "text": "t"}]))
    with pytest.raises(op.InputError, match="the log has no request ids"):
        match_redraws(op.Corpus(["x"]), redraws_of(drafts("r0")))
    with pytest.raises(op.InputError, match="3 is no row of a log of 3"):
        match_redraws(log_of(), redraws_of(drafts("r0")), rows=[3])

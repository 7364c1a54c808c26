"""The marks of benches/validity on fixed seeds and fewer texts; skipped where the real texts are missing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("scipy", reason="the intervals need overproof[stats]")

from benches.validity import data, marks, measures


@pytest.fixture(scope="module", autouse=True)
def _same_folder(shared: Path) -> None:
    assert shared == data.SHARED, "tests and benches look for the real texts in different places"


@pytest.fixture(scope="module")
def truth(shared: Path) -> dict[str, Any]:
    return measures.truth_table()


def of(truth: dict[str, Any], suspect: str) -> dict[str, Any]:
    return next(row for row in truth["rows"] if suspect in row["suspect"])


@pytest.mark.parametrize(
    ("suspect", "least"), [("codealpaca_new_SUSPECT", 0.97), ("limo_copy_of_llamafactory_demo_SUSPECT", 0.99)]
)
def test_copies_are_found(truth: dict[str, Any], suspect: str, least: float) -> None:
    assert of(truth, suspect)["enough_beside_prompt"]["share"] >= least


@pytest.mark.parametrize(
    ("suspect", "most"),
    [
        ("halueval_general_chatgpt", 3e-3),
        ("alpaca_gpt4_demo999", 3.1e-3),
        ("dolly_3k", 1e-3),
        ("gpteacher_roleplay_gpt4", 0),
        ("licences", 0),
        ("web_promptguide_en_a", 0),
        ("shakespeare", 0),
        ("vicuna-7b", 0),
        ("guanaco-7b", 0),
        ("alpaca_zh_translation_part00", 1e-3),
    ],
)
def test_innocents_and_translations_are_not(truth: dict[str, Any], suspect: str, most: float) -> None:
    assert of(truth, suspect)["share"] <= most


def test_canonical_code_is_reported_as_what_it_is(truth: dict[str, Any]) -> None:
    row = of(truth, "codealpaca_2k_davinci003")
    assert 0.01 < row["share"] < 0.03
    assert sum(match["code"] for match in row["matches"]) > row["found"] / 2


def test_score_parts_copies_from_innocents(truth: dict[str, Any]) -> None:
    assert truth["auc_enough_beside_prompt"]["auc"] >= 0.998


def test_planted_copies_are_found() -> None:
    planted = measures.planted(seed=1, every=8)
    assert planted["planted"] > 900
    found = {edit["edit"]: edit["echo_apart"]["share"] for edit in planted["edits"]}
    missed = {edit: found[edit] for edit, least in marks.RECALL.items() if found[edit] < least}
    assert not missed


def test_planted_by_the_log_maker() -> None:
    logs = measures.logs([4])
    verbatim = [part for name, part in logs["leaked"].items() if name.startswith("none")]
    assert sum(part["found"] for part in verbatim) >= 0.98 * sum(part["texts"] for part in verbatim)
    assert logs["web_copies_of_served"]["share"] >= 0.98
    assert logs["other_authors"]["share"] <= 3e-3


def test_undeclared_source_comes_out_first() -> None:
    models = measures.pairs_of_models(
        [*marks.FIRST, "Qwen1.5-72B-Chat", "Samba-CoE-v0.1", "Samba-CoE-v0.2", "gpt4", "gpt4_0314", "claude"]
    )
    assert {frozenset(pair) for pair in models["first_by"].values()} == {frozenset(marks.FIRST)}
    assert models["pairs"] == 28


def test_code_is_told_from_prose() -> None:
    assert data.is_code("def f(x):\n  if x:\n    return 1")
    assert data.is_code("Here:\n```python\nx = 1\n```")
    assert not data.is_code("If so: go. For one, stop;\nelse wait.")
    assert not data.is_code('```json\n{"answer": "18"}\n```')

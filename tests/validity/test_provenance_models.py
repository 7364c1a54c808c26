"""benches/validity/provenance.py on every third prompt and the default statistic; skipped without the real texts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("scipy", reason="the tests need overproof[stats]")

from benches.validity import provenance


@pytest.fixture(scope="module")
def record(shared: Path) -> dict[str, Any]:
    return provenance.measure([provenance.DEFAULT], every=3)


@pytest.fixture(scope="module")
def found(record: dict[str, Any]) -> dict[str, Any]:
    return record["statistics"][provenance.DEFAULT]


def test_same_weights_and_students_of_2023_stand_out(found: dict[str, Any]) -> None:
    assert found["auc"]["same weights"]["auc"] >= 0.99
    assert found["auc"]["openai-2023"]["auc"] >= 0.95
    assert found["ratios"]["cllr"] < 0.6


def test_null_pairs_keep_the_level(found: dict[str, Any]) -> None:
    assert found["null"]["pairs"] > 250
    assert 0.02 <= found["null"]["0.05"]["share"] <= 0.075
    assert found["null"]["0.01"]["share"] <= 0.025


def test_the_naive_test_over_prompts_accuses_innocents(found: dict[str, Any]) -> None:
    """Whoever wants to offer a test that permutes or bootstraps prompts: this is what it does at a nominal .001."""
    assert found["naive"]["people-taught models"]["0.001"]["share"] > 0.15
    assert found["naive"]["other teachers"]["0.001"]["share"] > 0.05


def test_no_people_taught_model_is_accused(found: dict[str, Any]) -> None:
    assert found["people"]["suspected"] == 0
    assert found["people"]["models"] == 5
    assert found["people"]["no_verdict"] < found["people"]["verdicts"]


def test_what_cannot_be_told_is_not_told(record: dict[str, Any]) -> None:
    told = {(one["set"], one["suspect"]) for one in record["untold"]}
    assert len(told) == 8
    assert all(one["verdict"].startswith("no verdict: ") for one in record["untold"])
    assert provenance.markdown(record).count("no verdict: ") >= 8


def test_the_documentation_quotes_a_record() -> None:
    root = Path(provenance.__file__).parents[2]
    page = (root / "docs" / "evidence" / "provenance.md").read_text(encoding="utf-8")
    records = sorted((root / "benches" / "record").glob("*/*-provenance.json"))
    assert any(provenance.markdown(json.loads(path.read_text(encoding="utf-8"))) in page for path in records)

"""The subjects null and power of benches/validity in their small form, so that they cannot rot."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("scipy", reason="the tests need overproof[stats]")

from benches.validity import null, power

RECORD = Path(null.__file__).parents[1] / "record"


def test_null_in_small() -> None:
    record = null.measure(runs=20, ks=(1, 4), units=40)
    assert len(record["rows"]) == 16
    for test in null.TESTS:
        assert any(test in row["tests"] for row in record["rows"]), test
    cached = next(row for row in record["without"] if "20 times, nothing else" in row["rule"])
    assert cached["rates"][0] > 0.05
    assert null.markdown(record).count("\n") > 50


def test_power_in_small() -> None:
    large = {"requests": 4000, "suspect": 400, "leak": 10, "accounts": 100}
    record = power.measure(units=60, runs=10, sizes=(50,), large=large)
    nine = record["large"]["by_k"]["9"]
    assert nine["wins"] >= 6
    assert nine["p"] < 1e-4
    assert nine["redraws"] == 9 * record["large"]["units_redrawn"]
    assert "G*" in power.markdown(record)


def newest(subject: str) -> dict[str, Any]:
    return json.loads(max(RECORD.glob(f"*/????-??-??-{subject}.json"), key=lambda path: path.name).read_text())


def test_the_recorded_rates_are_at_or_below_nominal() -> None:
    record = newest("null")
    assert record["runs"] >= 5000
    for row in record["rows"]:
        for test, rates in row["tests"].items():
            for level, share in zip(record["levels"], rates, strict=True):
                assert null.within(share, level, record["runs"]), (row["setting"], row["k"], test, level)
        assert row["e"]["mean"] <= 1 + 3 * row["e"]["se"]
        assert null.within(row["holm_any"], 0.05, record["runs"])
        assert null.within(row["bh_false"], 0.05, record["runs"])
    assert record["laws"]["coverage, one a unit"] >= 0.94


def test_the_recorded_power_meets_its_marks_by_coverage() -> None:
    record = newest("power")
    asked = [c for c in record["cells"] if c["score"] == "coverage" and (c["k"], c["leaked"]) == (9, 10)]
    light = [c for c in asked if c["edit"] in ("none", "10 % of words", "10 % of words dropped", "sentences reordered")]
    assert len(light) == 8
    assert all(c["p"] < 1e-4 and c["g_star"] >= 3 for c in light)
    assert record["large"]["by_k"]["9"]["p"] < 1e-4

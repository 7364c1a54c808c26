"""The subjects null and power of benches/validity in their small form, so that they cannot rot."""

from __future__ import annotations

import pytest

pytest.importorskip("scipy", reason="the tests need overproof[stats]")

from benches.validity import null, power


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

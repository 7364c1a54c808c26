"""A small form of benches/validity/accounts.py, so that it cannot rot."""

from __future__ import annotations

import pytest

pytest.importorskip("scipy", reason="the tests need overproof[stats]")

from benches.validity import accounts


def test_the_bench_runs_and_its_tables_hold_every_mark() -> None:
    record = {
        "structureless": accounts.structureless(range(2), accounts=40),
        "public_tools": accounts.public_tools([1000], requests=700),
        "planted": accounts.planted([2000], groups=(3, 12), requests=2500),
        "stressed": accounts.stressed(range(40)),
        "attribution": accounts.attribution([3000]),
        "speed": accounts.speed(accounts=2000, requests=4000, batch=1000),
        "large": accounts.large(requests=3000, accounts=120, templates=3, groups=(3, 30)),
    }
    assert record["planted"]["adjusted_rand"]["least"] >= 0.8
    assert record["planted"]["outsiders_in_groups"] == 0
    assert record["large"]["adjusted_rand"] >= 0.8
    # Three standard errors of .05 in 40 runs.
    assert record["stressed"]["family_wise_error"] <= 0.05 + 0.105
    assert record["stressed"]["recall"] >= 0.6
    assert record["attribution"]["tests"]["groups holm"]["named"] >= 1
    assert record["speed"]["bytes_per_account"] < 1192 + 40
    assert "adjusted Rand index" in accounts.markdown(record)

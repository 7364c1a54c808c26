"""Accounts: each is its own line-up, all are corrected together, and innocents are not named."""

import math

import numpy as np
import overproof as op
import pytest
from overproof.evidence import account_attribution, greedy_cover, holm, line_up

TAU = 20.0


def log(rng: np.random.Generator, leaks: dict[int, int], accounts: int = 30, units: int = 12, k: int = 4) -> tuple:
    """Scores of some accounts, of which some leaked so many units; chance reaches tau now and then."""
    scores = rng.pareto(1.5, (accounts * units, 1)) * 5 + rng.exponential(5, (accounts * units, k + 1))
    names = np.repeat(np.arange(accounts), units)
    for account, leaked in leaks.items():
        scores[np.flatnonzero(names == account)[:leaked], 0] = 60
    return scores, [f"account-{i:03}" for i in names]


def test_each_account_is_its_own_line_up() -> None:
    scores, names = log(np.random.default_rng(0), {3: 10})
    found = account_attribution(scores, names, tau=TAU)
    for i, name in enumerate(found.accounts):
        own = line_up(scores[[n == name for n in names]], tau=TAU)
        assert (found.events[i], found.wins[i]) == (own.n, own.wins)
        assert own.n == 0 or found.pvalues[i] == own.pvalue
    assert np.array_equal(
        found.adjusted.pvalues, holm(found.pvalues, least=found.least_pvalues).pvalues, equal_nan=True
    )
    assert found.verdicts[found.accounts.index("account-003")] == "named"
    order = np.random.default_rng(1).permutation(len(names))
    again = account_attribution(scores[order], [names[i] for i in order], tau=TAU)
    assert np.array_equal(again.pvalues, found.pvalues, equal_nan=True)


def test_the_family_wise_error_and_the_false_discovery_rate_hold() -> None:
    wrong, share, runs = 0, 0.0, 200
    for seed in range(runs):
        scores, names = log(np.random.default_rng(seed), {0: 12, 1: 12, 2: 6})
        leaked = {"account-000", "account-001", "account-002"}
        named = {
            method: {a for a, v in zip(f.accounts, f.verdicts, strict=True) if v == "named"}
            for method in ("holm", "bh")
            for f in [account_attribution(scores, names, tau=TAU, method=method)]
        }
        wrong += bool(named["holm"] - leaked)
        share += len(named["bh"] - leaked) / max(1, len(named["bh"]))
        assert {"account-000", "account-001"} <= named["holm"] <= named["bh"]
    slack = 3 * math.sqrt(0.05 * 0.95 / runs)
    assert wrong / runs <= 0.05 + slack
    assert share / runs <= 0.05 + slack


def test_what_others_were_served_too_counts_for_no_draft() -> None:
    scores, names = log(np.random.default_rng(2), {3: 10})
    shared = np.ones(scores.shape, np.bool_)
    shared[[n == "account-003" for n in names]] = False
    found = account_attribution(scores, names, tau=TAU, only_here=shared)
    assert found.verdicts[3] == "not testable"
    assert found.leak_rates[3] == 0
    assert "route is not shown" in found.assumption


def test_missing_drafts_and_json() -> None:
    made = account_attribution([[math.nan, 30.0], [30.0, math.nan], [30.0, 1.0]], ["x", "y", "z"], tau=TAU).to_dict()
    assert made["pvalues"] == [None, None, 0.5]
    assert made["leak_rates"] == [None, None, 1.0]
    assert made["verdicts"] == ["not testable"] * 3
    assert account_attribution(np.zeros((0, 2)), [], tau=TAU).accounts == []


def test_a_cover_takes_the_most_first() -> None:
    assert greedy_cover([]) == []
    assert greedy_cover([[], []]) == []
    assert greedy_cover([["b"], ["a"], ["c", "a"]]) == [("a", 2), ("b", 1)]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"accounts": ["a"]}, "1 values for 2"),
        ({"method": "bonferroni"}, "method"),
        ({"only_here": [[True, True]]}, "shape"),
        ({"only_here": [[1, 1], [1, 0]]}, "bool"),
        ({"units": ["u", "u"]}, "rows 0 and 1"),
        ({"alpha": 2}, "alpha"),
    ],
)
def test_bad_input_is_named(options: dict, words: str) -> None:
    given = {"accounts": ["a", "b"], "tau": TAU, **options}
    with pytest.raises(op.InputError, match=words):
        account_attribution([[30.0, 2.0], [1.0, 2.0]], given.pop("accounts"), **given)

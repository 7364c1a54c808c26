"""The lab computes what `overproof.evidence` does, and in its innocent worlds the tests keep their levels."""

import math

import numpy as np
import pytest
from overproof.errors import InputError
from overproof.evidence import account_attribution, e_process, leak_rate, line_up, rate_ratio, sensitivity
from overproof.simulate import lab, power

LEVELS = (0.05, 0.01, 0.001)


def most(level: float, runs: int) -> float:
    """Four standard errors above nominal."""
    return level + 4 * math.sqrt(level * (1 - level) / runs)


@pytest.mark.parametrize("setting", lab.SETTINGS)
def test_each_test_is_that_of_evidence_run_by_run(setting: str) -> None:
    made = lab.one_record_a_unit(lab.null_records(setting, runs=6, k=4, units=80, seed=3))
    for records in (made, lab.fewer_redraws(made)):
        counts = lab.count_events(records)
        p, p_at_3, g = lab.line_up_pvalues(counts), lab.line_up_pvalues(counts, g=3.0), lab.g_stars(counts, alpha=0.1)
        for run in range(6):
            scores = records.of_run(run)
            found, bias = line_up(scores, tau=lab.TAU), sensitivity(scores, tau=lab.TAU, alpha=0.1, g=[3.0])
            assert (counts.wins[run].sum(), counts.events[run].sum()) == (found.wins, found.n)
            assert p[run] == found.pvalue
            assert p_at_3[run] == bias.pvalues[0]
            assert g[run] == bias.g_star or math.isnan(g[run]) == math.isnan(bias.g_star)
    counts = lab.count_events(made)
    outside, columns = lab.bias_pvalues(counts), lab.hits(made)
    ratios, differences = lab.rate_ratio_pvalues(columns), lab.no_difference_pvalues(columns)
    for run in range(6):
        low, high = line_up(made.of_run(run), tau=lab.TAU).interval
        assert (outside[run] > 0.05) == (low <= 1 <= high)
        numbers = [int(column[run]) for column in columns]
        assert ratios[run] == rate_ratio(*numbers).pvalue
        low, high = leak_rate(*numbers).interval
        assert (differences[run] > 0.05) == (low <= 0 <= high)


def test_accounts_are_those_of_evidence() -> None:
    made = lab.leak_records(runs=8, k=4, units=60, leaked=20, guilty=2, found=np.array([60.0]))
    any_false, false, named = 0, 0.0, 0
    for run in range(8):
        rows = np.flatnonzero(made.run == run)
        guilty = set(made.account[rows][made.leaked[rows]].tolist())
        found = {
            method: account_attribution(made.scores[rows], made.account[rows].tolist(), tau=lab.TAU, method=method)
            for method in ("holm", "bh")
        }
        of = {m: {a for a, v in zip(f.accounts, f.verdicts, strict=True) if v == "named"} for m, f in found.items()}
        any_false += bool(of["holm"] - guilty)
        false += len(of["bh"] - guilty) / max(1, len(of["bh"]))
        named += len(of["holm"] & guilty)
    got = lab.account_errors(made)
    assert got["holm_any"] == any_false / 8
    assert got["bh_false"] == pytest.approx(false / 8)
    assert got["holm_power"] == named / 16


@pytest.mark.parametrize("k", [1, 4, 9])
def test_innocents_are_accused_at_the_level_and_no_more(k: int) -> None:
    runs = 250
    for setting in lab.SETTINGS:
        made = lab.one_record_a_unit(lab.null_records(setting, runs=runs, k=k, units=60, seed=11))
        pvalues = {
            "line-up": lab.line_up_pvalues(lab.count_events(made)),
            "K by unit": lab.line_up_pvalues(lab.count_events(lab.fewer_redraws(made))),
            "rate ratio": lab.rate_ratio_pvalues(lab.hits(made, share=0.5)),
            "bias": lab.bias_pvalues(lab.count_events(made)),
        }
        for name, p in pvalues.items():
            assert all((p <= level).mean() <= most(level, runs) for level in LEVELS), (setting, name)
        assert lab.account_errors(made)["holm_any"] <= most(0.05, runs)


def test_an_averaged_e_value_is_one_at_most() -> None:
    made = lab.one_record_a_unit(lab.null_records("all together", runs=1500, k=1, units=60))
    e = np.array([e_process(made.of_run(run), tau=(20.0, 26.0, 34.0), lam=0.3).statistic for run in range(1500)])
    assert e.mean() <= 1 + 3 * e.std() / math.sqrt(len(e))


@pytest.mark.parametrize("setting", ["cached copies", "shared redraws", "hot prompts"])
def test_without_the_unit_rule_innocents_are_accused(setting: str) -> None:
    made = lab.null_records(setting, runs=400, k=1, units=20)
    assert (lab.line_up_pvalues(lab.count_events(made)) <= 0.001).mean() > 0.01
    kept = lab.one_record_a_unit(made)
    assert len(np.unique(kept.run * 10**6 + kept.prompt)) == len(kept) == 400 * 23


def test_the_interval_covers_when_whole_conversations_leak() -> None:
    truth, covered = 0.15 * (1 - lab.MEAN_CHANCE), {"units": 0, "turns": 0}
    made = lab.leak_records(runs=500, k=1, units=150, leaked=0.15, found=np.array([60.0]), turns=5)
    for name, records in (("units", lab.one_record_a_unit(made)), ("turns", made)):
        for counts in zip(*(column.tolist() for column in lab.hits(records)), strict=True):
            low, high = leak_rate(*counts).interval
            covered[name] += low <= truth <= high
    assert covered["units"] / 500 >= 0.94 - 2 * math.sqrt(0.05 * 0.95 / 500)
    assert covered["turns"] / 500 < 0.8, "every turn counted: five times too sure"


def test_ten_leaked_units_are_found_at_ten_percent_and_not_at_half() -> None:
    edits = {name: power.EDITED[name] for name in ("none", "10 % of words", "30 % of words")}
    pool = power.text_pool(5, units=150, k=9, suspect=200, edits=edits)
    for edit in ("none", "10 % of words"):
        counts = lab.count_events(pool.draw(edit, runs=100, units=50, leaked=10, k=9))
        assert np.median(lab.line_up_pvalues(counts)) < 1e-4
        assert np.median(np.nan_to_num(lab.g_stars(counts))) >= 3
    counts = lab.count_events(pool.draw("30 % of words", runs=100, units=50, leaked=10, k=9))
    assert (lab.line_up_pvalues(counts) <= 1e-3).mean() < 0.5
    assert (pool.innocent >= lab.TAU).mean() < 0.02


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: lab.null_records("odd", runs=1, k=1), "setting"),
        (lambda: lab.null_records("plain", runs=0, k=1), "1 or more"),
        (lambda: lab.leak_records(runs=1, k=1, units=5, leaked=6, found=np.ones(1)), "6 of 5"),
        (lambda: lab.leak_records(runs=1, k=1, units=5, leaked=1, found=np.ones(1), guilty=99), "99 of"),
        (lambda: lab.bias_pvalues(lab.Counts(np.ones((1, 2)), np.ones((1, 2)), np.array([1, 4]))), "same for all"),
        (lambda: power.TextPool(np.ones((4, 3)), {}).draw("none", runs=1, units=1, leaked=0, k=1), "unknown"),
        (
            lambda: power.TextPool(np.ones((4, 3)), {"a": np.ones((4, 3))}).draw("a", runs=1, units=5, leaked=0, k=1),
            "pool",
        ),
    ],
)
def test_bad_arguments_are_named(call: object, words: str) -> None:
    with pytest.raises(InputError, match=words):
        call()  # type: ignore[operator]

"""Rates, ranks and adjustments against their definitions."""

import itertools
import math

import numpy as np
import overproof as op
import pytest
from hypothesis import given
from hypothesis import strategies as st
from overproof.evidence import fdr, holm, leak_rate, rank_among_controls, rate_ratio
from overproof.evidence.rates import constrained, difference_interval
from scipy import optimize, stats

PVALUES = st.lists(
    st.sampled_from([0.0, 1e-6, 0.001, 0.01, 0.012, 0.03, 0.05, 0.5, 1.0, math.nan]), min_size=1, max_size=7
)


@given(st.integers(0, 30), st.integers(0, 30), st.integers(30, 60), st.integers(30, 60))
def test_rate_ratio_is_the_conditional_binomial(a: int, b: int, n: int, m: int) -> None:
    found = rate_ratio(a, n, b, m)
    assert found.pvalue == pytest.approx(
        stats.binomtest(a, a + b, n / (n + m), alternative="greater").pvalue if a + b else 1.0, rel=1e-12
    )
    assert math.isnan(found.statistic) or found.interval[0] <= found.statistic <= found.interval[1]


@given(st.integers(0, 20), st.integers(0, 20), st.integers(20, 40), st.integers(20, 40), st.floats(-0.9, 0.9))
def test_constrained_rates_maximise_the_likelihood(x1: int, x2: int, n1: int, n2: int, delta: float) -> None:
    p1, p2 = constrained(x1, n1, x2, n2, delta)
    assert p1 - p2 == pytest.approx(delta, abs=1e-9)

    def minus(p: float) -> float:
        terms = ((x1, p + delta), (n1 - x1, 1 - p - delta), (x2, p), (n2 - x2, 1 - p))
        return -sum(x * math.log(max(q, 1e-300)) for x, q in terms if x)

    low, high = max(0.0, -delta), min(1.0, 1 - delta)
    best = optimize.minimize_scalar(minus, bounds=(low, high), method="bounded", options={"xatol": 1e-12})
    assert minus(p2) <= best.fun + 1e-6


def test_the_interval_of_a_difference_covers() -> None:
    rng = np.random.default_rng(1)
    for p1, p2 in ((0.05, 0.05), (0.3, 0.1), (0.02, 0.001)):
        covered = 0
        for _ in range(400):
            low, high = difference_interval(
                int(rng.binomial(300, p1)), 300, int(rng.binomial(500, p2)), 500, confidence=0.95
            )
            covered += low <= p1 - p2 <= high
        assert covered / 400 >= 0.95 - 3 * math.sqrt(0.05 * 0.95 / 400)


def test_leak_rate_is_a_lower_bound_beside_recall() -> None:
    found = leak_rate(60, 1000, 10, 1000, planted=100, found=80)
    assert found.statistic == pytest.approx(0.05)
    assert found.recall == 0.8
    assert found.corrected == pytest.approx(0.0625)
    assert found.corrected_interval[0] < found.interval[0] / 0.8 < found.interval[1] / 0.8 < found.corrected_interval[1]
    bare = leak_rate(60, 1000, 10, 1000)
    assert math.isnan(bare.recall)
    assert leak_rate(0, 50, 0, 50).pvalue == 1
    assert leak_rate(50, 50, 0, 50).interval[1] == 1
    assert leak_rate(60, 1000, 10, 1000, planted=10, found=0).corrected_interval[1] == 1


@given(PVALUES)
def test_holm_and_fdr_are_their_definitions(pvalues: list[float]) -> None:
    known = [p for p in pvalues if not math.isnan(p)]
    m = len(known)
    of_holm, of_fdr = holm(pvalues), fdr(pvalues)
    assert np.isnan(of_holm.pvalues).tolist() == np.isnan(pvalues).tolist()
    for p, h, f in zip(pvalues, of_holm.pvalues, of_fdr.pvalues, strict=True):
        if math.isnan(p):
            continue
        below = sorted(known)[: sum(q <= p for q in known)]
        assert h == pytest.approx(min(1.0, max((m - i) * q for i, q in enumerate(below))))
        ranks = [(q, sum(r <= q for r in known)) for q in known if q >= p]
        assert f == pytest.approx(min(1.0, *(q * m / rank for q, rank in ranks), 1.0))
    if m:
        assert np.allclose(np.sort(stats.false_discovery_control(known)), np.sort(of_fdr.pvalues[of_fdr.testable]))


def test_what_cannot_be_significant_is_not_corrected_for() -> None:
    p, least = [0.004, 0.3, 0.6, 0.9], [1e-6, 0.1, 0.2, 0.4]
    assert not holm(p, alpha=0.01).rejected.any()
    found = holm(p, alpha=0.01, least=least)
    assert found.testable.tolist() == [True, False, False, False]
    assert found.rejected.tolist() == [True, False, False, False]
    assert found.n == 1
    assert found.to_dict()["pvalues"] == [0.004, None, None, None]


def test_tarone_keeps_the_family_wise_error() -> None:
    """Discrete p-values of few events each, all null, every outcome counted."""
    ks = (1, 1, 4, 9)
    error = 0.0
    for outcome in itertools.product([0, 1], repeat=len(ks)):
        chance = math.prod(1 / (k + 1) if won else k / (k + 1) for won, k in zip(outcome, ks, strict=True))
        p = [1 / (k + 1) if won else 1.0 for won, k in zip(outcome, ks, strict=True)]
        error += chance * holm(p, alpha=0.2, least=[1 / (k + 1) for k in ks]).rejected.any()
    assert error <= 0.2


def test_ranks_need_controls() -> None:
    few = rank_among_controls(1.0, [0.0] * 19)
    assert math.isnan(few.pvalue)
    assert few.verdict.startswith("no verdict")
    enough = rank_among_controls(0.5, np.linspace(0, 1, 20))
    assert enough.statistic == 10
    assert enough.pvalue == 11 / 21
    rng = np.random.default_rng(0)
    accused = [rank_among_controls(v[0], v[1:]).pvalue <= 0.05 for v in rng.normal(size=(2000, 40))]
    assert np.mean(accused) <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 2000)


@pytest.mark.parametrize(
    "call",
    [
        lambda: rate_ratio(3, 2, 0, 5),
        lambda: rate_ratio(0, 0, 0, 5),
        lambda: rate_ratio(1.5, 2, 0, 5),
        lambda: leak_rate(1, 2, 0, 5, planted=3, found=4),
        lambda: holm([0.5, 1.5]),
        lambda: holm([[0.5]]),
        lambda: fdr([0.5], alpha=0),
        lambda: fdr([0.5], least=[0.6]),
        lambda: fdr([0.5], least=[0.1, 0.2]),
        lambda: rank_among_controls(math.nan, [1.0]),
        lambda: rank_among_controls(1.0, []),
    ],
)
def test_bad_input_is_refused(call: object) -> None:
    with pytest.raises(op.InputError):
        call()  # type: ignore[operator]

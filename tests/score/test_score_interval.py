"""Intervals: the formula against SciPy, and coverage in simulation."""

import sys

import numpy as np
import overproof as op
import pytest
from overproof.score import _clopper_pearson
from scipy.stats import binomtest


def batch(rng, rows, shared, own):
    """Pairs of random sets that share `shared` elements; each has `own` more."""
    common = rng.integers(0, 2**64, (rows, shared), np.uint64)

    def side():
        sets = np.sort(np.hstack([common, rng.integers(0, 2**64, (rows, own), np.uint64)]), axis=1)
        indptr = np.arange(rows + 1) * (shared + own)
        return op.ShingleSets.from_hashes(indptr, sets.ravel(), counts=np.ones(sets.size, np.uint32))

    return side(), side()


@pytest.mark.parametrize("confidence", [0.5, 0.95, 0.999])
def test_ends_are_those_of_clopper_and_pearson(confidence):
    trials = np.array([1, 1, 7, 7, 7, 128, 128, 128, 2000])
    successes = np.array([0, 1, 0, 3, 7, 0, 64, 128, 1999])
    found = _clopper_pearson(successes, trials, confidence)
    for ends, x, n in zip(found, successes.tolist(), trials.tolist(), strict=True):
        np.testing.assert_allclose(ends, binomtest(x, n).proportion_ci(confidence, "exact"), rtol=1e-9)


@pytest.mark.parametrize(
    ("sketcher", "metric", "truth"),
    [
        (op.MinHash(64), "jaccard", 40 / 80),
        (op.MinHash(64, scheme="oph"), "jaccard", 40 / 80),
        (op.FracMinHash(4), "jaccard", 40 / 80),
        (op.FracMinHash(4), "containment", 40 / 60),
    ],
    ids=["affine32-op1", "oph", "fracminhash-jaccard", "fracminhash-containment"],
)
@pytest.mark.parametrize("confidence", [0.8, 0.95])
def test_intervals_cover_the_truth(sketcher, metric, truth, confidence):
    rows = 4000
    a, b = batch(np.random.default_rng(8), rows, shared=40, own=20)
    left, right = sketcher.sketch(a), sketcher.sketch(b)
    ends = op.score_interval(left, right, metric=metric, confidence=confidence)
    score = {"jaccard": op.jaccard, "containment": op.containment}[metric](left, right)
    known = ~np.isnan(score)
    assert known.mean() > 0.99
    assert ((ends[known, 0] <= score[known]) & (score[known] <= ends[known, 1])).all()
    covered = ((ends[known, 0] <= truth) & (truth <= ends[known, 1])).mean()
    assert covered >= confidence - 3 * np.sqrt(confidence * (1 - confidence) / rows)
    # Not by being everything: the interval of so many trials has about this width.
    assert np.median(ends[known, 1] - ends[known, 0]) < 0.6


def test_hamming_interval_is_of_the_share_of_bits_that_agree():
    a, b = batch(np.random.default_rng(2), 50, shared=20, own=5)
    simhash = op.SimHash(128)
    left, right = simhash.sketch(a), simhash.sketch(b)
    ends = op.score_interval(left, right, metric="hamming")
    agree = 128 - op.hamming(left, right).astype(int)
    for row, x in zip(ends, agree.tolist(), strict=True):
        np.testing.assert_allclose(row, binomtest(x, 128).proportion_ci(0.95, "exact"), rtol=1e-9)


def test_what_is_known_has_no_width():
    shingler = op.Shingler(n=1)
    minhash = op.MinHash(16, shingler=shingler)
    ends = op.score_interval(minhash.sketch(["a", "", "a", ""]), minhash.sketch(["a", "a", "", ""]))
    np.testing.assert_array_equal(ends[1:], [[0, 0], [0, 0], [np.nan, np.nan]])
    assert 0 < ends[0, 0] < ends[0, 1] == 1
    frac = op.FracMinHash(1, shingler=shingler).sketch(["a b"])
    np.testing.assert_array_equal(op.score_interval(frac, frac, metric="dice"), [[1, 1]])


def test_without_scipy_the_pip_line_is_printed(monkeypatch):
    minhash = op.MinHash(16).sketch(["a b c d e f"])
    monkeypatch.setitem(sys.modules, "scipy.special", None)
    with pytest.raises(op.MissingExtraError, match="pip install 'overproof\\[stats\\]'"):
        op.score_interval(minhash, minhash)

"""Estimates from sketches against the reference; matrices; NaN rules; refusals."""

import math

import numpy as np
import overproof as op
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from overproof import reference as ref

hashes = st.integers(0, 2**64 - 1) | st.integers(0, 12).map(lambda x: x * 0x9E3779B97F4A7C15 % 2**64)
pairs = st.lists(st.tuples(st.sets(hashes, max_size=25), st.sets(hashes, max_size=25)), max_size=5)
SCHEMES = ["affine32-op1", "oph", "datasketch-affine32", "datasketch-affine64", "datasketch-legacy"]
SET_SCORES = {
    "jaccard": (op.jaccard, ref.jaccard),
    "containment": (op.containment, ref.containment),
    "overlap_coefficient": (op.overlap_coefficient, ref.overlap_coefficient),
    "dice": (op.dice, ref.dice),
}


def csr(rows):
    flat = np.array([h for row in rows for h in sorted(row)], np.uint64)
    return op.ShingleSets.from_hashes(np.cumsum([0, *map(len, rows)]), flat, counts=np.ones(len(flat), np.uint32))


def sides(pairs):
    return csr([x for x, _ in pairs]), csr([y for _, y in pairs])


def equal(found, expected):
    np.testing.assert_array_equal(found, np.array(expected, np.float64))


@pytest.mark.parametrize("scheme", ["affine32-op1", "oph"])
@settings(max_examples=40)
@given(pairs)
def test_minhash_rows_and_matrix_equal_the_reference(scheme, pairs):
    minhash = op.MinHash(16, scheme=scheme)
    a, b = (minhash.sketch(side) for side in sides(pairs))
    estimate = ref.oph_jaccard if scheme == "oph" else ref.minhash_jaccard
    rows = [
        [ref.Sketch(values, empty) for values, empty in zip(np.asarray(s).tolist(), s.empty.tolist(), strict=True)]
        for s in (a, b)
    ]
    equal(op.jaccard(a, b), [estimate(x, y) for x, y in zip(*rows, strict=True)])
    equal(op.jaccard(a, b), op.jaccard(b, a))
    matrix = op.cdist(a, b, dtype=np.float64)
    equal(matrix, np.array([[estimate(x, y) for y in rows[1]] for x in rows[0]]).reshape(matrix.shape))
    np.testing.assert_array_equal(op.cdist(a, b, threads=2), matrix.astype(np.float32))


@pytest.mark.parametrize("bits", [64, 128])
@settings(max_examples=40)
@given(pairs)
def test_hamming_rows_and_matrix_equal_the_reference(bits, pairs):
    simhash = op.SimHash(bits)
    some = [(x, y) for x, y in pairs if x and y]
    a, b = (simhash.sketch(side) for side in sides(some))
    found = op.hamming(a, b)
    assert found.dtype == np.uint32
    words = np.asarray(a).tolist(), np.asarray(b).tolist()
    assert found.tolist() == [ref.hamming(x, y) for x, y in zip(*words, strict=True)]
    matrix = op.cdist(a, b, "hamming")
    equal(matrix, np.array([[ref.hamming(x, y) for y in words[1]] for x in words[0]]).reshape(matrix.shape))
    np.testing.assert_array_equal(np.diag(matrix), found)


@settings(max_examples=40)
@given(pairs, st.sampled_from([1, 2, 5]))
def test_fracminhash_scores_are_those_of_the_kept_hashes(pairs, scaled):
    frac = op.FracMinHash(scaled)
    sets = sides(pairs)
    a, b = (frac.sketch(side) for side in sets)
    kept = [(ref.fracminhash(x, scaled), ref.fracminhash(y, scaled)) for x, y in pairs]
    for metric, (score, expected) in SET_SCORES.items():
        equal(score(a, b), [expected(x, y) for x, y in kept])
        matrix = op.cdist(a, b, metric, dtype=np.float64)
        equal(np.diag(matrix), score(a, b))
        if scaled == 1:
            equal(score(a, b), score(*sets))
    debiased = [
        ref.fracminhash_containment_debiased(kept_a, kept_b, scaled=scaled, size_a=len(x))
        for (kept_a, kept_b), (x, _) in zip(kept, pairs, strict=True)
    ]
    equal(op.containment(a, b, debias=True), debiased)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_nan_rules_of_minhash(scheme):
    if scheme.startswith("datasketch"):
        pytest.importorskip("datasketch")
        minhash = op.MinHash(32, scheme=scheme)
        a, b = minhash.sketch([["x", "y"], [], ["x"], []]), minhash.sketch([["y", "x"], ["x"], [], []])
    else:
        minhash = op.MinHash(32, scheme=scheme, shingler=op.Shingler(n=1))
        a, b = minhash.sketch(["x y", "", "x", ""]), minhash.sketch(["y x", "x", "", ""])
    equal(op.jaccard(a, b), [1, 0, 0, math.nan])
    equal(np.diag(op.cdist(a, b)), [1, 0, 0, math.nan])


def test_missing_rows_score_nan():
    shingler = op.Shingler(n=1)
    a = shingler.transform(["x", None, "x"], missing="keep", counts=True)
    b = shingler.transform(["x", "x", None], missing="keep", counts=True)
    for sketcher in (op.MinHash(16), op.MinHash(16, scheme="oph"), op.FracMinHash(1)):
        equal(op.jaccard(sketcher.sketch(a), sketcher.sketch(b)), [1, math.nan, math.nan])
    simhash = op.SimHash()
    equal(np.diag(op.cdist(simhash.sketch(a), simhash.sketch(b), "hamming")), [0, math.nan, math.nan])


def test_threads_never_change_an_estimate():
    rng = np.random.default_rng(1)
    rows = [set(rng.integers(0, 2**63, 40).tolist()) for _ in range(900)]
    for sketch, metric in ((op.MinHash(128).sketch(csr(rows)), "jaccard"), (op.SimHash().sketch(csr(rows)), "hamming")):
        one = op.cdist(sketch, sketch, metric, threads=1)
        for threads in (2, 5):
            np.testing.assert_array_equal(op.cdist(sketch, sketch, metric, threads=threads), one)
        np.testing.assert_array_equal(one, one.T)


def test_what_a_sketch_does_not_hold_is_refused():
    shingler = op.Shingler(n=1)
    minhash, other = (op.MinHash(16, shingler=shingler, seed=seed).sketch(["a"]) for seed in (1, 2))
    simhash = op.SimHash(shingler=shingler).sketch(["a", ""])
    frac = op.FracMinHash(2, shingler=shingler).sketch(["a"])
    for score in (op.containment, op.overlap_coefficient, op.dice):
        with pytest.raises(op.InputError, match="use ShingleSets \\(exact\\) or FracMinHash"):
            score(minhash, minhash)
    with pytest.raises(op.InputError, match="SimHash sketches hold no jaccard"):
        op.jaccard(simhash, simhash)
    with pytest.raises(op.InputError, match="hamming needs SimHash sketches; these are affine32-op1"):
        op.hamming(minhash, minhash)
    with pytest.raises(op.InputError, match="row 1 of a has no SimHash: its text is without shingles"):
        op.hamming(simhash, simhash)
    with pytest.raises(op.InputError, match="a is a SketchArray and b is a SetSketch"):
        op.jaccard(minhash, frac)
    with pytest.raises(op.InputError, match="no exact binomial interval"):
        op.score_interval(frac, frac, metric="dice")
    with pytest.raises(op.InputError, match="unknown"):
        op.cdist(minhash, minhash, "cosine")
    with pytest.raises(op.IncompatibleError) as raised:
        op.jaccard(minhash, other)
    for sketch in (minhash, other):
        assert str(sketch.params) in str(raised.value)
    union = frac | frac
    with pytest.raises(op.InputError, match="debias=True needs it"):
        op.containment(union, frac, debias=True)

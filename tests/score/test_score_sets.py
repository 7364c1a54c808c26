"""Exact scores of sets against Python sets and the reference; laws; NaN rules; matrices; refusals."""

import math
import pickle

import numpy as np
import overproof as op
import pytest
from hypothesis import given
from hypothesis import strategies as st
from overproof import reference as ref

SCORES = {
    "jaccard": (op.jaccard, ref.jaccard),
    "containment": (op.containment, ref.containment),
    "overlap_coefficient": (op.overlap_coefficient, ref.overlap_coefficient),
    "dice": (op.dice, ref.dice),
}
elements = st.integers(0, 30) | st.integers(0, 30).map(lambda x: 2**64 - 1 - x * 0x0123456789ABCDEF)
one_set = st.sets(elements, max_size=20) | st.integers(0, 2000).map(lambda n: set(range(n)))
batches = st.lists(one_set, max_size=6)


def csr(rows):
    indptr = np.cumsum([0, *map(len, rows)])
    return op.ShingleSets.from_hashes(indptr, np.array([h for row in rows for h in sorted(row)], np.uint64))


@pytest.mark.parametrize("metric", SCORES)
@given(st.lists(st.tuples(one_set, one_set), max_size=6))
def test_rows_equal_the_reference(metric, pairs):
    a, b = csr([x for x, _ in pairs]), csr([y for _, y in pairs])
    score, expected = SCORES[metric]
    found = score(a, b)
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, np.array([expected(x, y) for x, y in pairs], np.float64))
    np.testing.assert_array_equal(score(a, b, threads=1), found)


@given(st.lists(st.tuples(one_set, one_set), min_size=1, max_size=6))
def test_laws(pairs):
    a, b = csr([x for x, _ in pairs]), csr([y for _, y in pairs])
    size_a, size_b = np.diff(a.indptr), np.diff(b.indptr)
    for symmetric in (op.jaccard, op.dice, op.overlap_coefficient):
        np.testing.assert_array_equal(symmetric(a, b), symmetric(b, a))
    both = (size_a > 0) & (size_b > 0)
    np.testing.assert_allclose((op.containment(a, b) * size_a)[both], (op.containment(b, a) * size_b)[both], rtol=1e-14)
    order = np.random.default_rng(len(pairs)).permutation(len(pairs))
    np.testing.assert_array_equal(op.jaccard(a.take(order), b.take(order)), op.jaccard(a, b)[order])


@pytest.mark.parametrize("metric", SCORES)
@given(batches, batches)
def test_matrix_equals_rows(metric, a, b):
    found = op.cdist(csr(a), csr(b), metric, dtype=np.float64)
    expected = np.array([[SCORES[metric][1](x, y) for y in b] for x in a], np.float64).reshape(len(a), len(b))
    np.testing.assert_array_equal(found, expected)
    single = op.cdist(csr(a), csr(b), metric, threads=2)
    assert single.dtype == np.float32
    np.testing.assert_array_equal(single, expected.astype(np.float32))


def test_threads_never_change_a_matrix():
    rng = np.random.default_rng(5)
    rows = [set(rng.integers(0, 500, rng.integers(0, 200)).tolist()) for _ in range(600)]
    sets = csr(rows)
    one = op.cdist(sets, sets, threads=1)
    for threads in (2, 3, 8):
        np.testing.assert_array_equal(op.cdist(sets, sets, threads=threads), one)
    np.testing.assert_array_equal(op.jaccard(sets, sets, threads=8), np.where([not r for r in rows], np.nan, 1))
    i, j = 17, 401
    assert one[i, j] == np.float32(ref.jaccard(rows[i], rows[j]))


def test_nan_only_where_a_denominator_is_zero_or_a_text_is_missing():
    shingler = op.Shingler(n=1)
    a = shingler.transform(["a", "", "a", "", None, "a"], missing="keep")
    b = shingler.transform(["a", "a", "", "", "a", None], missing="keep")
    nan = math.nan
    np.testing.assert_array_equal(op.jaccard(a, b), [1, 0, 0, nan, nan, nan])
    np.testing.assert_array_equal(op.dice(a, b), [1, 0, 0, nan, nan, nan])
    np.testing.assert_array_equal(op.containment(a, b), [1, nan, 0, nan, nan, nan])
    np.testing.assert_array_equal(op.overlap_coefficient(a, b), [1, nan, nan, nan, nan, nan])
    for metric, (score, _) in SCORES.items():
        np.testing.assert_array_equal(np.diag(op.cdist(a, b, metric)), score(a, b).astype(np.float32))


def test_an_exact_score_has_no_width():
    shingler = op.Shingler(n=1)
    a, b = shingler.transform(["a b c", "", "a"]), shingler.transform(["b c d", "", ""])
    for metric, (score, _) in SCORES.items():
        expected = score(a, b)
        np.testing.assert_array_equal(op.score_interval(a, b, metric=metric), np.column_stack([expected, expected]))


def test_texts_score_as_the_reference():
    left = ["The cat sat on the mat", "漢字 かな", "short"]
    right = ["the CAT sat on a mat", "漢字 カナ", "short!"]
    shingler = op.Shingler(n=2)
    found = op.jaccard(shingler.transform(left), shingler.transform(right))
    want = [ref.jaccard(ref.shingle(x, 2).hashes, ref.shingle(y, 2).hashes) for x, y in zip(left, right, strict=True)]
    assert found.tolist() == want


def test_what_cannot_be_compared_is_refused():
    one, two = op.Shingler(n=1).transform(["a"]), op.Shingler(n=2).transform(["a"])
    with pytest.raises(op.IncompatibleError) as raised:
        op.jaccard(one, two)
    for sets in (one, two):
        assert str(sets.params) in str(raised.value)
        assert f"{sets.fingerprint:016x}" in str(raised.value)
    with pytest.raises(op.IncompatibleError):
        op.cdist(one, two)
    with pytest.raises(op.InputError, match="a has 1 rows and b has 2"):
        op.jaccard(one, op.Shingler(n=1).transform(["a", "b"]))
    with pytest.raises(op.InputError, match="a is a list and b is a ShingleSets; give two ShingleSets"):
        op.jaccard(["a"], one)
    with pytest.raises(op.InputError, match='metric="cosine" is unknown for sets'):
        op.cdist(one, one, "cosine")
    with pytest.raises(op.InputError, match="dtype=int64"):
        op.cdist(one, one, dtype=np.int64)
    with pytest.raises(op.InputError, match="hamming needs SimHash"):
        op.hamming(one, one)
    with pytest.raises(op.InputError, match="debias=True is for FracMinHash"):
        op.containment(one, one, debias=True)
    with pytest.raises(op.InputError, match=r"confidence=1\.5"):
        op.score_interval(one, one, confidence=1.5)


def test_a_matrix_beyond_memory_is_refused():
    rows = 5_000_000  # 200 TB, beyond what a process can address
    sets = op.ShingleSets.from_hashes(np.zeros(rows + 1, np.int64), [])
    with pytest.raises(op.InputError, match="5000000 x 5000000 does not fit into memory"):
        op.cdist(sets, sets, dtype=np.float64)


def test_results_of_slices_pickle():
    sets = csr([{1, 2}, {2}])
    again = pickle.loads(pickle.dumps(sets))
    np.testing.assert_array_equal(op.jaccard(again[1:], sets[:1]), [0.5])

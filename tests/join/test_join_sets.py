"""Exact joins against brute force, by the reference, on any sets; laws that every join keeps."""

import logging
import pickle
from collections.abc import Sequence

import numpy as np
import overproof as op
import pytest
from hypothesis import given
from hypothesis import strategies as st
from overproof import reference as ref

METRICS = ["jaccard", "containment", "overlap_coefficient", "dice"]

Rows = Sequence[frozenset[int]]

hashes = st.one_of(st.integers(0, 30), st.integers(2**64 - 5, 2**64 - 1))
batches = st.lists(st.frozensets(hashes, max_size=25), max_size=10)
sides = st.tuples(batches, batches)
metrics = st.sampled_from(METRICS)
fractions = st.tuples(st.integers(1, 12), st.integers(1, 12)).map(lambda t: min(t) / max(t))
thresholds = st.one_of(fractions, st.floats(0.01, 1))


def sets_of(rows: Rows) -> op.ShingleSets:
    indptr = np.cumsum([0] + [len(row) for row in rows], dtype=np.int64)
    return op.ShingleSets.from_hashes(indptr, np.array([h for row in rows for h in sorted(row)], np.uint64))


def triples(pairs: op.Pairs) -> list[tuple[int, int, float]]:
    return list(zip(pairs.left.tolist(), pairs.right.tolist(), pairs.score.tolist(), strict=True))


def as_float32(pairs: list[tuple[int, int, float]]) -> list[tuple[int, int, float]]:
    return [(i, j, float(np.float32(score))) for i, j, score in pairs]


@given(sides, thresholds, metrics, st.one_of(st.none(), st.integers(1, 5000)), st.sampled_from([1, 2]))
def test_exact_join_equals_brute_force(
    sides: tuple[Rows, Rows], threshold: float, metric: str, memory: int | None, threads: int
) -> None:
    a, b = sides
    found = op.similarity_join(
        sets_of(a), sets_of(b), threshold=threshold, metric=metric, recall=1, memory=memory, threads=threads
    )
    assert triples(found) == as_float32(ref.similarity_join(a, b, threshold=threshold, metric=metric))
    assert (found.rows, found.verified) == ((len(a), len(b)), True)
    assert found.empty == (sum(not row for row in a), sum(not row for row in b))


@given(batches, thresholds, metrics, st.one_of(st.none(), st.integers(1, 5000)))
def test_self_join_equals_brute_force(a: Rows, threshold: float, metric: str, memory: int | None) -> None:
    found = op.similarity_join(sets_of(a), threshold=threshold, metric=metric, recall=1, memory=memory)
    assert triples(found) == as_float32(ref.similarity_join(a, threshold=threshold, metric=metric))


@given(sides, metrics, st.integers(1, 4), st.one_of(st.just(0.0), fractions), st.integers(1, 5000))
def test_topk_equals_brute_force(sides: tuple[Rows, Rows], metric: str, k: int, threshold: float, memory: int) -> None:
    a, b = sides
    every = ref.similarity_join(a, b, threshold=threshold or 1e-300, metric=metric)
    want = []
    for i in range(len(a)):
        want += sorted((p for p in every if p[0] == i), key=lambda p: (-p[2], p[1]))[:k]
    for limit in (None, memory):
        found = op.similarity_topk(sets_of(a), sets_of(b), k, metric=metric, threshold=threshold, memory=limit)
        assert triples(found) == as_float32(want)


@given(batches, metrics, st.integers(1, 4))
def test_topk_of_a_side_with_itself_leaves_out_the_row(a: Rows, metric: str, k: int) -> None:
    found = op.similarity_topk(sets_of(a), k=k, metric=metric)
    both = op.similarity_topk(sets_of(a), sets_of(a), len(a) + 1, metric=metric)
    assert not (found.left == found.right).any()
    want = []
    for i in range(len(a)):
        want += [p for p in triples(both) if p[0] == i != p[1]][:k]
    assert triples(found) == want


@given(batches, batches, st.randoms(use_true_random=False), metrics, thresholds)
def test_permuted_rows_permute_pairs(a: Rows, b: Rows, random: np.random.Generator, metric: str, t: float) -> None:
    order = list(range(len(a)))
    random.shuffle(order)
    found = op.similarity_join(sets_of(a), sets_of(b), threshold=t, metric=metric)
    mixed = op.similarity_join(sets_of([a[i] for i in order]), sets_of(b), threshold=t, metric=metric)
    assert sorted((order[i], j, s) for i, j, s in triples(mixed)) == triples(found)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize(("shared", "size"), [(1, 3), (2, 3), (7, 10), (29, 49), (1, 49)])
def test_a_score_that_equals_the_threshold_is_in(metric: str, shared: int, size: int) -> None:
    """At p / q in float64, as the reference divides it, and not a step above."""
    a, b = frozenset(range(size)), frozenset(range(shared))
    score = ref.join.METRICS[metric](a, b)
    sides = sets_of([a]), sets_of([b])
    assert len(op.similarity_join(*sides, threshold=score, metric=metric, recall=1)) == 1
    above = np.nextafter(score, 2)
    assert above > 1 or len(op.similarity_join(*sides, threshold=above, metric=metric, recall=1)) == 0


def test_large_sides_and_threads() -> None:
    """Many blocks of work, hot hashes and rare ones: threads and memory change nothing, all pairs are there."""
    rng = np.random.default_rng(5)
    rows = [frozenset((rng.zipf(1.3, 60) % 5000).tolist()) for _ in range(1500)]
    a, b = sets_of(rows[:700]), sets_of(rows[700:])
    for metric in METRICS:
        found = op.similarity_join(a, b, threshold=0.35, metric=metric, recall=1, threads=1)
        again = op.similarity_join(a, b, threshold=0.35, metric=metric, recall=1, threads=3, memory="200 kB")
        assert triples(found) == triples(again)
        matrix = op.cdist(a, b, metric, dtype=np.float64)
        left, right = np.nonzero(matrix >= 0.35)
        assert len(left) > 20
        assert np.array_equal(found.left, left)
        assert np.array_equal(found.right, right)
        assert np.array_equal(found.score, matrix[left, right].astype(np.float32))


def test_users_small_hashes_are_no_trap() -> None:
    """Hash tables by the top bits would walk for hours."""
    n = 200_000
    a = op.ShingleSets.from_hashes([0, n, 2 * n], np.concatenate([np.arange(n), np.arange(1, n + 1)]))
    assert triples(op.similarity_join(a, threshold=0.5, recall=1)) == [(0, 1, np.float32((n - 1) / (n + 1)))]
    assert triples(op.similarity_topk(a, k=1)) == [(i, 1 - i, np.float32((n - 1) / (n + 1))) for i in (0, 1)]


def test_pairs_are_arrays_that_nobody_changes_and_pickle() -> None:
    pairs = op.similarity_join(sets_of([frozenset({1, 2}), frozenset({1, 2, 3})]), threshold=0.5)
    assert (pairs.left.dtype, pairs.right.dtype, pairs.score.dtype) == (np.int64, np.int64, np.float32)
    with pytest.raises(ValueError, match="read-only"):
        pairs.score[0] = 1
    again = pickle.loads(pickle.dumps(pairs))
    assert triples(again) == triples(pairs)
    assert repr(again) == repr(pairs)
    assert again.fingerprint == pairs.fingerprint != op.similarity_topk(sets_of([])).fingerprint
    with pytest.raises(ValueError, match="read-only"):
        again.score[0] = 1


def test_nothing_found_is_said_loudly(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "overproof"):
        pairs = op.similarity_join(sets_of([frozenset(), frozenset({1})]), sets_of([frozenset({2})]), threshold=0.5)
    assert len(pairs) == 0
    summary = "NO pairs of 2 x 1 rows, jaccard >= 0.5, verified, recall target 0.95; rows without shingles: 1, 0"
    assert summary in repr(pairs)
    assert [record.getMessage() for record in caplog.records] == [f"the join found nothing: {summary}"]
    caplog.clear()
    op.similarity_join(sets_of([frozenset({1})] * 2), threshold=0.5)
    assert not caplog.records


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"threshold": 0}, "threshold=0"),
        ({"threshold": 1.5}, "threshold=1.5"),
        ({"threshold": float("nan")}, "threshold=NaN"),
        ({"recall": 0}, "recall=0"),
        ({"recall": 1.1, "metric": "dice"}, "recall=1.1"),
        ({"metric": "cosine"}, 'metric="cosine" is unknown'),
        ({"memory": "much"}, "memory='much'"),
        ({"memory": "2 parsecs"}, "memory='2 parsecs'"),
        ({"memory": 0}, "memory=0"),
        ({"memory": True}, "memory=True"),
        ({"memory": 1.5}, "memory=1.5"),
        ({"threads": 0}, "threads must be at least 1"),
        ({"num_perm": 0}, "num_perm=0"),
        ({"num_perm": 2**17}, "num_perm=131072"),
    ],
)
def test_bad_arguments(options: dict[str, object], message: str) -> None:
    rows = sets_of([frozenset({1}), frozenset({1})])
    with pytest.raises(op.InputError) as caught:
        op.similarity_join(rows, **{"threshold": 0.5, **options})  # type: ignore[arg-type]
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"k": 0}, "k=0"),
        ({"k": 1.5}, "k=1.5"),
        ({"threshold": -0.1}, "threshold=-0.1"),
        ({"metric": "x"}, 'metric="x"'),
    ],
)
def test_bad_arguments_of_topk(options: dict[str, object], message: str) -> None:
    with pytest.raises(op.InputError) as caught:
        op.similarity_topk(sets_of([frozenset({1})]), **options)  # type: ignore[arg-type]
    assert message in str(caught.value)


@pytest.mark.parametrize("join", [op.similarity_topk, lambda *sides: op.similarity_join(*sides, threshold=0.5)])
def test_sides_that_were_made_differently_are_refused(join: object) -> None:
    texts = ["a b c", "b c d"]
    with pytest.raises(op.IncompatibleError, match="n=2") as caught:
        join(op.Shingler(2).transform(texts), op.Shingler(3).transform(texts))  # type: ignore[operator]
    assert "n=3" in str(caught.value)
    with pytest.raises(op.IncompatibleError, match="the user's hashes"):
        join(texts, sets_of([frozenset({1})]))  # type: ignore[operator]

"""Joins of MinHash sketches: candidates by bands, pairs by their estimate."""

import numpy as np
import overproof as op
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

words = st.lists(st.sampled_from("abcdefghij"), max_size=12).map(" ".join)
texts = st.lists(words, max_size=8)
thresholds = st.one_of(st.integers(1, 32).map(lambda x: x / 32), st.floats(0.01, 1))


def triples(pairs: op.Pairs) -> list[tuple[int, int, float]]:
    return list(zip(pairs.left.tolist(), pairs.right.tolist(), pairs.score.tolist(), strict=True))


@pytest.mark.parametrize("scheme", ["affine32-op1", "oph"])
@given(texts, texts, thresholds, st.one_of(st.none(), st.integers(1, 4000)))
@settings(max_examples=50)
def test_recall_one_finds_every_estimate(
    scheme: str, left: list[str], right: list[str], t: float, memory: int | None
) -> None:
    sketch = op.MinHash(32, scheme=scheme, shingler=op.Shingler(1)).sketch
    a, b = sketch(left), sketch(right)
    found = op.similarity_join(a, b, threshold=t, recall=1, memory=memory)
    matrix = op.cdist(a, b, dtype=np.float64)
    with np.errstate(invalid="ignore"):
        at = np.nonzero(matrix >= t)
    assert triples(found) == list(zip(*(x.tolist() for x in at), matrix[at].astype(np.float32).tolist(), strict=True))
    assert found.verified is False
    itself = op.similarity_join(a, threshold=t, recall=1, memory=memory, threads=2)
    assert triples(itself) == [p for p in triples(op.similarity_join(a, a, threshold=t, recall=1)) if p[0] < p[1]]


@pytest.mark.parametrize("scheme", ["affine32-op1", "oph", "datasketch-affine64"])
def test_bands_of_sketches_find_what_bands_of_texts_find(scheme: str) -> None:
    rng = np.random.default_rng(3)
    rows = [rng.integers(0, 10**6, 40) for _ in range(200)]
    texts = [" ".join(map(str, row)) for row in rows]
    near = [" ".join(map(str, [*row[:39], 10**6 + i])) for i, row in enumerate(rows)]
    if scheme.startswith("datasketch"):
        sketch = op.MinHash(scheme=scheme).sketch
        sketches = sketch([text.split() for text in texts]), sketch([text.split() for text in near])
    else:
        sketch = op.MinHash(scheme=scheme, shingler=op.Shingler(1)).sketch
        sketches = sketch(texts), sketch(near)
    found = op.similarity_join(*sketches, threshold=0.8)
    assert np.array_equal(np.unique(found.left), np.arange(200))
    assert np.array_equal(found.left, found.right)
    assert abs(found.score.mean() - 39 / 41) < 0.01
    assert "estimated" in repr(found)
    if scheme == "affine32-op1":
        exact = op.similarity_join(texts, near, threshold=0.8, shingler=op.Shingler(1))
        assert np.array_equal(exact.left, found.left)
        assert (exact.score == np.float32(39 / 41)).all()


def test_what_sketches_do_not_hold_is_refused() -> None:
    texts = ["a b c", "a b d"]
    minhash, simhash = op.MinHash(16).sketch(texts), op.SimHash().sketch(texts)
    with pytest.raises(op.InputError, match="containment needs the sizes"):
        op.similarity_join(minhash, threshold=0.5, metric="containment")
    with pytest.raises(op.InputError, match="SimHash sketches hold no jaccard"):
        op.similarity_join(simhash, threshold=0.5)
    with pytest.raises(op.InputError, match="hamming needs SimHash"):
        op.similarity_join(minhash, threshold=3, metric="hamming")
    with pytest.raises(op.InputError, match="sketch both or neither"):
        op.similarity_join(minhash, texts, threshold=0.5)
    with pytest.raises(op.InputError, match="num_perm=16 cannot reach"):
        op.similarity_join(minhash, threshold=0.01)
    with pytest.raises(op.InputError, match="threshold=0"):
        op.similarity_join(minhash, threshold=0, recall=1)
    with pytest.raises(op.IncompatibleError, match="num_perm"):
        op.similarity_join(minhash, op.MinHash(32).sketch(texts), threshold=0.5)
    with pytest.raises(
        op.InputError, match="topk does not take MinHash sketches: give ShingleSets or texts, or use cdist"
    ):
        op.similarity_topk(minhash)


@pytest.mark.parametrize("scheme", ["affine32-op1", "datasketch-affine64"])
@given(texts, texts, st.tuples(st.integers(1, 8), st.integers(1, 4)), st.one_of(st.none(), st.integers(1, 4000)))
@settings(max_examples=50)
def test_candidates_agree_on_a_band(
    scheme: str, left: list[str], right: list[str], params: tuple[int, int], memory: int | None
) -> None:
    if scheme.startswith("datasketch"):
        a, b = (op.MinHash(32, scheme=scheme).sketch([text.split() for text in side]) for side in (left, right))
    else:
        a, b = (op.MinHash(32, shingler=op.Shingler(1)).sketch(side) for side in (left, right))

    def of(x: op.SketchArray, i: int, y: op.SketchArray, j: int) -> float:
        if x.empty[i] or y.empty[j]:
            return 0.0
        cut = [np.asarray(side)[row, : params[0] * params[1]].reshape(params) for side, row in ((x, i), (y, j))]
        return float((cut[0] == cut[1]).all(axis=1).mean())

    want = [(i, j, of(a, i, b, j)) for i in range(len(a)) for j in range(len(b))]
    found = op.candidate_pairs(a, b, params=params, memory=memory)
    assert triples(found) == [(i, j, float(np.float32(s))) for i, j, s in want if s > 0]
    assert not found.verified
    want = [(i, j, of(a, i, a, j)) for i in range(len(a)) for j in range(i + 1, len(a))]
    itself = op.candidate_pairs(a, params=params, memory=memory, threads=2)
    assert triples(itself) == [(i, j, float(np.float32(s))) for i, j, s in want if s > 0]


def test_candidates_that_cannot_be_are_refused() -> None:
    texts = ["a b c", "a b d"]
    minhash, simhash = op.MinHash(16).sketch(texts), op.SimHash().sketch(texts)
    with pytest.raises(op.InputError, match="left is of type list"):
        op.candidate_pairs(texts, params=(4, 4))  # type: ignore[arg-type]
    with pytest.raises(op.InputError, match="simhash sketches have no bands"):
        op.candidate_pairs(simhash, params=(4, 4))
    with pytest.raises(op.InputError, match="4 bands of 5 values"):
        op.candidate_pairs(minhash, params=(4, 5))
    with pytest.raises(op.IncompatibleError, match="num_perm"):
        op.candidate_pairs(minhash, op.MinHash(32).sketch(texts), params=(4, 4))
    for params in ((0, 4), (4,), 4, (1.5, 2), (2**33, 1)):
        with pytest.raises(op.InputError, match="give bands and values"):
            op.candidate_pairs(minhash, params=params)  # type: ignore[arg-type]

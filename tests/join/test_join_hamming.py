"""Joins of SimHash sketches by the distance of their bits, against the matrix of all distances."""

import json

import numpy as np
import overproof as op
import pytest
from hypothesis import given
from hypothesis import strategies as st
from levels import at_every_level


def bits(values: list[int], empty: list[int] | None = None, width: int = 64) -> op.SketchArray:
    """Rows whose first word is the value: the SimHash of one hash of weight 1 is the hash."""
    lengths = [0 if i in (empty or []) else 1 for i in range(len(values))]
    kept = [value for value, length in zip(values, lengths, strict=True) if length]
    sets = op.ShingleSets.from_hashes(np.cumsum([0, *lengths]), np.array(kept, np.uint64), counts=[1] * len(kept))
    return op.SimHash(width).sketch(sets)


def triples(pairs: op.Pairs) -> list[tuple[int, int, float]]:
    return list(zip(pairs.left.tolist(), pairs.right.tolist(), pairs.score.tolist(), strict=True))


def all_pairs(a: op.SketchArray, b: op.SketchArray, limit: int) -> list[tuple[int, int, float]]:
    matrix = op.cdist(a, b, "hamming", dtype=np.float64)
    with np.errstate(invalid="ignore"):
        at = np.nonzero(matrix <= limit)
    return list(zip(*(x.tolist() for x in at), matrix[at].tolist(), strict=True))


few = st.lists(st.integers(0, 63), max_size=5).map(lambda places: sum(1 << place for place in set(places)))
values = st.lists(st.one_of(few, few.map(lambda v: v ^ (2**64 - 1)), st.integers(0, 2**64 - 1)), max_size=40)


@given(values, values, st.integers(0, 20), st.sampled_from([64, 128]), st.one_of(st.none(), st.integers(1, 9000)))
def test_all_pairs_within_a_distance(
    left: list[int], right: list[int], limit: int, width: int, memory: int | None
) -> None:
    a, b = bits(left, [1, 4], width), bits(right, [0], width)
    found = op.similarity_join(a, b, threshold=limit, metric="hamming", memory=memory)
    assert triples(found) == all_pairs(a, b, limit)
    itself = op.similarity_join(a, threshold=limit, metric="hamming", memory=memory, threads=2)
    assert triples(itself) == [pair for pair in all_pairs(a, a, limit) if pair[0] < pair[1]]
    assert itself.empty == (sum(i < len(left) for i in (1, 4)),) * 2


@given(values, values, st.integers(1, 6), st.one_of(st.none(), st.integers(0, 40)), st.sampled_from([64, 128]))
def test_nearest(left: list[int], right: list[int], k: int, limit: int | None, width: int) -> None:
    a, b = bits(left, [2], width), bits(right, [1], width)
    for other in (b, None):
        within = all_pairs(a, a if other is None else b, width if limit is None else limit)
        want = [p for p in within if other is not None or p[0] != p[1]]
        want = [
            p
            for row in range(len(left))
            for p in sorted((p for p in want if p[0] == row), key=lambda p: (p[2], p[1]))[:k]
        ]
        found = op.similarity_topk(a, other, k, metric="hamming", threshold=limit)
        assert triples(found) == want


@pytest.mark.parametrize("limit", [0, 1, 3, 5, 9, 16, 25])
@pytest.mark.parametrize("width", [64, 128])
def test_blocks_and_brute_force_find_the_same(limit: int, width: int) -> None:
    rng = np.random.default_rng(limit)
    hubs = rng.integers(0, 2**64, 300, np.uint64)
    flips = np.bitwise_or.reduce(np.uint64(1) << rng.integers(0, 64, (3000, 4), np.uint64), axis=1)
    near = [int(v) for v in np.concatenate([hubs, hubs[rng.integers(0, 300, 3000)] ^ flips])]
    a, b = bits(near[:2000], width=width), bits(near[1000:], width=width)
    want = all_pairs(a, b, limit)
    assert triples(op.similarity_join(a, b, threshold=limit, metric="hamming")) == want
    assert (width == 128) or (limit < 3) or len(want) > 1000
    best = op.similarity_topk(a, b, 1, metric="hamming")
    assert np.array_equal(best.score, op.cdist(a, b, "hamming").min(axis=1))


def test_texts() -> None:
    texts = ["to be or not to be that is the question", "to be or not to be that was the question", "no", ""]
    sketches = op.SimHash(shingler=op.Shingler(1)).sketch(texts)
    pairs = op.similarity_join(sketches, threshold=5, metric="hamming")
    assert triples(pairs) == [(0, 1, 5.0)]
    assert repr(pairs) == ("<Pairs: 1 pair of 4 x 4 rows, hamming <= 5, estimated; rows without shingles: 1, 1>")
    assert len(op.similarity_join(sketches, threshold=4, metric="hamming")) == 0


@pytest.mark.parametrize("threshold", [-1, 0.5, 64, float("nan")])
def test_a_distance_is_a_number_of_bits(threshold: float) -> None:
    with pytest.raises(op.InputError, match="an integer from 0 to 63"):
        op.similarity_join(bits([1, 2]), threshold=threshold, metric="hamming")
    with pytest.raises(op.InputError, match="an integer from 0 to 63"):
        op.similarity_topk(bits([1, 2]), threshold=threshold, metric="hamming")


def test_other_bits_are_refused() -> None:
    with pytest.raises(op.IncompatibleError, match="bits=64"):
        op.similarity_join(bits([1]), bits([1], width=128), threshold=1, metric="hamming")


LEVELS = """
import json, numpy as np, overproof as op
rng = np.random.default_rng(1)
values = np.repeat(rng.integers(0, 2**64, 300, np.uint64), 4) ^ (np.uint64(1) << rng.integers(0, 64, 1200, np.uint64))
sets = op.ShingleSets.from_hashes(np.arange(1201), values, counts=np.ones(1200, np.int64))
out = []
for width in (64, 128):
    sketches = op.SimHash(width).sketch(sets)
    for limit in (2, 20, 30):
        pairs = op.similarity_join(sketches, threshold=limit, metric="hamming")
        out.append([pairs.left.tolist(), pairs.right.tolist(), pairs.score.tolist()])
    out.append(op.similarity_topk(sketches, k=5, metric="hamming").right.tolist())
sets = op.Shingler(1).transform([" ".join(map(str, row)) for row in rng.integers(0, 90, (200, 60)).tolist()])
out.append(op.jaccard(sets[:100], sets[100:]).tolist())
print(json.dumps(out))
"""


def test_every_level_gives_the_same() -> None:
    runs = [json.loads(printed) for printed in at_every_level(LEVELS)]
    assert runs
    assert all(run == runs[0] for run in runs)

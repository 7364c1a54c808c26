"""Look-ups, candidates and distances: raw rates, on made hashes.

Small in `make test`. The sizes of docs/lookup.md:
`OVERPROOF_BENCH_SCALE=1000 taskset -c 1 python -m pytest benches/test_lookup.py`, at a level of `OVERPROOF_KERNEL`.
"""

import os
from typing import Any

import numpy as np
import overproof as op
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

SCALE = int(os.environ.get("OVERPROOF_BENCH_SCALE", "1"))


def drawn(seed: int, count: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 2**64, count, np.uint64)


def record(benchmark: BenchmarkFixture, **facts: Any) -> None:
    benchmark.extra_info.update(kernel=op.build_info()["kernel"], **facts)


@pytest.mark.benchmark(group="n-gram look-up")
@pytest.mark.parametrize("keys", [10_000, 100_000])
def test_contains(benchmark: BenchmarkFixture, keys: int) -> None:
    """A tenth as many look-ups as keys, half of them hits, in random order."""
    stored = drawn(0, keys * SCALE)
    table = op.NgramTable.from_hashes(stored, threads=1)
    hits = stored[::20]
    asked = np.random.default_rng(1).permutation(np.concatenate([hits, drawn(2, len(hits))]))
    record(benchmark, keys=len(table), asked=len(asked), bytes_per_key=table.nbytes / len(table))
    found = benchmark(table.contains, asked, threads=1)
    assert found.sum() == len(hits)


@pytest.mark.benchmark(group="n-gram look-up, build")
def test_build(benchmark: BenchmarkFixture) -> None:
    stored = drawn(0, 10_000 * SCALE)
    record(benchmark, keys=len(stored))
    table = benchmark(op.NgramTable.from_hashes, stored, threads=1)
    assert len(table) == len(stored)


@pytest.mark.benchmark(group="8-gram containment from text")
def test_coverage(benchmark: BenchmarkFixture, copies: tuple[list[str], list[str]]) -> None:
    """From texts on both sides: a table of one, the coverage of the other."""
    corpus, asked = (side * max(1, SCALE // 20) for side in copies)
    shingler = op.Shingler(8)

    def both() -> np.ndarray:
        return op.NgramTable(corpus, shingler=shingler, threads=1).coverage(asked, threads=1)

    record(benchmark, texts=len(corpus) + len(asked), bytes=sum(len(t.encode()) for t in corpus + asked))
    shares = benchmark(both)
    union = np.unique(shingler.transform(copies[0]).hashes)
    rows = shingler.transform(copies[1])
    assert shares[: len(rows)].tolist() == [np.isin(rows[i], union).mean() for i in range(len(rows))]


@pytest.mark.benchmark(group="candidate pairs")
@pytest.mark.parametrize("params", [(32, 4), (16, 8)])
def test_candidates(benchmark: BenchmarkFixture, params: tuple[int, int]) -> None:
    """Rows of 128 values, one in ten a copy of another in which half of the values are drawn anew."""
    rows = 1000 * SCALE
    rng = np.random.default_rng(0)
    values = rng.integers(0, 2**32, (rows, 128), np.uint32)
    copied = np.arange(0, rows // 10 * 10, 10)
    original = copied + rng.integers(1, 10, len(copied))
    values[copied] = np.where(rng.random((len(copied), 128)) < 0.5, values[original], values[copied])
    sketches = op.MinHash(128).from_values(values)
    record(benchmark, rows=rows, bands=params[0])
    pairs = benchmark(op.candidate_pairs, sketches, params=params, threads=1)
    kept = set(zip(copied.tolist(), original.tolist(), strict=True))
    assert {(i, j) for i, j in zip(pairs.left.tolist(), pairs.right.tolist(), strict=True) if i % 10 == 0} <= kept


def bits(values: np.ndarray) -> op.SketchArray:
    """The SimHash of one hash of weight 1 is the hash."""
    ones = np.ones(len(values), np.int64)
    return op.SimHash().sketch(op.ShingleSets.from_hashes(np.arange(len(values) + 1), values, counts=ones))


@pytest.mark.benchmark(group="Hamming, all pairs")
def test_all_distances(benchmark: BenchmarkFixture) -> None:
    """At 14 of 64 bits every pair is compared (docs/lookup.md), next to none is near; 8,192 x 2^20 at full scale."""
    left, right = drawn(0, min(8192, 8 * SCALE + 192)), drawn(1, min(2**20, 1049 * SCALE))
    record(benchmark, pairs=len(left) * len(right))
    pairs = benchmark(op.similarity_join, bits(left), bits(right), threshold=14, metric="hamming", threads=1)
    assert np.array_equal(pairs.score, np.bitwise_count(left[pairs.left] ^ right[pairs.right]))


@pytest.mark.benchmark(group="Hamming, within 3 bits")
def test_near(benchmark: BenchmarkFixture) -> None:
    """A self-join through blocks of bits; one row in ten is another with two bits flipped."""
    values = drawn(0, 1049 * SCALE)
    places = np.random.default_rng(1).integers(0, 64, (len(values[::10]), 2), np.uint64)
    values[::10] = np.roll(values, 1)[::10] ^ np.bitwise_or.reduce(np.uint64(1) << places, axis=1)
    record(benchmark, rows=len(values))
    pairs = benchmark(op.similarity_join, bits(values), threshold=3, metric="hamming", threads=1)
    assert len(pairs) >= len(values) // 10


@pytest.mark.benchmark(group="exact scores of sets")
@pytest.mark.parametrize("score", [op.jaccard, op.containment])
def test_sets(benchmark: BenchmarkFixture, score: Any) -> None:
    """Sets of 200 elements, half of them shared."""
    rows = 100 * SCALE
    shared = drawn(0, rows * 100).reshape(rows, 100)
    a, b = (np.sort(np.hstack([shared, drawn(seed, rows * 100).reshape(rows, 100)])) for seed in (1, 2))
    sets = [op.ShingleSets.from_hashes(np.arange(0, 200 * rows + 1, 200), side.ravel()) for side in (a, b)]
    record(benchmark, elements=400 * rows)
    found = benchmark(score, *sets, threads=1)
    assert (found == (1 / 3 if score is op.jaccard else 0.5)).all()

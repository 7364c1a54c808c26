"""Look-ups: n-grams of a corpus."""

import os

import numpy as np
import overproof as op
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

# Small in `make test`; OVERPROOF_BENCH_SCALE=1000 gives the sizes of docs/lookup.md.
SCALE = int(os.environ.get("OVERPROOF_BENCH_SCALE", "1"))


@pytest.fixture(scope="module")
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.mark.benchmark(group="n-gram look-up")
@pytest.mark.parametrize("keys", [10_000, 100_000])
def test_contains(benchmark: BenchmarkFixture, rng: np.random.Generator, keys: int) -> None:
    """A tenth as many look-ups as keys, half of them hits."""
    stored = rng.integers(0, 2**64, keys * SCALE, np.uint64)
    table = op.NgramTable.from_hashes(stored, threads=1)
    asked = rng.permutation(np.concatenate([stored[::20], rng.integers(0, 2**64, len(stored) // 20, np.uint64)]))
    found = benchmark(table.contains, asked, threads=1)
    benchmark.extra_info |= {"keys": len(table), "asked": len(asked), "bytes per key": table.nbytes / len(table)}
    assert found.sum() == len(stored[::20])


@pytest.mark.benchmark(group="n-gram look-up, build")
def test_build(benchmark: BenchmarkFixture, rng: np.random.Generator) -> None:
    stored = rng.integers(0, 2**64, 10_000 * SCALE, np.uint64)
    table = benchmark(op.NgramTable.from_hashes, stored, threads=1)
    assert len(table) == len(stored)


@pytest.mark.benchmark(group="8-gram containment from text")
def test_coverage(benchmark: BenchmarkFixture, copies: tuple[list[str], list[str]]) -> None:
    """From texts on both sides: build a table of one, cover the other."""
    corpus, asked = copies
    shingler = op.Shingler(8)

    def both() -> np.ndarray:
        return op.NgramTable(corpus, shingler=shingler, threads=1).coverage(asked, threads=1)

    shares = benchmark(both)
    union = np.unique(shingler.transform(corpus).hashes)
    rows = shingler.transform(asked)
    assert shares.tolist() == [np.isin(rows[i], union).mean() for i in range(len(rows))]

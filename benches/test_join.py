"""Pairs of similar texts out of two batches."""

from typing import Any

import overproof as op
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benches.engines.shingles import strings
from benches.tasks.quality import jaccard

THRESHOLD = 0.5


@pytest.mark.benchmark(group="join")
@pytest.mark.parametrize("metric", ["jaccard", "containment"])
def test_join(benchmark: BenchmarkFixture, copies: tuple[list[str], list[str]], metric: Any) -> None:
    a, b = copies
    pairs = benchmark(op.similarity_join, a, b, threshold=THRESHOLD, metric=metric, recall=1.0, threads=1)
    exact = jaccard(a, b, strings)
    found = set(zip(pairs.left.tolist(), pairs.right.tolist(), strict=True))
    assert found >= {(row, row) for row in range(len(a)) if exact[row] >= THRESHOLD}


@pytest.mark.benchmark(group="join")
def test_topk(benchmark: BenchmarkFixture, copies: tuple[list[str], list[str]]) -> None:
    a, b = copies
    pairs = benchmark(op.similarity_topk, a, b, k=1, threads=1)
    best = dict(zip(pairs.left.tolist(), pairs.score.tolist(), strict=True))
    # A text that its neighbour repeats can have a better match than its own copy, never a worse one.
    exact = jaccard(a, b, strings)
    assert all(best[row] >= exact[row] - 1e-6 for row in range(len(a)) if exact[row] > 0)

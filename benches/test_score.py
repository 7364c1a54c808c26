"""Scores of pairs: exact on sets, estimated on sketches, spans on texts."""

from collections.abc import Callable
from typing import Any

import numpy as np
import overproof as op
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benches.engines.shingles import strings
from benches.tasks.quality import jaccard

MAKERS: dict[str, Callable[[list[str]], Any]] = {
    "sets": op.Shingler().transform,
    "affine32-op1": op.MinHash(128).sketch,
    "oph": op.MinHash(128, scheme="oph").sketch,
}


@pytest.mark.benchmark(group="jaccard of pairs")
@pytest.mark.parametrize("form", MAKERS)
def test_jaccard(benchmark: BenchmarkFixture, copies: tuple[list[str], list[str]], form: str) -> None:
    a, b = (MAKERS[form](texts) for texts in copies)
    error = benchmark(op.jaccard, a, b, threads=1) - jaccard(*copies, strings)
    assert np.abs(error).max() <= (0 if form == "sets" else 0.25)


@pytest.mark.benchmark(group="all pairs")
@pytest.mark.parametrize("form", MAKERS)
def test_cdist(benchmark: BenchmarkFixture, texts: list[str], form: str) -> None:
    made = MAKERS[form](texts)
    matrix = benchmark(op.cdist, made, made, threads=1)
    assert (np.diag(matrix) == 1).all()


@pytest.mark.benchmark(group="spans")
def test_common_spans(benchmark: BenchmarkFixture, copies: tuple[list[str], list[str]]) -> None:
    a, b = copies
    spans = benchmark(op.common_spans, a, b, min_tokens=5, threads=1)
    found = {a[r].encode()[i:j] for r, i, j in zip(spans.row, spans.left_start, spans.left_end, strict=True)}
    assert found == {b[r].encode()[i:j] for r, i, j in zip(spans.row, spans.right_start, spans.right_end, strict=True)}

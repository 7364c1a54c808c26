"""Shingle sets to sketches: the sketch stage alone."""

from typing import Any

import numpy as np
import overproof as op
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

SKETCHES: dict[str, Any] = {
    "affine32-op1": op.MinHash(128),
    "oph": op.MinHash(128, scheme="oph"),
    "simhash": op.SimHash(64),
    "fracminhash": op.FracMinHash(scaled=10),
}


@pytest.fixture(scope="module")
def sets(texts: list[str]) -> op.ShingleSets:
    return op.Shingler().transform(texts, counts=True)


@pytest.mark.benchmark(group="sets to sketch")
@pytest.mark.parametrize("scheme", SKETCHES)
def test_sets_to_sketch(benchmark: BenchmarkFixture, sets: op.ShingleSets, texts: list[str], scheme: str) -> None:
    made = SKETCHES[scheme].sketch(texts)
    sketches = benchmark(SKETCHES[scheme].sketch, sets, threads=1)
    field = "hashes" if scheme == "fracminhash" else "values"
    if field == "hashes":
        assert np.array_equal(sketches.hashes, made.hashes)
    else:
        assert np.array_equal(np.asarray(sketches), np.asarray(made))


@pytest.mark.benchmark(group="text to sketch")
@pytest.mark.parametrize("scheme", SKETCHES)
def test_text_to_sketch(benchmark: BenchmarkFixture, texts: list[str], scheme: str) -> None:
    assert len(benchmark(SKETCHES[scheme].sketch, texts, threads=1)) == len(texts)

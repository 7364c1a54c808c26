"""Texts to shingle sets."""

import numpy as np
import overproof as op
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benches.engines import N
from benches.engines.shingles import strings


@pytest.mark.benchmark(group="shingle sets")
@pytest.mark.parametrize(("analyzer", "n"), [("word", 5), ("word", 13), ("char", 5), ("byte", 8)])
def test_shingle_sets(benchmark: BenchmarkFixture, texts: list[str], analyzer: str, n: int) -> None:
    shingler = op.Shingler(n, analyzer=analyzer)
    sets = benchmark(shingler.transform, texts, threads=1)
    assert len(sets) == len(texts)
    assert (sets.hashes[:-1] < sets.hashes[1:]).sum() >= len(sets.hashes) - len(texts)


@pytest.mark.benchmark(group="shingle sets")
def test_shingle_sets_python(benchmark: BenchmarkFixture, texts: list[str]) -> None:
    ascii_texts = [t for t in texts if t.isascii()]
    sets = benchmark(lambda: [set(strings(t)) for t in ascii_texts])
    sizes = np.diff(op.Shingler(N).transform(ascii_texts).indptr)
    assert [len(s) for s in sets] == sizes.tolist()


@pytest.mark.benchmark(group="crossing")
@pytest.mark.parametrize("form", ["list", "arrow"])
def test_crossing(benchmark: BenchmarkFixture, form: str) -> None:
    """What it costs to hand over a text: many empty ones."""
    texts = [""] * 20_000
    given = pytest.importorskip("pyarrow").array(texts) if form == "arrow" else texts
    sketches = benchmark(op.MinHash(1, scheme="oph").sketch, given, threads=1)
    assert len(sketches) == len(texts)

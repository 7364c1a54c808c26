"""list[str] to k = 128 word 5-gram signatures, beside other engines. Accuracy first."""

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benches.conftest import describe
from benches.engines import Engine
from benches.quality import exact_jaccard, measure


@pytest.mark.benchmark(group="text to signature")
def test_text_to_signature(
    benchmark: BenchmarkFixture, engine: Engine, texts: list[str], copies: tuple[list[str], list[str]]
) -> None:
    a, b = copies
    quality = measure(engine, a, b, exact_jaccard(a, b))
    if engine.package == "overproof":
        assert abs(quality.bias) < 4 * quality.standard_error
        assert quality.ratio < 1.05 + 3 / np.sqrt(2 * quality.pairs)
    benchmark.extra_info |= describe(engine) | quality.to_dict()
    benchmark.extra_info["bytes"] = sum(len(t.encode()) for t in texts)
    benchmark(engine.signatures, texts)


@pytest.mark.benchmark(group="shingles to signature")
def test_shingles_to_signature(benchmark: BenchmarkFixture, engine: Engine, texts: list[str]) -> None:
    if engine.shingles is None:
        pytest.skip("makes its own shingles")
    benchmark.extra_info |= describe(engine)
    benchmark(engine.sketch, [engine.shingles(t) for t in texts])

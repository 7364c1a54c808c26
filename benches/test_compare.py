"""Two files of JSON lines to verified spans."""

from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benches import compare


@pytest.mark.benchmark(group="compare")
@pytest.mark.parametrize("share", compare.SHARES)
def test_compare(benchmark: BenchmarkFixture, tmp_path: Path, share: float) -> None:
    served, suspect, source = compare.made(tmp_path, 300, share)
    result, seconds = benchmark(compare.run, served, suspect, audit_texts=0)
    assert compare.recall(result, source) >= 0.9
    assert min(seconds.values()) >= 0

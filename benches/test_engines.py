"""Every engine on every task it has an answer to. The answer first; ours must be right."""

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benches import tasks
from benches.conftest import case
from benches.engines import Engine


@pytest.mark.benchmark(group="whole task")
def test_task(benchmark: BenchmarkFixture, engine: Engine) -> None:
    given = case(engine.task)
    measured = tasks.task(engine.task).check(given.truth, engine.answers(given.probes))
    assert measured["right"] or engine.package != "overproof", measured
    benchmark.extra_info |= {"package": engine.package, "version": engine.version, "work": engine.work, **measured}
    benchmark(engine.whole, given.given)


@pytest.mark.benchmark(group="second stage alone")
def test_second_stage(benchmark: BenchmarkFixture, engine: Engine) -> None:
    if engine.prepare is None:
        pytest.skip("has one stage")
    benchmark(engine.run, engine.prepared(case(engine.task).given))

"""The rows of the table of stages once, at this process's level; and what times them."""

import sys

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benches import stages
from benches.conftest import case, engines
from benches.runner import Worker
from benches.stages import ROWS, Row


@pytest.mark.benchmark(group="stages")
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_stage(benchmark: BenchmarkFixture, row: Row) -> None:
    given = stages.inputs(20).get(row.given)
    if given is None:
        pytest.skip(f"no {row.given} on this machine")
    prepared = row.prepare(given)
    assert row.count(prepared) > 0
    alone, two = (stages.digest(row.run(prepared, threads)) for threads in (1, 2))
    assert alone == two
    benchmark(row.run, prepared, 1)


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_a_worker_gives_the_same_answer_and_a_time() -> None:
    given = case("minhash")
    own = next(e for e in engines() if (e.task, e.package) == ("minhash", "overproof"))
    worker = Worker()
    facts = worker("load", "benches.engines.overproof_engine")
    assert own.name in [f["name"] for f in facts if f["task"] == "minhash"]
    worker("give", {"all": given.given, **dict(enumerate(given.probes))})
    assert np.array_equal(worker("answers", own.task, own.name, [0, 1]), own.answers(given.probes))
    assert worker("first", own.task, own.name, "all")["memory"]["peak"] > 0
    assert min(worker("time", own.task, own.name, "all", False, 2)) > 0
    worker.stop()

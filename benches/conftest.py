"""What the benchmarks share: small made texts, so that all of them run once within a minute in ``make test``."""

from __future__ import annotations

from functools import cache

import pytest

from benches import corpora, tasks
from benches.engines import ADAPTERS, Engine, load
from benches.tasks import Case

SMALL = {"minhash": 60, "minhash_bytes": 20, "simhash": 60, "lsh": 150, "hamming": 1100, "overlap": 60}
ABSENT: dict[str, str] = {}


@cache
def engines() -> list[Engine]:
    """Those that this interpreter can import; the others are in `ABSENT`, with the reason."""
    found = []
    for adapter in ADAPTERS:
        try:
            found += load(adapter)
        except ImportError as error:
            ABSENT[adapter] = str(error)
    return found


@cache
def case(task: str) -> Case:
    """A small input."""
    return next(tasks.task(task).cases(SMALL[task], ["made"]))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One benchmark for each task and each installed engine, one that is skipped for each that is not."""
    if "engine" in metafunc.fixturenames:
        found = [pytest.param(e, id=f"{e.task}-{e.name}") for e in engines()]
        absent = [pytest.param(None, id=a, marks=pytest.mark.skip(reason=why)) for a, why in ABSENT.items()]
        metafunc.parametrize("engine", found + absent)


@pytest.fixture(scope="session")
def texts() -> list[str]:
    """200 English texts of about 1.3 kB."""
    return corpora.made(200)


@pytest.fixture(scope="session")
def copies() -> tuple[list[str], list[str]]:
    """600 texts and their copies with replaced words."""
    return corpora.copies(corpora.made(600), seed=0)

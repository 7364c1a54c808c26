"""What the benchmarks share: small made texts, so that all of them run once within a minute in ``make test``."""

import pytest

from benches import corpora
from benches.engines import Engine, load

ENGINES, ABSENT = load()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One benchmark per installed engine."""
    if "engine" in metafunc.fixturenames:
        metafunc.parametrize("engine", ENGINES, ids=[e.name for e in ENGINES])


@pytest.fixture(scope="session")
def texts() -> list[str]:
    """200 English texts of about 1.3 kB."""
    return corpora.made(200)


@pytest.fixture(scope="session")
def copies() -> tuple[list[str], list[str]]:
    """600 texts and their copies with replaced words."""
    return corpora.copies(corpora.made(600), seed=0)


def describe(engine: Engine) -> dict[str, str]:
    """What a result was made with."""
    return {"package": engine.package, "version": engine.version, "work": engine.work}

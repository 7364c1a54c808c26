"""What all tests share: the folder of real texts, which is not part of the repository."""

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("default", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
# make fuzz: many cases of each property.
settings.register_profile(
    "fuzz",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    max_examples=int(os.environ.get("FUZZ_CASES", "20000")),
)
settings.load_profile("ci" if os.environ.get("CI") else "default")

SHARED = Path(os.environ.get("OVERPROOF_SHARED_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real texts; tests that ask for it skip where it is missing."""
    if not (SHARED / "MANIFEST.json").exists():
        pytest.skip(f"real texts are not at {SHARED} (set OVERPROOF_SHARED_DATA to their folder)")
    return SHARED


@pytest.fixture(scope="session")
def shared_rows(shared: Path) -> Callable[[str], list[dict[str, Any]]]:
    """Read one set of the real texts by its name, such as ``k3_human/dolly_3k``."""

    def rows(name: str) -> list[dict[str, Any]]:
        raw = subprocess.run(["zstd", "-dcq", shared / f"{name}.jsonl.zst"], check=True, capture_output=True).stdout
        return [json.loads(line) for line in raw.split(b"\n") if line]

    return rows


@pytest.fixture(autouse=True)
def _one_cap() -> Iterator[None]:
    """A test that caps threads does not cap the next one."""
    yield
    import overproof

    overproof.set_num_threads(None)

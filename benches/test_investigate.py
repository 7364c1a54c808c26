"""The benchmark of an investigation, once on a small log."""

from pathlib import Path

import pytest

pytest.importorskip("pyarrow", reason="cases are Parquet files")

from benches.investigate import measured


def test_a_small_log_is_investigated(tmp_path: Path) -> None:
    found = measured(tmp_path, requests=1500, suspect=200, leak=30, draws=4)
    assert found["rung"] in ("L1", "L2")
    assert found["events"] >= found["wins"] > 5
    assert sum(wall for wall, _ in found["seconds"].values()) > 0

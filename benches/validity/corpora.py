"""Subject ``corpora``: what compare's rule finds on real texts, and accuses (docs/evidence/validity.md)."""

from __future__ import annotations

import hashlib
import sys
import time
from collections.abc import Callable
from typing import Any

import overproof as op

from benches.corpora import SHARED
from benches.validity import measures
from benches.validity.marks import markdown

__all__ = ["markdown", "measure"]

PARTS: dict[str, Callable[[], dict[str, Any]]] = {
    "truth": measures.truth_table,
    "planted": measures.planted,
    "logs": lambda: measures.logs(range(1, 21)),
    "innocents": measures.innocents,
    "models": measures.pairs_of_models,
}


def measure() -> dict[str, Any]:
    """All parts, each with its seconds."""
    manifest = SHARED / "MANIFEST.json"
    if not manifest.exists():
        raise SystemExit(f"real texts are not at {SHARED}: set OVERPROOF_SHARED_DATA to their folder")
    record: dict[str, Any] = {
        "data": hashlib.sha256(manifest.read_bytes()).hexdigest(),
        "params": op.compare(["a"], ["b"], audit_texts=0).params,
        "seconds": {},
    }
    for name, part in PARTS.items():
        start = time.perf_counter()
        record[name] = part()
        record["seconds"][name] = round(time.perf_counter() - start, 1)
        print(f"{name}: {record['seconds'][name]} s", file=sys.stderr, flush=True)
    return record

"""Measure, record, print: ``make validity``, or ``python -m benches.validity``.

Writes benches/record/<machine>/<date>-validity.json and prints the tables that docs/evidence/validity.md quotes.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import overproof as op

from benches import machine
from benches.corpora import SHARED
from benches.validity import measures
from benches.validity.marks import markdown

RECORD = Path(__file__).parents[1] / "record"
PARTS: dict[str, Callable[[], dict[str, Any]]] = {
    "truth": measures.truth_table,
    "planted": measures.planted,
    "logs": lambda: measures.logs(range(1, 21)),
    "innocents": measures.innocents,
    "models": measures.pairs_of_models,
}


def main() -> None:
    """Measure, record, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--no-record", action="store_true", help="print only")
    options = parser.parse_args()
    manifest = SHARED / "MANIFEST.json"
    if not manifest.exists():
        raise SystemExit(f"real texts are not at {SHARED}: set OVERPROOF_SHARED_DATA to their folder")
    here = machine.describe()
    example = op.compare(["a"], ["b"], audit_texts=0)
    record: dict[str, Any] = {
        "what": "recall, false positives and ranks of compare's rule on real texts",
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": here,
        "versions": {"python": sys.version.split()[0], **{p: version(p) for p in ("overproof", "numpy", "scipy")}},
        "data": hashlib.sha256(manifest.read_bytes()).hexdigest(),
        "params": example.params,
        "seconds": {},
    }
    for name, measure in PARTS.items():
        start = time.perf_counter()
        record[name] = measure()
        record["seconds"][name] = round(time.perf_counter() - start, 1)
        print(f"{name}: {record['seconds'][name]} s", file=sys.stderr, flush=True)
    print(markdown(record))
    if not options.no_record:
        folder = RECORD / here["slug"]
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{record['date'][:10]}-validity.json"
        path.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        print(f"\nwritten: {path.relative_to(RECORD.parents[1])}")


if __name__ == "__main__":
    main()

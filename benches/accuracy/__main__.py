"""Run the gates, write benches/record/<machine>/<date>-{estimators,hash}.json, print tables; status 1 if one fails."""

from __future__ import annotations

import argparse
import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benches import machine
from benches.accuracy import estimators, hashes
from benches.run import RECORD

PARTS = {
    "estimators": ("error of the estimators and coverage of their intervals, by cells", estimators),
    "hash": ("collisions of the shingle hash on real n-grams, its avalanche, independence of seeds", hashes),
}


def main() -> None:
    """Each part in turn."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=PARTS)
    parser.add_argument("--no-record", action="store_true", help="print only")
    parser.add_argument("--show", type=Path, help="print the tables of a record, run nothing")
    options = parser.parse_args()
    if options.show:
        record = json.loads(options.show.read_text())
        return print((hashes if "avalanche" in record else estimators).tables(record))
    failed = []
    for name, (what, part) in PARTS.items():
        if options.only in (None, name):
            start = time.perf_counter()
            about: dict[str, Any] = {
                "what": what,
                "date": datetime.now(UTC).isoformat(timespec="seconds"),
                "machine": machine.describe(),
            }
            found = part.study()
            about["seconds"] = round(time.perf_counter() - start)
            print(part.tables(found), end="\n\n")
            if not options.no_record:
                folder = RECORD / about["machine"]["slug"]
                folder.mkdir(parents=True, exist_ok=True)
                path = folder / f"{about['date'][:10]}-{name}.json"
                path.write_text(estimators.one_row_a_line(about | found))
                print(f"written: {path.relative_to(RECORD.parents[1])}\n")
            failed += found["failed"]
    if failed:
        raise SystemExit("\n".join(map(str, failed)))


if __name__ == "__main__":
    main()

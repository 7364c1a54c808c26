"""Measure, record, print: ``make validity`` for all subjects, or ``python -m benches.validity corpora ...`` for some.

Writes benches/record/<machine>/<date>-<subject>.json and prints the tables that docs/evidence quotes.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benches import machine

RECORD = Path(__file__).parents[1] / "record"
SUBJECTS = {
    "accounts": "accounts and groups: false names, recall, groups found, speed of the monitor; on made logs",
    "corpora": "compare's rule on real texts: recall, false positives, ranks",
    "provenance": "the suspect is a model: who taught it, on models of known lineage",
    "null": "every test in made innocent worlds, and with each rule left out",
    "power": "what leaks are found, by edit, K and size",
    "real-null": "line-ups of innocent real models, K = 1 and K = 4, beside the usual control",
    "real-leak": "a leak of known size among real answers, by edit, and what the masks take",
    "refusals": "real redraws of another sampler, snapshot, host or length: what they accuse and what refuses them",
    "controls-only": "innocent real corpora as suspects of each other, without redraws",
    "model-pairs": "the truth table of pairs of models, by overproof's scores",
    "waterfall": "stock phrases, licences, code, prompts and famous text: which layer takes each, on real rows",
}
"""Each is a module of this folder: ``measure()`` returns what is recorded, ``markdown(record)`` its tables."""


def main() -> None:
    """Measure, record, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    known = "; ".join(f"{name}: {what}" for name, what in SUBJECTS.items())
    parser.add_argument("subjects", nargs="*", metavar="SUBJECT", help=f"default all. {known}".replace("%", "%%"))
    parser.add_argument("--no-record", action="store_true", help="print only")
    options = parser.parse_args()
    for name in options.subjects:
        if name not in SUBJECTS:
            parser.error(f"{name!r} is no subject; give {', '.join(SUBJECTS)}")
    here = machine.describe()
    for name in options.subjects or SUBJECTS:
        subject: Any = importlib.import_module(f"benches.validity.{name.replace('-', '_')}")
        date, start = datetime.now(UTC).isoformat(timespec="seconds"), time.process_time()
        record: dict[str, Any] = {
            "what": SUBJECTS[name],
            "date": date,
            "machine": here,
            "versions": {"python": sys.version.split()[0], **{p: version(p) for p in ("overproof", "numpy", "scipy")}},
            **subject.measure(),
        }
        record["cpu_seconds"] = round(time.process_time() - start, 1)
        print(subject.markdown(record))
        if not options.no_record:
            folder = RECORD / here["slug"]
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / f"{date[:10]}-{name}.json"
            path.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
            print(f"\nwritten: {path.relative_to(RECORD.parents[1])}\n")


if __name__ == "__main__":
    main()

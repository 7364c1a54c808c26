"""Two files of JSON lines to verified spans, in seconds by stage: ``python -m benches.compare``.

A made provider served `texts` answers; of as many suspect texts a share are edited copies of them (one edit each, in
turn) and the rest come from a model of other documents. One process on one core, `threads=1`; each stage is timed in
every round and its least CPU time is shown, with the share of copies found beside. The first round, which is in the
record, also pays for memory that was never touched. ``OVERPROOF_KERNEL`` forces a level of the kernels. Writes
benches/record/<machine>/<date>-compare-<level>.json. Linux only.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import overproof as op
from overproof import simulate
from overproof._core import DEBUG_BUILD

from benches import machine
from benches.worker import status, warm

RECORD = Path(__file__).parent / "record"
EDITS = (("none", 0.0), ("whitespace", 1.0), ("markdown", 1.0), ("drop", 0.1), ("substitute", 0.1), ("truncate", 0.3))
"""What happened to the copies, in turn: kind and strength."""
SHARES = (0.03, 0.5)
"""Share of the suspect texts that are copies: a usual case, and one in which nearly all time is verification."""
WORDS = 200
"""Most words of an answer; the mean is 85."""


def main() -> None:
    """Make, time, print, record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=int, default=100_000, help="texts of each side")
    parser.add_argument("--copies", type=float, action="append", help="share of copies; .03 and .5 unless given")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--no-record", action="store_true", help="print only")
    options = parser.parse_args()
    if DEBUG_BUILD and not options.no_record:
        raise SystemExit("this is a debug build of overproof, whose times mean nothing: run `make build` first")
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    record: dict[str, Any] = {
        "what": "two files of JSON lines to verified spans, one core",
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine.describe(),
        "load_before": os.getloadavg(),
        "cases": [],
    }
    for share in options.copies or SHARES:
        with tempfile.TemporaryDirectory() as folder:
            files = made(Path(folder), options.texts, share)
            record["cases"].append({"copies": share, **measured(files, options.rounds)})
        print(table(record["cases"][-1]), flush=True)
    record["load_after"] = os.getloadavg()
    if not options.no_record:
        path = RECORD / record["machine"]["slug"]
        path.mkdir(parents=True, exist_ok=True)
        path /= f"{record['date'][:10]}-compare-{op.build_info()['kernel']}.json"
        path.write_text(json.dumps(record, indent=1) + "\n")
        print(f"\nwritten: {path.relative_to(RECORD.parents[1])}")


def made(folder: Path, texts: int, share: float, seed: int = 0) -> tuple[Path, Path, np.ndarray]:
    """Write both files; for each suspect row the served row that it copies, or -1."""
    documents = list(simulate.training_texts().values())
    ours, others = (simulate.TextModel.train(documents[i::2]) for i in (0, 1))
    rng = np.random.default_rng(seed)
    served = ours.generate_many(rng, [""] * texts, max_words=WORDS)
    suspect = others.generate_many(rng, [""] * texts, max_words=WORDS)
    source = np.full(texts, -1, np.int64)
    rows = rng.permutation(texts)[: round(share * texts)]
    source[rows] = rng.permutation(texts)[: len(rows)]
    for i, row in enumerate(rows.tolist()):
        kind, strength = EDITS[i % len(EDITS)]
        suspect[row] = simulate.edit(served[source[row]], kind, strength, rng)
    paths = folder / "served.jsonl", folder / "suspect.jsonl"
    for path, side in zip(paths, (served, suspect), strict=True):
        path.write_text("".join(json.dumps({"id": row, "text": text}) + "\n" for row, text in enumerate(side)))
    return *paths, source


def measured(files: tuple[Path, Path, np.ndarray], rounds: int) -> dict[str, Any]:
    """Least seconds of each stage and of the whole, what was found, and the memory of the process."""
    served, suspect, source = files
    stages: list[dict[str, float]] = []
    last: list[op.Comparison] = []
    for _ in range(rounds):
        last.clear()
        gc.collect()
        warm()
        found, seconds = run(served, suspect)
        last.append(found)
        stages.append(seconds)
        del found
    result = last[0]
    total = min(sum(seconds.values()) for seconds in stages)
    return {
        "texts": len(source),
        "bytes": sum(path.stat().st_size for path in (served, suspect)),
        "served_ngrams": int(op.Shingler(5, lists="both").transform(result.served).indptr[-1]),
        "pairs": len(result.pairs.left),
        "spans": len(result.spans.row),
        "recall": recall(result, source),
        "matched_others": int(result.matched[source < 0].sum()),
        "seconds": {name: min(seconds[name] for seconds in stages) for name in stages[0]},
        "seconds_in_all": total,
        "suspect_texts_per_s": len(source) / total,
        "process_peak_bytes": status("VmHWM"),
        "rounds": stages,
    }


def run(served: Path, suspect: Path, **how: Any) -> tuple[op.Comparison, dict[str, float]]:
    """The comparison, and CPU seconds by stage."""
    seconds: dict[str, float] = {}
    now, since = "", time.process_time()

    def stage(name: str, done: int = 0, total: int = 0) -> None:
        nonlocal now, since
        if now:
            seconds[now] = time.process_time() - since
        now, since = name, time.process_time()

    stage("reading served texts")
    ours = op.read_corpus(served, threads=1)
    stage("reading suspect texts")
    theirs = op.read_corpus(suspect, threads=1)
    result = op.compare(ours, theirs, threads=1, progress=stage, **how)
    return result, seconds


def recall(result: op.Comparison, source: np.ndarray) -> float:
    """Share of the copies that are paired with the very text that they copy."""
    copied = np.flatnonzero(source >= 0)
    true = set(zip(copied.tolist(), source[copied].tolist(), strict=True))
    found = set(zip(result.pairs.left.tolist(), result.pairs.right.tolist(), strict=True))
    return len(found & true) / len(true)


def table(case: dict[str, Any]) -> str:
    """Markdown."""
    lines = [
        f"\n### {case['texts']:,} texts a side, {100 * case['copies']:g} % copies, {case['bytes'] / 1e6:.0f} MB, "
        f"kernel {op.build_info()['kernel']}\n",
        "| stage | seconds | us a suspect text |",
        "| --- | ---: | ---: |",
    ]
    rows = {**case["seconds"], "all (best round)": case["seconds_in_all"]}
    lines += [f"| {name} | {s:.3f} | {1e6 * s / case['texts']:.2f} |" for name, s in rows.items()]
    lines.append(
        f"\n{case['suspect_texts_per_s']:,.0f} suspect texts/s; recall {case['recall']:.4f}; {case['pairs']:,} pairs, "
        f"{case['spans']:,} spans; {case['matched_others']} others match; {case['process_peak_bytes'] / 1e6:,.0f} MB"
    )
    return "\n".join(lines)


if __name__ == "__main__":
    main()

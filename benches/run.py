"""list[str] to k = 128 word 5-gram signatures, all engines on the same texts in one run: ``make bench``.

One process on one core; the engines take turns, round after round, so that a busy minute touches all of them alike.
A time counts only after the answer was checked. Guards: the time must grow with the number of texts; medians; the ratio
to the yardstick is taken within each round. CPU time decides, wall time is kept beside it: a shared machine stretches
wall time. Writes benches/record/<machine>/<date>-text-to-signature.json and prints a table. Linux only.
"""

from __future__ import annotations

import argparse
import gc
import json
import math
import os
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import overproof as op
from overproof._core import DEBUG_BUILD

from benches import corpora, machine, memory
from benches.engines import YARDSTICK, Engine, K, N, load
from benches.engines.shingles import bytestrings
from benches.quality import Quality, exact_jaccard, measure, same_shingles

RECORD = Path(__file__).parent / "record"
LEAST = 0.05
"""Seconds that a measured stretch lasts at least: short calls are repeated."""
PAIRS = 2000
GROWTH = (1.4, 3.0)
"""Allowed time of all texts over time of half of them."""


def main() -> None:
    """Check, time, record, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--texts", type=int, default=4000, help="at most this many texts of a corpus")
    parser.add_argument(
        "--corpus", action="append", help="made, english, chinese, code; all that are here unless given"
    )
    parser.add_argument("--no-record", action="store_true", help="print only")
    options = parser.parse_args()
    if DEBUG_BUILD and not options.no_record:
        raise SystemExit("this is a debug build of overproof, whose times mean nothing: run `make build` first")
    core = max(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {core})

    engines, absent = load()
    record: dict[str, Any] = {
        "what": f"list[str] to MinHash signature, k = {K}, word {N}-grams, one core",
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine.describe(),
        "versions": {e.package: e.version for e in engines},
        "absent": absent,
        "load_before": os.getloadavg(),
        "corpora": [],
    }
    for name in options.corpus or corpora.available():
        record["corpora"].append(of_corpus(name, engines, options.texts, options.rounds))
        print(table(record["corpora"][-1]), flush=True)
    record["load_after"] = os.getloadavg()
    if not options.no_record:
        folder = RECORD / record["machine"]["slug"]
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{record['date'][:10]}-text-to-signature.json"
        path.write_text(json.dumps(record, indent=1) + "\n")
        print(f"\nwritten: {path.relative_to(RECORD.parents[1])}")


def of_corpus(name: str, engines: list[Engine], most: int, rounds: int) -> dict[str, Any]:
    """Everything about one corpus."""
    texts = corpora.named(name)[:most]
    size = sum(len(t.encode()) for t in texts)
    a, b = corpora.copies(texts[:PAIRS], seed=0)
    exact = exact_jaccard(a, b)
    quality = {e.name: measure(e, a, b, exact) for e in engines}
    check(quality)
    times = {e.name: Times(calls(e, texts)) for e in engines}
    stages = {label: Times({"all": (lambda: texts, call)}) for label, call in STAGES.items()}
    for _ in range(rounds):
        for one in [*times.values(), *stages.values()]:
            one.round()
    for label, one in times.items():
        low, high = GROWTH
        if not low <= one.growth() <= high:
            raise SystemExit(f"{label}: twice the texts took {one.growth():.2f} times as long; nothing is recorded")
    return {
        "corpus": name,
        "texts": len(texts),
        "bytes": size,
        "ascii_texts": sum(map(str.isascii, texts)),
        "same_shingles_as_python": same_shingles(texts),
        "yardsticks": machine.yardsticks(texts),
        "engines": [
            {
                "engine": e.name,
                "version": e.version,
                "work": e.work,
                "estimates_jaccard": e.signature,
                **times[e.name].to_dict(len(texts), size, times[YARDSTICK]),
                "quality": quality[e.name].to_dict(),
                "process_peak_bytes": memory.of_engine(e, name, len(texts)),
            }
            for e in engines
        ],
        "stages": [
            {"stage": label, **one.to_dict(len(texts), size, times[YARDSTICK])} for label, one in stages.items()
        ],
    }


def check(quality: dict[str, Quality]) -> None:
    """Refuse to time a wrong answer of ours."""
    for name, q in quality.items():
        if name.startswith("overproof") and (
            abs(q.bias) > 3.5 * q.standard_error or q.ratio > 1.05 + 2 / math.sqrt(2 * q.pairs)
        ):
            raise SystemExit(f"{name}: bias {q.bias:+.4f}, RMSE {q.ratio:.3f} of theory; nothing is timed")


STAGES: dict[str, Callable[[list[str]], Any]] = {
    "overproof ShingleSets (sorted, unique)": lambda texts: op.Shingler(N).transform(texts, threads=1),
    "overproof SimHash 64": lambda texts: op.SimHash(64, shingler=op.Shingler(N)).sketch(texts, threads=1),
    "Python shingles alone": lambda texts: list(map(bytestrings, texts)),
}
"""Timed beside the engines."""


def calls(engine: Engine, texts: list[str]) -> dict[str, tuple[Callable[[], Any], Callable[[Any], Any]]]:
    """What is timed of an engine: all texts, half of them, and the signature stage alone on shingles of that half."""
    half = texts[::2]
    timed = {"all": (lambda: texts, engine.signatures), "half": (lambda: half, engine.signatures)}
    if engine.shingles is not None:
        make = engine.shingles
        timed["signature_of_half"] = (lambda: list(map(make, half)), engine.sketch)
    return timed


class Times:
    """Times of some calls, round by round."""

    def __init__(self, calls: dict[str, tuple[Callable[[], Any], Callable[[Any], Any]]]) -> None:
        """`calls`: name to what makes the input, outside the time, and what is timed on it."""
        self.calls = calls
        self.repeats: dict[str, int] = {}
        self.cpu: dict[str, list[float]] = {what: [] for what in calls}
        self.wall: dict[str, list[float]] = {what: [] for what in calls}

    def round(self) -> None:
        """Time every call once more; the first time also finds how many make a stretch."""
        for what, (give, call) in self.calls.items():
            given = give()
            if what not in self.repeats:
                self.repeats[what] = max(1, math.ceil(LEAST / max(stretch(call, given, 1)[0], 1e-6)))
            cpu, wall = stretch(call, given, self.repeats[what])
            self.cpu[what].append(cpu)
            self.wall[what].append(wall)

    def growth(self) -> float:
        """Median over rounds of time of all over time of half."""
        return statistics.median(a / h for a, h in zip(self.cpu["all"], self.cpu["half"], strict=True))

    def to_dict(self, texts: int, size: int, yardstick: Times) -> dict[str, Any]:
        """Medians, ratios and every round, in seconds."""
        median = statistics.median(self.cpu["all"])
        ratios = [y / own for y, own in zip(yardstick.cpu["all"], self.cpu["all"], strict=True)]
        made: dict[str, Any] = {
            "texts_per_s": texts / median,
            "mb_per_s": size / 1e6 / median,
            "times_yardstick": statistics.median(ratios),
            "times_yardstick_range": [min(ratios), max(ratios)],
        }
        if "half" in self.cpu:
            made["growth"] = self.growth()
        if "signature_of_half" in self.cpu:
            made["signature_alone_texts_per_s"] = (texts + 1) // 2 / statistics.median(self.cpu["signature_of_half"])
        return made | {"repeats": self.repeats, "cpu_s": self.cpu, "wall_s": self.wall}


def stretch(call: Callable[[Any], Any], given: Any, repeats: int) -> tuple[float, float]:
    """CPU and wall time of one call, over `repeats` of them; a result is alive until the clock has stopped."""
    gc.collect()
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(repeats):
        kept = call(given)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    del kept
    return cpu / repeats, wall / repeats


def table(corpus: dict[str, Any]) -> str:
    """Markdown."""
    ours = corpus["engines"][0]["texts_per_s"]
    lines = [
        f"\n### {corpus['corpus']}: {corpus['texts']} texts, {corpus['bytes'] / 1e6:.1f} MB\n",
        "| engine | version | texts/s | MB/s | x datasketch | signature alone, texts/s | bias (s.e.) | RMSE / theory "
        "| process, MB |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for e in sorted(corpus["engines"], key=lambda e: -e["texts_per_s"]):
        q, alone = e["quality"], e.get("signature_alone_texts_per_s")
        cells = [
            e["engine"] + ("" if e["estimates_jaccard"] else " (not a sketch of the whole text)"),
            e["version"],
            f"{e['texts_per_s']:,.0f}",
            f"{e['mb_per_s']:,.1f}",
            f"{e['times_yardstick']:.2f}",
            f"{alone:,.0f}" if alone else "-",
            f"{q['bias']:+.4f} ({q['standard_error']:.4f})",
            f"{q['rmse_over_theory']:.3f}",
            f"{e['process_peak_bytes'] / 1e6:.1f}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    lines += [f"\n{s['stage']}: {s['texts_per_s']:,.0f} texts/s, {s['mb_per_s']:,.1f} MB/s" for s in corpus["stages"]]
    alone = [e["signature_alone_texts_per_s"] for e in corpus["engines"] if e["engine"] == "rensa R"]
    lines += [f"\nours from text / rensa R's signature stage alone: {ours / rate:.2f}" for rate in alone]
    lines += [f"\n{', '.join(f'{k} {v:.2f}' for k, v in corpus['yardsticks'].items())}"]
    return "\n".join(lines)


if __name__ == "__main__":
    main()

"""The prototype scheme `cube` under the gates, and its speed: ``python -m benches.accuracy.cube``.

Compiles cube.rs by ``rustc`` for each level of x86-64, times it beside the shipped formula, which the same file holds,
and runs it through the cells of the estimators. Writes benches/record/<machine>/<date>-cube.json. For Linux on x86-64;
docs/method/beyond-the-multiplier.md tells what came out.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from benches import machine
from benches.accuracy import estimators
from benches.accuracy.estimators import K, Pairs, Scheme, Trials
from benches.run import RECORD

LEVELS = {
    "AVX-512": "+avx512f,+avx512bw,+avx512vl,+avx512dq",
    "AVX2": "+avx2",
    "SSE4.1": "+sse4.1",
    "SSE2": "+sse2",
}
SOURCES = ("random, 1", "random, 5", "english, word 1", "english, word 5", "chinese, word 8", "code, word 5")


def compiled(folder: Path, level: str) -> Path:
    """The prototype for one level."""
    program = folder / level
    source = Path(__file__).with_suffix(".rs")
    how = ["rustc", "--edition", "2024", "-O", "-C", f"target-feature={LEVELS[level]}", "-o", str(program)]
    subprocess.run([*how, str(source)], check=True)
    return program


def counted(program: Path, scheme: str) -> Scheme:
    """A scheme of the prototype, for `estimators.study`."""

    def trials(pairs: Pairs, seeds: range) -> Trials:
        count = len(pairs.a.indptr) - 1
        given = [count, pairs.size, seeds.start, len(seeds)]
        run = subprocess.run(
            [program, "count", scheme, *map(str, given)],
            input=pairs.a.hashes.tobytes() + pairs.b.hashes.tobytes(),
            check=True,
            capture_output=True,
        )
        equal = np.frombuffer(run.stdout, "<u4").reshape(len(seeds), count).astype(np.int64)
        deviation = np.sqrt(pairs.jaccard * (1 - pairs.jaccard) / K)
        return Trials(
            equal / K - pairs.jaccard,
            deviation,
            deviation,
            estimators.binomial_kurtosis(pairs.jaccard, K),
            estimators.holds(INTERVALS, pairs.jaccard)[equal],
        )

    return trials


def intervals() -> estimators.Float64:
    """The interval of each number of equal values, by the library."""
    import overproof as op

    minhash = op.MinHash(K)
    a = minhash.from_values(np.zeros((K + 1, K), np.uint32))
    b = minhash.from_values((np.arange(K) >= np.arange(K + 1)[:, None]).astype(np.uint32))
    return op.score_interval(a, b, confidence=estimators.CONFIDENCE)


INTERVALS = intervals()


def main() -> None:
    """Time, measure, record."""
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        programs = {level: compiled(Path(folder), level) for level in LEVELS}
        times: list[dict[str, Any]] = []
        for level, program in programs.items():
            ns = json.loads(subprocess.run([program, "time"], check=True, capture_output=True).stdout)
            best = {s: min(t for name, t in ns.items() if name.startswith(s)) for s in ("affine32", "cube")}
            times.append({"level": level, **best, "ratio": best["affine32"] / best["cube"], "by_lanes": ns})
            print(f"{level}: affine32 {best['affine32']:.2f} ns a shingle, cube {best['cube']:.2f}")
        schemes = {name: counted(programs["AVX2"], name) for name in ("cube", "affine32", "double")}
        sources = [source for source in SOURCES if source in estimators.available()]
        found = estimators.study(sources, schemes)
        small = {name: schemes[name] for name in ("cube", "affine32")}
        deep = estimators.study(["random, 5"], small, trials=2_000_000, sizes=(5, 20, 50))
    print(estimators.tables(found))
    print(estimators.tables(deep))
    about = {
        "what": "the prototype `cube` beside the shipped formula: nanoseconds a shingle at k = 128, and the gates",
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine.describe(),
        "seconds": round(time.perf_counter() - start),
        "times": times,
        "small_sets": deep["cells"],
    }
    path = RECORD / about["machine"]["slug"] / f"{about['date'][:10]}-cube.json"
    path.write_text(estimators.one_row_a_line(about | found))


if __name__ == "__main__":
    main()

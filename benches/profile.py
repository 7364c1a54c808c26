"""Where the time from list[str] to a sketch goes, step by step, at every kernel level: ``make profile``.

The steps in Rust are those of rust/overproof-core/examples/profile.rs, each a prefix of the next; the last ones are
calls of the package. What counts is the least of all rounds, in nanoseconds a text: printed as docs/method/profile.md
shows it, and recorded.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import overproof as op
from overproof import _core

from benches import corpora, machine
from benches.run import about, write

ROOT = Path(__file__).parents[1]
EXAMPLE = ROOT / "target" / "release" / "examples" / "profile"
MOST, TURNS, ROUNDS = 4000, 5, 9
CHUNK = 400
SHINGLER = op.Shingler(5)
CALLS: dict[str, Callable[[list[str]], Any]] = {
    "crossing": _core.crossing_only,
    "python": lambda texts: op.MinHash(128, shingler=SHINGLER).sketch(texts, threads=1),
    "python oph": lambda texts: op.MinHash(128, shingler=SHINGLER, scheme="oph").sketch(texts, threads=1),
    "python simhash": lambda texts: op.SimHash(64, shingler=SHINGLER).sketch(texts, threads=1),
    "python sets": lambda texts: SHINGLER.transform(texts, threads=1),
}
STEPS = {  # a step of the table: what is subtracted from what
    "canonical text: case, NFKC, separators": ("canonical", None),
    "where words start and end": ("edges", "canonical"),
    "a value for each word": ("values", "edges"),
    "a hash for each window of 5 words": ("hashes", "values"),
    "the least of 128 permutations": ("minima", "hashes"),
    "rows into one array": ("sketch", "minima"),
    "from list[str], to NumPy": ("python", "sketch"),
}
WHOLE = {
    "MinHash, k = 128": ("python", "sketch"),
    "oph, k = 128": ("python oph", "oph"),
    "SimHash, 64 bits": ("python simhash", "simhash"),
    "ShingleSets": ("python sets", "sets"),
}


def of_python(texts: list[str]) -> dict[str, float]:
    """The calls of the package, ns a text."""
    chunks = [texts[i : i + CHUNK] for i in range(0, len(texts), CHUNK)]
    least = {name: [float("inf")] * len(chunks) for name in CALLS}
    for _ in range(ROUNDS):
        for name, call in CALLS.items():
            for i, chunk in enumerate(chunks):
                start = time.perf_counter()
                call(chunk)
                least[name][i] = min(least[name][i], time.perf_counter() - start)
    return {name: sum(seconds) / len(texts) * 1e9 for name, seconds in least.items()}


def of_level(level: str, file: Path) -> dict[str, float]:
    """All steps at one level, each side in a process of its own."""
    env = os.environ | {"OVERPROOF_KERNEL": level}
    rust = subprocess.run([EXAMPLE, file, str(ROUNDS)], env=env, check=True, capture_output=True, text=True).stdout
    here = [sys.executable, "-m", "benches.profile", str(file)]
    python = subprocess.run(here, env=env, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return {name: float(ns) for name, ns in (line.split("\t") for line in rust.splitlines())} | json.loads(python)


def table(times: dict[str, dict[str, float]], size: float, ghz: float) -> str:
    """Markdown: steps by level, then the whole paths."""
    levels = list(times)
    lines = [
        f"| ns a text | {' | '.join(f'{level} | share' for level in levels)} |",
        "| --- |" + " ---: |" * 2 * len(levels),
    ]

    def row(name: str, cells: list[str]) -> None:
        lines.append(f"| {name} | {' | '.join(cells)} |")

    for name, (upper, lower) in STEPS.items():
        cells = []
        for of in times.values():
            ns = of[upper] - (of[lower] if lower else 0)
            cells += [f"{ns:.0f}", f"{ns / of['python']:.0%}"]
        row(name, cells)
    row("**list[str] to MinHash**", [cell for of in times.values() for cell in (f"**{of['python']:.0f}**", "100%")])
    row("cycles a byte", [cell for of in times.values() for cell in (f"{of['python'] * ghz / size:.2f}", "")])
    lines += ["", f"| ns a text, and GB/s | {' | '.join(levels)} |", "| --- |" + " ---: |" * len(levels)]
    for name, (whole, core) in WHOLE.items():
        row(f"{name}, from list[str]", [f"{of[whole]:.0f}, {size / of[whole]:.2f}" for of in times.values()])
        row(f"{name}, in Rust", [f"{of[core]:.0f}, {size / of[core]:.2f}" for of in times.values()])
    row(
        "`str::from_utf8`, for scale", [f"{of['from_utf8']:.0f}, {size / of['from_utf8']:.2f}" for of in times.values()]
    )
    row("list[str] read, nothing made", [f"{of['crossing']:.0f}, {size / of['crossing']:.0f}" for of in times.values()])
    return "\n".join(lines)


def main() -> None:
    """All levels in turns, on one core; the least of each step counts."""
    if _core.DEBUG_BUILD:
        raise SystemExit("this is a debug build of overproof, whose times mean nothing: run `make profile`")
    made = about("where the time from list[str] to a sketch goes, one core, every level of this machine")
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    levels = subprocess.run([EXAMPLE.with_name("levels")], check=True, capture_output=True, text=True).stdout.split()
    texts = corpora.named("english" if "english" in corpora.available() else "made")[:MOST]
    size = sum(len(text.encode()) for text in texts) / len(texts)
    times: dict[str, dict[str, float]] = {level: {} for level in reversed(levels)}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "texts"
        file.write_bytes("\0".join(texts).encode())
        for _ in range(TURNS):
            for level, least in times.items():
                for name, ns in of_level(level, file).items():
                    least[name] = min(least.get(name, ns), ns)
    made |= {
        "unit": f"ns a text, the least of {TURNS * ROUNDS} for every {CHUNK} texts",
        "texts": len(texts),
        "bytes_a_text": size,
        "yardsticks": machine.yardsticks(texts),
        "levels": times,
        "load_after": os.getloadavg(),
    }
    print(table(times, size, made["yardsticks"]["multiply_ghz"]))
    print(f"\nwritten: {write('profile', made)}")


if __name__ == "__main__":
    if sys.argv[1:]:
        print(json.dumps(of_python(Path(sys.argv[1]).read_bytes().decode().split("\0"))))
    else:
        main()

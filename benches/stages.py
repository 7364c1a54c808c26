"""overproof's own stages through Python, at every level that this machine has, beside the marks of each.

Marks were set where `benches.machine.yardsticks` gave 6.9 GB/s and 2.94 GHz; the clock of this run scales them. Each
level runs in a process of its own, forced by OVERPROOF_KERNEL, all on one core, in turns. All must give the same bytes
before any is timed. A further process has all cores, for two threads against one.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from typing import Any

import numpy as np
import numpy.typing as npt
import overproof as op
from overproof import _core
from overproof.sketch import datasketch_permutations

from benches import corpora, machine
from benches.engines import WINDOW, Engine, K, N
from benches.runner import Times, Worker, ratio

ENV = "OVERPROOF_KERNEL"
LEVELS = ("avx512", "avx2", "sse4.1", "sse2", "neon", "portable")
MARKED_GHZ = 2.94
Given = dict[str, Any]
Marks = tuple[float | None, ...]
"""AVX-512, AVX2, SSE4.1 and SSE2; None: to be stated, no mark."""


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes
    ----------
    name, unit : str
        The path; GB/s, G pairs/s, ns a unit, or seconds.
    given : str
        Which input.
    run : callable
        What is timed, on what `prepare` made of the input; the last argument is the number of threads.
    count : callable
        How many units of work an input holds, from what `prepare` made.
    marks : tuple
        What each level should reach; more is better for GB/s and G pairs/s, less for ns and seconds.
    prepare : callable
        From the input to what `run` takes.
    growth : (float, float)
        Allowed time of an input over time of half of it.
    """

    name: str
    unit: str
    given: str
    run: Callable[[Any, int], Any]
    count: Callable[[Any], float]
    marks: Marks = (None,) * 4
    prepare: Callable[[Any], Any] = lambda given: given
    growth: tuple[float, float] = (1.4, 3.0)

    @property
    def rate(self) -> bool:
        """Whether more is better."""
        return self.unit.startswith("G")


def shingling(n: int, analyzer: str = "word") -> Callable[[list[str], int], int]:
    """All hashes, and nothing made of them but their XOR."""
    params = op.Shingler(n, analyzer=analyzer).params  # type: ignore[arg-type]
    return lambda texts, threads: _core.shingle_only(texts, params, threads)


def sketching(maker: Any) -> Callable[[Any, int], Any]:
    """From texts or sets."""
    return lambda given, threads: maker.sketch(given, threads=threads)


def gigabytes(texts: Iterable[str]) -> float:
    """GB of UTF-8."""
    return corpora.size(texts) / 1e9


def halves(given: list[str]) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.int64]]:
    """The low halves of shingle hashes, and where each text's start."""
    sets = SHINGLER.transform(given)
    return sets.hashes & 0xFFFFFFFF, sets.indptr


def legacy(given: tuple[npt.NDArray[np.uint64], npt.NDArray[np.int64]], threads: int) -> op.SketchArray:
    """datasketch's values before 2.0, of hashes that are ready."""
    a, b = datasketch_permutations("datasketch-legacy", K, 1)
    maker = op.MinHash(K, scheme="datasketch-legacy")
    return _core.sketch_hashes(*given, a, b, maker.params, threads)


SHINGLER = op.Shingler(N)
MINHASH = op.MinHash(K, shingler=SHINGLER)
OPH = op.MinHash(K, shingler=SHINGLER, scheme="oph")
SIMHASH = op.SimHash(64, shingler=SHINGLER)


BANDS, WIDTH = 32, 4
"""Bands of signatures, and values in each."""
FAR = 16
"""Bits: so many that the join compares all pairs, so few that hardly any is found."""


def text(name: str, run: Callable[[Any, int], Any], marks: Marks = (None,) * 4, given: str = "texts") -> Row:
    """A path from list[str], in GB/s."""
    return Row(name, "GB/s", given, run, gigabytes, marks)


def ready(
    name: str, run: Callable[[Any, int], Any], marks: Marks, prepare: Callable[[list[str]], Any] = SHINGLER.transform
) -> Row:
    """A path from shingle sets, or from their hashes and boundaries, in ns a shingle."""

    def shingles(made: Any) -> float:
        return len(made.hashes if isinstance(made, op.ShingleSets) else made[0]) / 1e9

    return Row(name, "ns a shingle", "texts", run, shingles, marks, prepare)


def pair_of_sets(given: list[str]) -> tuple[op.ShingleSets, op.ShingleSets]:
    """Texts and their edited copies."""
    a, b = corpora.copies(given, seed=0)
    return SHINGLER.transform(a), SHINGLER.transform(b)


def scoring(name: str, score: Callable[..., npt.NDArray[np.float64]]) -> Row:
    """Exact scores of pairs of sets."""
    return Row(
        f"exact {name} of two sets",
        "ns an element",
        "texts",
        lambda pair, threads: score(*pair, threads=threads),
        lambda pair: sum(len(sets.hashes) for sets in pair) / 1e9,
        (1.5, 2.5, 2.5, 2.5),
        pair_of_sets,
    )


@cache
def keys(size: int) -> npt.NDArray[np.uint64]:
    """Hashes of n-grams."""
    return np.random.default_rng(size).integers(0, 2**64, size, np.uint64)


@cache
def known(size: int) -> op.NgramTable:
    """A table of them; made once for an input and its half."""
    return op.NgramTable.from_hashes(keys(size), threads=1)


def queries(given: range) -> tuple[op.NgramTable, npt.NDArray[np.uint64]]:
    """A quarter as many as there are keys, of which half are there, in no order."""
    rng, size = np.random.default_rng(0), len(given) // 4
    asked = rng.integers(0, 2**64, size, np.uint64)
    asked[::2] = keys(given.stop)[rng.integers(0, given.stop, len(asked[::2]))]
    return known(given.stop), asked


def look_up(size: str, given: str, marks: Marks) -> Row:
    """Exact membership."""
    return Row(
        f"n-gram look-up, {size} keys",
        "ns a look-up",
        given,
        lambda made, threads: made[0].contains(made[1], threads=threads),
        lambda made: len(made[1]) / 1e9,
        marks,
        queries,
    )


def signatures(given: range) -> op.SketchArray:
    """Random ones, of which every second shares about half of its values with the one before."""
    rng = np.random.default_rng(0)
    values = rng.integers(0, 2**32, (len(given), K), np.uint32)
    values[1::2] = np.where(
        rng.random(values[1::2].shape, np.float32) < 0.5, values[: len(values[1::2]) * 2 : 2], values[1::2]
    )
    return op.MinHash(K).from_values(values)


def simhashes(given: range) -> op.SketchArray:
    """Random ones; that of one hash is the hash."""
    sets = op.ShingleSets.from_hashes(
        np.arange(len(given) + 1), keys(len(given)), counts=np.ones(len(given), np.uint32)
    )
    return op.SimHash(64).sketch(sets)


def arrow(texts: list[str]) -> Any:
    """The same as an Arrow array."""
    import pyarrow

    return pyarrow.array(texts)


ROWS = [
    text("text to word hashes", shingling(1), (2.0, 1.6, 1.3, 1.3)),
    text(f"text to word {N}-gram hashes", shingling(N), (1.6, 1.05, 0.85, 0.85)),
    text("CJK words", shingling(1), (0.35,) * 4, "cjk"),
    text("mixed scripts", shingling(1), given="mixed"),
    text("NFKC + case fold on text that needs it", shingling(1), given="wide"),
    text(f"byte {WINDOW}-grams", shingling(WINDOW, "byte"), (1.0, 0.8, 0.6, 0.6)),
    text(f"char {WINDOW}-grams", shingling(WINDOW, "char"), (1.0, 0.8, 0.6, 0.6)),
    text(f"list[str] to MinHash, k = {K}", sketching(MINHASH), (0.55, 0.38, 0.22, 0.22)),
    text("list[str] to oph", sketching(OPH)),
    text("list[str] to ShingleSets", lambda t, n: SHINGLER.transform(t, threads=n), (0.6, None, None, None)),
    text("list[str] to SimHash 64", sketching(SIMHASH), (1.2, 0.8, 0.65, 0.65)),
    ready(f"MinHash, k = {K}, hashes ready", sketching(op.MinHash(K)), (6.5, 9, 20, 20)),
    ready("datasketch legacy, bit-exact, hashes ready", legacy, (35, 55, 110, 110), halves),
    scoring("Jaccard", op.jaccard),
    scoring("containment", op.containment),
    look_up("10^7", "keys", (15, 20, 30, 30)),
    look_up("10^8", "many keys", (22, 24, 35, 35)),
    Row(
        f"band grouping, {BANDS} bands, to pairs",
        "s a million rows",
        "rows",
        lambda rows, n: op.candidate_pairs(rows, params=(BANDS, WIDTH), threads=n),
        lambda rows: len(rows) / 1e6,
        (0.7,) * 4,
        signatures,
    ),
    Row(
        "all-pairs Hamming",
        "G pairs/s",
        "bits",
        lambda rows, n: op.similarity_join(rows, threshold=FAR, metric="hamming", threads=n),
        lambda rows: len(rows) * (len(rows) - 1) / 2e9,
        (11, 3, 0.8, 0.8),
        simhashes,
        growth=(1.4, 5.5),
    ),
    Row(
        "crossing, list[str]",
        "ns a text",
        "blank",
        lambda texts, _: _core.crossing_only(texts),
        lambda texts: len(texts) / 1e9,
        (40,) * 4,
    ),
    Row(
        "crossing, Arrow",
        "ns a text",
        "blank",
        lambda texts, _: _core.crossing_only(texts),
        lambda texts: len(texts) / 1e9,
        (10,) * 4,
        arrow,
    ),
]
OPH_ROW, SHINGLE_ROW, OPH_SHARE = "list[str] to oph", f"text to word {N}-gram hashes", 0.95 / 1.25
PASSES = 4000
SCALE = Row(
    "`str::from_utf8`, for scale",
    "GB/s",
    "texts",
    lambda data, n: _core.yardstick_utf8(data, PASSES, n),
    lambda data: PASSES * len(data) / 1e9,
    prepare=lambda texts: "".join(texts[:200]).encode(),
)
"""What two threads are worth to a loop that shares nothing but the machine: virtual cores may be halves of one."""
THREADED = [*(row for row in ROWS if row.given == "texts" and row.unit == "GB/s"), SCALE]
"""Paths that two threads are tried on."""
TEXTS = ("texts", "cjk", "mixed", "wide", "blank")
"""Inputs of some megabytes."""
MANY, MANY_TIMES = "many texts", 16
"""What they are given: of a call of two milliseconds, the waking of a thread would be a tenth."""
LONG = [SHINGLE_ROW, f"list[str] to MinHash, k = {K}", OPH_ROW]
"""Paths that long texts are tried on."""


def digest(made: Any) -> str:
    """Stands for all bytes of a result."""
    if isinstance(made, op.ShingleSets):
        parts = [made.indptr, made.hashes]
    elif isinstance(made, op.Pairs):
        parts = [made.left, made.right, made.score]
    else:
        parts = [np.asarray(made)]
    return sha256(b"".join(np.ascontiguousarray(part).tobytes() for part in parts)).hexdigest()


def engine(row: Row, threads: int) -> Engine:
    """A row for `benches.worker`."""
    name = f"{row.name}, {threads}"
    return Engine("stages", name, "overproof", row.unit, lambda g: row.run(g, threads), digest, row.prepare)


ENGINES = [engine(row, threads) for row in [*ROWS, SCALE] for threads in (1, 2)]


def inputs(most: int) -> Given:
    """What rows are given: texts of about 1.3 kB, and what else a row needs."""
    real = "english" in corpora.available()
    texts = corpora.named("english" if real else "made")[:most]
    cjk = corpora.named("chinese")[:most] if real else []
    between = zip(texts, cjk or texts, strict=False)
    wide = {code: code + 0xFEE0 for code in range(ord("A"), ord("Z") + 1)}  # full-width capitals
    given = {
        "texts": texts,
        "long": corpora.joined(texts, 23_000),
        "cjk": cjk,
        "mixed": [" ".join(f"{x} {y}" for x, y in zip(a.split(), b.split(), strict=False)) for a, b in between],
        "wide": [text.upper().translate(wide) for text in texts],
        "blank": [str(b"  ", "ascii") for _ in range(50 * most)],
        "keys": range(2_500 * most),
        "many keys": range(25_000 * most),
        "rows": range(250 * most),
        "bits": range(16 * most),
    }
    return {name: value for name, value in given.items() if value}


def run(rounds: int, most: int = 4000) -> dict[str, Any]:
    """Everything, for the record.

    Rows of some megabytes share their workers and take turns. Each other input has workers of its own, one after
    another: tables of gigabytes that lie beside each other at every level leave no huge pages to what is made there.
    """
    from benches.run import about

    made = about("overproof's stages through Python, one core, every level of this machine")
    given = inputs(most)
    given |= {f"half of {name}": value[::2] for name, value in given.items()}
    rows = [row for row in ROWS if row.given in given]
    apart = dict.fromkeys(row.given for row in rows if row.given not in TEXTS)
    groups = [[row for row in rows if row.given in TEXTS], *([r for r in rows if r.given == name] for name in apart)]
    times: dict[str, dict[str, dict[str, Times]]] = {}
    threads: dict[str, dict[int, Times]] = {}
    yardsticks: list[dict[str, float]] = []
    for group in groups:
        names = {row.given for row in group} | ({"long"} if group is groups[0] else set())
        needed = {name: value for name, value in given.items() if name.removeprefix("half of ") in names}
        workers = {level: started({ENV: level}, needed) for level in levels()}
        check(group, workers)
        times |= {row.name: cells_of(row, workers) for row in group}
        each = [one for row in group for level in times[row.name].values() for one in level.values()]
        if group is groups[0]:
            wide = workers["two threads"] = started({}, {MANY: given["texts"] * MANY_TIMES}, os.sched_getaffinity(0))
            threads = {row.name: {n: timed(wide, row, MANY, n) for n in (1, 2)} for row in THREADED}
            each += [one for pair in threads.values() for one in pair.values()]
        for _ in range(rounds):
            yardsticks.append(machine.yardsticks(corpora.made()))
            for one in each:
                one.round()
        for worker in workers.values():
            worker.stop()
    best = levels()[0]
    made |= {
        "yardsticks": {name: statistics.median(y[name] for y in yardsticks) for name in yardsticks[0]}
        | {"line_of_1gib_ns": machine.line_ns()},
        "levels": levels(),
        "rows": [of_row(row, times[row.name], given, times.get(SHINGLE_ROW, {})) for row in rows],
        "threads": [of_threads(name, pair, threads[SCALE.name]) for name, pair in threads.items()],
        "long_texts": [of_long(row, times[row.name][best], given) for row in rows if row.name in LONG],
        "load_after": os.getloadavg(),
    }
    return made


def cells_of(row: Row, workers: dict[str, Worker]) -> dict[str, dict[str, Times]]:
    """What is timed for a row at each level, the highest first: long texts at that one alone."""
    best = next(iter(workers))
    return {
        level: {
            "all": timed(worker, row, row.given),
            "half": timed(worker, row, f"half of {row.given}"),
            **({"long": timed(worker, row, "long")} if row.name in LONG and level == best else {}),
        }
        for level, worker in workers.items()
    }


def levels() -> list[str]:
    """The levels of this machine, highest first."""
    asks = [sys.executable, "-c", "from overproof._core import kernel_level; kernel_level()"]
    tried = {
        level: subprocess.run(asks, env=os.environ | {ENV: level}, capture_output=True, check=False) for level in LEVELS
    }
    return [level for level, done in tried.items() if done.returncode == 0]


def started(env: dict[str, str], given: Given, cores: set[int] | None = None) -> Worker:
    """A process that holds all rows and all inputs."""
    worker = Worker(env=env, cores=cores)
    worker("load", "benches.stages")
    worker("give", given)
    return worker


def check(rows: list[Row], workers: dict[str, Worker]) -> None:
    """All levels give the same bytes."""
    for row in rows:
        digests = {
            level: worker("answers", "stages", f"{row.name}, 1", [row.given]) for level, worker in workers.items()
        }
        if len(set(digests.values())) > 1:
            raise SystemExit(f"{row.name}: levels differ, so nothing is timed: {digests}")


def timed(worker: Worker, row: Row, given: str, threads: int = 1) -> Times:
    """One cell; what `prepare` makes is not timed."""
    return Times(lambda repeats: worker("time", "stages", f"{row.name}, {threads}", given, True, repeats))


def value(row: Row, units: float, one: Times) -> float:
    """GB/s, or ns a unit: `units` are 10^9."""
    return units / one.median if row.rate else one.median / units


def of_row(row: Row, times: dict[str, dict[str, Times]], given: Given, shingles: dict[str, dict[str, Times]]) -> Any:
    """Every level: the value, the mark, and the mark at the clock of the record's yardstick."""
    units = row.count(row.prepare(given[row.given]))
    made: dict[str, Any] = {"row": row.name, "unit": row.unit, "levels": {}}
    for level, cells in times.items():
        growth = min(cells["all"].cpu) / min(cells["half"].cpu)
        if not row.growth[0] <= growth <= row.growth[1]:
            raise SystemExit(f"{row.name}, {level}: twice the input took {growth:.2f} times as long")
        mark = row.marks[min(LEVELS.index(level), 3)]
        cell: dict[str, Any] = {"value": value(row, units, cells["all"]), "mark": mark, "growth": growth}
        if row.name == OPH_ROW and shingles:
            cell["mark_same_run"] = OPH_SHARE * units / shingles[level]["all"].median
        made["levels"][level] = cell | {name: one.to_dict() for name, one in cells.items()}
    return made


def of_threads(name: str, pair: dict[int, Times], scale: dict[int, Times]) -> dict[str, Any]:
    """Wall time of one thread over that of two, that over the same of the yardstick, CPU time of two over one."""
    wall, offered = faster(pair), faster(scale)
    return {
        "row": name,
        "times_faster": statistics.median(wall),
        "times_faster_best": max(wall),
        "of_offered": statistics.median(mine / most for mine, most in zip(wall, offered, strict=True)),
        "cpu_times": ratio(pair[2], pair[1])[1],
        **{f"threads_{n}": one.to_dict() for n, one in pair.items()},
    }


def faster(pair: dict[int, Times]) -> list[float]:
    """Wall time of one thread over that of two, round by round."""
    return [one / two for one, two in zip(pair[1].wall, pair[2].wall, strict=True)]


def of_long(row: Row, cells: dict[str, Times], given: Given) -> dict[str, Any]:
    """Rates on long and on short texts."""
    long, short = gigabytes(given["long"]), gigabytes(given["texts"])
    return {
        "row": row.name,
        "long_gb_per_s": long / cells["long"].median,
        "short_gb_per_s": short / cells["all"].median,
        "long_over_short": (long / short) / ratio(cells["long"], cells["all"])[1],
    }


def table(made: dict[str, Any]) -> str:
    """Markdown; a mark is scaled by the clock of this run."""
    clock = made["yardsticks"]["multiply_ghz"] / MARKED_GHZ
    lines = [
        f"\n### stages: {', '.join(f'{k} {v:.2f}' for k, v in made['yardsticks'].items())}\n",
        f"| path | unit |{''.join(f' {level} | mark, here |' for level in made['levels'])}",
        f"| --- | --- |{' ---: |' * 2 * len(made['levels'])}",
    ]
    for row in made["rows"]:
        cells = []
        for cell in row["levels"].values():
            mark = scaled(row["unit"], cell, clock)
            cells += [f"{cell['value']:.2f}", "" if mark is None else marked(row["unit"], cell, mark)]
        lines.append(f"| {row['row']} | {row['unit']} | {' | '.join(cells)} |")
    lines += ["", "| path | two threads, times one | best round | of what the machine offers | CPU time, times one |"]
    lines.append("| --- | ---: | ---: | ---: | ---: |")
    shown = ("times_faster", "times_faster_best", "of_offered", "cpu_times")
    for row in made["threads"]:
        figures = (f"{row[one]:.2f}" if one in row else "" for one in shown)  # older records have less
        lines.append(f"| {row['row']} | {' | '.join(figures)} |")
    lines += ["", "| path | long texts, GB/s | short texts, GB/s | ratio |", "| --- | ---: | ---: | ---: |"]
    lines += [
        f"| {t['row']} | {t['long_gb_per_s']:.2f} | {t['short_gb_per_s']:.2f} | {t['long_over_short']:.2f} |"
        for t in made["long_texts"]
    ]
    return "\n".join(lines)


def scaled(unit: str, cell: dict[str, Any], clock: float) -> float | None:
    """What this machine should reach, by its clock; a mark of the same run stays as it is."""
    if "mark_same_run" in cell:
        return float(cell["mark_same_run"])
    if cell["mark"] is None:
        return None
    return float(cell["mark"] * clock if unit.startswith("G") else cell["mark"] / clock)


def marked(unit: str, cell: dict[str, Any], mark: float) -> str:
    """The mark as it was set, then at this clock; a sign where that is not reached."""
    set_ = "" if cell["mark"] is None else f"{cell['mark']:g}, "
    return f"{set_}{mark:.2f}{'' if (cell['value'] >= mark) == unit.startswith('G') else ' (missed)'}"

"""Do the estimators have the error that theory gives them?

Cells of one set size m and one Jaccard J, each of at least 20,000 trials over many seeds:

* random: sets of n-grams of random ids, the first of them shared, so that c of m shingles are the same;
* real: windows of m shingles in the stream of all distinct shingles of real texts, which overlap by c: each pair has
  shingles of its own, and J is c / (2 m - c) exactly. Without the folder of real texts, the English of CPython.

Gates of a cell, k = 128:

* bias: within 3 standard errors, taken over the means of the seeds;
* RMSE: at most 1.05 of sqrt(J (1 - J) / k) for MinHash, `oph` included; for SimHash of the binomial of its bits with
  the exact chance that two sums of random signs differ in sign; for FracMinHash of the hypergeometric distribution
  given how many were kept, as theory says it is;
* kurtosis of the error: within .5 of that of the same distribution. `oph` compares as many values as there are bins
  not empty in both, of which it never makes an error above that of independent values; its gate has one side: the mean
  of the fourth power of the error, in units of the binomial deviation of the bins used, is at most .5 above the
  binomial's;
* coverage of the interval of `score_interval` at 99 %: at least 98.5 %.

Of C correct cells about 0.004 C lie beyond 3 standard errors, which are estimated from 50 seeds. So a cell that misses
a gate is measured again, on the same pairs under four times as many fresh seeds, and fails when it misses one again.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import overproof as op
from scipy import stats

from benches import corpora

K = 128
TRIALS = 20_000
"""At least so many of each cell."""
PAIRS = 400
"""At most so many of each cell; the rest is seeds."""
SIZES = (5, 20, 50, 200, 1000, 5000)
JACCARDS = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
WIDTHS = (1, 2, 3, 5, 8, 13)
REAL = {
    **{f"english, word {n}": ("english", "word", n) for n in WIDTHS},
    "english, char 5": ("english", "char", 5),
    "english, byte 8": ("english", "byte", 8),
    "chinese, word 2": ("chinese", "word", 2),
    "chinese, word 8": ("chinese", "word", 8),
    "code, word 5": ("code", "word", 5),
}
MADE = {f"made, word {n}": ("made", "word", n) for n in (1, 5)}
MOST_KURTOSIS_ERROR = 0.08
"""Beyond this standard error a cell gets four times as many seeds."""
CONFIDENCE = 0.99
LEAST_COVERAGE = 0.985
FRESH = 1_000_001
"""First seed of a second measurement."""

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Pairs:
    """Pairs of sets of one size that share the same number of shingles."""

    a: op.ShingleSets
    b: op.ShingleSets
    size: int
    shared: int

    @property
    def jaccard(self) -> float:
        """Exact."""
        return self.shared / (2 * self.size - self.shared)


@dataclass(frozen=True)
class Trials:
    """What an estimator did under each seed, and what theory says of it.

    Attributes
    ----------
    error : float64[seeds, pairs]
        NaN where the estimator gave no value.
    deviation : float64, scalar or of the shape of `error`
        Standard deviation by theory.
    unit, kurtosis
        Deviation and kurtosis of the distribution that the fourth power is compared with.
    covered : bool[seeds, pairs]
        Whether the interval held the truth.
    one_sided : bool
        Whether the fourth power may be any amount below theory.
    """

    error: Float64
    deviation: Float64
    unit: Float64
    kurtosis: Float64
    covered: npt.NDArray[np.bool_]
    one_sided: bool = False


Scheme = Callable[[Pairs, range], Trials]


@dataclass(frozen=True)
class Cell:
    """Error of one estimator over pairs of one kind."""

    scheme: str
    source: str
    size: int
    jaccard: float
    trials: int
    seeds: int
    bias: float
    standard_error: float
    rmse: float
    theory: float
    kurtosis: float
    """Of the error; one-sided: mean fourth power of the error in units."""
    kurtosis_error: float
    """Its standard error."""
    kurtosis_theory: float
    coverage: float
    one_sided: bool

    @property
    def z(self) -> float:
        """Bias in standard errors."""
        return self.bias / self.standard_error if self.standard_error else 0.0

    @property
    def ratio(self) -> float:
        """RMSE over theory."""
        return self.rmse / self.theory

    @property
    def excess(self) -> float:
        """Kurtosis above theory."""
        return self.kurtosis - self.kurtosis_theory

    @property
    def missed(self) -> list[str]:
        """Names of the gates that this cell misses."""
        gates = {
            "bias": abs(self.z) <= 3,
            "rmse": self.ratio <= 1.05,
            "kurtosis": self.excess <= 0.5 and (self.one_sided or self.excess >= -0.5),
            "coverage": self.coverage >= LEAST_COVERAGE,
        }
        return [name for name, held in gates.items() if not held]

    @property
    def kind(self) -> tuple[str, str, int, float]:
        """What tells cells apart."""
        return self.scheme, self.source, self.size, self.jaccard


def study(
    sources: Sequence[str] | None = None,
    schemes: dict[str, Scheme] | None = None,
    *,
    trials: int = TRIALS,
    sizes: Sequence[int] = SIZES,
) -> dict[str, Any]:
    """Measure all cells; what failed is under "failed"."""
    schemes = SCHEMES if schemes is None else schemes
    cells, again = list[Cell](), list[Cell]()
    for source in available() if sources is None else sources:
        print(f"  {source}", file=sys.stderr, flush=True)
        for pairs in pairs_of(source, sizes):
            count = len(pairs.a.indptr) - 1
            seeds = math.ceil(trials / count)
            for name, scheme in schemes.items():
                first = cell(name, source, pairs, scheme(pairs, range(1, seeds + 1)))
                if first.kurtosis_error > MOST_KURTOSIS_ERROR:
                    first = cell(name, source, pairs, scheme(pairs, range(1, 4 * seeds + 1)))
                cells.append(first)
                if first.missed:
                    fresh = scheme(pairs, range(FRESH, FRESH + 4 * seeds))
                    again.append(cell(name, source, pairs, fresh))
    failed = [[*c.kind, c.missed] for c in again if c.missed]
    return {
        "k": K,
        "trials": trials,
        "confidence": CONFIDENCE,
        "summary": summary(cells, again),
        "by_size": by_size(cells),
        "failed": failed,
        "columns": [field.name for field in fields(Cell)] + ["z", "ratio", "missed"],
        "cells": rows(cells),
        "again": rows(again),
    }


def available() -> list[str]:
    """Names of the sources of pairs on this machine."""
    return [f"random, {n}" for n in WIDTHS] + list(REAL if "english" in corpora.available() else MADE)


def pairs_of(source: str, sizes: Sequence[int]) -> Iterator[Pairs]:
    """Pairs of these sizes and all Jaccards of a source."""
    grid = [(m, c) for m in sizes for c in sorted({min(max(round(2 * m * j / (1 + j)), 1), m - 1) for j in JACCARDS})]
    if source.startswith("random"):
        n = int(source.rpartition(" ")[2])
        rng = np.random.default_rng(n)
        yield from (random_pairs(rng, n, m, c) for m, c in grid)
    else:
        hashes = stream(*(REAL | MADE)[source])
        yield from (window_pairs(hashes, m, c) for m, c in grid)


def random_pairs(rng: np.random.Generator, n: int, size: int, shared: int) -> Pairs:
    """Pairs of sets of `size` n-grams of random ids; the first `shared` of them are the same."""
    shingler, length, common = op.Shingler(n, analyzer="tokens"), size + n - 1, shared + n - 1
    a, b = rng.integers(0, 2**64, (2, PAIRS, length), np.uint64)
    b[:, :common] = a[:, :common]
    offsets = np.arange(PAIRS + 1, dtype=np.int64) * length
    return checked(shingler.transform((a.ravel(), offsets)), shingler.transform((b.ravel(), offsets)), size, shared)


def stream(corpus: str, analyzer: str, n: int) -> npt.NDArray[np.uint64]:
    """The distinct shingles of a corpus, text after text, in random order within a text, where sets are sorted."""
    texts = corpora.named(corpus) if corpus == "made" else [t for p in corpora.SETS[corpus] for t in corpora.answers(p)]
    sets = op.Shingler(n, analyzer=analyzer).transform(texts)
    text_of = np.repeat(np.arange(len(texts)), np.diff(sets.indptr))
    order = np.lexsort((np.random.default_rng(n).random(len(text_of)), text_of))
    mixed = sets.hashes[order]
    return mixed[np.sort(np.unique(mixed, return_index=True)[1])]


def window_pairs(hashes: npt.NDArray[np.uint64], size: int, shared: int) -> Pairs:
    """Neighbouring windows of `size` shingles that overlap by `shared`; no shingle is in two pairs."""
    length = 2 * size - shared
    fit = len(hashes) // length
    chosen = np.random.default_rng(size).permutation(fit)[:PAIRS] * length
    both = hashes[chosen[:, None] + np.arange(length)]
    sides = np.sort(both[:, :size], axis=1), np.sort(both[:, size - shared :], axis=1)
    indptr = np.arange(len(chosen) + 1, dtype=np.int64) * size
    a, b = (op.ShingleSets.from_hashes(indptr, side.ravel()) for side in sides)
    return checked(a, b, size, shared)


def checked(a: op.ShingleSets, b: op.ShingleSets, size: int, shared: int) -> Pairs:
    """Pairs that are what they were made to be."""
    pairs = Pairs(a, b, size, shared)
    if not (np.diff(a.indptr) == size).all() or not (np.diff(b.indptr) == size).all():
        raise SystemExit(f"m={size}: sets are not of the size they were made for")
    if not np.array_equal(op.jaccard(a, b), np.full(len(a.indptr) - 1, pairs.jaccard)):
        raise SystemExit(f"m={size}: sets do not share {shared}")
    return pairs


def holds(interval: Float64, truth: float) -> npt.NDArray[np.bool_]:
    """Which intervals hold the truth."""
    return (interval[:, 0] <= truth) & (truth <= interval[:, 1])


def binomial_kurtosis(p: float, trials: Any) -> Float64:
    """Kurtosis, 3 for the normal distribution."""
    return np.asarray(3 + (1 - 6 * p * (1 - p)) / (trials * p * (1 - p)), np.float64)


def minhash(scheme: str) -> Scheme:
    """A scheme of MinHash."""

    def trials(pairs: Pairs, seeds: range) -> Trials:
        error, covered, used = [], [], []
        for seed in seeds:
            maker = op.MinHash(K, scheme=scheme, seed=seed)
            a, b = maker.sketch(pairs.a), maker.sketch(pairs.b)
            error.append(op.jaccard(a, b) - pairs.jaccard)
            covered.append(holds(op.score_interval(a, b, confidence=CONFIDENCE), pairs.jaccard))
            both_empty = (np.asarray(a) & np.asarray(b)) == 2**32 - 1
            used.append(K - both_empty.sum(axis=1))
        j, compared = pairs.jaccard, np.array(used) if scheme == "oph" else K
        return Trials(
            np.array(error),
            deviation=np.sqrt(j * (1 - j) / K),
            unit=np.sqrt(j * (1 - j) / compared),
            kurtosis=binomial_kurtosis(j, compared),
            covered=np.array(covered),
            one_sided=scheme == "oph",
        )

    return trials


def simhash(pairs: Pairs, seeds: range) -> Trials:
    """Share of bits that differ, of unweighted shingles."""
    differ = simhash_differ(pairs.size, pairs.size, pairs.shared)
    ones = np.ones(len(pairs.a.hashes), np.int32)
    error, covered = [], []
    for seed in seeds:
        maker = op.SimHash(64, seed=seed)
        a, b = maker.sketch(pairs.a, weights=ones), maker.sketch(pairs.b, weights=ones)
        error.append(op.hamming(a, b) / 64 - differ)
        covered.append(holds(op.score_interval(a, b, metric="hamming", confidence=CONFIDENCE), 1 - differ))
    deviation = np.asarray(math.sqrt(differ * (1 - differ) / 64))
    return Trials(np.array(error), deviation, deviation, binomial_kurtosis(differ, 64), np.array(covered))


def fracminhash(metric: str) -> Scheme:
    """Containment of A, or Jaccard, from what was kept of A, or of the union."""

    def trials(pairs: Pairs, seeds: range) -> Trials:
        truth, population = pairs.shared / pairs.size, pairs.size
        if metric == "jaccard":
            truth, population = pairs.jaccard, 2 * pairs.size - pairs.shared
        score = op.containment if metric == "containment" else op.jaccard
        error, covered, drawn = [], [], []
        for seed in seeds:
            maker = op.FracMinHash(10 if pairs.size >= 200 else 2, seed=seed)
            a, b = maker.sketch(pairs.a), maker.sketch(pairs.b)
            error.append(score(a, b) - truth)
            covered.append(holds(op.score_interval(a, b, metric=metric, confidence=CONFIDENCE), truth))
            kept = np.diff(a.indptr)
            if metric == "jaccard":
                kept = kept + np.diff(b.indptr) - np.rint(np.nan_to_num(op.containment(a, b)) * kept).astype(np.int64)
            drawn.append(kept)
        deviation, kurtosis = hypergeometric(population, pairs.shared, np.array(drawn))
        return Trials(np.array(error), deviation, deviation, kurtosis, np.array(covered))

    return trials


def hypergeometric(population: int, good: int, drawn: Int64) -> tuple[Float64, Float64]:
    """Deviation and kurtosis of the share of good ones among those drawn without replacement; 0 and NaN for all."""
    counts, where = np.unique(drawn, return_inverse=True)
    inner = np.clip(counts, 1, population - 1)
    variance, excess = stats.hypergeom.stats(population, good, inner, moments="vk")
    deviation = np.where(inner == counts, np.sqrt(variance) / inner, 0.0)
    kurtosis = np.where(deviation > 0, excess + 3, np.nan)
    return deviation[where].reshape(drawn.shape), kurtosis[where].reshape(drawn.shape)


@cache
def simhash_differ(size_a: int, size_b: int, both: int) -> float:
    """Chance that a bit differs: of c shared signs and m - c own ones, whether the sum is above 0 in one text only."""
    shared = np.arange(both + 1)
    weight = stats.binom.pmf(shared, both, 0.5)
    total = 2 * shared - both
    up = [stats.binom.sf(np.floor((own - total) / 2), own, 0.5) for own in (size_a - both, size_b - both)]
    return float((weight * (up[0] * (1 - up[1]) + up[1] * (1 - up[0]))).sum())


SCHEMES: dict[str, Scheme] = {
    "affine32-op1": minhash("affine32-op1"),
    "oph": minhash("oph"),
    "simhash": simhash,
    "fracminhash containment": fracminhash("containment"),
    "fracminhash jaccard": fracminhash("jaccard"),
}


def cell(scheme: str, source: str, pairs: Pairs, trials: Trials) -> Cell:
    """Sum up; trials without a value are left out, and of the kurtosis those that theory gives no deviation."""
    there = ~np.isnan(trials.error)
    error = trials.error[there]
    deviation, unit, kurtosis = (
        np.broadcast_to(of, trials.error.shape)[there] for of in (trials.deviation, trials.unit, trials.kurtosis)
    )
    seeds = np.nanmean(np.where(there.any(axis=1)[:, None], trials.error, 0.0), axis=1)
    open_ = unit > 0
    fourth, fourth_error = fourth_moment(error[open_] / unit[open_], scaled=not trials.one_sided)
    return Cell(
        scheme,
        source,
        pairs.size,
        round(pairs.jaccard, 4),
        trials=error.size,
        seeds=len(trials.error),
        bias=float(error.mean()),
        standard_error=float(seeds.std(ddof=1) / math.sqrt(len(seeds))),
        rmse=float(np.sqrt((error**2).mean())),
        theory=float(np.sqrt((deviation**2).mean())),
        kurtosis=fourth,
        kurtosis_error=fourth_error,
        kurtosis_theory=float(kurtosis[open_].mean()),
        coverage=float(trials.covered[there].mean()),
        one_sided=trials.one_sided,
    )


def fourth_moment(z: Float64, *, scaled: bool) -> tuple[float, float]:
    """Mean of z**4, over the square of the mean of z**2 if scaled, and its standard error by the delta method."""
    second, fourth = (z**2).mean(), (z**4).mean()
    if not scaled:
        return float(fourth), float((z**4).std() / math.sqrt(z.size))
    influence = (z**4 - fourth) / second**2 - 2 * fourth / second**3 * (z**2 - second)
    return float(fourth / second**2), float(influence.std() / math.sqrt(z.size))


def rows(cells: list[Cell]) -> list[list[Any]]:
    """Cells as rows of plain values; five digits are enough for a record."""
    values = ([*asdict(cell).values(), cell.z, cell.ratio, " ".join(cell.missed)] for cell in cells)
    return [[float(f"{v:.5g}") if isinstance(v, float) else v for v in row] for row in values]


def summary(cells: list[Cell], again: list[Cell]) -> list[dict[str, Any]]:
    """One row per scheme and kind of source."""
    made = []
    kinds = ("random", "real")
    for scheme, kind in ((s, k) for s in dict.fromkeys(c.scheme for c in cells) for k in kinds):
        own, second = (
            [c for c in some if c.scheme == scheme and c.source.startswith("random") == (kind == "random")]
            for some in (cells, again)
        )
        if not own:
            continue
        made.append(
            {
                "scheme": scheme,
                "source": kind,
                "cells": len(own),
                "trials": sum(c.trials for c in own),
                "beyond_3": sum(abs(c.z) > 3 for c in own),
                "expected_beyond_3": round(float(sum(2 * stats.t.sf(3, c.seeds - 1) for c in own)), 1),
                "worst_z": max((c.z for c in own), key=abs),
                "worst_z_again": max((abs(c.z) for c in second), default=0.0),
                **worst(own),
                "measured_again": len(second),
                "failed": sum(bool(c.missed) for c in second),
            }
        )
    return made


def worst(cells: list[Cell]) -> dict[str, float]:
    """Least and largest of what is gated."""
    return {
        "least_ratio": min(c.ratio for c in cells),
        "most_ratio": max(c.ratio for c in cells),
        "least_excess": min(c.excess for c in cells),
        "most_excess": max(c.excess for c in cells),
        "most_kurtosis_error": max(c.kurtosis_error for c in cells),
        "least_coverage": min(c.coverage for c in cells),
    }


def by_size(cells: list[Cell]) -> list[dict[str, Any]]:
    """One row per scheme and size, over all sources."""
    return [
        {"scheme": scheme, "size": size, **worst([c for c in cells if (c.scheme, c.size) == (scheme, size)])}
        for scheme in dict.fromkeys(c.scheme for c in cells)
        for size in dict.fromkeys(c.size for c in cells)
    ]


def tables(record: dict[str, Any]) -> str:
    """Markdown."""
    lines = [
        "| estimator | sets | cells | trials | beyond 3 s.e. (expected) | worst z, then again | RMSE / theory "
        "| kurtosis - theory (s.e.) | least coverage at 99 % | measured again | failed |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for r in record["summary"]:
        values = [
            r["scheme"],
            r["source"],
            r["cells"],
            f"{r['trials']:,}",
            f"{r['beyond_3']} ({r['expected_beyond_3']})",
            f"{r['worst_z']:+.2f}" + (f", {r['worst_z_again']:.2f}" if r["measured_again"] else ""),
            *measured(r),
            r["measured_again"],
            r["failed"],
        ]
        lines.append(f"| {' | '.join(map(str, values))} |")
    lines += ["", "| estimator | m | RMSE / theory | kurtosis - theory (s.e.) | least coverage |"]
    lines.append("| --- | ---: | ---: | ---: | ---: |")
    lines += [f"| {r['scheme']} | {r['size']:,} | {' | '.join(measured(r))} |" for r in record["by_size"]]
    return "\n".join(lines)


def measured(r: dict[str, float]) -> list[str]:
    """Entries of a row of either table."""
    return [
        f"{r['least_ratio']:.3f} to {r['most_ratio']:.3f}",
        f"{r['least_excess']:+.2f} to {r['most_excess']:+.2f} ({r['most_kurtosis_error']:.2f})",
        f"{100 * r['least_coverage']:.2f} %",
    ]


def one_row_a_line(record: dict[str, Any]) -> str:
    """JSON in which each entry, and each row of a table, has a line."""
    entries = []
    for name, value in record.items():
        table = isinstance(value, list) and value and isinstance(value[0], list | dict)
        text = "[\n" + ",\n".join(map(json.dumps, value)) + "\n]" if table else json.dumps(value)
        entries.append(f"{json.dumps(name)}: {text}")
    return "{" + ",\n".join(entries) + "}\n"

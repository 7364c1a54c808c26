"""Do the estimators have the error that theory gives them? ``make accuracy``; some minutes.

Cells of one shingle width, set size and Jaccard, each over several seeds of the sketch:

* random: texts of random tokens, a shared beginning and ends of their own, so that c of m shingles are shared exactly;
* real: texts of people and models against copies with replaced words, where the folder of real texts is present, the
  English of CPython elsewhere. Pairs that share vocabulary are not independent under one seed, so the standard error
  of the bias is that of the means of the seeds.

Theory is sqrt(J (1 - J) / k) for MinHash, also for `oph`, which may be better; for SimHash the exact chance that two
sums of random signs differ in sign; for FracMinHash the hypergeometric error of containment given what was kept. Of C
correct cells about 0.0027 C lie beyond 3 standard errors, so a cell beyond 3, or with an RMSE above 1.05 of theory, is
measured again on the same pairs under four times as many fresh seeds. A scheme fails when a cell is odd again. Writes
benches/record/<machine>/<date>-estimators.json, with both measurements, and prints a table.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import time
from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import overproof as op
from scipy import stats

from benches import corpora, machine
from benches.run import RECORD

K = 128
SCALED = 10
WIDTHS = range(1, 14)
JACCARDS = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
PAIRS = {5: 1500, 20: 1500, 50: 1000, 200: 750, 1000: 500, 5000: 500}
"""Set size to random pairs under each seed."""
SCHEMES = ("affine32-op1", "oph", "simhash", "fracminhash")
RANDOM_SEEDS = 8
REAL_SEEDS = 64
FRESH = 10_001
"""First seed of the second measurement."""
REAL_PAIRS = 300
BINS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
LEAST_KEPT = 200
"""FracMinHash is studied on sets of at least this size: smaller ones keep too little."""

Float64 = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Pairs:
    """Pairs of sets, and what is exactly true of them."""

    a: op.ShingleSets
    b: op.ShingleSets
    jaccard: Float64
    containment: Float64
    sizes: npt.NDArray[np.int64]
    """int64[n, 3]: shingles of a, of b, of both."""

    @classmethod
    def of(cls, a: op.ShingleSets, b: op.ShingleSets) -> Pairs:
        """Measure."""
        containment, size_a, size_b = op.containment(a, b), np.diff(a.indptr), np.diff(b.indptr)
        both = np.rint(containment * size_a).astype(np.int64)
        return cls(a, b, op.jaccard(a, b), containment, np.stack([size_a, size_b, both], axis=1))


@dataclass(frozen=True)
class Cell:
    """Error of one estimator over pairs of one kind."""

    scheme: str
    source: str
    n: int
    size: int
    jaccard: float
    errors: int
    bias: float
    standard_error: float
    rmse: float
    theory: float
    kurtosis: float

    @property
    def z(self) -> float:
        """Bias in standard errors."""
        return self.bias / self.standard_error if self.standard_error else 0.0

    @property
    def ratio(self) -> float:
        """RMSE over theory."""
        return self.rmse / self.theory

    @property
    def odd(self) -> bool:
        """Whether the bias or the error is more than it may be."""
        return abs(self.z) > 3 or self.ratio > 1.05

    @property
    def kind(self) -> tuple[str, str, int, int, float]:
        """What tells cells apart."""
        return self.scheme, self.source, self.n, self.size, self.jaccard


def main() -> None:
    """Study, record, print; exit status 1 if a scheme fails."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--widths", type=int, nargs="+", default=list(WIDTHS))
    parser.add_argument("--no-record", action="store_true", help="print only")
    options = parser.parse_args()
    start = time.perf_counter()
    cells, again = [], []
    for n in options.widths:
        for study in itertools.chain(random_studies(n), real_studies(n)):
            cells += (first := study.cells(range(1, study.seeds + 1), SCHEMES))
            odd = {cell.kind: cell.scheme for cell in first if cell.odd}
            if odd:
                fresh = study.cells(range(FRESH, FRESH + 4 * study.seeds), set(odd.values()))
                again += [cell for cell in fresh if cell.kind in odd]
    about = {
        "what": "bias and RMSE of the estimators, by cells of shingle width, set size and Jaccard",
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine.describe(),
        "k": K,
        "scaled": SCALED,
        "seeds": {"random": RANDOM_SEEDS, real_source(): REAL_SEEDS},
        "seconds": round(time.perf_counter() - start),
        "summary": summary(cells, again),
        "columns": [*asdict(cells[0]), "z", "ratio"],
        "cells": rows(cells),
        "again": rows(again),
    }
    print(table(about["summary"]))
    if not options.no_record:
        folder = RECORD / about["machine"]["slug"]
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{about['date'][:10]}-estimators.json"
        path.write_text(one_row_a_line(about))
        print(f"\nwritten: {path.relative_to(RECORD.parents[1])}")
    if any(row["odd_again"] for row in about["summary"]):
        raise SystemExit(1)


def rows(cells: list[Cell]) -> list[list[Any]]:
    """Cells as rows of plain values; six digits are enough for a record."""
    values = ([*asdict(cell).values(), cell.z, cell.ratio] for cell in cells)
    return [[float(f"{v:.6g}") if isinstance(v, float) else v for v in row] for row in values]


def one_row_a_line(record: dict[str, Any]) -> str:
    """JSON in which each entry, and each row of a table, has a line."""
    fields = []
    for name, value in record.items():
        table = isinstance(value, list) and value and isinstance(value[0], list | dict)
        text = "[\n" + ",\n".join(map(json.dumps, value)) + "\n]" if table else json.dumps(value)
        fields.append(f"{json.dumps(name)}: {text}")
    return "{" + ",\n".join(fields) + "}\n"


@dataclass(frozen=True)
class Study:
    """Pairs of one source, width and size, and which of them make a cell.

    Attributes
    ----------
    seeds : int
        Seeds of the first measurement.
    groups : list of (float, bool[n])
        Jaccard of a cell, and its pairs.
    independent : bool
        Whether errors under one seed are independent of each other.
    """

    source: str
    n: int
    size: int
    pairs: Pairs
    seeds: int
    groups: list[tuple[float, npt.NDArray[np.bool_]]]
    independent: bool

    def cells(self, seeds: range, schemes: Collection[str]) -> list[Cell]:
        """Measure all cells of some schemes under some seeds."""
        errors, theories = estimate(self.pairs, seeds, schemes)
        return [
            cell(
                (scheme, self.source, self.n, self.size, jaccard),
                error[:, chosen],
                theories[scheme][..., chosen],
                independent=self.independent,
            )
            for scheme, error in errors.items()
            for jaccard, chosen in self.groups
        ]


def random_studies(n: int) -> Iterator[Study]:
    """Random sets at one width, one study per size and Jaccard."""
    rng = np.random.default_rng(n)
    for size, pairs in PAIRS.items():
        for c in sorted({min(max(round(2 * size * j / (1 + j)), 1), size - 1) for j in JACCARDS}):
            groups = [(round(c / (2 * size - c), 4), np.ones(pairs, np.bool_))]
            made = random_pairs(rng, n, size, c, pairs)
            yield Study("random", n, size, made, RANDOM_SEEDS, groups, independent=True)


def random_pairs(rng: np.random.Generator, n: int, size: int, shared: int, pairs: int) -> Pairs:
    """Pairs of sets of `size` n-grams of random ids; the first `shared` of them are the same."""
    shingler, length, common = op.Shingler(n, analyzer="tokens"), size + n - 1, shared + n - 1
    a, b = rng.integers(0, 2**64, (2, pairs, length), np.uint64)
    b[:, :common] = a[:, :common]
    offsets = np.arange(pairs + 1, dtype=np.int64) * length
    made = Pairs.of(shingler.transform((a.ravel(), offsets)), shingler.transform((b.ravel(), offsets)))
    if not (made.sizes == [size, size, shared]).all():
        raise SystemExit(f"n={n}, m={size}: sets of random tokens are not of the size they were made for")
    return made


def real_studies(n: int) -> Iterator[Study]:
    """Real texts and their copies at one width, one study per size; cells by bins of Jaccard with 20 pairs or more."""
    shingler = op.Shingler(n)
    for size, texts in real_texts().items():
        a, b = corpora.copies(texts, seed=n, n=n)
        made = Pairs.of(shingler.transform(a), shingler.transform(b))
        j, fit = made.jaccard, (made.jaccard > 0) & (made.sizes[:, 0] >= 5)
        bins = [fit & (low <= j) & (j < high) for low, high in itertools.pairwise(BINS)]
        groups = [(round(float(j[chosen].mean()), 4), chosen) for chosen in bins if chosen.sum() >= 20]
        yield Study(real_source(), n, size, made, REAL_SEEDS, groups, independent=False)


def real_source() -> str:
    """What stands for real text on this machine."""
    return "real" if "english" in corpora.available() else "made"


@cache
def real_texts() -> dict[int, list[str]]:
    """About how many words a text has, to texts: single answers, and answers joined."""
    if real_source() == "real":
        pieces = [text for part in corpora.SETS["english"] for text in corpora.answers(part)]
    else:
        pieces = [part for text in corpora.simulate.training_texts().values() for part in text.split("\n\n")]
    rng = np.random.default_rng(0)
    pieces = [pieces[i] for i in rng.permutation(len(pieces))]
    single = {20: (12, 30), 60: (40, 80)}
    lengths = [len(text.split()) for text in pieces]
    texts = {
        size: [t for t, words in zip(pieces, lengths, strict=True) if low <= words < high][:REAL_PAIRS]
        for size, (low, high) in single.items()
    }
    return texts | {size: corpora.joined(pieces, 6 * size)[:REAL_PAIRS] for size in (200, 1000, 5000)}


def estimate(pairs: Pairs, seeds: range, schemes: Collection[str]) -> tuple[dict[str, Float64], dict[str, Float64]]:
    """Errors float64[seeds, pairs] of each scheme, and the standard deviation that theory gives each of them."""
    j, c, size = pairs.jaccard, pairs.containment, pairs.sizes[:, 0]
    errors, theories = dict[str, Float64](), dict[str, Float64]()
    for scheme in (scheme for scheme in ("affine32-op1", "oph") if scheme in schemes):
        makers = [op.MinHash(K, scheme=scheme, seed=seed) for seed in seeds]
        errors[scheme] = np.array([op.jaccard(m.sketch(pairs.a), m.sketch(pairs.b)) - j for m in makers])
        theories[scheme] = np.sqrt(j * (1 - j) / K)
    if "simhash" in schemes:
        differ = np.array([simhash_differ(*map(int, row)) for row in pairs.sizes])
        a, b = ((sets, np.ones(len(sets.hashes), np.int32)) for sets in (pairs.a, pairs.b))
        sims = [op.SimHash(64, seed=seed) for seed in seeds]
        apart = [op.hamming(s.sketch(a[0], weights=a[1]), s.sketch(b[0], weights=b[1])) for s in sims]
        errors["simhash"] = np.array(apart) / 64 - differ
        theories["simhash"] = np.sqrt(differ * (1 - differ) / 64)
    if "fracminhash" in schemes and size.min() >= LEAST_KEPT:
        fracs = [op.FracMinHash(SCALED, seed=seed) for seed in seeds]
        made = [(f.sketch(pairs.a), f.sketch(pairs.b)) for f in fracs]
        errors["fracminhash"] = np.array([op.containment(a, b) - c for a, b in made])
        kept = np.array([np.diff(a.indptr) for a, _ in made])
        with np.errstate(divide="ignore"):
            theories["fracminhash"] = np.sqrt(c * (1 - c) / kept * (size - kept) / (size - 1))
    return errors, theories


@cache
def simhash_differ(size_a: int, size_b: int, both: int) -> float:
    """Chance that a bit differs: of c shared signs and m - c own ones, whether the sum is above 0 in one text only."""
    shared = np.arange(both + 1)
    weight = stats.binom.pmf(shared, both, 0.5)
    total = 2 * shared - both
    up = [stats.binom.sf(np.floor((own - total) / 2), own, 0.5) for own in (size_a - both, size_b - both)]
    return float((weight * (up[0] * (1 - up[1]) + up[1] * (1 - up[0]))).sum())


def cell(kind: tuple[str, str, int, int, float], error: Float64, theory: Float64, *, independent: bool) -> Cell:
    """Sum up errors float64[seeds, pairs]; NaN, where nothing was kept, is left out."""
    theory = np.broadcast_to(theory, error.shape)[~np.isnan(error)]
    seeds = np.nanmean(error, axis=1)
    error = error[~np.isnan(error)]
    spread = error.std(ddof=1) / math.sqrt(error.size) if independent else seeds.std(ddof=1) / math.sqrt(len(seeds))
    return Cell(
        *kind,
        errors=error.size,
        bias=float(error.mean()),
        standard_error=float(spread),
        rmse=float(np.sqrt((error**2).mean())),
        theory=float(np.sqrt((theory**2).mean())),
        kurtosis=float(stats.kurtosis(error[theory > 0] / theory[theory > 0], fisher=False)),
    )


def summary(cells: list[Cell], again: list[Cell]) -> list[dict[str, Any]]:
    """One row per scheme and source."""
    made = []
    for scheme, source in dict.fromkeys((c.scheme, c.source) for c in cells):
        own = [c for c in cells if (c.scheme, c.source) == (scheme, source)]
        second = [c for c in again if (c.scheme, c.source) == (scheme, source)]
        worst_z, worst_ratio = max(own, key=lambda c: abs(c.z)), max(own, key=lambda c: c.ratio)
        known = [c for c in own if c.standard_error]
        weights = np.array([1 / c.standard_error**2 for c in known])
        pooled = float(np.average([c.bias for c in known], weights=weights))
        made.append(
            {
                "scheme": scheme,
                "source": source,
                "cells": len(own),
                "errors": sum(c.errors for c in own),
                "pooled_bias": pooled,
                "pooled_z": pooled * math.sqrt(weights.sum()),
                "beyond_3": sum(abs(c.z) > 3 for c in own),
                "expected_beyond_3": round(len(own) * 2 * float(stats.norm.sf(3)), 1),
                "worst_z": worst_z.z,
                "worst_z_at": [worst_z.n, worst_z.size, worst_z.jaccard],
                "median_ratio": float(np.median([c.ratio for c in own])),
                "worst_ratio": worst_ratio.ratio,
                "worst_ratio_at": [worst_ratio.n, worst_ratio.size, worst_ratio.jaccard],
                "measured_again": len(second),
                "worst_z_again": max((abs(c.z) for c in second), default=0.0),
                "odd_again": sum(c.odd for c in second),
            }
        )
    return made


def table(summed: list[dict[str, Any]]) -> str:
    """Markdown."""
    lines = [
        "| estimator | sets | cells | errors | pooled bias (z) | beyond 3 s.e. (expected) | worst z at n, m, J "
        "| RMSE / theory, median | worst at n, m, J | measured again: worst z | odd again |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for r in summed:
        cells = [
            r["scheme"],
            r["source"],
            r["cells"],
            f"{r['errors']:,}",
            f"{r['pooled_bias']:+.5f} ({r['pooled_z']:+.1f})",
            f"{r['beyond_3']} ({r['expected_beyond_3']})",
            f"{r['worst_z']:+.2f} at {', '.join(map(str, r['worst_z_at']))}",
            f"{r['median_ratio']:.3f}",
            f"{r['worst_ratio']:.3f} at {', '.join(map(str, r['worst_ratio_at']))}",
            f"{r['measured_again']}: {r['worst_z_again']:.2f}" if r["measured_again"] else "-",
            r["odd_again"],
        ]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()

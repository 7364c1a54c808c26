"""Do the estimators have the error that theory gives them? ``make accuracy``; some minutes.

Cells of one shingle width, set size and Jaccard, each over several seeds of the sketch:

* random: texts of random tokens, a shared beginning and ends of their own, so that c of m shingles are shared exactly;
* real: texts of people and models against copies with replaced words, where the folder of real texts is present, the
  English of CPython elsewhere. Pairs that share vocabulary are not independent under one seed, so the standard error
  of the bias is that of the means of the seeds.

Theory is sqrt(J (1 - J) / k) for MinHash, also for `oph`, which may be better; for SimHash the exact chance that two
sums of random signs differ in sign; for FracMinHash the hypergeometric error of containment given what was kept. Of C
correct cells about 0.0027 C lie beyond 3 standard errors. So a scheme fails when its worst cell lies beyond what C
cells allow (chance 0.05 % in all), when more than 4 and than twice the expected number lie beyond 3, or when the RMSE
of any cell exceeds 1.05 of theory. Writes benches/record/<machine>/<date>-estimators.json and prints a table.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import time
from collections.abc import Iterator
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
RANDOM_SEEDS = 8
REAL_SEEDS = 64
REAL_PAIRS = 300
BINS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
LEAST_KEPT = 50
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


def main() -> None:
    """Study, record, print; exit status 1 if a scheme fails."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--widths", type=int, nargs="+", default=list(WIDTHS))
    parser.add_argument("--no-record", action="store_true", help="print only")
    options = parser.parse_args()
    start = time.perf_counter()
    cells = [cell for n in options.widths for cell in itertools.chain(random_cells(n), real_cells(n))]
    about = {
        "what": "bias and RMSE of the estimators, by cells of shingle width, set size and Jaccard",
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine.describe(),
        "k": K,
        "scaled": SCALED,
        "seeds": {"random": RANDOM_SEEDS, real_source(): REAL_SEEDS},
        "seconds": round(time.perf_counter() - start),
        "summary": summary(cells),
        "columns": [*asdict(cells[0]), "z", "ratio"],
        "cells": [[rounded(v) for v in [*asdict(c).values(), c.z, c.ratio]] for c in cells],
    }
    print(table(about["summary"]))
    if not options.no_record:
        folder = RECORD / about["machine"]["slug"]
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{about['date'][:10]}-estimators.json"
        rows = ",\n".join(json.dumps(row) for row in about.pop("cells"))
        path.write_text(json.dumps(about, indent=1)[:-2] + f',\n "cells": [\n{rows}\n]}}\n')
        print(f"\nwritten: {path.relative_to(RECORD.parents[1])}")
    if any(row["fails"] for row in about["summary"]):
        raise SystemExit(1)


def random_cells(n: int) -> Iterator[Cell]:
    """All cells of random sets at one width."""
    rng = np.random.default_rng(n)
    for size, pairs in PAIRS.items():
        shared = sorted({min(max(round(2 * size * j / (1 + j)), 1), size - 1) for j in JACCARDS})
        for c in shared:
            made = random_pairs(rng, n, size, c, pairs)
            errors, theories = estimate(made, RANDOM_SEEDS)
            for scheme, error in errors.items():
                yield cell(
                    (scheme, "random", n, size, round(c / (2 * size - c), 4)), error, theories[scheme], independent=True
                )


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


def real_cells(n: int) -> Iterator[Cell]:
    """All cells of real texts and their copies at one width."""
    shingler = op.Shingler(n)
    for size, texts in real_texts().items():
        a, b = corpora.copies(texts, seed=n, n=n)
        made = Pairs.of(shingler.transform(a), shingler.transform(b))
        errors, theories = estimate(made, REAL_SEEDS)
        for low, high in itertools.pairwise(BINS):
            rows = (made.jaccard >= low) & (made.jaccard < high) & (made.jaccard > 0) & (made.sizes[:, 0] >= 5)
            if rows.sum() < 20:
                continue
            middle = round(float(made.jaccard[rows].mean()), 4)
            for scheme, error in errors.items():
                kind = (scheme, real_source(), n, size, middle)
                yield cell(kind, error[:, rows], theories[scheme][..., rows], independent=False)


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


def estimate(pairs: Pairs, seeds: int) -> tuple[dict[str, Float64], dict[str, Float64]]:
    """Errors float64[seeds, pairs] of each scheme, and the standard deviation that theory gives each of them."""
    j = pairs.jaccard
    errors: dict[str, list[Float64]] = {}
    theories: dict[str, Any] = {scheme: np.sqrt(j * (1 - j) / K) for scheme in ("affine32-op1", "oph")}
    differ = np.array([simhash_differ(*map(int, row)) for row in pairs.sizes])
    theories["simhash"] = np.sqrt(differ * (1 - differ) / 64)
    ones = [np.ones(len(sets.hashes), np.int32) for sets in (pairs.a, pairs.b)]
    kept_theory = []
    for seed in range(1, seeds + 1):
        for scheme in ("affine32-op1", "oph"):
            made = op.MinHash(K, scheme=scheme, seed=seed)
            errors.setdefault(scheme, []).append(op.jaccard(made.sketch(pairs.a), made.sketch(pairs.b)) - j)
        sim = op.SimHash(64, seed=seed)
        a, b = sim.sketch(pairs.a, weights=ones[0]), sim.sketch(pairs.b, weights=ones[1])
        errors.setdefault("simhash", []).append(op.hamming(a, b) / 64 - differ)
        if pairs.sizes[:, 0].min() >= LEAST_KEPT:
            frac = op.FracMinHash(SCALED, seed=seed)
            kept_a, kept_b = frac.sketch(pairs.a), frac.sketch(pairs.b)
            errors.setdefault("fracminhash", []).append(op.containment(kept_a, kept_b) - pairs.containment)
            kept, size, c = np.diff(kept_a.indptr), pairs.sizes[:, 0], pairs.containment
            with np.errstate(divide="ignore"):
                kept_theory.append(np.sqrt(c * (1 - c) / kept * (size - kept) / (size - 1)))
    if kept_theory:
        theories["fracminhash"] = np.array(kept_theory)
    return {scheme: np.array(rows) for scheme, rows in errors.items()}, theories


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


def summary(cells: list[Cell]) -> list[dict[str, Any]]:
    """One row per scheme and source."""
    rows = []
    for scheme, source in dict.fromkeys((c.scheme, c.source) for c in cells):
        own = [c for c in cells if (c.scheme, c.source) == (scheme, source)]
        beyond = sum(abs(c.z) > 3 for c in own)
        expected = len(own) * 2 * stats.norm.sf(3)
        worst_z, worst_ratio = max(own, key=lambda c: abs(c.z)), max(own, key=lambda c: c.ratio)
        limit = stats.norm.isf(0.00025 / len(own))
        weights = np.array([1 / c.standard_error**2 if c.standard_error else 0.0 for c in own])
        rows.append(
            {
                "scheme": scheme,
                "source": source,
                "cells": len(own),
                "errors": sum(c.errors for c in own),
                "pooled_bias": float(np.average([c.bias for c in own], weights=weights)),
                "pooled_z": float(np.dot(weights, [c.bias for c in own]) / math.sqrt(weights.sum())),
                "beyond_3": beyond,
                "expected_beyond_3": round(expected, 1),
                "worst_z": worst_z.z,
                "worst_z_at": [worst_z.n, worst_z.size, worst_z.jaccard],
                "z_limit": float(limit),
                "median_ratio": float(np.median([c.ratio for c in own])),
                "worst_ratio": worst_ratio.ratio,
                "worst_ratio_at": [worst_ratio.n, worst_ratio.size, worst_ratio.jaccard],
                "worst_kurtosis": max(c.kurtosis for c in own),
                "fails": bool(abs(worst_z.z) > limit or beyond > max(4, 2 * expected) or worst_ratio.ratio > 1.05),
            }
        )
    return rows


def table(rows: list[dict[str, Any]]) -> str:
    """Markdown."""
    lines = [
        "| estimator | sets | cells | errors | pooled bias (z) | cells beyond 3 s.e. (expected) | worst z at n, m, J "
        "| RMSE / theory, median | worst at n, m, J | verdict |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |",
    ]
    for r in rows:
        lines.append(
            f"| {r['scheme']} | {r['source']} | {r['cells']} | {r['errors']:,} | {r['pooled_bias']:+.5f} "
            f"({r['pooled_z']:+.1f}) | {r['beyond_3']} ({r['expected_beyond_3']}) | {r['worst_z']:+.2f} at "
            f"{', '.join(map(str, r['worst_z_at']))} | {r['median_ratio']:.3f} | {r['worst_ratio']:.3f} at "
            f"{', '.join(map(str, r['worst_ratio_at']))} | {'FAILS' if r['fails'] else 'ok'} |"
        )
    return "\n".join(lines)


def rounded(value: Any) -> Any:
    """Six digits are enough for a record."""
    return float(f"{value:.6g}") if isinstance(value, float) else value


if __name__ == "__main__":
    main()

"""Subject ``null``: how often each test accuses innocents, in made worlds and with each rule left out.

Every world is innocent by construction (`overproof.simulate.lab`), so a share of p-values below a level that exceeds it
by more than chance is a fault of the test.
"""

from __future__ import annotations

import math
import sys
import time
from dataclasses import replace
from typing import Any

import numpy as np
from overproof import evidence
from overproof.evidence.line_up import permuted
from overproof.evidence.rates import difference_interval
from overproof.simulate import lab

from benches.validity import rules
from benches.validity.marks import table

LEVELS = (0.05, 0.01, 0.001)
KS = (1, 4, 9)
RUNS, BLOCK = 5000, 500
TAUS = (20.0, 26.0, 34.0)
PERMUTED = ("clusters", "identical atoms", "near-duplicates", "all together")
"""Settings that the permutation test and the exact self-test run on too: the other ones are plain to them."""
LEAK, TURNS = 0.15, 5


def measure(runs: int = RUNS, ks: tuple[int, ...] = KS, units: int = 160) -> dict[str, Any]:
    """All settings, all tests, and the rules left out one by one."""
    block = min(BLOCK, runs)
    start, rows = time.process_time(), []
    for setting in lab.SETTINGS:
        for k in ks:
            parts = [_one(setting, k, block, units, seed) for seed in range(runs // block)]
            rows.append({"setting": setting, "k": k, **_joined(parts)})
        print(f"{setting}: {time.process_time() - start:.0f} s of CPU", file=sys.stderr, flush=True)
    return {
        "runs": runs // block * block,
        "units": units,
        "tau": lab.TAU,
        "levels": list(LEVELS),
        "rows": rows,
        "laws": laws(min(runs, 2000), block),
        "without": without(runs, ks),
    }


def _one(setting: str, k: int, runs: int, units: int, seed: int) -> dict[str, Any]:
    """P-values, one a run, of every test that runs on these worlds."""
    made = lab.one_record_a_unit(lab.null_records(setting, runs=runs, k=k, units=units, seed=seed))
    counts = lab.count_events(made)
    events = counts.events.sum(axis=1)
    whole = lab.hits(made)
    found: dict[str, Any] = {
        "events": events,
        "line-up": lab.line_up_pvalues(counts),
        "line-up at G = 3": lab.line_up_pvalues(counts, g=3.0),
        "rate ratio": lab.rate_ratio_pvalues(whole),
        "rate ratio, half redrawn": lab.rate_ratio_pvalues(lab.hits(made, share=0.5)),
    }
    if k > 1:
        mixed = lab.count_events(lab.fewer_redraws(made, seed=seed))
        found["line-up, K by unit"] = lab.line_up_pvalues(mixed)
    by = [evidence.e_process(made.of_run(run), tau=TAUS) for run in range(runs)]
    found["e-process"] = np.array([one.pvalue for one in by])
    found["e"] = np.array([one.statistic for one in by])
    found["placebo"] = lab.bias_pvalues(counts)
    found["leak rate"] = lab.no_difference_pvalues(whole)
    found["accounts"] = lab.account_errors(made)
    if setting in PERMUTED:
        rng = np.random.default_rng([seed, k])
        found["line-up, permutation"] = np.array(
            [permuted(made.of_run(run), lab.TAU, 1000, rng)[1] for run in range(runs)]
        )
        if k > 1:
            found["self-test"] = np.array([evidence.self_test(made.of_run(run)[:40]).pvalue for run in range(runs)])
    return found


TESTS = (
    *("line-up", "line-up, permutation", "line-up, K by unit", "line-up at G = 3", "rate ratio"),
    *("rate ratio, half redrawn", "e-process", "placebo", "leak rate", "self-test"),
)


def _joined(parts: list[dict[str, Any]]) -> dict[str, Any]:
    out: dict[str, Any] = {"events": float(np.mean([part["events"].mean() for part in parts])), "tests": {}}
    for name in TESTS:
        if name in parts[0]:
            p = np.concatenate([part[name] for part in parts])
            out["tests"][name] = [float((p <= level).mean()) for level in LEVELS]
    e = np.concatenate([part["e"] for part in parts])
    out["e"] = {"mean": float(e.mean()), "se": float(e.std(ddof=1) / math.sqrt(len(e)))}
    for name in ("holm_any", "bh_false"):
        out[name] = float(np.mean([part["accounts"][name] for part in parts]))
    return out


def laws(runs: int, block: int) -> dict[str, Any]:
    """The leak rate's interval where whole conversations leak; innocent accounts beside leaking ones; many rows."""
    out: dict[str, Any] = {}
    for name, turns in (("one a unit", 1), ("every turn counted", TURNS)):
        covered = 0
        found = np.array([60.0])
        for seed in range(runs // block):
            # Each conversation leaks by a coin: the rate is that of the coin.
            made = lab.leak_records(runs=block, k=1, units=200, leaked=LEAK, found=found, seed=seed, turns=TURNS)
            made = lab.one_record_a_unit(made) if turns == 1 else made
            columns = zip(*(column.tolist() for column in lab.hits(made)), strict=True)
            truth = LEAK * (1 - lab.MEAN_CHANCE)
            for x1, n1, x2, n2 in columns:
                low, high = difference_interval(x1, n1, x2, n2, confidence=0.95)
                covered += low <= truth <= high
        out[f"coverage, {name}"] = covered / (runs // block * block)
    made = lab.null_records("plain", runs=runs // 2, k=4, units=300)
    p = np.array([evidence.self_test(made.of_run(run)).pvalue for run in range(runs // 2)])
    out["self-test of 300 rows"] = {"runs": runs // 2, "rates": [float((p <= level).mean()) for level in LEVELS]}
    out["ten suspects that hold much alike, BH"] = {"runs": runs, "any": many_suspects(runs), "level": 0.05}
    errors = [
        lab.account_errors(
            lab.leak_records(runs=block, k=9, units=200, leaked=30, guilty=2, found=np.array([60.0]), seed=seed)
        )
        for seed in range(max(1, runs // block // 2))
    ]
    out["two of twelve accounts leaked"] = {
        name: float(np.mean([one[name] for one in errors])) for name in errors[0]
    } | {"runs": block * len(errors)}
    return out


def many_suspects(runs: int, suspects: int = 10, alike: float = 0.7) -> float:
    """How often BH accuses any of some innocent suspects of one log, whose drafts mostly fit them alike."""
    base = lab.null_records("plain", runs=runs, k=4, units=100, seed=50)
    p = []
    for number in range(suspects):
        own = lab.null_records("plain", runs=runs, k=4, units=100, seed=51 + number)
        shared = np.random.default_rng(number).random(base.scores.shape) < alike
        made = replace(base, scores=np.where(shared, base.scores, own.scores))
        p.append(lab.line_up_pvalues(lab.count_events(made)))
    return float(np.mean([evidence.fdr(row).rejected.any() for row in np.column_stack(p)]))


def without(runs: int, ks: tuple[int, ...]) -> list[dict[str, Any]]:
    """What each rule prevents: the same innocent worlds, one rule left out."""
    return [
        {"rule": rule, "k": k, "rates": [float((p <= level).mean()) for level in LEVELS]}
        for k in ks
        for rule, p in rules.broken(runs, k)
    ]


def within(share: float, level: float, runs: int) -> bool:
    """At or below nominal within three standard errors."""
    return share <= level + 3 * math.sqrt(level * (1 - level) / runs)


def markdown(record: dict[str, Any]) -> str:
    """Tables of the greatest rates, test by test, and of the rules."""
    runs, blocks = record["runs"], []
    lines = []
    for test in TESTS:
        for k in sorted({row["k"] for row in record["rows"]}):
            rows = [row for row in record["rows"] if row["k"] == k and test in row["tests"]]
            if not rows:
                continue
            cells = []
            for i, level in enumerate(LEVELS):
                worst = max(rows, key=lambda row: row["tests"][test][i])
                share = worst["tests"][test][i]
                sign = "" if within(share, level, runs) else " !"
                cells.append(f"{share:.4f}{sign} ({worst['setting']})" if share else "0")
            lines.append([test, k, len(rows), *cells])
    blocks.append(table("test | K | settings | greatest rate at .05 | at .01 | at .001", lines))
    lines = [
        [
            row["setting"],
            row["k"],
            f"{row['events']:.1f}",
            *(f"{share:.4f}" for share in row["tests"]["line-up"]),
            f"{row['e']['mean']:.3f} ± {3 * row['e']['se']:.3f}",
            f"{row['holm_any']:.4f}",
            f"{row['bh_false']:.4f}",
        ]
        for row in record["rows"]
    ]
    head = "setting | K | events | line-up at .05 | at .01 | at .001 | E[e], 3 s.e. | Holm, any | BH, FDR"
    blocks.append(table(head, lines))
    lines = [[row["rule"], row["k"], *(f"{share:.3f}" for share in row["rates"])] for row in record["without"]]
    blocks.append(table("rule left out | K | p <= .05 | p <= .01 | p <= .001", lines))
    laws_ = record["laws"]
    blocks.append(
        "\n".join(f"- {name}: {value if isinstance(value, dict) else round(value, 4)}" for name, value in laws_.items())
    )
    return "\n\n".join(blocks)

"""Subject ``power``: which leaks the line-up finds, by edit, number of redraws and size, on texts that are made."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from overproof import evidence, simulate
from overproof.simulate import lab, power
from overproof.units import join_units

from benches.validity.marks import table

KS = (1, 4, 9)
POOLS: dict[str, dict[str, Any]] = {
    "run": {"score": "run"},
    "run, 30 rows": {"score": "run", "boilerplate": 30},
    "coverage": {"score": "coverage"},
}
"""Scores; the second takes only n-grams of over 30 rows for boilerplate."""
SIZES = (50, 400)
LEAKED = (5, 10, 20, 40)
RUNS = 200
ALPHA = 1e-3
KEY = b"benches/validity/power, 16 bytes and more"
TEMPERATURE_0 = 2


def measure(
    units: int = 800, runs: int = RUNS, sizes: tuple[int, ...] = SIZES, large: dict[str, int] | None = None
) -> dict[str, Any]:
    """The table by edit, K, size and leak; what chance scores; and one large log."""
    start = time.process_time()
    pools = {score: power.text_pool(1, units=units, k=max(KS), **options) for score, options in POOLS.items()}
    seconds = {"pools": time.process_time() - start}
    cells = [
        {"score": score, "edit": edit, "k": k, "units": size, "leaked": leaked}
        | _cell(pool, edit, k=k, units=size, leaked=leaked, runs=runs)
        for score, pool in pools.items()
        for edit in pool.leaked
        for k in KS
        for size in sizes
        for leaked in LEAKED
        if score == "run" or k == max(KS)
    ]
    start = time.process_time()
    big = large_log(**(large or {}))
    seconds["large log"] = time.process_time() - start
    return {
        "runs": runs,
        "pool": {"units": units, "k": max(KS), "seed": 1},
        "tau": lab.TAU,
        "alpha": ALPHA,
        "found": [
            {
                "score": score,
                "edit": edit,
                "served_above_tau": float((scores[:, 0] >= lab.TAU).mean()),
                "redraws_above_tau": float((scores[:, 1:] >= lab.TAU).mean()),
                "median": float(np.median(scores[:, 0])),
            }
            for score, pool in pools.items()
            for edit, scores in pool.leaked.items()
        ],
        "cells": cells,
        "large": big,
        "seconds": {name: round(value, 1) for name, value in seconds.items()},
    }


def _cell(pool: power.TextPool, edit: str, *, k: int, units: int, leaked: int, runs: int) -> dict[str, Any]:
    counts = lab.count_events(pool.draw(edit, runs=runs, units=units, leaked=leaked, k=k))
    p, g = lab.line_up_pvalues(counts), lab.g_stars(counts, alpha=ALPHA)
    return {
        "events": float(counts.events.sum(axis=1).mean()),
        "wins": float(counts.wins.sum(axis=1).mean()),
        "p": float(np.median(p)),
        "g_star": float(np.median(np.nan_to_num(g))),
        "power": float((p <= ALPHA).mean()),
        "power_at_g3": float((np.nan_to_num(g) >= 3).mean()),
    }


def large_log(
    requests: int = 1_000_000, suspect: int = 10_000, leak: int = 10, accounts: int = 20_000
) -> dict[str, Any]:
    """A log of 10^6 rows and a suspect of 10^4, of which 10 leaked at edits up to 10 %; redraws by prompt.

    There are no publishers, so that the leak is all that was served.
    """
    log = simulate.api_log(
        7,
        requests=requests,
        accounts=accounts,
        heavy=20,
        templates=8,
        template_users=50,
        publishers=0,
        groups=(12,),
        suspect=suspect,
        leak=leak,
        resold=0,
        web=suspect // 20,
        people=0,
        strength=(0.0, 0.1),
    )
    asking = log.rows_asking([row["prompt"] for row in log.suspect if row["prompt"]])
    fresh = (log.source[asking] == asking) & (log.cut[asking] == 1) & (log.sampler[asking] % 3 != TEMPERATURE_0)
    rows = asking[fresh]
    # What makes a unit: the prompt as sent, where it opens a conversation, and the conversation.
    opens = np.unique(log.conversation, return_index=True)[1]
    _, sent = np.unique([log.prompt(row) for row in rows.tolist()], return_inverse=True)
    units = join_units(len(rows), [np.where(np.isin(rows, opens), sent, -1), log.conversation[rows]])
    rows = rows[evidence.one_per_unit(units.tolist(), [log.request_id(row) for row in rows.tolist()], key=KEY)]
    end = int(log.truth["params"]["published"]) * 86_400
    early, late = rows[log.seconds[rows] < end], rows[log.seconds[rows] >= end]
    scores = {name: _scores(log, which) for name, which in (("before", early), ("after", late))}
    served = {truth["request_id"] for truth in log.truth["suspect"].values() if truth["origin"] == "leak"}
    by_k = {}
    for k in KS:
        found = evidence.line_up(scores["before"][:, : k + 1], tau=lab.TAU)
        bias = evidence.sensitivity(scores["before"][:, : k + 1], tau=lab.TAU, alpha=ALPHA)
        by_k[str(k)] = {
            "redraws": k * len(early),
            "events": found.n,
            "wins": found.wins,
            "p": found.pvalue,
            "g_star": bias.g_star,
        }
    placebo = evidence.time_placebo(scores["after"], tau=lab.TAU)
    return {
        "requests": requests,
        "suspect": suspect,
        "leaked": leak,
        "edits": [[row["edit"], row["strength"]] for row in log.truth["suspect"].values() if row["origin"] == "leak"],
        "rows_asking": len(asking),
        "units_redrawn": len(early),
        "leaked_units_redrawn": sum(log.request_id(row) in served for row in early.tolist()),
        "by_k": by_k,
        "placebo": {
            "units": len(late),
            "events": placebo.n,
            "upper": placebo.to_dict()["statistic"],
            "p": placebo.pvalue,
        },
    }


def _scores(log: simulate.ApiLog, rows: Any) -> Any:
    k = max(KS)
    redraws = [row["text"] for row in log.redraw(rows, k, seed=1)]
    return evidence.score_drafts(
        log.texts(rows),
        [redraws[i : i + k] for i in range(0, len(redraws), k)],
        [row["text"] for row in log.suspect],
        prompts=[log.prompt(row) for row in rows.tolist()],
        background=[row["text"] for row in log.background],
        boilerplate=True,
    )


def markdown(record: dict[str, Any]) -> str:
    """The table, and the large log in a few lines."""
    lines = [
        [
            f"{cell['score']}: {cell['edit']}",
            cell["k"],
            cell["units"],
            cell["leaked"],
            f"{cell['events']:.1f}",
            f"{cell['wins']:.1f}",
            f"{cell['p']:.1e}",
            f"{cell['g_star']:.2f}",
            f"{cell['power']:.2f}",
            f"{cell['power_at_g3']:.2f}",
        ]
        for cell in record["cells"]
    ]
    head = "score: edit | K | units | leaked | events | wins | median p | median G* | p <= .001 | G* >= 3"
    found = [
        [
            f"{of['score']}: {of['edit']}",
            f"{of['served_above_tau']:.3f}",
            f"{of['redraws_above_tau']:.4f}",
            of["median"],
        ]
        for of in record["found"]
    ]
    big = record["large"]
    of_k = [
        [k, f"{row['redraws']:,}", row["events"], row["wins"], f"{row['p']:.1e}", f"{row['g_star']:.2f}"]
        for k, row in big["by_k"].items()
    ]
    return "\n\n".join(
        (
            table("score: edit | served drafts of 20 and more | redraws | median of served", found),
            table(head, lines),
            f"{big['requests']:,} requests, suspect of {big['suspect']:,} rows, {big['leaked']} leaked; "
            f"{big['units_redrawn']:,} units redrawn, {big['leaked_units_redrawn']} of them leaked. "
            f"Placebo of {big['placebo']['units']:,} units: {big['placebo']['events']} events, "
            f"{'no limit of G' if (most := big['placebo']['upper']) is None else f'G below {most:.2f}'}.",
            table("K | redraws | events | wins | p | G*", of_k),
        )
    )

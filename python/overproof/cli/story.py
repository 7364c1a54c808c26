"""The second half of the demo: an investigation from a log to named accounts, each step as a person would type it."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import shlex
from pathlib import Path
from typing import Any

from ..errors import InputError

__all__ = ["tell"]

CREATED = "2025-01-31T00:00Z"
BEACON = "2025-02-01"
"""In place of a public random value, which a made story cannot wait for."""


def tell(folder: Path, *, seed: int, requests: int, quiet: bool) -> None:
    """Make a provider's log with a pooled group in it, and investigate: screen, plan, redraws, tests, accounts.

    Parameters
    ----------
    folder : Path
        Where everything goes; what an earlier demo left there is replaced.
    seed, requests : int
        Of the made log.
    quiet : bool
        Print nothing.
    """
    from .. import simulate

    _clear(folder)
    with contextlib.redirect_stdout(io.StringIO()) if quiet else contextlib.nullcontext():
        corpus: dict[str, Any] = {
            "suspect": requests // 4,
            "leak": requests // 20,
            "resold": 8,
            "web": 50,
            "repeats": 20,
        }
        made = simulate.api_log(seed, requests=requests, groups=(6,), **corpus)
        paths = made.write(folder / "log-and-corpora")
        nothing: dict[str, Any] = {"suspect": 50, "leak": (), "resold": 0, "web": 10, "repeats": 5}
        calm = simulate.api_log(seed + 1, requests=requests, groups=(), start="2024-10-01", **nothing)
        benign = calm.write(folder / "last-quarter")["served"]
        print("\nThe whole story, on a made log of another provider; every line that starts with $ can be typed.")
        log, plan, case = str(paths["served"]), str(folder / "case.plan.json"), str(folder / "case-0001")
        ask, drawn = str(folder / "ask.jsonl"), str(folder / "drawn.jsonl")
        _step("check-log", log)
        _step(
            "screen", log, "--benign", str(benign), "--rate", "5%", "--least", "8", "--out", str(folder / "review.csv")
        )
        suspect = f"rival={paths['suspect']}"
        # In place of a random key, so that a demo into a folder of the same name ends alike.
        (folder / "case.plan.key").write_bytes(hashlib.sha256(f"demo {seed}".encode()).digest())
        (folder / "case.plan.key").chmod(0o600)
        fixed = ("--published", made.published, "--created", CREATED)
        _step("plan", "new", "--suspect", suspect, *fixed, "--out", plan)
        _step("plan", "size", plan, "--leaked", str(requests // 20), "--units", str(requests))
        _step("plan", "sample", plan, log, "--select", "prompt", "--draws", "9", "--beacon", BEACON, "--out", ask)
        answered = simulate.answer_batch(ask, drawn)
        print(f"\n(The provider's endpoint answers {answered:,} requests; nobody is served these.)")
        _step("plan", "seal", plan, drawn)
        corpora = ("--control", f"people={paths['people']}", "--background", str(paths["background"]))
        _step("investigate", plan, "--served", log, *corpora, "--case", case)
        _step("verify", case)
        _step("accounts", case, "--rung", "L2", "--csv", str(folder / "accounts.csv"))
        print("\n" + _truth(made.truth, Path(case)))


def _step(*arguments: str) -> None:
    from .run import run

    print(f"\n$ overproof {shlex.join(arguments)}")
    if code := run(arguments):
        raise InputError(f"the demo stopped: `overproof {arguments[0]}` ended with exit code {code}")


def _clear(folder: Path) -> None:
    """Take away what an earlier demo made here, and nothing else."""
    for name in ("case.plan.json", "overproof-ledger.jsonl", "case.plan.key"):
        (folder / name).unlink(missing_ok=True)
    case = folder / "case-0001"
    if case.is_dir():
        for file in [
            *case.glob("*.parquet"),
            *case.glob("*.json"),
            case / "report.html",
            case / "private.accounts.csv",
        ]:
            file.unlink(missing_ok=True)
    (folder / "log-and-corpora").mkdir(parents=True, exist_ok=True)


def _truth(truth: dict[str, dict[str, str]], case: Path) -> str:
    """What the named accounts are, by the truth that no real case has."""
    private = dict(line.split(",", 1) for line in (case / "private.accounts.csv").read_text().splitlines()[1:])
    accounts = json.loads((case / "case.json").read_text(encoding="utf-8"))["accounts"]
    named = [truth["accounts"][private[one["pseudonym"]]] for one in accounts if one["verdict"] == "named"]
    pooled = sum(role == "pooled" for role in truth["accounts"].values())
    others = sorted({role for role in named if role != "pooled"})
    lines = [
        "The truth of this case:",
        f"  pooled accounts named: {named.count('pooled'):,} of {pooled:,}",
        f"  others named: {len(named) - named.count('pooled'):,}" + (f" ({', '.join(others)})" if others else ""),
    ]
    if others:
        lines.append(
            "  What they were served is in the suspect too, by resale or from their pages: no route is claimed."
        )
    return "\n".join(lines)

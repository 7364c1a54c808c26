"""A handmade case, as `overproof investigate` writes it: its tests are the library's own, on made scores."""

from __future__ import annotations

from typing import Any

import numpy as np
from handmade import make_result
from overproof import evidence
from overproof.evidence.battery import battery
from overproof.evidence.result import plain

UNITS, TAU, ALPHA = 400, 20.0, 0.001
REFUSED = (
    "redraws do not pass the self-test on length (p = 0.00012): they were drawn under other settings than what was "
    "served"
)


def make_scores(*, leaked: int, redraws: int, noise: int = 3) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Make longest runs of each draft: `leaked` served ones stand in the suspect, `noise` drafts do by chance."""
    rng = np.random.default_rng(5)
    scores = rng.geometric(0.25, size=(UNITS, redraws + 1)).clip(max=18).astype(np.float64)
    scores[:leaked, 0] = rng.integers(24, 180, leaked)
    for row in range(leaked, leaked + noise):
        scores[row, rng.integers(redraws + 1)] = rng.integers(20, 40)
    return scores


def make_case(
    *,
    leaked: int = 38,
    redraws: int = 9,
    accounts: bool = True,
    suspects: int = 1,
    refused: str | None = None,
    placebo: bool = True,
    controls: int = 2,
    noise: int = 3,
) -> dict[str, Any]:
    """Make a case with so many leaked units among those redrawn; with `refused` no test is made, for that reason."""
    names = ["rival", *(f"other-{i}" for i in range(1, suspects))]
    blocks, tests, rungs = [], [], []
    for name in names:
        main = name == "rival"
        inside, by_chance = (leaked, noise) if main else (0, 6)
        scores = make_scores(leaked=inside, redraws=redraws, noise=by_chance)
        curve = plain(evidence.sensitivity(scores, tau=TAU, alpha=ALPHA).to_dict())
        result = make_result(controls=controls, matched=212 if inside else 0 if main else 4)
        tests += _tests(name, scores, refused)
        rungs.append(_rung(name, inside, refused, accounts))
        blocks.append(
            {"name": name}
            | {key: result[key] for key in ("params", "inputs", "summary", "controls", "waterfall")}
            | {key: result[key] for key in ("matches", "matches_total", "matches_file")}
            | _figures(scores, curve, controls, refused, placebo=placebo)
            | _people(inside, refused, accounts)
            | {"drafts_waterfall": _drafts_waterfall(inside, redraws)}
            | {"timeline": _timeline(inside), "examples": _examples(redraws) if inside else []}
        )
    first = blocks.pop(0)
    first.pop("name")
    first["summary"]["rung"] = rungs[0]["rung"]
    result = {key: value for key, value in make_result(controls=controls).items() if key not in first}
    return (
        result
        | first
        | {
            "schema": "overproof-case-1",
            "propositions": {
                "hp": "rival holds texts that this log shows served before 2025-01-20.",
                "hd1": "What is similar was generated independently of what was served.",
                "hd2": "What is similar was taken from the public web by both sides.",
                "hd3": "The texts were obtained otherwise than through the accounts of this log.",
            },
            "plan": _plan(names, redraws),
            "rungs": rungs,
            "self_tests": _self_tests(redraws, refused),
            "tests": tests,
            "audit": [
                {"edit": "none", "planted": 40, "found": 40, "interval": [0.912, 1.0]},
                {"edit": "10 % of words", "planted": 40, "found": 39, "interval": [0.868, 0.999]},
                {"edit": "30 % of words", "planted": 40, "found": 9, "interval": [0.108, 0.385]},
            ],
            "false_positives": [
                {"name": f"people-{i}", "texts": 500, "found": i, "interval": [0.0, 0.011]} for i in range(controls)
            ],
            "excluded": [
                {"reason": "generation fields differ: temperature", "records": 12},
                {"reason": "stream cut by the user", "records": 5},
                {"reason": "redraw cut by max_tokens", "records": 2},
            ],
            "others": blocks,
            "manifest": {
                "tool": {"version": "0.1.0", "hash": "op1", "unicode": "15.0.0", "kernel": "avx2", "debug": False},
                "inputs": [
                    {"role": role, "name": name, "sha256": digest * 32, "rows": rows, "skipped": {}}
                    for role, name, digest, rows in (
                        ("served", "log", "ab", 2000),
                        ("suspect", "rival", "cd", 1000),
                        ("redraws", "redraws", "0d", 400 * redraws),
                    )
                ],
                "params": {"tau": TAU, "alpha": ALPHA, "lam": 0.5},
                "fingerprint": "9f3b0c1d2e4a5b6c",
                "seeds": {"permutation": 0, "audit": 1},
                "key_id": "case-0417",
                "plan_hash": "5e" * 32,
                "ledger_head": "1e" * 32,
                "merkle": [{"day": "2025-01-09", "root": "77" * 32, "records": 3500, "proofs": 12, "timestamp": None}],
                "command": "overproof investigate case.plan.json --served log/ --case case-0417/",
            },
        }
    )


def _tests(suspect: str, scores: Any, refused: str | None) -> list[dict[str, Any]]:
    made = battery(scores, suspect=suspect, tau=TAU, alpha=ALPHA, planted=40, found=39, refused=refused or "", rng=0)
    rank = evidence.rank_among_controls(made.leaked.statistic, [0.0, 0.001]).to_dict()
    null = "the suspect is one more corpus like the controls"
    last = {"name": "rank among controls", "suspect": suspect, "null": null, "g_star": None, **rank}
    return [*made.tests(), plain(last | {"pvalue_adjusted": None})]


def _plan(names: list[str], redraws: int) -> dict[str, Any]:
    return {
        "schema": "overproof-plan-1",
        "created": "2025-02-01T09:00:00Z",
        "suspects": [{"name": name, "digest": "cd" * 32, "files": [], "read": {}} for name in names],
        "published": "2025-01-20T00:00:00Z",
        "fetched": "2025-01-21T10:00:00Z",
        "tau": TAU,
        "score": "run",
        "n": 5,
        "alpha": ALPHA,
        "lam": 0.5,
        "strata": None,
        "key_id": "case-0417",
        "log": {"digest": "ab" * 32, "rows": 2000},
        "selection": {"rule": "prompt", "rate": None, "records": UNITS, "digest": "11" * 32, "draws": redraws},
        "groups": {"digest": "22" * 32, "groups": 2},
        "redraws": {"digest": "0d" * 32, "rows": UNITS * redraws, "left_out": 0, "seeds": True},
        "hash": "5e" * 32,
        "grade": "B'",
        "why_grade": "every record whose prompt stands in the suspect, seeds fixed by plan and public beacon",
        "K": redraws,
        "plans_against": dict.fromkeys(names, 1),
    }


def _rung(suspect: str, leaked: int, refused: str | None, accounts: bool) -> dict[str, Any]:
    if refused:
        why = [f"No p-value may be given: {refused}."]
    elif leaked:
        why = ["The line-up's p-value, over 1 plan and all suspects, is 6.7e-37: at most the plan's level of 0.001."]
    else:
        why = ["The line-up's p-value, over 1 plan and all suspects, is 0.47: above the plan's level of 0.001."]
    reached = bool(leaked) and not refused
    if reached and accounts:
        why.append("The corpus holds outputs that this log shows served only to 1 group; the route is not shown.")
    rung = "L0" if not reached else "L2" if accounts else "L1"
    return {"suspect": suspect, "rung": rung, "reached": reached, "reasons": why}


def _self_tests(redraws: int, refused: str | None) -> list[dict[str, Any]]:
    base = {
        "n": UNITS,
        "interval": [-0.062, 0.062],
        "assumption": "Rows are units: independent of each other, one served record each.",
        "level": 0.01,
        "why": "",
    }
    why = "with one redraw a unit both drafts are equally similar: nothing can be tested"
    name = "similarity to the other drafts"
    similar = base | {"name": name, "statistic": 0.021, "pvalue": 0.44, "passed": True}
    if redraws < 2:
        similar = {"name": name, "pvalue": None, "passed": None, "n": 0, "why": why}
    length = {"name": "length", "statistic": 0.13 if refused else -0.011, "pvalue": 0.00012 if refused else 0.71}
    marks = {"name": "punctuation", "statistic": 0.03, "pvalue": 0.31, "level": 0.002, "passed": True}
    return [similar, base | length | {"passed": not refused}, base | marks]


def _figures(
    scores: Any, curve: dict[str, Any], controls: int, refused: str | None, *, placebo: bool = True
) -> dict[str, Any]:
    best = scores.max(axis=1)
    alone = (scores == best[:, None]).sum(axis=1) == 1
    events = np.flatnonzero((best >= TAU) & alone)
    wins = np.bincount(scores[events].argmax(axis=1), minlength=scores.shape[1]).tolist()
    steps = sorted({0, *range(0, 30), *range(30, 190, 10)})
    rng = np.random.default_rng(3)

    def share(values: Any) -> list[float]:
        return [float((values >= step).mean()) for step in steps]

    made = None
    if placebo:
        late = make_scores(leaked=0, redraws=scores.shape[1] - 1, noise=60)
        made = plain(evidence.time_placebo(late, tau=TAU).to_dict())
    return {
        "sensitivity": {
            "g": curve["g"],
            "pvalues": None if refused else curve["pvalues"],
            "g_star": None if refused else curve["g_star"],
            "alpha": ALPHA,
        },
        "placebo": made,
        "wins_by_draft": wins,
        "survival": {
            "score": steps,
            "served": share(scores[:, 0]),
            "redraws": share(scores[:, 1:]),
            "controls": {f"people-{i}": share(rng.geometric(0.3, 500 + i)) for i in range(controls)},
        },
    }


def _drafts_waterfall(leaked: int, redraws: int) -> list[dict[str, Any]]:
    def side(drafts: int, reaching: int) -> dict[str, int]:
        return {"drafts": drafts, "matched": 2 * reaching, "ngrams": 40 * reaching, "reaching": reaching}

    layers = {"raw": 9, "prompt echo": 5, "background": 2, "boilerplate": 1, "left": 1}
    return [
        {"layer": layer, "served": side(UNITS, leaked + extra), "redraws": side(UNITS * redraws, redraws * extra)}
        for layer, extra in layers.items()
    ]


def _timeline(leaked: int) -> list[dict[str, Any]]:
    return [
        {
            "day": f"2025-01-{day:02d}",
            "requests": 900 + 37 * (day % 7) + (2600 if 8 <= day <= 12 else 0),
            "units_tested": 10 + day % 5,
            "hits": (leaked // 5 if 8 <= day <= 12 else 0),
        }
        for day in range(1, 32)
        if day not in (5, 19)
    ]


def _people(leaked: int, refused: str | None, accounts: bool) -> dict[str, Any]:
    if not accounts:
        return {"accounts": [], "groups": [], "cover": [], "uncovered": 3 if leaked else 0}
    cover = [{"pseudonym": "a-7d1c", "hits": 21}, {"pseudonym": "a-09be", "hits": 14}] if leaked else []
    return {
        "accounts": _accounts(leaked, refused),
        "groups": _groups(leaked, refused),
        "cover": cover,
        "uncovered": 3 if leaked else 0,
    }


def _account(pseudonym: str, group: str | None, **changes: Any) -> dict[str, Any]:
    return {
        "pseudonym": pseudonym,
        "group": group,
        "requests": 640,
        "tokens": 91_200,
        "first": "2025-01-03T08:00:00Z",
        "last": "2025-01-12T21:14:00Z",
        "models": ["provider-1-2025-01-01"],
        "units": 60,
        "events": 0,
        "wins": 0,
        "hits": 0,
        "leak_rate": 0.0,
        "interval": [-0.06, 0.06],
        "pvalue": None,
        "least_pvalue": 1.0,
        "adjusted": None,
        "testable": False,
        "verdict": "not testable",
        "rung": None,
        "sentence": "Too few events to test: nothing is said about this account.",
        **changes,
    }


def _accounts(leaked: int, refused: str | None) -> list[dict[str, Any]]:
    rows = [_account(f"a-{i:04x}", None, requests=30 + i, units=3, leak_rate=None, interval=None) for i in range(1, 5)]
    if leaked and not refused:
        named = {"testable": True, "verdict": "named", "rung": "L2"}
        says = "The suspect holds outputs that this log shows served only to this account; the route is not shown."
        rows = [
            _account("a-7d1c", "g-01", events=21, wins=21, hits=22, leak_rate=0.35, interval=[0.22, 0.49])
            | named
            | {"pvalue": 1e-21, "least_pvalue": 1e-21, "adjusted": 2e-21, "sentence": says},
            _account("a-09be", "g-01", events=14, wins=14, hits=14, leak_rate=0.23, interval=[0.12, 0.36])
            | named
            | {"pvalue": 1e-14, "least_pvalue": 1e-14, "adjusted": 1e-14, "sentence": says},
            _account("a-33f0", "g-02", requests=9100, units=150, events=5, wins=1, hits=1, leak_rate=0.0)
            | {"interval": [-0.03, 0.04], "pvalue": 0.41, "least_pvalue": 1e-5, "adjusted": 0.41, "testable": True}
            | {"verdict": "not shown", "rung": None, "sentence": "Not shown for this account; that is no clearance."},
            *rows,
        ]
    return rows


def _groups(leaked: int, refused: str | None) -> list[dict[str, Any]]:
    if not leaked or refused:
        return []
    rows = _accounts(leaked, refused)
    shared = {
        key: value for key, value in rows[2].items() if key not in ("pseudonym", "group", "tokens", "first", "last")
    }
    del shared["models"]
    both = shared | {"requests": 1280, "units": 120, "events": 35, "wins": 35, "hits": 36, "leak_rate": 0.29}
    both |= {"interval": [0.21, 0.38], "pvalue": 1e-35, "least_pvalue": 1e-35, "adjusted": 2e-35, "testable": True}
    both |= {"verdict": "named", "rung": "L2", "sentence": rows[0]["sentence"].replace("this account", "this group")}
    both |= {"group": "g-01", "members": ["a-7d1c", "a-09be"], "group_pvalue": 0.002}
    tool = shared | {"group": "g-02", "members": ["a-33f0", "a-0001"], "group_pvalue": 0.008}
    tool |= {"why": {"shared templates": 1}, "sentence": "Not shown for this group; that is no clearance."}
    return [both | {"why": {"shared templates": 3, "link keys": 1}}, tool]


def _examples(redraws: int) -> list[dict[str, Any]]:
    text = (
        "The zip function pairs the items of several iterables and stops at the shortest one. Pass strict=True where "
        "the lengths must agree, and it raises a ValueError at the first missing item."
    )
    suspect = f"Q: zip and strict? A: {text[:84]} Also, in passing: {text[85:]}"
    at = suspect.index(text[:84]), suspect.index(text[85:])
    other = "Use zip to walk several iterables in step; with strict=True unequal lengths are an error. " * 2
    draws = [
        {"draft": i, "text": f"{other}Variant {i}.", "score": float(3 + i % 4), "spans": [[0, 30]] if i == 2 else []}
        | {"best_in": None if i == 2 else "sus-000099"}
        for i in range(1, redraws + 1)
    ]
    won = {
        "request_id": "req-00000431",
        "time": "2025-01-09T09:12:44Z",
        "pseudonym": "a-7d1c",
        "group": "g-01",
        "prompt": "How do I use zip together with strict?",
        "served": {"text": text, "spans": [[0, 84], [85, len(text)]], "score": 32.0, "best_in": None},
        "suspect": {
            "id": "sus-000012",
            "row": {"file": "data/suspect.jsonl.zst", "row": 13},
            "text": suspect,
            "spans": [[a, a + n] for a, n in zip(at, (84, len(text) - 85), strict=True)],
        },
        "redraws": draws,
        "score": 32.0,
        "won": True,
    }
    lost = won | {
        "request_id": "req-00000977",
        "pseudonym": "a-33f0",
        "served": {"text": other, "spans": [[0, 20]], "score": 5.0, "best_in": None},
        "redraws": [
            draws[0] | {"text": text, "score": 32.0, "spans": [[0, 84], [85, len(text)]], "best_in": None},
            *draws[1:],
        ],
        "won": False,
    }
    return [won, lost]

"""A handmade result, as `overproof.Comparison.to_dict` writes it."""

from __future__ import annotations

from typing import Any

import numpy as np

SERVED = (
    "The zip function pairs the items of several iterables and stops at the shortest one. Pass strict=True where the "
    "lengths must agree, and it raises a ValueError at the first missing item. " * 3
)


def _span(a: int, b: int, c: int, d: int, tokens: int) -> dict[str, Any]:
    return {
        "suspect": {"start": a, "end": b, "start_char": a, "end_char": b},
        "served": {"start": c, "end": d, "start_char": c, "end_char": d},
        "tokens": tokens,
    }


def make_result(*, controls: int = 1, matched: int = 212, scale: int = 1) -> dict[str, Any]:
    """Make a result with so many controls and matched texts."""
    texts = 1000 * scale
    matched *= scale
    match = {
        "suspect_id": "sus-000012",
        "suspect_row": {"file": "data/suspect.jsonl.zst", "row": 13},
        "served_id": "req-00000431",
        "served_row": {"file": "data/served.jsonl.zst", "row": 432},
        "ngrams": 61,
        "containment_of_suspect": 0.82,
        "containment_of_served": 1.0,
        "longest_run": 44,
        "tier": "strict",
        "layer": "left",
        "account": "acct-0007",
        "time": "2025-01-14T09:12:44Z",
        "model": "provider-1-2025-01-01",
        "rarity": None,
        "spans": [_span(40, 124, 0, 84, 15), _span(160, 245, 85, 170, 16)],
    }
    matches = [dict(match, suspect_id=f"sus-{i:06d}") for i in range(min(matched, 150))]
    return {
        "schema": "overproof-comparison-1",
        "version": "0.1.0",
        "params": {
            "n": [5],
            "analyzer": "word",
            "normalization": "nfkc_casefold",
            "min_ngrams": 8,
            "containment": 0.3,
            "seed": 0,
            "fingerprint": "9f3b0c1d2e4a5b6c",
        },
        "inputs": [
            {
                "role": "served",
                "path": "data/served.jsonl.zst",
                "revision": None,
                "sha256": "ab" * 32,
                "rows": 2000 * scale,
                "skipped": {},
            },
            {
                "role": "suspect",
                "path": "data/suspect.jsonl.zst",
                "revision": None,
                "sha256": "cd" * 32,
                "rows": texts,
                "skipped": {"empty text": 3, "missing text": 1},
            },
            *(
                {
                    "role": "control",
                    "name": f"people-{i}",
                    "path": f"data/people-{i}.jsonl",
                    "revision": None,
                    "sha256": "ef" * 32,
                    "rows": 500,
                    "skipped": {},
                }
                for i in range(controls)
            ),
        ],
        "summary": {
            "suspect_texts": texts,
            "suspect_texts_matched": matched,
            "matched_share": matched / texts,
            "matched_interval": [max(0, matched / texts - 0.026), matched / texts + 0.027],
            "suspect_tokens": 153_210 * scale,
            "suspect_tokens_matched": 141 * matched,
            "served_texts": 2000 * scale,
            "served_texts_matched": matched * 9 // 10,
            "df_rule": "n-grams of more than 5 units and 0.1 % of them are dropped",
            "recall_measured": {"none": {"planted": 40, "found": 40, "interval": [0.912, 1.0]}, "drop 10 %": 0.95},
            "false_positives_measured": {"texts": 500, "found": 1, "interval": [0.00005, 0.0111]},
            "rung": "L0",
        },
        "controls": [
            {
                "name": f"people-{i}",
                "texts": 500,
                "matched": i,
                "share": i / 500,
                "interval": [0.0, 0.0073 + i / 400],
                "tokens": 71_004,
                "tokens_matched": 60 * i,
                "served_texts_matched": i,
                "too_short": 0,
            }
            for i in range(controls)
        ],
        "waterfall": [
            {
                "layer": layer,
                "suspect_texts": int(matched * f),
                "served_texts": int(matched * f * 0.9),
                "tokens": int(matched * f * 150),
                "spans": int(matched * f * 2),
            }
            for layer, f in (("raw", 1.5), ("prompt echo", 1.36), ("background", 1.1), ("boilerplate", 1), ("left", 1))
        ],
        "matches": matches,
        "matches_total": matched,
        "matches_file": None,
        "limits": ["Texts of fewer than 12 words cannot match the rule."],
        "warnings": ["The suspect has no prompt field: prompts could not be subtracted there."],
        "not_tested": ["Accounts: no account field was given."],
    }


def make_excerpt(**changes: Any) -> dict[str, Any]:
    """Make an excerpt; keyword arguments replace its fields."""
    suspect = f"Here is what I know about it, in short: {SERVED[:84]} By the way, one more thing: {SERVED[85:170]} Bye."
    first = suspect.index(SERVED[:84])
    second = suspect.index(SERVED[85:170])
    return {
        "suspect_id": "sus-000012",
        "served_id": "req-00000431",
        "suspect_row": {"file": "data/suspect.jsonl.zst", "row": 13},
        "served_row": {"file": "data/served.jsonl.zst", "row": 432},
        "suspect_text": suspect,
        "served_text": SERVED,
        "ngrams": 61,
        "containment_of_suspect": 0.82,
        "containment_of_served": 1.0,
        "longest_run": 44,
        "spans": [_span(first, first + 84, 0, 84, 15), _span(second, second + 85, 85, 170, 16)],
        "account": "acct-0007",
        "time": "2025-01-14T09:12:44Z",
        "model": "provider-1-2025-01-01",
        "prompt": "How do I use zip together with strict?",
        **changes,
    }


def make_scores(controls: int = 1) -> dict[str, list[float]]:
    """Make best containments: a suspect with copies, controls without."""
    rng = np.random.default_rng(1)
    low = [float(x) for x in rng.beta(0.3, 9, 780)]
    suspect = [*low, *(float(x) for x in rng.beta(6, 1.4, 212)), float("nan")]
    return {"suspect": suspect} | {
        f"people-{i}": [float(x) for x in rng.beta(0.25, 9 + i, 500)] for i in range(controls)
    }

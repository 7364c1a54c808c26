"""A leak of known size among real answers: what the tests find of it, by edit, and what the masks take on the way.

Served gpt4_0314, redrawn gpt4 (K = 1); a suspect is another model's answers with 40 of the 805 served outputs added, or
none. Controls and background are answers of further models to the same prompts.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import overproof as op
from overproof import evidence

from benches.validity import answers
from benches.validity.answers import EVAL
from benches.validity.marks import number, table

HOSTS = ("claude", "gpt-3.5-turbo-0613", "guanaco-13b", "llama-2-7b-chat-hf", "openchat-13b", "tulu-2-dpo-13b")
CONTROLS = ("gemini-pro", "vicuna-13b", "wizardlm-13b")
EDITS = (None, 0.0, 0.1, 0.2, 0.3)
"""Share of words replaced; None: nothing leaked."""
LEAKED, ALPHA = 40, 0.001
TESTS: tuple[tuple[str, float, str, bool], ...] = (
    ("run", 20, "binomial", False),
    ("ngrams", 8, "binomial", False),
    ("coverage", 20, "binomial", False),
    ("run", 1, "permutation", True),
    ("ngrams", 8, "permutation", True),
)
"""Score, tau, method, whether weighed by rarity among the controls; tau is then in powers of ten."""


def measure(hosts: int | None = None) -> dict[str, Any]:
    """Every edit and test on every host; tests take fewer hosts."""
    names = HOSTS[:hosts]
    found = answers.draws(EVAL, ["gpt4_0314", "gpt4"], [*HOSTS, *CONTROLS])
    served, redrawn = found.drafts.values()
    rows = [[text] for text in redrawn]
    controls = [text for name in CONTROLS for text in found.suspects[name]]
    out = []
    waterfalls = {}
    for edit in EDITS:
        values: dict[tuple[str, float, str, bool], list[Any]] = {test: [] for test in TESTS}
        for number_, name in enumerate(names):
            rng = np.random.default_rng([7, number_])
            long = [i for i, text in enumerate(served) if len(text.split()) >= 40]
            chosen = rng.choice(long, LEAKED, replace=False)
            leaked = [op.simulate.edit(served[i], "substitute", edit, rng) for i in chosen] if edit is not None else []
            suspect = found.suspects[name] + leaked
            masks: dict[str, Any] = {"prompts": found.prompts, "boilerplate": True}
            for test in TESTS:
                score, tau, method, rare = test
                given = {**masks, "rarity": controls} if rare else masks
                scores = evidence.score_drafts(served, rows, suspect, score=score, **given)
                result = evidence.line_up(scores, tau=tau, method=method, alpha=ALPHA, rng=1)
                g_star = evidence.sensitivity(scores, tau=tau, alpha=ALPHA).g_star
                values[test].append((result.n, result.wins, result.pvalue, g_star))
            if name == names[0] and edit in {None, 0.0}:
                waterfalls["leak" if leaked else "none"] = evidence.draft_waterfall(
                    served, rows, suspect, tau=20, background=controls, **masks
                )
        for (score, tau, method, rare), of in values.items():
            n, wins, p, g = (np.array(column, float) for column in zip(*of, strict=True))
            out.append(
                {
                    "edit": edit,
                    "score": score,
                    "tau": tau,
                    "method": method,
                    "rarity": rare,
                    "events": float(np.median(n)),
                    "wins": float(np.median(wins)),
                    "median_p": float(np.median(p)),
                    "least_p": float(p.min()),
                    "median_g_star": None if np.isnan(g).all() else float(np.nanmedian(g)),
                }
            )
    return {"leaked": LEAKED, "served": len(served), "hosts": list(names), "tests": out, "waterfall": waterfalls}


def markdown(record: dict[str, Any]) -> str:
    """Tests by edit, and the waterfall of drafts."""
    lines = [
        [
            "nothing leaked" if t["edit"] is None else f"{t['edit']:.0%} of words replaced",
            f"{t['score']} >= {t['tau']:g}{', rarity' if t['rarity'] else ''}, {t['method']}",
            f"{t['events']:g}",
            f"{t['wins']:g}",
            number(t["median_p"]),
            number(t["least_p"]),
            "-" if t["median_g_star"] is None else f"{t['median_g_star']:.2f}",
        ]
        for t in record["tests"]
    ]
    falls = [
        [
            name,
            layer["layer"],
            *(f"{layer[side][key]:,}" for side in ("served", "redraws") for key in ("matched", "ngrams", "reaching")),
        ]
        for name, layers in record["waterfall"].items()
        for layer in layers
    ]
    head = "leak | after layer | served: matched | n-grams | run >= 20 | redraws: matched | n-grams | run >= 20"
    return "\n\n".join(
        (
            f"### {record['leaked']} of {record['served']} served outputs leaked, K = 1, medians of "
            f"{len(record['hosts'])} hosts\n\n"
            + table("leak | test | events | won | median p | least p | median G*", lines),
            f"### What the masks take from drafts ({record['hosts'][0]} as host)\n\n" + table(head, falls),
        )
    )

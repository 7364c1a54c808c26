"""Without redraws: innocent corpora as suspects of each other, by rank among controls and by a test over documents.

Each of 18 corpora without common origin stands once as the served side of each other one: 306 ordered pairs. The other
16 are the controls, fewer than 20: `rank_among_controls` gives no verdict; five more give it 21, and a rank. The
binomial test over documents, which is not offered, has the pooled rate of matches of the 16 as its null, or the upper
end of that rate's 95 % interval.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import overproof as op
from overproof import evidence
from scipy import stats

from benches.validity import data
from benches.validity.marks import number, table

CORPORA = (
    "k2_sft/alpaca_gpt4_demo999",
    "k2_sft/codealpaca_2k_davinci003",
    "k2_sft/gpteacher_codegen_gpt4",
    "k2_sft/gpteacher_roleplay_gpt4",
    "k2_sft/halueval_general_chatgpt",
    "k3_human/abc",
    "k3_human/brown",
    "k3_human/cpython311_stdlib_code",
    "k3_human/dolly_3k",
    "k3_human/humaneval_canonical",
    "k3_human/selfinstruct_user_oriented_252",
    "k4_contamination/licences",
    "k4_contamination/shakespeare",
    "k4_contamination/templated_gpt4turbo_judge_notes",
    "k4_contamination/templated_toolcall_glaive",
    "k4_contamination/us_inaugural",
    "k4_contamination/web_promptguide_en_a",
    "k4_contamination/wikipedia_demo",
)
"""Copies, translations, seeds of prompts and second corpora of one teacher and prompts are left out."""
MORE = (
    "k1_paired/fastdetect_writing/human",
    "k1_paired/fastdetect_xsum/human",
    "k1_paired/gsm8k/human_solutions",
    "k1_paired/vicuna_bench/bard",
    "k1_paired/wildbench/gemma-7b-it",
)
"""Controls only, so that there are 20 and more."""
RULES = {"loose": {"min_ngrams": 4, "min_containment": 0.05}, "shipped": {}}
LEVELS = (0.05, 0.01, 0.001)


def measure(most: int = 1000, only: int | None = None) -> dict[str, Any]:
    """All ordered pairs, `most` texts of each corpus; tests take the first `only` corpora."""
    names = CORPORA[:only]
    corpora = {}
    for name in (*names, *MORE):
        rows = data.read(name)
        corpora[name] = data.corpus(rows[:: max(1, -(-len(rows) // most))], name.split("/")[1])
    out: dict[str, Any] = {"corpora": {c.name: len(c) for c in corpora.values()}, "rules": {}}
    for rule, given in RULES.items():
        pairs = []
        for served in names:
            first, *others = [name for name in (*names, *MORE) if name != served]
            controls = {name: corpora[name] for name in others}
            result = op.compare(corpora[served], corpora[first], control=controls, audit_texts=0, **given)
            texts = np.array([len(corpora[name]) for name in (first, *others)])
            found = np.array([int(result.matched.sum()), *(result.control_counts[n].matched for n in others)])
            for i, suspect in enumerate((first, *others)[: len(names) - 1]):
                rest = np.flatnonzero(np.arange(len(found)) != i)
                rank = evidence.rank_among_controls(found[i] / texts[i], found[rest] / texts[rest])
                few = rest[: len(names) - 2]
                alone = evidence.rank_among_controls(found[i] / texts[i], found[few] / texts[few])
                hits, total = int(found[few].sum()), int(texts[few].sum())
                upper = float(stats.beta.ppf(0.975, hits + 1, total - hits))
                pooled, cautious = (
                    float(stats.binom.sf(found[i] - 1, texts[i], rate)) if found[i] else 1.0
                    for rate in (hits / total, upper)
                )
                pairs.append(
                    {
                        "served": corpora[served].name,
                        "suspect": corpora[suspect].name,
                        "matched": int(found[i]),
                        "verdicts": [alone.verdict, rank.verdict],
                        "pvalues": [alone.pvalue, rank.pvalue],
                        "rank": int(rank.statistic) + 1,
                        "binomial": pooled,
                        "binomial_cautious": cautious,
                    }
                )
        out["rules"][rule] = {
            "pairs": len(pairs),
            "no_verdict": sum(p["verdicts"][0].startswith("no verdict") for p in pairs),
            "exploratory": sum(p["verdicts"][1].startswith("exploratory") for p in pairs),
            "rank_below": [sum(p["pvalues"][1] < level for p in pairs) / len(pairs) for level in LEVELS],
            "binomial_below": [sum(p["binomial"] < level for p in pairs) / len(pairs) for level in LEVELS],
            "binomial_cautious_below": [
                sum(p["binomial_cautious"] < level for p in pairs) / len(pairs) for level in LEVELS
            ],
            "first": sum(p["rank"] == 1 and p["matched"] > 0 for p in pairs),
            "worst": sorted(
                (p for p in pairs if p["binomial_cautious"] < LEVELS[-1]), key=lambda p: float(p["binomial_cautious"])
            )[:10],
        }
    return out


def markdown(record: dict[str, Any]) -> str:
    """The rates, and the pairs that the test over documents accuses first."""
    lines = [
        [
            name,
            r["pairs"],
            r["no_verdict"],
            r["exploratory"],
            *map(number, r["rank_below"]),
            *map(number, r["binomial_below"]),
            number(r["binomial_cautious_below"][-1]),
        ]
        for name, r in record["rules"].items()
    ]
    head = (
        "rule | ordered pairs | no verdict, 16 controls | exploratory, 21 | rank, p < .05 | p < .01 | p < .001 | "
        "over documents, p < .05 | p < .01 | p < .001 | p < .001, upper rate"
    )
    worst = [
        [f"{p['served']} -> {p['suspect']}", rule, p["matched"], f"{p['binomial_cautious']:.1e}"]
        for rule, r in record["rules"].items()
        for p in r["worst"][:5]
    ]
    return "\n\n".join(
        (
            "### Innocent corpora without redraws\n\n" + table(head, lines),
            "The pairs that a test over documents accuses first, at the upper rate:\n\n"
            + table("pair | rule | matched | p", worst),
        )
    )

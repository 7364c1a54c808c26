"""Answers of two models to the same prompts: the second truth table of the real texts, by overproof's own scores.

Three figures a pair: the mean Jaccard similarity of word 5-grams over prompts, the prompts whose answers share a
13-gram, and the identical answers of 100 characters and more. The table's own figures came from another tokenizer; here
a pair with an answer of fewer than 5 words counts 0, and in the figure beside it 1 where both are equal, as
`overproof.jaccard` has it. Ranks are by the first. They describe answers: at this level nothing is proof of copying.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import overproof as op

from benches.validity import data
from benches.validity.marks import table

EVAL, GSM, SPEECH = "k1_paired/alpaca_eval/", "k1_paired/gsm8k/", "k1_paired/speechmap_us_criticism/"


class Pair(NamedTuple):
    """Two models, what is known of them, and the table's mean, prompts with a 13-gram and identical answers."""

    folder: str
    a: str
    b: str
    truth: str
    mean: float
    shared: int | None = None
    identical: int | None = None
    rank: int | None = None


GPT, DAVINCI = "gpt-3.5-turbo-0301", "text_davinci_003"
PAIRS = (
    Pair(EVAL, "gpt4_1106_preview", "aligner-2b_qwen1.5-72b-chat", "undeclared source", 0.537, 616, 142),
    Pair(EVAL, "Qwen1.5-72B-Chat", "aligner-2b_qwen1.5-72b-chat", "declared upstream", 0.231, 240, 85),
    Pair(EVAL, "Samba-CoE-v0.1", "Samba-CoE-v0.2", "same family", 0.482, 392, 377),
    Pair(EVAL, "vicuna-13b-v1.5", "vicuna-13b-v1.5-togetherai", "same weights", 0.085, 267, 5),
    Pair(
        GSM, "Llama-3.1-405B-Inst@sambanova", "Meta-Llama-3.1-405B-Instruct@hyperbolic", "same weights", 0.353, 1069, 70
    ),
    Pair(GSM, "deepseek-chat", "deepseek-coder", "same maker", 0.283, 1003, 10),
    Pair(GSM, "gpt-4o-2024-05-13", "deepseek-chat", "unknown or convergent", 0.173, 734, 1, 1),
    Pair(GSM, "human_solutions", "gpt3_175b_finetuning", "student of people", 0.064, 110, 0),
    Pair(EVAL, "gpt4", "gpt4_0314", "same model line", 0.107, 264, 5),
    Pair(EVAL, DAVINCI, "alpaca-7b", "student", 0.041, 34, 0, 1),
    Pair(EVAL, DAVINCI, "alpaca-farm-ppo-human", "student", 0.031, None, None, 2),
    Pair(EVAL, DAVINCI, "oasst-sft-pythia-12b", "taught by people", 0.030, None, None, 3),
    Pair(EVAL, DAVINCI, "alpaca-7b-neft", "student, a miss", 0.006, None, None, 47),
    Pair(EVAL, GPT, "wizardlm-13b", "student", 0.041, 89, 1),
    Pair(EVAL, GPT, "vicuna-13b", "student", 0.032, 79, 1),
    Pair(EVAL, GPT, "zephyr-7b-beta", "student", 0.019, 66, 0),
    Pair(EVAL, GPT, "deepseek-llm-67b-chat", "unknown", 0.033, 86, 1),
    Pair(EVAL, GPT, "llama-2-7b-chat-hf", "taught by people", 0.016, 54, 0),
    Pair(EVAL, GPT, "guanaco-7b", "taught by people", 0.014, 35, 0),
    Pair(SPEECH, "deepseek_deepseek-r1", "perplexity_r1-1776", "derived weights", 0.0102, 9, 0, 1),
)


def measure() -> dict[str, Any]:
    """Every pair, and the place of the second model among all others beside the first."""
    out = []
    texts = {folder: read(folder) for folder in dict.fromkeys(pair.folder for pair in PAIRS)}
    means: dict[tuple[str, str], dict[str, float]] = {}
    for pair in PAIRS:
        of = texts[pair.folder]
        key = pair.folder, pair.a
        if key not in means:
            means[key] = {b: compared(of[pair.a], of[b])["mean_short_0"] for b in of if b not in {pair.a, "NullModel"}}
        order = sorted(means[key], key=lambda b: -means[key][b])
        found = compared(of[pair.a], of[pair.b], whole=True)
        out.append({**pair._asdict(), "found": {**found, "rank": order.index(pair.b) + 1, "of": len(order)}})
    return {"pairs": out}


def read(folder: str) -> dict[str, dict[str, str]]:
    """The first answer of each model to each prompt."""
    found: dict[str, dict[str, str]] = {}
    for name in data.sets(folder):
        for row in data.rows(name):
            found.setdefault(name.removeprefix(folder), {}).setdefault(row["id"], row["text"])
    return found


def compared(a: dict[str, str], b: dict[str, str], *, whole: bool = False) -> dict[str, Any]:
    """The figures of two models on the prompts that both answered; `whole`: all of them."""
    ids = sorted(set(a) & set(b))
    left, right = [a[i] for i in ids], [b[i] for i in ids]
    five = [op.Shingler(5).transform(side) for side in (left, right)]
    scores = op.jaccard(*five)
    short = five[0].short | five[1].short
    out: dict[str, Any] = {"prompts": len(ids), "mean_short_0": float(np.where(short, 0, np.nan_to_num(scores)).mean())}
    if whole:
        long = [op.Shingler(13).transform(side) for side in (left, right)]
        shared = (np.nan_to_num(op.jaccard(*long)) > 0) & ~(long[0].short | long[1].short)
        same = [x.strip() == y.strip() and len(x.strip()) >= 100 for x, y in zip(left, right, strict=True)]
        out |= {"mean": float(np.nanmean(scores)), "shared": int(shared.sum()), "identical": sum(same)}
    return out


def markdown(record: dict[str, Any]) -> str:
    """The table's figures beside ours."""
    lines = []
    for pair in record["pairs"]:
        found = pair["found"]
        lines.append(
            [
                f"{pair['a']} - {pair['b']}",
                pair["truth"],
                f"{pair['mean']:g}",
                f"{found['mean_short_0']:.4f} ({found['mean']:.4f})",
                *(f"{'-' if pair[k] is None else pair[k]} / {found[k]}" for k in ("shared", "identical")),
                f"{pair['rank'] or '-'} / {found['rank']} of {found['of']}",
            ]
        )
    head = (
        "pair | truth | mean J5, stated | found, short 0 (equal 1) | 13-gram: stated / found "
        "| identical: stated / found | rank: stated / found"
    )
    return "### Answers of two models\n\n" + table(head, lines)

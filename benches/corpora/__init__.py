"""Texts to time and pairs to check: made ones that every machine has, real ones where their folder is present.

`made` is the English that CPython carries, cut into texts of about 1.3 kB; `real` reads the shared folder of texts
(``OVERPROOF_SHARED_DATA``), which is not part of the repository; `copies` makes pairs with known exact Jaccard.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from overproof import simulate

from benches.engines import N
from benches.engines.shingles import words

SHARED = Path(os.environ.get("OVERPROOF_SHARED_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"))
BYTES = 1270
"""Mean length of a text, as in other people's benchmarks of web text."""
SETS = {
    "english": (
        "k2_sft/alpaca_davinci003_random9k",
        "k2_sft/alpaca_davinci003_claude_t45",
        "k2_sft/alpaca_gpt4_demo999",
        "k2_sft/halueval_general_chatgpt",
        "k2_sft/gpteacher_roleplay_gpt4",
        "k3_human/dolly_3k",
    ),
    "chinese": ("k2_sft/alpaca_zh_translation_part00",),
    "code": ("k2_sft/gpteacher_codegen_gpt4", "k2_sft/codealpaca_2k_davinci003"),
}
"""Real corpora and the sets of the shared folder that they join."""


def made(texts: int | None = None) -> list[str]:
    """About 850 English texts, the same on every machine with the same CPython."""
    pieces = (part for text in simulate.training_texts().values() for part in text.split("\n\n"))
    return joined(pieces)[:texts]


def available() -> list[str]:
    """Names of the corpora of this machine, for `named`."""
    return ["made", *SETS] if (SHARED / "MANIFEST.json").exists() else ["made"]


def named(name: str) -> list[str]:
    """The made corpus or a real one, by its name."""
    return made() if name == "made" else real(name)


def real(name: str) -> list[str]:
    """One real corpus, its answers joined to texts of about 1.3 kB."""
    return joined(answer for part in SETS[name] for answer in answers(part))


def answers(part: str) -> Iterator[str]:
    """The texts of one set of the shared folder, as they are."""
    raw = subprocess.run(["zstd", "-dcq", SHARED / f"{part}.jsonl.zst"], check=True, capture_output=True).stdout
    return (json.loads(line)["text"] for line in raw.split(b"\n") if line)


def joined(pieces: Iterable[str], least: int = BYTES - 270) -> list[str]:
    """Neighbours joined until a text has `least` bytes; a rest that is shorter is dropped."""
    texts, now, size = [], [], 0
    for piece in pieces:
        now.append(piece)
        size += len(piece.encode())
        if size >= least:
            texts.append("\n\n".join(now))
            now, size = [], 0
    return texts


def size(texts: Iterable[str]) -> int:
    """Bytes of UTF-8."""
    return sum(len(text.encode()) for text in texts)


def copies(texts: Iterable[str], seed: int, n: int = N) -> tuple[list[str], list[str]]:
    """Each text as lower-case words parted by one space, so that all tokenizers agree, and a copy of it in which some
    words are replaced by words that occur nowhere else: so many that the Jaccard of the two sets of word n-grams is
    about uniform between .05 and .95 over the texts.
    """
    rng = np.random.default_rng(seed)
    before, after = [], []
    for row, text in enumerate(texts):
        old = words(text)
        jaccard = rng.uniform(0.05, 0.95)
        # Of m n-grams q m are shared, J = q / (2 - q), and an n-gram is shared when none of its n words is replaced.
        kept = rng.random(len(old)) < (2 * jaccard / (1 + jaccard)) ** (1 / n)
        before.append(" ".join(old))
        after.append(" ".join(word if kept[i] else f"x{row}y{i}" for i, word in enumerate(old)))
    return before, after

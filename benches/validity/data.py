"""The real texts, what is known of their origin, and the edits that plant copies of them."""

from __future__ import annotations

import contextlib
import csv
import importlib.util
import io
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
import overproof as op

from benches.corpora import SHARED

TEACHER = ("k2_sft/alpaca_davinci003_random9k", "k2_sft/alpaca_davinci003_claude_t45")
"""Answers of text-davinci-003, the served side of most rows."""
SEEDS = "k3_human/selfinstruct_seed_tasks"
"""Stood in the prompts that made the served texts, so it is no innocent."""


class Row(NamedTuple):
    """One text."""

    prompt: str
    text: str


def rows(name: str) -> list[dict[str, Any]]:
    """The rows of one set, such as ``k3_human/dolly_3k``."""
    raw = subprocess.run(["zstd", "-dcq", SHARED / f"{name}.jsonl.zst"], check=True, capture_output=True).stdout
    return [json.loads(line) for line in raw.split(b"\n") if line]


def read(name: str) -> list[Row]:
    """The texts of one set, with their prompts where it has them (``_prompts`` beside it, by id, or its own)."""
    found = rows(name)
    beside = f"{Path(name).parent}/_prompts"
    prompts = {}
    if (SHARED / f"{beside}.jsonl.zst").exists():
        prompts = {r["id"]: r["prompt"] for r in rows(beside)}
    made = (Row(prompts.get(r["id"], r.get("prompt")), r["text"]) for r in found)
    return [row if isinstance(row.prompt, str) else Row("", row.text) for row in made]


def corpus(texts: list[Row], name: str | None = None) -> op.Corpus:
    """As `overproof.compare` takes them."""
    prompts = [r.prompt for r in texts] if any(r.prompt for r in texts) else None
    return op.Corpus([r.text for r in texts], prompts=prompts, name=name)


def unique(names: tuple[str, ...], least: int = 0) -> list[Row]:
    """Rows of several sets, each prompt and text once, texts of `least` characters and more."""
    return [r for r in dict.fromkeys(r for name in names for r in read(name)) if len(r.text) >= least]


def sets(folder: str) -> list[str]:
    """Names of the sets below a folder."""
    files = sorted((SHARED / folder).rglob("*.jsonl.zst"))
    names = (str(f.relative_to(SHARED)).removesuffix(".jsonl.zst") for f in files)
    return [name for name in names if not Path(name).name.startswith("_")]


def taught_by(teacher: str) -> set[str]:
    """Names of the teacher's own sets and of its declared students, as ``k1_paired/<set>/<model>``."""
    with (SHARED / "lineage.csv").open(newline="") as file:
        known = list(csv.DictReader(file))
    same = {teacher, teacher.replace("-", "_")}
    return {
        f"k1_paired/{line['set']}/{line['model']}"
        for line in known
        if teacher in line["teacher"] or line["model"] in same
    }


STARTS = r"(?:def|class|import|from|return|for|if|elif|else|while|#include|public|private|function|const|let|var)\b"
LINE_OF_CODE = re.compile(
    rf"(?m)^[ \t]*(?:{STARTS}.*[:;{{(]|</?\w+[^>]*>.*|SELECT\b.*\bFROM\b.*|.*[\w)\]\"'][ \t]*[;{{])[ \t\r]*$"
)
ENVELOPE = re.compile(r"```(?:json)?\s*\{.*?(?:```|\Z)", re.DOTALL)
"""An answer that some benchmark asked for in JSON: prose all the same."""


def is_code(text: str) -> bool:
    """A fence, or two lines that end in ``;`` or ``{``, open with a tag, or open a block by a keyword; JSON apart.

    Examples
    --------
    >>> is_code("def f(x):\\n  if x:\\n    return 1"), is_code("If so: go. For one, stop;\\nelse wait.")
    (True, False)
    >>> is_code('```json\\n{"answer": "18"}\\n```')
    False
    """
    prose = ENVELOPE.sub("", text)
    return "```" in prose or len(LINE_OF_CODE.findall(prose)) >= 2


def first_words(text: str, most: int = 4) -> str:
    """A text by its beginning, too short to be a copy of it: the texts themselves are not ours to publish."""
    return " ".join(text.split()[:most]).replace("|", "/")


def log_maker() -> ModuleType:
    """``make_api_log.py`` of the folder, loaded by its path."""
    spec = importlib.util.spec_from_file_location("make_api_log", SHARED / "make_api_log.py")
    if spec is None or spec.loader is None:
        raise SystemExit(f"{SHARED / 'make_api_log.py'} is missing")
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(SHARED))
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(SHARED))
    return module


def made_log(seed: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[dict[str, Any]], dict[str, Any]]:
    """The log, the suspect and the innocent corpus, and the truth that ``make_api_log.py`` makes by `seed`."""
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        log_maker().main(["--out", folder, "--seed", str(seed)])
        parts = [
            [json.loads(line) for line in (Path(folder) / f"{name}.jsonl").read_bytes().split(b"\n") if line]
            for name in ("api_log", "suspect", "innocent")
        ]
        return *parts, json.loads((Path(folder) / "truth.json").read_bytes())


EDITS = (
    ("none", "none", 1.0),
    ("case", "case", None),
    ("white space", "whitespace", 1.0),
    ("markdown", "markdown", 1.0),
    ("reorder", "reorder", None),
    ("half kept", "truncate", 5 / 6),
    ("10 % of words dropped", "drop", 1 / 3),
    ("10 % of words substituted", None, 0.1),
    ("20 % of words dropped", "drop", 2 / 3),
    ("20 % of words substituted", None, 0.2),
    ("mixed", "mixed", None),
)
"""Name, kind in make_api_log.py, its strength (None: drawn from .2 to 1 for each text, as its main does).

Its ``substitute`` knows 30 words and cannot change a given share of a text; where the kind is None,
`overproof.simulate.edit` replaces that share of the words, chosen at random.
"""


def plant(texts: list[str], edit: tuple[str, str | None, float | None], seed: int) -> list[str]:
    """An edited copy of each text."""
    name, kind, strength = edit
    rng = np.random.default_rng([seed, *name.encode()])
    maker = log_maker()

    def one(text: str) -> str:
        s = round(float(rng.uniform(0.2, 1.0)), 3) if strength is None else strength
        return op.simulate.edit(text, "substitute", s, rng) if kind is None else maker.edit(text, kind, s, rng)

    return [one(text) for text in texts]

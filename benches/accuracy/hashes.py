"""Does the shingle hash `op1` behave as a random function on what it is given?

* collisions: distinct n-grams of real texts, counted exactly, against distinct hashes. In 64 bits none may be lost
  beyond chance; in the top and in the low 32 bits the number lost must be within 3 standard deviations of that of
  random values (the birthday expectation);
* avalanche: one bit of one token is flipped; each bit of the hash must flip in half of the cases, within .03, over 256
  texts under 64 seeds. The largest deviation of so many counts from 1/2 by chance alone is given beside it;
* seeds: bits of the hashes of one n-gram under two seeds agree in half of the cases, each bit with each, within 5.5
  standard deviations; and the errors of MinHash estimates on the same texts are uncorrelated within 4.
"""

from __future__ import annotations

import math
import sys
import sysconfig
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import overproof as op
from scipy import stats

from benches import corpora

WIDTHS = (1, 2, 5, 8, 13)
TEXTS, SEEDS = 256, 64
MOST_AVALANCHE = 0.03
UInt64 = npt.NDArray[np.uint64]


def study() -> dict[str, Any]:
    """All three."""
    collisions = [collided(*row) for row in CORPORA if row[0] != "chinese" or "chinese" in corpora.available()]
    flips = [avalanche(path, n) for path in PATHS for n in WIDTHS]
    seeds = [independence(*row) for row in SAMPLES.items()] + [estimates_under_two_seeds()]
    failed = [[row["what"], row["missed"]] for row in collisions + flips + seeds if row["missed"]]
    return {"failed": failed, "collisions": collisions, "avalanche": flips, "seeds": seeds}


# -- Collisions on real n-grams


def english() -> list[str]:
    """All English of the shared folder, or that of CPython."""
    if "english" not in corpora.available():
        return corpora.made()
    folders = ("k1_paired/alpaca_eval", "k1_paired/wildbench", "k1_paired/gsm8k", "k3_human", "k4_contamination")
    files = [file for folder in folders for file in sorted((corpora.SHARED / folder).glob("*.zst"))]
    parts = [str(file.relative_to(corpora.SHARED)).removesuffix(".jsonl.zst") for file in files]
    parts = [part for part in parts if not part.endswith(("_prompts", "_as_sent", "code", "canonical"))]
    return texts_of([*corpora.SETS["english"], *parts])


def chinese() -> list[str]:
    """All Chinese of the shared folder."""
    folder = corpora.SHARED / "k1_paired/speechmap_zh_china_criticism"
    models = [
        f"{folder.parent.name}/{folder.name}/{file.name.removesuffix('.jsonl.zst')}" for file in models_of(folder)
    ]
    return texts_of([*corpora.SETS["chinese"], *models])


def models_of(folder: Path) -> list[Path]:
    """Files of answers."""
    return [file for file in sorted(folder.glob("*.zst")) if not file.name.startswith("_")]


def texts_of(parts: list[str]) -> list[str]:
    """Texts of some sets of the shared folder."""
    return [text for part in parts for text in corpora.answers(part)]


def code() -> list[str]:
    """The standard library of this CPython, and the code of models where the shared folder is present."""
    library = Path(sysconfig.get_paths()["stdlib"])
    files = (file for file in sorted(library.rglob("*.py")) if "site-packages" not in file.parts)
    own = [file.read_text(encoding="utf-8", errors="ignore") for file in files]
    return own + (texts_of(list(corpora.SETS["code"])) if "code" in corpora.available() else [])


CORPORA: list[tuple[str, Callable[[], list[str]], str, tuple[int, ...]]] = [
    ("english", english, "word", (5, 8)),
    ("chinese", chinese, "word", tuple(range(1, 14))),
    ("chinese", chinese, "char", tuple(range(2, 14))),
    ("code", code, "word", (2, 3, 5, 8, 13)),
    ("code", code, "byte", (13,)),
]


def collided(name: str, read: Callable[[], list[str]], analyzer: str, widths: tuple[int, ...]) -> dict[str, Any]:
    """Lost hashes of one corpus: distinct n-grams less distinct hashes, in 64 bits and in each half."""
    texts = read()
    print(f"  collisions: {name}, {analyzer}", file=sys.stderr, flush=True)
    hashes = np.unique(np.concatenate([op.Shingler(n, analyzer=analyzer).transform(texts).hashes for n in widths]))
    grams = distinct_grams(texts, analyzer, widths)
    lost = grams - len(hashes)
    row: dict[str, Any] = {
        "what": f"{name}, {analyzer} n-grams, n = {', '.join(map(str, widths))}",
        "texts": len(texts),
        "distinct": grams,
        "lost_64": lost,
        "expected_64": grams**2 / 2.0**65,
    }
    missed = [] if abs(lost) <= row["expected_64"] + 3 * math.sqrt(row["expected_64"]) else ["64 bits"]
    for half, values in (("top_32", hashes >> np.uint64(32)), ("low_32", hashes & np.uint64(2**32 - 1))):
        row[f"lost_{half}"] = grams - len(np.unique(values.astype(np.uint32)))
        row["expected_32"], deviation = birthday(grams, 32)
        row[f"sd_{half}"] = (row[f"lost_{half}"] - row["expected_32"]) / deviation
        missed += [half] if abs(row[f"sd_{half}"]) > 3 else []
    return row | {"missed": missed}


def birthday(balls: int, bits: int) -> tuple[float, float]:
    """Mean and standard deviation of balls less occupied boxes, of 2**bits boxes (Johnson and Kotz 1977)."""
    boxes = 2.0**bits
    load = balls / boxes
    mean = balls + boxes * math.expm1(balls * math.log1p(-1 / boxes))
    return mean, math.sqrt(boxes * (math.exp(-load) - (1 + load) * math.exp(-2 * load)))


def distinct_grams(texts: list[str], analyzer: str, widths: tuple[int, ...]) -> int:
    """Exact number of distinct n-grams of tokens; texts shorter than a width count whole, once each."""
    rows = list(numbered(texts, analyzer))
    text_of = np.repeat(np.arange(len(rows)), [len(row) for row in rows])
    ranks = {1: np.concatenate(rows).astype(np.uint64)}

    def rank(n: int) -> UInt64:
        """A number for each place of the joined texts; places have the same if the n tokens from there on are."""
        if n not in ranks:
            left, right = rank(n - n // 2), rank(n // 2)
            both = left[: len(right) - n + n // 2] << np.uint64(32) | right[n - n // 2 :]
            ranks[n] = np.unique(both, return_inverse=True)[1].astype(np.uint64)
        return ranks[n]

    short = len({tuple(row.tolist()) for row in rows if 0 < len(row) < max(widths)})
    inside = {n: text_of[: len(text_of) - n + 1] == text_of[n - 1 :] for n in widths}
    return short + sum(len(np.unique(rank(n)[: len(inside[n])][inside[n]])) for n in widths)


def numbered(texts: list[str], analyzer: str) -> Iterator[npt.NDArray[np.integer[Any]]]:
    """The tokens of each text as numbers."""
    if analyzer == "word":
        known = dict[bytes, int]()
        tokens = op.tokenize(texts)
        for i in range(len(texts)):
            yield np.array([known.setdefault(bytes(token), len(known)) for token in tokens.row(i)], np.uint32)
    else:
        coding, kind = ("utf-32-le", np.uint32) if analyzer == "char" else ("utf-8", np.uint8)
        for text in op.normalize(texts):
            yield np.frombuffer((text or "").encode(coding), kind)


# -- Avalanche

Rows = list[list[str]] | list[str] | tuple[UInt64, npt.NDArray[np.int64]]


def ids(rng: np.random.Generator, n: int) -> tuple[Rows, int]:
    """Rows of n ids, then the same with each bit of the first, middle and last id flipped."""
    base = rng.integers(0, 2**64, (TEXTS, n), np.uint64)
    blocks = [base]
    for place in places(n):
        for bit in range(64):
            blocks.append(base.copy())
            blocks[-1][:, place] ^= np.uint64(1 << bit)
    rows = np.concatenate(blocks)
    return (rows.ravel(), np.arange(len(rows) + 1, dtype=np.int64) * n), len(blocks)


def words(rng: np.random.Generator, n: int) -> tuple[Rows, int]:
    """Rows of n tokens of 1 to 24 letters; flipped are the seven bits of the first and the last byte of a token."""
    base = [["".join(map(chr, rng.integers(97, 123, rng.integers(1, 25)))) for _ in range(n)] for _ in range(TEXTS)]
    blocks = [base]
    for place in places(n):
        for end in (0, -1):
            for bit in range(7):
                flipped = [[*row] for row in base]
                for row in flipped:
                    letters = bytearray(row[place], "ascii")
                    letters[end] ^= 1 << bit
                    row[place] = letters.decode("ascii")
                blocks.append(flipped)
    return [row for block in blocks for row in block], len(blocks)


def characters(rng: np.random.Generator, n: int, first: int, span: int, bits: int) -> tuple[Rows, int]:
    """Texts of n code points, first .. first + span; flipped are low bits of the first, middle and last."""
    base = first + rng.integers(0, span, (TEXTS, n))
    blocks = [base]
    for place in places(n):
        for bit in range(bits):
            blocks.append(base.copy())
            blocks[-1][:, place] ^= 1 << bit
    return ["".join(map(chr, row)) for block in blocks for row in block.tolist()], len(blocks)


def places(n: int) -> list[int]:
    """First, middle and last of n."""
    return sorted({0, n // 2, n - 1})


PATHS: dict[str, tuple[str, Callable[[np.random.Generator, int], tuple[Rows, int]]]] = {
    "word": ("tokens", words),
    "id": ("tokens", ids),
    "byte": ("byte", lambda rng, n: characters(rng, n, 0, 128, 7)),
    "char": ("char", lambda rng, n: characters(rng, n, 0x4000, 0x5000, 12)),
}
"""How a token comes to its shingle: analyzer, and rows to hash; words of a text go the way of users' strings."""


def avalanche(path: str, n: int) -> dict[str, Any]:
    """Largest deviation from 1/2 of the share of flips of an output bit, over all input bits that are flipped."""
    analyzer, make = PATHS[path]
    rows, blocks = make(np.random.default_rng(n), n)
    flips = np.zeros((blocks - 1, 64), np.int64)
    # One ASCII byte has 64 pairs of values that differ in a given bit; what texts lack, seeds make up for.
    cases = 64 if (path, n) == ("byte", 1) else TEXTS
    seeds = SEEDS * TEXTS // cases
    for seed in range(seeds):
        sets = op.Shingler(n, analyzer=analyzer, normalization="none", seed=seed).transform(rows)
        hashes = sets.hashes.reshape(blocks, TEXTS)
        flips += bits_of(hashes[1:] ^ hashes[0]).sum(axis=1, dtype=np.int64)
    trials = cases * seeds
    share = np.abs(flips / (TEXTS * seeds) - 0.5)
    return {
        "what": f"avalanche, {path}, n = {n}",
        "path": path,
        "n": n,
        "bits_flipped": blocks - 1,
        "trials": trials,
        "worst": float(share.max()),
        "rms": float(np.sqrt((share**2).mean())),
        "worst_by_chance": float(stats.norm.isf(0.5 / share.size) * 0.5 / math.sqrt(trials)),
        "rms_by_chance": 0.5 / math.sqrt(trials),
        "missed": ["avalanche"] if share.max() > MOST_AVALANCHE else [],
    }


def bits_of(values: UInt64) -> npt.NDArray[np.uint8]:
    """Bit j of each value in place j of a new last axis."""
    return np.unpackbits(np.ascontiguousarray(values)[..., None].view(np.uint8), axis=-1, bitorder="little")


# -- Two seeds

SAMPLES: dict[str, tuple[str, int]] = {
    "counted ids, n = 1": ("tokens", 1),
    "words w0, w1, ..., n = 5": ("word", 5),
    "counted numbers, byte n = 8": ("byte", 8),
}
PAIRS_OF_SEEDS = ((0, 1), (0, 2**63), (1, 2))
SAMPLE = 1 << 18


def independence(what: str, how: tuple[str, int]) -> dict[str, Any]:
    """Largest deviation, in standard deviations, of the agreement of a bit under one seed with a bit under another."""
    analyzer, n = how
    if analyzer == "tokens":
        rows: Rows = (np.arange(SAMPLE, dtype=np.uint64), np.arange(SAMPLE + 1, dtype=np.int64))
    elif analyzer == "word":
        rows = [" ".join(f"w{i + j}" for j in range(n)) for i in range(SAMPLE)]
    else:
        rows = [f"{i:08d}" for i in range(SAMPLE)]
    signs = {}
    for seed in {seed for pair in PAIRS_OF_SEEDS for seed in pair}:
        hashes = op.Shingler(n, analyzer=analyzer, seed=seed).transform(rows).hashes
        signs[seed] = 2 * bits_of(hashes).astype(np.float32) - 1
    worst = max(float(np.abs(signs[a].T @ signs[b]).max()) for a, b in PAIRS_OF_SEEDS) / math.sqrt(SAMPLE)
    return {
        "what": f"bits under two seeds, {what}",
        "trials": SAMPLE,
        "worst_sd": worst,
        "worst_by_chance": float(stats.norm.isf(0.5 / (64 * 64 * len(PAIRS_OF_SEEDS)))),
        "missed": ["seeds"] if worst > 5.5 else [],
    }


def estimates_under_two_seeds() -> dict[str, Any]:
    """Correlation of the errors of MinHash on the same texts under two seeds of the shingler, times sqrt(trials)."""
    rng, errors, total = np.random.default_rng(0), [], 20_000
    tokens = rng.integers(0, 2**64, (2, total, 54), np.uint64)
    tokens[1, :, :37] = tokens[0, :, :37]
    offsets = np.arange(total + 1, dtype=np.int64) * 54
    for seed in (0, 1):
        shingler = op.Shingler(5, analyzer="tokens", seed=seed)
        a, b = (op.MinHash(128).sketch(shingler.transform((side.ravel(), offsets))) for side in tokens)
        errors.append(op.jaccard(a, b))
    worst = float(np.corrcoef(*errors)[0, 1] * math.sqrt(total))
    return {
        "what": "errors of MinHash under two seeds of the shingler, m = 50, J = .49",
        "trials": total,
        "worst_sd": worst,
        "worst_by_chance": 1.0,
        "missed": ["correlation"] if abs(worst) > 4 else [],
    }


def tables(record: dict[str, Any]) -> str:
    """Markdown."""
    lines = [
        "| n-grams | distinct | lost in 64 bits | lost in the top / low 32 bits | by chance | standard deviations |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for r in record["collisions"]:
        lines.append(
            f"| {r['what']} | {r['distinct']:,} | {r['lost_64']} | {r['lost_top_32']:,} / {r['lost_low_32']:,} "
            f"| {r['expected_32']:,.0f} | {r['sd_top_32']:+.2f} / {r['sd_low_32']:+.2f} |"
        )
    widths = list(dict.fromkeys(r["n"] for r in record["avalanche"]))
    lines += [
        "",
        "| avalanche, largest deviation from .5 (by chance) | " + " | ".join(f"n = {n}" for n in widths) + " |",
    ]
    lines.append("| --- |" + " ---: |" * len(widths))
    for path in dict.fromkeys(r["path"] for r in record["avalanche"]):
        own = [f"{r['worst']:.4f} ({r['worst_by_chance']:.4f})" for r in record["avalanche"] if r["path"] == path]
        lines.append(f"| {path} | {' | '.join(own)} |")
    lines += [
        "",
        "| two seeds | trials | largest, in standard deviations | by chance |",
        "| --- | ---: | ---: | ---: |",
    ]
    lines += [
        f"| {r['what']} | {r['trials']:,} | {r['worst_sd']:.2f} | {r['worst_by_chance']:.2f} |" for r in record["seeds"]
    ]
    return "\n".join(lines)

"""gaoya: MinHash, SimHash and index in Rust, with tokens of its own.

MinHash has no call that returns a signature, so texts go into an index of one band of k values, the cheapest it can be
told to build: its time includes that index. Its words are what white space parts, punctuation included.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from gaoya import gaoya
from gaoya.minhash import MinHashStringIndex

from benches.engines import WINDOW, Engine, K, N, differing, pairs

WORDS: dict[str, Any] = {"analyzer": "word", "ngram_range": (N, N)}
CHARS: dict[str, Any] = {"analyzer": "char", "ngram_range": (WINDOW, WINDOW)}
# Bands as datasketch chooses them at k = 128; gaoya takes bands of one width.
BANDS = {0.7: 14, 0.8: 9}


@dataclass(frozen=True)
class Indexed:
    """Texts and the index that holds their signatures."""

    texts: list[str]
    index: MinHashStringIndex


def indexed(texts: Iterable[str], tokens: dict[str, Any], bands: int = 1, threshold: float = 0.0) -> Indexed:
    """Insert one text after the other; on one thread."""
    kept = list(texts)
    index = MinHashStringIndex(
        hash_size=32,
        jaccard_threshold=threshold,
        num_bands=bands,
        band_size=K // bands,
        lowercase=tokens is WORDS,
        id_container="vec",
        **tokens,
    )
    for row, text in enumerate(kept):
        index.insert_document(row, text)
    return Indexed(kept, index)


def jaccard(a: Indexed, b: Indexed, tokens: dict[str, Any]) -> npt.NDArray[np.float64]:
    """Query b's texts in an index of k bands of one value, where any equal value makes a candidate; none is 0."""
    index = indexed(a.texts, tokens, K).index
    found = (dict(index.query(text, return_similarity=True)) for text in b.texts)
    return np.array([row.get(i, 0.0) for i, row in enumerate(found)])


def lsh(given: tuple[list[str], float]) -> list[tuple[int, int]]:
    """Candidates whose signatures reach the threshold."""
    made = indexed(given[0], WORDS, BANDS[given[1]], given[1])
    return [(row, other) for row, text in enumerate(given[0]) for other in made.index.query(text)]


def simhash(texts: Iterable[str]) -> list[int]:
    """Signatures; the index itself stays empty."""
    signature = gaoya.simhash.SimHash64StringIntIndex(6, 5, "word", True, (N, N)).doc2signature
    return [signature(text) for text in texts]


ENGINES = [
    Engine(
        "minhash",
        "gaoya",
        "gaoya",
        "own words by white space; includes an index of one band",
        lambda texts: indexed(texts, WORDS),
        lambda a, b: jaccard(a, b, WORDS),
    ),
    Engine(
        "minhash_bytes",
        "gaoya",
        "gaoya",
        "windows of characters, not bytes; includes an index of one band",
        lambda texts: indexed(texts, CHARS),
        lambda a, b: jaccard(a, b, CHARS),
    ),
    Engine("simhash", "gaoya", "gaoya", "own words by white space", simhash, differing),
    Engine(
        "lsh",
        "gaoya",
        "gaoya",
        "own words by white space; insert_document and query, one text at a time; pairs verified on their signatures",
        lsh,
        pairs,
    ),
]

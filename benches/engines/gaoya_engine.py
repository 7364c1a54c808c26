"""gaoya: MinHash and index in Rust, with tokens of its own.

It has no call that returns a signature, so texts go into an index of one band of k values, the cheapest it can be told
to build: its time includes that index. Its words are what white space parts, punctuation included.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from gaoya.minhash import MinHashStringIndex

from benches.engines import Engine, K, N


@dataclass(frozen=True)
class Indexed:
    """Texts and the index that holds their signatures."""

    texts: list[str]
    index: MinHashStringIndex


def indexed(texts: Iterable[str], bands: int = 1) -> Indexed:
    """Insert one text after the other; on one thread."""
    kept = list(texts)
    index = MinHashStringIndex(
        hash_size=32,
        jaccard_threshold=0.0,
        num_bands=bands,
        band_size=K // bands,
        analyzer="word",
        lowercase=True,
        ngram_range=(N, N),
        id_container="vec",
    )
    for row, text in enumerate(kept):
        index.insert_document(row, text)
    return Indexed(kept, index)


def jaccard(a: Indexed, b: Indexed) -> npt.NDArray[np.float64]:
    """Query b's texts in an index of k bands of one value, where any equal value makes a candidate; none is 0."""
    index = indexed(a.texts, K).index
    found = (dict(index.query(text, return_similarity=True)) for text in b.texts)
    return np.array([row.get(i, 0.0) for i, row in enumerate(found)])


ENGINES = [Engine("gaoya", "gaoya", "own words by white space; includes an index of one band", indexed, jaccard)]

"""text-dedup's signature step, as its pipeline maps it over a data set; needs Python 3.12."""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
from text_dedup.config import MinHashAlgorithmConfig

from benches.engines import Engine, K, N, equal_share

CONFIG = MinHashAlgorithmConfig(
    algorithm_name="minhash",
    text_column="text",
    num_perm=K,
    ngram_size=N,
    threshold=0.7,
    bands=1,
    rows=K,
    min_length=1,
)
EMBED = CONFIG.get_embed_func()  # each call of this would draw other permutations


def signatures(texts: Iterable[str]) -> list[bytes]:
    """One call a text: the step's `map` has batches of one row."""
    return [EMBED([text], [row])["__band_val__"][0] for row, text in enumerate(texts)]


def jaccard(a: list[bytes], b: list[bytes]) -> npt.NDArray[np.float64]:
    """Share of equal values; the step keeps them as big-endian integers of 64 bits."""
    return equal_share(*(np.frombuffer(b"".join(rows), ">u8").reshape(-1, K) for rows in (a, b)))


ENGINES = [
    Engine(
        "minhash",
        "text-dedup",
        "text-dedup",
        "own words; its xxh3; the step that maps a text to bands, here one band of k values",
        signatures,
        jaccard,
    )
]

"""rensa: MinHash in Rust over tokens made in Python.

``R`` and ``C`` sketch all tokens. ``rho`` is not a sketch of the whole text: it keeps a budget of tokens, picked by
their position, so equal rows say little about the Jaccard of the sets. It is timed because the package's own benchmark
does so, under its own name.
"""

from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
from rensa import CMinHash, RMinHash, RMinHashDigestMatrix, RMinHashLSH

from benches.engines import Engine, K, each, equal_share, objects, pairs
from benches.engines.shingles import strings, windows

SEED = 42


def rows_equal(a: RMinHashDigestMatrix, b: RMinHashDigestMatrix) -> npt.NDArray[np.float64]:
    """Row against row, as ``RMinHash.jaccard``."""
    return equal_share(a.to_rows(), b.to_rows())


def matrix(rows: Any) -> RMinHashDigestMatrix:
    """All texts in one call."""
    return RMinHash.digest_matrix_from_token_sets(rows, K, SEED)


def join(bands: int, given: tuple[list[RMinHash], float]) -> list[tuple[int, int]]:
    """All candidates: they share a band, and nothing else is checked."""
    signatures, threshold = given
    index = RMinHashLSH(threshold=threshold, num_perm=K, num_bands=bands)
    index.insert_many(signatures)
    return [(row, other) for row, found in enumerate(index.query_all(signatures)) for other in found]


def lsh(bands: int) -> Engine:
    """Pairs of one side. The bands must divide k; 8 and 16 stand on either side of what datasketch chooses."""
    return Engine(
        "lsh",
        f"rensa, {bands} bands",
        "rensa",
        "signatures by RMinHash.from_token_sets; RMinHashLSH, insert_many and query_all; candidates as they come",
        partial(join, bands),
        pairs,
        lambda given: (RMinHash.from_token_sets(map(strings, given[0]), K, SEED), given[1]),
    )


ENGINES = [
    Engine(
        "minhash",
        "rensa R",
        "rensa",
        "Python shingles; RMinHash.digest_matrix_from_token_sets",
        matrix,
        rows_equal,
        each(strings),
    ),
    Engine(
        "minhash",
        "rensa C",
        "rensa",
        "Python shingles; CMinHash.from_token_sets",
        lambda rows: CMinHash.from_token_sets(rows, K, SEED),
        objects,
        each(strings),
    ),
    Engine(
        "minhash",
        "rensa R rho",
        "rensa",
        "Python shingles; RMinHash.digest_matrix_from_token_sets_rho: a sample of the tokens by position",
        lambda rows: RMinHash.digest_matrix_from_token_sets_rho(rows, K, SEED),
        rows_equal,
        each(strings),
        same=False,
    ),
    Engine(
        "minhash_bytes",
        "rensa R",
        "rensa",
        "Python windows; RMinHash.digest_matrix_from_token_byte_sets",
        lambda rows: RMinHash.digest_matrix_from_token_byte_sets(rows, K, SEED),
        rows_equal,
        each(windows),
    ),
    lsh(8),
    lsh(16),
]

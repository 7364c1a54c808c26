"""rensa: MinHash in Rust over tokens made in Python.

``R`` and ``C`` sketch all tokens. ``rho`` is not a sketch of the whole text: it keeps a budget of tokens, picked by
their position, so equal rows say little about the Jaccard of the sets. It is timed because the package's own benchmark
does so, under its own name.
"""

import numpy as np
import numpy.typing as npt
from rensa import CMinHash, RMinHash, RMinHashDigestMatrix

from benches.engines import Engine, K, equal_share
from benches.engines.shingles import strings

SEED = 42


def rows_equal(a: RMinHashDigestMatrix, b: RMinHashDigestMatrix) -> npt.NDArray[np.float64]:
    """Row against row, as ``RMinHash.jaccard``."""
    return equal_share(a.to_rows(), b.to_rows())


def objects(a: list[CMinHash], b: list[CMinHash]) -> npt.NDArray[np.float64]:
    """The package's own estimate."""
    return np.array([one.jaccard(other) for one, other in zip(a, b, strict=True)])


ENGINES = [
    Engine(
        "rensa R",
        "rensa",
        "Python shingles; RMinHash.digest_matrix_from_token_sets",
        lambda rows: RMinHash.digest_matrix_from_token_sets(rows, K, SEED),
        rows_equal,
        strings,
    ),
    Engine(
        "rensa C",
        "rensa",
        "Python shingles; CMinHash.from_token_sets",
        lambda rows: CMinHash.from_token_sets(rows, K, SEED),
        objects,
        strings,
    ),
    Engine(
        "rensa R rho",
        "rensa",
        "Python shingles; RMinHash.digest_matrix_from_token_sets_rho: a sample of the tokens by position",
        lambda rows: RMinHash.digest_matrix_from_token_sets_rho(rows, K, SEED),
        rows_equal,
        strings,
        signature=False,
    ),
]

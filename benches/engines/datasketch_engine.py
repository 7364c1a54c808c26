"""datasketch: the package that most pipelines were written with."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
from datasketch import MinHash

from benches.engines import YARDSTICK, Engine, K
from benches.engines.shingles import bytestrings

Rows = Iterable[list[bytes]]


def update(rows: Rows) -> list[MinHash]:
    """One call a token, as in most tutorials."""
    made = []
    for row in rows:
        one = MinHash(num_perm=K)
        for token in row:
            one.update(token)
        made.append(one)
    return made


def update_batch(rows: Rows) -> list[MinHash]:
    """One object and one call a text."""
    made = []
    for row in rows:
        one = MinHash(num_perm=K)
        one.update_batch(row)
        made.append(one)
    return made


def bulk(**options: Any) -> Callable[[Rows], list[MinHash]]:
    """All texts in one call, which draws the permutations once."""
    return lambda rows: MinHash.bulk(rows, num_perm=K, **options)


def jaccard(a: list[MinHash], b: list[MinHash]) -> npt.NDArray[np.float64]:
    """The package's own estimate."""
    return np.array([one.jaccard(other) for one, other in zip(a, b, strict=True)])


def engine(variant: str, sketch: Callable[[Rows], list[MinHash]], work: str) -> Engine:
    """One way of calling."""
    return Engine(f"datasketch {variant}", "datasketch", work, sketch, jaccard, bytestrings)


ENGINES = [
    engine("bulk, sha1", bulk(), "Python shingles; all defaults, all texts in one call"),
    engine("update_batch, sha1", update_batch, "Python shingles; all defaults, one object a text"),
    engine("update, sha1", update, "Python shingles; all defaults, one call a shingle"),
    engine("legacy, sha1", bulk(scheme="legacy"), "Python shingles; bulk, the values of versions before 2.0"),
]
assert ENGINES[0].name == YARDSTICK
try:
    import xxhash
except ModuleNotFoundError:
    pass
else:
    ENGINES.append(
        engine("bulk, xxh32", bulk(hashfunc=xxhash.xxh32_intdigest), "Python shingles; bulk, hash of package xxhash")
    )

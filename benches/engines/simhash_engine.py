"""simhash (1e0ng): the package of that name with most downloads, in Python and NumPy."""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
from simhash import Simhash, SimhashIndex

from benches.engines import REACH, Engine, differing, each, pairs
from benches.engines.shingles import strings


def signatures(rows: Iterable[list[str]]) -> list[int]:
    """One object a text, its default MD5."""
    return [Simhash(row).value for row in rows]


def near(values: npt.NDArray[np.uint64]) -> list[tuple[int, int]]:
    """One query a value."""
    made = [Simhash(int(value)) for value in values]
    index = SimhashIndex([(str(row), one) for row, one in enumerate(made)], k=REACH)
    return [(row, int(other)) for row, one in enumerate(made) for other in index.get_near_dups(one)]


ENGINES = [
    Engine("simhash", "simhash", "simhash", "Python shingles; its default MD5", signatures, differing, each(strings)),
    Engine("hamming", "simhash", "simhash", "SimhashIndex, one query a value", near, pairs),
]

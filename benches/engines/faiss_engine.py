"""faiss: binary indexes of 64 bits."""

from typing import Any

import faiss
import numpy as np
import numpy.typing as npt

from benches.engines import REACH, Engine, pairs

faiss.omp_set_num_threads(1)


def codes(values: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint8]:
    """Rows of 8 bytes."""
    return values.view(np.uint8).reshape(-1, 8)


def flat(values: npt.NDArray[np.uint64]) -> Any:
    """Every pair is looked at; a faiss radius is exclusive."""
    index = faiss.IndexBinaryFlat(64)
    index.add(codes(values))
    return index.range_search(codes(values), REACH + 1)


def rows(found: Any) -> npt.NDArray[np.int64]:
    """CSR to pairs."""
    starts, _, others = found
    left = np.repeat(np.arange(len(starts) - 1), np.diff(starts.astype(np.int64)))
    return pairs(zip(left.tolist(), others.tolist(), strict=True))


ENGINES = [Engine("hamming", "faiss flat", "faiss-cpu", "IndexBinaryFlat.range_search: all pairs", flat, rows)]

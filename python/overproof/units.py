"""Units: what counts once. Rows that share a prompt, a conversation or their text are no independent observations."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["join_units"]


def join_units(n: int, keys: Iterable[npt.NDArray[Any]]) -> npt.NDArray[np.int64]:
    """Join rows that share any key into units.

    Parameters
    ----------
    n : int
        Number of rows.
    keys : iterable of int64[n] arrays
        Rows with equal non-negative values belong together; negative values join nothing.

    Returns
    -------
    int64[n]
        The lowest row of each row's unit.

    Notes
    -----
    O(n log n) a round; the number of rounds is the length of the longest chain of keys, two or three as a rule.

    Examples
    --------
    >>> import numpy as np
    >>> join_units(5, [np.array([7, 7, -1, -1, 9]), np.array([-1, 3, 3, -1, -1])]).tolist()
    [0, 0, 0, 3, 4]
    """
    groups = []
    for key in keys:
        rows = np.flatnonzero(np.asarray(key) >= 0)
        _, group = np.unique(np.asarray(key)[rows], return_inverse=True)
        groups.append((rows, group))
    labels = np.arange(n, dtype=np.int64)
    while True:
        before = labels.copy()
        for rows, group in groups:
            lowest = np.full(group.max(initial=-1) + 1, n, np.int64)
            np.minimum.at(lowest, group, labels[rows])
            labels[rows] = lowest[group]
        labels = labels[labels]
        if np.array_equal(labels, before):
            return labels

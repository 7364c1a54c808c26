"""Which records take part: chosen by a key that was fixed before anything was compared."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from overproof.errors import InputError
from overproof.evidence.result import between


def is_key(key: object) -> bool:
    """Whether a key is 16 to 64 bytes, as all keys here are."""
    return isinstance(key, bytes) and 16 <= len(key) <= 64


def check_key(key: bytes) -> None:
    """Refuse a key that is too short or too long.

    Raises
    ------
    InputError
        It is not 16 to 64 bytes.
    """
    if not is_key(key):
        raise InputError("key: give 16 to 64 bytes, such as secrets.token_bytes(32)")


def key_id(key: bytes) -> str:
    """16 hex digits that tell a key from another and tell nothing of it.

    Raises
    ------
    InputError
        The key is too short or too long.

    Examples
    --------
    >>> key_id(b"sixteen bytes or more")
    '265fc2780c9e31db'
    """
    check_key(key)
    return hashlib.sha256(b"overproof key id\0" + key).hexdigest()[:16]


def keyed_ranks(ids: Sequence[str], *, key: bytes) -> npt.NDArray[np.uint64]:
    """A pseudo-random rank of each record, which nobody without the key can foretell or choose.

    Parameters
    ----------
    ids : sequence of str
        One a record; they must not be chosen after the key is known.
    key : bytes
        16 to 64 secret bytes, committed with the log.

    Returns
    -------
    uint64[n]

    Raises
    ------
    InputError
        The key is too short or too long, or an id is no str.

    Notes
    -----
    BLAKE2b with its key (RFC 7693), the first 8 bytes little-endian: a pseudo-random function that every Python has.

    Examples
    --------
    >>> keyed_ranks(["request-1"], key=b"sixteen bytes or more")
    array([11669958024754061119], dtype=uint64)
    """
    check_key(key)
    out = np.empty(len(ids), np.uint64)
    for row, name in enumerate(ids):
        if not isinstance(name, str):
            raise InputError(f"ids: row {row} is of type {type(name).__name__}, not str")
        made = hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8, key=key).digest()
        out[row] = int.from_bytes(made, "little")
    return out


def sample_by_key(ids: Sequence[str], *, key: bytes, rate: float) -> npt.NDArray[np.bool_]:
    """Which records are chosen at a rate: those whose keyed rank lies below rate * 2^64.

    Parameters
    ----------
    ids, key
        As in `keyed_ranks`.
    rate : float
        Share of the records, above 0 and at most 1. A higher rate only adds records.

    Returns
    -------
    bool[n]

    Raises
    ------
    InputError
        As `keyed_ranks`, or the rate is out of range.

    Examples
    --------
    >>> chosen = sample_by_key([f"r{i}" for i in range(1000)], key=b"sixteen bytes or more", rate=0.1)
    >>> int(chosen.sum())
    93
    """
    ranks = keyed_ranks(ids, key=key)
    if rate == 1:
        return np.ones(len(ranks), np.bool_)
    return ranks < np.uint64(int(between(rate, "rate", 0, 1) * 2.0**64))


def one_per_unit(units: Sequence[Hashable], ids: Sequence[str], *, key: bytes) -> npt.NDArray[np.int64]:
    """One record of each unit: the one with the lowest keyed rank; ties go to the lower id.

    Parameters
    ----------
    units : sequence
        The unit of each record: records that share a prompt, a conversation, a template or a cache key.
    ids, key
        As in `keyed_ranks`.

    Returns
    -------
    int64[m]
        Rows, ascending.

    Raises
    ------
    InputError
        As `keyed_ranks`, or lengths differ.

    Examples
    --------
    >>> one_per_unit(["a", "b", "a"], ["r1", "r2", "r3"], key=b"sixteen bytes or more")
    array([1, 2])
    """
    if len(units) != len(ids):
        raise InputError(f"units has {len(units)} values for {len(ids)} ids")
    ranks = keyed_ranks(ids, key=key).tolist()
    best: dict[Hashable, tuple[Any, ...]] = {}
    for row, (unit, rank, name) in enumerate(zip(units, ranks, ids, strict=True)):
        mine = (rank, name, row)
        best[unit] = min(best.get(unit, mine), mine)
    return np.array(sorted(row for _, _, row in best.values()), np.int64)

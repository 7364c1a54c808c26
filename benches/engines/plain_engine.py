"""Nothing but Python and NumPy: what a careful user writes in twenty lines."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import xxhash
from datasketch import MinHash

from benches.engines import REACH, WINDOW, Engine, K, differing, each, pairs
from benches.engines.shingles import bytestrings

BANDS = {0.7: 14, 0.8: 9}
UInt64 = npt.NDArray[np.uint64]


def groups(keys: UInt64) -> Iterator[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]]:
    """Pairs of rows with the same key, by distance in the sorted order."""
    order = np.argsort(keys, kind="stable")
    ordered, step = keys[order], 1
    while (same := np.flatnonzero(ordered[step:] == ordered[:-step])).size:
        yield order[same], order[same + step]
        step += 1


def lsh(given: tuple[npt.NDArray[np.uint32], float]) -> UInt64:
    """Sort each band, verify what is equal on the signatures; pairs as left * n + right."""
    signatures, threshold = given
    n, bands = len(signatures), BANDS[threshold]
    width, found = K // bands, []
    odd = np.random.default_rng(1).integers(0, 2**63, width, np.uint64) * 2 + 1
    for band in range(bands):
        for a, b in groups((signatures[:, band * width : (band + 1) * width] * odd).sum(axis=1, dtype=np.uint64)):
            found.append(np.minimum(a, b) * n + np.maximum(a, b))
    candidates = np.unique(np.concatenate(found))
    kept = (signatures[candidates // n] == signatures[candidates % n]).mean(axis=1) >= threshold
    return np.stack([candidates[kept] // n, candidates[kept] % n], axis=1)


def signatures(texts: Iterable[str]) -> npt.NDArray[np.uint32]:
    """Of datasketch: NumPy has none."""
    made = MinHash.bulk(map(bytestrings, texts), num_perm=K, hashfunc=xxhash.xxh32_intdigest)
    return np.array([one.hashvalues for one in made])


def simhash(rows: Iterable[list[bytes]]) -> UInt64:
    """Majority of each bit."""
    made = []
    for row in rows:
        hashes = np.fromiter(map(xxhash.xxh3_64_intdigest, row), np.uint64, len(row))
        bits = np.unpackbits(hashes.view(np.uint8).reshape(-1, 8), axis=1, bitorder="little")
        made.append(np.packbits(2 * bits.sum(axis=0) > len(row), bitorder="little").view(np.uint64)[0])
    return np.array(made)


def near(values: UInt64) -> list[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]]:
    """Of REACH + 1 blocks of bits one is equal; each such pair is looked at."""
    found = []
    for block in range(REACH + 1):
        for a, b in groups(values >> np.uint64(16 * block) & np.uint64(0xFFFF)):
            close = np.bitwise_count(values[a] ^ values[b]) <= REACH
            found.append((a[close], b[close]))
    return found


def coverage(form: Callable[[Any], Any]) -> Callable[[tuple[list[str], list[str]]], npt.NDArray[np.float64]]:
    """Share of each suspect text's n-grams that the reference has, as sets of `form` of tuples of words."""

    def grams(text: str) -> set[Any]:
        words = text.split(" ")
        return set(form(zip(*(words[i:] for i in range(WINDOW)), strict=False)))

    def share(given: tuple[list[str], list[str]]) -> npt.NDArray[np.float64]:
        known: set[Any] = set()
        for text in given[1]:
            known |= grams(text)
        suspect = (grams(text) for text in given[0])
        return np.array([len(row & known) / len(row) for row in suspect])

    return share


ENGINES = [
    Engine(
        "simhash",
        "NumPy",
        "numpy",
        "Python shingles; xxh3 of package xxhash; majority by unpackbits",
        simhash,
        differing,
        each(bytestrings),
    ),
    Engine(
        "lsh",
        "NumPy",
        "numpy",
        "signatures by datasketch bulk and xxh32; bands sorted; pairs verified on their signatures",
        lsh,
        lambda found: pairs(map(tuple, found.tolist())),
        lambda given: (signatures(given[0]), given[1]),
    ),
    Engine(
        "hamming",
        "NumPy",
        "numpy",
        "four blocks of 16 bits, each sorted; equal ones are verified",
        near,
        lambda found: pairs((x, y) for a, b in found for x, y in zip(a.tolist(), b.tolist(), strict=True)),
    ),
    Engine(
        "overlap", "Python sets", "numpy", "words by one space; sets of tuples", coverage(iter), lambda found: found
    ),
    Engine(
        "overlap",
        "Python sets of hashes",
        "numpy",
        "words by one space; sets of hash(tuple), 61 bits",
        coverage(lambda rows: map(hash, rows)),
        lambda found: found,
    ),
]

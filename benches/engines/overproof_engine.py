"""overproof, on one thread."""

from typing import Any

import numpy as np
import numpy.typing as npt
import overproof as op

from benches.engines import RECALL, WINDOW, Engine, K, N, pairs

WORDS = op.Shingler(N)
BYTES = op.Shingler(WINDOW, analyzer="byte", normalization="none")
GRAMS = op.Shingler(WINDOW)
SIMHASH = op.SimHash(64, shingler=WORDS)
Joined = tuple[Any, float]


def minhash(task: str, scheme: str, work: str) -> Engine:
    """One scheme from texts, fused: no shingle leaves Rust."""
    made = op.MinHash(K, shingler=WORDS if task == "minhash" else BYTES, scheme=scheme)
    return Engine(task, f"overproof {scheme}", "overproof", work, lambda t: made.sketch(t, threads=1), op.jaccard)


def join(name: str, work: str, prepare: Any, recall: float) -> Engine:
    """Pairs of one side."""
    return Engine(
        "lsh",
        f"overproof {name}",
        "overproof",
        work,
        lambda given: op.similarity_join(given[0], threshold=given[1], recall=recall, threads=1),
        lambda found: pairs(zip(found.left.tolist(), found.right.tolist(), strict=True)),
        lambda given: (prepare(given[0]), given[1]),
    )


def share_of_bits(a: op.SketchArray, b: op.SketchArray) -> npt.NDArray[np.float64]:
    """Share of differing bits, row against row."""
    return op.hamming(a, b) / 64


def coverage(given: tuple[list[str], list[str]]) -> npt.NDArray[np.float64]:
    """Share of each suspect text's n-grams that the reference has, through sets and NumPy."""
    suspect, reference = (GRAMS.transform(texts, threads=1) for texts in given)
    known = np.unique(reference.hashes)
    at = np.minimum(np.searchsorted(known, suspect.hashes), len(known) - 1)
    hits = np.concatenate([[0], np.cumsum(known[at] == suspect.hashes)])
    found: npt.NDArray[np.float64] = (hits[suspect.indptr[1:]] - hits[suspect.indptr[:-1]]) / np.diff(suspect.indptr)
    return found


ENGINES = [
    minhash("minhash", "affine32-op1", "NFKC + case fold, Unicode words, k permutations"),
    minhash("minhash", "oph", "NFKC + case fold, Unicode words, one permutation in k bins, undensified"),
    minhash("minhash_bytes", "affine32-op1", "bytes as they are, k permutations"),
    minhash("minhash_bytes", "oph", "bytes as they are, one permutation in k bins, undensified"),
    Engine(
        "simhash",
        "overproof",
        "overproof",
        "NFKC + case fold, Unicode words, n-grams weighted by their counts",
        lambda texts: SIMHASH.sketch(texts, threads=1),
        share_of_bits,
    ),
    join(
        "bands, verified",
        f"shingle sets; bands for a recall of {RECALL} at the threshold; each pair verified on its sets",
        lambda texts: WORDS.transform(texts, threads=1),
        RECALL,
    ),
    join(
        "exact",
        "shingle sets; prefix filter; all pairs, exactly",
        lambda texts: WORDS.transform(texts, threads=1),
        1.0,
    ),
    join(
        "signatures",
        f"k = {K} signatures; bands for a recall of {RECALL} at the threshold; each pair verified on its signatures",
        lambda texts: op.MinHash(K, shingler=WORDS).sketch(texts, threads=1),
        RECALL,
    ),
    Engine("overlap", "overproof sets", "overproof", "sets of 64-bit hashes, NumPy", coverage, lambda found: found),
]

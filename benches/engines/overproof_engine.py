"""overproof, on one thread."""

from typing import Any

import numpy as np
import numpy.typing as npt
import overproof as op

from benches.engines import REACH, RECALL, WINDOW, Engine, K, N, pairs

WORDS = op.Shingler(N)
BYTES = op.Shingler(WINDOW, analyzer="byte", normalization="none")
GRAMS = op.Shingler(WINDOW)
SIMHASH = op.SimHash(64, shingler=WORDS)


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
        listed,
        lambda given: (prepare(given[0]), given[1]),
    )


def share_of_bits(a: op.SketchArray, b: op.SketchArray) -> npt.NDArray[np.float64]:
    """Share of differing bits, row against row."""
    return op.hamming(a, b) / 64


def coverage(given: tuple[list[str], list[str]]) -> npt.NDArray[np.float64]:
    """Share of each suspect text's n-grams that the reference has."""
    suspect, reference = given
    return op.NgramTable(reference, shingler=GRAMS, threads=1).coverage(suspect, threads=1)


def sketches(values: npt.NDArray[np.uint64]) -> op.SketchArray:
    """Values as SimHash rows: that of one hash is the hash."""
    rows = np.arange(len(values) + 1)
    sets = op.ShingleSets.from_hashes(rows, values, counts=np.ones(len(values), np.uint32))
    return op.SimHash(64).sketch(sets, threads=1)


def listed(found: op.Pairs) -> npt.NDArray[np.int64]:
    """Pairs of rows."""
    return pairs(zip(found.left.tolist(), found.right.tolist(), strict=True))


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
    Engine(
        "hamming",
        "overproof",
        "overproof",
        "similarity_join of SimHash rows; what makes rows of values is not part of the second stage",
        lambda rows: op.similarity_join(rows, threshold=REACH, metric="hamming", threads=1),
        listed,
        sketches,
    ),
    Engine(
        "overlap",
        "overproof",
        "overproof",
        "NFKC + case fold, Unicode words; a table of 64-bit hashes of n-grams, through which texts go",
        coverage,
        lambda found: found,
    ),
]

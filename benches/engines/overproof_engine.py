"""overproof, on one thread."""

import overproof as op

from benches.engines import Engine, K, N

SHINGLER = op.Shingler(N)


def minhash(scheme: str, work: str) -> Engine:
    """One scheme from texts, fused: no shingle leaves Rust."""
    made = op.MinHash(K, shingler=SHINGLER, scheme=scheme)
    return Engine(f"overproof {scheme}", "overproof", work, lambda texts: made.sketch(texts, threads=1), op.jaccard)


ENGINES = [
    minhash("affine32-op1", "NFKC + case fold, Unicode words, k permutations"),
    minhash("oph", "NFKC + case fold, Unicode words, one permutation in k bins, undensified"),
]

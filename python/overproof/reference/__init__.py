"""The whole chain from text to pairs in plain Python: the slow twin of the Rust core.

It is written to be read. Only the standard library is used, nothing is fast, and every value is the one that
docs/spec defines; the tests hold the core to it bit for bit. One module per stage: ``text``, ``shingle``, ``sketch``,
``score``, ``join``, ``compare``, ``drafts``. Functions take and return one text, one set or one sketch at a time, as
plain lists and tuples.

Examples
--------
>>> served = shingle("The cat sat on the mat, and the dog lay beside it.", n=3)
>>> suspect = shingle("the CAT sat on the mat; and a dog lay beside it", n=3)
>>> round(jaccard(served.hashes, suspect.hashes), 3)
0.538
"""

from . import drafts
from .compare import Compared, Match, compare
from .join import LSHParams, collision_probability, false_positive_work, lsh_params, similarity_join
from .score import (
    NgramMatch,
    Span,
    byte_range,
    common_spans,
    containment,
    dice,
    jaccard,
    ngram_match,
    ngrams,
    overlap_coefficient,
)
from .shingle import (
    ShingleSet,
    fin,
    gram,
    mum,
    shingle,
    shingle_tokens,
    splitmix64,
    token_hash,
    window,
    windows,
)
from .sketch import (
    Permutations,
    Sketch,
    datasketch_affine32,
    datasketch_affine64,
    datasketch_legacy,
    fmix32,
    fmix64,
    fracminhash,
    fracminhash_containment,
    fracminhash_containment_debiased,
    hamming,
    minhash,
    minhash_jaccard,
    minhash_permutations,
    minhash_union,
    oph,
    oph_densify,
    oph_jaccard,
    power,
    remix,
    simhash,
)
from .text import (
    UNICODE_VERSION,
    Char,
    Token,
    codepoint_offsets,
    normalize,
    normalize_chars,
    parse_normalization,
    replace_surrogates,
    token_units,
    tokenize,
    user_tokens,
)

__all__ = [
    "UNICODE_VERSION",
    "Char",
    "Compared",
    "LSHParams",
    "Match",
    "NgramMatch",
    "Permutations",
    "ShingleSet",
    "Sketch",
    "Span",
    "Token",
    "byte_range",
    "codepoint_offsets",
    "collision_probability",
    "common_spans",
    "compare",
    "containment",
    "datasketch_affine32",
    "datasketch_affine64",
    "datasketch_legacy",
    "dice",
    "drafts",
    "false_positive_work",
    "fin",
    "fmix32",
    "fmix64",
    "fracminhash",
    "fracminhash_containment",
    "fracminhash_containment_debiased",
    "gram",
    "hamming",
    "jaccard",
    "lsh_params",
    "minhash",
    "minhash_jaccard",
    "minhash_permutations",
    "minhash_union",
    "mum",
    "ngram_match",
    "ngrams",
    "normalize",
    "normalize_chars",
    "oph",
    "oph_densify",
    "oph_jaccard",
    "overlap_coefficient",
    "parse_normalization",
    "power",
    "remix",
    "replace_surrogates",
    "shingle",
    "shingle_tokens",
    "simhash",
    "similarity_join",
    "splitmix64",
    "token_hash",
    "token_units",
    "tokenize",
    "user_tokens",
    "window",
    "windows",
]

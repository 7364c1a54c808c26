"""Shingle hashes to sketches: docs/spec/sketches.md is the specification.

A sketch is a function of the *set* of hashes alone (SimHash: of the set and its weights), so the order of a text's
shingles never matters, and unions of MinHash sketches are elementwise minima.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from ..errors import InputError
from .shingle import KP, MASK64, fin, rotl, splitmix64

MASK32 = (1 << 32) - 1
MERSENNE_61 = (1 << 61) - 1
MINHASH_STREAM = int.from_bytes(b"MINHASH1", "little")
EMPTY_BIN = MASK32


class Sketch(NamedTuple):
    """One row: its values, and whether it was made of no shingle at all (``empty`` is never read off the values)."""

    values: list[int]
    empty: bool


class Permutations(NamedTuple):
    """Multipliers and offsets of k affine permutations."""

    a: list[int]
    b: list[int]


def fmix32(x: int) -> int:
    """The finaliser of MurmurHash3 for 32 bits, a bijection."""
    x ^= x >> 16
    x = x * 0x85EBCA6B & MASK32
    x ^= x >> 13
    x = x * 0xC2B2AE35 & MASK32
    return x ^ x >> 16


def fmix64(x: int) -> int:
    """The finaliser of MurmurHash3 for 64 bits, a bijection."""
    x ^= x >> 33
    x = x * 0xFF51AFD7ED558CCD & MASK64
    x ^= x >> 33
    x = x * 0xC4CEB9FE1A85EC53 & MASK64
    return x ^ x >> 33


def remix(h: int, seed: int) -> int:
    """The hash that ``oph``, SimHash and FracMinHash look at: h itself under seed 1, a bijection of it under others."""
    if not 0 <= seed <= MASK64:
        raise InputError(f"seed {seed} must be in 0 .. 2^64 - 1")
    return h if seed == 1 else fin(h ^ next(splitmix64(seed)))


# -- MinHash by k permutations (Broder 1997)


def _minima(inputs: Sequence[int], permutations: Permutations, mask: int) -> Sketch:
    """The smallest of (a x + b) mod (mask + 1) for each permutation; ``mask`` itself where there is no input."""
    pairs = zip(permutations.a, permutations.b, strict=True)
    return Sketch([min(((a * x + b) & mask for x in inputs), default=mask) for a, b in pairs], not inputs)


def minhash_permutations(num_perm: int = 128, seed: int = 1) -> Permutations:
    """a and b of ``affine32-op1``: output i of SplitMix64(seed ^ "MINHASH1"), low half made odd, and high half."""
    if num_perm < 1 or not 0 <= seed <= MASK64:
        raise InputError(f"num_perm {num_perm} must be at least 1 and seed {seed} in 0 .. 2^64 - 1")
    stream = splitmix64(seed ^ MINHASH_STREAM)
    outputs = [next(stream) for _ in range(num_perm)]
    return Permutations([o & MASK32 | 1 for o in outputs], [o >> 32 for o in outputs])


def minhash(hashes: Iterable[int], num_perm: int = 128, seed: int = 1) -> Sketch:
    """MinHash ``affine32-op1`` of 64-bit shingle hashes: x = fmix32(h >> 32), value_i = min (a_i x + b_i) mod 2^32.

    Examples
    --------
    >>> minhash([0x209C9FCCCFFB55B1], num_perm=2).values
    [2053527662, 2615243775]
    """
    return _minima([fmix32(h >> 32) for h in hashes], minhash_permutations(num_perm, seed), MASK32)


def datasketch_affine32(hashes32: Iterable[int], a: Sequence[int], b: Sequence[int]) -> Sketch:
    """The scheme ``affine32`` of datasketch 2 over 32-bit hashes (SHA-1 by default); a and b come from its RNG."""
    return _minima([fmix32(h) for h in hashes32], Permutations(list(a), list(b)), MASK32)


def datasketch_affine64(hashes64: Iterable[int], a: Sequence[int], b: Sequence[int]) -> Sketch:
    """The scheme ``affine64`` of datasketch 2 over 64-bit hashes."""
    return _minima([fmix64(h) for h in hashes64], Permutations(list(a), list(b)), MASK64)


def datasketch_legacy(hashes32: Iterable[int], a: Sequence[int], b: Sequence[int]) -> Sketch:
    """The scheme of datasketch 1: ((a h + b) mod 2^64) mod (2^61 - 1), low 32 bits. The wrap at 2^64 is theirs."""
    inputs = list(hashes32)

    def smallest(a_i: int, b_i: int) -> int:
        return min((((a_i * h + b_i) & MASK64) % MERSENNE_61 & MASK32 for h in inputs), default=MASK32)

    return Sketch([smallest(a_i, b_i) for a_i, b_i in zip(a, b, strict=True)], not inputs)


def minhash_union(first: Sketch, second: Sketch) -> Sketch:
    """The sketch of the union of two sets: elementwise minimum. Holds for every MinHash scheme here, ``oph`` too."""
    values = [min(x, y) for x, y in zip(first.values, second.values, strict=True)]
    return Sketch(values, first.empty and second.empty)


def minhash_jaccard(first: Sketch, second: Sketch) -> float:
    """Estimate of Jaccard: the share of equal values. NaN for two empty sets, 0 for an empty one and another."""
    if first.empty or second.empty:
        return float("nan") if first.empty and second.empty else 0.0
    return sum(x == y for x, y in zip(first.values, second.values, strict=True)) / len(first.values)


# -- MinHash by one permutation (Li, Owen & Zhang 2012)


def oph(hashes: Iterable[int], num_perm: int = 128, seed: int = 1) -> Sketch:
    """One-permutation MinHash, not densified: the high half of a hash picks a bin, the low half is the value.

    An empty bin holds 2^32 - 1; a value of 2^32 - 1 is stored as 2^32 - 2.
    """
    values = [EMPTY_BIN] * num_perm
    empty = True
    for h in (remix(h, seed) for h in hashes):
        place = (h >> 32) * num_perm >> 32
        values[place] = min(values[place], h & MASK32, EMPTY_BIN - 1)
        empty = False
    return Sketch(values, empty)


def oph_jaccard(first: Sketch, second: Sketch) -> float:
    """Estimate of Jaccard: equal non-empty bins / bins that are not empty in both."""
    used = [(x, y) for x, y in zip(first.values, second.values, strict=True) if min(x, y) != EMPTY_BIN]
    return sum(x == y for x, y in used) / len(used) if used else float("nan")


def oph_densify(sketch: Sketch) -> list[int]:
    """Values with every empty bin filled (optimal densification, Shrivastava 2017), to form LSH bands only.

    The empty bin i takes the value of the first non-empty one of the bins ((fin(i 2^32 + j) >> 32) k) >> 32,
    j = 1, 2, ... An empty sketch stays as it is.
    """
    k = len(sketch.values)
    out = list(sketch.values)
    if sketch.empty:
        return out
    for i in range(k):
        j = 0
        while out[i] == EMPTY_BIN:
            j += 1
            out[i] = sketch.values[(fin(i << 32 | j) >> 32) * k >> 32]
    return out


# -- SimHash (Charikar 2002)


def simhash(hashes: Sequence[int], weights: Sequence[int], bits: int = 64, seed: int = 1) -> Sketch:
    """SimHash of weighted shingles, as one or two 64-bit words.

    Bit j is 1 when the weights of the shingles whose hash has bit j outweigh the others; a tie gives 0. ``weights``
    are occurrence counts, or the user's integers (fixed point, any sign). The second word uses fin(h ^ KP).
    """
    if bits not in (64, 128):
        raise InputError(f"bits is {bits}: give 64 or 128")
    mixed = [remix(h, seed) for h in hashes]
    words = [mixed] if bits == 64 else [mixed, [fin(h ^ KP) for h in mixed]]
    values = []
    for word in words:
        weighted = list(zip(word, weights, strict=True))
        sums = [sum(w if h >> j & 1 else -w for h, w in weighted) for j in range(64)]
        values.append(sum((total > 0) << j for j, total in enumerate(sums)))
    return Sketch(values, not hashes)


def hamming(first: Sequence[int], second: Sequence[int]) -> int:
    """Number of bits in which two SimHash rows differ."""
    return sum((x ^ y).bit_count() for x, y in zip(first, second, strict=True))


# -- FracMinHash (Irber et al. 2022; Hera, Pierce-Ward & Koslicki 2023)


def fracminhash(hashes: Iterable[int], scaled: int = 1, seed: int = 1) -> list[int]:
    """The hashes h that are kept, sorted: rotl(remix(h), 32) < floor(2^64 / scaled); scaled=1 keeps all."""
    if not 1 <= scaled <= MASK64:
        raise InputError(f"scaled is {scaled}: give an integer of at least 1")
    return sorted({h for h in hashes if rotl(remix(h, seed), 32) < (1 << 64) // scaled})


def power(x: float, n: int) -> float:
    """x^n by squaring, from the lowest bit of n up: only products, so the same bits on every platform."""
    result = 1.0
    while n:
        if n & 1:
            result *= x
        x *= x
        n >>= 1
    return result


def fracminhash_containment(kept_a: Iterable[int], kept_b: Iterable[int]) -> float:
    """Estimate of containment, |kept A & kept B| / |kept A|, and NaN where nothing of A was kept.

    Given how many hashes of A were kept, which ones is uniform: over the rows that have a value, this is unbiased.
    """
    a, b = set(kept_a), set(kept_b)
    return len(a & b) / len(a) if a else float("nan")


def fracminhash_containment_debiased(
    kept_a: Iterable[int], kept_b: Iterable[int], *, scaled: int, size_a: int
) -> float:
    """Estimate of containment unbiased over *all* rows (Hera et al. 2023).

    |kept A & kept B| / |kept A|, or 0 where nothing was kept of a non-empty A, divided by the probability
    1 - (1 - 1/scaled)^size_a that something is kept. It is not cut at 1, which would bias it; NaN where A is empty.

    Parameters
    ----------
    kept_a, kept_b
        Hashes kept of A and B.
    scaled
        As in `fracminhash`.
    size_a
        Number of distinct hashes of A, before the selection.
    """
    if size_a == 0:
        return float("nan")
    a, b = set(kept_a), set(kept_b)
    share = len(a & b) / len(a) if a else 0.0
    return share / (1.0 - power(1.0 - 1.0 / scaled, size_a))

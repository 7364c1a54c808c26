"""Tokens to sets of 64-bit shingle hashes by ``op1``: docs/spec/hash.md is the specification."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from typing import NamedTuple, TypeVar

from ..errors import InputError
from .text import Token, tokenize, user_tokens

T = TypeVar("T")

MASK64 = (1 << 64) - 1
K2 = 0xD6E8FEB86659FD93
KP = 0x9FB21C651E98DF25
MAX_N = 255


class ShingleSet(NamedTuple):
    """The shingles of one text.

    ``hashes`` are sorted and unique, ``counts[i]`` is how often ``hashes[i]`` occurs, ``short`` says that the text
    has fewer tokens than the smallest n (then its one shingle is the whole text), ``tokens`` is its length.
    """

    hashes: list[int]
    counts: list[int]
    short: bool
    tokens: int


def rotl(x: int, r: int) -> int:
    """Rotate 64 bits left."""
    return (x << r | x >> (64 - r)) & MASK64


def splitmix64(seed: int) -> Iterator[int]:
    """The outputs of SplitMix64 from a state (Steele, Lea & Flood 2014)."""
    state = seed
    while True:
        state = (state + 0x9E3779B97F4A7C15) & MASK64
        z = state
        z = ((z ^ z >> 30) * 0xBF58476D1CE4E5B9) & MASK64
        z = ((z ^ z >> 27) * 0x94D049BB133111EB) & MASK64
        yield z ^ z >> 31


@cache
def seed_words(seed: int) -> tuple[int, int, int, int]:
    """s0, s1, s2, s3 of a seed."""
    if not 0 <= seed <= MASK64:
        raise InputError(f"seed {seed} is outside 0 .. 2^64 - 1")
    out = splitmix64(seed)
    return next(out), next(out), next(out), next(out)


def mum(a: int, b: int) -> int:
    """Mix two words by their 128-bit product."""
    product = a * b
    return ((product ^ product >> 64) + b + rotl(a, 29)) & MASK64


def fin(x: int) -> int:
    """The finaliser, a bijection of 64 bits."""
    x ^= x >> 32
    x = x * K2 & MASK64
    x ^= x >> 32
    x = x * K2 & MASK64
    return x ^ x >> 32


def le8(data: bytes, i: int = 0) -> int:
    """Eight bytes from i on, little-endian; zeros stand where the data ends."""
    return int.from_bytes(data[i : i + 8], "little")


def token_hash(data: bytes, seed: int = 0) -> int:
    """Hash of one token's bytes. Internal: never a shingle by itself, only as an input of `gram`."""
    s0, s1, s2, _ = seed_words(seed)
    length, i, h = len(data), 0, 0
    if length > 16:
        h = s2
        while length - i > 16:
            h = mum(le8(data, i) ^ s0 ^ h, le8(data, i + 8) ^ s1)
            i += 16
    return mum(le8(data, i) ^ s0 ^ h, le8(data, i + 8) ^ s1 ^ length)


def gram(words: Sequence[int], seed: int = 0, *, short: bool = False) -> int:
    """Hash of consecutive token hashes: a polynomial in KP, then `fin`. A whole short text gets an even tag."""
    polynomial = 0
    for word in words:
        polynomial = (polynomial * KP + word) & MASK64
    return fin((polynomial + seed_words(seed)[3] * (2 * len(words) + (not short))) & MASK64)


def window(data: bytes, n: int, seed: int = 0, *, short: bool = False) -> int:
    """Hash of a window of n bytes or n code points, given as UTF-8 bytes."""
    mixed = le8(data) * KP if len(data) <= 8 else token_hash(data, seed)
    return fin((mixed + seed_words(seed)[3] * (2 * n + (not short))) & MASK64)


def token_bytes(token: Token) -> bytes:
    """What is hashed of a token: UTF-8, the byte itself, or an id as 8 bytes little-endian."""
    if isinstance(token.value, str):
        return token.value.encode("utf-8")
    return token.value if isinstance(token.value, bytes) else token.value.to_bytes(8, "little")


def sizes(n: int | Iterable[int]) -> tuple[int, ...]:
    """The n-gram sizes, sorted, each once: one or several of 1 .. 255."""
    given = {n} if isinstance(n, int) else set(n)
    if not given or not all(1 <= size <= MAX_N for size in given):
        raise InputError(f"n is {n!r}: give one or several sizes of 1 to {MAX_N}")
    return tuple(sorted(given))


def windows(tokens: Sequence[T], n: int | Iterable[int]) -> list[tuple[T, ...]]:
    """All n-grams of each size; of a text with fewer tokens than the smallest size, the whole text once.

    An n-gram is whole-text short exactly when it has fewer tokens than the smallest size.
    """
    ns = sizes(n)
    if 0 < len(tokens) < ns[0]:
        return [tuple(tokens)]
    return [tuple(tokens[i : i + size]) for size in ns for i in range(len(tokens) - size + 1)]


def shingle_tokens(
    tokens: Sequence[Token], n: int | Iterable[int] = 5, *, contiguous: bool, seed: int = 0
) -> ShingleSet:
    """The shingle set of tokens; ``contiguous`` joins the bytes of a window (char, byte) instead of mixing tokens."""
    data = [token_bytes(token) for token in tokens]
    short = 0 < len(tokens) < sizes(n)[0]
    found: Counter[int] = Counter()
    if contiguous:
        found.update(window(b"".join(w), len(w), seed, short=short) for w in windows(data, n))
    else:
        hashed = [token_hash(d, seed) for d in data]
        found.update(gram(w, seed, short=short) for w in windows(hashed, n))
    order = sorted(found)
    return ShingleSet(order, [found[h] for h in order], short, len(tokens))


def shingle(
    source: str | Iterable[int | str],
    n: int | Iterable[int] = 5,
    *,
    analyzer: str | Callable[[str], Iterable[str]] = "word",
    normalization: str = "nfkc_casefold",
    seed: int = 0,
    lists: str = "keep",
) -> ShingleSet:
    """The shingle set of one text (or, with ``analyzer="tokens"``, of the user's ids or strings).

    ``lists="both"`` adds the shingles of the text without its list markers; flags and token count are the text's own.
    Cost O(tokens x sizes x n). Two different n-grams share a hash with probability about 2^-64.

    Examples
    --------
    >>> [f"{h:016x}" for h in shingle("The quick brown fox jumps").hashes]
    ['209c9fcccffb55b1']
    >>> shingle("The quick brown").short
    True
    """
    if analyzer == "tokens":
        if isinstance(source, str):
            raise InputError("analyzer 'tokens' takes a sequence of ids or strings, not a text")
        return shingle_tokens(user_tokens(source), n, contiguous=False, seed=seed)
    if not isinstance(source, str):
        raise InputError(f"analyzer {analyzer!r} takes a text, not {type(source).__name__}")
    if callable(analyzer):
        return shingle_tokens(user_tokens(analyzer(source)), n, contiguous=False, seed=seed)
    contiguous = analyzer in ("char", "byte")
    whole = shingle_tokens(tokenize(source, analyzer, normalization), n, contiguous=contiguous, seed=seed)
    plain = without_markers(source)
    if lists == "keep" or plain == source:
        return whole
    added = shingle_tokens(tokenize(plain, analyzer, normalization), n, contiguous=contiguous, seed=seed)
    found = Counter(dict(zip(whole.hashes, whole.counts, strict=True)))
    found.update(dict(zip(added.hashes, added.counts, strict=True)))
    order = sorted(found)
    return ShingleSet(order, [found[h] for h in order], whole.short, whole.tokens)


MARKER = re.compile(r"(?<![^ \t\n\r])[0-9]{1,3}[.)](?![^ \t\n\r])")


def without_markers(source: str) -> str:
    """The text with its list markers written over by spaces: one to three digits and ``.`` or ``)``, standing apart.

    Examples
    --------
    >>> without_markers("1. One\\n2) Two, 3.14")
    '   One\\n   Two, 3.14'
    """
    return MARKER.sub(lambda found: " " * len(found.group()), source)

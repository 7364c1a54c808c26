"""The shingle hash beside a random function, in little: ``make accuracy`` does it on 10^7 n-grams of each kind."""

import math

import numpy as np
import overproof as op
import pytest
from overproof import reference as ref
from overproof import simulate

MASK = 2**64 - 1
WIDTHS = (1, 2, 5, 8, 13)


def bits_of(hashes):
    return np.unpackbits(np.ascontiguousarray(hashes)[..., None].view(np.uint8), axis=-1, bitorder="little")


def lost(balls, values):
    """Standard deviations by which more (or fewer) of `balls` values of 32 bits met than by chance; about Poisson."""
    expected = balls**2 / 2.0**33
    return (balls - len(np.unique(values.astype(np.uint32))) - expected) / math.sqrt(expected)


@pytest.mark.parametrize("n", [1, 3, 5, 8])
def test_no_two_word_ngrams_meet(n):
    """Distinct n-grams of the English of CPython, as tuples of words, against distinct hashes."""
    texts = [part for text in simulate.training_texts().values() for part in text.split("\n\n")]
    tokens = op.tokenize(texts)
    grams = set()
    for row in map(tokens.row, range(len(texts))):
        grams |= {tuple(row[i : i + n]) for i in range(len(row) - n + 1)} if len(row) >= n else {("short", *row)}
    grams -= {("short",)}
    hashes = np.unique(op.Shingler(n).transform(texts).hashes)
    assert len(hashes) == len(grams) > 3_000
    if n > 1:
        assert abs(lost(len(hashes), hashes >> np.uint64(32))) < 4
        assert abs(lost(len(hashes), hashes & np.uint64(2**32 - 1))) < 4


@pytest.mark.parametrize(("analyzer", "n"), [("tokens", 1), ("tokens", 2), ("byte", 8), ("byte", 10), ("char", 8)])
def test_counted_inputs_do_not_meet(analyzer, n):
    """Numbers in order differ in few bits and in the same places."""
    total = 1 << 17
    if analyzer == "tokens":
        ids = np.repeat(np.arange(total, dtype=np.uint64), n)
        rows = (ids, np.arange(total + 1, dtype=np.int64) * n)
    else:
        rows = [f"{i:0{n}d}" for i in range(total)]
    hashes = op.Shingler(n, analyzer=analyzer).transform(rows).hashes
    assert len(np.unique(hashes)) == total
    for half in (hashes >> np.uint64(32), hashes & np.uint64(2**32 - 1)):
        assert total - len(np.unique(half)) <= 12  # 2 by chance; more than 12 with probability 3e-7


@pytest.mark.parametrize("n", WIDTHS)
@pytest.mark.parametrize("path", ["id", "word", "byte", "char"])
def test_avalanche(path, n):
    """A flipped bit of one token flips each bit of the hash in half of 2,048 cases; 6 standard deviations are .067."""
    draw, cases, seeds = np.random.default_rng(n), 64, range(32)
    kinds = {"id": (0, 2**64, 64), "word": (97, 26, 5), "byte": (0, 128, 7), "char": (0x4000, 0x5000, 12)}
    first, span, bits = kinds[path]
    base = first + draw.integers(0, span, (cases, n), np.uint64)
    for place in sorted({0, n // 2, n - 1}):
        for bit in {0, bits // 2, bits - 1}:
            flipped = base.copy()
            flipped[:, place] ^= np.uint64(1 << bit)
            both = np.concatenate([base, flipped])
            if path == "id":
                rows, analyzer = (both.ravel(), np.arange(len(both) + 1) * n), "tokens"
            elif path == "word":
                rows = [[f"{chr(c)}word{i % cases}" for c in row] for i, row in enumerate(both.tolist())]
                analyzer = "tokens"
            else:
                rows, analyzer = ["".join(map(chr, row)) for row in both.tolist()], path
            flips = np.zeros(64)
            for seed in seeds:
                shingler = op.Shingler(n, analyzer=analyzer, normalization="none", seed=seed)
                hashes = shingler.transform(rows, threads=1).hashes
                flips += bits_of(hashes[:cases] ^ hashes[cases:]).sum(axis=0)
            assert np.abs(flips / (cases * len(seeds)) - 0.5).max() < 0.067, (place, bit)


@pytest.mark.parametrize("seeds", [(0, 1), (0, 2**63)])
def test_seeds_are_independent(seeds):
    total = 1 << 14
    rows = (np.arange(total, dtype=np.uint64), np.arange(total + 1, dtype=np.int64))
    signs = [2.0 * bits_of(op.Shingler(1, analyzer="tokens", seed=s).transform(rows).hashes) - 1 for s in seeds]
    assert np.abs(signs[0].T @ signs[1]).max() < 6 * math.sqrt(total)


FACTORS = [0, 1, MASK, *(1 << j for j in range(1, 64)), *(MASK ^ (1 << j) for j in range(64))]


@pytest.mark.parametrize("seed", [0, 1])
def test_chosen_tokens_of_16_bytes_do_not_collapse(seed):
    """Each half of a token is made a factor that does little in a product; an earlier form gave all 1,000 one value."""
    words = ref.splitmix64(seed)
    s0, s1 = next(words), next(words)
    draw = np.random.default_rng(seed)
    others = [int(v) for v in draw.integers(0, 2**64, 500, np.uint64)]
    others += [v ^ 1 << 63 for v in others]
    for factor in FACTORS:
        left = {ref.token_hash((factor ^ s0).to_bytes(8, "little") + v.to_bytes(8, "little"), seed) for v in others}
        right = {
            ref.token_hash(v.to_bytes(8, "little") + (factor ^ s1 ^ 16).to_bytes(8, "little"), seed) for v in others
        }
        assert min(len(left), len(right)) >= 500, hex(factor)


def thue_morse(length):
    return [i.bit_count() & 1 for i in range(length)]


def test_thue_morse():
    """Two tokens in the order of Thue and Morse, and exchanged: equal at 1,024, which is why n stops at 255."""
    two = [ref.token_hash(b"a"), ref.token_hash(b"b")]
    hashes = {n: [ref.gram([two[b ^ swap] for b in thue_morse(n)]) for swap in (0, 1)] for n in (128, 255, 1024)}
    assert hashes[1024][0] == hashes[1024][1]
    assert hashes[128][0] != hashes[128][1]
    assert hashes[255][0] != hashes[255][1]
    with pytest.raises(op.InputError):
        op.Shingler(256)

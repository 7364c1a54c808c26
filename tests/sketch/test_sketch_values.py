"""The core's sketches against the reference and the frozen file, bit for bit; the levels of the kernels against it."""

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import overproof as op
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from levels import levels_of, run_at
from nasty import texts
from overproof import reference as ref

GOLDEN = json.loads((Path(__file__).resolve().parents[1] / "golden" / "op1.json").read_text(encoding="ascii"))
hash_rows = st.lists(st.sets(st.one_of(st.integers(0, 2**64 - 1), st.integers(0, 3)), max_size=40), max_size=5)
seeds = st.sampled_from([0, 1, 2, 2**64 - 1])


def sets_of(rows, counts=None):
    indptr = np.cumsum([0, *map(len, rows)], dtype=np.int64)
    hashes = np.array([h for row in rows for h in sorted(row)], np.uint64)
    return op.ShingleSets.from_hashes(indptr, hashes, counts=counts)


def same(sketches, expected):
    assert np.asarray(sketches).tolist() == [row.values for row in expected]
    assert sketches.empty.tolist() == [row.empty for row in expected]


@given(hash_rows, st.sampled_from([1, 2, 7, 128, 131]), seeds)
def test_minhash_of_sets(rows, k, seed):
    sets = sets_of(rows)
    same(op.MinHash(k, seed=seed).sketch(sets), [ref.minhash(row, k, seed) for row in rows])
    same(op.MinHash(k, seed=seed, scheme="oph").sketch(sets), [ref.oph(row, k, seed) for row in rows])


@given(hash_rows, st.sampled_from([64, 128]), seeds, st.data())
def test_simhash_of_sets(rows, bits, seed, data):
    total = sum(map(len, rows))
    counts = data.draw(st.lists(st.integers(1, 5), min_size=total, max_size=total))
    weights = data.draw(st.lists(st.integers(-(2**31), 2**31 - 1), min_size=total, max_size=total))
    sets = sets_of(rows, counts)
    ends = sets.indptr.tolist()

    def expected(of):
        slices = [of[a:b] for a, b in pairwise(ends)]
        return [ref.simhash(sorted(row), w, bits, seed) for row, w in zip(rows, slices, strict=True)]

    simhash = op.SimHash(bits, seed=seed)
    same(simhash.sketch(sets), expected(counts))
    same(simhash.sketch(sets, weights=np.array(weights, np.int32)), expected(weights))


@given(hash_rows, st.sampled_from([1, 2, 3, 1000, 2**64 - 1]), seeds)
def test_fracminhash_of_sets(rows, scaled, seed):
    kept = op.FracMinHash(scaled, seed=seed).sketch(sets_of(rows))
    assert [kept[i].tolist() for i in range(len(rows))] == [ref.fracminhash(row, scaled, seed) for row in rows]
    assert kept.sizes.tolist() == [len(row) for row in rows]
    assert kept.empty.tolist() == [not row for row in rows]


@settings(max_examples=50)
@given(st.lists(texts(), max_size=4), st.sampled_from(["word", "char", "byte"]), st.sampled_from([1, 2, 5]))
def test_texts_go_to_the_sketches_of_their_sets(batch, analyzer, n):
    shingler = op.Shingler(n, analyzer=analyzer)
    shingled = [ref.shingle(text, n, analyzer=analyzer) for text in batch]
    same(op.MinHash(9, shingler=shingler).sketch(batch), [ref.minhash(s.hashes, 9) for s in shingled])
    same(op.MinHash(9, shingler=shingler, scheme="oph").sketch(batch), [ref.oph(s.hashes, 9) for s in shingled])
    same(op.SimHash(128, shingler=shingler).sketch(batch), [ref.simhash(s.hashes, s.counts, 128) for s in shingled])
    kept = op.FracMinHash(2, shingler=shingler).sketch(batch)
    assert [kept[i].tolist() for i in range(len(batch))] == [ref.fracminhash(s.hashes, 2) for s in shingled]


def split(text):
    return text.split()


def test_tokens_of_the_user_go_to_the_sketches_of_their_sets():
    rows = [["a", "b", "a", "b"], ["a"], []]
    for analyzer in ("tokens", split):
        shingler = op.Shingler(1, analyzer=analyzer)
        batch = rows if analyzer == "tokens" else [" ".join(row) for row in rows]
        shingled = [ref.shingle(row, 1, analyzer="tokens") for row in rows]
        same(op.MinHash(8, shingler=shingler).sketch(batch), [ref.minhash(s.hashes, 8) for s in shingled])
        same(op.SimHash(shingler=shingler).sketch(batch), [ref.simhash(s.hashes, s.counts) for s in shingled])


def test_the_frozen_file():
    cases = GOLDEN["cases"].values()
    batch = [case["text"] for case in cases]
    shingler = op.Shingler(1)
    found = {
        "affine32-op1 k=4 seed=1": np.asarray(op.MinHash(4, shingler=shingler).sketch(batch)),
        "oph k=4": np.asarray(op.MinHash(4, shingler=shingler, scheme="oph").sketch(batch)),
    }
    simhash = np.asarray(op.SimHash(128, shingler=shingler).sketch(batch))
    for i, case in enumerate(cases):
        frozen = case["sketches of word 1"]
        for name, values in found.items():
            assert values[i].tolist() == frozen[name]
        assert [f"{word:016x}" for word in simhash[i]] == frozen["simhash 128 by counts"]


PROGRAM = """
import hashlib, numpy as np, overproof as op
texts = ["the quick brown fox jumps over the lazy dog " * i for i in range(40)]
tokens = [text.split() for text in texts]
made = [op.MinHash(100, scheme=s, shingler=op.Shingler(2)).sketch(texts) for s in ("affine32-op1", "oph")]
made += [op.MinHash(100, scheme=f"datasketch-{s}").sketch(tokens) for s in ("affine32", "affine64", "legacy")]
made += [op.SimHash(128, shingler=op.Shingler(2)).sketch(texts)]
print(op.build_info()["kernel"], hashlib.sha256(b"".join(m.to_bytes() for m in made)).hexdigest())
"""


def test_a_forced_level_changes_no_value():
    refused = run_at("avx1024", PROGRAM)
    assert 'InputError: OVERPROOF_KERNEL="avx1024" is not a level of this machine; it has ' in refused.stderr
    levels = levels_of(refused)
    runs = [run_at(level, PROGRAM).stdout.split() for level in levels]
    assert [run[0] for run in runs] == levels
    assert {run[1] for run in runs} == {run_at(None, PROGRAM).stdout.split()[1]}


def test_a_level_that_is_none_is_refused_by_all_work():
    program = "import overproof as op; print(op.Shingler(2).transform(['a b']).hashes)"
    assert 'InputError: OVERPROOF_KERNEL="avx1024" is not a level' in run_at("avx1024", program).stderr
    assert run_at("", program).stdout == run_at(None, program).stdout != ""


@pytest.mark.parametrize("threads", [1, 2, 7])
def test_threads_change_no_bit(threads):
    batch = [f"text number {i} of some words that repeat " * (i % 50) for i in range(3000)]
    for make in (op.MinHash(32), op.MinHash(32, scheme="oph"), op.SimHash(), op.FracMinHash(3)):
        assert make.sketch(batch, threads=threads).to_bytes() == make.sketch(batch, threads=3).to_bytes()
    groups = np.arange(3000) % 17
    sketches = op.MinHash(32).sketch(batch)
    assert sketches.reduce(groups, threads=threads)[1].to_bytes() == sketches.reduce(groups)[1].to_bytes()

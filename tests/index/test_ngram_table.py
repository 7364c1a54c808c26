"""The table of n-grams against Python's sets, at every level of the machine."""

import json

import numpy as np
import overproof as op
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from levels import at_every_level

hashes = st.lists(st.one_of(st.integers(0, 2**64 - 1), st.integers(0, 20), st.just(2**64 - 1)), max_size=300)
words = st.lists(st.sampled_from("abcdef"), max_size=14).map(" ".join)
texts = st.lists(words, max_size=8)


def u64(values: list[int]) -> np.ndarray:
    return np.array(values, np.uint64)


@given(hashes, hashes)
def test_contains_is_membership_in_a_set(stored: list[int], asked: list[int]) -> None:
    table = op.NgramTable.from_hashes(u64(stored))
    assert len(table) == len(set(stored))
    assert table.contains(u64(asked)).tolist() == [h in set(stored) for h in asked]
    assert table.contains(u64(stored)).all()


@given(texts, texts, st.integers(1, 3), st.sampled_from(["word", "char", "byte"]))
def test_coverage_is_containment_in_the_union(corpus: list[str], asked: list[str], n: int, analyzer: str) -> None:
    def of(text: str) -> set[int]:
        return set(op.reference.shingle(text, n=n, analyzer=analyzer).hashes)

    shingler = op.Shingler(n, analyzer=analyzer)
    union = set().union(*map(of, corpus))
    want = np.array([op.reference.containment(of(text), union) for text in asked], np.float64)
    table = op.NgramTable(corpus, shingler=shingler)
    assert len(table) == len(union)
    assert np.array_equal(table.coverage(asked), want, equal_nan=True)
    assert np.array_equal(table.coverage(shingler.transform(asked)), want, equal_nan=True)
    of_sets = op.NgramTable(shingler.transform(corpus))
    assert np.array_equal(of_sets.coverage(asked), want, equal_nan=True)
    assert of_sets.fingerprint == table.fingerprint == shingler.fingerprint


def test_a_long_text_and_many_texts() -> None:
    rng = np.random.default_rng(0)
    corpus = [" ".join(map(str, rng.integers(0, 3000, 20_000))) for _ in range(30)]
    shingler = op.Shingler(2)
    sets = shingler.transform(corpus)
    table = op.NgramTable(corpus[:20], shingler=shingler)
    union = np.unique(sets[:20].hashes)
    assert len(table) == len(union)
    assert table.nbytes < 13 * len(union) + 64 * 9
    want = [np.isin(sets[i], union).mean() for i in range(30)]
    assert table.coverage(corpus).tolist() == want
    assert min(want[:20]) == 1 > max(want[20:])


def test_rows_without_ngrams() -> None:
    table = op.NgramTable(["a b", "", None], missing="keep", shingler=op.Shingler(2))
    assert len(table) == 1
    assert np.isnan(table.coverage(["", None, " ... "], missing="keep")).all()
    assert np.isnan(op.NgramTable([]).coverage([""])).all()
    assert op.NgramTable([]).coverage(["a"]).tolist() == [0.0]
    assert op.NgramTable([]).coverage([]).shape == (0,)
    assert op.NgramTable([]).contains([]).dtype == np.bool_


def test_every_kind_of_rows() -> None:
    rows = ["to be or not to be that is", "to be or not to sleep"]
    table = op.NgramTable(pa.array(rows[:1]), shingler=op.Shingler(3))
    want = table.coverage(rows)
    assert want.tolist() == [1.0, 0.75]
    for same in (tuple(rows), np.array(rows), op.Corpus(rows), pa.chunked_array([rows[:1], rows[1:]])):
        assert table.coverage(same).tolist() == want.tolist()
    tokens = [row.split() for row in rows]
    own = op.NgramTable(tokens[:1], shingler=op.Shingler(3, analyzer="tokens"))
    assert own.coverage(tokens).tolist() == want.tolist()
    lists = op.NgramTable(["1. a b c d e"], shingler=op.Shingler(5, lists="both"))
    assert lists.coverage(["a b c d e", "2. a b c d e"]).tolist() == [1.0, 0.5]


def letters(text: str) -> list[str]:
    return list(text)


def test_what_was_made_in_another_way_is_refused() -> None:
    texts = ["a b c", "b c d"]
    two, three = op.Shingler(2), op.Shingler(3)
    table = op.NgramTable(texts, shingler=two)
    with pytest.raises(op.IncompatibleError, match=r"n=3.*\n.*n=2"):
        table.coverage(three.transform(texts))
    with pytest.raises(op.IncompatibleError, match="names the shingler"):
        op.NgramTable(three.transform(texts), shingler=two)
    brought = op.NgramTable.from_hashes([1, 2])
    assert brought.params is None
    with pytest.raises(op.InputError, match="of your hashes"):
        brought.coverage(texts)
    with pytest.raises(op.IncompatibleError, match="user hashes"):
        brought.coverage(two.transform(texts))
    assert brought.coverage(op.ShingleSets.from_hashes([0, 2], [2, 3])).tolist() == [0.5]
    named = op.Shingler(1, analyzer=letters)
    with pytest.raises(op.InputError, match="name the shingler when"):
        op.NgramTable(named.transform(["ab"])).coverage(["ab"])
    assert op.NgramTable(named.transform(["ab"]), shingler=named).coverage(["abc"]).tolist() == [2 / 3]
    again = op.NgramTable.from_hashes(two.transform(texts).hashes, shingler=two)
    assert again.coverage(texts).tolist() == [1.0, 1.0]
    for wrong in ([-1], [0.5], np.zeros((2, 2), np.uint64)):
        with pytest.raises(op.InputError, match="hashes"):
            table.contains(wrong)
    with pytest.raises(op.InputError, match="row 0 is null"):
        table.coverage([None])
    with pytest.raises(op.InputError, match="shingler is of type int"):
        op.NgramTable(texts, shingler=5)  # type: ignore[arg-type]


LEVELS = """
import json, numpy as np, overproof as op
rng = np.random.default_rng(1)
stored = rng.integers(0, 2**64, 50_000, np.uint64)
asked = np.concatenate([stored[::3], rng.integers(0, 2**64, 5000, np.uint64), np.arange(9, dtype=np.uint64)])
table = op.NgramTable.from_hashes(stored)
texts = [" ".join(map(str, row)) for row in rng.integers(0, 40, (200, 60)).tolist()]
shares = op.NgramTable(texts[:50], shingler=op.Shingler(2)).coverage(texts)
print(json.dumps([np.packbits(table.contains(asked)).tolist(), shares.tolist()]))
"""


def test_every_level_gives_the_same() -> None:
    runs = [json.loads(printed) for printed in at_every_level(LEVELS)]
    assert runs
    assert all(run == runs[0] for run in runs)

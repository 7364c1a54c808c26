"""Shared n-grams of two texts, held to the reference."""

import math

import overproof as op
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nasty import texts
from overproof import reference as ref

few = st.lists(st.sampled_from(["a", "b", "c", "が"]), max_size=24).map(" ".join)


@given(st.one_of(few, texts()), st.one_of(few, texts()), st.one_of(st.none(), few, texts(4)), st.integers(1, 6))
def test_is_the_reference(a: str, b: str, mask: str | None, n: int) -> None:
    got = op.ngram_match([a], [b], n=n, masks=[mask])
    hidden = () if mask is None else [g for g in ref.ngrams(ref.tokenize(mask), n) if len(g) == n]
    want = ref.ngram_match(ref.tokenize(a), ref.tokenize(b), n, masked=hidden)
    assert (got.ngrams[0], got.longest_run[0]) == (want.ngrams, want.longest_run)
    pairs = [
        (got.containment_of_a[0], want.containment_of_suspect),
        (got.containment_of_b[0], want.containment_of_served),
        (got.coverage_of_a[0], want.coverage),
    ]
    assert all(x == y or (math.isnan(x) and math.isnan(y)) for x, y in pairs)


def test_missing_texts_count_nothing() -> None:
    got = op.ngram_match(["a b c", None], [None, "a b c"], n=2, missing="keep")
    assert got.ngrams.tolist() == [0, 0]
    assert all(math.isnan(x) for x in got.containment_of_a)


def test_threads_and_order_change_nothing() -> None:
    rows = [f"the {i} quick brown fox {i * i} jumps over the lazy dog {i}" * 40 for i in range(300)]
    one = op.ngram_match(rows, rows[::-1], threads=1)
    two = op.ngram_match(rows, rows[::-1], threads=2)
    assert all((x == y).all() for x, y in zip(one, two, strict=True))


@pytest.mark.parametrize(
    ("options", "words"),
    [({"n": 0}, "n=0"), ({"masks": ["a", "b"]}, "2 rows"), ({"analyzer": "tokens"}, "word, char or byte")],
)
def test_bad_input(options: dict[str, object], words: str) -> None:
    with pytest.raises(op.InputError, match=words):
        op.ngram_match(["a"], ["b"], **options)  # type: ignore[arg-type]

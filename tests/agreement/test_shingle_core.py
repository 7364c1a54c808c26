"""The core against the reference: normalised text, tokens, offsets, shingle hashes, bit for bit."""

import numpy as np
import overproof as op
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nasty import NORMALIZATIONS, texts
from overproof import reference as ref
from overproof.reference.shingle import token_bytes

ANALYZERS = ["word", "char", "byte"]


@given(texts(), st.sampled_from(NORMALIZATIONS))
def test_normalized_text(text: str, normalization: str) -> None:
    assert op.normalize([text], normalization) == [ref.normalize(text, normalization)[0]]


@given(texts(), st.sampled_from(NORMALIZATIONS), st.sampled_from(ANALYZERS))
def test_tokens_and_offsets(text: str, normalization: str, analyzer: str) -> None:
    got = op.tokenize([text], analyzer=analyzer, normalization=normalization)
    want = ref.tokenize(text, analyzer, normalization)
    assert got.row(0) == [token_bytes(t) for t in want]
    assert got.start.tolist() == [t.start for t in want]
    assert got.end.tolist() == [t.end for t in want]
    assert got.single.tolist() == [t.single for t in want]


@given(
    st.lists(texts(), max_size=4),
    st.sampled_from(NORMALIZATIONS),
    st.sampled_from(ANALYZERS),
    st.lists(st.integers(1, 20), min_size=1, max_size=3),
    st.integers(0, 2**64 - 1),
    st.sampled_from(["keep", "both"]),
)
def test_shingle_sets(  # noqa: PLR0917
    batch: list[str], normalization: str, analyzer: str, n: list[int], seed: int, lists: str
) -> None:
    shingler = op.Shingler(n, analyzer=analyzer, normalization=normalization, seed=seed, lists=lists)
    sets = shingler.transform(batch, counts=True)
    assert sets.counts is not None
    for row, text in enumerate(batch):
        want = ref.shingle(text, n, analyzer=analyzer, normalization=normalization, seed=seed, lists=lists)
        assert sets[row].tolist() == want.hashes
        at = slice(sets.indptr[row], sets.indptr[row + 1])
        assert sets.counts[at].tolist() == want.counts
        assert sets.short[row] == want.short
    assert np.array_equal(sets.hashes, shingler.transform(batch, threads=2).hashes)


@given(st.lists(st.lists(st.integers(0, 2**64 - 1), max_size=12), max_size=4), st.integers(1, 6))
def test_users_ids(rows: list[list[int]], n: int) -> None:
    sets = op.Shingler(n, analyzer="tokens").transform(rows)
    assert [sets[i].tolist() for i in range(len(rows))] == [ref.shingle(r, n, analyzer="tokens").hashes for r in rows]


@given(st.lists(st.lists(texts(2), max_size=12), max_size=4), st.integers(1, 6))
def test_users_strings(rows: list[list[str]], n: int) -> None:
    sets = op.Shingler(n, analyzer="tokens").transform(rows)
    assert [sets[i].tolist() for i in range(len(rows))] == [ref.shingle(r, n, analyzer="tokens").hashes for r in rows]


@pytest.mark.parametrize("repeat", [1, 500])
def test_long_texts(repeat: int) -> None:
    """A text far beyond a block, with a script change in it."""
    text = ("the quick brown fox " * 40 + "が漢字 e\u0301 ") * repeat
    got = op.Shingler([3, 5]).transform([text])[0].tolist()
    if repeat == 1:
        assert got == ref.shingle(text, [3, 5]).hashes
    else:
        assert set(op.Shingler([3, 5]).transform([text[: len(text) // repeat]])[0].tolist()) <= set(got)


@given(
    st.lists(
        st.sampled_from(
            ["1.", "22)", "333. ", "4444.", "5.x", " ", "\n", "\t", "\r", "word", "(6)", ".", "\u00a0", "7"]
        )
    )
)
def test_list_markers(pieces: list[str]) -> None:
    text = "".join(pieces)
    for n in (1, 3):
        want = ref.shingle(text, n, lists="both")
        sets = op.Shingler(n, lists="both").transform([text], counts=True)
        assert (sets[0].tolist(), sets.counts.tolist(), bool(sets.short[0])) == (want.hashes, want.counts, want.short)

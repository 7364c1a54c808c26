"""Common spans against the reference, on nasty text and on tiny alphabets; offsets; masks; the result's faces."""

import logging
import pickle

import numpy as np
import overproof as op
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nasty import NORMALIZATIONS, texts
from overproof import reference as ref

COLUMNS = [
    "row", "left_start", "left_end", "right_start", "right_end",
    "left_start_char", "left_end_char", "right_start_char", "right_end_char", "tokens",
]  # fmt: skip
tiny = st.lists(st.sampled_from(["a", "b", "漢", "c."]), max_size=30).map(" ".join)


def expected(pairs, min_tokens, *, masks=None, mask_n=5, analyzer="word", normalization="nfkc_casefold"):
    """The columns by the reference."""
    rows = []
    for row, (left, right) in enumerate(pairs):
        a, b = (ref.tokenize(text, analyzer, normalization) for text in (left, right))
        mask = ref.tokenize(masks[row], analyzer, normalization) if masks else []
        hidden = [ref.ngrams(mask, mask_n) if len(mask) >= mask_n else []][0]
        inside = [
            {
                i + k
                for i in range(len(tokens) - mask_n + 1)
                for k in range(mask_n)
                if tuple(t.value for t in tokens[i : i + mask_n]) in hidden
            }
            for tokens in (a, b)
        ]
        for span in ref.common_spans(a, b, min_tokens, masked_a=inside[0], masked_b=inside[1]):
            at_left = ref.byte_range(a, span.a_start, span.a_end)
            at_right = ref.byte_range(b, span.b_start, span.b_end)
            chars = (*ref.codepoint_offsets(left, at_left), *ref.codepoint_offsets(right, at_right))
            rows.append((row, *at_left, *at_right, *chars, span.a_end - span.a_start))
    return rows


def found(spans):
    return list(zip(*(getattr(spans, name).tolist() for name in COLUMNS), strict=True))


@settings(max_examples=300)
@given(
    st.lists(st.tuples(tiny, tiny, tiny), max_size=4),
    st.integers(1, 5),
    st.integers(1, 3),
    st.sampled_from(["word", "char", "byte"]),
)
def test_spans_equal_the_reference_on_tiny_alphabets(triples, min_tokens, mask_n, analyzer):
    left, right, masks = ([triple[side] for triple in triples] for side in range(3))
    pairs = list(zip(left, right, strict=True))
    spans = op.common_spans(left, right, min_tokens=min_tokens, analyzer=analyzer)
    assert found(spans) == expected(pairs, min_tokens, analyzer=analyzer)
    spans = op.common_spans(left, right, min_tokens=min_tokens, masks=masks, mask_n=mask_n, analyzer=analyzer)
    assert found(spans) == expected(pairs, min_tokens, masks=masks, mask_n=mask_n, analyzer=analyzer)


@given(texts(6), texts(4), texts(4), st.sampled_from(NORMALIZATIONS), st.sampled_from(["word", "char", "byte"]))
def test_spans_equal_the_reference_on_nasty_text(shared, x, y, normalization, analyzer):
    left, right = x + shared + y, y + shared + x
    spans = op.common_spans([left], [right], min_tokens=2, analyzer=analyzer, normalization=normalization)
    assert found(spans) == expected([(left, right)], 2, analyzer=analyzer, normalization=normalization)
    for _, ls, le, rs, re, lsc, lec, rsc, rec, tokens in found(spans):
        assert left.encode()[ls:le].decode() == left[lsc:lec]
        assert right.encode()[rs:re].decode() == right[rsc:rec]
        if analyzer == "word":
            assert len(ref.tokenize(left[lsc:lec], "word", normalization)) >= tokens
    assert found(op.common_spans([left], [right], min_tokens=2, analyzer=analyzer, normalization=normalization,
                                 threads=2)) == found(spans)  # fmt: skip


def test_a_span_reads_the_same_on_both_sides():
    left = "Prelude. The quick brown fox jumps over the lazy dog; then e\u0301cole and Straße. 東京都に行く。"
    right = "Other words: THE QUICK BROWN FOX JUMPS over the lazy dog, then École and STRASSE: 東京都に行く!"
    spans = op.common_spans([left], [right], min_tokens=10)
    (start,), (end,) = spans.left_start_char, spans.left_end_char
    assert left[start:end] == left[9:-1]
    assert right.encode()[spans.right_start[0] : spans.right_end[0]].decode() == right[13:-1]
    assert spans.tokens.tolist() == [19]


def test_single_characters_count_half():
    text = "東京都に行く今日"
    assert len(op.common_spans([text], [text], min_tokens=4)) == 1
    assert len(op.common_spans([text], [text], min_tokens=5)) == 0


def test_prompt_words_are_masked_on_both_sides():
    prompt = ["write a haiku about the old silent pond", None]
    answer = ["sure: a haiku about the old silent pond follows, a frog jumps in", "a frog jumps in"]
    spans = op.common_spans(answer, answer, min_tokens=3, masks=prompt)
    words = [answer[r][s:e] for r, s, e in zip(spans.row, spans.left_start_char, spans.left_end_char, strict=True)]
    assert words == ["follows, a frog jumps in", "a frog jumps in"]


def test_many_pairs_keep_their_order_whatever_the_threads():
    rng = np.random.default_rng(3)
    words = np.array(["alpha", "beta", "gamma", "delta"])
    left = [" ".join(rng.choice(words, 60)) for _ in range(400)]
    right = left[1:] + left[:1]
    one = op.common_spans(left, right, min_tokens=4, threads=1)
    two = op.common_spans(left, right, min_tokens=4, threads=2)
    assert found(one) == found(two)
    assert len(one) > 400
    assert (np.diff(one.row) >= 0).all()
    assert found(one)[:20] == expected(zip(left[:20], right[:20], strict=True), 4)[:20]


def test_long_repetitive_texts_take_linear_time():
    text = "la " * 200_000
    spans = op.common_spans([text + "x"], [text + "y"], min_tokens=20)
    assert spans.tokens.tolist() == [200_000]


def test_columns_leave_as_arrays_and_as_arrow():
    spans = op.common_spans(["a b c d", "x"], ["b c d", "x"], min_tokens=1)
    assert len(spans) == 2
    for name in COLUMNS:
        column = getattr(spans, name)
        assert column.dtype == (np.int32 if name == "tokens" else np.int64)
        assert not column.flags.writeable
    table = pa.table(spans)
    assert table.column_names == [*COLUMNS[:-1], "tokens"]
    assert table.to_pydict() == {name: getattr(spans, name).tolist() for name in COLUMNS}
    assert not any(field.nullable for field in table.schema)
    again = pickle.loads(pickle.dumps(spans))
    assert found(again) == found(spans)
    assert (again.params, again.fingerprint) == (spans.params, spans.fingerprint)
    assert "min_tokens=1" in spans.params
    none = op.common_spans([], [], min_tokens=1)
    assert len(none) == 0
    assert pa.table(none).num_rows == 0


def test_missing_texts_have_no_spans():
    spans = op.common_spans(["a b", None, "a b"], ["a b", "a b", None], min_tokens=1, missing="keep")
    assert spans.row.tolist() == [0]
    with pytest.raises(op.InputError, match="a_texts: row 0 is null"):
        op.common_spans([None], ["a"])


def test_lone_surrogates_are_counted(caplog):
    with caplog.at_level(logging.WARNING, logger="overproof"):
        spans = op.common_spans(["\ud800 a b"], ["a b"], min_tokens=2, errors="replace")
    assert "lone surrogates in 1 of the texts became U+FFFD" in caplog.text
    assert (spans.left_start_char[0], spans.left_start[0]) == (2, 4)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"b_texts": ["a", "b"]}, "a has 1 rows and b has 2"),
        ({"masks": []}, "masks has 0 rows and a has 1"),
        ({"min_tokens": 0}, "min_tokens=0"),
        ({"min_tokens": -1}, "min_tokens=-1"),
        ({"mask_n": 0}, "mask_n=0"),
        ({"analyzer": "tokens"}, "give word, char or byte"),
        ({"normalization": "nfd"}, 'normalization="nfd" is unknown'),
        ({"a_texts": "a"}, "a_texts is one str"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises(op.InputError, match=message):
        op.common_spans(**{"a_texts": ["a"], "b_texts": ["a"], **arguments})

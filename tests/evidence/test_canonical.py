"""One spelling of JSON: the number rules of ECMAScript, the order of keys, and that reading gives the value back."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from overproof.errors import InputError
from overproof.evidence.canonical import canonical, digest

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(-(2.0**53), 2.0**53) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (-0.0, "0"),
        (1.0, "1"),
        (-1.5, "-1.5"),
        (5e-324, "5e-324"),
        (1.7976931348623157e308, "1.7976931348623157e+308"),
        (9007199254740992.0, "9007199254740992"),
        (1e20, "100000000000000000000"),
        (1e21, "1e+21"),
        (123456789012345680000.0, "123456789012345680000"),
        (1e-6, "0.000001"),
        (1e-7, "1e-7"),
        (0.1, "0.1"),
        (333333333.33333329, "333333333.3333333"),
        (1.5e300, "1.5e+300"),
    ],
)
def test_numbers_are_those_of_ecmascript(value: float, text: str) -> None:
    assert canonical(value).decode() == text


def test_keys_go_by_utf16() -> None:
    # U+1F600 is written by surrogates, which come before U+FB33.
    assert canonical({"\ufb33": 1, "\U0001f600": 2, "a": 3, "": 4}).decode() == '{"":4,"a":3,"\U0001f600":2,"\ufb33":1}'


def test_strings_are_escaped_where_they_must_be() -> None:
    assert canonical('\u20ac$\x0f\nA\'B"\\"/') == '"\u20ac$\\u000f\\nA\'B\\"\\\\\\"/"'.encode()


@given(JSON)
def test_reading_gives_the_value_back(value: object) -> None:
    text = canonical(value)
    assert canonical(json.loads(text)) == text
    assert json.loads(text) == value


@pytest.mark.parametrize("value", [math.nan, math.inf, 2**53 + 1, "\ud800", {1: 2}, {2}, b"x"])
def test_what_has_no_spelling_is_refused(value: object) -> None:
    with pytest.raises(InputError):
        canonical(value)


def test_a_digest_does_not_depend_on_the_order_of_keys() -> None:
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})

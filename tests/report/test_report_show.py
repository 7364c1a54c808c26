"""Values as words: nothing invisible, nothing rounded to a lie."""

from __future__ import annotations

import math

import pytest
from overproof.report import show


@pytest.mark.parametrize(
    ("share", "words"),
    [
        (0.0, "0%"),
        (1.0, "100%"),
        (0.212, "21.2%"),
        (0.5, "50.0%"),
        (1e-9, "0.00000010%"),
        (1 - 2e-7, "99.999980%"),
        (None, "–"),
        (math.nan, "–"),
    ],
)
def test_percent_keeps_apart_from_none_and_all(share: float | None, words: str) -> None:
    assert show.percent(share) == words


def test_every_hiding_character_is_named() -> None:
    bidi = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c"
    controls = "".join(map(chr, [*range(9), 11, 12, *range(14, 32), *range(127, 160)]))
    for character in bidi + controls + "\ufeff\u2028\u2029\u200b\ud800\udfff\U000e0041\uffff":
        assert show.visible(f"a{character}b") == f"a⟨U+{ord(character):04X}⟩b"


@pytest.mark.parametrize("text", ["plain", "two\nlines\tand a tab", "e\u0301", "क्‍ष", "👩‍👩‍👧", "שלום", "a\r\nb"])
def test_what_a_reader_sees_stays(text: str) -> None:
    assert show.visible(text) == text


def test_measured_rates_in_every_form() -> None:
    assert show.measured(None) == []
    assert show.measured(0.5) == [("", "50.0%")]
    assert show.measured({"planted": 4, "found": 3, "interval": [0.2, 0.9]}) == [("", "3 of 4, 75.0% (20.0% to 90.0%)")]
    assert show.measured({"planted": 0, "found": 0}) == [("", "0 of 0, –")]
    assert show.measured({"none": {"planted": 2, "found": 2}, "drop": None, "case": 1.0}) == [
        ("none", "2 of 2, 100%"),
        ("case", "100%"),
    ]


def test_nested_parameters_are_flat() -> None:
    params = {"n": [5, 8], "rule": {"containment": 0.3, "tier": None}}
    assert list(show.items(params)) == [("n", "5, 8"), ("rule.containment", "0.3"), ("rule.tier", "–")]
    assert show.parameter({"params": params}, "containment") == 0.3
    assert show.parameter({"params": params}, "tier") is None
    assert show.confidence({"params": {"confidence": 0.99}}) == "99%"

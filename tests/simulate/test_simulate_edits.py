"""Each edit does what its documentation says, on nasty text too."""

import re
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from overproof import simulate
from overproof.errors import InputError

WHITE = [char for char in map(chr, range(0x3001)) if char.isspace()]
marks = st.lists(st.sampled_from([*"aΣ.!?*`#>-+1)_", "ΑΣ", "\u0301", " ", " ", "\n", *WHITE]), max_size=60).map("".join)
texts = st.one_of(
    st.text(max_size=200),
    marks,
    st.lists(st.sampled_from(["One", "two.", "THREE!", "- four", "`five`", "six?", "ß", "\n", "# H", "1. x"])).map(
        " ".join
    ),
)
strengths = st.floats(0, 1)
seeds = st.integers(0, 2**32 - 1)
KINDS = st.sampled_from(simulate.EDITS)


def rng_of(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


@given(text=texts, kind=KINDS, strength=strengths, seed=seeds)
def test_an_edit_is_a_function_of_its_arguments(text: str, kind: str, strength: float, seed: int) -> None:
    assert simulate.edit(text, kind, strength, rng_of(seed)) == simulate.edit(text, kind, strength, rng_of(seed))


@given(text=texts, strength=strengths, seed=seeds)
def test_none_changes_nothing(text: str, strength: float, seed: int) -> None:
    assert simulate.edit(text, "none", strength, rng_of(seed)) == text


@pytest.mark.parametrize("kind", [kind for kind in simulate.EDITS if kind != "reorder"])
@given(text=texts, seed=seeds)
def test_no_strength_changes_nothing(kind: str, text: str, seed: int) -> None:
    assert simulate.edit(text, kind, 0.0, rng_of(seed)) == text


@given(text=texts, strength=strengths, seed=seeds)
def test_case_lowers_the_stated_number_of_words(text: str, strength: float, seed: int) -> None:
    after = simulate.edit(text, "case", strength, rng_of(seed))
    old, new = text.split(), after.split()
    changed = [(a, b) for a, b in zip(old, new, strict=True) if a != b]
    assert all(b == a.lower() for a, b in changed)
    assert len(changed) <= round(strength * len(old))
    if strength == 1:
        assert new == [word.lower() for word in old]


@given(text=texts, strength=strengths, seed=seeds)
def test_whitespace_keeps_the_words_and_changes_the_stated_gaps(text: str, strength: float, seed: int) -> None:
    after = simulate.edit(text, "whitespace", strength, rng_of(seed))
    assert after.split() == text.split()
    gaps = max(0, len(text.split()) - 1)
    assert (after != text) == (round(strength * gaps) > 0)


@given(text=texts, strength=strengths, seed=seeds)
def test_truncate_keeps_a_prefix_of_the_stated_length(text: str, strength: float, seed: int) -> None:
    words = text.split()
    after = simulate.edit(text, "truncate", strength, rng_of(seed))
    assert text.startswith(after)
    assert len(after.split()) == min(len(words), max(1, len(words) - round(strength * len(words))))


@given(text=texts, strength=strengths, seed=seeds)
def test_drop_removes_the_stated_share_in_order(text: str, strength: float, seed: int) -> None:
    words = text.split()
    after = simulate.edit(text, "drop", strength, rng_of(seed)).split()
    assert len(after) == min(len(words), max(1, len(words) - round(strength * len(words))))
    left = iter(words)
    assert all(word in left for word in after), "the words that stay keep their order"


@given(text=texts, strength=strengths, seed=seeds)
def test_substitute_changes_the_stated_number_of_places(text: str, strength: float, seed: int) -> None:
    rng = rng_of(seed)
    words = text.split()
    after = simulate.edit(" ".join(words), "substitute", strength, rng)
    kept = Counter(words) & Counter(after.split())
    assert sum(kept.values()) >= len(words) - round(strength * len(words))
    assert (after == " ".join(words)) == (round(strength * len(words)) == 0)


@given(text=texts, strength=strengths, seed=seeds)
def test_reorder_keeps_characters_and_words(text: str, strength: float, seed: int) -> None:
    after = simulate.edit(text, "reorder", strength, rng_of(seed))
    assert Counter(after) == Counter(text)
    assert Counter(after.split()) == Counter(text.split())


@given(
    sentences=st.lists(st.from_regex(r"[A-Z][a-zß ]{0,20}[a-z][.!?]", fullmatch=True)), strength=strengths, seed=seeds
)
def test_reorder_keeps_the_multiset_of_sentences(sentences: list[str], strength: float, seed: int) -> None:
    after = simulate.edit(" ".join(sentences), "reorder", strength, rng_of(seed))
    assert Counter(simulate.split_sentences(after)) == Counter(sentences or [""])


def test_reorder_moves_every_chosen_sentence() -> None:
    before = [f"Sentence number {i}." for i in range(10)]
    for strength, moved in ((0.1, 2), (0.5, 5), (1.0, 10)):
        after = simulate.split_sentences(simulate.edit(" ".join(before), "reorder", strength, rng_of(4)))
        assert Counter(after) == Counter(before)
        assert sum(a != b for a, b in zip(before, after, strict=True)) == moved


@given(text=texts)
def test_sentences_end_where_the_plain_pattern_says(text: str) -> None:
    assert simulate.split_sentences(text) == re.split(r"(?<=[.!?])\s+|\s*\n\s*", text)


@given(text=texts, seed=seeds)
def test_markdown_that_goes_is_what_the_plain_pattern_says(text: str, seed: int) -> None:
    lines = [line for line in text.split("\n") if not line.startswith("```")]
    plain = [re.sub(r"^\s*(?:[#>]+\s*|[-*+]\s+|\d+[.)]\s+)+|[*`]+", "", line) for line in lines]
    assert simulate.edit(text, "markdown", 1.0, rng_of(seed)) == "\n".join(plain)


@pytest.mark.parametrize("white", WHITE)
def test_all_words_in_lower_case_are_each_in_lower_case(white: str) -> None:
    text = f"{white}ΑΣ{white}ΣΑ.{white}Σ Σ{white}"
    after = simulate.edit(text, "case", 1.0, rng_of(0))
    assert after == "".join(part.lower() for part in re.split(r"(\s)", text))


@given(text=texts, seed=seeds)
def test_each_gap_takes_the_kind_that_its_number_falls_on(text: str, seed: int) -> None:
    after = simulate.edit(text, "whitespace", 1.0, rng_of(seed))
    gaps, new = (re.findall(r"(?<=\S)\s+(?=\S)", t) for t in (text, after))
    rng = rng_of(seed)
    rng.random(len(gaps))  # the order, which does not matter where all change
    kinds = ["\n", "  ", "\t", " \n", "\n\n"]
    for gap, other, number in zip(gaps, new, rng.random(len(gaps)), strict=True):
        others = [kind for kind in kinds if kind != gap]
        assert other == others[int(number * len(others))]


def test_markdown_goes_and_words_stay() -> None:
    text = "# Title\n\n1. First **bold** `code`\n- item\n> said\n```python\nx = 1\n```\nsnake_case 3.5 stays"
    after = simulate.edit(text, "markdown", 1.0, rng_of(0))
    assert after == "Title\n\nFirst bold code\nitem\nsaid\nx = 1\nsnake_case 3.5 stays"


def test_mixed_changes_words_and_drops_words() -> None:
    text = " ".join(f"word{i}" for i in range(100))
    after = simulate.edit(text, "mixed", 0.4, rng_of(0)).split()
    assert len(after) == 80
    assert 60 <= len(set(after) & set(text.split())) <= 80


def test_bad_arguments_are_refused_with_what_to_do() -> None:
    with pytest.raises(InputError, match="none, case, whitespace"):
        simulate.edit("a b", "shuffle", 0.5, rng_of(0))
    for strength in (-0.1, 1.1, float("nan")):
        with pytest.raises(InputError, match=r"\[0, 1\]"):
            simulate.edit("a b", "drop", strength, rng_of(0))

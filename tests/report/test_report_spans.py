"""Spans of a text: no character lost or shown twice, clipped at the right count, safe whatever the text holds."""

from __future__ import annotations

import html
import re

from hypothesis import given
from hypothesis import strategies as st
from overproof.report.spans import BUDGET, marked, pieces

ODD = st.text(st.sampled_from("ab <>&\"'\n\t\r\x00\u202e\u0301\u200d👩é漢ש\u2028\ud800"), max_size=60)
EDGES = st.lists(st.tuples(st.integers(0, 70), st.integers(0, 70)), max_size=6)


@given(st.integers(0, 60), EDGES)
def test_pieces_tile_the_text(length: int, edges: list[tuple[int, int]]) -> None:
    made = pieces(length, edges)
    assert [i for piece in made for i in range(piece.start, piece.end)] == list(range(length))
    for piece in made:
        for i in range(piece.start, piece.end):
            owners = [n for n, (a, b) in enumerate(edges) if a <= i < b]
            assert piece.span == (min(owners) if owners else None)


@given(ODD, EDGES)
def test_short_texts_are_shown_whole(text: str, edges: list[tuple[int, int]]) -> None:
    shown = str(marked(text, edges, here="a", there="b"))
    without = re.sub(r'<a class="no"[^>]*>\d+</a>|<i class="ctl">◌</i>', "", shown)
    named = re.sub(r'<i class="ctl">U\+([0-9A-F]+)</i>', lambda m: chr(int(m[1], 16)), without)
    assert html.unescape(re.sub(r"</?(mark|span)[^>]*>", "", named)) == text.replace("\x00", "\x00")
    for number in range(1, len(edges) + 1):
        assert shown.count(f'id="a-{number}"') == 1


def test_long_texts_are_clipped_around_their_spans_and_counted() -> None:
    text = "x" * 10_000 + "SPAN" + "y" * 10_000
    shown = str(marked(text, [(10_000, 10_004)], here="a", there="b"))
    assert "SPAN</mark>" in shown
    assert shown.count("… 9,840 characters …") == 2
    assert len(shown) < 1200


def test_a_text_of_many_spans_has_a_bound_and_says_what_is_left_out() -> None:
    text = "word " * 20_000
    spans = [(i * 100, i * 100 + 50) for i in range(900)]
    shown = str(marked(text, spans, here="a", there="b"))
    assert len(shown) < 40 * BUDGET
    assert re.search(r"… [\d,]+ characters …</span> (<span id|$)", shown)
    assert all(shown.count(f'id="a-{number}"') == 1 for number in range(1, 901))


def test_a_cut_never_parts_a_letter_from_its_marks() -> None:
    text = "क\u093f" * 5000
    shown = str(marked(text, [(4000, 4010)], here="a", there="b"))
    assert not re.search(r"…</span> \u093f", shown)
    assert "◌" not in shown

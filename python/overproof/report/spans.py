"""One text of a match as HTML: its spans marked and numbered, what lies far from them clipped, nothing invisible."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from markupsafe import Markup, escape

from .show import INVISIBLE, code_point

__all__ = ["COLOURS", "Piece", "marked", "pieces"]

COLOURS = 6
"""Marks that differ by colour; the number tells the others apart."""
CONTEXT = 160
"""Characters kept beside a span."""
LONGEST = 900
"""Characters of one span that are shown."""
BUDGET = 5000
"""Characters of one text that are shown."""
LEAST = 60
"""Fewer characters than this are not worth clipping."""


class Piece(NamedTuple):
    """A part of a text: [start, end) in code points, and the number of the span that it belongs to (None: no span)."""

    start: int
    end: int
    span: int | None


def pieces(length: int, spans: Sequence[tuple[int, int]]) -> list[Piece]:
    """Cut a text at its spans; where spans overlap, the one with the least number owns the characters.

    Parameters
    ----------
    length : int
        Code points of the text.
    spans : Sequence[tuple[int, int]]
        [start, end) of spans 0, 1, ... in code points.

    Examples
    --------
    >>> pieces(10, [(2, 6), (4, 8)])
    [Piece(start=0, end=2, span=None), Piece(start=2, end=6, span=0), Piece(start=6, end=8, span=1), \
Piece(start=8, end=10, span=None)]
    """
    inside = [(max(0, min(a, length)), max(0, min(b, length))) for a, b in spans]
    cuts = sorted({0, length, *(edge for pair in inside for edge in pair)})
    made: list[Piece] = []
    for start, end in pairwise(cuts):
        owner = next((number for number, (a, b) in enumerate(inside) if a <= start and end <= b), None)
        if made and made[-1].span == owner:
            made[-1] = Piece(made[-1].start, end, owner)
        else:
            made.append(Piece(start, end, owner))
    return made


def marked(text: str, spans: Sequence[tuple[int, int]], *, here: str, there: str | None, most: int = BUDGET) -> Markup:
    """Write a text with its spans marked; span i has the anchor ``{here}-{i + 1}`` and links to ``{there}-{i + 1}``.

    Parameters
    ----------
    text : str
        The original text.
    spans : Sequence[tuple[int, int]]
        [start, end) in code points, in the order of their numbers.
    here : str
        Anchor of this text.
    there : str or None
        Anchor of the text beside it; None where its spans have no twin: they are marked, without a number or a link.
    most : int
        Characters of the text that are shown, about.

    Returns
    -------
    Markup
        Some `most` characters of the text; what is left out is counted in its place.
    """
    parts: list[Markup] = []
    anchored: set[int] = set()
    budget, stopped = most, 0
    made = pieces(len(text), spans)
    for place, piece in enumerate(made):
        if budget <= 0:
            stopped = place
            break
        shown = list(_clip(text, piece, first=place == 0, last=place == len(made) - 1))
        budget -= sum(end - start for start, end in shown)
        inner = _joined(text, piece, shown)
        if piece.span is None:
            parts.append(inner)
            continue
        if there is None:
            parts.append(Markup('<mark class="alone">{}</mark>').format(inner))
            continue
        number = piece.span + 1
        anchor = Markup("") if number in anchored else Markup(' id="{}-{}"').format(here, number)
        anchored.add(number)
        parts.append(
            Markup('<mark class="c{}"{}><a class="no" href="#{}-{}">{}</a>{}</mark>').format(
                piece.span % COLOURS, anchor, there, number, number, inner
            )
        )
    if stopped:
        parts.append(_clipped(len(text) - made[stopped].start))
    if there is None:
        return Markup("").join(parts)
    left_out = [number for number in range(1, len(spans) + 1) if number not in anchored]
    parts += [Markup('<span id="{}-{}"></span>').format(here, number) for number in left_out]
    return Markup("").join(parts)


def _clip(text: str, piece: Piece, *, first: bool, last: bool) -> Iterator[tuple[int, int]]:
    """Give the parts of a piece that are shown; between two of them, and at an open end, characters are left out."""
    start, end, span = piece
    if span is not None:
        head, tail = (LONGEST * 2 // 3, LONGEST // 3)
    elif first and last:
        head, tail = (2 * CONTEXT, 0)
    else:
        head, tail = (0 if first else CONTEXT, 0 if last else CONTEXT)
    if end - start <= head + tail + LEAST:
        yield start, end
        return
    if head:
        yield start, _whole(text, start + head, end)
    if tail:
        yield _whole(text, end - tail, end), end


def _whole(text: str, at: int, end: int) -> int:
    """Move a cut to the right, past marks that belong to the character before it."""
    while at < end and (unicodedata.category(text[at])[0] == "M" or "\u200d" in text[at - 1 : at + 1]):
        at += 1
    return at


def _joined(text: str, piece: Piece, shown: Sequence[tuple[int, int]]) -> Markup:
    parts, at = [], piece.start
    for start, end in shown:
        if start > at:
            parts.append(_clipped(start - at))
        parts.append(_safe(text[start:end]))
        at = end
    if at < piece.end:
        parts.append(_clipped(piece.end - at))
    return Markup("").join(parts)


def _clipped(characters: int) -> Markup:
    return Markup(' <span class="cut">… {:,} character{} …</span> ').format(characters, "" if characters == 1 else "s")


def _safe(text: str) -> Markup:
    """Escape a text; invisible characters become visible names, a mark without a letter gets a circle to stand on."""
    lone = Markup('<i class="ctl">◌</i>') if text and unicodedata.category(text[0])[0] == "M" else Markup("")
    parts, at = [lone], 0
    for found in INVISIBLE.finditer(text):
        parts += [escape(text[at : found.start()]), Markup('<i class="ctl">{}</i>').format(code_point(found))]
        at = found.end()
    parts.append(escape(text[at:]))
    return Markup("").join(parts)

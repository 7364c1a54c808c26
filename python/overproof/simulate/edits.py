"""Edits that someone makes to hide, or merely to clean, a copied text; each with a strength in [0, 1]."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

import numpy as np

from ..errors import InputError
from .text_model import one_of, shuffled

__all__ = ["EDITS", "edit", "split_sentences"]

WHITE = ["\n", "  ", "\t", " \n", "\n\n"]
OTHER_WHITE = {white: [other for other in WHITE if other != white] for white in WHITE}
WORD = re.compile(r"(\S+)")
BETWEEN = re.compile(r"(\s(?:(?<=[.!?]\s)|(?<=\n)|\s*\n)\s*)")
"""All the white space after ``.``, ``!`` or ``?``, or with a line's end in it; begins with what `re` seeks fast."""
HEAD = re.compile(r"\s*(?:[#>]+\s*|[-*+]\s+|\d+[.)]\s+)+")
"""Marks of headings, quotes and lists, at the start of a line."""
OTHER_WORDS = re.findall(
    r"\w+",
    "simple common general certain useful clear basic modern careful proper notable typical plain actual entire "
    "value thing point result reason method detail matter system process change version feature problem example "
    "uses gives takes keeps makes holds finds shows needs helps often always mostly rather quite usually perhaps "
    "with from into over under about after before between without because although while where which whether ",
)
BUT = {word: [other for other in OTHER_WORDS if other != word] for word in OTHER_WORDS}
"""The other words of each of these."""
INSTEAD = {
    "can": "may", "should": "ought to", "must": "has to", "also": "too", "when": "whenever", "if": "provided that",
    "use": "employ", "used": "employed", "using": "employing", "returns": "gives back", "return": "give back",
    "object": "thing", "value": "quantity", "values": "quantities", "method": "routine", "function": "procedure",
    "called": "invoked", "error": "fault", "list": "sequence", "name": "label", "new": "fresh", "same": "identical",
    "the": "that", "a": "some", "is": "remains", "are": "remain", "of": "within", "and": "plus", "not": "never",
    "it": "this", "in": "inside", "to": "towards", "for": "regarding", "or": "alternatively", "by": "through",
}  # fmt: skip


def edit(text: str, kind: str, strength: float, rng: np.random.Generator) -> str:
    """Apply one edit to a text.

    Parameters
    ----------
    text : str
        Words are what ``str.split()`` returns; n below is their number.
    kind : str
        ``none``
            The text itself.
        ``case``
            round(strength n) words, chosen at random, in lower case.
        ``whitespace``
            round(strength g) of the g gaps between words become other white space; no word changes.
        ``markdown``
            Headings, marks of lists and quotes, fences, asterisks and backquotes go from round(strength m) of the
            m lines.
        ``truncate``
            The last round(strength n) words go; one stays.
        ``drop``
            round(strength n) words, chosen at random, go; one stays.
        ``substitute``
            round(strength n) words, chosen at random, become another word; punctuation at their ends stays.
        ``reorder``
            round(strength s) of the s sentences, but two at least, change places with each other; none of them keeps
            its own. A text of one sentence stays as it is.
        ``mixed``
            Markdown goes as by ``markdown``; then ``substitute`` and ``drop``, each at half the strength.
    strength : float
        Share of the text that is edited, in [0, 1].
    rng : numpy.random.Generator
        Chooses places and words; only its ``random`` method is called.

    Returns
    -------
    str
        The edited text; never empty unless `text` holds no word or nothing but markdown.

    Raises
    ------
    InputError
        Unknown kind, or strength outside [0, 1].

    Notes
    -----
    O(len(text)), some 50 us for 100 words.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> edit("One two three four.", "truncate", 0.5, rng)
    'One two'
    >>> edit("# Title\\n- **bold** word", "markdown", 1.0, rng)
    'Title\\nbold word'
    >>> len(edit("a b c d e f g h i j", "drop", 0.3, rng).split())
    7
    """
    if kind not in _EDITS:
        raise InputError(f"kind: {kind!r} is no edit; use one of {', '.join(EDITS)}")
    if not 0 <= strength <= 1:
        raise InputError(f"strength: {strength!r} must lie in [0, 1]: the share of the text that is edited")
    return _EDITS[kind](text, strength, rng)


def split_sentences(text: str) -> list[str]:
    """Return the sentences of a text: pieces that end with ``.``, ``!`` or ``?`` before white space, or with a line.

    Examples
    --------
    >>> split_sentences("One here. Two there!\\nThree")
    ['One here.', 'Two there!', 'Three']
    """
    return _pieces(text)[::2]


def _pieces(text: str) -> list[str]:
    """Split into sentences (even places) and the white space between them (odd places)."""
    return BETWEEN.split(text)


def _chosen(n: int, strength: float, rng: np.random.Generator, most: int | None = None) -> list[int]:
    """Choose round(strength n) of n places, halves rounded to even; ascending."""
    count = min(round(strength * n), n if most is None else most)
    if count == n:
        rng.random(n)  # drawn all the same: what is drawn next must not depend on how many are taken
        return list(range(n))
    return sorted(shuffled(rng, n)[:count].tolist())


@lru_cache(maxsize=1)
def _split(text: str) -> tuple[str, ...]:
    """Split as `_words` does; often one text is edited in several ways."""
    return tuple(WORD.split(text))


def _words(text: str) -> list[str]:
    """Split into white space (even places) and words (odd places)."""
    return list(_split(text))


def _none(text: str, strength: float, rng: np.random.Generator) -> str:
    return text


def _case(text: str, strength: float, rng: np.random.Generator) -> str:
    n = len(_split(text)) // 2
    places = _chosen(n, strength, rng)
    if len(places) == n:
        return text.lower()  # the same: white space has no case, and no letter's depends on what is beyond it
    parts = _words(text)
    for i in places:
        parts[2 * i + 1] = parts[2 * i + 1].lower()
    return "".join(parts)


def _whitespace(text: str, strength: float, rng: np.random.Generator) -> str:
    parts = _words(text)
    gaps = parts[2:-1:2]
    places = _chosen(len(gaps), strength, rng)
    numbers = rng.random(len(places))
    # As `one_of` picks, for all places at once: of all kinds, or of those that a gap is not.
    of_all, of_others = ((numbers * n).astype(np.int64).tolist() for n in (len(WHITE), len(WHITE) - 1))
    for i, pick, other in zip(places, of_all, of_others, strict=True):
        gaps[i] = OTHER_WHITE[gaps[i]][other] if gaps[i] in OTHER_WHITE else WHITE[pick]
    parts[2:-1:2] = gaps
    return "".join(parts)


def _markdown(text: str, strength: float, rng: np.random.Generator) -> str:
    lines = text.split("\n")
    for i in reversed(_chosen(len(lines), strength, rng)):
        if lines[i].startswith("```"):
            del lines[i]
        else:
            head = HEAD.match(lines[i])
            line = lines[i][head.end() :] if head else lines[i]
            lines[i] = line.replace("*", "").replace("`", "")
    return "\n".join(lines)


def _truncate(text: str, strength: float, rng: np.random.Generator) -> str:
    parts = _split(text)
    n = len(parts) // 2
    keep = max(1, n - round(strength * n))
    return "".join(parts[: 2 * keep]) if keep < n else text


def _drop(text: str, strength: float, rng: np.random.Generator) -> str:
    parts = _words(text)
    n = len(parts) // 2
    for i in reversed(_chosen(n, strength, rng, most=n - 1)):
        del parts[2 * i + 1 : 2 * i + 3]  # the word and the white space after it
    return "".join(parts)


def _substitute(text: str, strength: float, rng: np.random.Generator) -> str:
    parts = _words(text)
    for i in _chosen(len(parts) // 2, strength, rng):
        head, core, tail = _core(parts[2 * i + 1])
        word = core.lower()
        other = INSTEAD.get(word)
        if other is None:
            other = one_of(BUT.get(word, OTHER_WORDS), rng.random())
        parts[2 * i + 1] = head + (other.capitalize() if core[:1].isupper() else other) + tail
    return "".join(parts)


def _core(word: str) -> tuple[str, str, str]:
    """Split a word into the punctuation before it, itself, and the punctuation after it."""
    if word.isalnum():
        return "", word, ""
    start, end = 0, len(word)
    while end and not word[end - 1].isalnum():
        end -= 1
    if not end:
        return "", word, ""
    while not word[start].isalnum():
        start += 1
    return word[:start], word[start:end], word[end:]


def _reorder(text: str, strength: float, rng: np.random.Generator) -> str:
    pieces = _pieces(text)
    places = [i for i in range(0, len(pieces), 2) if pieces[i]]
    if len(places) < 2:
        return text
    count = max(2, round(strength * len(places)))
    moved = [places[i] for i in shuffled(rng, len(places))[:count].tolist()]
    old = [pieces[i] for i in moved]
    for place, sentence in zip(moved, old[1:] + old[:1], strict=True):  # one cycle, so none stays
        pieces[place] = sentence
    return "".join(pieces)


def _mixed(text: str, strength: float, rng: np.random.Generator) -> str:
    text = _markdown(text, strength, rng)
    return _drop(_substitute(text, strength / 2, rng), strength / 2, rng)


_EDITS: dict[str, Callable[[str, float, np.random.Generator], str]] = {
    "none": _none,
    "case": _case,
    "whitespace": _whitespace,
    "markdown": _markdown,
    "truncate": _truncate,
    "drop": _drop,
    "substitute": _substitute,
    "reorder": _reorder,
    "mixed": _mixed,
}
EDITS = tuple(_EDITS)
"""The kinds of edit."""

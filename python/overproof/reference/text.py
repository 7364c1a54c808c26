"""Text to tokens, slow and plain: docs/spec/text.md is the specification.

Nothing here uses ``unicodedata``, ``str.casefold`` or ``str.isalnum``: their Unicode version changes with the
interpreter. Every property comes from one table of one pinned version, the same that the Rust core reads.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import NamedTuple

from .._core import unicode_table
from ..errors import InputError

UNICODE_VERSION = "15.0.0"
BASES = ("none", "nfc", "nfkc_casefold")
OPTIONS = ("accents", "digits", "punctuation", "whitespace")
ANALYZERS = ("word", "char", "byte")

# Hangul syllables are decomposed and composed by arithmetic (The Unicode Standard, section 3.12).
S_BASE, L_BASE, V_BASE, T_BASE = 0xAC00, 0x1100, 0x1161, 0x11A7
L_COUNT, V_COUNT, T_COUNT = 19, 21, 28
S_COUNT = L_COUNT * V_COUNT * T_COUNT

SPACE = 0x20
ZERO = 0x30


class Char(NamedTuple):
    """One normalised code point and the bytes ``[start, end)`` of the original UTF-8 text that it came from."""

    code: int
    start: int
    end: int


class Token(NamedTuple):
    """One token.

    ``value`` is the normalised text (word, char), one byte (byte), or the user's id or string. ``start`` and ``end``
    are byte offsets into the original UTF-8 text; for users' tokens, which have no text, the token's position and
    the position after it. ``single`` marks one base character of a script without spaces: such a token counts 1/2.
    """

    value: str | bytes | int
    start: int
    end: int
    single: bool


class Table(NamedTuple):
    """The sections of the Unicode table, by the names that they have in the file."""

    word: frozenset[int]
    single: frozenset[int]
    mark: frozenset[int]
    accent: frozenset[int]
    digit: frozenset[int]
    punct: frozenset[int]
    white: frozenset[int]
    ccc: dict[int, int]
    decompose: dict[int, tuple[int, ...]]
    compose: dict[tuple[int, int], int]
    casefold: dict[int, tuple[int, ...]]


def _points(item: str) -> range:
    first, _, last = item.partition("-")
    return range(int(first, 16), int(last or first, 16) + 1)


def _hexes(item: str) -> tuple[int, ...]:
    return tuple(int(part, 16) for part in item.split(","))


@cache
def table() -> Table:
    """The Unicode table, read once. ``casefold`` also holds the ignorable code points, mapped to nothing."""
    lines = unicode_table().splitlines()
    if lines[0] != f"overproof unicode table {UNICODE_VERSION}" or lines[-1] != "@end":
        raise InputError(f"the Unicode table is not a whole table of version {UNICODE_VERSION}: {lines[0]!r}")
    sections: dict[str, list[str]] = {}
    for line in lines[1:-1]:
        if line.startswith("@"):
            name = line[1:].split()[0]
            sections[name] = []
        else:
            sections[name] += line.split()

    def members(name: str) -> frozenset[int]:
        return frozenset(code for item in sections[name] for code in _points(item))

    def mapping(name: str) -> Iterator[tuple[str, str]]:
        for item in sections[name]:
            source, _, target = item.partition(":")
            yield source, target

    casefold: dict[int, tuple[int, ...]] = {int(code, 16): _hexes(to) for code, to in mapping("casefold")}
    casefold.update((code, ()) for code in members("ignorable"))
    return Table(
        word=members("word"),
        single=members("single"),
        mark=members("mark"),
        accent=members("accent"),
        digit=members("digit"),
        punct=members("punct"),
        white=members("white"),
        ccc={code: int(value) for item, value in mapping("ccc") for code in _points(item)},
        decompose={int(code, 16): _hexes(to) for code, to in mapping("decompose")},
        compose={(pair[0], pair[1]): int(to, 16) for item, to in mapping("compose") if (pair := _hexes(item))},
        casefold=casefold,
    )


# -- normalisation


def _decomposition(code: int) -> tuple[int, ...]:
    """Full canonical decomposition of one code point."""
    index = code - S_BASE
    if not 0 <= index < S_COUNT:
        return table().decompose.get(code, (code,))
    lead, vowel, trail = index // (V_COUNT * T_COUNT), index // T_COUNT % V_COUNT, index % T_COUNT
    syllable = (L_BASE + lead, V_BASE + vowel, T_BASE + trail)
    return syllable if trail else syllable[:2]


def _composition(first: int, second: int) -> int | None:
    """The code point that is canonically equal to the pair, or None."""
    lead, vowel, trail = first - L_BASE, second - V_BASE, second - T_BASE
    if 0 <= lead < L_COUNT and 0 <= vowel < V_COUNT:
        return S_BASE + (lead * V_COUNT + vowel) * T_COUNT
    syllable = first - S_BASE
    if 0 <= syllable < S_COUNT and syllable % T_COUNT == 0 and 0 < trail < T_COUNT:
        return first + trail
    return table().compose.get((first, second))


def _join(chars: Sequence[Char], code: int) -> Char:
    """One character in place of several: it came from all their bytes."""
    return Char(code, min(c.start for c in chars), max(c.end for c in chars))


def decompose(chars: Iterable[Char]) -> list[Char]:
    """Canonical decomposition (NFD): map, then sort each run of marks by combining class, stably."""
    ccc = table().ccc
    out: list[Char] = []
    marks: list[Char] = []
    for char in chars:
        for code in _decomposition(char.code):
            if not ccc.get(code, 0):
                out += sorted(marks, key=lambda c: ccc[c.code])
                marks = []
                out.append(Char(code, char.start, char.end))
            else:
                marks.append(Char(code, char.start, char.end))
    return out + sorted(marks, key=lambda c: ccc[c.code])


def compose(chars: Iterable[Char]) -> list[Char]:
    """Canonical composition of decomposed text (The Unicode Standard, D117)."""
    ccc = table().ccc
    out: list[Char] = []
    starter = -1  # where the last starter stands in `out`
    between = -1  # combining class of the last character after it; -1: nothing stands between
    for char in chars:
        here = ccc.get(char.code, 0)
        if starter >= 0 and between < here:
            joined = _composition(out[starter].code, char.code)
            if joined is not None:
                out[starter] = _join((out[starter], char), joined)
                continue
        out.append(char)
        if here == 0:
            starter, between = len(out) - 1, -1
        else:
            between = here
    return out


def parse_normalization(normalization: str) -> tuple[str, tuple[str, ...]]:
    """Base and options of a normalisation's name, such as ``nfkc_casefold+accents+digits``.

    Raises
    ------
    InputError
        The base or an option is unknown, or the options are not each at most once and in the order of ``OPTIONS``.
    """
    base, *options = normalization.split("+")
    if base not in BASES or options != [name for name in OPTIONS if name in options]:
        raise InputError(
            f"unknown normalization {normalization!r}: give one of {', '.join(BASES)}, "
            f"then any of +{', +'.join(OPTIONS)} in this order"
        )
    return base, tuple(options)


def normalize_chars(text: str, normalization: str = "nfkc_casefold") -> list[Char]:
    """The normalised code points of a text, each with the bytes of the original that it came from.

    Cost O(len(text)) apart from the sorting of marks.

    Raises
    ------
    InputError
        ``normalization`` is unknown, or the text holds a lone surrogate.
    """
    base, options = parse_normalization(normalization)
    chars: list[Char] = []
    offset = 0
    lone = replace_surrogates(text)[1]
    if lone:
        raise InputError(f"the text holds {lone} lone surrogates, which no UTF-8 can hold; see replace_surrogates")
    for character in text:
        size = len(character.encode("utf-8"))
        chars.append(Char(ord(character), offset, offset + size))
        offset += size
    if base == "nfkc_casefold":
        fold = table().casefold
        chars = [Char(code, c.start, c.end) for c in chars for code in fold.get(c.code, (c.code,))]
    if base != "none":
        chars = compose(decompose(chars))
    if "accents" in options:
        chars = compose([c for c in decompose(chars) if c.code not in table().accent])
    if "digits" in options:
        chars = [c._replace(code=ZERO) if c.code in table().digit else c for c in chars]
    if "punctuation" in options:
        chars = [c._replace(code=SPACE) if c.code in table().punct else c for c in chars]
    if "whitespace" in options:
        chars = _collapse(chars)
    return chars


def _collapse(chars: Sequence[Char]) -> list[Char]:
    """One space for each run of white space, none at either end."""
    white = table().white
    out: list[Char] = []
    run: list[Char] = []
    for char in chars:
        if char.code in white:
            run.append(char)
            continue
        if run and out:
            out.append(_join(run, SPACE))
        run = []
        out.append(char)
    return out


def normalize(text: str, normalization: str = "nfkc_casefold") -> tuple[str, list[tuple[int, int]]]:
    """The normalised text, and for each of its code points the byte range of the original that it came from.

    Examples
    --------
    >>> normalize("Straße")
    ('strasse', [(0, 1), (1, 2), (2, 3), (3, 4), (4, 6), (4, 6), (6, 7)])
    """
    chars = normalize_chars(text, normalization)
    return "".join(chr(c.code) for c in chars), [(c.start, c.end) for c in chars]


def replace_surrogates(text: str) -> tuple[str, int]:
    """The text with U+FFFD for each lone surrogate, and how many there were (``errors="replace"``)."""
    lone = sum("\ud800" <= c <= "\udfff" for c in text)
    return "".join("\ufffd" if "\ud800" <= c <= "\udfff" else c for c in text), lone


# -- tokens


def _token(chars: Sequence[Char], single: bool) -> Token:
    whole = _join(chars, 0)
    return Token("".join(chr(c.code) for c in chars), whole.start, whole.end, single)


def _words(chars: Iterable[Char]) -> list[Token]:
    data = table()
    tokens: list[Token] = []
    run: list[Char] = []  # the token that is being read
    single = False
    for char in chars:
        begins_single = char.code in data.single
        extends = char.code in data.mark or (char.code in data.word and not begins_single and not single)
        if run and not extends:
            tokens.append(_token(run, single))
            run = []
        if not run:
            single = begins_single
        if char.code in data.word:
            run.append(char)
    return [*tokens, _token(run, single)] if run else tokens


def tokenize(text: str, analyzer: str = "word", normalization: str = "nfkc_casefold") -> list[Token]:
    """Tokens of a text.

    Parameters
    ----------
    text
        Any text without lone surrogates.
    analyzer
        ``word``: runs of word characters; in scripts without spaces each base character with its marks.
        ``char``: each normalised code point. ``byte``: each byte of the normalised text.
    normalization
        See `parse_normalization`.

    Examples
    --------
    >>> [(t.value, t.start, t.end) for t in tokenize("Don't, 漢字!")]
    [('don', 0, 3), ('t', 4, 5), ('漢', 7, 10), ('字', 10, 13)]
    """
    chars = normalize_chars(text, normalization)
    if analyzer == "word":
        return _words(chars)
    if analyzer == "char":
        return [_token([c], False) for c in chars]
    if analyzer == "byte":
        return [Token(bytes([b]), c.start, c.end, False) for c in chars for b in chr(c.code).encode("utf-8")]
    raise InputError(f"unknown analyzer {analyzer!r}: give one of {', '.join(ANALYZERS)}")


def user_tokens(values: Iterable[int | str]) -> list[Token]:
    """Tokens that the user brings: ids (uint32 or uint64) or strings, taken as they are."""
    return [Token(value, i, i + 1, False) for i, value in enumerate(values)]


def token_units(tokens: Iterable[Token]) -> int:
    """Length in half tokens: 1 for a single-character token, 2 for any other. Thresholds count in these."""
    return sum(1 if token.single else 2 for token in tokens)


def codepoint_offsets(text: str, byte_offsets: Iterable[int]) -> list[int]:
    """Code-point offsets of byte offsets that fall on code-point boundaries.

    Examples
    --------
    >>> codepoint_offsets("aßb", [0, 1, 3, 4])
    [0, 1, 2, 3]
    """
    encoded = text.encode("utf-8")
    return [len(encoded[:offset].decode("utf-8")) for offset in byte_offsets]

"""Word n-grams in Python, for engines that take tokens: the quickest way found that needs no other package.

ASCII texts (most English ones) are lower-cased and split by one table over their bytes; other texts by one regular
expression. The tokens are those of `overproof.Shingler` on ASCII; elsewhere they differ in rare cases (marks, NFKC),
and the record says for how many texts.
"""

import re

from benches.engines import WINDOW, N

# Kana and Han: each character is a word, as in overproof.
SINGLE = "\u3041-\u3096\u30a1-\u30fa\u3400-\u4dbf\u4e00-\u9fff"
WORD = re.compile(rf"[{SINGLE}]|[^\W_{SINGLE}]+")
ASCII_WORDS = bytes(byte if byte < 128 and chr(byte).isalnum() else 32 for byte in range(256)).lower()


def words(text: str) -> list[str]:
    """The words of a text, in lower case."""
    if text.isascii():
        return text.encode().translate(ASCII_WORDS).decode().split()
    return WORD.findall(text.lower())


def strings(text: str, n: int = N) -> list[str]:
    """Shingles as str."""
    w = words(text)
    return list(map(" ".join, zip(*(w[i:] for i in range(n)), strict=False))) or [" ".join(w)][: len(w)]


def bytestrings(text: str, n: int = N) -> list[bytes]:
    """Shingles as bytes: the same, with each word encoded once."""
    w = text.encode().translate(ASCII_WORDS).split() if text.isascii() else [t.encode() for t in words(text)]
    return list(map(b" ".join, zip(*(w[i:] for i in range(n)), strict=False))) or [b" ".join(w)][: len(w)]


def windows(text: str) -> list[bytes]:
    """Every window of `WINDOW` bytes; a shorter text is one."""
    data = text.encode()
    return [data[i : i + WINDOW] for i in range(max(len(data) - WINDOW + 1, 1))]

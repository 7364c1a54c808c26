"""Texts to normalised texts, and to tokens that know their place in the original."""

from __future__ import annotations

from typing import TYPE_CHECKING

from overproof import _core
from overproof._core import Tokens

if TYPE_CHECKING:
    from overproof.typing import TextsLike

__all__ = ["Tokens", "normalize", "tokenize"]


def tokenize(
    texts: TextsLike,
    *,
    analyzer: str = "word",
    normalization: str = "nfkc_casefold",
    missing: str = "refuse",
    errors: str = "strict",
    threads: int | None = None,
) -> Tokens:
    """Tokens of each text, with the bytes of the original that each stands for.

    Parameters
    ----------
    texts : TextsLike
        n texts.
    analyzer : {"word", "char", "byte"}
        What a token is, as in `Shingler`.
    normalization : str
        As in `Shingler`.
    missing, errors, threads
        As in `Shingler.transform`.

    Returns
    -------
    Tokens
        ``.indptr`` int64[n+1] row boundaries; per token ``.start`` and ``.end`` uint32 (bytes in the original UTF-8,
        the smallest range that covers all its source code points), ``.single`` bool (one character of a script
        without spaces); ``.data`` bytes and ``.offsets`` int64 hold the normalised tokens; ``.row(i)`` lists them.

    Raises
    ------
    InputError
        A row is not text, or a name is unknown.

    Notes
    -----
    O(bytes). The plain path with offsets: sketches and sets take a faster one to the same tokens.

    Examples
    --------
    >>> import overproof as op
    >>> t = op.tokenize(["Straße 3.14, 東京"])
    >>> t.row(0) == ["strasse".encode(), b"3", b"14", "東".encode(), "京".encode()]
    True
    >>> t.start.tolist(), t.end.tolist()
    ([0, 8, 10, 14, 17], [7, 9, 12, 17, 20])
    """
    return _core.tokenize(texts, analyzer, normalization, missing, errors, threads)


def normalize(
    texts: TextsLike,
    normalization: str = "nfkc_casefold",
    *,
    missing: str = "refuse",
    errors: str = "strict",
    threads: int | None = None,
) -> list[str | None]:
    """The texts in a normal form, by the Unicode version of this build (``op.build_info()["unicode"]``).

    Parameters
    ----------
    texts : TextsLike
        n texts.
    normalization : str
        As in `Shingler`.
    missing, errors, threads
        As in `Shingler.transform`.

    Returns
    -------
    list of str
        n texts; None where a missing one was kept.

    Raises
    ------
    InputError
        A row is not text, or the name is unknown.

    Notes
    -----
    O(bytes).

    Examples
    --------
    >>> import overproof as op
    >>> op.normalize(["Ａ co\u00adop  ﬃ"], "nfkc_casefold+whitespace")
    ['a coop ffi']
    """
    return _core.normalize(texts, normalization, missing, errors, threads)

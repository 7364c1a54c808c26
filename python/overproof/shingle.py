"""Texts to sets of shingle hashes."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence, Set, Sized
from typing import TYPE_CHECKING, Any

import numpy as np

from overproof import _core
from overproof._core import ShingleParams, ShingleSets
from overproof.errors import InputError

if TYPE_CHECKING:
    from overproof.typing import TextsLike

__all__ = ["ShingleParams", "ShingleSets", "Shingler"]

log = logging.getLogger("overproof")


class Shingler:
    """Turns each text into the set of its shingles (n-grams of tokens), as 64-bit hashes.

    Parameters
    ----------
    n : int or sequence of int
        Shingle widths in tokens, 1 to 255. Several widths give the union of their shingles.
    analyzer : {"word", "char", "byte", "tokens"} or callable
        What a token is. ``"word"``: runs of letters, marks and digits; in scripts without spaces (Han, kana, Thai, Lao,
        Khmer, Myanmar) each character with its marks. ``"tokens"``: rows of ids or strings that you bring. A callable
        takes a str and returns its tokens as strings; it needs a name of its own, which enters the fingerprint.
    normalization : str
        ``"none"``, ``"nfc"`` or ``"nfkc_casefold"``, then any of ``+accents``, ``+digits``, ``+punctuation``,
        ``+whitespace`` in this order (docs/spec/text.md).
    seed : int
        Chooses one of the hash functions. Not a key: whoever knows the text can compute its shingles.
    lists : {"keep", "both"}
        ``"both"`` adds the shingles of the text without its list markers ("1.", "2)" between white space), so that
        a list keeps its shingles when an edit of layout drops the numbers (docs/spec/text.md).

    Notes
    -----
    Texts with fewer tokens than the smallest `n` have one shingle, of the whole text, and are flagged in ``.short``.
    Two different shingles collide with probability 2**-64; the hash is not cryptographic (docs/spec/hash.md).

    References
    ----------
    Broder, "On the resemblance and containment of documents", 1997, section 2.

    Examples
    --------
    >>> import overproof as op
    >>> sets = op.Shingler(n=2).transform(["To be, or not to be", "to be", "Be"])
    >>> len(sets), sets.indptr.tolist(), sets.short.tolist()
    (3, [0, 4, 5, 6], [False, False, True])
    """

    def __init__(
        self,
        n: int | Sequence[int] = 5,
        *,
        analyzer: str | Callable[[str], Sequence[str]] = "word",
        normalization: str = "nfkc_casefold",
        seed: int = 0,
        lists: str = "keep",
    ) -> None:
        widths = [n] if isinstance(n, int | np.integer) or not isinstance(n, Iterable) else list(n)
        if not all(isinstance(w, int | np.integer) and 1 <= w <= 255 for w in widths):
            raise InputError(f"n={n!r}: each shingle width must be an integer from 1 to 255")
        if not isinstance(seed, int | np.integer) or not 0 <= seed < 2**64:
            raise InputError(f"seed={seed!r}: must be an integer from 0 to 2**64-1")
        self._function = analyzer if callable(analyzer) else None
        name = f"named:{callable_name(analyzer, 'analyzer')}" if callable(analyzer) else analyzer
        if name == "tokens" or callable(analyzer):
            normalization = "none"
        self.params: ShingleParams = ShingleParams([int(w) for w in widths], name, normalization, int(seed), lists)

    @property
    def fingerprint(self) -> int:
        """64-bit fingerprint of all parameters that affect a hash."""
        return self.params.fingerprint

    def __repr__(self) -> str:
        return f"<Shingler {self.params}>"

    def transform(
        self,
        texts: TextsLike,
        *,
        counts: bool = False,
        missing: str = "refuse",
        errors: str = "strict",
        threads: int | None = None,
    ) -> ShingleSets:
        """The shingle sets of `texts`, one row a text.

        Parameters
        ----------
        texts : TextsLike
            n texts: list of str, ``(bytes, offsets)``, NumPy object, str or StringDType array, Arrow string column,
            `Corpus`. With ``analyzer="tokens"``: a list of token lists, ``(ids, offsets)`` or an Arrow list column.
        counts : bool
            Keep how often each shingle occurs in its text.
        missing : {"refuse", "keep"}
            Nulls are an error, or stay as empty rows that ``.missing`` marks. A null is never read as "".
        errors : {"strict", "replace"}
            Lone surrogates are an error, or become U+FFFD; the number of such texts is logged.
        threads : int, optional
            At most this many threads; never changes a value.

        Returns
        -------
        ShingleSets
            CSR: ``.indptr`` int64[n+1], ``.hashes`` uint64[nnz] sorted and unique in a row, ``.counts`` uint32[nnz] or
            None, ``.short``, ``.missing`` bool[n], ``.tokens`` uint32[n] (tokens of each text).

        Raises
        ------
        InputError
            A row is not text; the message names it.

        Notes
        -----
        O(bytes + shingles * log(shingles of a text)); memory is the result and blocks of 256 KiB a thread. CPython
        keeps the UTF-8 of a non-ASCII str beside it for as long as the str lives.
        """
        if self._function is not None:
            return self._strings(
                [_called(self._function, t, row) for row, t in enumerate(_strs(texts))], counts, missing, threads
            )
        if self.params.analyzer == "tokens":
            return self._tokens(texts, counts, missing, threads)
        sets, replaced = _core.shingle_texts(texts, self.params, counts, missing, errors, threads)
        tell_replaced(replaced)
        return sets

    def _tokens(self, rows: Any, counts: bool, missing: str, threads: int | None) -> ShingleSets:
        if hasattr(rows, "__arrow_c_array__") or hasattr(rows, "__arrow_c_stream__"):
            rows = _arrow_lists(rows)
        elif isinstance(rows, tuple) and len(rows) == 2 and isinstance(rows[0], np.ndarray):
            return _core.shingle_ids(rows[0], rows[1], None, self.params, counts, threads)
        if not isinstance(rows, Iterable) or isinstance(rows, str | bytes | Mapping | Set):
            raise InputError(f"texts is of type {type(rows).__name__}; give a list of token lists, or (ids, offsets)")
        return self._strings(list(rows), counts, missing, threads)

    def _strings(self, rows: list[Any], counts: bool, missing: str, threads: int | None) -> ShingleSets:
        gaps = [row is None for row in rows]
        if missing not in ("refuse", "keep"):
            raise InputError(f"missing={missing!r} is unknown; give refuse or keep")
        if any(gaps) and missing == "refuse":
            raise InputError(f'texts: row {gaps.index(True)} is null; drop it, or pass missing="keep" to carry it')
        for row, tokens in enumerate(rows):
            if isinstance(tokens, str | bytes) or (tokens is not None and not isinstance(tokens, Sized)):
                raise InputError(f"texts: row {row} is one {type(tokens).__name__}, not a list of tokens")
        offsets = np.zeros(len(rows) + 1, np.int64)
        np.cumsum([0 if row is None else len(row) for row in rows], out=offsets[1:])
        flat = [token for row in rows if row is not None for token in row]
        if flat and isinstance(flat[0], int | np.integer):
            try:
                ids = np.array(flat, np.uint64)
            except (OverflowError, ValueError, TypeError) as error:
                raise InputError(f"token ids must be integers from 0 to 2**64-1: {error}") from None
            if any(isinstance(t, float | np.floating) for t in flat):
                raise InputError("token ids must be integers; some are floats")
            return _core.shingle_ids(ids, offsets, gaps, self.params, counts, threads)
        return _core.shingle_strings(flat, offsets, gaps, self.params, counts, threads)


def sets_marking_numbers(texts: TextsLike, shingler: Shingler, threads: int | None) -> ShingleSets:
    """The sets of texts of which some may be missing or damaged; they know where n-grams of numbers may be."""
    sets, replaced = _core.shingle_texts_marking_numbers(texts, shingler.params, threads)
    tell_replaced(replaced)
    return sets


def tell_replaced(replaced: int) -> None:
    """Log how many texts held lone surrogates, if any."""
    if replaced:
        log.warning("lone surrogates in %d of the texts became U+FFFD", replaced)


def checked_shingler(shingler: Any) -> Shingler | None:
    """The value of a keyword `shingler`."""
    if shingler is not None and not isinstance(shingler, Shingler):
        raise InputError(f"shingler is of type {type(shingler).__name__}; give an overproof.Shingler")
    return shingler


def callable_name(function: Callable[..., object], argument: str) -> str:
    """The name by which a user's function stands in parameters; InputError where it has none of its own."""
    module, qualified = getattr(function, "__module__", None), getattr(function, "__qualname__", "")
    name = getattr(function, "name", None) or (f"{module}.{qualified}" if module and qualified else "<unnamed>")
    if not isinstance(name, str) or "<" in name or name.endswith("."):
        raise InputError(f"a callable {argument} needs a name that identifies it: set its attribute .name to a str")
    return name


def _called(function: Callable[[str], Sequence[str]], text: str | None, row: int) -> list[str] | None:
    if text is None:
        return None
    tokens = list(function(text))
    if not all(isinstance(t, str) for t in tokens):
        raise InputError(f"texts: the analyzer returned something else than str for row {row}")
    return tokens


def _strs(texts: Any) -> Iterable[str | None]:
    """The texts as Python strings, for analyzers that are Python functions."""
    return _core.text_list(texts)


def _arrow_lists(column: Any) -> list[Any]:
    from overproof._extras import need

    pyarrow = need("pyarrow", extra="arrow")
    rows: list[Any] = (
        pyarrow.chunked_array(column).to_pylist()
        if hasattr(column, "__arrow_c_stream__")
        else pyarrow.array(column).to_pylist()
    )
    return rows

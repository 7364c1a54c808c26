"""Corpora that are looked up: which n-grams they hold, and how much of a text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy.typing as npt

from overproof import _core
from overproof._core import ShingleParams, ShingleSets
from overproof.errors import IncompatibleError, InputError
from overproof.shingle import Shingler, checked_shingler, tell_replaced

if TYPE_CHECKING:
    import numpy as np

    from overproof.typing import TextsLike

__all__ = ["NgramTable"]

BUILT_IN = ("word", "char", "byte")


class NgramTable:
    """The distinct n-grams of a corpus, in memory: which hashes stand in it, and how much of a text.

    Parameters
    ----------
    texts_or_sets : TextsLike or ShingleSets
        The corpus.
    shingler : Shingler, optional
        How texts become n-grams; ``Shingler()`` unless given. Of sets: the one that made them.
    missing, errors
        For texts, as in `Shingler.transform`.
    threads : int, optional
        At most this many threads; never changes a value.

    Attributes
    ----------
    params : ShingleParams or None
        How the hashes were made; None for hashes that you bring.
    fingerprint : int
        64 bits that stand for `params`.
    nbytes : int
        Bytes of the table, 12.3 a key.

    Raises
    ------
    InputError
        A row is not text.
    IncompatibleError
        The sets were made by another shingler than the one given.

    Notes
    -----
    Exact on 64-bit hashes: two n-grams of different texts meet with probability 2**-64 (docs/spec/hash.md). Building is
    O(bytes), and takes 8 bytes an n-gram beside the table. A look-up reads one cache line of eight keys, rarely two;
    lines are asked for ahead, so that many are under way at once (docs/lookup.md). No key stands for "nothing":
    the hash 0 is one like others.

    Examples
    --------
    >>> import overproof as op
    >>> table = op.NgramTable(["the cat sat on the mat", "a dog barks"], shingler=op.Shingler(n=2))
    >>> len(table)
    7
    >>> table.coverage(["The cat sat; a dog sat", "the cat", ""])
    array([0.6, 1. , nan])
    """

    def __init__(
        self,
        texts_or_sets: TextsLike | ShingleSets,
        *,
        shingler: Shingler | None = None,
        missing: str = "refuse",
        errors: str = "strict",
        threads: int | None = None,
    ) -> None:
        shingler = checked_shingler(shingler)
        if isinstance(texts_or_sets, ShingleSets):
            sets = texts_or_sets
            if shingler is not None and shingler.fingerprint != sets.fingerprint:
                raise IncompatibleError(
                    f"the sets were made by {sets.params or 'the user'}, the table names the shingler {shingler.params}"
                )
            self._set(_core.NgramTable.of_sets(sets, threads), sets.params, sets.fingerprint, shingler)
            return
        shingler = shingler or Shingler()
        rows = _rows(texts_or_sets, shingler, missing, errors, threads)
        if isinstance(rows, ShingleSets):
            table = _core.NgramTable.of_sets(rows, threads)
        else:
            table, replaced = _core.NgramTable.of_texts(rows, shingler.params, missing, errors, threads)
            tell_replaced(replaced)
        self._set(table, shingler.params, shingler.fingerprint, shingler)

    def _set(
        self, table: _core.NgramTable, params: ShingleParams | None, fingerprint: int, shingler: Shingler | None
    ) -> None:
        self._table = table
        self.params = params
        self.fingerprint = fingerprint
        self._shingler = shingler or _shingler_of(params)

    @classmethod
    def from_hashes(
        cls, hashes: npt.ArrayLike, *, shingler: Shingler | None = None, threads: int | None = None
    ) -> NgramTable:
        """A table of hashes that you bring.

        Parameters
        ----------
        hashes : uint64[m]
            In any order, repeats allowed.
        shingler : Shingler, optional
            The one that made them, for `coverage` of texts; without it the hashes are yours, and `coverage` takes sets
            of `ShingleSets.from_hashes`.
        threads : int, optional
            At most this many threads; never changes a value.

        Returns
        -------
        NgramTable

        Raises
        ------
        InputError
            Not one dimension of integers from 0 to 2**64 - 1.

        Notes
        -----
        O(m).

        Examples
        --------
        >>> import numpy as np, overproof as op
        >>> table = op.NgramTable.from_hashes(np.array([3, 0, 3], np.uint64))
        >>> len(table), table.contains(np.array([0, 1, 3], np.uint64)).tolist()
        (2, [True, False, True])
        """
        shingler = checked_shingler(shingler)
        params = None if shingler is None else shingler.params
        fingerprint = _core.fingerprint("overproof;hashes=user") if params is None else params.fingerprint
        return cls._made(_core.NgramTable.of_hashes(hashes, threads), params, fingerprint, shingler)

    @classmethod
    def _made(
        cls, table: _core.NgramTable, params: ShingleParams | None, fingerprint: int, shingler: Shingler | None
    ) -> NgramTable:
        made = cls.__new__(cls)
        made._set(table, params, fingerprint, shingler)
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (self._table.hashes(), self.params, self.fingerprint, self._shingler)

    def __len__(self) -> int:
        return len(self._table)

    def __repr__(self) -> str:
        return f"<NgramTable of {len(self)} n-grams; {self.params or 'user hashes'}>"

    @property
    def nbytes(self) -> int:
        """Bytes that the table takes."""
        return self._table.nbytes

    def contains(self, hashes: npt.ArrayLike, *, threads: int | None = None) -> npt.NDArray[np.bool_]:
        """Whether each hash is in the table.

        Parameters
        ----------
        hashes : uint64[n]
            As of ``ShingleSets.hashes``; that they were made by the same shingler cannot be checked.
        threads : int, optional
            At most this many threads; never changes a value.

        Returns
        -------
        bool[n]

        Raises
        ------
        InputError
            Not one dimension of integers from 0 to 2**64 - 1.

        Notes
        -----
        O(n). Memory is a copy of `hashes` and the result.

        Examples
        --------
        >>> import overproof as op
        >>> shingler = op.Shingler(n=1)
        >>> table = op.NgramTable(["a b c"], shingler=shingler)
        >>> table.contains(shingler.transform(["b", "x"]).hashes)
        array([ True, False])
        """
        return self._table.contains(hashes, threads)

    def coverage(
        self,
        texts_or_sets: TextsLike | ShingleSets,
        *,
        missing: str = "refuse",
        errors: str = "strict",
        threads: int | None = None,
    ) -> npt.NDArray[np.float64]:
        """The share of each text's distinct n-grams that stand anywhere in the corpus.

        That is the containment of row i in the union of all texts of the corpus. It does not say that one text of the
        corpus holds them all: common phrases of many texts cover much of any text.

        Parameters
        ----------
        texts_or_sets : TextsLike or ShingleSets
            n texts, or n sets made by the shingler of the corpus.
        missing, errors
            For texts, as in `Shingler.transform`.
        threads : int, optional
            At most this many threads; never changes a value.

        Returns
        -------
        float64[n]
            From 0 to 1; NaN for rows without n-grams, and for missing ones.

        Raises
        ------
        InputError
            A row is not text; or the table does not know how to shingle texts, as it was made of hashes or of sets.
        IncompatibleError
            The sets were made in another way than the corpus.

        Notes
        -----
        O(bytes). Texts go through the table as they are shingled, no set of them is kept.

        Examples
        --------
        >>> import overproof as op
        >>> table = op.NgramTable(["a b c", "c d"], shingler=op.Shingler(n=2))
        >>> table.coverage(["b c d e"])
        array([0.66666667])
        """
        if not isinstance(texts_or_sets, ShingleSets):
            if self._shingler is None:
                made = f"by {self.params}" if self.params else "of your hashes"
                raise InputError(
                    f"the table was made {made}, without a shingler that could do the same to texts; give "
                    "ShingleSets, or name the shingler when you make the table"
                )
            texts_or_sets = _rows(texts_or_sets, self._shingler, missing, errors, threads)
        if not isinstance(texts_or_sets, ShingleSets):
            assert self.params is not None
            shares, replaced = self._table.coverage_of_texts(texts_or_sets, self.params, missing, errors, threads)
            tell_replaced(replaced)
            return shares
        if texts_or_sets.fingerprint != self.fingerprint:
            raise IncompatibleError(
                "sets and table were made with different parameters and cannot be compared; make both with the same "
                f"Shingler\n  sets: {texts_or_sets.params or 'user hashes'} "
                f"(fingerprint {texts_or_sets.fingerprint:016x})"
                f"\n  table: {self.params or 'user hashes'} (fingerprint {self.fingerprint:016x})"
            )
        return self._table.coverage_of_sets(texts_or_sets, threads)


def _restored(
    hashes: npt.NDArray[np.uint64], params: ShingleParams | None, fingerprint: int, shingler: Shingler | None
) -> NgramTable:
    return NgramTable._made(_core.NgramTable.of_hashes(hashes, None), params, fingerprint, shingler)


def _shingler_of(params: ShingleParams | None) -> Shingler | None:
    """A shingler of these parameters; a function of the user's is not among them."""
    if params is None or params.analyzer.startswith("named:"):
        return None
    return Shingler(
        params.n, analyzer=params.analyzer, normalization=params.normalization, seed=params.seed, lists=params.lists
    )


def _rows(texts: Any, shingler: Shingler, missing: str, errors: str, threads: int | None) -> Any:
    """What the core takes: texts that it can shingle itself, or sets."""
    if shingler.params.analyzer in BUILT_IN:
        return texts
    return shingler.transform(texts, missing=missing, errors=errors, threads=threads)

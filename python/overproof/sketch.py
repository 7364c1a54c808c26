"""Texts and shingle sets to sketches: fixed-size summaries that are compared row against row."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from operator import index
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from overproof import _core
from overproof._core import SetSketch, ShingleSets, SketchArray, SketchParams
from overproof.errors import IncompatibleError, InputError
from overproof.shingle import Shingler, callable_name, checked_shingler, tell_replaced

if TYPE_CHECKING:
    from overproof.typing import TextsLike

__all__ = ["FracMinHash", "MinHash", "SetSketch", "SimHash", "SketchArray", "SketchParams"]

MINHASH_SCHEMES = ("affine32-op1", "oph", "datasketch-affine32", "datasketch-affine64", "datasketch-legacy")


class MinHash:
    """MinHash sketches: the share of equal values estimates the Jaccard similarity of two shingle sets.

    Parameters
    ----------
    num_perm : int
        Number of values in a sketch, k, 1 to 65,536. The estimate's standard deviation is sqrt(J (1 - J) / k).
    shingler : Shingler, optional
        How texts become shingles; ``Shingler()`` unless given. The datasketch schemes take none.
    scheme : str
        ``"affine32-op1"``: k affine permutations of 32 bits; unbiased at every set size, and mergeable.
        ``"oph"``: one permutation in k bins; time independent of k, mergeable; for texts of many more than k shingles,
        since empty bins carry no information.
        ``"datasketch-affine32"``, ``"datasketch-affine64"``, ``"datasketch-legacy"``: the values of the package
        datasketch 2.0.0, bit for bit, over tokens that you bring; ``-legacy`` also those of its versions before 2.0.
    seed : int
        Chooses one of the hash functions; not a key. Sketches of different seeds do not compare.
    hashfunc : callable, optional
        For the datasketch schemes, as there: the bytes of a token to an integer of 32 bits (``-affine64``: 64), such as
        ``xxhash.xxh32_intdigest``; SHA-1 unless given. Its name, or its attribute ``.name``, goes into `params`.

    Attributes
    ----------
    params : SketchParams
        What decides a value: scheme, num_perm, seed, and how the hashes are made.
    fingerprint : int
        64 bits that stand for `params`.

    Notes
    -----
    Formulas and vectors: docs/spec/sketches.md.

    References
    ----------
    Broder, "On the resemblance and containment of documents", 1997. Li, Owen and Zhang, "One permutation hashing",
    2012.

    Examples
    --------
    >>> import numpy as np, overproof as op
    >>> minhash = op.MinHash(256, shingler=op.Shingler(n=1))
    >>> a = minhash.sketch(["one two three four", "red"])
    >>> b = minhash.sketch(["two three four five", "blue"])
    >>> estimate = (np.asarray(a) == np.asarray(b)).mean(axis=1)
    >>> bool(abs(estimate[0] - 3 / 5) < 0.1), float(estimate[1])
    (True, 0.0)
    """

    def __init__(
        self,
        num_perm: int = 128,
        *,
        shingler: Shingler | None = None,
        scheme: str = "affine32-op1",
        seed: int = 1,
        hashfunc: Callable[[bytes], int] | None = None,
    ) -> None:
        if scheme not in MINHASH_SCHEMES:
            raise InputError(f"scheme={scheme!r} is unknown; give one of {', '.join(MINHASH_SCHEMES)}")
        self._size = _integer("num_perm", num_perm, 1, 2**16)
        self._scheme = scheme
        self._tokens = scheme.startswith("datasketch-")
        self._seed = _integer("seed", seed, 0, 2**32 - 1 if self._tokens else 2**64 - 1)
        if self._tokens and shingler is not None:
            raise InputError(f"scheme={scheme!r} takes rows of tokens, so it has no shingler")
        if hashfunc is not None and not (self._tokens and callable(hashfunc)):
            raise InputError(f"hashfunc={hashfunc!r}: a function of bytes, for the datasketch schemes only")
        self._hashfunc = hashfunc
        self._hash = "sha1" if hashfunc is None else f"named:{ascii(callable_name(hashfunc, 'hashfunc'))[1:-1]}"
        self._given = checked_shingler(shingler)
        self.shingler: Shingler | None = None if self._tokens else shingler or Shingler()

    @property
    def params(self) -> SketchParams:
        """What decides a value of a sketch made from texts or tokens."""
        source = self.shingler.params if self.shingler else f"datasketch;hash={self._hash};bits={self._hash_bits}"
        return SketchParams(self._scheme, self._size, self._seed, source)

    @property
    def fingerprint(self) -> int:
        """64 bits that stand for `params`."""
        return self.params.fingerprint

    @property
    def _hash_bits(self) -> int:
        return 64 if self._scheme == "datasketch-affine64" else 32

    def __repr__(self) -> str:
        return f"<MinHash {self.params}>"

    def sketch(
        self,
        texts_or_sets: TextsLike | ShingleSets | Iterable[Sequence[bytes | str]],
        *,
        missing: str = "refuse",
        errors: str = "strict",
        threads: int | None = None,
    ) -> SketchArray:
        """A sketch of each text or set.

        Parameters
        ----------
        texts_or_sets : TextsLike or ShingleSets
            n texts, or n sets. For the datasketch schemes: n sequences of tokens, bytes or str (taken as UTF-8).
        missing, errors
            For texts, as in `Shingler.transform`.
        threads : int, optional
            At most this many threads; never changes a value.

        Returns
        -------
        SketchArray
            n rows of num_perm values: uint32, or uint64 for datasketch-affine64 and -legacy.

        Raises
        ------
        InputError
            A row is no text, or one text has more than 2**32 / 1000 distinct shingles, too many for 32-bit values.
        IncompatibleError
            The sets were made by another shingler than the one given.

        Notes
        -----
        O(bytes + shingles * num_perm), for oph O(bytes + shingles). Texts go to sketches without a set in between.
        """
        if self._tokens:
            return self._sketch_tokens(texts_or_sets, threads)
        if isinstance(texts_or_sets, ShingleSets):
            params = _params_of_sets(self._scheme, self._size, self._seed, texts_or_sets, self._given)
            return _core.sketch_sets(texts_or_sets, params, None, threads)
        return _sketch_texts(
            texts_or_sets, self.shingler or Shingler(), self.params, missing=missing, errors=errors, threads=threads
        )

    def _sketch_tokens(self, rows: Any, threads: int | None) -> SketchArray:
        if isinstance(rows, ShingleSets | str | bytes) or not isinstance(rows, Iterable):
            raise InputError(f"scheme={self._scheme!r} takes rows of tokens (bytes or str), not {type(rows).__name__}")
        lengths, tokens = [0], list[bytes]()
        for number, row in enumerate(rows):
            if isinstance(row, str | bytes) or not isinstance(row, Iterable):
                raise InputError(f"row {number} is one {type(row).__name__}, not a sequence of tokens")
            before = len(tokens)
            tokens.extend(_token(t, number) for t in row)
            lengths.append(len(tokens) - before)
        a, b = datasketch_permutations(self._scheme, self._size, self._seed)
        indptr = np.cumsum(lengths, dtype=np.int64)
        return _core.sketch_hashes(self._token_hashes(tokens), indptr, a, b, self.params, threads)

    def _token_hashes(self, tokens: list[bytes]) -> npt.NDArray[np.uint64]:
        bits = self._hash_bits
        if self._hashfunc is None:
            digests = b"".join(hashlib.sha1(t, usedforsecurity=False).digest()[: bits // 8] for t in tokens)
            return np.frombuffer(digests, f"<u{bits // 8}").astype(np.uint64)
        made = list(map(self._hashfunc, tokens))
        try:
            hashes = np.array(list(map(index, made)), np.uint64)
        except (TypeError, OverflowError) as error:
            raise InputError(f"hashfunc must return integers from 0 to 2**{bits}-1: {error}") from None
        if bits == 32 and hashes.size and hashes.max() >> np.uint64(32):
            raise InputError(
                f"hashfunc returned {hashes.max()}; {self._scheme} takes hashes of 32 bits, datasketch-affine64 of 64"
            )
        return hashes

    def from_values(self, values: npt.ArrayLike | Sequence[object]) -> SketchArray:
        """Sketches from values that exist already: those of datasketch objects, or of a column where they were kept.

        Parameters
        ----------
        values : integer[n, num_perm], Arrow column, or datasketch objects
            Values made with the parameters of this object, which nothing in bare values can prove: those of datasketch
            belong to the schemes named after it, never to ``affine32-op1``. An Arrow column holds fixed_size_list of
            num_perm uint32, uint64 or int64. Objects (``MinHash``, ``LeanMinHash``) say how they were made, and that is
            checked. A row that holds only the largest value is taken as that of no shingle.

        Returns
        -------
        SketchArray
            n rows; no row is missing.

        Raises
        ------
        InputError
            The shape is another, a row of the column is null, or a value does not fit the scheme.
        IncompatibleError
            An object has another scheme, num_perm, seed or hash function.

        Notes
        -----
        O(n num_perm).

        Examples
        --------
        >>> import numpy as np, overproof as op
        >>> minhash = op.MinHash(16)
        >>> kept = np.asarray(minhash.sketch(["some words that were sketched long ago", ""]))
        >>> again = minhash.from_values(kept)
        >>> again.empty.tolist(), np.array_equal(again, kept)
        ([False, True], True)
        """
        if _is_arrow_column(values):
            return _core.sketch_values(values, self.params)
        rows = np.asarray(values)
        if rows.dtype == object and any(hasattr(row, "hashvalues") for row in rows.flat):
            rows = self._hashvalues(rows)
        if rows.size and (rows.ndim != 2 or rows.shape[1] != self._size):
            raise InputError(f"values has shape {rows.shape}; give n rows of {self._size}")
        return _core.sketch_values(rows.ravel(), self.params)

    def _hashvalues(self, objects: npt.NDArray[np.object_]) -> npt.NDArray[np.unsignedinteger[Any]]:
        """The values of datasketch objects that were made as this one makes them."""
        if objects.ndim != 1:
            raise InputError("values is no list of datasketch objects; give one of them a row: [m, ...]")
        for row, one in enumerate(objects):
            # A bBitMinHash keeps b bits of each value, a WeightedMinHash pairs of values.
            if hasattr(one, "b") or np.ndim(getattr(one, "hashvalues", 0)) != 1 or not hasattr(one, "seed"):
                raise InputError(
                    f"values: row {row} is of type {type(one).__name__}; give MinHash or LeanMinHash alone"
                )
            # There was one scheme before 2.0, without a name.
            theirs = len(one.hashvalues), f"datasketch-{getattr(one, 'scheme', 'legacy')}", one.seed
            if theirs != (self._size, self._scheme, self._seed):
                raise IncompatibleError(
                    f"values: row {row} was made with num_perm={theirs[0]}, scheme={theirs[1]!r}, seed={theirs[2]}; "
                    f"this MinHash has num_perm={self._size}, scheme={self._scheme!r}, seed={self._seed}: "
                    "give op.MinHash what the objects were made with"
                )
            self._check_hashfunc(getattr(one, "hashfunc", None), row)
        return np.stack([one.hashvalues for one in objects])

    def _check_hashfunc(self, theirs: Any, row: int) -> None:
        """Refuse the hash function of a datasketch object if it is another; a LeanMinHash has None."""
        name = getattr(theirs, "__name__", repr(theirs))
        if theirs is None or theirs == self._hashfunc or (self._hashfunc is None and name.startswith("sha1_hash")):
            return
        raise IncompatibleError(
            f"values: row {row} names the hashfunc {name}, this MinHash {self._hash}: give op.MinHash the same one; "
            "if the object does not know how its values were made, give [m.hashvalues for m in values]"
        )


class SimHash:
    """SimHash sketches: the share of differing bits estimates the angle between two weighted shingle sets.

    Parameters
    ----------
    bits : {64, 128}
        Length of a sketch.
    shingler : Shingler, optional
        How texts become shingles; ``Shingler()`` unless given.
    seed : int
        Chooses one of the hash functions; not a key. Sketches of different seeds do not compare.

    Attributes
    ----------
    params : SketchParams
        What decides a value: scheme, bits, seed, and how the hashes are made.
    fingerprint : int
        64 bits that stand for `params`.

    Notes
    -----
    A shingle weighs as often as it occurs, or as you say. Bit j is 1 when the weights of the shingles whose hash has
    bit j outweigh the others; a tie gives 0. Formulas and vectors: docs/spec/sketches.md.

    References
    ----------
    Charikar, "Similarity estimation techniques from rounding algorithms", 2002.

    Examples
    --------
    >>> import numpy as np, overproof as op
    >>> simhash = op.SimHash(shingler=op.Shingler(n=1))
    >>> sketches = simhash.sketch(["the cat sat on the mat today", "the cat sat on the mat", "no, nothing"])
    >>> one, two, other = (int(row[0]) for row in np.asarray(sketches))
    >>> (one ^ two).bit_count() < (one ^ other).bit_count()
    True
    """

    def __init__(self, bits: int = 64, *, shingler: Shingler | None = None, seed: int = 1) -> None:
        if bits not in (64, 128):
            raise InputError(f"bits={bits!r}: give 64 or 128")
        self._size = int(bits)
        self._seed = _integer("seed", seed, 0, 2**64 - 1)
        self._given = checked_shingler(shingler)
        self.shingler: Shingler = shingler or Shingler()

    @property
    def params(self) -> SketchParams:
        """What decides a value of a sketch made from texts."""
        return SketchParams("simhash", self._size, self._seed, self.shingler.params)

    @property
    def fingerprint(self) -> int:
        """64 bits that stand for `params`."""
        return self.params.fingerprint

    def __repr__(self) -> str:
        return f"<SimHash {self.params}>"

    def sketch(
        self,
        texts_or_sets: TextsLike | ShingleSets,
        *,
        weights: npt.ArrayLike | None = None,
        missing: str = "refuse",
        errors: str = "strict",
        threads: int | None = None,
    ) -> SketchArray:
        """A sketch of each text or set.

        Parameters
        ----------
        texts_or_sets : TextsLike or ShingleSets
            n texts, or n sets with counts (``transform(..., counts=True)``) or with `weights`.
        weights : int32[nnz], optional
            For sets: the weight of each of ``sets.hashes``, in fixed point of your choice, of any sign. Such sketches
            have a fingerprint of their own.
        missing, errors
            For texts, as in `Shingler.transform`.
        threads : int, optional
            At most this many threads; never changes a value.

        Returns
        -------
        SketchArray
            n rows of bits // 64 words, uint64; bit 64 + j of a sketch is bit j of its second word.

        Raises
        ------
        InputError
            A row is no text; the sets hold no counts and no weights are given; weights do not fit.
        IncompatibleError
            The sets were made by another shingler than the one given.

        Notes
        -----
        O(bytes + shingles). Texts go to sketches without a set in between.
        """
        if isinstance(texts_or_sets, ShingleSets):
            scheme = "simhash" if weights is None else "simhash-weighted"
            params = _params_of_sets(scheme, self._size, self._seed, texts_or_sets, self._given)
            return _core.sketch_sets(texts_or_sets, params, weights, threads)
        if weights is not None:
            raise InputError("weights go with ShingleSets, whose .hashes they follow; make sets of the texts first")
        return _sketch_texts(texts_or_sets, self.shingler, self.params, missing=missing, errors=errors, threads=threads)


class FracMinHash:
    """FracMinHash sketches: the shingles whose hash is below a threshold, for containment between unequal sizes.

    Parameters
    ----------
    scaled : int
        About one shingle of `scaled` is kept. 1 keeps all; 100 and more are for corpora: of a text with few shingles
        nothing may be kept.
    shingler : Shingler, optional
        How texts become shingles; ``Shingler()`` unless given.
    seed : int
        Chooses which shingles are kept; not a key. Sketches of different seeds do not compare.

    Attributes
    ----------
    params : SketchParams
        What decides a value: scheme, scaled, seed, and how the hashes are made.
    fingerprint : int
        64 bits that stand for `params`.

    Notes
    -----
    Given how many shingles of a text were kept, which ones is uniform, so the share of them found elsewhere is an
    unbiased estimate of containment. Formulas and vectors: docs/spec/sketches.md.

    References
    ----------
    Irber et al., "Lightweight compositional analysis of metagenomes with FracMinHash", 2022. Hera, Pierce-Ward and
    Koslicki, "Deriving confidence intervals for mutation rates ... using FracMinHash", 2023.

    Examples
    --------
    >>> import overproof as op
    >>> kept = op.FracMinHash(scaled=4).sketch([" ".join(str(i) for i in range(1004))])
    >>> kept.sizes.tolist(), 200 < len(kept.hashes) < 300
    ([1000], True)
    """

    def __init__(self, scaled: int = 1, *, shingler: Shingler | None = None, seed: int = 1) -> None:
        self._size = _integer("scaled", scaled, 1, 2**64 - 1)
        self._seed = _integer("seed", seed, 0, 2**64 - 1)
        self._given = checked_shingler(shingler)
        self.shingler: Shingler = shingler or Shingler()

    @property
    def params(self) -> SketchParams:
        """What decides a value of a sketch made from texts."""
        return SketchParams("fracminhash", self._size, self._seed, self.shingler.params)

    @property
    def fingerprint(self) -> int:
        """64 bits that stand for `params`."""
        return self.params.fingerprint

    def __repr__(self) -> str:
        return f"<FracMinHash {self.params}>"

    def sketch(
        self,
        texts_or_sets: TextsLike | ShingleSets,
        *,
        missing: str = "refuse",
        errors: str = "strict",
        threads: int | None = None,
    ) -> SetSketch:
        """The kept shingles of each text or set.

        Parameters
        ----------
        texts_or_sets : TextsLike or ShingleSets
            n texts, or n sets.
        missing, errors
            For texts, as in `Shingler.transform`.
        threads : int, optional
            At most this many threads; never changes a value.

        Returns
        -------
        SetSketch
            n rows of kept hashes, sorted and unique, as CSR.

        Raises
        ------
        InputError
            A row is no text.
        IncompatibleError
            The sets were made by another shingler than the one given.

        Notes
        -----
        O(bytes + shingles log shingles of a text): the sets are made first, since their sizes are part of the sketch.
        """
        sets = texts_or_sets
        if not isinstance(sets, ShingleSets):
            sets = self.shingler.transform(sets, missing=missing, errors=errors, threads=threads)
        params = _params_of_sets("fracminhash", self._size, self._seed, sets, self._given)
        return _core.fracminhash_sets(sets, params, threads)


def datasketch_permutations(
    scheme: str, num_perm: int, seed: int
) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64]]:
    """Multipliers and offsets as datasketch 2.0.0 draws them, from NumPy's legacy generator."""
    draw = np.random.RandomState(seed)
    if scheme == "datasketch-legacy":
        prime = 2**61 - 1
        pairs = [
            (draw.randint(1, prime, dtype=np.uint64), draw.randint(0, prime, dtype=np.uint64)) for _ in range(num_perm)
        ]
        a, b = np.array(pairs, np.uint64).T
    else:
        dtype, width = (np.uint64, 64) if scheme == "datasketch-affine64" else (np.uint32, 32)
        a = draw.randint(0, 1 << (width - 1), num_perm, dtype=dtype) * dtype(2) + dtype(1)
        b = draw.randint(0, 1 << width, num_perm, dtype=dtype)
    return np.ascontiguousarray(a, np.uint64), np.ascontiguousarray(b, np.uint64)


def _is_arrow_column(values: object) -> bool:
    """Whether this is one column of Arrow; NumPy reads frames, and what pandas keeps in NumPy."""
    arrow = hasattr(values, "__arrow_c_array__") or hasattr(values, "__arrow_c_stream__")
    return arrow and not hasattr(values, "columns") and not isinstance(getattr(values, "dtype", None), np.dtype)


def _integer(name: str, value: int, least: int, most: int) -> int:
    if not isinstance(value, int | np.integer) or isinstance(value, bool) or not least <= value <= most:
        raise InputError(f"{name}={value!r}: give an integer from {least} to {most}")
    return int(value)


def _token(token: Any, row: int) -> bytes:
    if isinstance(token, str):
        return token.encode()
    if isinstance(token, bytes):
        return token
    raise InputError(f"row {row}: a token is of type {type(token).__name__}; give bytes or str")


def _params_of_sets(scheme: str, size: int, seed: int, sets: ShingleSets, shingler: Shingler | None) -> SketchParams:
    """Parameters of sketches of `sets`, which must be those of the shingler that the user named, if he did."""
    if shingler is not None and shingler.fingerprint != sets.fingerprint:
        raise IncompatibleError(
            f"the sets were made by {sets.params or 'the user'}, this sketch names the shingler {shingler.params}"
        )
    return SketchParams(scheme, size, seed, sets)


def _sketch_texts(
    texts: Any, shingler: Shingler, params: SketchParams, *, missing: str, errors: str, threads: int | None
) -> SketchArray:
    if shingler.params.analyzer not in ("word", "char", "byte"):
        counts = params.scheme == "simhash"
        sets = shingler.transform(texts, counts=counts, missing=missing, errors=errors, threads=threads)
        return _core.sketch_sets(sets, params, None, threads)
    sketches, replaced = _core.sketch_texts(texts, shingler.params, params, missing, errors, threads)
    tell_replaced(replaced)
    return sketches

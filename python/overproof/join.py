"""Pairs of similar texts: all above a threshold, or the best of each row."""

from __future__ import annotations

import logging
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from overproof import _core
from overproof._core import ShingleSets, Spans, TextColumn
from overproof._memory import parse_memory
from overproof.corpus import Corpus
from overproof.errors import InputError
from overproof.score import LSHParams, common_spans
from overproof.shingle import Shingler, checked_shingler, tell_replaced
from overproof.sketch import SketchArray

if TYPE_CHECKING:
    from overproof.typing import TextsLike

__all__ = ["Pairs", "candidate_pairs", "similarity_join", "similarity_topk"]

log = logging.getLogger("overproof")

Metric = Literal["jaccard", "containment", "overlap_coefficient", "dice", "hamming"]


@dataclass(frozen=True, eq=False, repr=False)
class Pairs:
    """Pairs of rows with their scores, one row a pair; what joins return.

    Leaves as an Arrow stream with the columns left, right, score and, where known, left_id, right_id:
    ``pyarrow.table(pairs)``, ``polars.DataFrame(pairs)``, ``pandas.DataFrame.from_arrow(pairs)``. It pickles.

    Attributes
    ----------
    left, right : int64[p]
        Row of the left side and of the right side (of left again in a self-join).
    score : float32[p]
        The score, rounded once from float64; thresholds are held in float64. Of ``"hamming"`` the distance, of
        `candidate_pairs` the share of bands that agree.
    left_id, right_id : TextColumn of p ids, or None
        Where the side is a `Corpus` with ids.
    verified : bool
        Whether scores are exact on the shingle sets; estimates of sketches otherwise.
    rows : (int, int)
        Rows of the left side and of the right side.
    empty : (int, int)
        Rows of each side without any shingle (no token, or missing), which are in no pair.
    params : str
        How the pairs were found.

    Examples
    --------
    >>> import overproof as op
    >>> op.similarity_join(["a b c d e f", "a b c d e f g", ""], threshold=0.5, shingler=op.Shingler(n=3))
    <Pairs: 1 pair of 3 x 3 rows, jaccard >= 0.5, verified, recall target 0.95; rows without shingles: 1, 1>
    """

    left: npt.NDArray[np.int64]
    right: npt.NDArray[np.int64]
    score: npt.NDArray[np.float32]
    left_id: TextColumn | None
    right_id: TextColumn | None
    verified: bool
    rows: tuple[int, int]
    empty: tuple[int, int]
    params: str

    def __post_init__(self) -> None:
        for column in (self.left, self.right, self.score):
            column.flags.writeable = False

    @property
    def fingerprint(self) -> int:
        """64-bit fingerprint of ``params``."""
        return _core.fingerprint(self.params)

    def __len__(self) -> int:
        return len(self.left)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), tuple(getattr(self, field.name) for field in fields(self))

    def __repr__(self) -> str:
        return f"<Pairs: {self._summary()}>"

    def _summary(self) -> str:
        values = dict(part.split("=", 1) for part in self.params.split(";") if "=" in part)
        asked = f"best {values['k']}, " if "k" in values else ""
        recall = values.get("recall", "1")
        missed = f", recall target {recall}" if recall != "1" else ""
        reaches = "<=" if values["metric"] == "hamming" else ">="
        asked += (
            f"{values['metric']} {reaches} {values['threshold']}"
            if "threshold" in values
            else f"agree on one of {values['bands']} bands of {values['rows']} values"
        )
        count = len(self) or "NO"
        return (
            f"{count} pair{'' if len(self) == 1 else 's'} of {self.rows[0]} x {self.rows[1]} rows, {asked}, "
            f"{'verified' if self.verified else 'estimated'}{missed}; "
            f"rows without shingles: {self.empty[0]}, {self.empty[1]}"
        )

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> Any:
        """All columns as an Arrow stream of one batch; a requested schema is not converted to."""
        return _core.pairs_stream(self.left, self.right, self.score, (self.left_id, self.right_id))

    def spans(
        self,
        left_texts: TextsLike,
        right_texts: TextsLike | None = None,
        *,
        min_tokens: int = 20,
        analyzer: Literal["word", "char", "byte"] = "word",
        normalization: str = "nfkc_casefold",
        threads: int | None = None,
    ) -> Spans:
        """The maximal runs of tokens that the two texts of each pair share; ``.row`` is the number of the pair.

        Parameters
        ----------
        left_texts, right_texts : TextsLike
            The texts of both sides, in the order in which they were joined. None: those of the left side (self-join).
        min_tokens, analyzer, normalization, threads
            As in `common_spans`.

        Returns
        -------
        Spans
            See `common_spans`.

        Raises
        ------
        InputError
            The texts are not as many as the rows that were joined.

        Notes
        -----
        O(bytes) of each pair, and memory for a copy of both texts of each pair.

        Examples
        --------
        >>> import overproof as op
        >>> texts = ["so a b c d e f", "a b c d e f g"]
        >>> pairs = op.similarity_join(texts, threshold=0.5, shingler=op.Shingler(n=3))
        >>> spans = pairs.spans(texts, min_tokens=3)
        >>> texts[0][spans.left_start[0]:spans.left_end[0]]
        'a b c d e f'
        """
        left = TextColumn(left_texts, missing="keep", errors="replace")
        right = left if right_texts is None else TextColumn(right_texts, missing="keep", errors="replace")
        for name, texts, rows in (("left_texts", left, self.rows[0]), ("right_texts", right, self.rows[1])):
            if len(texts) != rows:
                raise InputError(f"{name} are {len(texts)}, but {rows} rows were joined; give the same texts again")
        return common_spans(
            left.take(self.left),
            right.take(self.right),
            min_tokens=min_tokens,
            analyzer=analyzer,
            normalization=normalization,
            missing="keep",
            threads=threads,
        )


def similarity_join(
    left: TextsLike | ShingleSets | SketchArray,
    right: TextsLike | ShingleSets | SketchArray | None = None,
    *,
    threshold: float,
    metric: Metric = "jaccard",
    recall: float = 0.95,
    shingler: Shingler | None = None,
    num_perm: int = 128,
    memory: int | str | None = None,
    missing: str = "refuse",
    errors: str = "strict",
    threads: int | None = None,
) -> Pairs:
    """All pairs of a left row and a right row whose score is at least `threshold`.

    Of texts and sets every pair that is returned has that score: precision is 1. With ``metric="jaccard"`` and
    ``recall`` below 1 the candidates come from MinHash bands, which miss a share of the pairs; every other join of
    texts or sets is complete.

    Parameters
    ----------
    left, right : TextsLike, ShingleSets, or SketchArray of MinHash or SimHash
        n and m rows. ``right=None`` joins left with itself: each pair once (left < right) by a symmetric metric, both
        ways by containment, and no row with itself. MinHash gives pairs by their *estimated* Jaccard
        (``.verified`` is False), SimHash by the distance of their bits.
    threshold : float
        Above 0, up to 1. A score that equals it is in. For ``"hamming"``: the most bits in which two rows may differ,
        an integer from 0.
    metric : {"jaccard", "containment", "overlap_coefficient", "dice", "hamming"}
        Containment is |A & B| / |A| of the left row A. ``"hamming"`` is for SimHash, and for it alone; it finds all.
    recall : float
        Above 0, up to 1: least probability that a pair exactly at the threshold is found; above it more are
        (`lsh_params`). It counts for ``"jaccard"`` alone; the other metrics always find all. At ``threshold=1``, and
        where `num_perm` values cannot reach it, the join is exact too. 1 is exact. On sketches it is the probability
        that the bands agree; 1 finds every pair whose estimate reaches the threshold.
    shingler : Shingler, optional
        How texts are shingled; ``Shingler()`` by default.
    num_perm : int
        Values of the MinHash (``affine32-op1``, seed 1) that is banded; sketches have their own.
    memory : int or str, optional
        Bytes, or a text such as ``"2GB"``, that the join may take beside its input and its result. Rows are then worked
        through in blocks, left ones once for each block of right ones, at the price of shingling texts again; no value
        depends on it. A row that does not fit is a block of its own.
    missing, errors
        As in `Shingler.transform`.
    threads : int, optional
        At most this many threads; never changes a value.

    Returns
    -------
    Pairs
        Sorted by left, then right row. Rows without shingles are in no pair; ``.empty`` counts them.

    Raises
    ------
    InputError
        An argument is out of range or a row is not text.
    IncompatibleError
        Left and right were shingled or sketched in different ways.

    Warns
    -----
    A join without any pair is logged as a warning of the logger ``overproof``, with the numbers of rows. It says that
    no pair reaches the threshold, not that one side does not come from the other.

    Notes
    -----
    Exact: prefix filtering, O(shingles) and one intersection for each candidate, of which rare shingles leave few; at
    most 84 bytes a shingle of the right side (overlap coefficient: 144). Banding: O(shingles * num_perm), at most 24
    bytes a shingle and about 2 kB a row. Hamming: rows within distance d agree on one of d + 1 blocks of bits, so they
    are parted by each block in turn and compared within parts, or all compared, whichever is estimated to be less
    (docs/lookup.md); at most 96 bytes a row.

    References
    ----------
    Bayardo, Ma and Srikant, "Scaling up all pairs similarity search", 2007; Xiao et al., "Efficient similarity joins
    for near duplicate detection", 2008; Leskovec, Rajaraman and Ullman, "Mining of massive datasets", chapter 3; Manku,
    Jain and Das Sarma, "Detecting near-duplicates for web crawling", 2007.

    Examples
    --------
    >>> import overproof as op
    >>> served = ["the cat sat on the mat", "no text of mine"]
    >>> suspect = ["The cat sat on the hat", "", "the cat sat on the mat!"]
    >>> pairs = op.similarity_join(suspect, served, threshold=0.5, shingler=op.Shingler(n=2), recall=1)
    >>> list(zip(pairs.left.tolist(), pairs.right.tolist(), pairs.score.round(3).tolist()))
    [(0, 0, 0.6669999957084656), (2, 0, 1.0)]
    """
    shingler = checked_shingler(shingler) or Shingler()
    found = _core.similarity_join(
        _rows(left, shingler, missing, errors, threads),
        None if right is None else _rows(right, shingler, missing, errors, threads),
        shingler.params,
        metric,
        threshold,
        recall,
        num_perm,
        parse_memory(memory),
        missing,
        errors,
        threads,
    )
    return _pairs(left, right, found)


def candidate_pairs(
    left: SketchArray,
    right: SketchArray | None = None,
    *,
    params: LSHParams | tuple[int, int],
    memory: int | str | None = None,
    threads: int | None = None,
) -> Pairs:
    """All pairs of a left row and a right row whose MinHash sketches agree on at least one band: what a join looks at.

    They are not verified. A pair of Jaccard s is among them with probability 1 - (1 - s**rows)**bands. Use it to see
    what bands and rows cost, or to verify by a measure of your own; `similarity_join` verifies.

    Parameters
    ----------
    left, right : SketchArray of MinHash
        n and m rows. ``right=None`` pairs left with itself, each pair once (left < right).
    params : LSHParams or (int, int)
        Bands, and values in each (rows), such as `lsh_params` gives.
    memory : int or str, optional
        As in `similarity_join`; about ``28 * bands + 72`` bytes a row are taken.
    threads : int, optional
        At most this many threads; never changes a value.

    Returns
    -------
    Pairs
        Sorted by left, then right row; ``.score`` is the share of bands on which the two agree, at least 1 / bands, and
        estimates s**rows. Rows without shingles are in no pair.

    Raises
    ------
    InputError
        The sketches are not MinHash, or have fewer values than bands times rows.
    IncompatibleError
        Left and right were sketched in different ways.

    Notes
    -----
    O(n bands) and one step for each band that a pair shares (docs/lookup.md). ``oph`` is densified first.

    References
    ----------
    Leskovec, Rajaraman and Ullman, "Mining of massive datasets", chapter 3.

    Examples
    --------
    >>> import overproof as op
    >>> sketches = op.MinHash(128, shingler=op.Shingler(n=1)).sketch(["a b c d e", "a b c d", "x y z"])
    >>> op.candidate_pairs(sketches, params=op.lsh_params(0.5, 128))
    <Pairs: 1 pair of 3 x 3 rows, agree on one of 23 bands of 3 values, estimated; rows without shingles: 0, 0>
    """
    for name, value in (("left", left), ("right", right)):
        if not (isinstance(value, SketchArray) or (value is None and name == "right")):
            raise InputError(f"{name} is of type {type(value).__name__}; give MinHash sketches")
    cut = (params.bands, params.rows) if isinstance(params, LSHParams) else params
    if (
        not isinstance(cut, tuple)
        or len(cut) != 2
        or not all(isinstance(n, int | np.integer) and 0 < n <= 2**16 for n in cut)
    ):
        raise InputError(f"params={params!r}: give bands and values in each, as op.lsh_params does")
    found = _core.candidate_pairs(left, right, int(cut[0]), int(cut[1]), parse_memory(memory), threads)
    return _pairs(left, right, found)


def similarity_topk(
    left: TextsLike | ShingleSets | SketchArray,
    right: TextsLike | ShingleSets | SketchArray | None = None,
    k: int = 10,
    *,
    metric: Metric = "jaccard",
    threshold: float | None = None,
    shingler: Shingler | None = None,
    memory: int | str | None = None,
    missing: str = "refuse",
    errors: str = "strict",
    threads: int | None = None,
) -> Pairs:
    """For each left row the `k` right rows of the highest score, exactly.

    Parameters
    ----------
    left, right : TextsLike, ShingleSets, or SketchArray of SimHash
        n and m rows. ``right=None`` takes the other rows of left. MinHash sketches are refused: `cdist` estimates all.
    k : int
        At least 1. Rows that share no shingle with the left row are never among the best, so there may be fewer.
    metric : {"jaccard", "containment", "overlap_coefficient", "dice", "hamming"}
        Containment is |A & B| / |A| of the left row A. ``"hamming"`` is for SimHash: the rows that differ in the fewest
        bits.
    threshold : float, optional
        From 0 to 1: leave out lower scores. For ``"hamming"`` an integer: leave out larger distances.
    shingler, memory, missing, errors, threads
        As in `similarity_join`.

    Returns
    -------
    Pairs
        By left row, then falling score (rising distance), then right row, which also decides who is among the best.

    Raises
    ------
    InputError
        An argument is out of range or a row is not text.
    IncompatibleError
        Left and right were shingled in different ways.

    Notes
    -----
    One step for each shingle that a left and a right row share: frequent shingles decide the time. At most 72 bytes
    a shingle of the right side. Hamming compares all: O(n m), `memory` has no bearing on it.

    Examples
    --------
    >>> import overproof as op
    >>> best = op.similarity_topk(["a b c", "x"], ["a b", "b c d", "a b c d"], 2, shingler=op.Shingler(n=1))
    >>> list(zip(best.left.tolist(), best.right.tolist(), best.score.round(3).tolist()))
    [(0, 2, 0.75), (0, 0, 0.6669999957084656)]
    """
    if not isinstance(k, int | np.integer) or not 1 <= k < 2**63:
        raise InputError(f"k={k!r}: give how many rows, at least 1")
    shingler = checked_shingler(shingler) or Shingler()
    found = _core.similarity_topk(
        _rows(left, shingler, missing, errors, threads),
        None if right is None else _rows(right, shingler, missing, errors, threads),
        int(k),
        shingler.params,
        metric,
        threshold,
        parse_memory(memory),
        missing,
        errors,
        threads,
    )
    return _pairs(left, right, found)


def _rows(value: Any, shingler: Shingler, missing: str, errors: str, threads: int | None) -> Any:
    """What the core takes: sets, or texts that it can shingle itself, block by block."""
    if isinstance(value, ShingleSets | SketchArray) or shingler.params.analyzer in ("word", "char", "byte"):
        return value
    return shingler.transform(value, missing=missing, errors=errors, threads=threads)


def _ids(value: Any, rows: npt.NDArray[np.int64]) -> TextColumn | None:
    """The ids of these rows, where the side has ids."""
    return value.ids.take(rows) if isinstance(value, Corpus) and value.ids is not None else None


def _pairs(left: Any, right: Any, found: _core._Pairs) -> Pairs:
    columns, rows, empty, verified, params, replaced = found
    tell_replaced(replaced)
    ids = _ids(left, columns[0]), _ids(left if right is None else right, columns[1])
    pairs = Pairs(*columns, *ids, verified, rows, empty, params)
    if not len(pairs):
        log.warning("the join found nothing: %s", pairs._summary())
    return pairs

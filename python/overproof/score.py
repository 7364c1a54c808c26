"""How much two texts share: exact on sets and on tokens, estimated on sketches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias, overload

import numpy as np
import numpy.typing as npt

from overproof import _core
from overproof._core import SetSketch, ShingleSets, SketchArray, Spans
from overproof._extras import need
from overproof.errors import InputError
from overproof.shingle import tell_replaced

if TYPE_CHECKING:
    from overproof.typing import TextsLike

__all__ = [
    "LSHParams",
    "NgramMatch",
    "Spans",
    "cdist",
    "common_spans",
    "containment",
    "dice",
    "hamming",
    "jaccard",
    "lsh_params",
    "ngram_match",
    "overlap_coefficient",
    "score_interval",
]


Rows: TypeAlias = ShingleSets | SketchArray | SetSketch
SetRows: TypeAlias = ShingleSets | SetSketch
Float64: TypeAlias = npt.NDArray[np.float64]


def jaccard(a: Rows, b: Rows, *, threads: int | None = None) -> Float64:
    """Jaccard similarity |A & B| / |A | B| of row i of a and row i of b.

    Parameters
    ----------
    a, b : ShingleSets, SketchArray of MinHash, or SetSketch
        n rows each, made with the same parameters.
    threads : int, optional
        At most this many threads; never changes a value.

    Returns
    -------
    float64[n]
        Exact on `ShingleSets`. Estimated on MinHash: the share of equal values (``oph``: of the bins that are not empty
        in both), unbiased, standard error at most sqrt(J (1 - J) / num_perm) (``oph``: / bins that are not empty in
        both). Estimated on `FracMinHash`: the Jaccard of the kept hashes. 0 for an empty set and one that is not; NaN
        for two empty sets (FracMinHash: if nothing was kept of either) and for missing rows.

    Raises
    ------
    IncompatibleError
        a and b were made with different parameters.
    InputError
        a and b differ in length or kind, or are SimHash sketches.

    Notes
    -----
    O(shingles) on sets, O(n num_perm) on sketches. An estimate travels with its interval: `score_interval`.

    References
    ----------
    Broder, "On the resemblance and containment of documents", 1997, sections 2 and 3; Li, Owen and Zhang, "One
    permutation hashing", 2012, section 3 (``oph``).

    Examples
    --------
    >>> import overproof as op
    >>> shingler = op.Shingler(n=1)
    >>> op.jaccard(shingler.transform(["a b c", "a", ""]), shingler.transform(["b c d", "", ""]))
    array([0.5, 0. , nan])
    """
    return _core.score(a, b, "jaccard", threads)


def containment(a: SetRows, b: SetRows, *, debias: bool = False, threads: int | None = None) -> Float64:
    """Containment |A & B| / |A| of row i of a in row i of b: how much of a is in b.

    Parameters
    ----------
    a, b : ShingleSets or SetSketch
        n rows each, made with the same parameters.
    debias : bool
        `FracMinHash` only. False: the share of the kept hashes of A, unbiased over the rows of which something was
        kept, NaN for the others. True: 0 for those, and every value divided by the chance 1 - (1 - 1/scaled)^|A| that
        something is kept, which is unbiased over all rows, can pass 1, and is meant for means over many rows.
    threads : int, optional
        At most this many threads; never changes a value.

    Returns
    -------
    float64[n]
        Exact on `ShingleSets`, estimated on `FracMinHash`. NaN where A is empty and for missing rows.

    Raises
    ------
    IncompatibleError
        a and b were made with different parameters.
    InputError
        a and b differ in length or kind, or are MinHash or SimHash sketches, which do not hold the sizes of the sets.

    Notes
    -----
    O(shingles).

    References
    ----------
    Broder, "On the resemblance and containment of documents", 1997, section 2; Rahman Hera, Pierce-Ward and Koslicki,
    "Deriving confidence intervals for mutation rates across a wide range of evolutionary distances using FracMinHash",
    2023, theorem 1 (debias).

    Examples
    --------
    >>> import overproof as op
    >>> shingler = op.Shingler(n=1)
    >>> a, b = shingler.transform(["a b c d", ""]), shingler.transform(["c d e", "x"])
    >>> op.containment(a, b), op.containment(b, a)
    (array([0.5, nan]), array([0.66666667, 0.        ]))
    """
    return _core.containment_debiased(a, b, threads) if debias else _core.score(a, b, "containment", threads)


def overlap_coefficient(a: SetRows, b: SetRows, *, threads: int | None = None) -> Float64:
    """Overlap coefficient |A & B| / min(|A|, |B|) of row i of a and row i of b.

    Parameters
    ----------
    a, b : ShingleSets or SetSketch
        n rows each, made with the same parameters.
    threads : int, optional
        At most this many threads; never changes a value.

    Returns
    -------
    float64[n]
        Exact on `ShingleSets`. On `FracMinHash` the value of the kept hashes: consistent, with a bias of the order of
        1 / min(kept). NaN where either set is empty and for missing rows.

    Raises
    ------
    IncompatibleError, InputError
        As in `containment`.

    Notes
    -----
    O(shingles). A set of one shingle scores 1 with every set that holds it: read it beside the sizes.

    Examples
    --------
    >>> import overproof as op
    >>> shingler = op.Shingler(n=1)
    >>> op.overlap_coefficient(shingler.transform(["a b c d"]), shingler.transform(["c d e"]))
    array([0.66666667])
    """
    return _core.score(a, b, "overlap_coefficient", threads)


def dice(a: SetRows, b: SetRows, *, threads: int | None = None) -> Float64:
    """Dice coefficient 2 |A & B| / (|A| + |B|) of row i of a and row i of b.

    Parameters
    ----------
    a, b : ShingleSets or SetSketch
        n rows each, made with the same parameters.
    threads : int, optional
        At most this many threads; never changes a value.

    Returns
    -------
    float64[n]
        Exact on `ShingleSets`. On `FracMinHash` the value of the kept hashes: consistent, with a bias of the order of
        1 / kept. 0 for an empty set and one that is not; NaN for two empty sets and for missing rows.

    Raises
    ------
    IncompatibleError, InputError
        As in `containment`.

    Notes
    -----
    O(shingles). Equal to 2 J / (1 + J) of the Jaccard J.

    References
    ----------
    Dice, "Measures of the amount of ecologic association between species", 1945.

    Examples
    --------
    >>> import overproof as op
    >>> shingler = op.Shingler(n=1)
    >>> op.dice(shingler.transform(["a b c"]), shingler.transform(["b c d"]))
    array([0.66666667])
    """
    return _core.score(a, b, "dice", threads)


def hamming(a: SketchArray, b: SketchArray, *, threads: int | None = None) -> npt.NDArray[np.uint32]:
    """Number of bits in which row i of a and row i of b differ, of SimHash sketches.

    Parameters
    ----------
    a, b : SketchArray of SimHash
        n rows each, made with the same parameters.
    threads : int, optional
        At most this many threads; never changes a value.

    Returns
    -------
    uint32[n]
        From 0 (as for equal texts) to the number of bits. About half of the bits differ between unrelated texts.

    Raises
    ------
    IncompatibleError
        a and b were made with different parameters.
    InputError
        a and b differ in length, are not SimHash, or hold a row without shingles: it has no bits, and integers have no
        NaN. `cdist` gives NaN there.

    Notes
    -----
    O(n bits / 64). d of B bits estimate the angle of the two weight vectors as pi d / B.

    References
    ----------
    Charikar, "Similarity estimation techniques from rounding algorithms", 2002, section 3.

    Examples
    --------
    >>> import overproof as op
    >>> texts = ["to be or not to be that is the question", "to be or not to be that was the question"]
    >>> sketch = op.SimHash(shingler=op.Shingler(n=1)).sketch(texts)
    >>> op.hamming(sketch[:1], sketch[1:])
    array([5], dtype=uint32)
    """
    return _core.hamming(a, b, threads)


def score_interval(
    a: Rows, b: Rows, *, metric: str = "jaccard", confidence: float = 0.95, threads: int | None = None
) -> Float64:
    """Interval of the score of row i of a and row i of b.

    The exact binomial interval of Clopper and Pearson: it holds the true value with at least this confidence, whatever
    that is. It covers the chance of the hash functions alone, not what a similarity means nor the choice of texts; and
    pairs scored with one seed share their chance, so that intervals of one batch miss together.

    Parameters
    ----------
    a, b : ShingleSets, SketchArray or SetSketch
        n rows each, made with the same parameters.
    metric : {"jaccard", "containment", "overlap_coefficient", "dice", "hamming"}
        On `ShingleSets` any set score, each exact: both ends are the score. On MinHash ``"jaccard"``: binomial of
        num_perm values (``oph``: of the bins that are not empty in both; bins are drawn without replacement, so the
        interval is approximate and, as the variance is below the binomial, wide rather than narrow: Li, Owen and Zhang
        2012, section 3). On `FracMinHash` ``"jaccard"`` and ``"containment"``: binomial of the kept hashes of the union
        and of A, which assumes that they are a uniform sample; it is one without replacement, so the interval is wide
        rather than narrow. On SimHash ``"hamming"``: interval of the *share of bits that agree*, which assumes that
        bits are independent.
    confidence : float
        Between 0 and 1.
    threads : int, optional
        At most this many threads; never changes a value.

    Returns
    -------
    float64[n, 2]
        Lower and upper end. NaN where the score is NaN. Both ends are the score where no chance takes part: on
        `ShingleSets`, with ``scaled=1``, and for an empty set beside one that is not.

    Raises
    ------
    IncompatibleError
        a and b were made with different parameters.
    InputError
        As in `jaccard`; or the score has no such interval (overlap coefficient and Dice of FracMinHash).
    MissingExtraError
        SciPy is not installed.

    Notes
    -----
    Equal across platforms to 1e-12.

    References
    ----------
    Clopper and Pearson, "The use of confidence or fiducial limits illustrated in the case of the binomial", 1934.

    Examples
    --------
    >>> import overproof as op
    >>> sketch = op.MinHash(128, shingler=op.Shingler(n=1)).sketch(["a b c d", "a b c d"])
    >>> op.score_interval(sketch, sketch).round(3)
    array([[0.972, 1.   ],
           [0.972, 1.   ]])
    """
    if not 0 < confidence < 1:
        raise InputError(f"confidence={confidence}: give a number between 0 and 1")
    successes, trials, exact = _core.score_trials(a, b, metric, threads)
    compared = trials > 0
    score = np.full(len(trials), np.nan)
    np.divide(successes, trials, out=score, where=compared)
    interval = np.column_stack([score, score])
    estimated = compared & ~exact
    if estimated.any():
        interval[estimated] = _clopper_pearson(successes[estimated], trials[estimated], confidence)
    return interval


def _clopper_pearson(successes: npt.NDArray[np.int64], trials: npt.NDArray[np.int64], confidence: float) -> Float64:
    special = need("scipy.special", extra="stats")
    # Many rows, few values: each pair of counts is worked out once.
    most = int(trials.max()) + 1
    kinds, where = np.unique(trials * most + successes, return_inverse=True)
    trials, successes = np.divmod(kinds, most)
    tail = (1 - confidence) / 2
    failures = trials - successes
    # The beta quantile is not defined for a parameter of 0; there the end is 0 or 1.
    lower = np.where(successes == 0, 0.0, special.betaincinv(np.maximum(successes, 1), failures + 1, tail))
    upper = np.where(failures == 0, 1.0, special.betainccinv(successes + 1, np.maximum(failures, 1), tail))
    ends: Float64 = np.column_stack([lower, upper])[where]
    return ends


def cdist(
    a: Rows,
    b: Rows,
    metric: str = "jaccard",
    *,
    dtype: npt.DTypeLike = np.float32,
    threads: int | None = None,
) -> npt.NDArray[np.floating[Any]]:
    """Every row of a against every row of b.

    Parameters
    ----------
    a, b : ShingleSets, SketchArray or SetSketch
        n and m rows, made with the same parameters.
    metric : {"jaccard", "containment", "overlap_coefficient", "dice", "hamming"}
        Sets and `FracMinHash`: any but ``"hamming"``; MinHash: ``"jaccard"``; SimHash: ``"hamming"``.
    dtype : numpy.float32 or numpy.float64
        Of the result.
    threads : int, optional
        At most this many threads; never changes a value.

    Returns
    -------
    dtype[n, m]
        The values of the row-wise functions, rounded once. NaN where those have NaN; for ``"hamming"`` also where a
        row has no shingles.

    Raises
    ------
    IncompatibleError
        a and b were made with different parameters.
    InputError
        The metric does not belong to the kind of a and b, the dtype is another, or the matrix does not fit into memory.

    Notes
    -----
    Sets: O(n m) for the matrix and one step for each shingle that a pair shares, through an index of b. Sketches:
    O(n m values). Memory: the matrix, and m counters a thread. Beyond some 10^9 pairs use `similarity_join`.

    Examples
    --------
    >>> import overproof as op
    >>> sets = op.Shingler(n=1).transform(["a b", "b c", ""])
    >>> op.cdist(sets, sets[:2], "containment")
    array([[1. , 0.5],
           [0.5, 1. ],
           [nan, nan]], dtype=float32)
    """
    kind = np.dtype(dtype)
    if kind == np.float32:
        return _core.cdist_float32(a, b, metric, threads)
    if kind == np.float64:
        return _core.cdist_float64(a, b, metric, threads)
    raise InputError(f"dtype={kind}: give numpy.float32 or numpy.float64")


def common_spans(
    a_texts: TextsLike,
    b_texts: TextsLike,
    *,
    min_tokens: int = 20,
    masks: TextsLike | None = None,
    mask_n: int = 5,
    analyzer: Literal["word", "char", "byte"] = "word",
    normalization: str = "nfkc_casefold",
    missing: str = "refuse",
    errors: str = "strict",
    threads: int | None = None,
) -> Spans:
    """The maximal runs of tokens that text i of a shares with text i of b, with their places in the original texts.

    Call an interval of tokens of a *common* if the same tokens stand one after another in b. The common spans are the
    common intervals of at least `min_tokens` tokens that no longer common interval of a contains, each with its lowest
    place in b. Two spans may overlap in a; none contains another. Tokens are compared by their normalised text, never
    by hash.

    Parameters
    ----------
    a_texts, b_texts : TextsLike
        n texts each.
    min_tokens : int
        Least length. A single character of a script without spaces counts 1/2.
    masks : TextsLike, optional
        n texts, such as prompts. Every token inside a run of `mask_n` tokens that the mask also holds matches nothing,
        in a and in b. A null masks nothing, and so does a mask of fewer than `mask_n` tokens.
    mask_n : int
        Length of the runs of `masks`.
    analyzer, normalization
        As in `Shingler`; ``"word"``, ``"char"`` or ``"byte"``.
    missing, errors, threads
        As in `Shingler.transform`; a pair with a missing text has no spans. Offsets of a text with replaced surrogates
        are those of the text with U+FFFD.

    Returns
    -------
    Spans
        One row a span, by pair and by place in a. ``.row`` int64 index of the pair; ``.left_start``, ``.left_end``,
        ``.right_start``, ``.right_end`` int64 byte offsets into the original texts, and the same in code points as
        ``.left_start_char`` and so on; ``.tokens`` int32. Also an Arrow stream.

    Raises
    ------
    InputError
        The texts, the masks and b differ in length, a row is not text, or a name is unknown.

    Notes
    -----
    O(bytes) of a pair, by a suffix automaton of b. A span shows that both texts hold the same words; a quotation, a
    licence or the words of the prompt do so too.

    References
    ----------
    Blumer et al., "The smallest automaton recognizing the subwords of a text", 1985; Chang and Lawler, "Sublinear
    approximate string matching and biological applications", 1994 (matching statistics).

    Examples
    --------
    >>> import overproof as op
    >>> text = "So: the CAT sat on a mat."
    >>> spans = op.common_spans([text], ["The cat sat on the mat."], min_tokens=3)
    >>> [text[s:e] for s, e in zip(spans.left_start_char, spans.left_end_char)], spans.tokens
    (['the CAT sat on'], array([4], dtype=int32))
    """
    for name, value in (("min_tokens", min_tokens), ("mask_n", mask_n)):
        if not 1 <= value < 2**31:
            raise InputError(f"{name}={value}: give a number of tokens from 1 to 2**31-1")
    spans, replaced = _core.common_spans(
        a_texts, b_texts, masks, min_tokens, mask_n, analyzer, normalization, missing, errors, threads
    )
    tell_replaced(replaced)
    return spans


class NgramMatch(NamedTuple):
    """What rows share in n-grams, as columns; see `ngram_match`."""

    ngrams: npt.NDArray[np.int64]
    """Distinct shared n-grams."""
    containment_of_a: npt.NDArray[np.float64]
    """Share of a's n-grams that b holds."""
    containment_of_b: npt.NDArray[np.float64]
    """Share of b's n-grams that a holds."""
    coverage_of_a: npt.NDArray[np.float64]
    """Share of a's tokens inside n-grams that lie inside shared ones."""
    longest_run: npt.NDArray[np.int64]
    """Tokens of the longest common run."""


def ngram_match(
    a_texts: TextsLike,
    b_texts: TextsLike,
    *,
    n: int = 5,
    masks: TextsLike | None = None,
    analyzer: Literal["word", "char", "byte"] = "word",
    normalization: str = "nfkc_casefold",
    missing: str = "refuse",
    errors: str = "strict",
    threads: int | None = None,
) -> NgramMatch:
    """N-grams that text i of a and text i of b share, on the exact tokens: no hash takes part.

    Parameters
    ----------
    a_texts, b_texts : TextsLike
        m texts each, such as suspect texts and the best single served text of each.
    n : int
        Tokens of an n-gram. A text of fewer tokens is one n-gram.
    masks : TextsLike, optional
        m texts, such as prompts: n-grams that they also hold count neither above nor below the line. A null masks
        nothing.
    analyzer, normalization, missing, errors, threads
        As in `common_spans`.

    Returns
    -------
    NgramMatch
        Columns of m values: ``.ngrams`` and ``.longest_run`` int64 (0 where a text is missing), ``.containment_of_a``,
        ``.containment_of_b``, ``.coverage_of_a`` float64 (NaN where nothing is left to count, or a text is missing).

    Raises
    ------
    InputError
        The texts, the masks and b differ in length, a row is not text, or a name is unknown.

    Notes
    -----
    O(bytes) of a pair. docs/spec/scores.md has the definitions, `overproof.reference.ngram_match` the slow twin.

    References
    ----------
    Broder, "On the resemblance and containment of documents", 1997 (containment).

    Examples
    --------
    >>> import overproof as op
    >>> found = op.ngram_match(["So the cat sat on the mat"], ["The cat sat on the mat today"], n=3)
    >>> found.ngrams.tolist(), found.containment_of_a.tolist(), found.longest_run.tolist()
    ([4], [0.8], [6])
    """
    if not 1 <= n < 2**31:
        raise InputError(f"n={n}: give a number of tokens from 1 to 2**31-1")
    return NgramMatch(
        **_core.ngram_match(a_texts, b_texts, masks, n, analyzer, normalization, missing, errors, threads)
    )


@dataclass(frozen=True, slots=True)
class LSHParams:
    """A sketch of `num_perm` values as `bands` keys of `rows` values each; see `lsh_params`.

    Attributes
    ----------
    bands, rows : int
        ``bands * rows <= num_perm``.
    threshold, recall : float
        What was asked for.
    num_perm : int
        Values of the sketch.
    """

    bands: int
    rows: int
    threshold: float
    recall: float
    num_perm: int

    @overload
    def collision_probability(self, similarity: float) -> float: ...
    @overload
    def collision_probability(self, similarity: npt.NDArray[Any]) -> Float64: ...
    def collision_probability(self, similarity: float | npt.NDArray[Any]) -> float | Float64:
        """Probability that two rows of this Jaccard become candidates: 1 - (1 - s^rows)^bands, the S-curve.

        Parameters
        ----------
        similarity : float or array
            From 0 to 1.

        Returns
        -------
        float or float64 array of the same shape
        """
        values = np.asarray(similarity, np.float64)
        if not ((values >= 0) & (values <= 1)).all():
            raise InputError("similarity must be from 0 to 1")
        found = _core.collision_probability(values.ravel(), self.bands, self.rows).reshape(values.shape)
        return float(found) if values.ndim == 0 else found


def lsh_params(threshold: float, num_perm: int, *, recall: float = 0.95) -> LSHParams:
    """Bands and rows of locality-sensitive hashing that reach a recall at a threshold with the least work.

    Among the bands and rows with bands x rows <= `num_perm` whose collision probability at `threshold` is at least
    `recall`, those with the smallest integral of the collision probability from 0 to `threshold`, which is the work on
    pairs below it; a tie goes to fewer bands.

    Parameters
    ----------
    threshold : float
        Jaccard at which the recall must hold, above 0 and up to 1. Pairs above it are found more often.
    num_perm : int
        Values of the sketch, 1 to 65,536.
    recall : float
        Least share of the pairs at the threshold that become candidates, between 0 and 1.

    Returns
    -------
    LSHParams

    Raises
    ------
    InputError
        An argument is out of range, or no bands and rows reach the recall; the message names the best reachable.

    Notes
    -----
    The recall is an expectation over hash functions. Pairs of one corpus share them, so that of one run scatters around
    it. The same choice on every platform: only + - * / in a fixed order (docs/spec/scores.md).

    References
    ----------
    Leskovec, Rajaraman and Ullman, "Mining of Massive Datasets", section 3.4.

    Examples
    --------
    >>> import overproof as op
    >>> chosen = op.lsh_params(0.8, 128)
    >>> chosen.bands, chosen.rows, round(chosen.collision_probability(0.8), 3)
    (13, 7, 0.953)
    >>> round(chosen.collision_probability(0.4), 3)
    0.021
    """
    if not 1 <= num_perm <= 65536:
        raise InputError(f"num_perm={num_perm}: a sketch has from 1 to 65,536 values")
    bands, rows = _core.lsh_params(threshold, num_perm, recall)
    return LSHParams(bands, rows, float(threshold), float(recall), int(num_perm))

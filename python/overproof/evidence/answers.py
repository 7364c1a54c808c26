"""How alike the answers of models to the same prompts are, prompt by prompt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from overproof import _core
from overproof._core import ShingleSets
from overproof._extras import need
from overproof.errors import InputError
from overproof.score import cdist
from overproof.shingle import Shingler
from overproof.sketch import MinHash

if TYPE_CHECKING:
    from overproof.typing import TextsLike

Float64 = npt.NDArray[np.float64]


class _Kind(NamedTuple):
    analyzer: str
    n: int
    weighted: bool
    permutations: int


STATISTICS = {
    "word-1": _Kind("word", 1, False, 0),
    "minhash-word-1": _Kind("word", 1, False, 128),
    "word-2": _Kind("word", 2, True, 0),
    "word-3": _Kind("word", 3, True, 0),
    "char-6": _Kind("char", 6, True, 0),
}
"""What an answer's n-grams are, whether they are weighted by 1 / (df - 1), and the values of a MinHash, if any.

n from 1 to 3 words tells style; 5 and more would tell copies, which is another question (`overproof.compare`).
"""


@dataclass(frozen=True, kw_only=True, eq=False)
class AnswerSimilarity:
    """What `answer_similarity` found for m models.

    Attributes
    ----------
    names : tuple of str
        The models, in the order of the rows and columns.
    similarity : float64[m, m]
        Mean over prompts of the similarity of two models' answers; NaN on the diagonal and where no prompt counts.
    prompts : int64[m, m]
        Prompts that both models answered with at least one n-gram beside the prompt's own.
    ngrams : float64[m]
        Median number of n-grams of an answer, those of its prompt apart; NaN where a model has none.
    statistic : str
        One of `STATISTICS`.
    """

    names: tuple[str, ...]
    similarity: Float64
    prompts: npt.NDArray[np.int64]
    ngrams: Float64
    statistic: str

    def columns(self, names: list[str]) -> npt.NDArray[np.int64]:
        """Positions of some models.

        Raises
        ------
        InputError
            A model has no answers here.
        """
        at = {name: i for i, name in enumerate(self.names)}
        for name in names:
            if name not in at:
                raise InputError(f"{name!r} has no answers here: there are those of {', '.join(self.names)}")
        return np.array([at[name] for name in names], np.int64)


def answer_similarity(
    answers: Mapping[str, TextsLike],
    *,
    prompts: TextsLike | None = None,
    statistic: str = "word-1",
    threads: int | None = None,
) -> AnswerSimilarity:
    """The mean similarity of the answers of each two models to the same prompts.

    Parameters
    ----------
    answers : mapping of str to TextsLike
        For each of m models its t answers in the order of the prompts; None where there is no answer.
    prompts : TextsLike, optional
        The t prompts: n-grams that a prompt holds count for no answer to it.
    statistic : {"word-1", "minhash-word-1", "word-2", "word-3", "char-6"}
        Jaccard of words (or its estimate by a MinHash of 128 values), or the weighted overlap of n-grams of 2 or 3
        words or 6 characters.
    threads : int, optional
        At most this many threads; never changes a value.

    Returns
    -------
    AnswerSimilarity

    Raises
    ------
    InputError
        Fewer than two models, columns of different length, or an unknown statistic.
    MissingExtraError
        SciPy is missing.

    Notes
    -----
    Unweighted: ``|A & B| / |A | B|``. Weighted: the sum over shared n-grams of ``1 / (df - 1)``, over ``|A | B|``; df
    is the number of the m models whose answer to this prompt holds the n-gram, so that what all models say counts for
    little. It depends on the models that take part, all of them alike. Texts are shingled with
    ``Shingler(n, analyzer=...)``. O(t (m^2 g + m g log g)), g the n-grams of an answer; memory for one prompt.

    Examples
    --------
    >>> found = answer_similarity({"a": ["red green blue"], "b": ["red green"], "c": [None]}, prompts=["blue?"])
    >>> float(found.similarity[0, 1]), found.prompts[0].tolist(), found.ngrams.tolist()
    (1.0, [1, 1, 0], [2.0, 2.0, nan])
    """
    if statistic not in STATISTICS:
        raise InputError(f"statistic={statistic!r} is unknown; give one of {', '.join(STATISTICS)}")
    kind = STATISTICS[statistic]
    names = tuple(answers)
    columns = [_core.text_list(answers[name]) for name in names]
    if len(names) < 2:
        raise InputError(f"answers holds {len(names)} models: give those of two or more")
    asked = None if prompts is None else _core.text_list(prompts)
    t = len(columns[0])
    for name, column in [*zip(names, columns, strict=True), *([] if asked is None else [("prompts", asked)])]:
        if len(column) != t:
            raise InputError(f"{name} has {len(column)} texts and {names[0]} has {t}: give one for each prompt")
    shingler = Shingler(kind.n, analyzer=kind.analyzer)
    flat = [column[row] for row in range(t) for column in columns]
    sets = shingler.transform(flat, missing="keep", errors="replace", threads=threads)
    masks = None if asked is None else shingler.transform(asked, missing="keep", errors="replace", threads=threads)
    m = len(names)
    total, count, sizes = np.zeros((m, m)), np.zeros((m, m), np.int64), np.full((t, m), np.nan)
    for row in range(t):
        block = _block(sets, masks, row, m)
        score = _sketched(block, shingler, kind.permutations) if kind.permutations else _scored(block, kind.weighted)
        here = block.lengths > 0
        both = here[:, None] & here[None, :]
        total[both] += score[both]
        count += both
        sizes[row, here] = block.lengths[here]
    with np.errstate(invalid="ignore"):
        similarity = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    np.fill_diagonal(similarity, np.nan)
    answered = ~np.isnan(sizes)
    ngrams = np.array([np.median(sizes[answered[:, j], j]) if answered[:, j].any() else np.nan for j in range(m)])
    return AnswerSimilarity(names=names, similarity=similarity, prompts=count, ngrams=ngrams, statistic=statistic)


class _Block(NamedTuple):
    """The answers to one prompt: n-grams by value, ascending in each answer, those of the prompt left out."""

    hashes: npt.NDArray[np.uint64]
    value: npt.NDArray[np.int64]
    df: npt.NDArray[np.int64]
    owner: npt.NDArray[np.int64]
    lengths: npt.NDArray[np.int64]


def _block(sets: ShingleSets, masks: ShingleSets | None, row: int, m: int) -> _Block:
    bounds = sets.indptr[row * m : (row + 1) * m + 1]
    hashes = sets.hashes[bounds[0] : bounds[-1]]
    owner = np.repeat(np.arange(m), np.diff(bounds))
    distinct, value, df = np.unique(hashes, return_inverse=True, return_counts=True)
    if masks is not None:
        echo = np.isin(distinct, masks.hashes[masks.indptr[row] : masks.indptr[row + 1]])[value]
        hashes, value, owner = hashes[~echo], value[~echo], owner[~echo]
    return _Block(hashes, value, df, owner, np.bincount(owner, minlength=m))


def _scored(block: _Block, weighted: bool) -> Float64:
    """Similarity of all pairs, from the n-grams that at least two answers hold."""
    sparse = need("scipy.sparse", extra="stats")  # sums in one order: a threaded BLAS would not
    m, shared = len(block.lengths), block.df > 1
    place = np.cumsum(shared) - 1
    kept = shared[block.value]
    owner, at = block.owner[kept], place[block.value[kept]]
    shape = (m, int(shared.sum()))
    table = sparse.csr_array((np.ones(len(at)), (owner, at)), shape=shape)
    common = (table @ table.T).toarray()
    union = block.lengths[:, None] + block.lengths[None, :] - common
    if not weighted:
        return np.asarray(common / np.maximum(union, 1), np.float64)
    rare = sparse.csr_array((1 / (block.df[block.value[kept]] - 1), (owner, at)), shape=shape)
    return np.asarray((rare @ table.T).toarray() / np.maximum(union, 1), np.float64)


def _sketched(block: _Block, shingler: Shingler, permutations: int) -> Float64:
    """Jaccard of all pairs, estimated from sketches."""
    indptr = np.concatenate([[0], np.cumsum(block.lengths)]).astype(np.int64)
    sets: Any = ShingleSets.from_hashes(indptr, block.hashes, params=shingler.params)
    sketch = MinHash(permutations, shingler=shingler).sketch(sets)
    return np.asarray(cdist(sketch, sketch, dtype=np.float64), np.float64)

"""Exact scores of two sets, and exact matches of two token sequences: docs/spec/scores.md is the specification."""

from collections.abc import Collection, Hashable, Sequence
from typing import NamedTuple

from .shingle import windows
from .text import Token, token_units

Gram = tuple[str | bytes | int, ...]
NAN = float("nan")


class Span(NamedTuple):
    """Tokens ``[a_start, a_end)`` of a are tokens ``[b_start, b_start + a_end - a_start)`` of b."""

    a_start: int
    a_end: int
    b_start: int

    @property
    def b_end(self) -> int:
        """One past the last token in b."""
        return self.b_start + self.a_end - self.a_start


class NgramMatch(NamedTuple):
    """What two texts share, see `ngram_match`."""

    ngrams: int
    containment_of_suspect: float
    containment_of_served: float
    coverage: float
    longest_run: int


def _ratio(numerator: int, denominator: int) -> float:
    return numerator / denominator if denominator else NAN


def jaccard(a: Collection[Hashable], b: Collection[Hashable]) -> float:
    """|A & B| / |A | B|; NaN if both are empty.

    Examples
    --------
    >>> jaccard({1, 2, 3}, {2, 3, 4}), jaccard(set(), {1})
    (0.5, 0.0)
    """
    return _ratio(len(set(a) & set(b)), len(set(a) | set(b)))


def containment(a: Collection[Hashable], b: Collection[Hashable]) -> float:
    """|A & B| / |A|; NaN if A is empty."""
    return _ratio(len(set(a) & set(b)), len(set(a)))


def overlap_coefficient(a: Collection[Hashable], b: Collection[Hashable]) -> float:
    """|A & B| / min(|A|, |B|); NaN if either is empty."""
    return _ratio(len(set(a) & set(b)), min(len(set(a)), len(set(b))))


def dice(a: Collection[Hashable], b: Collection[Hashable]) -> float:
    """2 |A & B| / (|A| + |B|); NaN if both are empty."""
    return _ratio(2 * len(set(a) & set(b)), len(set(a)) + len(set(b)))


# -- spans


def _gram_starts(tokens: Sequence[Token], masked: Collection[Gram]) -> list[tuple[int, int]]:
    """Where a masked n-gram stands in the tokens, as intervals."""
    values = [token.value for token in tokens]
    lengths = {len(gram) for gram in masked}
    return [(i, i + n) for n in lengths for i in range(len(values) - n + 1) if tuple(values[i : i + n]) in masked]


def _maximal(
    a: Sequence[Token],
    b: Sequence[Token],
    masked_a: Collection[int],
    masked_b: Collection[int],
    masked_ngrams: Collection[Gram],
) -> list[Span]:
    """All maximal spans, of any length, in the order of a."""
    limit = [len(a)] * len(a)  # an interval from i on must end here, or it would hold a masked n-gram
    for start, end in _gram_starts(a, masked_ngrams):
        for i in range(start + 1):
            limit[i] = min(limit[i], end - 1)
    # run[i][j]: how many tokens from a[i] on equal those from b[j] on, none of them masked
    run = [[0] * (len(b) + 1) for _ in range(len(a) + 1)]
    for i in reversed(range(len(a))):
        for j in reversed(range(len(b))):
            if a[i].value == b[j].value and i not in masked_a and j not in masked_b:
                run[i][j] = run[i + 1][j + 1] + 1
    spans = []
    reached = 0  # where the longest interval that starts earlier ends
    for i in range(len(a)):
        length = min(max(run[i]), limit[i] - i)
        if i + length > max(reached, i):
            reached = i + length
            spans.append(Span(i, reached, next(j for j in range(len(b)) if run[i][j] >= length)))
    return spans


def common_spans(
    a: Sequence[Token],
    b: Sequence[Token],
    min_tokens: int = 20,
    *,
    masked_a: Collection[int] = (),
    masked_b: Collection[int] = (),
    masked_ngrams: Collection[Gram] = (),
) -> list[Span]:
    """The maximal runs of tokens of a that also stand in b.

    Call an interval of a *common* if its tokens stand somewhere in b one after another, with no masked token on
    either side and no masked n-gram inside. Reported are the common intervals that no longer common interval of a
    contains and that count at least `min_tokens`, in the order of a, each with the lowest place in b. Spans may
    overlap in a. Single-character tokens count 1/2.

    Cost O(len(a) len(b)) time and memory.

    Parameters
    ----------
    a, b
        Tokens, compared by value.
    min_tokens
        Least length, in tokens.
    masked_a, masked_b
        Positions of tokens that match nothing.
    masked_ngrams
        Tuples of token values that no span may hold.

    Examples
    --------
    >>> from overproof.reference import tokenize
    >>> common_spans(tokenize("so the cat sat on it"), tokenize("a cat sat on the cat"), 2)
    [Span(a_start=1, a_end=3, b_start=4), Span(a_start=2, a_end=5, b_start=1)]
    """
    spans = _maximal(a, b, masked_a, masked_b, masked_ngrams)
    return [s for s in spans if token_units(a[s.a_start : s.a_end]) >= 2 * min_tokens]


def byte_range(tokens: Sequence[Token], start: int, end: int) -> tuple[int, int]:
    """The bytes of the original text from which the tokens ``[start, end)`` came."""
    return min(t.start for t in tokens[start:end]), max(t.end for t in tokens[start:end])


# -- n-grams


def ngrams(tokens: Sequence[Token], n: int = 5) -> list[Gram]:
    """The n-grams of a text as tuples of token values, in order; of a shorter text, the whole text."""
    return windows([token.value for token in tokens], n)


def ngram_match(
    suspect: Sequence[Token], served: Sequence[Token], n: int = 5, *, masked: Collection[Gram] = ()
) -> NgramMatch:
    """What a suspect text shares with one served text, on the exact tokens.

    With S and T the sets of n-grams of suspect and served that are not masked:

    - ``ngrams`` = |S & T|; ``containment_of_suspect`` = |S & T| / |S|; ``containment_of_served`` = |S & T| / |T|;
    - ``coverage`` = suspect tokens inside an occurrence of an n-gram of S & T / tokens inside one of S;
    - ``longest_run`` = tokens of the longest run of suspect that stands in served and holds no masked n-gram.

    NaN where a denominator is 0. A masked n-gram is left out of numerators and denominators alike.

    Examples
    --------
    >>> from overproof.reference import tokenize
    >>> ngram_match(tokenize("say the cat sat down"), tokenize("now the cat sat up"), 2)
    NgramMatch(ngrams=2, containment_of_suspect=0.5, containment_of_served=0.5, coverage=0.6, longest_run=3)
    """
    hidden = set(masked)
    grams = ngrams(suspect, n)
    left, right = set(grams) - hidden, set(ngrams(served, n)) - hidden
    shared = left & right
    inside = {i + k for i, gram in enumerate(grams) if gram in left for k in range(len(gram))}
    covered = {i + k for i, gram in enumerate(grams) if gram in shared for k in range(len(gram))}
    runs = [span.a_end - span.a_start for span in _maximal(suspect, served, (), (), hidden)]
    return NgramMatch(
        ngrams=len(shared),
        containment_of_suspect=_ratio(len(shared), len(left)),
        containment_of_served=_ratio(len(shared), len(right)),
        coverage=_ratio(len(covered), len(inside)),
        longest_run=max(runs, default=0),
    )

"""Which suspect texts hold served ones, by comparing every pair on its exact n-grams: the twin of `overproof.compare`.

No hash takes part. Layers, in this order: an n-gram of a text *echoes* if it stands in the text's own prompt, is
*background* if it stands in the background corpus, and *boilerplate* if too many units hold it or its tokens are all
ASCII digits. In a pair an n-gram has the earliest layer that it has on either side; stage s of 0 .. 3 counts the
n-grams of no layer or of a later one.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from math import ceil
from typing import NamedTuple

from .score import Gram, Span, byte_range, common_spans, ngram_match, ngrams
from .shingle import without_markers
from .text import Token, token_units, tokenize

STAGES = 4
FLOORS = (5, 6, 8, 11, 16, 23, 32, 45, 64, 91, 128)
Texts = Sequence[str | None]


class Match(NamedTuple):
    """A suspect and a served row with what they share at the last stage; spans are byte ranges of both texts."""

    suspect: int
    served: int
    ngrams: int
    containment_of_suspect: float
    containment_of_served: float
    longest_run: int
    spans: list[tuple[tuple[int, int], tuple[int, int], int]]


class Compared(NamedTuple):
    """All matches; per suspect row the best served row of each stage (-1: none) and its score; per stage the counts."""

    matches: list[Match]
    best: list[list[int]]
    scores: list[float]
    waterfall: list[dict[str, int]]
    cap: int
    too_short: int


class Text:
    """One text: its tokens with and without list markers, its n-grams, and the layer of those that have one."""

    def __init__(self, text: str | None, n: int, lists: str) -> None:
        self.n = n
        plain = without_markers(text or "") if lists == "both" else text
        forms = [text or ""] + ([plain] if plain and plain != text else [])
        self.forms = [tokenize(form) for form in forms]
        self.grams: set[Gram] = {gram for tokens in self.forms for gram in ngrams(tokens, n)}
        self.numbers = {gram for gram in self.grams if all(re.fullmatch("[0-9]+", str(token)) for token in gram)}
        self.units = token_units(self.forms[0]) / 2
        self.weight = self.units / len(self.forms[0]) if self.forms[0] else 1.0
        self.layer: dict[Gram, int] = {}

    def mask(self, *layers: Iterable[Gram]) -> None:
        """Give every n-gram the first of the layers that holds it."""
        for number, held in reversed(list(enumerate(layers, 1))):
            self.layer |= dict.fromkeys(self.grams & set(held), number)

    @property
    def open(self) -> int:
        """Number of n-grams of no layer."""
        return len(self.grams) - len(self.layer)


def units(rows: Sequence[Sequence[object]]) -> list[int]:
    """The lowest row of each row's unit; rows that share a key in any column are one unit, None shares nothing."""
    unit = list(range(len(rows)))
    for column in zip(*rows, strict=True):
        first: dict[object, int] = {}
        for row, key in enumerate(column):
            if key is not None:
                a, b = unit[row], unit[first.setdefault(key, row)]
                unit = [min(a, b) if u in (a, b) else u for u in unit]
    return unit


def document_frequency(texts: Sequence[Text], unit: Sequence[int]) -> Counter[Gram]:
    """How many units hold each n-gram."""
    pairs = {(gram, unit[row]) for row, text in enumerate(texts) for gram in text.grams}
    return Counter(gram for gram, _ in pairs)


def df_cap(texts: Sequence[Text], df: Counter[Gram], by_rate: int, drafts: int = 1, rows: int = 1) -> int:
    """The least floor at which at most 1 % of the texts of 20 tokens or more lose over half of their n-grams.

    Where each of the `rows` has several drafts, the cap is that many times as large.
    """
    long = [text for text in texts if text.units >= 20]
    cap = 0
    for floor in FLOORS:
        cap = scaled(max(floor, by_rate), drafts, rows)
        lost = sum(sum(df[gram] > cap for gram in text.grams) > len(text.grams) / 2 for text in long)
        if not long or lost / len(long) <= 0.01:
            break
    return cap


def scaled(cap: int, drafts: int, rows: int) -> int:
    """The cap for so many drafts of so many rows."""
    return max(cap, cap * drafts // max(1, rows))


def compare(
    served: Texts,
    suspect: Texts,
    *,
    served_prompts: Texts | None = None,
    suspect_prompts: Texts | None = None,
    conversations: Texts | None = None,
    background: Texts = (),
    n: int = 5,
    lists: str = "both",
    min_ngrams: float = 7,
    min_containment: float = 0.28,
    min_embedded: float = 80,
    df_rate: float = 0.0005,
    top: int = 8,
) -> Compared:
    """Compare every suspect text with every served one; parameters as in `overproof.compare`.

    Cost O(len(served) len(suspect)) comparisons.

    Examples
    --------
    >>> found = compare(["the quick brown fox jumps over it"], ["So: the QUICK brown fox jumps!"], n=2, min_ngrams=3)
    >>> found.matches[0].ngrams, found.matches[0].spans
    (4, [((4, 29), (0, 25), 5)])
    """

    def side(texts: Texts) -> list[Text]:
        return [Text(text, n, lists) for text in texts]

    ours, theirs = side(served), side(suspect)
    our_prompts, their_prompts = (
        side(served_prompts or [None] * len(ours)),
        side(suspect_prompts or [None] * len(theirs)),
    )
    behind = {gram for text in side(background) for gram in text.grams}
    chat = conversations or [None] * len(ours)
    keys = [
        (frozenset(text.grams) or None, frozenset(prompt.grams) or None, conversation)
        for text, prompt, conversation in zip(ours, our_prompts, chat, strict=True)
    ]
    unit = units(keys)
    df = document_frequency(ours, unit)
    cap = df_cap(ours, df, ceil(df_rate * len(set(unit))))
    common = {gram for gram, held in df.items() if held > cap}
    same = units([(frozenset(text.grams) or None,) for text in theirs])
    most = max(20, ceil(0.002 * len(set(same))))
    own = {gram for gram, held in document_frequency(theirs, same).items() if held > most}
    for text, prompt in zip(ours, our_prompts, strict=True):
        text.mask(prompt.grams, behind, common | text.numbers)
    for text, prompt in zip(theirs, their_prompts, strict=True):
        text.mask(prompt.grams, behind, common | own | text.numbers)

    first = units([((frozenset(text.grams), frozenset(text.layer.items())) if text.grams else None,) for text in ours])
    best, scores, found = [], [], []
    stages_of = [0] * len(ours)
    for row, a in enumerate(theirs):
        top_hits, top_rows, score, matches = [0] * STAGES, [-1] * STAGES, 0.0, []
        for other, b in enumerate(ours):
            hits = _shared(a, b)
            if first[other] != other or hits[0] < min(4, ceil(min_ngrams)):
                continue
            for stage, h in enumerate(hits):
                embedded = h * a.weight >= min_embedded and h >= min_containment * b.open
                if h * a.weight >= min_ngrams and (h >= min_containment * a.open or embedded):
                    stages_of[other] = max(stages_of[other], stage + 1)
                    if h > top_hits[stage]:
                        top_hits[stage], top_rows[stage] = h, other
                    if stage == STAGES - 1:
                        matches.append((-h, other))
            if a.open:
                score = max(score, hits[-1] / a.open * min(hits[-1] * a.weight / min_ngrams, 1.0))
        best.append(top_rows)
        scores.append(score)
        found += [(row, other) for _, other in sorted(matches)[:top]]
    matches_ = [Match(row, other, *_verify(theirs[row], ours[other], STAGES - 1, n)[:-1]) for row, other in found]
    waterfall = []
    for stage in range(STAGES):
        pairs = [(theirs[row], ours[rows[stage]]) for row, rows in enumerate(best) if rows[stage] >= 0]
        verified = [_verify(a, b, stage, n) for a, b in pairs]
        waterfall.append(
            {
                "suspect_texts": len(pairs),
                "served_texts": sum(stages_of[first[row]] > stage for row in range(len(ours))),
                "tokens": sum(v[-1] for v in verified),
                "spans": sum(len(v[-2]) for v in verified),
            }
        )
    too_short = sum(len(text.grams) * text.weight < min_ngrams for text in theirs)
    return Compared(matches_, best, scores, waterfall, cap, too_short)


def _layer(gram: Gram, a: Text, b: Text) -> int:
    """The earliest layer of an n-gram on either side; 0 = none."""
    return min((text.layer[gram] for text in (a, b) if gram in text.layer), default=0)


def _shared(a: Text, b: Text) -> list[int]:
    """Shared n-grams that each stage counts."""
    layers = [_layer(gram, a, b) for gram in a.grams & b.grams]
    return [sum(layer == 0 or layer > stage for layer in layers) for stage in range(STAGES)]


def _verify(
    a: Text, b: Text, stage: int, n: int
) -> tuple[int, float, float, int, list[tuple[tuple[int, int], tuple[int, int], int]], int]:
    """N-grams, both containments, longest run, spans and covered tokens of a pair, counting what a stage counts.

    Positions are those of the texts as they are, or without list markers where that shares more n-grams.
    """
    hidden = {gram for gram in a.grams | b.grams if 0 < _layer(gram, a, b) <= stage}
    left, right = a.grams - hidden, b.grams - hidden
    shared = left & right
    forms = [(a.forms[0], b.forms[0]), (a.forms[-1], b.forms[-1])]
    x, y = max(forms, key=lambda form: ngram_match(form[0], form[1], n, masked=hidden).ngrams)
    seen = shared & set(ngrams(x, n)) & set(ngrams(y, n))
    covered = {i + k for i, gram in enumerate(ngrams(x, n)) if gram in seen for k in range(len(gram))}
    whole = [Token(t.value, t.start, t.end, False) for t in x]
    spans = common_spans(whole, y, min(n, len(x)), masked_ngrams=hidden)
    return (
        len(shared),
        len(shared) / len(left) if left else float("nan"),
        len(shared) / len(right) if right else float("nan"),
        ngram_match(x, y, n, masked=hidden).longest_run,
        [_places(span, x, y) for span in spans],
        len(covered),
    )


def _places(span: Span, x: list[Token], y: list[Token]) -> tuple[tuple[int, int], tuple[int, int], int]:
    a, b = byte_range(x, span.a_start, span.a_end), byte_range(y, span.b_start, span.b_end)
    return a, b, span.a_end - span.a_start

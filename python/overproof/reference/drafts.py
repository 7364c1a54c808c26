"""How well each draft fits the suspect, by comparing it with every text: twin of `overproof.evidence.drafts`."""

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from math import ceil, fsum, log10

from .compare import Text, Texts, df_cap, document_frequency, scaled
from .score import Gram, ngram_match, ngrams
from .shingle import shingle

LAYERS = 3


def score_drafts(
    drafts: Sequence[Texts],
    suspect: Texts,
    *,
    prompts: Sequence[Texts] | None = None,
    background: Texts = (),
    boilerplate: bool | int = False,
    rarity: Texts | None = None,
    score: str = "run",
    n: int = 5,
    layers: int = LAYERS,
) -> list[list[float]]:
    """The score of each draft; a row of `drafts` is a served output and its redraws, one of `prompts` all its turns.

    `layers` says how many of the masks hide anything: prompts, then the background, then boilerplate.
    Cost O(drafts x suspect texts) comparisons.

    Examples
    --------
    >>> score_drafts([["a cat sat on the mat", "on the mat sat a cat"]], ["So a cat sat on it."], n=2)
    [[4, 2]]
    >>> score_drafts([["a cat sat on it", "it sat"]], ["So a cat sat on it."], n=2, background=["on it"])
    [[4, 0]]
    """
    rows = [[Text(draft, n, "keep") for draft in row] for row in drafts]
    theirs = [Text(text, n, "keep") for text in suspect]
    masks: list[set[Gram]] = [
        {gram for text in background for gram in Text(text, n, "keep").grams} if layers > 1 else set(),
        _boilerplate(rows, theirs, suspect, boilerplate, n) if boilerplate is not False and layers > 2 else set(),
    ]
    weights: dict[Gram, float] = {}
    reached: list[float] = []
    if rarity is not None:
        controls = [Text(text, n, "keep") for text in rarity]
        distinct = list({frozenset(text.grams): text for text in controls if text.grams}.values())
        held = Counter(gram for text in distinct for gram in text.grams)
        every = {gram for text in theirs for gram in text.grams}
        weights = {gram: -log10((held[gram] + 1) / (len(distinct) + 1)) for gram in every}
        if score != "ngrams":
            reached = sorted(_best(text, theirs, set().union(*masks), score, {}) for text in distinct)
    out = []
    for i, row in enumerate(rows):
        turns = prompts[i] if prompts is not None and layers > 0 else ()
        asked = {gram for turn in turns for gram in Text(turn, n, "keep").grams if turn}
        hidden = asked.union(*masks)
        scores = [_best(draft, theirs, hidden, score, weights) for draft in row]
        out.append([_rarity(value, reached) for value in scores] if reached else scores)
    return out


def _best(draft: Text, theirs: Sequence[Text], hidden: set[Gram], score: str, weights: dict[Gram, float]) -> float:
    """The best score of a draft beside one suspect text; a sum of weights where there are any."""
    best: float = 0
    for text in theirs:
        shared = (draft.grams & text.grams) - hidden
        if not shared:
            continue
        if score == "run":
            masked = hidden & (draft.grams | text.grams)
            value: float = ngram_match(draft.forms[0], text.forms[0], draft.n, masked=masked).longest_run
        elif score == "coverage":
            grams = ngrams(draft.forms[0], draft.n)
            value = len({i + k for i, gram in enumerate(grams) if gram in shared for k in range(len(gram))})
        else:
            value = fsum(weights[gram] for gram in shared) if weights else len(shared)
        best = max(best, value)
    return best


def _boilerplate(
    rows: Sequence[Sequence[Text]], theirs: Sequence[Text], suspect: Texts, asked: bool | int, n: int
) -> set[Gram]:
    """N-grams of numbers only, of too many drafts, or of too many suspect texts."""
    drafts = [text for texts in rows for text in texts]
    held, there = document_frequency(drafts, range(len(drafts))), sum(bool(text.grams) for text in drafts)
    by_rate = ceil(0.0005 * len(rows))
    cap = df_cap(drafts, held, by_rate, there, len(rows)) if asked is True else scaled(asked, there, len(rows))
    least = [min(shingle(text or "", n).hashes, default=-1) for text in suspect]
    most = max(20, ceil(0.002 * len(set(least) - {-1}))) if asked is True else asked
    often = [gram for gram, count in held.items() if count > cap]
    often += [gram for gram, count in document_frequency(theirs, least).items() if count > most]
    return {gram for text in drafts for gram in text.numbers}.union(often)


def _rarity(value: float, reached: Sequence[float]) -> float:
    """-log10 of the share of control texts that reach a score, linear in between, 1 / (1 + excess) beyond."""
    knots = [(0.0, 0.0)]
    for known in sorted({r for r in reached if r > 0}):
        knots.append((known, -log10((sum(r >= known for r in reached) + 1) / (len(reached) + 1))))
    for (low, a), (high, b) in pairwise(knots):
        if low <= value <= high:
            return a + (b - a) * (value - low) / (high - low)
    return knots[-1][1] + log10(1 + value - knots[-1][0])

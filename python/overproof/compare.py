"""How much of what was served is in a suspect corpus: similarity with spans, beside controls, without a p-value."""

from __future__ import annotations

import logging
import math
import operator
import sys
from collections.abc import Callable, Mapping
from functools import partial
from numbers import Real
from os import PathLike
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from overproof import _core, audit
from overproof._extras import need
from overproof.comparison import STAGES, Comparison, ControlCounts, binomial_interval
from overproof.corpus import Corpus
from overproof.errors import InputError
from overproof.shingle import Shingler, ShingleSets, checked_shingler, sets_marking_numbers
from overproof.units import join_units

if TYPE_CHECKING:
    from overproof.typing import TextsLike

__all__ = ["compare"]

log = logging.getLogger("overproof")

Progress = Callable[[str, int, int], None]

EPSILON = sys.float_info.epsilon
NO_HASHES = np.zeros(0, np.uint64)
NO_ROWS = np.zeros(0, np.int64)
FLOORS = (5, 6, 8, 11, 16, 23, 32, 45, 64, 91, 128)
"""Document-frequency floors that a run may choose from."""
LAYERS = ("raw", "prompt echo", "background", "boilerplate")
"""What is counted, and what is no longer counted at each further stage."""
LOST = 0.01
"""Share of served texts that may lose over half of their n-grams to the document-frequency cap."""
SUSPECT_CAP = (20, 0.002)
"""An n-gram is boilerplate of a suspect or control corpus above this many texts and this share of them."""


class Rule(NamedTuple):
    """When a suspect text counts as holding a served one."""

    min_ngrams: float
    min_containment: float
    min_embedded: float


def compare(
    served: TextsLike | Corpus,
    suspect: TextsLike | Corpus,
    *,
    control: TextsLike | Corpus | Mapping[str, TextsLike | Corpus] | None = None,
    prompts: TextsLike | None = None,
    background: TextsLike | Corpus | None = None,
    shingler: Shingler | None = None,
    min_ngrams: float = 7,
    min_containment: float = 0.28,
    min_embedded: float = 80,
    df_rate: float = 0.0005,
    top: int = 8,
    confidence: float = 0.95,
    audit_texts: int = 200,
    seed: int = 0,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Comparison:
    """Compare a suspect corpus with served texts.

    A suspect text *matches* when it shares at least `min_ngrams` n-grams with one served text and these are at least
    `min_containment` of its own n-grams; or, for a served text inside a longer one, at least `min_embedded` n-grams
    that are `min_containment` of the served text's. N-grams of prompts, of the background and of boilerplate count
    neither above nor below the line. Boilerplate is what many units hold, and n-grams of numbers only: anybody writes
    the same series.

    Parameters
    ----------
    served : TextsLike or Corpus
        What the provider's model answered: a log, a public set of its outputs, or answers bought to your own prompts.
    suspect : TextsLike or Corpus
        The corpus in question.
    control : TextsLike, Corpus, or a mapping of names to them, optional
        Corpora that cannot hold served texts: the same figures are computed for each.
    prompts : TextsLike, optional
        The prompt of each suspect text, where `suspect` is not a Corpus that carries them.
    background : TextsLike or Corpus, optional
        Texts whose n-grams are discounted on all sides alike; should predate the suspect and the first leak.
    shingler : Shingler, optional
        One width; default ``Shingler(5, lists="both")``. For scripts without spaces use ``Shingler(8)``.
    min_ngrams : float
        Fewest shared n-grams; a token that is a single character of a script without spaces counts half.
    min_containment : float
        Least share of the suspect text's unmasked n-grams, in (0, 1].
    min_embedded : float
        Fewest shared n-grams for a served text inside a longer suspect text; the default exceeds most quotations.
    df_rate : float
        Served n-grams held by more than ``max(floor, df_rate * units)`` units are boilerplate; the floor is the
        smallest of 5, 6, 8, ... 128 at which at most 1 % of the served texts lose over half of their n-grams.
    top : int
        Served texts reported for one suspect text, at most.
    confidence : float
        Level of the exact binomial intervals.
    audit_texts : int
        Served texts that are planted, edited, in a second pass to measure this run's recall; 0 = no audit.
    seed : int
        Chooses the planted texts and their edits.
    threads : int, optional
        At most this many threads; never changes a value.
    progress : callable(stage, done, total), optional
        Called between stages.

    Returns
    -------
    Comparison
        ``.summary()``, ``.waterfall``, ``.pairs``, ``.spans``, ``.to_dict()``, ``.to_json(path)``, ``.to_html(path)``.

    Raises
    ------
    InputError
        A side holds no text; a row is not text; lengths differ; a number is out of range.
    MissingExtraError
        SciPy is missing, which the intervals need.

    Notes
    -----
    Rung L0 of the claims ladder: the texts are similar. There is no p-value, since there are no redraws. Candidates
    share at least four n-grams; every reported pair is compared again on its exact tokens, so a hash collision cannot
    make one. "Nothing found" is not "innocent": paraphrase, translation, over 30 % of words edited, texts of fewer
    than ``n + min_ngrams - 1`` tokens and whatever is not in `served` are out of reach. Rows of one corpus are not
    independent: the intervals describe the share, they test nothing.
    Time O(tokens of all sides); memory about 30 bytes per n-gram of the served side and 9 per n-gram of the others.

    References
    ----------
    Broder 1997 (containment); Clopper and Pearson 1934 (intervals). The rule's error rates are measured by
    benches/validity.

    Examples
    --------
    >>> import overproof as op
    >>> answer = "The kettle boils when the thermostat closes its circuit and lets the current heat the coil below."
    >>> result = op.compare([answer], ["As they say: " + answer.upper(), "Nothing of the kind."])
    >>> result.summary()["suspect_texts_matched"]
    1
    >>> result.pairs.left.tolist(), result.pairs.right.tolist()
    ([0], [0])
    """
    rule = Rule(
        _number(min_ngrams, "min_ngrams", "must be at least 1", low=1),
        _number(min_containment, "min_containment", "must be above 0 and at most 1", high=1),
        _number(min_embedded, "min_embedded", "must be at least min_ngrams", low=min_ngrams),
    )
    df_rate = _number(df_rate, "df_rate", "must be from 0 to below 1", low=0, high=1 - EPSILON)
    confidence = _number(confidence, "confidence", "must be between 0 and 1", high=1 - EPSILON)
    top = _whole(top, "top", low=1)
    audit_texts, seed = _whole(audit_texts, "audit_texts"), _whole(seed, "seed")
    shingler = _one_width(checked_shingler(shingler) or Shingler(5, lists="both"))
    need("scipy.special", extra="stats")
    report = progress or (lambda stage, done, total: None)

    sides = {"served": _corpus(served, "served"), "suspect": _corpus(suspect, "suspect")}
    if prompts is not None:
        sides["suspect"] = _with_prompts(sides["suspect"], prompts)
    controls = _controls(control)
    behind = _corpus(background, "background") if background is not None else None
    total = 6 + len(controls)

    report("shingling served texts", 0, total)
    made = _Made(shingler, threads)
    ours = made.side(sides["served"])
    report("shingling suspect texts", 1, total)
    theirs = made.side(sides["suspect"])
    report("reading the background", 2, total)
    discounted = distinct_hashes(made.sets(behind.texts).hashes) if behind is not None else NO_HASHES

    report("indexing served texts", 3, total)
    units = _served_units(sides["served"], ours)
    held = _core.CopyAnswers(ours.sets, ours.prompts)
    common, df_rule = _document_frequencies(held, ours.sets, units, df_rate)
    common = np.union1d(common, made.numbers(sides["served"].texts, ours.sets))
    # A masked n-gram leads to as many rows as an unmasked one may; four times as many show .7 % more matched texts in
    # the raw layer of 100,000 made ones.
    index = _core.CopyIndex(held, discounted, common, max(64, int(df_rule["cap"])))

    def look(side: _Shingled, texts: TextsLike) -> _Looked:
        boilerplate = np.union1d(np.union1d(common, _boilerplate(side)), made.numbers(texts, side.sets))
        masked = _core.CopySide(side.sets, side.prompts, discounted, boilerplate)
        return _Looked(masked, index.find(masked, *rule, min(top, len(index)), threads), boilerplate)

    report("comparing suspect texts", 4, total)
    looked = look(theirs, sides["suspect"].texts)
    found = looked.found
    report("verifying matches on exact text", 5, total)
    texts, answers = sides["suspect"].texts, sides["served"].texts
    verified = index.verify(looked.side, found["left"], found["right"], found["best"].ravel(), texts, answers, threads)
    waterfall = _waterfall(found, verified.pop("waterfall"))

    results, scores = {}, {"suspect": found["score"]}
    for done, (name, corpus) in enumerate(controls.items()):
        report(f"comparing control {name}", 6 + done, total)
        side = made.side(corpus)
        of_control = look(side, corpus.texts)
        best = of_control.found["best"][:, -1]
        rows = np.flatnonzero(best >= 0)
        inside = index.verify(of_control.side, rows, best[rows], NO_ROWS, corpus.texts, answers, threads)["covered"]
        results[name] = ControlCounts(
            texts=len(corpus),
            matched=len(rows),
            tokens=int(side.sets.tokens.sum(dtype=np.int64)),
            tokens_matched=int(inside.sum(dtype=np.int64)),
            served_texts_matched=int((of_control.found["served"] == STAGES).sum()),
            too_short=int((_most_ngrams(side.sets) < rule.min_ngrams).sum()),
        )
        scores[name] = of_control.found["score"]

    planted = _plant(sides["served"], ours, audit_texts, seed)
    recall = None
    if planted is not None:
        copies = made.marked(planted.texts)
        boilerplate = np.union1d(looked.boilerplate, made.numbers(planted.texts, copies))
        masked = _core.CopySide(copies, None, discounted, boilerplate)
        seen = index.find(masked, *rule, 1, threads)["best"][:, -1] >= 0
        recall = audit.tally(planted, seen, partial(binomial_interval, confidence=confidence))
    report("done", total, total)
    return Comparison(
        params={
            "shingler": str(shingler.params),
            "fingerprint": f"{shingler.fingerprint:016x}",
            "n": shingler.params.n[0],
            **rule._asdict(),
            "df_rate": df_rate,
            "top": top,
            "confidence": confidence,
            "audit_texts": audit_texts,
            "seed": seed,
        },
        served=sides["served"],
        suspect=sides["suspect"],
        background=behind,
        controls=controls,
        control_counts=results,
        scores=scores,
        best=found["best"],
        pair_rows=(found["left"], found["right"]),
        verified=verified,
        waterfall=waterfall,
        tokens=theirs.sets.tokens,
        short=_most_ngrams(theirs.sets) < rule.min_ngrams,
        empty=(_empty(theirs.sets), _empty(ours.sets)),
        served_matched=int((found["served"] == STAGES).sum()),
        df_rule=df_rule,
        recall=recall,
    )


class _Shingled(NamedTuple):
    sets: ShingleSets
    prompts: ShingleSets | None
    representatives: npt.NDArray[np.int64]


class _Looked(NamedTuple):
    side: _core.CopySide
    found: dict[str, npt.NDArray[Any]]
    boilerplate: npt.NDArray[np.uint64]


class _Made:
    """Shingles corpora, all by one shingler."""

    def __init__(self, shingler: Shingler, threads: int | None) -> None:
        self.shingler, self.threads = shingler, threads

    def sets(self, texts: TextsLike) -> ShingleSets:
        return self.shingler.transform(texts, missing="keep", errors="replace", threads=self.threads)

    def marked(self, texts: TextsLike) -> ShingleSets:
        """Sets for `numbers`."""
        return sets_marking_numbers(texts, self.shingler, self.threads)

    def numbers(self, texts: TextsLike, sets: ShingleSets) -> npt.NDArray[np.uint64]:
        """N-grams of numbers only; the sets of the texts know which of them to look at."""
        return _core.number_shingles(texts, self.shingler.params, self.threads, sets)

    def side(self, corpus: Corpus) -> _Shingled:
        sets = self.marked(corpus.texts)
        prompts = self.sets(corpus.prompts) if corpus.prompts is not None else None
        return _Shingled(sets, prompts, _core.representatives(sets))


def _number(value: Any, name: str, must: str, *, low: float = EPSILON, high: float = sys.float_info.max) -> float:
    """A finite number from `low` to `high`."""
    number = float(value) if isinstance(value, Real) else math.nan
    if not low <= number <= high:
        raise InputError(f"{name}={value!r} {must}, and a finite number")
    return number


def _whole(value: Any, name: str, *, low: int = 0) -> int:
    try:
        number = operator.index(value)
    except TypeError:
        number = -1
    if not low <= number < 2**63:
        raise InputError(f"{name}={value!r} must be an integer of at least {low}")
    return number


def _one_width(shingler: Shingler) -> Shingler:
    params = shingler.params
    if len(params.n) != 1:
        raise InputError(f"shingler: compare needs one width n, not {params.n}")
    if params.analyzer not in ("word", "char", "byte"):
        raise InputError(
            f"shingler: compare points at spans of the original texts, which analyzer {params.analyzer!r} cannot; "
            'give "word", "char" or "byte", or join such sets with similarity_join'
        )
    return shingler


def _most_ngrams(sets: ShingleSets) -> npt.NDArray[np.float64]:
    """What each text could share at most: its distinct n-grams, by their weight."""
    weight = (sets.tokens - sets.singles / 2) / np.maximum(sets.tokens, 1)
    return np.asarray(np.diff(sets.indptr) * weight)


def _empty(sets: ShingleSets) -> int:
    return int((np.diff(sets.indptr) == 0).sum())


def _corpus(texts: Any, name: str) -> Corpus:
    if isinstance(texts, str | PathLike):
        raise InputError(f"{name} is one {type(texts).__name__}: give texts, or a file's: read_corpus(path)")
    try:
        corpus = texts if isinstance(texts, Corpus) else Corpus(texts, name=name)
    except InputError as error:
        raise InputError(f"{name}: {error}") from error
    if len(corpus) == 0:
        raise InputError(f"{name} holds no text: nothing can be compared")
    return corpus


def _with_prompts(corpus: Corpus, prompts: Any) -> Corpus:
    if corpus.prompts is not None:
        raise InputError("prompts: the suspect corpus carries its own; give them once")
    known = {name: getattr(corpus, name) for name in ("ids", "accounts", "times", "conversations", "rows", "name")}
    known |= {name: getattr(corpus, name) for name in ("extra", "sources", "source_of", "fields", "guessed")}
    return Corpus(corpus.texts, prompts=prompts, missing="keep", **known)


def _controls(control: Any) -> dict[str, Corpus]:
    """Controls by name; "suspect" is taken."""
    if control is None:
        return {}
    if not isinstance(control, Mapping):
        corpus = _corpus(control, "control")
        control = {corpus.name or "control": corpus}
    named = {str(name): _corpus(texts, f"control {name}") for name, texts in control.items()}
    if len(named) < len(control):
        raise InputError(f"control: two names read the same; they are {', '.join(named)}")
    return {"control suspect" if name == "suspect" else name: corpus for name, corpus in named.items()}


def _served_units(corpus: Corpus, side: _Shingled) -> npt.NDArray[np.int64]:
    """Rows with the same text, the same prompt or the same conversation are one unit."""
    keys = [side.representatives]
    if side.prompts is not None:
        same = _core.representatives(side.prompts)
        # An empty prompt is no prompt: such rows stand for themselves.
        keys.append(np.where(np.diff(side.prompts.indptr) > 0, same, -1))
    if corpus.conversations is not None:
        names = _core.text_list(corpus.conversations)
        ids: dict[str, int] = {}
        keys.append(np.array([-1 if c is None else ids.setdefault(c, len(ids)) for c in names], np.int64))
    # Texts alone are joined already: each row has the lowest with the same text.
    return join_units(len(corpus), keys) if len(keys) > 1 else side.representatives


def _document_frequencies(
    held: _core.CopyAnswers, sets: ShingleSets, units: npt.NDArray[np.int64], rate: float
) -> tuple[npt.NDArray[np.uint64], dict[str, Any]]:
    """N-grams held by too many units, with the cap solved from this run's own texts."""
    n_units = _distinct(units)
    by_rate = int(np.ceil(rate * n_units))
    caps = [max(floor, by_rate) for floor in FLOORS]
    keys, counts, losing = held.frequencies(units, caps)
    long = (sets.tokens - sets.singles / 2 >= 20) & (np.diff(sets.indptr) > 0)
    losing = losing[long]
    shares = [float((losing > i).mean()) if len(losing) else 0.0 for i in range(len(caps))]
    # The last cap where none is enough.
    chosen = next((i for i, share in enumerate(shares) if share <= LOST), -1)
    cap, lost_half = caps[chosen], shares[chosen]
    words = (
        f"n-grams held by more than {cap} of {n_units:,} units (rows that share prompt, conversation or text) are "
        f"boilerplate; {100 * lost_half:.2g} % of the served texts of 20 tokens or more lose over half of theirs"
    )
    rule = {"rule": words, "cap": cap, "rate": rate, "units": n_units, "served_texts_losing_half": lost_half}
    return keys[counts > cap], rule


def distinct_hashes(hashes: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Ascending, each once; `numpy.unique` goes by a hash table, which takes many times as long for some millions."""
    ordered = np.sort(hashes)
    first = np.ones(len(ordered), np.bool_)
    first[1:] = ordered[1:] != ordered[:-1]
    return ordered[first]


def _distinct(units: npt.NDArray[np.int64]) -> int:
    """Number of units that are named by the lowest of their rows."""
    return int((units == np.arange(len(units))).sum())


def _boilerplate(side: _Shingled) -> npt.NDArray[np.uint64]:
    """N-grams that many texts of a suspect or control corpus share; a text that stands there twice counts once."""
    floor, rate = SUSPECT_CAP
    n_units = _distinct(side.representatives)
    return _core.frequent(side.sets, side.representatives, max(floor, int(np.ceil(rate * n_units))))[0]


def _waterfall(found: dict[str, npt.NDArray[Any]], taken: npt.NDArray[np.uint64]) -> list[dict[str, Any]]:
    """What each layer takes away: matched texts, and the tokens and spans of each text's best match."""
    out = [
        {
            "layer": name,
            "suspect_texts": int((found["best"][:, stage] >= 0).sum()),
            "served_texts": int((found["served"] > stage).sum()),
            "tokens": tokens,
            "spans": spans,
        }
        for stage, (name, (tokens, spans)) in enumerate(zip(LAYERS, taken.tolist(), strict=True))
    ]
    out.append({**out[-1], "layer": "left"})
    return out


def _least(values: npt.NDArray[np.float64], most: int) -> npt.NDArray[np.int64]:
    """Where the `most` least values stand, ascending; of equal ones the first. Sorting all takes ten times as long."""
    if most >= len(values):
        return np.arange(len(values))
    last = np.partition(values, most - 1)[most - 1]
    below = np.flatnonzero(values < last)
    return np.sort(np.concatenate([below, np.flatnonzero(values == last)[: most - len(below)]]))


def _plant(corpus: Corpus, side: _Shingled, most: int, seed: int) -> audit.Planted | None:
    """Edited copies of served texts of 20 tokens or more, for a second pass."""
    own = side.representatives == np.arange(len(corpus))
    eligible = np.flatnonzero(own & (side.sets.tokens - side.sets.singles / 2 >= 20))
    if not most or not len(eligible):
        return None
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed)))
    chosen = eligible[_least(rng.random(len(eligible)), most)]
    texts = _core.text_list(corpus.select(chosen).texts)
    return audit.plant([t or "" for t in texts], np.arange(len(chosen)), seed=seed)

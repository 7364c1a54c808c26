"""The fixed sentences of every report: what each rung claims, and what no figure here shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

__all__ = [
    "LADDER",
    "LAYERS",
    "NEVER",
    "NOTHING_FOUND",
    "NO_CONTROL",
    "NO_FURTHER",
    "NO_PVALUE",
    "NO_REDRAWS",
    "SHARES",
    "SPANS",
    "Rung",
    "claim",
    "cut_in_two",
    "too_short",
]


class Rung(NamedTuple):
    """One step of the claims ladder."""

    name: str
    claim: str
    proof: str
    """What proves the claim; for a rung above the report's own, what is missing."""


LADDER = (
    Rung("L0", "The texts are similar.", "scores with intervals, spans, beside the controls"),
    Rung(
        "L1",
        "The corpus holds texts that we served.",
        "a line-up or rate-ratio test against unserved redraws that survives a sensitivity analysis",
    ),
    Rung(
        "L2",
        "The corpus holds outputs that this log shows served only to these accounts; the route is not shown.",
        "the same tests on groups and accounts fixed from the log's metadata",
    ),
    Rung("L3", "The model was trained on them.", "outside this library, which only carries such results"),
    Rung("L4", "Intent.", "never this library's to say"),
)
NO_FURTHER = "It claims no more: not that this corpus holds texts that were served, nor who obtained them, nor why."
NEVER = "This report measures. It gives no verdict, no “distilled %”, and no legal conclusion."
NOTHING_FOUND = (
    "“Nothing found” is not “innocent”: paraphrase, translation, edits of 30% or more of the words, texts too short "
    "to compare, and everything that was served but is not in the served file are out of reach."
)
NO_PVALUE = (
    "There is no p-value here. A p-value needs a null that is true by construction: unserved redraws, other answers "
    "drawn from the same model for the same requests and returned to nobody. This comparison has none. "
)
NO_REDRAWS = (
    "Overlap with a control is no substitute: in measurements on real models, tests of that kind accused most of the "
    "innocent ones. The controls here are for the eye: they show what the same rule finds where nothing can be found."
)
NO_CONTROL = (
    "No control was given, so nothing here says how often the same rule finds “served” text in a corpus that cannot "
    "hold any. Add at least one with --control."
)
SHARES = (
    "The intervals are exact binomial ones (Clopper–Pearson). They say how precisely the share is known if the texts "
    "stand for more texts like them, not how likely it is that the corpus was copied: rows of one corpus are not "
    "independent."
)
LAYERS = {
    "raw": "as many shared n-grams as the rule asks for, none taken away yet",
    "prompt echo": "without n-grams that the prompts already contain",
    "background": "without n-grams of the background texts",
    "boilerplate": "without n-grams that many texts of either side repeat, and those of numbers only",
    "left": "what this report counts",
}

SPANS = (
    "Spans rise where a layer takes words out of the middle of a span and so cuts it in two; tokens and spans are "
    "those of each text's best match."
)


LENGTHS = (
    "In every row the n-grams shared are held against those that the last row leaves of a text, so that no row exceeds "
    "the one before it: the first counts more than a rule would that masks nothing."
)


def cut_in_two(waterfall: Sequence[Mapping[str, Any]]) -> bool:
    """Find out whether a layer leaves more spans than the one before it."""
    return any(after["spans"] > before["spans"] for before, after in pairwise(waterfall))


def claim(name: str) -> str:
    """Return what a rung claims; empty for a rung that the ladder does not have."""
    return next((rung.claim for rung in LADDER if rung.name == name), "")


def too_short(short: int, texts: int) -> str:
    """Say how many suspect texts cannot match, so that a share below 100% of a plain copy is understood.

    Examples
    --------
    >>> too_short(1, 1000)
    '1 suspect text is too short to match by this rule, and counts among the 1,000 all the same.'
    """
    which, count = ("1 suspect text is", "counts") if short == 1 else (f"{short:,} suspect texts are", "count")
    return f"{which} too short to match by this rule, and {count} among the {texts:,} all the same."

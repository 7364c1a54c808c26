"""A made world with a known truth: a provider that serves texts, redraws nobody saw, and a corpus that took some.

For demonstrations, tests, and studies of power and error rates. `case` makes all tables of one case; `TextModel` is the
language model behind them; `edit` changes a text in a known way and by a known amount.

Everything follows from the seed: equal arguments give equal bytes on every platform. CPython's documentation is the
training text and differs between its versions, so the digest of that text is part of every result.

Examples
--------
>>> from overproof import simulate
>>> made = simulate.case(prompts=60, served=120, accounts=8, suspect=80, leak=20, web=10, people=40)
>>> len(made.served), len(made.redraws), sum(row["origin"] == "leak" for row in made.truth["suspect"].values())
(120, 480, 20)
"""

from .accounts import Account
from .case import DEFAULT_EDITS, PEOPLE, PROVIDER, RIVAL, Case, Sampler, case
from .edits import EDITS, edit, split_sentences
from .text_model import PLAIN, Style, TextModel, training_digest, training_texts

__all__ = [
    "DEFAULT_EDITS",
    "EDITS",
    "PEOPLE",
    "PLAIN",
    "PROVIDER",
    "RIVAL",
    "Account",
    "Case",
    "Sampler",
    "Style",
    "TextModel",
    "case",
    "edit",
    "split_sentences",
    "training_digest",
    "training_texts",
]

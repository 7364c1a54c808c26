"""A made world with a known truth: a provider that serves texts, redraws nobody saw, and a corpus that took some.

For demonstrations, tests, and studies of power and error rates. `case` makes all tables of one small case; `api_log` a
log of any size with all that makes attribution hard, whose redraws are drawn when asked for; `answer_batch` answers a
file of requests as the made provider would. `TextModel` is the language model behind it all; `edit` changes a text in a
known way and by a known amount. Two modules use `overproof.evidence` and are imported by name: `overproof.simulate.lab`
runs its tests in thousands of made worlds, `overproof.simulate.power` measures their power on made texts.

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
from .log import ApiLog
from .make_log import api_log
from .population import Member
from .provider import NEXT, answer_batch
from .streams import Streams
from .text_model import PLAIN, Style, TextModel, training_digest, training_texts

__all__ = [
    "DEFAULT_EDITS",
    "EDITS",
    "NEXT",
    "PEOPLE",
    "PLAIN",
    "PROVIDER",
    "RIVAL",
    "Account",
    "ApiLog",
    "Case",
    "Member",
    "Sampler",
    "Streams",
    "Style",
    "TextModel",
    "answer_batch",
    "api_log",
    "case",
    "edit",
    "split_sentences",
    "training_digest",
    "training_texts",
]

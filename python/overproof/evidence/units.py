"""Units of a log: requests that share a prompt, a conversation, a template, a cache or their text count once."""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterable

import numpy as np
import numpy.typing as npt

from overproof import _core
from overproof.corpus import Corpus
from overproof.evidence.log import column
from overproof.units import join_units

MIN_WORDS = 12
"""Words from which equal texts join rows: shorter ones ("Yes.", refusals) are no copies, and no event either."""


def log_units(corpus: Corpus, *, min_words: int = MIN_WORDS, threads: int | None = None) -> npt.NDArray[np.int64]:
    """The unit of each request of a log.

    Rows are joined, over all accounts, that share the normalised prompt with its history, the conversation, the
    template, the cache key, or the delivered text. Copies that share redraws are false alarms otherwise.

    Parameters
    ----------
    corpus : Corpus
        n requests, as `read_log` gives.
    min_words : int
        Equal texts join from so many words on.
    threads : int, optional
        At most this many threads; never changes a value.

    Returns
    -------
    int64[n]
        The lowest row of each row's unit.

    Notes
    -----
    Exact: strings are compared, not their hashes. A prompt is normalised by NFKC and case folding, and white space runs
    count as one space; a system message is no part of it. About 12 s of one core for 10^6 rows.

    Examples
    --------
    >>> import overproof as op
    >>> log = op.Corpus(["x", "y", "z"], prompts=["Why?", " why?\\n", "How?"], conversations=[None, "c", "d"])
    >>> log_units(log)
    array([0, 0, 2])
    """
    texts = column(corpus, "text")
    copies = [text if text is not None and len(text.split(None, min_words)) >= min_words else None for text in texts]
    keys = [
        asked(corpus, threads=threads),
        *(column(corpus, name) for name in ("conversation", "template", "cache_key")),
    ]
    return join_units(len(corpus), [_codes(key) for key in (*keys, copies)])


def asked(corpus: Corpus, *, threads: int | None = None) -> list[str | None]:
    """What each request asked, normalised: all turns but those of the system; the prompt where no messages are known.

    Examples
    --------
    >>> import overproof as op
    >>> turns = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Why  ME?"}]
    >>> asked(op.Corpus(["x", "y"], prompts=["Why me?", "So?"], extra={"messages": [turns, None]}))
    ['why me?', 'so?']
    """
    seen: dict[str, str | None] = {}
    out = []
    for messages, prompt in zip(column(corpus, "messages"), column(corpus, "prompt"), strict=True):
        turns = None
        if messages is not None and not (prompt is not None and _is_one_turn(messages)):
            if messages not in seen:
                seen[messages] = _turns(messages)
            turns = seen[messages]
        out.append(prompt if turns is None else turns)
    return normal(out, threads)


def normal(texts: list[str | None], threads: int | None = None) -> list[str | None]:
    """Texts by NFKC and case folding, with single spaces.

    Examples
    --------
    >>> normal(["Why  ME?", None])
    ['why me?', None]
    """
    folded = _core.normalize(texts, "nfkc_casefold", "keep", "replace", threads)
    return [None if text is None else " ".join(text.split()) for text in folded]


def turns_of(messages: str | None) -> list[tuple[str, str]]:
    """Role and text of each message of a JSON list; empty where it is none.

    Examples
    --------
    >>> turns_of('[{"role": "user", "content": [{"type": "text", "text": "Hi"}]}]')
    [('user', 'Hi')]
    """
    try:
        found = json.loads(messages) if messages is not None else []
    except (ValueError, RecursionError):
        return []
    if not isinstance(found, list):
        return []
    return [
        (str(turn.get("role", turn.get("from"))), _content(turn.get("content", turn.get("value"))))
        for turn in found
        if isinstance(turn, dict)
    ]


def _content(content: object) -> str:
    if isinstance(content, list):
        parts = (part.get("text") if isinstance(part, dict) else part for part in content)
        return "\n".join(part for part in parts if isinstance(part, str))
    return content if isinstance(content, str) else ""


def _is_one_turn(messages: str) -> bool:
    """Whether compact JSON text holds one message beside that of the system: then the prompt says it all.

    Inside a string the quotes would be escaped, so that what is counted is a key.
    """
    return messages.count('"role":') == 1 + messages.count('"role":"system"')


def _turns(messages: str) -> str | None:
    """The turns as one text; None where there is none, so that the prompt counts."""
    turns = [(role, text) for role, text in turns_of(messages) if role not in ("system", "developer")]
    if len(turns) == 1:
        return turns[0][1]
    # Private-use characters, which no prompt holds, part the turns: two turns never equal one.
    return "".join(f"\ue000{role}\ue001{text}" for role, text in turns) or None


def _codes(values: Iterable[Hashable]) -> npt.NDArray[np.int64]:
    """A number for each distinct value; -1 for None and empty text, which join nothing."""
    numbers: dict[Hashable, int] = {None: -1, "": -1}
    return np.fromiter((numbers.setdefault(value, len(numbers)) for value in values), np.int64)

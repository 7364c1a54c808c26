"""The strongest events of a line-up, with their texts: what was served beside the suspect and the redraws."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from overproof.corpus import Corpus
from overproof.evidence.events import events_of
from overproof.score import common_spans

MOST = 10
LOST = 2
"""Of these, events that a redraw won, where there are some."""


def examples(
    scores: npt.NDArray[np.float64],
    drafts: Sequence[Sequence[str | None]],
    suspect: Corpus,
    best: npt.NDArray[np.int64],
    *,
    tau: float,
    about: Sequence[Mapping[str, Any]],
    prompts: Sequence[Any],
    most: int = MOST,
) -> list[dict[str, Any]]:
    """The events with the largest scores, strongest first; two of them, if there are any, that a redraw won.

    Parameters
    ----------
    scores : float64[n, K + 1]
        As in `line_up`.
    drafts : sequence of n sequences
        Texts: the served draft, then its redraws.
    suspect : Corpus
        The corpus in question.
    best : int64[n, K + 1]
        Row of the suspect that each draft fits best.
    tau : float
        Least score of an event.
    about : sequence of n mappings
        ``request_id``, ``time``, ``pseudonym`` of each row.
    prompts : sequence of n str, None or lists of them
        What the drafts answer: the prompt, or the prompt and earlier turns.
    most : int
        At most so many.

    Returns
    -------
    list of dict
        As ``examples`` of a case's JSON.
    """
    found = events_of(scores, tau)
    strength = np.nanmax(scores[found.rows], axis=1) if len(found.rows) else np.zeros(0)
    order = np.lexsort((found.rows, -strength))
    won, lost = order[found.won[order]], order[~found.won[order]][:LOST]
    chosen = np.concatenate([won[: most - len(lost)], lost])
    out = []
    for at in chosen[np.lexsort((found.rows[chosen], -strength[chosen]))].tolist():
        row = int(found.rows[at])
        made = _example(scores[row], drafts[row], suspect, best[row], prompts[row])
        out.append(made | {"won": bool(found.won[at]), **about[row]})
    return out


def _example(
    scores: npt.NDArray[np.float64],
    drafts: Sequence[str | None],
    suspect: Corpus,
    best: npt.NDArray[np.int64],
    prompt: Any,
) -> dict[str, Any]:
    winner = int(np.nanargmax(scores))
    at = int(best[winner])
    theirs = suspect.texts[at] or ""
    turns = [turn for turn in (prompt if isinstance(prompt, list) else [prompt]) if turn is not None]
    asked = "\n\n".join(turns) if turns else None
    spans = [_spans(draft, theirs, asked) for draft in drafts]
    elsewhere = [None if row in (at, -1) else _called(suspect, row) for row in best.tolist()]
    return {
        "prompt": turns[0] if turns else None,
        "score": float(scores[winner]),
        "served": {
            "text": drafts[0],
            "spans": spans[0][0],
            "score": _number(scores[0]),
            "best_in": elsewhere[0],
        },
        "suspect": {
            "id": None if suspect.ids is None else suspect.ids[at],
            "row": suspect.row_of(at),
            "text": theirs,
            "spans": spans[winner][1],
        },
        "redraws": [
            {
                "draft": k,
                "text": draft,
                "score": _number(scores[k]),
                "spans": spans[k][0],
                "best_in": elsewhere[k],
            }
            for k, draft in enumerate(drafts)
            if k and draft is not None
        ],
    }


def _spans(draft: str | None, theirs: str, prompt: str | None) -> tuple[list[list[int]], list[list[int]]]:
    """Common runs of 5 tokens and more, in code points of the draft and of the suspect text."""
    if draft is None:
        return [], []
    masks = None if prompt is None else [prompt]
    found = common_spans([draft], [theirs], min_tokens=5, masks=masks, errors="replace")
    return (
        np.stack([found.left_start_char, found.left_end_char], axis=1).tolist(),
        np.stack([found.right_start_char, found.right_end_char], axis=1).tolist(),
    )


def _called(suspect: Corpus, row: int) -> str:
    """A text by its id, or by file and row."""
    name = None if suspect.ids is None else suspect.ids[row]
    if name is not None:
        return name
    place = suspect.row_of(row)
    return f"{place['file'] or 'row'}:{place['row']}"


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)

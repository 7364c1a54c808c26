"""The summary for a terminal: the figures of the HTML report in some tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import show, words
from .console import Sheet

__all__ = ["render"]

LISTED = 5
"""Matches in the summary."""
AUDIT = "Recall and false positives, measured"
TEXTS = "Texts that match served text"


def render(result: Mapping[str, Any], *, width: int = 80, color: bool = False, ascii_only: bool = False) -> str:
    """Write the summary of a comparison.

    Parameters
    ----------
    result : Mapping[str, Any]
        What `overproof.Comparison.to_dict` returns.
    width : int
        Columns of the terminal.
    color : bool
        With ANSI colours; without, plain characters only.
    ascii_only : bool
        Draw rules in ASCII, for terminals that know nothing else; characters of the data are escaped.

    Returns
    -------
    str
        Lines that end in a newline. Control characters of the data are written out, never sent to the terminal.

    Raises
    ------
    MissingExtraError
        Without rich.
    """
    sheet = Sheet(width=width, color=color, ascii_only=ascii_only)
    table = sheet.table
    summary = result["summary"]
    matched = summary["suspect_texts_matched"]
    sheet.print(_answer(result), style="bold" if matched else "bold yellow")
    if summary.get("suspect_texts_too_short"):
        sheet.print(words.too_short(summary["suspect_texts_too_short"], summary["suspect_texts"]))
    sheet.print()
    corpora = show.parts(result)
    figures = table("corpus", "texts", "match served text", "share", f"{show.confidence(result)} interval", title=TEXTS)
    found = f"How much of them, of {show.count(summary['served_texts'])} served texts"
    tokens = table("corpus", "tokens", "in matches", "share", "served texts found", title=found)
    for one in corpora:
        name = show.one_line(one["name"] if one["role"] == "suspect" else f"control {one['name']}")
        shares = show.percent(one["share"]), show.interval(one["interval"])
        figures.add_row(name, show.count(one["texts"]), show.count(one["matched"]), *shares)
        if one["tokens"] is not None and one["tokens_matched"] is not None:
            share = one["tokens_matched"] / one["tokens"] if one["tokens"] else None
            figure = show.count(one["tokens"]), show.count(one["tokens_matched"]), show.percent(share)
            tokens.add_row(name, *figure, show.count(one["served_texts_matched"]))
    sheet.print(figures)
    sheet.print(tokens)
    layers = table("layer", "suspect texts", "served texts", "tokens", "spans", title="Waterfall: what is left after")
    for layer in result["waterfall"]:
        left = (show.count(layer[key]) for key in ("suspect_texts", "served_texts", "tokens", "spans"))
        layers.add_row(show.one_line(layer["layer"]), *left)
    sheet.print(layers)
    sheet.print(words.LENGTHS)
    if words.cut_in_two(result["waterfall"]):
        sheet.print(words.SPANS)
    if result["matches"]:
        best = table("suspect", "served", "n-grams", "of suspect", "run", title="Strongest matches", words_in=2)
        for one in result["matches"][:LISTED]:
            best.add_row(
                show.which(one["suspect_id"], one["suspect_row"]),
                show.which(one["served_id"], one["served_row"]),
                show.count(one["ngrams"]),
                show.percent(one["containment_of_suspect"]),
                show.count(one["longest_run"]),
            )
        sheet.print(best)
    audit = table("of this run", f"found ({show.confidence(result)} interval)", title=AUDIT, words_in=2)
    for key, title in (
        ("recall_measured", "planted copies"),
        ("false_positives_measured", "control texts"),
    ):
        for name, rate in show.measured(summary.get(key)) or [("", "not measured")]:
            audit.add_row(show.one_line(f"{title}: {name}" if name else title), show.one_line(rate))
    sheet.print(audit)
    for one in result["inputs"]:
        for reason, rows_skipped in (one.get("skipped") or {}).items():
            sheet.print(f"Skipped in {one['role']}: {show.count(rows_skipped)} {show.one_line(reason)}.")
    for line in result["warnings"]:
        sheet.print(f"Warning: {show.one_line(line)}", style="yellow")
    rung = summary.get("rung") or "L0"
    sheet.print()
    sheet.print(f"Rung {rung}: {words.claim(rung)} {words.NO_FURTHER}")
    sheet.print("No p-value: there are no unserved redraws to compare with.")
    sheet.print(words.NOTHING_FOUND)
    return sheet.text()


def _answer(result: Mapping[str, Any]) -> str:
    summary = result["summary"]
    texts, matched = summary["suspect_texts"], summary["suspect_texts_matched"]
    if not matched:
        return f"NO SERVED TEXT FOUND in any of the {show.count(texts)} suspect texts."
    return f"{show.count(matched)} of {show.count(texts)} suspect texts match served text."

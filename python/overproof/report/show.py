"""Values as a person reads them: counts, shares, intervals, names, and text with nothing invisible in it."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from numbers import Real
from pathlib import PurePath
from typing import Any

__all__ = [
    "INVISIBLE",
    "bias",
    "code_point",
    "confidence",
    "count",
    "interval",
    "items",
    "listed",
    "measured",
    "names",
    "number",
    "one_line",
    "pairs",
    "parameter",
    "parts",
    "percent",
    "place",
    "pvalue",
    "reach",
    "sentence",
    "visible",
    "which",
]

MISSING = "–"

INVISIBLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f"
    "\ufeff\ufff0-\uffff\ud800-\udfff\U000e0000-\U000e0fff]|\r(?!\n)"
)
"""Code points that hide, reorder or end lines: controls, bidi controls, lone surrogates, tags. Joiners stay."""


def code_point(found: re.Match[str]) -> str:
    """Name one character: ``U+202E``."""
    return f"U+{ord(found.group()):04X}"


def visible(text: str) -> str:
    """Write every invisible character as ``⟨U+202E⟩``, so that no text can reorder or hide what stands beside it.

    Examples
    --------
    >>> visible("abc\\u202ecba")
    'abc⟨U+202E⟩cba'
    """
    return INVISIBLE.sub(lambda found: f"⟨{code_point(found)}⟩", text)


def one_line(value: object) -> str:
    """Write a value as visible text on one line; None as a dash."""
    return MISSING if value is None else " ".join(visible(str(value)).split())


def count(value: Any) -> str:
    """Write a number with thousands separated; None as a dash."""
    return MISSING if value is None else f"{value:,}"


def percent(share: Any) -> str:
    """Write a share with enough digits to tell it from 0 and from 1; None and NaN as a dash.

    Examples
    --------
    >>> percent(0.25), percent(0.0), percent(0.00034), percent(0.99996)
    ('25.0%', '0%', '0.034%', '99.9960%')
    """
    if share is None or not math.isfinite(share):
        return MISSING
    scaled = 100 * float(share)
    near = min(abs(scaled), abs(100 - scaled))
    if near == 0:
        return f"{scaled:.0f}%"
    return f"{scaled:.{max(1, 1 - math.floor(math.log10(near)))}f}%"


def number(value: Any) -> str:
    """Write a number with four significant digits, large ones and small ones with an exponent; None and NaN as a dash.

    Examples
    --------
    >>> number(39.0), number(2.93511), number(1234.5), number(1.871e28), number(0.00012)
    ('39', '2.935', '1,234', '1.9e28', '1.2e-4')
    >>> number(207.9018), number(3.0), number(1500.4), number(2e9), number(math.inf)
    ('207.9', '3', '1,500', '2e9', '∞')
    """
    if value is None or math.isnan(value):
        return MISSING
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    size = abs(value)
    if size and (size < 1e-3 or size >= 1e7):
        return _exponent(value)
    return f"{value:,.0f}" if size >= 1000 or value == int(value) else f"{value:.4g}"


def pvalue(value: Any) -> str:
    """Write a p-value with three digits, small ones with an exponent; None and NaN as a dash.

    Examples
    --------
    >>> pvalue(0.0412), pvalue(6.679e-37), pvalue(1.0), pvalue(0.0), pvalue(0.99996)
    ('0.0412', '6.7e-37', '1', '< 1e-300', '0.99996')
    """
    if value is None or math.isnan(value):
        return MISSING
    if value == 0:
        return "< 1e-300"
    if value < 1e-3:
        return _exponent(value)
    short = f"{value:.3g}"
    return short if value == 1 or float(short) < 1 else f"{value:.5f}".rstrip("0").rstrip(".")


def _exponent(value: float) -> str:
    digits, power = f"{value:.1e}".split("e")
    return f"{digits.removesuffix('.0')}e{int(power)}"


def bias(g_star: Any) -> str:
    """Write G*; below 1 the p-value is above alpha without any bias, and how far says nothing."""
    return "< 1" if g_star is not None and g_star < 1 else number(g_star)


def reach(bounds: Sequence[float | None] | None, *, share: bool = False) -> str:
    """Write an interval of numbers, or of shares; a missing upper end has no bound, and one without ends is a dash.

    Examples
    --------
    >>> reach([6.6, None]), reach([0.0, 0.25], share=True), reach([None, None])
    ('6.6 to ∞', '0% to 25.0%', '–')
    """
    if not bounds or bounds[0] is None:
        return MISSING
    write = percent if share else number
    return f"{write(bounds[0])} to {'∞' if bounds[1] is None else write(bounds[1])}"


def interval(bounds: Sequence[float] | None) -> str:
    """Write an interval of shares: ``20.1% to 24.3%``."""
    return MISSING if not bounds else f"{percent(bounds[0])} to {percent(bounds[1])}"


def sentence(text: object) -> str:
    """Write a clause as a sentence: one line, a capital at its head, a full stop at its end.

    Examples
    --------
    >>> sentence("drawn by a neutral party")
    'Drawn by a neutral party.'
    """
    said = one_line(text)
    return said[:1].upper() + said[1:] + ("" if said.endswith((".", "!", "?", "…")) else ".")


def place(row: Mapping[str, Any] | None) -> str:
    """Write where a row stands: ``suspect.jsonl:17``."""
    if not row:
        return MISSING
    file = PurePath(str(row["file"])).name if row.get("file") else "row"
    return f"{file}:{row.get('row', '?')}"


def items(value: Any, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Flatten nested values into names and texts: ``("shingler.n", "5")``."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from items(inner, f"{prefix}.{key}" if prefix else str(key))
    elif isinstance(value, (list, tuple)):
        yield prefix, ", ".join(map(str, value)) or MISSING
    else:
        yield prefix, MISSING if value is None else str(value)


def listed(values: Sequence[object], most: int) -> str:
    """Write the first values, and how many more there are.

    Examples
    --------
    >>> listed(["a", "b", "c"], 2)
    'a, b and 1 more'
    """
    more = len(values) - most
    return ", ".join(map(one_line, values[:most])) + (f" and {more:,} more" if more > 0 else "")


def measured(value: Any) -> list[tuple[str, str]]:
    """Write a rate measured in this run: a share, ``{"found", "planted", "interval"}``, or such by name.

    Returns
    -------
    list of (name, text)
        Empty where nothing was measured; the name is empty for a rate that has none.
    """
    if value is None:
        return []
    if isinstance(value, Mapping):
        total = value.get("planted", value.get("texts"))
        if "found" in value and total is not None:
            share = percent(value["found"] / total) if total else MISSING
            bounds = f" ({interval(value['interval'])})" if value.get("interval") else ""
            return [("", f"{count(value['found'])} of {count(total)}, {share}{bounds}")]
        return [(name or str(key), text) for key, inner in value.items() for name, text in measured(inner)]
    return [("", percent(value) if isinstance(value, Real) else str(value))]


def parameter(result: Mapping[str, Any], *wanted: str) -> float | None:
    """Find a number among the parameters of a result, wherever it is nested."""
    for name, value in items(result.get("params", {})):
        if name.rpartition(".")[2] in wanted:
            try:
                return float(value)
            except ValueError:
                return None
    return None


def confidence(result: Mapping[str, Any]) -> str:
    """Write the level of a result's intervals: ``95%``."""
    return f"{100 * (parameter(result, 'confidence') or 0.95):g}%"


def parts(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    """List the suspect and each control with the same figures; what a result does not hold is None.

    Returns
    -------
    list of dict
        ``name, role, texts, matched, share, interval, tokens, tokens_matched, served_texts_matched``.
    """
    summary = result["summary"]
    suspect = {
        "name": names(result, "suspect"),
        "role": "suspect",
        "texts": summary["suspect_texts"],
        "matched": summary["suspect_texts_matched"],
        "share": summary["matched_share"],
        "interval": summary["matched_interval"],
        "tokens": summary.get("suspect_tokens"),
        "tokens_matched": summary.get("suspect_tokens_matched"),
        "served_texts_matched": summary.get("served_texts_matched"),
    }
    return [suspect, *({**dict.fromkeys(suspect), **one, "role": "control"} for one in result.get("controls", ()))]


def which(identity: object, row: Mapping[str, Any] | None) -> str:
    """Name a text by its id, or by its place where it has none."""
    return place(row) if identity is None else one_line(identity)


def pairs(curve: Mapping[str, Any]) -> list[tuple[Any, Any]]:
    """List the points of a sensitivity curve: bias and p-value; none where p-values were refused."""
    return list(zip(curve.get("g") or (), curve.get("pvalues") or (), strict=False))


def names(result: Mapping[str, Any], role: str) -> str:
    """Name the side of one role by its file; by its own name where it has none or several."""
    found = [one for one in result.get("inputs", ()) if one.get("role") == role]
    if len(found) == 1 and found[0].get("path"):
        return one_line(PurePath(str(found[0]["path"])).name)
    name = one_line((found and found[0].get("name")) or role)
    return f"{name} ({len(found)} files)" if len(found) > 1 else name

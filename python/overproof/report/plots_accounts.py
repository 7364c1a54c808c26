"""Plots of the log in a case: what leaked by account, and what was asked and found day by day."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple

from markupsafe import Markup

from . import show
from .plots import LEFT, RIGHT, WIDTH, line, number, text
from .plots_tests import figure, ticks

__all__ = ["BARS", "SHOWN", "days", "leak_rates", "timeline"]

SHOWN = 30
"""Accounts in one plot."""
BARS = 120
"""Bars of the time line; more days share bars."""
NAMES = 190
"""Room for the names of accounts."""
LETTERS = 24
"""Characters of a name that fit there."""
ROW, HEAD, FOOT = 24, 8, 44
PANEL, GAP = 84, 30


def leak_rates(rows: Sequence[Mapping[str, Any]]) -> Markup:
    """Draw the leak rate of each account, with its interval, on one scale.

    Parameters
    ----------
    rows : Sequence[Mapping[str, Any]]
        ``pseudonym, leak_rate, interval, verdict``; those without a rate are left out, and the first 30 are drawn.

    Returns
    -------
    Markup
        One ``<svg>``; empty where no account has a rate. Marks differ by shape: full, hollow, and a stroke.
    """
    drawn = [one for one in rows if one.get("leak_rate") is not None and _both(one.get("interval"))][:SHOWN]
    if not drawn:
        return Markup("")
    low: float = min(0.0, *(one["interval"][0] for one in drawn))
    high: float = max(0.01, *(one["interval"][1] for one in drawn))
    height = HEAD + ROW * len(drawn) + FOOT
    floor = height - FOOT

    def x(share: float) -> float:
        return NAMES + (share - low) / (high - low) * (WIDTH - NAMES - RIGHT)

    parts = []
    for mark in ticks(low, high):
        parts.append(line("grid", x(mark), HEAD, x(mark), floor + 5))
        parts.append(text("tick mid", x(mark), floor + 20, show.percent(mark)))
    parts.append(line("rule", x(0.0), HEAD, x(0.0), floor))
    parts.append(
        text("tick mid", (NAMES + WIDTH - RIGHT) / 2, height - 6, "leak rate: found beyond what redraws explain")
    )
    for place, one in enumerate(drawn):
        y = HEAD + ROW * (place + 0.5)
        kind = {"named": "named", "not shown": "unshown"}.get(one.get("verdict") or "", "untested")
        name = show.one_line(one["pseudonym"])
        reach, verdict = show.interval(one["interval"]), show.one_line(one.get("verdict"))
        short = name if len(name) <= LETTERS else name[: LETTERS - 1] + "…"
        parts.append(text("tick end name", NAMES - 12, y + 4, short))
        middle = x(one["leak_rate"])
        dot = (
            line("dot", middle, y - 5, middle, y + 5)
            if kind == "untested"
            else Markup('<circle class="dot" cx="{}" cy="{}" r="4.5"/>').format(number(middle), number(y))
        )
        parts.append(
            Markup('<g class="rate {}"><title>{}</title>{}{}</g>').format(
                kind,
                f"{name}: {show.percent(one['leak_rate'])}, {reach}; {verdict}",
                line("reach", x(one["interval"][0]), y, x(one["interval"][1]), y),
                dot,
            )
        )
    return figure(
        f"Leak rates of {len(drawn)} accounts or groups with their intervals; the table has the values.",
        parts,
        height=height,
    )


class Bar(NamedTuple):
    """A stretch of days: its first, and the sums over it."""

    day: date
    requests: int
    units: int
    hits: int


def days(timeline: Sequence[Mapping[str, Any]], *, most: int = BARS) -> tuple[int, list[Bar]]:
    """Sum requests, units tested and hits over equal stretches of days; days that are not listed count as 0.

    Returns
    -------
    (int, list of Bar)
        Days in a stretch, and the stretches.

    Examples
    --------
    >>> made = days([{"day": "2025-01-01", "requests": 3}, {"day": "2025-01-04", "requests": 5, "hits": 1}], most=2)
    >>> made[0], [(str(day), *sums) for day, *sums in made[1]]
    (2, [('2025-01-01', 3, 0, 0), ('2025-01-03', 5, 0, 1)])
    """
    found = (
        sorted((date.fromisoformat(str(one["day"])[:10]), one) for one in timeline if one.get("day"))
        if timeline
        else []
    )
    if not found:
        return 1, []
    first, last = found[0][0], found[-1][0]
    wide = max(1, math.ceil(((last - first).days + 1) / most))
    sums = [[0, 0, 0] for _ in range((last - first).days // wide + 1)]
    for day, one in found:
        for place, key in enumerate(("requests", "units_tested", "hits")):
            sums[(day - first).days // wide][place] += one.get(key) or 0
    return wide, [Bar(first + timedelta(days=i * wide), *made) for i, made in enumerate(sums)]


def timeline(rows: Sequence[Mapping[str, Any]], *, published: str | None) -> Markup:
    """Draw requests, units tested and hits over time, one above the other, with the day of publication.

    Parameters
    ----------
    rows : Sequence[Mapping[str, Any]]
        ``day, requests, units_tested, hits``.
    published : str or None
        When the suspect was published, as ISO 8601.

    Returns
    -------
    Markup
        One ``<svg>``; empty without days.
    """
    wide, bars = days(rows)
    if not bars:
        return Markup("")
    height = 3 * PANEL + 2 * GAP + 26 + FOOT
    step = (WIDTH - LEFT - RIGHT) / len(bars)
    top = 26.0
    parts = []
    panels = {
        "requests": [bar.requests for bar in bars],
        "units tested": [bar.units for bar in bars],
        "hits": [bar.hits for bar in bars],
    }
    for name, values in panels.items():
        floor = top + PANEL
        marks = [mark for mark in ticks(0, max(*values, 1), about=3) if mark == int(mark)]
        most = max(*values, *marks, 1)
        for mark in marks:
            level = floor - mark / most * PANEL
            parts.append(line("grid", LEFT, level, WIDTH - RIGHT, level))
            parts.append(text("tick end", LEFT - 8, level + 4, f"{mark:,.0f}"))
        kind = "column here" if name == "hits" else "column"
        path = "".join(
            f"M{number(LEFT + (i + 0.1) * step)} {number(floor)}v{number(-value / most * PANEL)}"
            f"h{number(0.8 * step)}V{number(floor)}z"
            for i, value in enumerate(values)
            if value
        )
        parts.append(Markup('<path class="{}" d="{}"/>').format(kind, path))
        parts.append(text("tick halo", LEFT + 4, top - 6, f"{name} {_a_bar(wide)}"))
        top = floor + GAP
    floor = top - GAP
    parts += _dates(bars, step, floor)
    parts += _publication(bars, step, wide, floor, published)
    label = f"Requests, units tested and hits {_a_bar(wide)}, {bars[0].day} to {bars[-1].day}. The values are below."
    return figure(label, parts, height=height)


def _a_bar(wide: int) -> str:
    return "a day" if wide == 1 else f"per {wide} days"


def _dates(bars: Sequence[Bar], step: float, floor: float) -> list[Markup]:
    """Write up to five dates; the first and the last do not stick out."""
    made = []
    for i in sorted({round(i * (len(bars) - 1) / 4) for i in range(5)}):
        at, kind = LEFT + (i + 0.5) * step, "tick mid"
        if len(bars) > 1 and i in (0, len(bars) - 1):
            at, kind = (LEFT, "tick") if i == 0 else (WIDTH - RIGHT, "tick end")
        made.append(text(kind, at, floor + 20, str(bars[i].day)))
    return made


def _publication(bars: Sequence[Bar], step: float, wide: int, floor: float, published: str | None) -> list[Markup]:
    try:
        day = date.fromisoformat((published or "")[:10])
    except ValueError:
        return []
    place = (day - bars[0].day).days / wide
    inside = 0 <= place <= len(bars)
    at = LEFT + min(max(place, 0.0), float(len(bars))) * step
    right = at > WIDTH / 2
    words = (
        f"suspect published {day}"
        if inside
        else f"suspect published {day}, {'after' if place > 0 else 'before'} these days"
    )
    made = [text("tick halo end" if right else "tick halo", at + (-6 if right else 6), floor + 37, words)]
    return [line("star", at, 26, at, floor + 40), *made] if inside else made


def _both(bounds: Sequence[float | None] | None) -> bool:
    return bool(bounds) and all(end is not None for end in bounds or ())

"""Plots of the tests of a case: who wins the line-up, the p-value at each bias, and how scores fall off."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from . import show
from .plots import BOTTOM, HEIGHT, LEFT, RIGHT, SERIES, TOP, WIDTH, line, number, text

__all__ = ["POINTS", "figure", "sensitivity", "survival", "survival_rows", "ticks", "wins"]

FLOOR = HEIGHT - BOTTOM
NEEDED = 3.0
"""G* that rung L1 asks for."""
LEAST = 1e-300
"""A p-value of 0 is drawn here: less than a double can say."""
GREATEST = 1e6
"""The axis of the bias ends here at the latest: what lies beyond is named at its end."""
POINTS = (1, 2, 5, 10, 13, 20, 30, 50, 100, 200)
"""Scores at which the table below the survival plot reads the curves."""


def figure(label: str, parts: Sequence[Markup], *, height: float = HEIGHT) -> Markup:
    """Put parts into one ``<svg>`` that a screen reader announces by its label."""
    return Markup('<svg class="plot" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>').format(
        WIDTH, number(height), show.one_line(label), Markup("").join(parts)
    )


def ticks(low: float, high: float, *, about: int = 5) -> list[float]:
    """Return round numbers from `low` to `high`, some `about` of them.

    Examples
    --------
    >>> ticks(0, 37)
    [0.0, 10.0, 20.0, 30.0]
    """
    if not high > low:
        return [low]
    rough = (high - low) / about
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * unit for unit in (1, 2, 5, 10) if power * unit >= rough * 0.999)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(i * step, 12) for i in range(first, last + 1)]


def wins(counts: Sequence[int]) -> Markup:
    """Draw how many events each draft won, the served one first, and how many are expected if all are alike.

    Parameters
    ----------
    counts : Sequence[int]
        Events won by the served draft and by each redraw.

    Returns
    -------
    Markup
        One ``<svg>``; empty without events.
    """
    total = sum(counts)
    if not total:
        return Markup("")
    height = HEIGHT - 70
    floor, top = height - BOTTOM, TOP + 32
    expected = total / len(counts)
    marks = [mark for mark in ticks(0, max(*counts, 1.2 * expected)) if mark == int(mark)]
    most = max(*counts, *marks, 1.2 * expected)
    step = (WIDTH - LEFT - RIGHT) / len(counts)
    wide = min(0.62 * step, 90.0)

    def y(value: float) -> float:
        return floor - value / most * (floor - top)

    parts = [line("grid", LEFT, y(mark), WIDTH - RIGHT, y(mark)) for mark in marks]
    parts += [text("tick end", LEFT - 8, y(mark) + 4, f"{mark:,.0f}") for mark in marks]
    for draft, won in enumerate(counts):
        middle = LEFT + (draft + 0.5) * step
        kind = "column" if draft else "column here"
        parts.append(
            Markup('<rect class="{}" x="{}" y="{}" width="{}" height="{}"/>').format(
                kind, *map(number, (middle - wide / 2, y(won), wide, floor - y(won)))
            )
        )
        parts.append(text("tick mid value halo", middle, y(won) - 6, f"{won:,}"))
        parts.append(text("tick mid", middle, floor + 18, str(draft) if draft else "served"))
    words = f"expected if all drafts are alike: {show.number(expected)}"
    parts.append(line("rule", LEFT, y(expected), WIDTH - RIGHT, y(expected)))
    parts.append(line("rule", WIDTH - RIGHT - 36, TOP + 2, WIDTH - RIGHT, TOP + 2))
    parts.append(text("tick end", WIDTH - RIGHT - 44, TOP + 6, words))
    parts.append(
        text("tick mid", (LEFT + WIDTH - RIGHT) / 2, height - 6, "draft: the served one, and redraws by number")
    )
    label = f"Events won: {counts[0]:,} of {total:,} by the served draft; {words} by each draft."
    return figure(label, parts, height=height)


def sensitivity(curve: Mapping[str, Any] | None, *, placebo: float | None) -> Markup:
    """Draw the p-value at each bias G, both on log scales, with the plan's alpha and G*.

    Parameters
    ----------
    curve : Mapping[str, Any] or None
        ``g, pvalues, g_star, alpha``; ``pvalues`` None where they were refused.
    placebo : float or None
        Upper limit of G by the time placebo; infinite where it gives none.

    Returns
    -------
    Markup
        One ``<svg>``; empty where there is no curve.
    """
    points = [(g, max(p, LEAST)) for g, p in show.pairs(curve or {}) if p is not None]
    if not curve or not points:
        return Markup("")
    alpha, g_star = curve["alpha"], curve.get("g_star")
    if g_star is not None and points[-1][0] < g_star < math.inf:
        points.append((g_star, alpha))  # where the p-value is alpha, by the definition of G*
    named = [g for g in (g_star, placebo) if g is not None and math.isfinite(g)]
    most = min(_round_up(max(*(g for g, _ in points), *named, 2 * NEEDED)), GREATEST)
    decades = max(math.ceil(-math.log10(min(*(p for _, p in points), alpha))), 4)

    def x(g: float) -> float:
        return LEFT + math.log(min(max(g, 1.0), most)) / math.log(most) * (WIDTH - LEFT - RIGHT)

    def y(p: float) -> float:
        return TOP - math.log10(p) / decades * (FLOOR - TOP)

    parts = []
    step = math.ceil(decades / 6)
    for decade in range(0, decades + 1, step):
        parts.append(line("grid", LEFT, y(10.0**-decade), WIDTH - RIGHT, y(10.0**-decade)))
        parts.append(text("tick end", LEFT - 8, y(10.0**-decade) + 4, "1" if not decade else f"1e-{decade}"))
    powers = range(math.floor(math.log10(most)) + 1)
    units = (1, 2, 3, 5) if most <= 10 else (1, 2, 5) if most <= 1000 else (1,)
    for mark in sorted({NEEDED, *(unit * 10.0**power for power in powers for unit in units)}):
        if mark <= most:
            parts.append(line("grid", x(mark), FLOOR, x(mark), FLOOR + 5))
            parts.append(text("tick mid", x(mark), FLOOR + 19, f"{mark:,.0f}"))
    parts.append(
        text(
            "tick mid",
            (LEFT + WIDTH - RIGHT) / 2,
            HEIGHT - 4,
            "bias G: the odds by which a served draft is preferred to one redraw",
        )
    )
    parts.append(
        Markup('<rect class="allowed" x="{}" y="{}" width="{}" height="{}"/>').format(
            *map(number, (LEFT, y(alpha), WIDTH - LEFT - RIGHT, FLOOR - y(alpha)))
        )
    )
    parts.append(line("rule", LEFT, y(alpha), WIDTH - RIGHT, y(alpha)))
    parts.append(text("tick halo", LEFT + 6, y(alpha) + 16, f"p at most alpha = {show.pvalue(alpha)} from here down"))
    path = "".join(f"{'L' if i else 'M'}{number(x(g))} {number(y(p))}" for i, (g, p) in enumerate(points))
    parts.append(Markup('<path class="curve s0" d="{}"/>').format(path))
    lines = [("rule", NEEDED, f"L1 needs G* of {NEEDED:g}")]
    if placebo is not None:
        limit = f"up to {show.number(placebo)}" if math.isfinite(placebo) else "without limit"
        lines.append(("rule", placebo, f"placebo allows G {limit}"))
    if g_star is not None and g_star >= 1:
        lines.append(("star", g_star, f"G* = {show.number(g_star)}"))
    # All lines before all words, so that none crosses the words of another.
    parts += [line(kind, x(g), TOP, x(g), FLOOR) for kind, g, _ in lines if g <= most]
    for place, (_, g, words) in enumerate(lines):
        base = FLOOR - 12 - 18 * place
        right = x(g) > WIDTH * 0.62
        said = words if g <= most else f"{words}, off scale →"
        parts.append(text("tick halo end" if right else "tick halo", x(g) + (-6 if right else 6), base, said))
    star = show.bias(g_star)
    label = (
        f"p-value at each bias G. Without bias {show.pvalue(points[0][1])}; the largest bias at which it stays at most "
        f"{show.pvalue(alpha)} is {star}."
    )
    return figure(label, parts)


def _round_up(value: float) -> float:
    """The least of 1, 2, 5, 10, 20, ... that is at least so large."""
    power = 10.0 ** math.floor(math.log10(value))
    return next(unit * power for unit in (1, 2, 5, 10) if unit * power >= value * (1 - 1e-12))


def survival(curves: Mapping[str, Any] | None, *, tau: float | None) -> Markup:
    """Draw the share of drafts whose score in the suspect is at least x: served, redraws, controls; y on a log scale.

    Parameters
    ----------
    curves : Mapping[str, Any] or None
        ``score`` ascending, and shares at each: ``served``, ``redraws``, ``controls`` by name.
    tau : float or None
        Least score of an event, marked.

    Returns
    -------
    Markup
        One ``<svg>``; empty where there is no curve.
    """
    lines = _lines(curves)
    least = min((share for _, shares in lines for share in shares if share), default=None)
    if not curves or least is None:
        return Markup("")
    scores = [float(score) for score in curves["score"]]
    decades = max(1, math.ceil(-math.log10(least) + 1e-9))
    # From the least score that is given; log1p, because a score may be 0.
    least_score = max(0.0, min(scores[0], 1.0 if tau is None else tau))
    start, end = math.log1p(least_score), math.log1p(max(scores[-1], tau or 0.0, least_score + 1e-9))

    def x(score: float) -> float:
        return LEFT + (math.log1p(max(score, least_score)) - start) / (end - start) * (WIDTH - LEFT - RIGHT)

    def y(share: float) -> float:
        return TOP - math.log10(share) / decades * (FLOOR - TOP) if share else float(FLOOR)

    parts = []
    for decade in range(decades + 1):
        parts.append(line("grid", LEFT, y(10.0**-decade), WIDTH - RIGHT, y(10.0**-decade)))
        parts.append(text("tick end", LEFT - 8, y(10.0**-decade) + 4, f"{100 * 10.0**-decade:g}%"))
    for mark in _score_ticks(least_score, math.expm1(end)):
        parts.append(line("grid", x(mark), FLOOR, x(mark), FLOOR + 5))
        parts.append(text("tick mid", x(mark), FLOOR + 19, f"{mark:g}"))
    parts.append(text("tick mid", (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 4, "score of a draft (log scale)"))
    if tau is not None:
        left = x(tau) > WIDTH * 0.7
        parts.append(line("rule", x(tau), TOP, x(tau), FLOOR))
        parts.append(
            text(
                "tick halo end" if left else "tick halo",
                x(tau) + (-6 if left else 6),
                TOP + 12,
                f"event: at least {show.number(tau)}",
            )
        )
    for series, (_, shares) in reversed(list(enumerate(lines))):
        path = [f"M{number(x(scores[0]))} {number(y(shares[0]))}"]
        for i in range(1, len(scores)):
            if not shares[i - 1]:
                break
            path.append(f"V{number(y(shares[i]))}H{number(x(scores[i]))}" if shares[i] else f"V{FLOOR}")
        parts.append(Markup('<path class="curve s{}" d="{}"/>').format(min(series, SERIES - 1), "".join(path)))
    return figure("Share of drafts whose score is at least x. The table below has the values.", parts)


def survival_rows(curves: Mapping[str, Any] | None) -> tuple[list[float], list[tuple[str, list[float]]]]:
    """Read the curves at some scores: the scores, and each curve's name with its shares there."""
    lines = _lines(curves)
    if not curves or not lines:
        return [], []
    scores = [float(score) for score in curves["score"]]
    wanted = [mark for mark in POINTS if scores[0] <= mark <= scores[-1]]
    # The share at a score between two steps is that of the step above: nothing lies between.
    at = [next(i for i, score in enumerate(scores) if score >= mark) for mark in wanted]
    return [scores[i] for i in at], [(name, [shares[i] for i in at]) for name, shares in lines]


def _lines(curves: Mapping[str, Any] | None) -> list[tuple[str, list[float]]]:
    if not curves or not curves.get("score"):
        return []
    found = [("served drafts", curves.get("served")), ("redraws", curves.get("redraws"))]
    found += [
        ("controls" if name == "controls" else f"control {name}", shares)
        for name, shares in (curves.get("controls") or {}).items()
    ]
    return [(name, list(shares)) for name, shares in found if shares]


def _score_ticks(least: float, most: float) -> list[float]:
    if most <= 3:
        return ticks(least, most)
    marks = [0.0, *(unit * 10.0**power for power in range(8) for unit in (1, 2, 5))]
    return [mark for mark in marks if least <= mark <= most * (1 + 1e-9)]

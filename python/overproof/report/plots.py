"""Small plots as inline SVG: no script, no font, no library. Colours are classes of the page's style sheet."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from markupsafe import Markup

__all__ = ["SERIES", "bar", "best_scores", "interval_bar", "survival_table"]

SERIES = 6
"""Series that differ by colour and dash; further ones share the last."""
STEPS = 400
"""Points of a curve: exact at every multiple of 1/400."""
WIDTH, HEIGHT = 720, 330
LEFT, RIGHT, TOP, BOTTOM = 62, 16, 14, 44
_Scale = Callable[[float], float]
MARKS = (0.05, 0.1, 0.2, 0.3, 0.5, 0.8, 0.95)


def bar(value: float, whole: float) -> Markup:
    """Draw `value` as a part of `whole`."""
    width = 100 * value / whole if whole else 0.0
    return Markup(
        '<svg class="bar" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">'
        '<rect class="track" width="100" height="10"/><rect class="fill" width="{}" height="10"/></svg>'
    ).format(number(width))


def interval_bar(share: float | None, bounds: Sequence[float] | None, *, most: float, series: int) -> Markup:
    """Draw a share as a dot and its interval as a line, on a scale from 0 to `most`."""
    if share is None or not bounds or not most or not math.isfinite(share):
        return Markup("")
    low, high, dot = (4 + 192 * min(value / most, 1.0) for value in (bounds[0], bounds[1], share))
    return Markup(
        '<svg class="interval s{}" viewBox="0 0 200 16" aria-hidden="true"><line class="axis" x1="4" x2="196" y1="8" '
        'y2="8"/><line class="reach" x1="{}" x2="{}" y1="8" y2="8"/><circle cx="{}" cy="8" r="4"/></svg>'
    ).format(series, number(low), number(high), number(dot))


def best_scores(scores: Mapping[str, Sequence[float]], *, threshold: float | None) -> Markup:
    """Draw the share of texts whose best containment is at least x, one curve per corpus, y on a log scale.

    Parameters
    ----------
    scores : Mapping[str, Sequence[float]]
        Per corpus the best containment of each text, in [0, 1]; NaN (nothing to compare) is left out.
    threshold : float or None
        Where the rule's containment is marked.

    Returns
    -------
    Markup
        One ``<svg>``; its size does not depend on the number of texts. O(texts log texts).
    """
    curves = {name: _survival(values) for name, values in scores.items()}
    most = max((total for total, _ in curves.values()), default=0)
    decades = max(1, math.ceil(math.log10(max(most, 10))))
    floor = HEIGHT - BOTTOM

    def x(value: float) -> float:
        return LEFT + value * (WIDTH - LEFT - RIGHT)

    def y(share: float) -> float:
        return TOP - math.log10(share) / decades * (floor - TOP)

    parts = []
    for decade in range(decades + 1):
        share = 10.0**-decade
        parts.append(line("grid", x(0), y(share), x(1), y(share)))
        parts.append(text("tick end", x(0) - 8, y(share) + 4, f"{100 * share:g}%"))
    for step in range(0, 11, 2):
        parts.append(line("grid", x(step / 10), floor, x(step / 10), floor + 5))
        parts.append(text("tick mid", x(step / 10), floor + 20, f"{step / 10:.1f}"))
    parts.append(text("tick mid", x(0.5), HEIGHT - 4, "best containment of a text in one served text"))
    if threshold is not None:
        parts.append(line("rule", x(threshold), TOP, x(threshold), floor))
        left = threshold > 0.8
        parts.append(
            text(
                "tick end" if left else "tick",
                x(threshold) + (-6 if left else 6),
                TOP + 12,
                f"rule: at least {threshold:g}",
            )
        )
    for series, (total, shares) in reversed(list(enumerate(curves.values()))):
        if total:
            parts.append(_curve(series, shares, x, y, floor))
    return Markup('<svg class="plot" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>').format(
        WIDTH,
        HEIGHT,
        "Share of texts whose best containment in one served text is at least x. The table below has the values.",
        Markup("").join(parts),
    )


def survival_table(scores: Mapping[str, Sequence[float]]) -> list[tuple[str, list[int], int, int]]:
    """Count texts at or above each of `MARKS`: name, counts, texts compared, texts left out (NaN)."""
    rows = []
    for name, values in scores.items():
        all_of_them = np.asarray(values, dtype=np.float64)
        kept = all_of_them[~np.isnan(all_of_them)]
        rows.append((name, [int((kept >= mark).sum()) for mark in MARKS], kept.size, all_of_them.size - kept.size))
    return rows


def _survival(values: Sequence[float]) -> tuple[int, list[float]]:
    """Return the number of texts and the share at or above each step."""
    kept = np.asarray(values, dtype=np.float64)
    kept = np.sort(kept[~np.isnan(kept)])
    if not kept.size:
        return 0, []
    at = np.searchsorted(kept, np.arange(STEPS + 1) / STEPS, side="left")
    return kept.size, ((kept.size - at) / kept.size).tolist()


def _curve(series: int, shares: Sequence[float], x: _Scale, y: _Scale, floor: float) -> Markup:
    path, last = [f"M{number(x(0))} {number(y(shares[0]))}"], shares[0]
    for step, share in enumerate(shares[1:], start=1):
        if share != last:
            path.append(f"H{number(x((step - 1) / STEPS))}V{number(y(share) if share else floor)}")
            last = share
        if not share:
            break
    else:
        path.append(f"H{number(x(1))}V{number(floor)}")
    return Markup('<path class="curve s{}" d="{}"/>').format(min(series, SERIES - 1), "".join(path))


def line(kind: str, x1: float, y1: float, x2: float, y2: float) -> Markup:
    """Draw a line of a kind, which is its class."""
    return Markup('<line class="{}" x1="{}" y1="{}" x2="{}" y2="{}"/>').format(kind, *map(number, (x1, y1, x2, y2)))


def text(kind: str, x: float, y: float, words: str) -> Markup:
    """Write words at a place; the kind is their class."""
    return Markup('<text class="{}" x="{}" y="{}">{}</text>').format(kind, number(x), number(y), words)


def number(value: float) -> str:
    """Write a coordinate with 2 places at most."""
    return f"{value:.2f}".rstrip("0").rstrip(".")

"""The Tippett plot of likelihood ratios, as inline SVG of the page's style."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from markupsafe import Markup

from .plots import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, line, number, text

__all__ = ["tippett"]

WORDS = (("related", "related pairs"), ("unrelated", "unrelated pairs"))


def tippett(points: Mapping[str, Sequence[float]]) -> Markup:
    """Draw the share of related and of unrelated references whose ratio is at least x, x on a log scale.

    Parameters
    ----------
    points : mapping
        ``log10_lr`` ascending, ``related`` and ``unrelated``: shares at or above it, as `overproof.evidence.tippett`
        gives them.

    Returns
    -------
    Markup
        One ``<svg>``. Right of the line at 1 the lower curve is what speaks for a relation that is not there, left of
        it the gap above the upper curve is what speaks against one that is.

    Examples
    --------
    >>> svg = str(tippett({"log10_lr": [-1, 1], "related": [1, 1], "unrelated": [1, 0.2]}))
    >>> svg.startswith('<svg class="plot"'), svg.count('class="curve')
    (True, 4)
    """
    values = [float(value) for value in points["log10_lr"]]
    reach = max(0.5, math.ceil(2 * max(map(abs, values), default=0.0) * 1.05) / 2)
    floor = HEIGHT - BOTTOM

    def x(value: float) -> float:
        return LEFT + (value + reach) / (2 * reach) * (WIDTH - LEFT - RIGHT)

    def y(share: float) -> float:
        return TOP + (1 - share) * (floor - TOP)

    parts = []
    for step in range(0, 101, 25):
        parts.append(line("grid", x(-reach), y(step / 100), x(reach), y(step / 100)))
        parts.append(text("tick end", x(-reach) - 8, y(step / 100) + 4, f"{step}%"))
    every = 0.5 if reach <= 2 else math.ceil(reach / 4)
    ticks = [every * i for i in range(-math.floor(reach / every), math.floor(reach / every) + 1)]
    for tick in ticks:
        parts.append(line("grid", x(tick), floor, x(tick), floor + 5))
        parts.append(text("tick mid", x(tick), floor + 20, f"{10**tick:.3g}" if abs(tick) < 3 else f"1e{tick:g}"))
    parts.append(text("tick mid", x(0), HEIGHT - 4, "likelihood ratio is at least"))
    parts.append(line("rule", x(0), TOP, x(0), floor))
    for series, (key, _) in reversed(list(enumerate(WORDS))):
        path = [f"M{number(x(-reach))} {number(y(1))}"]
        for value, share in zip(values, [*points[key][1:], 0.0], strict=True):
            path.append(f"H{number(x(value))}V{number(y(share))}")
        parts.append(Markup('<path class="curve s{}" d="{}"/>').format(series, "".join(path)))
    for series, (_, words) in enumerate(WORDS):
        at = TOP + 16 + 18 * series
        parts.append(
            Markup('<path class="curve s{}" d="M{} {}h28"/>').format(series, number(WIDTH - RIGHT - 150), at - 4)
        )
        parts.append(text("tick", WIDTH - RIGHT - 114, at, words))
    return Markup('<svg class="plot" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>').format(
        WIDTH,
        HEIGHT,
        "Tippett plot: share of related and of unrelated pairs whose likelihood ratio is at least x.",
        Markup("").join(parts),
    )

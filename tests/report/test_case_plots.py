"""Plots of a case: what is drawn is what the figures say."""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree

import pytest
from handmade_case import make_case
from overproof.report import plots_accounts, plots_tests


def drawing(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(str(svg))


def texts(svg: str) -> list[str]:
    return [one.text or "" for one in drawing(svg).iter("text")]


def test_wins_are_bars_of_their_height() -> None:
    svg = plots_tests.wins([30, 10, 0, 20])
    heights = [float(one.get("height") or 0) for one in drawing(svg).iter("rect")]
    assert heights == pytest.approx([30 * heights[1] / 10, heights[1], 0, 2 * heights[1]], abs=0.02)
    assert "expected if all drafts are alike: 15" in texts(svg)
    assert {"30", "10", "0", "20", "served", "3"} <= set(texts(svg))
    assert "30 of 60 by the served draft" in (drawing(svg).get("aria-label") or "")


def test_nothing_to_draw_is_no_plot() -> None:
    assert plots_tests.wins([0, 0]) == plots_tests.wins([]) == ""
    assert plots_tests.sensitivity(None, placebo=None) == ""
    assert plots_tests.sensitivity({"g": [1.0], "pvalues": [None], "g_star": None, "alpha": 0.01}, placebo=None) == ""
    assert plots_tests.survival(None, tau=None) == ""
    assert plots_tests.survival({"score": [1], "served": [0.0], "redraws": [], "controls": {}}, tau=2) == ""
    assert plots_accounts.leak_rates([{"pseudonym": "a", "leak_rate": None, "interval": [0, 1]}]) == ""
    assert plots_accounts.timeline([], published=None) == ""


def test_sensitivity_crosses_alpha_at_g_star() -> None:
    case = make_case()
    svg = plots_tests.sensitivity(case["sensitivity"], placebo=2.9)
    parts = drawing(svg)
    star = next(one for one in parts.iter("line") if one.get("class") == "star")
    level = next(one for one in parts.iter("rect") if one.get("class") == "allowed")
    path = next(one for one in parts.iter("path"))
    points = [tuple(map(float, point.split())) for point in re.split("[ML]", path.get("d") or "")[1:]]
    x, y = float(star.get("x1") or 0), float(level.get("y") or 0)
    before, after = max(p for p in points if p[0] <= x), min(p for p in points if p[0] > x)
    assert after[1] <= y <= before[1]
    assert {"G* = 27.75", "L1 needs G* of 3", "placebo allows G up to 2.9"} <= set(texts(svg))


def test_no_bias_is_drawn_where_another_one_lies() -> None:
    curve = {"g": [1.0, 10.0, 100.0], "pvalues": [1e-160, 1e-100, 1e-30], "g_star": 207.9, "alpha": 0.001}
    svg = plots_tests.sensitivity(curve, placebo=351.0)
    parts = drawing(svg)
    at = {one.text: float(one.get("x") or 0) for one in parts.iter("text")}
    star = next(float(one.get("x1") or 0) for one in parts.iter("line") if one.get("class") == "star")
    assert at["200"] < star < at["500"]
    limit = at["placebo allows G up to 351"] + 6
    assert star < limit < at["500"]
    # The curve goes on to G*, where it meets alpha.
    path = next(one.get("d") or "" for one in parts.iter("path"))
    level = next(float(one.get("y") or 0) for one in parts.iter("rect") if one.get("class") == "allowed")
    assert [float(n) for n in path.rpartition("L")[2].split()] == pytest.approx([star, level], abs=0.02)
    # What has no place on the axis has a name and no line.
    endless = drawing(plots_tests.sensitivity(curve, placebo=float("inf")))
    assert "placebo allows G without limit, off scale →" in [one.text for one in endless.iter("text")]
    assert sum(one.get("class") == "rule" for one in endless.iter("line")) == 2
    beyond = plots_tests.sensitivity(curve | {"g_star": 3e9}, placebo=None)
    assert "G* = 3e9, off scale →" in texts(beyond)


@pytest.mark.parametrize("pvalues", [[0.0, 1e-200, 0.5], [0.9, 0.95, 1.0]])
def test_extreme_p_values_stay_inside(pvalues: list[float]) -> None:
    curve = {"g": [1.0, 3.0, 9.0], "pvalues": pvalues, "g_star": 0.2 if pvalues[0] > 0.5 else 5.0, "alpha": 0.001}
    svg = plots_tests.sensitivity(curve, placebo=1e9)
    numbers = [float(n) for one in drawing(svg).iter("path") for n in re.findall(r"[\d.]+", one.get("d") or "")]
    assert max(numbers) <= 720
    for one in drawing(svg).iter("line"):
        assert 0 <= float(one.get("x1") or -1) <= 720


def test_survival_reads_its_curves() -> None:
    curves: dict[str, Any] = make_case()["survival"]
    at, rows = plots_tests.survival_rows(curves)
    assert [name for name, _ in rows] == ["served drafts", "redraws", "control people-0", "control people-1"]
    place = curves["score"].index(20)
    assert dict(rows)["served drafts"][at.index(20.0)] == curves["served"][place]
    svg = plots_tests.survival(curves, tau=20.0)
    assert len(list(drawing(svg).iter("path"))) == 4
    assert "event: at least 20" in texts(svg)


def test_leak_rates_share_one_scale_and_differ_by_shape() -> None:
    rows = [
        {"pseudonym": "a", "leak_rate": 0.5, "interval": [0.25, 0.75], "verdict": "named"},
        {"pseudonym": "b" * 40, "leak_rate": -0.1, "interval": [-0.25, 0.25], "verdict": "not shown"},
        {"pseudonym": "c", "leak_rate": 0.25, "interval": [0.0, 0.5], "verdict": "not testable"},
    ]
    parts = drawing(plots_accounts.leak_rates(rows))
    reach = [one for one in parts.iter("line") if one.get("class") == "reach"]
    left, right = (float(reach[1].get(side) or 0) for side in ("x1", "x2"))
    assert float(reach[0].get("x1") or 0) == right
    assert float(reach[0].get("x2") or 0) == pytest.approx(right + (right - left), abs=0.02)
    assert [one.get("class") for one in parts.iter("g")] == ["rate named", "rate unshown", "rate untested"]
    assert len(list(parts.iter("circle"))) == 2
    assert "b" * 23 + "…" in texts(plots_accounts.leak_rates(rows))


def test_time_line_sums_days_and_marks_publication() -> None:
    rows = [{"day": "2024-01-01", "requests": 5}, {"day": "2025-01-01", "requests": 7, "units_tested": 2, "hits": 1}]
    wide, bars = plots_accounts.days(rows)
    assert wide == 4
    assert len(bars) <= plots_accounts.BARS
    assert [sum(bar[i] for bar in bars) for i in (1, 2, 3)] == [12, 2, 1]
    svg = plots_accounts.timeline(rows, published="2024-06-01T00:00:00Z")
    assert "suspect published 2024-06-01" in texts(svg)
    assert "requests per 4 days" in texts(svg)
    late = texts(plots_accounts.timeline(rows, published="2030-01-01"))
    assert "suspect published 2030-01-01, after these days" in late
    assert not any("published" in one for one in texts(plots_accounts.timeline(rows, published=None)))

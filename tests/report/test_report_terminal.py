"""The summary for a terminal."""

from __future__ import annotations

import re
from typing import Any

import pytest
from handmade import make_result
from overproof.report.terminal import render


@pytest.fixture
def result() -> dict[str, Any]:
    """One control, 212 of 1,000 texts matched."""
    return make_result()


def test_figures_fit_80_columns(result: dict[str, Any]) -> None:
    text = render(result)
    assert max(map(len, text.splitlines())) <= 80
    flat = " ".join(text.split())
    for figure in (
        "212 of 1,000",
        "21.2%",
        "18.6% to 23.9%",
        "control people-0",
        "19.5% 190",
        "71,004",
        "prompt echo",
        "44",
    ):
        assert figure in flat
    for claim in ("Rung L0: The texts are similar.", "No p-value", "“Nothing found” is not “innocent”"):
        assert claim in flat
    assert "Warning: The suspect has no prompt field" in flat
    assert "Skipped in suspect: 3 empty text." in flat


def test_plain_without_colour_and_coloured_with(result: dict[str, Any]) -> None:
    assert "\x1b" not in render(result)
    coloured = render(result, color=True)
    assert "\x1b[" in coloured
    assert re.sub(r" +$", "", re.sub(r"\x1b\[[\d;]*m", "", coloured), flags=re.M) == render(result)


def test_nothing_found_is_loud() -> None:
    text = render(make_result(matched=0, controls=0))
    assert text.startswith("NO SERVED TEXT FOUND in any of the 1,000 suspect texts.")


def test_ascii_terminals(result: dict[str, Any]) -> None:
    result["matches"][0]["suspect_id"] = "名前"
    assert render(result, ascii_only=True).isascii()


@pytest.mark.parametrize("width", [40, 80, 200])
def test_any_width(width: int) -> None:
    assert max(map(len, render(make_result(controls=3, scale=10**6), width=width).splitlines())) <= width


def test_data_cannot_drive_the_terminal(result: dict[str, Any]) -> None:
    evil = "\x1b]0;owned\x07\x1b[2J\u202e[red]x[/red]"
    result["matches"][0]["suspect_id"] = result["controls"][0]["name"] = evil
    result["warnings"] = [evil]
    text = render(result, width=200)
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", text)
    assert "[red]x[/red]" in text


def test_too_short_texts_stand_beside_the_answer() -> None:
    result = make_result()
    assert "too short to match by" not in render(result)
    result["summary"]["suspect_texts_too_short"] = 159
    second = " ".join(render(result).splitlines()[1:3])
    assert second.startswith("159 suspect texts are too short to match by this rule")

"""docs/case-json.md lists the keys of a case, no more and no fewer, with their types."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from handmade_case import REFUSED, make_case

DOCS = Path(__file__).parents[2] / "docs" / "case-json.md"
ROWS = re.findall(r"^\| `([^`]+)` \| ([^|]+) \|", DOCS.read_text(encoding="utf-8"), re.M)
DOCUMENTED = dict(ROWS)
COMPARED = {
    *("version", "params", "inputs", "summary", "controls", "waterfall", "matches", "matches_total", "matches_file"),
    *("limits", "warnings", "not_tested"),
}
"""Keys that docs/compare-json.md describes."""
OPEN = re.compile(r"plan\.(suspects\[\]|log|selection|groups|redraws).*")
"""What the plan's own file describes."""
TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "list": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "any": (object,),
}
CASES = [
    make_case(suspects=2),
    make_case(refused=REFUSED),
    make_case(redraws=1),
    make_case(accounts=False, placebo=False),
]


def keys(value: Any, at: str = "") -> Iterator[tuple[str, Any]]:
    """Every key of a value by its path, ``<name>`` where the page says that the data choose it."""
    if isinstance(value, dict):
        for name, inner in value.items():
            path = f"{at}.{name}" if at else name
            if path in COMPARED or OPEN.fullmatch(at):
                continue
            if at and f"{at}.<name>" in DOCUMENTED:
                path = f"{at}.<name>"
            yield path, inner
            yield from keys(inner, path)
    elif isinstance(value, list) and at != "manifest.merkle":
        for inner in value:
            yield from keys(inner, f"{at}[]")


def flat(case: dict[str, Any]) -> list[tuple[str, Any]]:
    """Top-level keys, and those of each further suspect as if it stood alone."""
    found = list(keys({name: value for name, value in case.items() if name != "others"}))
    found.append(("others", case["others"]))
    for block in case["others"]:
        found.append(("others[].name", block["name"]))
        found += keys({name: value for name, value in block.items() if name != "name"})
    # Reasons that the data choose, documented at their parent.
    return [(path, value) for path, value in found if not path.startswith("manifest.inputs[].skipped.")]


def test_every_key_is_documented_once_and_every_documented_key_is_there() -> None:
    found = {path for case in CASES for path, _ in flat(case)}
    assert found - DOCUMENTED.keys() == set()
    assert DOCUMENTED.keys() - found == set()
    assert len(ROWS) == len(DOCUMENTED)


@pytest.mark.parametrize("case", CASES, ids=["two suspects", "refused", "one redraw", "no accounts"])
def test_every_value_has_its_type(case: dict[str, Any]) -> None:
    for path, value in flat(case):
        said = DOCUMENTED[path].strip()
        if said == "interval":
            assert value is None or (
                len(value) == 2 and all(end is None or isinstance(end, (int, float)) for end in value)
            )
            continue
        first, _, null = said.partition(" or ")
        assert null in ("", "null"), path
        assert isinstance(value, TYPES[first]) or (value is None and null), (path, value)
        assert first in ("boolean", "any") or not isinstance(value, bool), (path, value)

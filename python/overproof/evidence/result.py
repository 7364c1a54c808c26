"""What a test gives, and the checks of its arguments."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from overproof.errors import InputError


@dataclass(frozen=True, kw_only=True)
class Result:
    """What one test found.

    Attributes
    ----------
    statistic : float
        The test's statistic; its docstring says which.
    pvalue : float
        NaN where none can be given.
    interval : tuple of float
        Of the parameter that the test's docstring names, both ends at the stated confidence.
    n : int
        Independent events or units that the statistic rests on.
    assumption : str
        What must hold for the p-value to mean anything.
    """

    statistic: float
    pvalue: float
    interval: tuple[float, float]
    n: int
    assumption: str

    def to_dict(self) -> dict[str, Any]:
        """All fields as JSON takes them; NaN and infinity become None."""
        return {field.name: plain(getattr(self, field.name)) for field in fields(self)}


def plain(value: Any) -> Any:
    """Numbers, lists and dicts of Python, without NaN and infinity."""
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    return {key: plain(v) for key, v in value.items()} if isinstance(value, dict) else value


def between(value: Any, name: str, low: float, high: float) -> float:
    """A number strictly between two others."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not low < number < high:
        raise InputError(f"{name}={value!r}: must be a number above {low:g} and below {high:g}")
    return number


def count(value: Any, name: str, least: int = 0) -> int:
    """An integer of at least `least`."""
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | np.integer) or value < least:
        raise InputError(f"{name}={value!r}: must be an integer of at least {least}")
    return int(value)


def several(n: int, noun: str) -> str:
    """A number with its noun: "1 plan", "2 plans"."""
    return f"{n:,} {noun}{'' if n == 1 else 's'}"

"""Errors of estimates, and recall and precision of pairs."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

Float64 = npt.NDArray[np.float64]


def jaccard(a: Iterable[str], b: Iterable[str], shingles: Callable[[str], Iterable[Any]]) -> Float64:
    """Exact, by Python's own sets."""
    pairs = [(set(shingles(x)), set(shingles(y))) for x, y in zip(a, b, strict=True)]
    return np.array([len(x & y) / len(x | y) for x, y in pairs])


def estimate(exact: Float64, trials: int, answer: Float64) -> dict[str, Any]:
    """Bias and RMSE of the share of `trials` that came out so, beside those of independent trials.

    Right: the bias within 3.5 standard errors, and an RMSE of at most 1.05 of theory and what chance adds to it.
    """
    error = np.asarray(answer) - exact
    bias, spread = float(error.mean()), float(error.std(ddof=1) / np.sqrt(len(error)))
    rmse, theory = float(np.sqrt((error**2).mean())), float(np.sqrt((exact * (1 - exact)).mean() / trials))
    return {
        "pairs": len(error),
        "bias": bias,
        "standard_error": spread,
        "rmse": rmse,
        "theory": theory,
        "rmse_over_theory": rmse / theory,
        "right": abs(bias) <= 3.5 * spread and rmse / theory <= 1.05 + 2 / math.sqrt(2 * len(error)),
    }


def found(truth: npt.NDArray[np.int64], answer: npt.NDArray[np.int64], least: float) -> dict[str, Any]:
    """Recall and precision of pairs; right: a recall of at least `least`."""
    true, given = {*map(tuple, truth.tolist())}, {*map(tuple, answer.tolist())}
    both = len(true & given)
    recall, precision = both / len(true), both / len(given) if given else 1.0
    return {
        "pairs": len(true),
        "found": len(given),
        "recall": recall,
        "precision": precision,
        "right": recall >= least,
    }

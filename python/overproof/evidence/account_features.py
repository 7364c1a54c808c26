"""The features of an account that the screen looks at, each from the sketches that a monitor keeps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["FEATURES", "features_of"]

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]

FEATURES = {
    "requests": "requests",
    "template": "share of its distinct prompts that hold the words which most of them share",
    "novelty": "distinct prompts per 1,000 requests",
    "single_turns": "share of its conversations that are one request",
    "resampling": "most askings of one of its sampled prompts",
    "flat_clock": "share of its requests in its quietest 8 hours of the day; a third is flat",
    "new_models": "models it switched to within 24 hours of their first appearance",
    "reasoning": "share of its prompts that ask for a reasoning trace",
    "distance": "squared distance (MMD, Jaccard kernel) of its prompts from those of benign accounts",
}
"""What each feature is. Shares are lower 95 % limits (Wilson), so that few requests do not stand out."""
AGREE = 0.25
"""Least share of MinHash values that a prompt has in common with the frame of its account."""
Z = 1.959963984540054
DAY = 86_400


def features_of(
    state: Mapping[str, Any], kept: Mapping[str, int], benign: Mapping[str, Any] | None
) -> dict[str, Float64]:
    """All features of a monitor's state, in the order of its rows; NaN where nothing is known.

    Parameters
    ----------
    state, benign : mapping
        States of two monitors; ``distance`` needs the second.
    kept : mapping of str to int
        Size of each sample.

    Returns
    -------
    dict of str to float64[m]
    """
    accounts = state["accounts"]
    m = len(accounts["key"])
    asked, times = accounts["prompted"].astype(np.float64), accounts["timed"].astype(np.float64)
    prompts, talks = state["prompts"], state["conversations"]
    distinct = _distinct(prompts, m, kept["prompts"])
    single = np.bincount(talks["row"], weights=talks["times"] == 1, minlength=m)
    most = np.zeros(m, np.int64)
    np.maximum.at(most, prompts["row"].astype(np.int64), prompts["times"].astype(np.int64))
    hours = accounts["hours"].astype(np.int64)
    night = np.min([np.roll(hours, -h, axis=1)[:, :8].sum(axis=1) for h in range(24)], axis=0) if m else np.zeros(0)
    made = {
        "requests": accounts["requests"].astype(np.float64),
        "template": _lower(*_framed(prompts, m)),
        "novelty": 1000 * _lower(np.minimum(distinct, asked), asked),
        "single_turns": _lower(single.astype(np.float64), np.bincount(talks["row"], minlength=m).astype(np.float64)),
        "resampling": np.where(asked > 0, most, np.nan),
        "flat_clock": _lower(night.astype(np.float64), times),
        "new_models": _switches(state["models"], accounts, m),
        "reasoning": _lower(accounts["cued"].astype(np.float64), asked),
        "distance": np.full(m, np.nan) if benign is None else _distance(state, benign),
    }
    return {name: np.asarray(made[name], np.float64) for name in FEATURES}


def _lower(hits: Float64, n: Float64) -> Float64:
    """Lower end of Wilson's interval of a share; NaN for n = 0."""
    with np.errstate(invalid="ignore", divide="ignore"):
        p = hits / n
        middle = p + Z * Z / (2 * n)
        low = (middle - Z * np.sqrt(p * (1 - p) / n + Z * Z / (4 * n * n))) / (1 + Z * Z / n)
    return np.where(hits == 0, np.where(n > 0, 0.0, np.nan), low)


def _distinct(samples: Mapping[str, Any], m: int, k: int) -> Float64:
    """Distinct prompts: exact below k, else (k - 1) / (the k-th least hash as a share of all)."""
    row = samples["row"].astype(np.int64)
    size = np.bincount(row, minlength=m)
    last = np.cumsum(size) - 1
    out = size.astype(np.float64)
    full = np.flatnonzero(size >= k)
    out[full] = (k - 1) / ((samples["hash"][last[full]].astype(np.float64) + 1) / 2.0**64)
    return out


def _framed(prompts: Mapping[str, Any], m: int) -> tuple[Float64, Float64]:
    """Sampled prompts that agree with the most frequent value of enough slots, and sampled prompts."""
    row, values = prompts["row"].astype(np.int64), prompts["values"]
    size = np.bincount(row, minlength=m).astype(np.float64)
    agree = np.zeros(len(row), np.int64)
    for slot in range(values.shape[1]):
        code = (row << 16) | values[:, slot]
        known, at, times = np.unique(code, return_inverse=True, return_counts=True)
        # The most frequent value of each account: at least two prompts have it.
        order = np.lexsort((-times, known >> 16))
        owner = known[order] >> 16
        first = np.ones(len(order), np.bool_)
        first[1:] = owner[1:] != owner[:-1]
        mode = np.zeros(len(known), np.bool_)
        mode[order[first]] = True
        agree += (mode & (times >= 2))[at]
    framed = np.bincount(row, weights=agree >= AGREE * values.shape[1], minlength=m)
    return framed.astype(np.float64), size


def _switches(models: Mapping[str, Any], accounts: Mapping[str, Any], m: int) -> Float64:
    """Models first used within a day of their appearance, after the account had used another one."""
    out = np.where(accounts["timed"] > 0, 0.0, np.nan)
    if not len(models["row"]):
        return np.full(m, np.nan)
    row = models["row"].astype(np.int64)
    _, model = np.unique(models["hash"], return_inverse=True)
    born = np.full(model.max() + 1, np.iinfo(np.int64).max)
    np.minimum.at(born, model, models["first"])
    start = int(accounts["first"].min())
    earliest = np.full(m, np.iinfo(np.int64).max)
    np.minimum.at(earliest, row, models["first"])
    new = (born[model] > start + DAY) & (models["first"] <= born[model] + DAY) & (earliest[row] < born[model])
    return out + np.bincount(row, weights=new, minlength=m)


def _distance(state: Mapping[str, Any], benign: Mapping[str, Any]) -> Float64:
    """Unbiased MMD squared between the sampled prompts of each account and those of the benign ones but itself."""
    m = len(state["accounts"]["key"])
    row, values = state["prompts"]["row"].astype(np.int64), state["prompts"]["values"]
    theirs_row, theirs = benign["prompts"]["row"].astype(np.int64), benign["prompts"]["values"]
    slots = values.shape[1]
    counts = [np.bincount(theirs[:, j], minlength=1 << 16) for j in range(slots)]
    # Row of each account among the benign ones, -1 if it is none of them.
    keys = benign["accounts"]["key"]
    at = np.searchsorted(keys, state["accounts"]["key"])
    at[at == len(keys)] = 0
    self_row = np.where(keys[at] == state["accounts"]["key"], at, -1) if len(keys) else np.full(m, -1)

    def equal(a_row: Int64, a: Any, b_row: Int64, b: Any) -> Int64:
        """Equal values of each prompt of a with all prompts of the same row of b."""
        out = np.zeros(len(a_row), np.int64)
        for j in range(slots):
            known, times = np.unique((b_row << 16) | b[:, j], return_counts=True)
            code = (a_row << 16) | a[:, j]
            place = np.searchsorted(known, code)
            place[place == len(known)] = 0
            if len(known):
                out += np.where(known[place] == code, times[place], 0)
        return out

    def totals(of: Int64, weights: Int64, n: int) -> Int64:
        # Sums of integers below 2**53 are exact in any order.
        return np.bincount(of, weights=weights, minlength=n).astype(np.int64)

    size = np.bincount(row, minlength=m)
    within = totals(row, equal(row, values, row, values), m) - slots * size
    cross = totals(row, sum((counts[j][values[:, j]] for j in range(slots)), np.zeros(len(row), np.int64)), m)
    own_rows = np.where(row < 0, -1, self_row[row])
    mine = own_rows >= 0
    own = totals(row[mine], equal(own_rows[mine], values[mine], theirs_row, theirs), m)
    n = len(theirs_row)
    b = len(keys)
    b_size = np.bincount(theirs_row, minlength=b)
    b_all = totals(theirs_row, sum((counts[j][theirs[:, j]] for j in range(slots)), np.zeros(n, np.int64)), b)
    b_own = totals(theirs_row, equal(theirs_row, theirs, theirs_row, theirs), b)
    whole = int(sum(int((c.astype(np.int64) ** 2).sum()) for c in counts)) - slots * n
    known = self_row >= 0
    left = n - np.where(known, b_size[self_row], 0) if b else np.zeros(m)
    between = (
        whole - np.where(known, 2 * b_all[self_row] - b_own[self_row] - slots * b_size[self_row], 0) if b else left
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        xx = within / (size * (size - 1.0) * slots)
        xy = (cross - own) / (size * left * float(slots))
        yy = between / (left * (left - 1.0) * slots)
        made = xx + yy - 2 * xy
    return np.where((size >= 2) & (left >= 2), made, np.nan)

"""All tests of a plan on one suspect's table of scores, and the rung of the claims ladder that they reach."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from overproof.errors import InputError
from overproof.evidence.events import events_of, score_table, tail_of_wins
from overproof.evidence.line_up import (
    LineUp,
    Sensitivity,
    TimePlacebo,
    line_up,
    sensitivity,
    time_placebo,
)
from overproof.evidence.many import fdr, holm
from overproof.evidence.rates import LeakRate, RateRatio, leak_rate, rate_ratio
from overproof.evidence.result import between, count, plain, several
from overproof.evidence.sequential import EProcess, e_process
from overproof.report.show import number

Float64 = npt.NDArray[np.float64]

LEAST_BIAS = 3.0
"""An L1 claim must survive at least this bias."""
NULL = "had the suspect not obtained what was served, each draft of a row would fit it best equally often"


@dataclass(frozen=True, kw_only=True)
class Battery:
    """What `battery` found.

    Attributes
    ----------
    suspect : str
        Its name.
    line_up, permuted : LineUp
        The exact test on wins, and the permutation of scores within rows.
    sensitivity : Sensitivity
        At the level that each single plan has: alpha over the number of plans.
    rates : RateRatio
        Served drafts of at least tau against first redraws of at least tau.
    leaked : LeakRate
        The difference of these rates, beside this run's recall.
    e_value : EProcess
        Of the rows in their order.
    placebo : TimePlacebo or None
        None where no row was served after the suspect was published.
    wins_by_draft : int64[K + 1]
        Events that the served draft won (0), and each redraw.
    strata : dict of str to LineUp
        The line-up within each stratum of the plan; empty without strata.
    expected : float
        Events that the served draft would win by chance: the sum of 1 / (K + 1) over them.
    refused : str
        Why no p-value may be given; empty where one may.
    alpha : float
        Level of the plan.
    plans : int
        Plans against this suspect: p-values are multiplied by it.
    planted, found : int
        Copies that the audit planted and found, for the recall beside the leak rate.
    adjusted : float
        The line-up's p-value times the number of plans, and, once `over_suspects` was called, the false discovery rate
        over all suspects; NaN where refused.
    left_out : int
        Units that the plan chose and of which a draft was missing.
    worst : float
        The line-up's p-value, times the plans, were each of those an event that was lost; NaN where refused.
    """

    suspect: str
    line_up: LineUp
    permuted: LineUp
    sensitivity: Sensitivity
    rates: RateRatio
    leaked: LeakRate
    e_value: EProcess
    placebo: TimePlacebo | None
    wins_by_draft: npt.NDArray[np.int64]
    expected: float
    strata: dict[str, LineUp]
    refused: str
    alpha: float
    plans: int
    planted: int
    found: int
    adjusted: float
    left_out: int = 0
    worst: float = math.nan

    @cached_property
    def reasons(self) -> tuple[bool, list[str]]:
        """Whether L1 is reached, and the sentences that say why; of one that is not reached, those that bar it."""
        if self.refused:
            return False, [f"No p-value may be given: {self.refused}"]
        g_star = self.sensitivity.g_star
        significant = self.adjusted <= self.alpha
        robust = g_star >= LEAST_BIAS
        said = [
            (
                significant,
                f"The line-up's p-value, over {several(self.plans, 'plan')} and all suspects, is {self.adjusted:.2g}: "
                f"{'at most' if significant else 'above'} the plan's level of {self.alpha:g}.",
            ),
            (
                robust,
                "No event was won, so no bias can be survived."
                if math.isnan(g_star)
                else f"It survives a bias of G* = {number(g_star)}, "
                f"{'at least' if robust else 'less than'} {LEAST_BIAS:g}.",
            ),
        ]
        if self.left_out:
            held = self.worst <= self.alpha
            words = (
                f"Were each of the {several(self.left_out, 'unit')} that lack a draft an event that was lost, the "
                f"p-value would be {self.worst:.2g}: {'at most' if held else 'above'} the level."
            )
            said.append((held, words))
        said.append(self._against_placebo())
        reached = all(held for held, _ in said)
        return reached, [words for held, words in said if held == reached]

    def block(self) -> dict[str, Any]:
        """What a case says of the suspect beside the tests; p-values and biases are None where they are refused."""
        reached, reasons = self.reasons
        curve, placebo = self.sensitivity, None if self.placebo is None else self.placebo.to_dict()
        if placebo is not None and self.refused:
            placebo["pvalue"] = None
        return {
            "rung": {
                "suspect": self.suspect,
                "rung": "L1" if reached else "L0",
                "reached": reached,
                "reasons": reasons,
            },
            "sensitivity": {
                "g": plain(curve.g),
                "pvalues": None if self.refused else plain(curve.pvalues),
                "g_star": None if self.refused else plain(curve.g_star),
                "alpha": self.alpha / self.plans,
            },
            "placebo": placebo,
            "wins_by_draft": self.wins_by_draft.tolist(),
        }

    def _against_placebo(self) -> tuple[bool, str]:
        """Whether the placebo leaves room for the claim, and the sentence that says so."""
        if self.placebo is None:
            return True, "No output served after the suspect was published was redrawn: there is no time placebo."
        low, high = self.placebo.interval
        if not self.placebo.informative and low <= 1:
            return True, (
                f"The time placebo is uninformative: its upper limit of the bias is {number(high)}, above 3, so it "
                "neither supports nor weakens the claim."
            )
        # One whose lower limit is above 1 has shown a bias, however wide its interval.
        fits = bool(self.sensitivity.g_star > high)
        most = f"at most {number(high)}" if math.isfinite(high) else "any size"
        limit = f"a bias of {most}, {'below' if fits else 'not below'} G*."
        if low > 1:
            shown = f"a bias of at least {number(low)}, where nothing was copied"
            return fits, f"The time placebo shows {shown}, and allows {limit}"
        return fits, f"The time placebo allows {limit}"

    def tests(self) -> list[dict[str, Any]]:
        """One entry a test, as a case's ``tests`` holds them; p-values are None where they are refused."""
        named: list[tuple[str, Any, str]] = [
            ("line-up", self.line_up, NULL),
            ("line-up, permutation", self.permuted, NULL),
            ("rate ratio", self.rates, "served drafts and redraws are found equally often"),
            ("leak rate", self.leaked, "served drafts and redraws are found equally often"),
            ("e-value", self.e_value, NULL),
        ]
        out = []
        for name, result, null in named:
            made = result.to_dict()
            for bulk in ("events", "log_e"):
                made.pop(bulk, None)
            main = name == "line-up"
            made |= {"g_star": _finite(self.sensitivity.g_star) if main else None}
            if name == "line-up":
                made |= {"expected": self.expected}
            if name == "leak rate":
                made |= {"planted": self.planted, "found": self.found}
            made["pvalue_adjusted"] = _finite(self.adjusted if main else min(1.0, made["pvalue"] * self.plans))
            if self.refused:
                made |= {"pvalue": None, "pvalue_adjusted": None, "g_star": None, "refused": self.refused}
                if name in ("line-up", "line-up, permutation", "e-value"):
                    made |= {"interval": [None, None], "least_pvalue": None}
                if name == "e-value":
                    made["statistic"] = None
            out.append({"name": name, "suspect": self.suspect, "null": null, **made})
        return [*out, *self._within_strata()]

    def _within_strata(self) -> list[dict[str, Any]]:
        """The line-up in each stratum: where it comes from, not a claim of its own."""
        if not self.strata:
            return []
        adjusted = holm([min(1.0, one.pvalue * self.plans) for one in self.strata.values()], alpha=self.alpha).pvalues
        out = []
        for (label, one), p in zip(self.strata.items(), adjusted.tolist(), strict=True):
            made = one.to_dict() | {"g_star": None, "pvalue_adjusted": p}
            made.pop("events")
            if self.refused:
                made |= {"pvalue": None, "pvalue_adjusted": None, "refused": self.refused}
                made |= {"interval": [None, None], "least_pvalue": None}
            out.append({"name": f"line-up, stratum {label}", "suspect": self.suspect, "null": NULL, **made})
        return out


def battery(
    scores: npt.ArrayLike,
    *,
    suspect: str,
    tau: float,
    alpha: float = 0.001,
    lam: float = 0.5,
    taus: Sequence[float] = (),
    after: npt.ArrayLike | None = None,
    strata: Sequence[str] | None = None,
    plans: int = 1,
    planted: int = 0,
    found: int = 0,
    left_out: int = 0,
    refused: str = "",
    rng: Any = 0,
) -> Battery:
    """Run every test of a plan on one table of scores.

    Parameters
    ----------
    scores : array_like of float64, shape (n, K + 1)
        As in `line_up`, one row a unit, rows in the order of their ids.
    suspect : str
        Its name.
    tau, alpha, lam : float
        Least score of an event, level and stake, as the plan has them.
    taus : sequence of float
        Further least scores whose e-values are averaged with that of `tau`.
    after : array_like of bool, shape (n,), optional
        Rows served after the suspect was published: they take part in the placebo alone.
    strata : sequence of n str, optional
        Of each row: the line-up is also made within each stratum, p-values adjusted over strata (Holm).
    plans : int
        Plans against this suspect, this one included.
    planted, found : int
        Copies planted by the run's audit and found, for the recall beside the leak rate.
    left_out : int
        Units that were chosen and lack a draft: a claim must hold were each an event that was lost, since whoever draws
        could leave out those that he does not like.
    refused : str
        Why no p-value may be given, if so.
    rng : {None, int, numpy.random.Generator}
        Of the permutations.

    Returns
    -------
    Battery

    Raises
    ------
    InputError
        Scores are no such table; no row is left to test; a number is out of range.
    MissingExtraError
        SciPy is missing.

    Notes
    -----
    The tests share their rows and are no independent evidence; the line-up is the one that a claim rests on, the others
    stand beside it. O(rows x (K + 1)) and 20 / alpha permutations.

    Examples
    --------
    >>> import numpy as np
    >>> leaked, chance = [30.0, *[2.0] * 9], [3.0, *[2.0] * 9]
    >>> found = battery([leaked] * 10 + [chance] * 30, suspect="rival", tau=20)
    >>> found.line_up.wins, found.line_up.pvalue < 1e-9, round(found.sensitivity.g_star, 1), found.reasons[0]
    (10, True, 9.0, True)
    """
    table = score_table(scores)
    tau, alpha = between(tau, "tau", -math.inf, math.inf), between(alpha, "alpha", 0, 1)
    plans = count(plans, "plans", 1)
    late = np.zeros(len(table), np.bool_) if after is None else np.asarray(after)
    if late.dtype != np.bool_ or late.shape != (len(table),):
        raise InputError(f"after must be bool of shape ({len(table)},), not {late.dtype} of {late.shape}")
    main, placebo = table[~late], table[late]
    if strata is not None and len(strata) != len(table):
        raise InputError(f"strata has {len(strata)} values for {len(table)} rows")
    labels = np.array(strata or [], dtype=object)[~late] if strata is not None else np.zeros(0, object)
    here = ~np.isnan(main)
    both = here[:, 0] & here[:, 1:].any(axis=1)
    if not both.any():
        raise InputError(
            "scores: no row that was served before the suspect was published has a served draft and a redraw; "
            "draw again some of those"
        )
    first = main[both, 1 + here[both, 1:].argmax(axis=1)]
    n, hits, chance = int(both.sum()), int((main[both, 0] >= tau).sum()), int((first >= tau).sum())
    tested = line_up(main, tau=tau, alpha=alpha, tests=plans)
    redraws = here[tested.events, 1:].sum(axis=1)
    lost = np.full(count(left_out, "left_out"), here[:, 1:].sum(axis=1).max())
    worst = tail_of_wins(tested.wins, np.concatenate([redraws, lost]).astype(np.int64), 1.0)
    return Battery(
        suspect=suspect,
        line_up=tested,
        permuted=line_up(main, tau=tau, method="permutation", alpha=alpha, tests=plans, rng=rng),
        sensitivity=sensitivity(main, tau=tau, alpha=alpha / plans),
        rates=rate_ratio(hits, n, chance, n),
        leaked=leak_rate(hits, n, chance, n, planted=planted, found=found),
        e_value=e_process(main, tau=[tau, *taus], lam=lam),
        placebo=time_placebo(placebo, tau=tau) if len(placebo) else None,
        wins_by_draft=wins_by_draft(main, tau=tau),
        strata={label: line_up(main[labels == label], tau=tau) for label in sorted(set(labels.tolist()))},
        expected=math.fsum(1 / here[tested.events].sum(axis=1)),
        refused=refused,
        alpha=alpha,
        plans=plans,
        planted=planted,
        found=found,
        adjusted=math.nan if refused else min(1.0, tested.pvalue * plans),
        left_out=left_out,
        worst=math.nan if refused else min(1.0, worst * plans),
    )


def over_suspects(found: Sequence[Battery]) -> list[Battery]:
    """The same batteries, the line-ups' p-values adjusted for the number of suspects (Benjamini and Hochberg 1995)."""
    if not found:
        return []
    adjusted = fdr([one.adjusted for one in found], alpha=found[0].alpha).pvalues
    return [replace(one, adjusted=float(p)) for one, p in zip(found, adjusted, strict=True)]


def wins_by_draft(scores: npt.ArrayLike, *, tau: float) -> npt.NDArray[np.int64]:
    """Events won by the served draft (0) and by each redraw: under the null all are won equally often.

    Examples
    --------
    >>> wins_by_draft([[25.0, 3.0, 1.0], [4.0, 30.0, 2.0], [1.0, 2.0, 3.0]], tau=20)
    array([1, 1, 0])
    """
    table = score_table(scores)
    rows = events_of(table, tau).rows
    return np.bincount(np.nan_to_num(table[rows], nan=-np.inf).argmax(axis=1), minlength=table.shape[1])


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None

"""Line-ups of innocents: real models as suspects that never saw the drafts, which are real draws of one model.

K = 1: two draws in both roles. The suspects share one pair of drafts, so their p-values are no independent sample: the
null interval relabels the drafts of each prompt at random, for all suspects jointly. K = 4: five draws, of which a
seeded coin serves one a prompt; exchangeable by construction, this checks the code and not the world.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
from overproof import evidence
from scipy import stats

from benches.validity import answers
from benches.validity.answers import EVAL, LOTTERY, SETTINGS, Draws
from benches.validity.marks import number, table

LEVELS = (0.05, 0.01, 0.001)
SAMPLERS = ("nucleus9", "k50")
Floats = npt.NDArray[np.float64]


def experiments() -> list[tuple[str, Draws]]:
    """Pairs of draws that are alike, each with its suspects: all other models, and other samplers of the same one."""
    found = [("gpt4 and gpt4_0314", answers.draws(EVAL, ["gpt4_0314", "gpt4"]))]
    for model in answers.lottery_models():
        for sampler in SAMPLERS:
            pair = [f"{model} {sampler} {sample}" for sample in (0, 1)]
            found.append((f"{model} {sampler}", answers.draws(LOTTERY, pair)))
    return found


def of_pair(scores: Floats, setting: tuple[str, float], relabelled: npt.NDArray[np.bool_]) -> dict[str, Any]:
    """P-values of every suspect in both roles, and how many fall below each level under each relabelling."""
    tests = [evidence.line_up(t[:, order], tau=setting[1]) for order in ([0, 1], [1, 0]) for t in scores]
    first = np.where(scores.max(axis=2) >= setting[1], np.sign(scores[:, :, 0] - scores[:, :, 1]), 0)
    events = np.abs(first).sum(axis=1)
    # A relabelling swaps the drafts of some prompts, for all suspects alike.
    wins = (events + np.where(relabelled, -1.0, 1.0) @ first.T) / 2
    below = [(stats.binom.sf(w - 1, events, 0.5)[..., None] < LEVELS).sum(axis=1) for w in (wins, events - wins)]
    pull = np.abs(first.sum(axis=0))
    return {
        "pvalues": [t.pvalue for t in tests],
        "testable": int(2 * (0.5**events < LEVELS[0]).sum()),
        "events": int(events.sum()),
        "prompts_with_event": int((first != 0).any(axis=0).sum()),
        # Kish: prompts that pull equally would give as many.
        "effective_events": float(pull.sum() ** 2 / (pull**2).sum()) if pull.any() else 0.0,
        "null": below[0] + below[1],
    }


def lined_up(found: list[tuple[str, Draws]], relabellings: int) -> list[dict[str, Any]]:
    """K = 1: shares of suspects below each level, all experiments together and each alone."""
    out = []
    scored = {
        (name, score): answers.tables(list(pair.drafts.values()), pair, score)
        for name, pair in found
        for score in dict.fromkeys(score for score, _ in SETTINGS)
    }
    for setting in SETTINGS:
        rng = np.random.default_rng(5)
        parts = []
        for name, pair in found:
            swapped = rng.random((relabellings, len(pair.prompts))) < 0.5
            parts.append({"drafts": name, **of_pair(scored[name, setting[0]], setting, swapped)})
        null = np.sum([part.pop("null") for part in parts], axis=0)
        values = np.array([p for part in parts for p in part["pvalues"]])
        low, high = np.quantile(null, [0.025, 0.975], axis=0) / len(values)
        out.append(
            {
                "score": setting[0],
                "tau": setting[1],
                "suspects": len(values),
                "testable": sum(part["testable"] for part in parts),
                "events": sum(part["events"] for part in parts),
                "prompts_with_event": sum(part["prompts_with_event"] for part in parts),
                "effective_events": sum(part["effective_events"] for part in parts),
                "below": [float((values < level).mean()) for level in LEVELS],
                "null": [list(ends) for ends in zip(low.tolist(), high.tolist(), strict=True)],
                "experiments": [
                    {**part, "pvalues": np.round(part["pvalues"], 5).tolist(), "least": min(part["pvalues"])}
                    for part in parts
                ],
            }
        )
    return out


def by_coin(models: list[str], coins: Iterable[int]) -> list[dict[str, Any]]:
    """K = 4: one of five draws of a model serves, by a coin for each prompt; all suspects, all tests."""
    out = []
    coins = list(coins)
    for setting in SETTINGS:
        values: dict[str, list[float]] = {"binomial": [], "permutation": [], "e-value": []}
        for model in models:
            names = [f"{model} {kind}" for kind in ("nucleus9 0", "nucleus9 1", "k50 0", "k50 1", "greedy 0")]
            found = answers.draws(LOTTERY, names)
            scores = answers.tables(list(found.drafts.values()), found, setting[0])
            for coin in coins:
                rng = np.random.default_rng([coin, len(model)])
                column = rng.integers(5, size=len(found.prompts))
                order = (np.arange(5) + column[:, None]) % 5
                for t in np.take_along_axis(scores, order[None], axis=2):
                    values["binomial"].append(evidence.line_up(t, tau=setting[1]).pvalue)
                    permuted = evidence.line_up(t, tau=setting[1], method="permutation", alpha=0.05, rng=rng)
                    values["permutation"].append(permuted.pvalue)
                    values["e-value"].append(evidence.e_process(t, tau=setting[1]).pvalue)
        for name, found_values in values.items():
            below = [float((np.array(found_values) < level).mean()) for level in LEVELS]
            out.append(
                {"score": setting[0], "tau": setting[1], "test": name, "runs": len(found_values), "below": below}
            )
    return out


def usual_control(found: list[tuple[str, Draws]]) -> list[dict[str, Any]]:
    """What is done without redraws: is the overlap with us greater than that with another model, over prompts?

    The one-sided Wilcoxon test of the differences over prompts, each suspect beside each other model as the control.
    """
    out = []
    for name, pair in found:
        served, own = next(iter(pair.drafts)), name.split()[0]
        texts = {n: t for n, t in pair.suspects.items() if len(t) == len(pair.prompts) and n.split()[0] != own}
        overlap = answers.overlaps({**texts, served: pair.drafts[served]})
        of_control: dict[str, list[float]] = {n: [] for n in texts}
        for suspect in texts:
            for control in texts:
                if suspect.split()[0] != control.split()[0]:
                    more = overlap(suspect, served) - overlap(suspect, control)
                    pvalue = float(stats.wilcoxon(more, alternative="greater").pvalue) if more.any() else 1.0
                    of_control[control].append(pvalue)
        shares = {n: below(values)[1] for n, values in of_control.items()}
        worst = max(shares, key=lambda n: shares[n])
        out.append(
            {
                "served": served,
                "pairs": sum(map(len, of_control.values())),
                "below": below([p for values in of_control.values() for p in values]),
                "worst_control": worst,
                "suspects_beside_worst": len(of_control[worst]),
                "below_beside_worst": below(of_control[worst]),
            }
        )
    return out


def below(values: list[float]) -> list[float]:
    """Shares below each level."""
    return [float((np.array(values) < level).mean()) for level in LEVELS]


def measure(relabellings: int = 2000, coins: int = 10, which: slice = slice(None)) -> dict[str, Any]:
    """All of it; tests take only some of the experiments."""
    found = experiments()[which]
    models = [model for model in answers.lottery_models() if any(name.startswith(model) for name, _ in found)]
    return {
        "levels": LEVELS,
        "line_up": lined_up(found, relabellings),
        "coin": by_coin(models, range(coins)),
        "usual_control": usual_control([part for part in found if not part[0].endswith("k50")]),
    }


def markdown(record: dict[str, Any]) -> str:
    """Tables."""
    lines = [
        [
            f"{r['score']} >= {r['tau']:g}",
            r["suspects"],
            r["testable"],
            f"{r['events']:,}",
            r["prompts_with_event"],
            f"{r['effective_events']:.0f}",
            *(
                f"{number(s)} ({number(low)} to {number(high)})"
                for s, (low, high) in zip(r["below"], r["null"], strict=True)
            ),
        ]
        for r in record["line_up"]
    ]
    head = "score | line-ups | testable at .05 | events | prompts with one | effective | p < .05 | p < .01 | p < .001"
    coins = [
        [f"{r['score']} >= {r['tau']:g}, {r['test']}", f"{r['runs']:,}", *map(number, r["below"])]
        for r in record["coin"]
    ]
    usual = [
        [
            r["served"],
            r["pairs"],
            *map(number, r["below"]),
            f"{number(r['below_beside_worst'][1])}, {r['worst_control']}",
        ]
        for r in record["usual_control"]
    ]
    return "\n\n".join(
        (
            "### Innocents, K = 1\n\n" + table(head, lines),
            "### Served by a coin, K = 4\n\n" + table("score, test | line-ups | p < .05 | p < .01 | p < .001", coins),
            "### The usual control on the same innocents\n\n"
            + table(
                "served | suspects x controls | p < .05 | p < .01 | p < .001 | p < .01 by the worst control", usual
            ),
        )
    )

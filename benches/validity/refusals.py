"""Redraws that were not drawn as the served outputs were: they accuse innocents, unless a self-test refuses them.

Served by one sampler, snapshot, host or length limit and redrawn by another, on real answers; the suspects saw neither.
Every second suspect is a declared innocent, against which the self-tests score the drafts; the others are accused.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from overproof import evidence

from benches.validity import answers
from benches.validity.answers import EVAL, LOTTERY
from benches.validity.marks import number, table

SCORE, TAU = "ngrams", 8.0
ALPHA = 0.001


class Case(NamedTuple):
    """Drafts by name; `words`: served drafts end after so many; `alike`: no mismatch, which nothing may refuse."""

    kind: str
    folder: str
    served: str
    redraws: tuple[str, ...]
    words: int | None = None
    alike: bool = False


def cases() -> list[Case]:
    """Each mismatch in both directions where the data have both, and the same without a mismatch."""
    found = [
        Case("snapshot", EVAL, "gpt-3.5-turbo-0613", ("gpt-3.5-turbo-0301",)),
        Case("snapshot", EVAL, "gpt-3.5-turbo-0301", ("gpt-3.5-turbo-0613",)),
        Case("snapshot", EVAL, "gpt4", ("gpt4_1106_preview",)),
        Case("snapshot", EVAL, "gpt4_1106_preview", ("gpt4", "gpt4_0314")),
        Case("host", EVAL, "vicuna-13b-v1.5", ("vicuna-13b-v1.5-togetherai",)),
        Case("host", EVAL, "vicuna-13b-v1.5-togetherai", ("vicuna-13b-v1.5",)),
        Case("none", EVAL, "gpt4_0314", ("gpt4",), alike=True),
    ]
    for model in answers.lottery_models():
        nucleus, k50, greedy = ("nucleus9 0", "nucleus9 1"), ("k50 0", "k50 1"), ("greedy 0",)
        for kind, served, redraws in (
            ("sampler", nucleus, k50),
            ("sampler", k50, nucleus),
            ("sampler", greedy, nucleus),
            ("sampler", greedy, k50),
            ("sampler, one redraw", nucleus, greedy),
            ("sampler, one redraw", k50, greedy),
            ("sampler, one redraw", nucleus, k50[:1]),
        ):
            found.append(Case(kind, LOTTERY, f"{model} {served[0]}", tuple(f"{model} {name}" for name in redraws)))
        pair = f"{model} nucleus9 0", (f"{model} nucleus9 1",)
        found += [Case(f"cut after {words} words", LOTTERY, *pair, words=words) for words in (40, 100)]
        found.append(Case("none", LOTTERY, *pair, alike=True))
    return found


def of_case(case: Case) -> dict[str, Any]:
    """The self-tests, and how many of the suspects that are no declared innocents the line-up would accuse."""
    found = answers.draws(case.folder, [case.served, *case.redraws])
    own = {name.split()[0] for name in found.drafts}
    suspects = {name: texts for name, texts in found.suspects.items() if name.split()[0] not in own}
    names = list(suspects)
    served, *redraws = found.drafts.values()
    if case.words:
        served = [" ".join(text.split(" ")[: case.words]) for text in served]
    rows = [list(row) for row in zip(*redraws, strict=True)]
    accused = {name: suspects[name] for name in names[1::2]}
    scores = answers.tables([served, *redraws], found._replace(suspects=accused), SCORE)
    innocent = [text for name in names[::2] for text in suspects[name]]
    beside = evidence.score_drafts(served, rows, innocent, prompts=found.prompts, score=SCORE)
    tests = evidence.self_tests(served, rows, innocents=beside)
    curves = [evidence.sensitivity(t, tau=TAU, g=[1, 3]).pvalues for t in scores]
    at_1, at_3 = np.array(curves).T
    return {
        **case._asdict(),
        "K": len(redraws),
        "suspects": len(accused),
        "refused_by": [name for name, test in tests.items() if not test.passed],
        "pvalues": {name: test.pvalue for name, test in tests.items()},
        "accused": int((at_1 < ALPHA).sum()),
        "accused_at_3": int((at_3 < ALPHA).sum()),
        "least": [float(at_1.min()), float(at_3.min())],
    }


def measure(which: slice = slice(None)) -> dict[str, Any]:
    """All of it; tests take only some of the cases."""
    found = [of_case(case) for case in cases()[which]]
    mismatched = [c for c in found if not c["alike"]]
    return {
        "score": SCORE,
        "tau": TAU,
        "alpha": ALPHA,
        "cases": found,
        "mismatched": len(mismatched),
        "refused": sum(bool(c["refused_by"]) for c in mismatched),
        "alike": len(found) - len(mismatched),
        "alike_refused": sum(bool(c["refused_by"]) for c in found if c["alike"]),
        "accused_without_refusal": sum(c["accused"] for c in mismatched if not c["refused_by"]),
        "accused_at_3": sum(c["accused_at_3"] for c in mismatched),
        "accused_at_3_without_refusal": sum(c["accused_at_3"] for c in mismatched if not c["refused_by"]),
    }


def short(served: str, name: str) -> str:
    """A draft's name beside that of the served one."""
    return name.removeprefix(served.split(maxsplit=1)[0] + " ")


def markdown(record: dict[str, Any]) -> str:
    """One line a case."""
    lines = [
        [
            c["kind"],
            f"{c['served']} beside {', '.join(short(c['served'], name) for name in c['redraws'])}",
            c["K"],
            f"{c['accused']} of {c['suspects']}",
            c["accused_at_3"],
            "; ".join(f"{name} ({number(c['pvalues'][name])})" for name in c["refused_by"]) or "nothing",
        ]
        for c in record["cases"]
    ]
    words = (
        f"{record['refused']} of {record['mismatched']} mismatches and {record['alike_refused']} of {record['alike']} "
        f"pairs without one are refused. Of the innocents that the line-up accuses at p < {record['alpha']}, "
        f"{record['accused_without_refusal']} are left by cases that nothing refuses, and at G = 3 "
        f"{record['accused_at_3_without_refusal']} (before any refusal {record['accused_at_3']})."
    )
    head = "mismatch | served beside redraws | K | accused | accused at G = 3 | refused by"
    return "### Redraws that were not drawn alike\n\n" + table(head, lines) + "\n\n" + words

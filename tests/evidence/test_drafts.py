"""Scores of drafts: symmetric in them, and what a plain search over all suspect texts gives."""

import numpy as np
import overproof as op
import pytest
from hypothesis import given
from hypothesis import strategies as st
from overproof.evidence import line_up, score_drafts, sensitivity
from overproof.reference.compare import Text
from overproof.reference.score import ngram_match

WORDS = st.lists(st.sampled_from(["a", "b", "c", "d", "e", "F"]), max_size=14).map(" ".join)
N = 2


def plain(draft: str, prompt: str, behind: list[str], suspects: list[str]) -> tuple[int, int]:
    """Longest run and n-grams, best over all suspect texts, by the reference."""
    best = (0, 0)
    for suspect in suspects:
        a, b = Text(draft, N, "keep"), Text(suspect, N, "keep")
        masked = Text(prompt, N, "keep").grams | {g for text in behind for g in Text(text, N, "keep").grams}
        found = ngram_match(a.forms[0], b.forms[0], N, masked=masked & (a.grams | b.grams))
        run = found.longest_run if found.ngrams else 0
        best = (max(best[0], run), max(best[1], found.ngrams))
    return best


@given(
    st.lists(st.tuples(WORDS, WORDS, WORDS | st.none(), WORDS), min_size=1, max_size=4),
    st.lists(WORDS, min_size=1, max_size=6),
    st.lists(WORDS, max_size=2),
)
def test_scores_are_those_of_a_plain_search(
    rows: list[tuple[str, str, str | None, str]], suspects: list[str], behind: list[str]
) -> None:
    served, redraws, prompts = [r[0] for r in rows], [[r[1], r[2]] for r in rows], [r[3] for r in rows]
    options = {"prompts": prompts, "background": behind or None, "shingler": op.Shingler(N)}
    runs = score_drafts(served, redraws, suspects, **options)
    grams = score_drafts(served, redraws, suspects, score="ngrams", **options)
    for i, (a, b, c, prompt) in enumerate(rows):
        for j, draft in enumerate((a, b, c)):
            if draft is None:
                assert np.isnan(runs[i, j])
                continue
            assert (runs[i, j], grams[i, j]) == plain(draft, prompt, behind, suspects)
    swapped = score_drafts(
        [r[0] for r in redraws], [[a, r[1]] for a, r in zip(served, redraws, strict=True)], suspects, **options
    )
    assert np.array_equal(swapped[:, [1, 0, 2]], runs, equal_nan=True)
    options["prompts"] = prompts[::-1]
    again = score_drafts(served[::-1], redraws[::-1], suspects[::-1], threads=1, **options)
    assert np.array_equal(again[::-1], runs, equal_nan=True)


def drafts_of(case: op.simulate.Case) -> tuple[list[str], list[list[str]], list[str]]:
    """One served record of each prompt, its redraws, and the prompt."""
    first = {row["prompt"]: row for row in reversed(case.served)}
    redraws: dict[str, list[str]] = {}
    for row in case.redraws:
        redraws.setdefault(row["request_id"], []).append(row["text"])
    rows = list(first.values())
    return [r["text"] for r in rows], [redraws[r["request_id"]] for r in rows], [r["prompt"] for r in rows]


@pytest.mark.parametrize("leak", [60, 0])
def test_a_leak_wins_the_line_up_and_innocents_do_not(leak: int) -> None:
    made = op.simulate.case(
        seed=3, prompts=200, served=400, accounts=20, suspect=300, leak=leak, web=20, people=10, background=50
    )
    served, redraws, prompts = drafts_of(made)
    suspect, behind = [r["text"] for r in made.suspect], [r["text"] for r in made.background]
    scores = score_drafts(served, redraws, suspect, prompts=prompts, background=behind)
    found = line_up(scores, tau=12)
    if leak:
        assert found.pvalue < 1e-6
        assert sensitivity(scores, tau=12).g_star >= 3
    else:
        assert found.pvalue > 0.01


def test_rows_may_differ_in_redraws() -> None:
    table = score_drafts(["a b c d e f", None, "x"], [["a b c d e z"], ["b"], None], ["a b c d e f g"])
    assert table.shape == (3, 2)
    assert table[0].tolist() == [6, 5]
    assert np.isnan(table[1, 0])
    assert np.isnan(table[2, 1])
    assert line_up(table, tau=3).wins == 1


@pytest.mark.parametrize(
    ("served", "redraws", "options", "words"),
    [
        (["a"], [], {}, "0 rows for 1"),
        (["a"], [[]], {}, "no row has one"),
        (["a"], ["b"], {}, "row 0 is one str"),
        (["a"], [[3]], {}, "row 0 holds a int"),
        (["a"], [["b"]], {"prompts": ["p", "q"]}, "prompts has 2 rows"),
        (["a"], [["b"]], {"score": "blast"}, "score"),
        (["a"], [["b"]], {"shingler": op.Shingler([2, 3])}, "one width"),
        (["a"], [["b"]], {"shingler": op.Shingler(3, analyzer="tokens")}, "analyzer"),
    ],
)
def test_bad_input_is_named(served: list, redraws: list, options: dict, words: str) -> None:
    with pytest.raises(op.InputError, match=words):
        score_drafts(served, redraws, ["s"], **options)

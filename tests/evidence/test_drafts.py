"""Scores of drafts: symmetric in them, and what a plain search over all suspect texts gives."""

import numpy as np
import overproof as op
import pytest
from hypothesis import given
from hypothesis import strategies as st
from overproof import reference
from overproof.evidence import best_matches, draft_waterfall, line_up, masks, score_drafts, sensitivity
from overproof.evidence.drafts import PreparedDrafts

WORDS = st.lists(st.sampled_from(["a", "b", "c", "d", "e", "F", "7", "12"]), max_size=14).map(" ".join)
MAYBE = WORDS | st.none()
N = 2
OPTIONS = st.fixed_dictionaries(
    {
        "score": st.sampled_from(["run", "ngrams", "coverage"]),
        "background": st.none() | st.lists(WORDS, min_size=1, max_size=2),
        "boilerplate": st.sampled_from([False, True, 1, 2]),
        "rarity": st.none() | st.lists(WORDS.filter(bool), min_size=1, max_size=4),
    }
)
CASES = st.tuples(
    st.lists(st.tuples(MAYBE, MAYBE, MAYBE, st.lists(WORDS, max_size=3)), min_size=1, max_size=4),
    st.lists(WORDS, min_size=1, max_size=6),
    OPTIONS,
)


def plain(rows: list[tuple], suspects: list[str], options: dict) -> np.ndarray:
    """The twin's table; NaN where a draft is missing."""
    given_ = {**options, "background": options["background"] or (), "prompts": [r[3] for r in rows]}
    table = np.array(reference.drafts.score_drafts([r[:3] for r in rows], suspects, n=N, **given_), float)
    table[[[draft is None for draft in r[:3]] for r in rows]] = np.nan
    return table


def tabled(rows: list[tuple], suspects: list[str], options: dict, **more: object) -> np.ndarray:
    return score_drafts(
        [r[0] for r in rows],
        [r[1:3] for r in rows],
        suspects,
        prompts=[r[3] for r in rows],
        shingler=op.Shingler(N),
        **options,
        **more,
    )


@given(CASES)
def test_scores_are_those_of_the_twin(case: tuple) -> None:
    rows, suspects, options = case
    np.testing.assert_allclose(tabled(rows, suspects, options), plain(rows, suspects, options), rtol=1e-12, atol=1e-12)


@given(CASES)
def test_waterfall_is_that_of_the_twin(case: tuple) -> None:
    rows, suspects, options = case
    del options["rarity"]
    found = draft_waterfall(
        [r[0] for r in rows],
        [r[1:3] for r in rows],
        suspects,
        tau=3,
        prompts=[r[3] for r in rows],
        shingler=op.Shingler(N),
        **options,
    )
    assert [layer["layer"] for layer in found] == ["raw", "prompt echo", "background", "boilerplate", "left"]
    for stage, layer in enumerate(found[:4]):
        ngrams, scores = (
            plain(rows, suspects, {**options, "score": score, "layers": stage})
            for score in ("ngrams", options["score"])
        )
        for name, part in (("served", slice(1)), ("redraws", slice(1, None))):
            assert layer[name] == {
                "drafts": (~np.isnan(scores[:, part])).sum(),
                "matched": (ngrams[:, part] > 0).sum(),
                "ngrams": np.nansum(ngrams[:, part]),
                "reaching": (scores[:, part] >= 3).sum(),
            }
    assert {**found[4], "layer": "boilerplate"} == found[3]


@given(CASES)
def test_what_is_prepared_once_says_the_same(case: tuple) -> None:
    rows, suspects, options = case
    rarity, web = options.pop("rarity"), options["background"]
    served, redraws, shingler = [r[0] for r in rows], [r[1:3] for r in rows], op.Shingler(N)
    given_ = options | {"prompts": [r[3] for r in rows], "shingler": shingler}
    once = given_ | {"background": web and masks.as_one(web, shingler)}
    prepared = PreparedDrafts(served, redraws, suspects, **once)
    scores = score_drafts(served, redraws, suspects, **given_)
    for _ in range(2):
        np.testing.assert_array_equal(prepared.scores(), scores)
        assert prepared.waterfall(3) == draft_waterfall(served, redraws, suspects, tau=3, **given_)
        rarest = score_drafts(served, redraws, suspects, rarity=rarity, **given_)
        np.testing.assert_array_equal(prepared.scores(rarity=rarity), rarest)
    best, most = prepared.best()
    np.testing.assert_array_equal(most, np.nan_to_num(scores))
    assert ((best >= 0) == (most > 0)).all()
    if options["boilerplate"] is False:  # the only mask that depends on the other drafts
        for k in range(3):
            texts = [r[k] for r in rows]
            np.testing.assert_array_equal(best_matches(texts, suspects, **given_)[0], best[:, k])


def test_a_background_of_other_ngrams_is_refused() -> None:
    web = op.Shingler(3).transform(["a b c d"])
    with pytest.raises(op.IncompatibleError, match="another kind"):
        score_drafts(["a b c"], [["d"]], ["a b c"], background=web, shingler=op.Shingler(2))


def test_near_duplicates_of_a_leaked_text_are_no_boilerplate_and_a_template_is() -> None:
    rng = np.random.default_rng(0)
    words = [f"w{i}" for i in range(2000)]
    leaked = " ".join(rng.choice(words, 60))
    copies = [leaked + f" {rng.choice(words)}" for _ in range(100)]
    form = "dear customer we thank you for your order of"
    letters = [f"{form} {' '.join(rng.choice(words, 30))}" for _ in range(100)]
    served, redraws = [leaked, f"{form} one kettle"], [[" ".join(rng.choice(words, 60))], ["nothing of the kind"]]
    raw = score_drafts(served, redraws, copies + letters)
    assert raw[:, 0].tolist() == [60, 9]
    masked = score_drafts(served, redraws, copies + letters, boilerplate=True)
    assert masked[:, 0].tolist() == [60, 0]


def test_turns_of_a_conversation_are_masked_each_by_itself() -> None:
    served, redraws = ["one two three four five six"], [["x"]]
    options: dict = {"shingler": op.Shingler(2), "score": "ngrams"}
    for prompts, left in ((["one two three four"], 2), ([["one two", "three four"]], 3), ([[]], 5), ([None], 5)):
        assert score_drafts(served, redraws, served, prompts=prompts, **options)[0, 0] == left


def test_rarity_ranks_runs_as_they_are_and_weighs_ngrams() -> None:
    served, redraws = ["the quick brown fox jumps over it all"], [["the quick brown fox"]]
    suspect, controls = ["so the quick brown fox jumps over it"], ["the quick brown dog", "the quick brown", "no", "no"]
    options: dict = {"shingler": op.Shingler(2), "rarity": controls}
    runs = score_drafts(served, redraws, suspect, **options)
    # Of three distinct controls two reach 3 tokens; 7 and 4 tokens are beyond.
    assert runs[0] == pytest.approx([np.log10(4 / 3 * 5), np.log10(4 / 3 * 2)])
    grams = score_drafts(served, redraws, suspect, score="ngrams", **options)
    common, unseen = -np.log10(3 / 4), -np.log10(1 / 4)
    assert grams[0] == pytest.approx([2 * common + 4 * unseen, 2 * common + unseen])


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
        (["a"], [[3]], {}, "row 0 holds a value of type int, not text"),
        (["a"], [["b"]], {"prompts": ["p", "q"]}, "prompts has 2 rows"),
        (["a"], [["b"]], {"prompts": [["p", 3]]}, "row 0 holds a value of type int, not text"),
        (["a"], [["b"]], {"boilerplate": 0}, "boilerplate=0"),
        (["a"], [["b"]], {"rarity": [""]}, "no control text"),
        (["a"], [["b"]], {"score": "blast"}, "score"),
        (["a"], [["b"]], {"shingler": op.Shingler([2, 3])}, "one width"),
        (["a"], [["b"]], {"shingler": op.Shingler(3, analyzer="tokens")}, "analyzer"),
    ],
)
def test_bad_input_is_named(served: list, redraws: list, options: dict, words: str) -> None:
    with pytest.raises(op.InputError, match=words):
        score_drafts(served, redraws, ["s"], **options)

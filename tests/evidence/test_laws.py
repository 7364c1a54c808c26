"""Laws of the tests on redraws: what swapping, permuting and renaming may change; e-values by enumeration."""

from itertools import product
from typing import Any

import numpy as np
import overproof as op
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from overproof.evidence import (
    account_attribution,
    e_process,
    line_up,
    score_drafts,
    self_test,
    self_tests,
    sensitivity,
)

WORDS = st.lists(st.sampled_from(["a", "b", "c", "d", "E", "7", "."]), min_size=1, max_size=12).map(" ".join)
MAYBE = WORDS | st.none()
SOME = st.none() | st.lists(WORDS.map("a {}".format), min_size=1, max_size=3)
ROWS = st.lists(st.tuples(MAYBE, MAYBE, MAYBE, MAYBE, st.lists(WORDS, max_size=2)), min_size=1, max_size=5)
OPTIONS = st.fixed_dictionaries(
    {
        "score": st.sampled_from(["run", "ngrams", "coverage"]),
        "background": SOME,
        "rarity": SOME,
        "boilerplate": st.sampled_from([False, True, 1]),
        "shingler": st.sampled_from([op.Shingler(2), op.Shingler(3, analyzer="char"), op.Shingler(2, lists="both")]),
    }
)
SCORES = st.lists(
    st.lists(st.integers(0, 4).map(float) | st.just(np.nan), min_size=4, max_size=4), min_size=1, max_size=8
).map(np.array)


def scored(rows: list[Any], suspects: list[str], options: dict[str, Any]) -> np.ndarray:
    return score_drafts(
        [r[0] for r in rows], [list(r[1:4]) for r in rows], suspects, prompts=[r[4] for r in rows], **options
    )


@given(ROWS, st.lists(WORDS, min_size=1, max_size=5), OPTIONS, st.data())
def test_reordering_the_drafts_of_a_row_reorders_their_scores_bit_for_bit(
    rows: list[Any], suspects: list[str], options: dict[str, Any], data: st.DataObject
) -> None:
    table = scored(rows, suspects, options)
    orders = [data.draw(st.permutations(range(4))) for _ in rows]
    again = scored(
        [(*(row[k] for k in order), row[4]) for row, order in zip(rows, orders, strict=True)], suspects, options
    )
    assert np.array_equal(np.take_along_axis(table, np.array(orders), axis=1), again, equal_nan=True)


@given(ROWS, st.lists(WORDS, min_size=1, max_size=5), OPTIONS, st.randoms())
def test_order_and_repeats_change_no_score(
    rows: list[Any], suspects: list[str], options: dict[str, Any], random: Any
) -> None:
    # Of different texts with the same n-grams the first stands for all: its order counts.
    kinds = {options["shingler"].transform([text])[0].tobytes() for text in suspects}
    assume(len(kinds) == len(set(suspects)))
    table = scored(rows, suspects, options)
    order = random.sample(range(len(rows)), len(rows))
    theirs = [*random.sample(suspects, len(suspects)), random.choice(suspects)]
    behind = {name: options[name] and options[name][::-1] for name in ("background", "rarity")}
    again = scored([rows[i] for i in order], theirs, {**options, **behind, "threads": 1})
    assert np.array_equal(table[order], again, equal_nan=True)


def numbers(value: Any) -> Any:
    """Lists and dicts with NaN for None."""
    if isinstance(value, list):
        return [numbers(part) for part in value]
    return np.nan if value is None else value


@given(SCORES, st.randoms())
def test_permuting_rows_and_redraws_changes_no_statistic(table: np.ndarray, random: Any) -> None:
    rows = random.sample(range(len(table)), len(table))
    redraws = [0, *random.sample(range(1, 4), 3)]
    again = table[rows][:, redraws]
    for statistic in (
        lambda t: line_up(t, tau=2).to_dict(),
        lambda t: sensitivity(t, tau=2, g=[1, 3]).to_dict(),
        lambda t: {"e": e_process(t, tau=[1, 3]).statistic},
        lambda t: self_test(t).to_dict() if (t[:, :1] != t[:, 1:])[~np.isnan(t[:, 0])].any() else {},
    ):
        try:
            one = statistic(table)
        except op.InputError:
            with pytest.raises(op.InputError):
                statistic(again)
            continue
        two = statistic(again)
        assert one.keys() == two.keys()
        for name, value in one.items():
            if name in {"events", "skipped"} or isinstance(value, str):
                assert name == "events" or two[name] == value
                continue
            assert numbers(two[name]) == pytest.approx(numbers(value), rel=1e-12, abs=1e-300, nan_ok=True), name


@settings(max_examples=20)
@given(st.lists(MAYBE, min_size=6, max_size=6), st.randoms())
def test_self_tests_know_no_order(texts: list[str | None], random: Any) -> None:
    served, redraws = ["a b", "b c d"], [texts[:3], texts[3:]]
    mixed = [random.sample(row, 3) for row in redraws]
    try:
        one = self_tests(served, redraws)
    except op.InputError:
        return
    two = self_tests(served[::-1], mixed[::-1])
    assert {name: test.pvalue for name, test in one.items()} == pytest.approx(
        {name: test.pvalue for name, test in two.items()}, rel=1e-12
    )


@given(st.integers(0, 10**6), st.randoms())
@settings(max_examples=15)
def test_names_and_order_of_accounts_change_no_test(seed: int, random: Any) -> None:
    rng = np.random.default_rng(seed)
    table = np.round(rng.gamma(2, 4, size=(24, 4)))
    accounts = [f"account-{i % 5}" for i in range(24)]
    order = random.sample(range(24), 24)
    renamed = {name: f"{random.randrange(1000)}:{name}" for name in set(accounts)}
    one = account_attribution(table, accounts, tau=6)
    two = account_attribution(table[order], [renamed[accounts[i]] for i in order], tau=6)
    assert sorted(one.accounts) == sorted(name.split(":")[1] for name in two.accounts)
    by_name = {name.split(":")[1]: i for i, name in enumerate(two.accounts)}
    places = [by_name[name] for name in one.accounts]
    assert np.asarray(two.pvalues)[places] == pytest.approx(np.asarray(one.pvalues), rel=1e-12)
    assert np.asarray(two.wins)[places].tolist() == np.asarray(one.wins).tolist()


@pytest.mark.parametrize("tau", [2.0, [1.0, 2.0, 3.0]])
@pytest.mark.parametrize("lam", [0.1, 0.5, 0.9])
def test_expected_e_value_is_at_most_one_by_enumeration(tau: Any, lam: float) -> None:
    rng = np.random.default_rng(3)
    for width in (2, 3, 5):
        for _ in range(4):
            table = rng.integers(0, 4, size=(4, width)).astype(float)
            table[rng.random(table.shape) < 0.1] = np.nan
            here = [np.flatnonzero(~np.isnan(row)) for row in table]
            values = []
            for chosen in product(*(places if len(places) else [0] for places in here)):
                swapped = table.copy()
                for i, k in enumerate(chosen):
                    swapped[i, [0, k]] = swapped[i, [k, 0]]
                values.append(e_process(swapped, tau=tau, lam=lam).statistic)
            assert np.mean(values) <= 1 + 1e-12

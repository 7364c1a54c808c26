"""All tests on one suspect: the rung that they reach, what is refused, and that a case's tables give them again."""

import math

import numpy as np
import pytest
from overproof.errors import InputError
from overproof.evidence.battery import battery, over_suspects, wins_by_draft
from overproof.report import show

LEAKED, CHANCE = [30.0, *[2.0] * 9], [3.0, *[2.0] * 9]


def test_a_leak_reaches_l1() -> None:
    found = battery([LEAKED] * 10 + [CHANCE] * 30, suspect="rival", tau=20)
    assert found.line_up.pvalue < 1e-4
    assert found.sensitivity.g_star >= 3
    assert found.reasons[0]
    tests = {one["name"]: one for one in found.tests()}
    assert tests["line-up"]["pvalue"] == found.line_up.pvalue
    assert tests["line-up"]["g_star"] == found.sensitivity.g_star
    assert tests["rate ratio"]["n"] == 10
    assert tests["e-value"]["statistic"] > 1000


def test_chance_does_not() -> None:
    rng = np.random.default_rng(0)
    found = battery(rng.choice([2.0, 25.0, 30.0], size=(200, 5)), suspect="other", tau=20)
    assert not found.reasons[0]


def test_what_is_refused_has_no_pvalue_and_keeps_its_reason() -> None:
    found = battery([LEAKED] * 10, suspect="rival", tau=20, refused="grade C")
    reached, reasons = found.reasons
    assert not reached
    assert reasons == ["No p-value may be given: grade C"]
    assert math.isnan(found.adjusted)
    for one in found.tests():
        assert (one["pvalue"], one["pvalue_adjusted"], one["g_star"], one["refused"]) == (None, None, None, "grade C")
    # Counts are facts; what follows from them as a probability is not given.
    line_up = found.tests()[0]
    assert line_up["wins"] == 10
    assert (line_up["interval"], line_up["least_pvalue"]) == ([None, None], None)


@pytest.mark.parametrize(
    ("late", "fits"),
    [
        ([[25.0, 2.0], [2.0, 25.0]] * 40, True),  # informative, no bias
        ([[25.0, 2.0], [2.0, 25.0]] * 3, True),  # uninformative: too few events
        ([[25.0, 2.0]] * 90 + [[2.0, 25.0]] * 10, False),  # a bias of about 9 is shown
    ],
)
def test_a_placebo_that_shows_as_much_bias_blocks_l1(late: list[list[float]], fits: bool) -> None:
    main = [[25.0, 2.0]] * 60 + [[2.0, 25.0]] * 6
    after = np.arange(len(main) + len(late)) >= len(main)
    found = battery([*main, *late], suspect="rival", tau=20, after=after)
    assert found.placebo is not None
    assert found.sensitivity.g_star >= 3
    reached, said = found.reasons
    assert reached == fits
    # Of a claim that is barred, what it passed is no reason.
    assert len(said) == (3 if fits else 1)
    assert "time placebo" in said[-1]


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0.0, "0"),
        (0.25, "0.25"),
        (1.0, "1"),
        (9.513, "9.513"),
        (207.9018, "207.9"),
        (999.96, "1000"),
        (1500.4, "1,500"),
        (321000000.0, "3.2e8"),
        (2e120, "2e120"),
        (math.inf, "∞"),
    ],
)
def test_a_bias_is_written_as_reports_write_it(value: float, written: str) -> None:
    assert show.number(value) == written


def test_a_placebo_that_was_won_throughout_says_that_it_shows_a_bias() -> None:
    late = [[25.0, 2.0]] * 100
    after = np.arange(160) >= 60
    reached, said = battery([[25.0, 2.0]] * 60 + late, suspect="rival", tau=20, after=after).reasons
    assert not reached
    assert said == [
        "The time placebo shows a bias of at least 26.61, where nothing was copied, and allows a bias of any size, not "
        "below G*."
    ]


def test_plans_and_suspects_cost_significance() -> None:
    table = [[25.0, 2.0]] * 11 + [[2.0, 1.0]] * 9
    one, ten = (battery(table, suspect="rival", tau=20, alpha=0.001, plans=n) for n in (1, 10))
    assert one.adjusted == pytest.approx(0.5**11)
    assert ten.adjusted == pytest.approx(10 * 0.5**11)
    assert ten.sensitivity.g_star < one.sensitivity.g_star
    innocent = battery([[2.0, 25.0], [25.0, 2.0]] * 10, suspect="other", tau=20)
    assert over_suspects([one, innocent])[0].adjusted == pytest.approx(2 * 0.5**11)


def test_strata_are_tested_by_themselves() -> None:
    labels = ["new"] * 10 + ["old"] * 30
    found = battery([LEAKED] * 10 + [CHANCE] * 30, suspect="rival", tau=20, strata=labels)
    tests = {one["name"]: one for one in found.tests()}
    assert (tests["line-up, stratum new"]["wins"], tests["line-up, stratum old"]["n"]) == (10, 0)
    assert tests["line-up, stratum new"]["pvalue_adjusted"] == pytest.approx(2 * found.line_up.pvalue)
    assert tests["line-up, stratum old"]["pvalue_adjusted"] == 1
    refused = battery([LEAKED] * 10, suspect="rival", tau=20, strata=["new"] * 10, refused="grade C").tests()[-1]
    assert (refused["pvalue"], refused["wins"], refused["refused"]) == (None, 10, "grade C")
    with pytest.raises(InputError, match="strata has 1 values for 2 rows"):
        battery([LEAKED] * 2, suspect="rival", tau=20, strata=["new"])


def test_wins_of_all_drafts_are_counted() -> None:
    table = [[25.0, 3.0, math.nan], [4.0, 30.0, 2.0], [25.0, 25.0, 1.0], [1.0, 2.0, 3.0]]
    assert wins_by_draft(table, tau=20).tolist() == [1, 1, 0]


def test_nothing_to_test_is_an_error() -> None:
    with pytest.raises(InputError, match="draw again some"):
        battery([[25.0, 3.0]], suspect="rival", tau=20, after=[True])
    with pytest.raises(InputError, match="after must be bool"):
        battery([[25.0, 3.0]], suspect="rival", tau=20, after=[1])

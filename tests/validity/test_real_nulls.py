"""Small forms of the measurements on redraws and controls; skipped where the real texts are missing."""

from pathlib import Path

import pytest

pytest.importorskip("scipy", reason="the tests need overproof[stats]")

from benches.validity import controls_only, model_pairs, real_leak, real_null, refusals, waterfall

pytestmark = pytest.mark.usefixtures("shared")


def test_innocents_are_not_accused_beside_redraws_and_are_by_the_usual_control(shared: Path) -> None:
    found = real_null.measure(relabellings=200, coins=2, which=slice(3, 4))
    for setting in found["line_up"]:
        assert setting["suspects"] == len(setting["experiments"][0]["pvalues"]) > 40
        assert all(low <= share <= high for share, (low, high) in zip(setting["below"], setting["null"], strict=True))
        assert setting["effective_events"] <= setting["prompts_with_event"] <= setting["events"]
    assert all(test["below"][0] <= 0.06 for test in found["coin"])
    assert found["usual_control"][0]["below"][2] > 0.1
    assert "The usual control" in real_null.markdown(found)


def test_a_leak_is_found_and_its_absence_too(shared: Path) -> None:
    found = real_leak.measure(hosts=1)
    of = {(t["edit"], t["score"], t["rarity"]): t for t in found["tests"]}
    assert all(t["least_p"] > 0.01 for (edit, *_), t in of.items() if edit is None)
    assert of[0.0, "run", False]["median_p"] < 1e-7
    assert of[0.1, "run", False]["median_p"] < 1e-5
    assert of[0.3, "ngrams", True]["median_p"] < 1e-3
    raw, *_, left = found["waterfall"]["leak"]
    assert raw["served"]["reaching"] - left["served"]["reaching"] < 20
    assert left["served"]["reaching"] > 10 * left["redraws"]["reaching"]
    assert "leaked" in real_leak.markdown(found)


def test_mismatched_redraws_are_refused_and_others_are_not(shared: Path) -> None:
    cases = refusals.cases()
    first = next(i for i, case in enumerate(cases) if case.kind == "cut after 100 words")
    found = refusals.measure(slice(first - 2, first + 2))
    assert (found["mismatched"], found["refused"], found["alike"], found["alike_refused"]) == (3, 3, 1, 0)
    assert "3 of 3 mismatches" in refusals.markdown(found)


def test_controls_alone_accuse_nobody_and_documents_do(shared: Path) -> None:
    found = controls_only.measure(most=400)
    for rule in found["rules"].values():
        assert rule["pairs"] == rule["no_verdict"] == rule["exploratory"] == 306
        assert rule["rank_below"][0] <= 0.065
        assert rule["rank_below"][1] == 0
    # So that nobody offers the test over documents again.
    assert found["rules"]["loose"]["binomial_below"][2] > 0.02
    assert found["rules"]["loose"]["binomial_cautious_below"][2] > 0.01
    assert "306" in controls_only.markdown(found)


def test_each_kind_ends_in_its_layer(shared: Path) -> None:
    found = waterfall.measure(every=4)
    passed = waterfall.marks(found)
    assert [kind for kind, ok in passed.items() if not ok] == ["tool-call templates"]
    assert found["kinds"]["innocents"]["matched"] == 0
    assert "prompt echo" in waterfall.markdown(found)


def test_pairs_of_models_come_out_as_the_truth_table_states(shared: Path) -> None:
    for pair in model_pairs.measure()["pairs"]:
        found = pair["found"]
        assert found["mean_short_0"] == pytest.approx(pair["mean"], abs=0.006), pair
        if pair["shared"] is not None:
            assert (found["shared"], found["identical"]) == (pytest.approx(pair["shared"], abs=1), pair["identical"]), (
                pair
            )
        assert pair["rank"] in {None, found["rank"]}, pair

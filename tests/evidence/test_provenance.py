"""The suspect is a model: z among clean controls, its calibration, and what is refused."""

from __future__ import annotations

import math

import numpy as np
import overproof as op
import pytest
from overproof.errors import InputError
from overproof.evidence import (
    Model,
    answer_similarity,
    calibrate,
    cllr,
    known_pairs,
    leave_family_out,
    log_contrast,
    provenance_lr,
    tippett,
    vendor_provenance,
)
from overproof.evidence.answers import STATISTICS

WORDS = [f"w{i}" for i in range(400)]


def answer(rng: np.random.Generator, styles: dict[str, np.ndarray], mix: dict[str, float], n: int = 40) -> str:
    """Words drawn from a mixture of styles."""
    weights = sum(share * styles[name] for name, share in mix.items())
    return " ".join(rng.choice(WORDS, size=n, p=weights))


def made(
    seed: int = 0, controls: int = 24, prompts: int = 40, taught: float = 0.8
) -> tuple[dict[str, list[str | None]], list[Model]]:
    """Two vendors of own styles, clean controls, and a suspect that a share of vendor x's style went into."""
    rng = np.random.default_rng(seed)
    names = ["x", "y", *(f"c{i}" for i in range(controls)), "base"]
    styles = {name: rng.dirichlet(np.full(len(WORDS), 0.3)) for name in names}
    mixes: dict[str, dict[str, float]] = {"teacher-x": {"x": 1}, "teacher-y": {"y": 1}}
    mixes |= {f"c{i}": {f"c{i}": 0.5, "base": 0.5} for i in range(controls)}
    mixes["student"] = {"x": taught, "base": 1 - taught}
    answers: dict[str, list[str | None]] = {
        name: [answer(rng, styles, mix) for _ in range(prompts)] for name, mix in mixes.items()
    }
    models = [Model(name=f"teacher-{v}", role="teacher", vendor=v) for v in "xy"]
    models += [Model(name=f"c{i}", role="reference", family=f"f{i // 2}") for i in range(controls)]
    return answers, [*models, Model(name="student", role="suspect")]


def test_a_student_stands_out_and_names_its_vendor() -> None:
    answers, models = made()
    found = {one.vendor: one for one in vendor_provenance(answer_similarity(answers), models, suspect="student")}
    assert found["x"].verdict.startswith("suspected")
    assert found["x"].n == 24
    assert found["x"].floor == pytest.approx(1 / 25)
    assert found["x"].pvalue < 1e-4 < found["x"].rank_pvalue == pytest.approx(1 / 25)
    assert found["y"].verdict == "nothing shown: z is below 6; this clears nobody"
    assert math.isnan(found["x"].likelihood_ratio)  # no related references
    assert found["x"].to_dict()["likelihood_ratio"] is None


def test_order_of_models_and_prompts_changes_nothing() -> None:
    answers, models = made(1)
    first = vendor_provenance(answer_similarity(answers), models, suspect="student")
    turned = {name: column[::-1] for name, column in reversed(answers.items())}
    again = vendor_provenance(answer_similarity(turned), models[::-1], suspect="student")
    for one, other in zip(first, again, strict=True):
        assert one.statistic == pytest.approx(other.statistic, rel=1e-9)
        assert set(one.controls) == set(other.controls)


def test_pvalues_are_uniform_where_the_suspect_is_one_more_control() -> None:
    rng = np.random.default_rng(0)
    found = [
        provenance_lr(draw[0], draw[1:], prompts=50, ngrams=50).pvalue for draw in rng.normal(size=(1000, 26)) * 0.3
    ]
    for level in (0.05, 0.01):
        assert np.mean(np.array(found) <= level) == pytest.approx(level, abs=4 * math.sqrt(level / 1000))


def test_interval_covers_the_true_z() -> None:
    rng = np.random.default_rng(1)
    covered = 0
    for _ in range(300):
        low, high = provenance_lr(4.0, rng.normal(size=24), prompts=50, ngrams=50).interval
        covered += low <= 4.0 <= high
    assert covered >= 0.92 * 300


@pytest.mark.parametrize(
    ("controls", "prompts", "ngrams", "words"),
    [
        (19, 25, 20, "19 clean controls, fewer than 20"),
        (20, 24, 20, "24 shared prompts, fewer than 25"),
        (20, 25, 19.5, "19.5 n-grams in the median answer, fewer than 20"),
        (20, 25, math.nan, "0 n-grams in the median answer"),
        (0, 3, 5, "0 clean controls, fewer than 20; 3 shared prompts, fewer than 25; 5 n-grams"),
    ],
)
def test_too_little_gives_no_verdict_and_says_why(controls: int, prompts: int, ngrams: float, words: str) -> None:
    learnt = calibrate([5, 4, 0, 1], [1, 1, 0, 0], list("abcd"))
    found = provenance_lr(9.0, np.linspace(0, 1, controls), prompts=prompts, ngrams=ngrams, references=learnt)
    assert found.verdict.startswith("no verdict: ")
    assert words in found.verdict
    assert math.isnan(found.pvalue)
    assert math.isnan(found.rank_pvalue)
    assert math.isnan(found.likelihood_ratio)
    enough = provenance_lr(9.0, np.linspace(0, 1, 20), prompts=25, ngrams=20, references=learnt)
    assert enough.verdict.startswith("suspected")
    assert enough.likelihood_ratio == pytest.approx(3.0)


def test_controls_without_spread_and_suspects_without_overlap_give_no_verdict() -> None:
    assert provenance_lr(1.0, [0.5] * 20, prompts=50, ngrams=50).verdict == "no verdict: controls do not vary"
    found = provenance_lr(math.nan, np.linspace(0, 1, 20), prompts=50, ngrams=50)
    assert found.verdict.startswith("no verdict: no log-contrast")
    answers, models = made(6)
    itself = {one.vendor: one for one in vendor_provenance(answer_similarity(answers), models, suspect="teacher-x")}
    assert itself["x"].verdict.startswith("no verdict: no log-contrast")
    assert itself["x"].n == 24
    assert math.isnan(itself["y"].contrast)


@pytest.mark.parametrize("statistic", sorted(set(STATISTICS) - {"minhash-word-1"}))
def test_similarity_is_what_its_formula_says(statistic: str) -> None:
    kind = STATISTICS[statistic]
    answers = {
        "a": ["the cat sat on the mat", "one two three four", None],
        "b": ["a cat sat on a mat", "", "five six seven"],
        "c": ["The cat sat on the floor", "one two three", "five six seven"],
    }
    prompts = ["where sat the", "", "five"]
    found = answer_similarity(answers, prompts=prompts, statistic=statistic)
    shingler = op.Shingler(kind.n, analyzer=kind.analyzer)

    def grams(text: str | None) -> set[int]:
        return set() if text is None else set(shingler.transform([text]).hashes.tolist())

    for i, a in enumerate(answers):
        for j, b in enumerate(answers):
            scores = []
            for row, prompt in enumerate(prompts):
                of = {name: grams(column[row]) - grams(prompt) for name, column in answers.items()}
                if a == b or not of[a] or not of[b]:
                    continue
                df = {g: sum(g in s for s in of.values()) for g in of[a] & of[b]}
                over = sum(1 / (df[g] - 1) if kind.weighted else 1 for g in df)
                scores.append(over / len(of[a] | of[b]))
            assert found.similarity[i, j] == pytest.approx(np.mean(scores) if scores else np.nan, nan_ok=True)


def test_minhash_estimates_the_jaccard_of_words() -> None:
    answers, _ = made(2, controls=3)
    exact, sketched = (answer_similarity(answers, statistic=s) for s in ("word-1", "minhash-word-1"))
    here = ~np.isnan(exact.similarity)
    np.testing.assert_allclose(sketched.similarity[here], exact.similarity[here], atol=0.03)
    assert (sketched.prompts == exact.prompts).all()


def test_clean_means_neither_taught_nor_built_on_nor_kin() -> None:
    answers, models = made(3)
    stained = [
        Model(name="c0", role="reference", taught_by=("x",)),
        Model(name="c1", role="reference", vendor="x"),
        Model(name="c2", role="reference", family="kin"),
    ]
    models = [*models[:2], *stained, *models[5:-1], Model(name="student", role="suspect", family="kin")]
    found = {one.vendor: one for one in vendor_provenance(answer_similarity(answers), models, suspect="student")}
    assert found["x"].n == 21
    assert found["y"].n == 23
    pairs = known_pairs(answer_similarity(answers), models, least_controls=2)
    of = dict(zip(zip(pairs.names, pairs.vendors, strict=True), pairs.related.tolist(), strict=True))
    assert of["c0", "x"] is True
    assert of["c0", "y"] is False
    assert ("c1", "x") not in of
    assert len(of) == 2 * 24 - 1
    assert set(known_pairs(answer_similarity(answers), models, least_controls=24).vendors) == {"y"}
    assert not len(known_pairs(answer_similarity(answers), models, least_controls=25).z)


def test_ratios_are_calibrated_capped_and_never_backwards() -> None:
    rng = np.random.default_rng(2)
    z = np.concatenate([rng.normal(2, 1, 300), rng.normal(0, 1, 300)])
    related, families = np.arange(600) < 300, np.arange(600) // 3
    ratios = leave_family_out(z, related, families)
    assert np.ptp(np.log(ratios)) > 5
    true = np.exp(2 * z - 2)  # of two normals
    assert np.median(np.abs(np.log(ratios / true))) < 0.4
    assert cllr(ratios, related) < cllr(np.ones(600), related) == 1.0
    assert ratios.max() == pytest.approx(101)
    assert calibrate(-z, related, families).likelihood_ratio([50, -50]).tolist() == [1.0, 1.0]
    apart = calibrate([9, 8, 7, 0, 1, 2], [1, 1, 1, 0, 0, 0], list("abcdef"))
    assert math.isfinite(apart.slope)
    assert apart.likelihood_ratio([100, -100]).tolist() == [pytest.approx(4), pytest.approx(0.25)]
    points = tippett(ratios, related)
    assert points["related"][0] == points["unrelated"][0] == 1.0
    at = np.searchsorted(points["log10_lr"], 0.0)
    assert points["related"][at] == pytest.approx(np.mean(ratios[related] >= 1))


def test_a_suspect_gets_the_ratio_of_references_outside_its_family() -> None:
    answers, models = made(4, controls=26)
    more, _ = made(4, controls=26, taught=0.5)
    answers |= {
        f"s{i}": [
            a if row % 3 else b for row, (a, b) in enumerate(zip(answers["student"], more["student"], strict=True))
        ]
        for i in range(2)
    }
    models += [Model(name=f"s{i}", role="reference", family=f"t{i}", taught_by=("x",)) for i in range(2)]
    found = {one.vendor: one for one in vendor_provenance(answer_similarity(answers), models, suspect="student")}
    assert found["x"].likelihood_ratio > 3
    assert found["y"].likelihood_ratio < 1
    assert found["x"].ratio_range == (pytest.approx(1 / 3), 16.0)


def test_wrong_arguments() -> None:
    answers, models = made(5, controls=2)
    found = answer_similarity(answers)
    for bad, words in (
        ([Model(name="teacher-x", role="teacher")], "needs a vendor"),
        ([Model(name="c0", role="judge")], "role 'judge' is unknown"),
        ([models[0], models[0]], "is there twice"),
        ([models[0], models[2]], "teachers of one vendor only"),
        ([*models, Model(name="nobody", role="reference")], "'nobody' has no answers here"),
    ):
        with pytest.raises(InputError, match=words):
            vendor_provenance(found, bad, suspect="student")
    with pytest.raises(InputError, match="'nobody' is not among the models"):
        vendor_provenance(found, models, suspect="nobody")
    with pytest.raises(InputError, match="statistic='word-9' is unknown"):
        answer_similarity(answers, statistic="word-9")
    with pytest.raises(InputError, match="b has 2 texts and a has 1"):
        answer_similarity({"a": ["x"], "b": ["x", "y"]})
    with pytest.raises(InputError, match="holds 1 models"):
        answer_similarity({"a": ["x"]})
    with pytest.raises(InputError, match="one column for each"):
        log_contrast([[1.0, 2.0]], ["x"])
    with pytest.raises(InputError, match="two of each"):
        calibrate([1, 2, 3], [1, 1, 0], list("abc"))
    with pytest.raises(InputError, match="above 0"):
        cllr([0, 1], [1, 0])
    with pytest.raises(InputError, match="both kinds"):
        cllr([1, 1], [1, 1])


def test_the_plot_holds_both_curves() -> None:
    pytest.importorskip("markupsafe")
    from overproof.report.tippett import tippett as plot

    svg = plot(tippett([8, 2, 0.5, 0.2, 3], [1, 1, 1, 0, 0]))
    assert svg.count('class="curve s0"') == svg.count('class="curve s1"') == 2
    assert "nan" not in svg

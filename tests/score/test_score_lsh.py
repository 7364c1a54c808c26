"""Bands and rows: the reference's choice, and the S-curve in truth."""

import math

import numpy as np
import overproof as op
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from overproof import reference as ref


@settings(max_examples=60)
@given(st.floats(0.15, 1), st.integers(1, 256), st.floats(0.5, 0.999))
def test_parameters_equal_the_reference(threshold, num_perm, recall):
    try:
        want = ref.lsh_params(threshold, num_perm, recall=recall)
    except op.InputError:
        with pytest.raises(op.InputError, match="the best reachable is"):
            op.lsh_params(threshold, num_perm, recall=recall)
        return
    got = op.lsh_params(threshold, num_perm, recall=recall)
    assert (got.bands, got.rows) == want
    assert (got.threshold, got.recall, got.num_perm) == (threshold, recall, num_perm)
    assert got.collision_probability(threshold) >= recall
    curve = np.linspace(0, 1, 11)
    assert got.collision_probability(curve).tolist() == [ref.collision_probability(float(s), *want) for s in curve]


def test_threshold_one_asks_for_whole_rows():
    chosen = op.lsh_params(1, 128, recall=0.99)
    assert (chosen.bands, chosen.rows) == (1, 128)
    assert chosen.collision_probability(1.0) == 1


def test_an_unreachable_recall_says_what_is_reachable():
    best = ref.collision_probability(0.02, 64, 1)
    with pytest.raises(op.InputError, match=f"best reachable is {best:.6f}"):
        op.lsh_params(0.02, 64)
    assert op.lsh_params(0.02, 64, recall=math.floor(best * 100) / 100).rows == 1


@pytest.mark.parametrize(
    ("threshold", "num_perm", "recall", "message"),
    [
        (0.0, 128, 0.95, "threshold=0"),
        (1.1, 128, 0.95, "threshold=1.1"),
        (math.nan, 128, 0.95, "threshold=NaN"),
        (0.5, 0, 0.95, "num_perm=0"),
        (0.5, 70_000, 0.95, "num_perm=70000"),
        (0.5, 128, 1.0, "recall=1"),
        (0.5, 128, 0.0, "recall=0"),
    ],
)
def test_bad_arguments_are_named(threshold, num_perm, recall, message):
    with pytest.raises(op.InputError, match=message):
        op.lsh_params(threshold, num_perm, recall=recall)


def test_similarity_is_checked():
    chosen = op.lsh_params(0.5, 16, recall=0.5)
    assert chosen.collision_probability(np.zeros((2, 3))).shape == (2, 3)
    with pytest.raises(op.InputError, match="from 0 to 1"):
        chosen.collision_probability(1.5)

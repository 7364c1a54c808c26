"""N-grams of numbers only: the sets of the texts say where to look, and what is found does not depend on it."""

import pickle

import numpy as np
import overproof as op
import pytest
from overproof import _core
from overproof.shingle import sets_marking_numbers

TEXTS = [
    "1 2 3 4 5 6",
    "a 11 12 13 14 15 b",
    "1. one\n2. two\n3. three",
    "7 8",
    "words alone, and no number",
    None,
    "５ ６ ７ ８ ９",
]


def test_sets_say_where_to_look():
    shingler = op.Shingler(5, lists="both")
    plain, sets = shingler.transform(TEXTS, missing="keep"), sets_marking_numbers(TEXTS, shingler, 1)
    np.testing.assert_array_equal(sets.hashes, plain.hashes)
    found = _core.number_shingles(TEXTS, shingler.params, 1)
    assert len(found) == 5  # two windows of the first text, one of the second and of the last, and a short text
    for made in (plain, sets, sets.take(range(len(TEXTS))), pickle.loads(pickle.dumps(sets))):
        np.testing.assert_array_equal(_core.number_shingles(TEXTS, shingler.params, 1, made), found)
    assert len(_core.number_shingles(TEXTS[2:5], shingler.params, 1, sets[2:5])) == 1


def test_sets_of_something_else_are_refused():
    shingler, other = op.Shingler(5, lists="both"), op.Shingler(4, lists="both")
    for sets in (shingler.transform(TEXTS, missing="keep"), sets_marking_numbers(TEXTS, shingler, 1)):
        with pytest.raises(op.InputError, match="same parameters"):
            _core.number_shingles(TEXTS, other.params, 1, sets)
        with pytest.raises(op.InputError, match="one set for each text"):
            _core.number_shingles(TEXTS[1:], shingler.params, 1, sets)

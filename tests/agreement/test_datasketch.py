"""The three datasketch schemes, bit for bit those of the pinned package."""

import numpy as np
import overproof as op
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

datasketch = pytest.importorskip("datasketch", reason="pip install datasketch==2.0.0 to compare with it")
SCHEMES = ["affine32", "affine64", "legacy"]
rows = st.lists(st.lists(st.one_of(st.binary(max_size=20), st.text(max_size=8)), max_size=8), max_size=4)


def theirs(batch, **how):
    encoded = [[t.encode() if isinstance(t, str) else t for t in row] for row in batch]
    return datasketch.MinHash.bulk(encoded, **how)


def test_the_package_is_the_pinned_one():
    from importlib.metadata import version

    assert version("datasketch") == "2.0.0"


@pytest.mark.parametrize("scheme", SCHEMES)
@settings(max_examples=25)
@given(rows, st.sampled_from([1, 8, 128, 200]), st.sampled_from([0, 1, 42, 2**32 - 1]))
def test_values(scheme, batch, num_perm, seed):
    made = op.MinHash(num_perm, scheme=f"datasketch-{scheme}", seed=seed).sketch(batch)
    expected = theirs(batch, num_perm=num_perm, seed=seed, scheme=scheme)
    values = np.asarray(made)
    assert values.shape == (len(batch), num_perm)
    for ours, their, empty, tokens in zip(values, expected, made.empty, batch, strict=True):
        assert ours.dtype == their.hashvalues.dtype
        assert np.array_equal(ours, their.hashvalues)
        assert empty == (not tokens)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_unions_and_long_rows(scheme):
    batch = [[f"token {i} {j}" for j in range(1500)] for i in range(3)]
    made = op.MinHash(64, scheme=f"datasketch-{scheme}").sketch(batch)
    expected = theirs(batch, num_perm=64, seed=1, scheme=scheme)
    assert np.array_equal(np.asarray(made), [their.hashvalues for their in expected])
    union = made.reduce([0, 0, 0])[1]
    assert np.array_equal(np.asarray(union)[0], datasketch.MinHash.union(*expected).hashvalues)

"""The three datasketch schemes: bit for bit the published packages, and to their objects and back."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import overproof as op
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

GOLDEN = json.loads((Path(__file__).resolve().parents[1] / "golden" / "datasketch.json").read_text(encoding="ascii"))
GOLDEN_ROWS = [*GOLDEN["rows"], [f"token {i}" for i in range(GOLDEN["tokens_of_last_row"])]]
CASES = [(version, *name.split(), name) for version in ("1.10.0", "2.0.0") for name in GOLDEN[version]]
SCHEMES = ["affine32", "affine64", "legacy"]
LEGACY = {"scheme": "datasketch-legacy"}
HASHED = [
    *((scheme, "sha1") for scheme in SCHEMES),
    *(("affine32", "xxh32"), ("legacy", "xxh32"), ("affine64", "xxh64"), ("affine64", "xxh3_64")),
]
rows = st.lists(st.lists(st.one_of(st.binary(max_size=20), st.text(max_size=8)), max_size=8), max_size=4)
sizes, seeds = st.sampled_from([1, 8, 128, 200]), st.sampled_from([0, 1, 42, 2**32 - 1])


@pytest.fixture(scope="module")
def datasketch():
    return pytest.importorskip("datasketch", reason="pip install datasketch==2.0.0 to compare with it")


def hash_function(name):
    """A hash by its short name; None is SHA-1, which is the default here as there."""
    if name == "sha1":
        return None
    xxhash = pytest.importorskip("xxhash", reason="pip install xxhash to compare hashes of it")
    return getattr(xxhash, f"{name}_intdigest")


def encoded(batch):
    return [[t.encode() if isinstance(t, str) else t for t in row] for row in batch]


@pytest.mark.parametrize(("version", "scheme", "name", "seed", "key"), CASES, ids=[f"{c[0]} {c[-1]}" for c in CASES])
def test_recorded_signatures(version, scheme, name, seed, key):
    """What tools/gen_datasketch.py recorded of 1.10.0 and 2.0.0."""
    how = {"scheme": f"datasketch-{scheme}", "seed": int(seed), "hashfunc": hash_function(name)}
    made = op.MinHash(GOLDEN["num_perm"], **how).sketch(GOLDEN_ROWS)
    assert np.asarray(made).tolist() == GOLDEN[version][key]


def test_legacy_did_not_change_between_the_versions():
    assert GOLDEN["1.10.0"].items() <= GOLDEN["2.0.0"].items()
    assert {key.split()[0] for key in GOLDEN["2.0.0"]} == set(SCHEMES)


def test_the_package_is_the_pinned_one(datasketch):
    from importlib.metadata import version

    assert version("datasketch") == "2.0.0"


def same(made, batch, expected):
    values = np.asarray(made)
    assert len(values) == len(batch) == len(expected)
    for ours, theirs, empty, tokens in zip(values, expected, made.empty, batch, strict=True):
        assert ours.dtype == theirs.hashvalues.dtype
        assert np.array_equal(ours, theirs.hashvalues)
        assert empty == theirs.is_empty() == (not tokens)


@pytest.mark.parametrize("how", HASHED, ids=" ".join)
@settings(max_examples=25)
@given(batch=rows, num_perm=sizes, seed=seeds)
def test_values(datasketch, how, batch, num_perm, seed):
    scheme, name = how
    options = {"num_perm": num_perm, "seed": seed, "hashfunc": hash_function(name)}
    made = op.MinHash(scheme=f"datasketch-{scheme}", **options).sketch(batch)
    same(made, batch, datasketch.MinHash.bulk(encoded(batch), scheme=scheme, **options))


@pytest.mark.parametrize("scheme", SCHEMES)
def test_unions_and_long_rows(datasketch, scheme):
    batch = [[f"token {i} {j}" for j in range(1500)] for i in range(3)]
    made = op.MinHash(64, scheme=f"datasketch-{scheme}").sketch(batch)
    expected = datasketch.MinHash.bulk(encoded(batch), num_perm=64, seed=1, scheme=scheme)
    assert np.array_equal(np.asarray(made), [their.hashvalues for their in expected])
    union = made.reduce([0, 0, 0])[1]
    assert np.array_equal(np.asarray(union)[0], datasketch.MinHash.union(*expected).hashvalues)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_to_their_objects_and_back(datasketch, scheme):
    """The recipe of docs/recipes.md: both sides estimate the same, and either takes up what the other began."""
    minhash = op.MinHash(64, scheme=f"datasketch-{scheme}")
    batch = [[f"t{i}" for i in range(100)], [f"t{i}" for i in range(50, 150)], []]
    sketches = minhash.sketch(batch)
    theirs = [datasketch.MinHash(hashvalues=row, seed=1, scheme=scheme) for row in np.asarray(sketches)]
    back = minhash.from_values([m.hashvalues for m in theirs])
    assert back.to_bytes() == sketches.to_bytes()
    assert back.empty.tolist() == [False, False, True]
    assert op.jaccard(back[:1], back[1:2])[0] == theirs[0].jaccard(theirs[1])
    theirs[0].update(b"one more")
    more = minhash.sketch([[*batch[0], "one more"]])
    assert np.array_equal(np.asarray(more)[0], theirs[0].hashvalues)
    assert op.jaccard(more, minhash.from_values([theirs[0].hashvalues])) == 1.0


def test_the_recipe_of_their_default(datasketch):
    """As docs/recipes.md has it: what datasketch 2 makes unless told otherwise is affine32 of 32 bits."""
    theirs = datasketch.MinHash.bulk([[b"tokens", b"as", b"they", b"were", b"hashed"]], num_perm=128)
    minhash = op.MinHash(128, scheme="datasketch-affine32")
    ours = minhash.from_values(theirs)
    assert ours.to_bytes() == minhash.sketch([["tokens", "as", "they", "were", "hashed"]]).to_bytes()
    assert np.asarray(ours).dtype == theirs[0].hashvalues.dtype == np.uint32
    back = [datasketch.MinHash(hashvalues=row, seed=1, scheme="affine32") for row in np.asarray(ours)]
    assert back == theirs


@pytest.mark.parametrize("how", HASHED, ids=" ".join)
def test_their_objects(datasketch, how):
    scheme, name = how
    options = {"num_perm": 16, "seed": 7, "hashfunc": hash_function(name)}
    minhash = op.MinHash(scheme=f"datasketch-{scheme}", **options)
    theirs = datasketch.MinHash.bulk([[b"a", b"b"], []], scheme=scheme, **options)
    made = minhash.sketch([["a", "b"], []])
    for objects in (theirs, tuple(theirs), np.array(theirs, object), [datasketch.LeanMinHash(m) for m in theirs]):
        assert minhash.from_values(objects).to_bytes() == made.to_bytes()


def test_objects_from_before_they_named_a_scheme():
    old = SimpleNamespace(hashvalues=np.arange(4, dtype=np.uint64), seed=1)
    made = op.MinHash(4, **LEGACY).from_values([old])
    assert np.asarray(made).tolist() == [[0, 1, 2, 3]]
    with pytest.raises(op.IncompatibleError, match="scheme='datasketch-legacy'"):
        op.MinHash(4, scheme="datasketch-affine32").from_values([old])


def test_objects_made_otherwise_are_refused(datasketch):
    first = datasketch.MinHash(16)
    taker = op.MinHash(16, scheme="datasketch-affine32")
    for other, says in [
        (datasketch.MinHash(8), "row 1 was made with num_perm=8, .* this MinHash has num_perm=16"),
        (datasketch.MinHash(16, seed=2), "seed=2; .* seed=1: give op.MinHash what the objects were made with"),
        (datasketch.MinHash(16, scheme="legacy"), "scheme='datasketch-legacy', .* scheme='datasketch-affine32'"),
        (datasketch.MinHash(16, hashfunc=narrow_hash), "row 1 names the hashfunc narrow_hash, this MinHash sha1"),
    ]:
        with pytest.raises(op.IncompatibleError, match=says):
            taker.from_values([first, other])
    with pytest.raises(op.IncompatibleError, match="names the hashfunc sha1_hash32, this MinHash named:"):
        op.MinHash(16, scheme="datasketch-affine32", hashfunc=narrow_hash).from_values([first])
    with pytest.raises(op.IncompatibleError, match="scheme='affine32-op1'"):
        op.MinHash(16).from_values([first])
    weighted = datasketch.WeightedMinHashGenerator(2, 16).minhash([1, 2])
    for other in (datasketch.bBitMinHash(first), weighted, "x", None):
        with pytest.raises(
            op.InputError, match=f"row 1 is of type {type(other).__name__}; give MinHash or LeanMinHash"
        ):
            taker.from_values([first, other])
    with pytest.raises(op.InputError, match="give one of them a row"):
        taker.from_values(first)


def wide_hash(token: bytes) -> int:
    return 2**32 + len(token)


def negative_hash(token: bytes) -> int:
    return -1


def fraction_hash(token: bytes) -> float:
    return 0.5


def narrow_hash(token: bytes) -> int:
    return len(token)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: op.MinHash(hashfunc=narrow_hash), "for the datasketch schemes only"),
        (lambda: op.MinHash(hashfunc="xxh32", **LEGACY), "hashfunc='xxh32': a function of bytes"),
        (lambda: op.MinHash(hashfunc=lambda token: 0, **LEGACY), "a callable hashfunc needs a name"),
        (lambda: op.MinHash(hashfunc=wide_hash, **LEGACY).sketch([["a"]]), "4294967297; datasketch-legacy takes .* 32"),
        (lambda: op.MinHash(hashfunc=negative_hash, **LEGACY).sketch([["a"]]), "integers from 0 to 2\\*\\*32-1"),
        (lambda: op.MinHash(hashfunc=fraction_hash, **LEGACY).sketch([["a"]]), "hashfunc must return integers"),
        (lambda: op.MinHash(4, **LEGACY).from_values([[1, 2, 3]]), r"shape \(1, 3\); give n rows of 4"),
        (lambda: op.MinHash(2, **LEGACY).from_values([[1, 2], [3, 2**32]]), "4294967296 in row 1 is above 4294967295"),
        (lambda: op.MinHash(2).from_values([[1, -1]]), "-1 at 1 is negative"),
        (lambda: op.MinHash(1).from_values([[0.5]]), "array of integers"),
    ],
)
def test_what_cannot_be_is_refused(call, says):
    with pytest.raises(op.InputError, match=says):
        call()


def test_sketches_of_different_hashes_do_not_compare():
    """datasketch itself compares them, to about 0."""
    one, other = (op.MinHash(8, hashfunc=f, **LEGACY) for f in (None, narrow_hash))
    assert "hash=sha1;" in str(one.params.hashes)
    assert "hash=named:" in str(other.params.hashes)
    with pytest.raises(op.IncompatibleError, match="hash"):
        op.jaccard(one.sketch([["a"]]), other.sketch([["a"]]))


@pytest.mark.parametrize("scheme", ["affine32-op1", "oph", *(f"datasketch-{scheme}" for scheme in SCHEMES)])
def test_values_that_were_kept(scheme):
    words = scheme.startswith("datasketch")
    texts = ["a text of some words to be kept", "", "another one"]
    made = op.MinHash(16, scheme=scheme).sketch([text.split() for text in texts] if words else texts)
    again = op.MinHash(16, scheme=scheme).from_values(np.asarray(made))
    assert again.to_bytes() == made.to_bytes()
    assert len(op.MinHash(16, scheme=scheme).from_values(np.asarray(made[:0]))) == 0
    assert len(op.MinHash(16, scheme=scheme).from_values([])) == 0


@pytest.mark.parametrize("scheme", ["affine32-op1", "datasketch-affine64"])
def test_columns_in_which_values_were_kept(scheme):
    pa = pytest.importorskip("pyarrow")
    texts = [[f"t{i}"] for i in range(6)] if scheme.startswith("datasketch") else [f"t{i}" for i in range(6)]
    minhash = op.MinHash(8, scheme=scheme)
    made = minhash.sketch(texts)
    column = pa.FixedSizeListArray.from_arrays(np.asarray(made).ravel(), 8)
    chunks = pa.chunked_array([column[:2], column[:0], column[2:]])
    twice = pa.concat_arrays([column, column])
    frame = pa.table({f"v{i}": np.asarray(made)[:, i] for i in range(8)})
    for kept in (column, chunks, twice[6:], twice[3:9].take(pa.array([3, 4, 5, 0, 1, 2])), frame):
        assert minhash.from_values(kept).to_bytes() == made.to_bytes()
    assert minhash.from_values(column[2:4]).to_bytes() == made[2:4].to_bytes()
    assert len(minhash.from_values(column[:0])) == len(minhash.from_values(pa.chunked_array([], column.type))) == 0
    polars = pytest.importorskip("polars")
    assert minhash.from_values(polars.DataFrame({"kept": np.asarray(made)})["kept"]).to_bytes() == made.to_bytes()


def test_columns_of_integers_that_fit():
    pa = pytest.importorskip("pyarrow")
    for kind in (pa.uint32(), pa.uint64(), pa.int64()):
        made = op.MinHash(2).from_values(pa.array([[1, 2], [3, 4]], pa.list_(kind, 2)))
        assert np.asarray(made).tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize(
    ("kind", "rows", "says"),
    [
        (("uint32", 2), [[1, 2], None], "row 3 is null"),
        (("uint32", 2), [[1, 2], [3, None]], "row 3 is null or holds a null; drop it"),
        (("uint32", 3), [[1, 2, 3]], r"Arrow column of FixedSizeList\(3 x .*UInt32\); cast it to fixed_size_list of 2"),
        (("uint32", -1), [[1, 2]], r"Arrow column of List\(.*UInt32\); cast it to fixed_size_list of 2"),
        (("int64", 2), [[1, -2]], "value -2 at 1 is negative"),
        (("float32", 2), [[1, 2]], "holds Float32; cast it to uint32, uint64 or int64"),
    ],
)
def test_columns_that_cannot_be_are_refused(kind, rows, says):
    pa = pytest.importorskip("pyarrow")
    kind = pa.list_(getattr(pa, kind[0])(), kind[1])
    chunks = [pa.array(rows, kind)] if rows[0] != [1, 2] else [pa.array([[5, 6], [7, 8]], kind), pa.array(rows, kind)]
    with pytest.raises(op.InputError, match=f"values.* {says}"):
        op.MinHash(2).from_values(pa.chunked_array(chunks))

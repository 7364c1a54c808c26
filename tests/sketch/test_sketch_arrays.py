"""Laws of unions, rows, views, flags, refusals, files and pickles."""

import copy
import hashlib
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import overproof as op
import pytest
from hypothesis import given
from hypothesis import strategies as st

WORDS = op.Shingler(1)
MAKERS = {
    "affine32-op1": op.MinHash(16, shingler=WORDS),
    "oph": op.MinHash(16, shingler=WORDS, scheme="oph"),
    "simhash": op.SimHash(128, shingler=WORDS),
    "fracminhash": op.FracMinHash(2, shingler=WORDS),
}
MERGEABLE = [name for name in MAKERS if name != "simhash"]
GOLDEN = Path(__file__).resolve().parents[1] / "golden"
word_lists = st.lists(st.lists(st.sampled_from("abcdefghijklmnop"), max_size=8), min_size=1, max_size=6)


def sketch(name, rows):
    return MAKERS[name].sketch([" ".join(row) for row in rows])


def content(sketches):
    """What a sketch says, without the sizes that a union forgets."""
    if isinstance(sketches, op.SketchArray):
        return np.asarray(sketches).tolist(), sketches.empty.tolist(), sketches.missing.tolist(), sketches.params
    rows = [sketches[i].tolist() for i in range(len(sketches))]
    return rows, sketches.empty.tolist(), sketches.missing.tolist(), sketches.params


@pytest.mark.parametrize("name", MERGEABLE)
@given(word_lists, st.data())
def test_a_union_of_sketches_is_the_sketch_of_the_union(name, rows, data):
    others = data.draw(st.lists(st.lists(st.sampled_from("klmnopqrst")), min_size=len(rows), max_size=len(rows)))
    a, b = sketch(name, rows), sketch(name, others)
    both = sketch(name, [x + y for x, y in zip(rows, others, strict=True)])
    assert content(a | b) == content(b | a) == content(both)
    assert content(a | a) == content(a)
    groups = data.draw(st.lists(st.integers(-2, 2), min_size=len(rows), max_size=len(rows)))
    found, reduced = a.reduce(groups)
    joined = [
        [word for row, g in zip(rows, groups, strict=True) if g == group for word in row]
        for group in sorted(set(groups))
    ]
    assert (found.dtype, found.tolist()) == (np.int64, sorted(set(groups)))
    assert content(reduced) == content(sketch(name, joined))


@pytest.mark.parametrize("name", MAKERS)
@given(word_lists, st.randoms(use_true_random=False))
def test_rows_follow_their_texts(name, rows, random):
    sketches = sketch(name, rows)
    order = random.sample(range(len(rows)), len(rows))
    assert sketches.take(order).to_bytes() == sketch(name, [rows[i] for i in order]).to_bytes()
    assert sketches[1:].to_bytes() == sketch(name, rows[1:]).to_bytes()
    assert sketches[::-2].to_bytes() == sketch(name, rows[::-2]).to_bytes()
    assert type(sketches).concat([sketches[:1], sketches[1:]]).to_bytes() == sketches.to_bytes()
    assert np.array_equal(sketches[-1], sketches[len(rows) - 1])
    for outside in (len(rows), -len(rows) - 1):
        with pytest.raises(IndexError):
            sketches[outside]
    for outside in (len(rows), -1):
        with pytest.raises(op.InputError, match=f"row {outside} is outside the {len(rows)} rows"):
            sketches.take([outside])


CONTAINERS = {
    **{name: lambda texts, name=name: MAKERS[name].sketch(texts) for name in MAKERS},
    "sets": WORDS.transform,
    "column": lambda texts: op.Corpus(texts).texts,
}


@pytest.mark.parametrize("name", CONTAINERS)
@given(st.lists(st.booleans(), max_size=6))
def test_a_mask_takes_its_rows(name, mask):
    rows = CONTAINERS[name]([f"text {i}" for i in range(len(mask))])
    wanted = rows.take(np.flatnonzero(mask))
    spread = np.repeat(np.array(mask, bool), 2)[::2]
    for given_ in (mask, np.array(mask, bool), spread):
        assert pickle.dumps(rows.take(given_)) == pickle.dumps(wanted)


@pytest.mark.parametrize("name", CONTAINERS)
def test_what_names_no_rows_is_refused(name):
    rows = CONTAINERS[name](["a b", "c", "d e"])
    for index in ([1, 2], np.array([True, False, True]), (0, 1), 1.0, "a", None):
        with pytest.raises(TypeError, match=rf"not indexed by {type(index).__name__}: .* call take\(\.\.\.\)"):
            rows[index]
    with pytest.raises(OverflowError):
        rows[2**70]
    assert np.array_equal(rows[np.int32(1)], rows[1])
    for mask, says in [
        ([True], "the mask has 1 values for 3 rows"),
        (np.ones(4, bool), "the mask has 4 values for 3 rows"),
        (np.ones((3, 1), bool), "a mask has one dimension, not 2"),
        ([0.5], "one-dimensional array of integers"),
    ]:
        with pytest.raises(op.InputError, match=f"(rows|indices).*{says}"):
            rows.take(mask)


@pytest.mark.parametrize("name", ["affine32-op1", "oph", "simhash"])
def test_the_shape_is_that_of_the_view(name):
    for batch in (["a b", "c"], []):
        made = MAKERS[name].sketch(batch)
        assert made.shape == np.asarray(made).shape


def test_equal_content_is_asked_for_as_the_docstring_says():
    a, b, other = (op.MinHash(16, seed=seed).sketch(["a b", ""]) for seed in (1, 1, 2))
    assert a != b
    assert np.array_equal(a, b)
    assert a.params == b.params != other.params
    assert "np.array_equal(a, b) and a.params == b.params" in op.SketchArray.__doc__


@pytest.mark.parametrize("name", MAKERS)
def test_empty_and_missing_rows_are_flagged(name):
    sketches = MAKERS[name].sketch(["a b", "", None, "--", "b"], missing="keep")
    assert sketches.empty.tolist() == [False, True, True, True, False]
    assert sketches.missing.tolist() == [False, False, True, False, False]
    with pytest.raises(op.InputError, match="row 2 is null"):
        MAKERS[name].sketch(["a b", "", None])
    assert len(MAKERS[name].sketch([])) == 0
    if name in MERGEABLE:
        assert (sketches | sketches[::-1]).empty.tolist() == [False, True, True, True, False]
        assert sketches.reduce([0, 1, 2, 1, 0])[1].missing.tolist() == [False, False, True]


def test_an_array_is_a_view():
    sketches = op.MinHash(8).sketch(["a b c d e f", "g"])
    values = np.asarray(sketches)
    assert (values.dtype, values.shape, values.flags.c_contiguous) == (np.uint32, (2, 8), True)
    assert np.shares_memory(values, np.asarray(sketches))
    assert np.shares_memory(values, sketches[1])
    assert memoryview(sketches).readonly
    for array in (values, sketches.empty, sketches[0]):
        assert not array.flags.writeable
        with pytest.raises(ValueError, match="WRITEABLE"):
            array.flags.writeable = True
    copied = values.copy()
    del sketches
    assert np.array_equal(values, copied)
    assert np.asarray(op.SimHash(128).sketch(["a"])).shape == (1, 2)
    assert np.asarray(op.MinHash(8).sketch([])).shape == (0, 8)


def test_what_differs_is_named():
    a = op.MinHash(16).sketch(["a b"])
    for other, says in [
        (op.MinHash(32), "num_perm 16 and 32"),
        (op.MinHash(16, seed=2), "seed 1 and 2"),
        (op.MinHash(16, scheme="oph"), "scheme affine32-op1 and oph"),
        (op.MinHash(16, shingler=op.Shingler(3)), "n=5.*n=3"),
        (op.MinHash(16, shingler=op.Shingler(normalization="nfc")), "normalization=nfkc_casefold.*normalization=nfc"),
    ]:
        b = other.sketch(["a b"])
        assert a.fingerprint != b.fingerprint
        for call in (lambda b=b: a | b, lambda b=b: op.SketchArray.concat([a, b])):
            with pytest.raises(op.IncompatibleError, match=says):
                call()
    weighted = op.SimHash().sketch(op.Shingler().transform(["a b"], counts=True), weights=[1])
    with pytest.raises(op.IncompatibleError, match="scheme simhash-weighted and simhash"):
        op.SketchArray.concat([weighted, op.SimHash().sketch(["a b"])])
    sets = op.Shingler(3).transform(["a b c d"])
    with pytest.raises(op.IncompatibleError, match=r"n=3.*n=5"):
        op.MinHash(shingler=op.Shingler(5)).sketch(sets)
    assert op.MinHash().sketch(sets).fingerprint == op.MinHash(shingler=op.Shingler(3)).fingerprint


def test_a_maker_states_the_fingerprint_of_what_it_makes():
    for maker in [*MAKERS.values(), op.MinHash(4, scheme="datasketch-affine64", seed=9)]:
        made = maker.sketch([["a"]] if maker.params.scheme.startswith("datasketch") else ["a"])
        assert (made.fingerprint, made.params) == (maker.fingerprint, maker.params)
        assert str(made.params) in repr(made)
        assert pickle.loads(pickle.dumps(maker)).params == maker.params
        assert hash(made.params) == hash(pickle.loads(pickle.dumps(made.params)))


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: op.MinHash(0), "num_perm=0: give an integer from 1 to 65536"),
        (lambda: op.MinHash(True), "num_perm=True"),
        (lambda: op.MinHash(12.5), "num_perm=12.5"),
        (lambda: op.MinHash(scheme="affine32"), "scheme='affine32' is unknown; give one of affine32-op1"),
        (lambda: op.MinHash(seed=-1), "seed=-1"),
        (lambda: op.MinHash(seed=2**32, scheme="datasketch-legacy"), "seed=4294967296"),
        (lambda: op.MinHash(shingler=op.Shingler(), scheme="datasketch-legacy"), "has no shingler"),
        (lambda: op.MinHash(shingler=5), "shingler is of type int; give an overproof.Shingler"),
        (lambda: op.SimHash(32), "bits=32: give 64 or 128"),
        (lambda: op.FracMinHash(0), "scaled=0"),
        (lambda: op.MinHash().sketch("one text"), "put it into a list"),
        (lambda: op.MinHash().sketch(["a", 5]), "row 1 is a int"),
        (lambda: op.MinHash().sketch(["a"], threads=0), "threads must be at least 1.* 0"),
        (lambda: op.MinHash(scheme="datasketch-legacy").sketch(["text"]), "row 0 is one str, not a sequence of tokens"),
        (
            lambda: op.MinHash(scheme="datasketch-legacy").sketch([["a", 5]]),
            "row 0: a token is of type int; give bytes or str",
        ),
        (lambda: op.MinHash(scheme="datasketch-legacy").sketch(WORDS.transform(["a"])), "takes rows of tokens"),
        (lambda: op.SimHash().sketch(WORDS.transform(["a"])), "counts=True"),
        (lambda: op.SimHash().sketch(["a"], weights=[1]), "weights go with ShingleSets"),
        (lambda: op.SimHash().sketch(WORDS.transform(["a b"]), weights=[1]), "1 weights for 2 hashes"),
        (lambda: op.SimHash().sketch(WORDS.transform(["a"]), weights=[2**31]), "does not fit in int32"),
        (lambda: op.SimHash().sketch(WORDS.transform(["a"]), weights=[0.5]), "array of integers"),
        (lambda: sketch("simhash", "a") | sketch("simhash", "a"), "no union"),
        (lambda: sketch("simhash", "a").reduce([0]), "no union"),
        (lambda: sketch("oph", "ab") | sketch("oph", "a"), "2 rows and 1 rows"),
        (lambda: sketch("oph", "ab").reduce([1]), "1 groups for 2 rows"),
        (lambda: sketch("fracminhash", "ab").reduce([1]), "1 groups for 2 rows"),
        (lambda: op.SketchArray.concat([]), "nothing to concatenate"),
        (lambda: op.SketchArray.concat([sketch("oph", "a"), 5]), "part 1 is a int, not a SketchArray"),
        (lambda: op.SetSketch.concat([sketch("oph", "a")]), "part 0 is a SketchArray, not a SetSketch"),
    ],
)
def test_what_cannot_be_is_refused(call, says):
    with pytest.raises(op.InputError, match=says):
        call()


@pytest.mark.parametrize(("value", "refused"), [(999, True), (1000, False)])
@pytest.mark.parametrize("scheme", ["affine32-op1", "oph", "datasketch-affine32", "datasketch-legacy"])
def test_unions_beyond_32_bits_are_refused(scheme, value, refused):
    """Values of 1,000 are those of a set of 2^32 / 1000 shingles, which nobody wants to make in a test."""
    words = ["a"] if scheme.startswith("datasketch") else "a"
    data = bytearray(op.MinHash(4, scheme=scheme).sketch([words]).to_bytes())
    width = 8 if scheme == "datasketch-legacy" else 4
    start = len(data) - 32 - 16 - 4 * width
    data[start : start + 4 * width] = value.to_bytes(width, "little") * 4
    data[-32:] = hashlib.sha256(data[:-32]).digest()
    sketches = op.SketchArray.from_bytes(bytes(data))
    assert sketches[0].tolist() == [value] * 4
    for union in (lambda: sketches | sketches, lambda: sketches.reduce([0])):
        if refused:
            with pytest.raises(op.InputError, match=r"row 0 stands for about 4.30e6 .* smaller groups") as error:
                union()
            assert "affine64" in str(error.value) or scheme == "oph"
        else:
            union()


# -- files


@pytest.mark.parametrize("name", MAKERS)
def test_files_and_pickles_hold_all(name, tmp_path):
    sketches = MAKERS[name].sketch(["a b c", "", None, "d e"], missing="keep")
    path = tmp_path / "sketches.opsk"
    sketches.save(path)
    sketches.save(str(path))
    for again in (
        type(sketches).load(path),
        type(sketches).from_bytes(sketches.to_bytes()),
        pickle.loads(pickle.dumps(sketches)),
        copy.deepcopy(sketches),
    ):
        assert content(again) == content(sketches)
        assert again.to_bytes() == path.read_bytes()
    assert [p.name for p in tmp_path.iterdir()] == ["sketches.opsk"]


def test_the_two_kinds_are_told_apart():
    with pytest.raises(op.FormatError, match="FracMinHash sketches; read them by SetSketch"):
        op.SketchArray.from_bytes(sketch("fracminhash", "a").to_bytes())
    with pytest.raises(op.FormatError, match="these are oph sketches; read them by SketchArray"):
        op.SetSketch.from_bytes(sketch("oph", "a").to_bytes())


def test_broken_files_say_where(tmp_path):
    data = bytearray(sketch("oph", ["ab", "", "c"]).to_bytes())
    path = tmp_path / "x.opsk"
    for at, says in [(0, "byte 0: magic"), (8, "byte 8: version"), (200, "SHA-256 differs"), (-1, "SHA-256 differs")]:
        changed = data.copy()
        changed[at] ^= 1
        path.write_bytes(changed)
        with pytest.raises(op.FormatError, match=f"x.opsk: .*{says}"):
            op.SketchArray.load(path)
    path.write_bytes(data[:-1])
    with pytest.raises(op.FormatError, match=r"byte 16: length is \d+, but there are \d+ bytes: cut off"):
        op.SketchArray.load(path)
    path.write_bytes(b"")
    with pytest.raises(op.FormatError, match="too few"):
        op.SketchArray.load(path)


def test_paths_that_cannot_be(tmp_path):
    sketches = sketch("oph", "a")
    with pytest.raises(FileNotFoundError, match="none"):
        sketches.save(tmp_path / "none" / "a.opsk")
    with pytest.raises(FileNotFoundError, match=r"b\.opsk"):
        op.SketchArray.load(tmp_path / "b.opsk")
    with pytest.raises(IsADirectoryError):
        op.SetSketch.load(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("name", "kind"), [("minhash-v1", op.SketchArray), ("fracminhash-v1", op.SetSketch)])
def test_files_of_version_1_stay_readable(name, kind):
    """Written once by version 1 of the format and never again (docs/format-opsk.md)."""
    batch = ["the quick brown fox jumps", "", "over the lazy dog"]
    maker = op.MinHash(4, shingler=WORDS) if kind is op.SketchArray else op.FracMinHash(2, shingler=WORDS)
    frozen = (GOLDEN / f"{name}.opsk").read_bytes()
    assert kind.from_bytes(frozen).to_bytes() == frozen == maker.sketch(batch).to_bytes()


def test_sketches_cross_processes():
    program = "import sys, pickle; s = pickle.load(sys.stdin.buffer); sys.stdout.buffer.write((s | s).to_bytes())"
    sketches = sketch("affine32-op1", ["ab", "c"])
    run = subprocess.run([sys.executable, "-c", program], input=pickle.dumps(sketches), capture_output=True, check=True)
    assert run.stdout == sketches.to_bytes()


def test_docstrings_of_compiled_classes_run():
    import doctest

    runner = doctest.DocTestRunner()
    found = [
        t for c in (op.SketchArray, op.SetSketch) for t in doctest.DocTestFinder().find(c, c.__name__, module=False)
    ]
    assert sum(bool(test.examples) for test in found) == 2
    for test in found:
        runner.run(test)
    assert runner.failures == 0

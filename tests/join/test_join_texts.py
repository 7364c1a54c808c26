"""Joins of texts: bands find what they promise, blocks change nothing, pairs leave as Arrow."""

import subprocess
import sys

import numpy as np
import overproof as op
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nasty import texts as nasty_texts
from overproof import reference as ref


def triples(pairs: op.Pairs) -> list[tuple[int, int, float]]:
    return list(zip(pairs.left.tolist(), pairs.right.tolist(), pairs.score.tolist(), strict=True))


def planted(n: int, words: int, changed: int, seed: int = 0) -> tuple[list[str], list[str]]:
    """Pairs of texts of which the right one has other words in `changed` places."""
    rng = np.random.default_rng(seed)
    left = rng.integers(0, 10**6, (n, words))
    right = left.copy()
    for row in right:
        at = rng.choice(words // 5 - 2, changed, replace=False) * 5 + 7  # each inside of five shingles of its own
        row[at] = rng.integers(10**6, 10**7, changed)
    return [" ".join(f"w{w}" for w in row) for row in left], [" ".join(f"w{w}" for w in row) for row in right]


@given(
    st.lists(nasty_texts(4), max_size=5),
    st.lists(nasty_texts(4), max_size=5),
    st.sampled_from(["word", "char"]),
    st.integers(1, 3),
    st.sampled_from([0.1, 0.5, 1.0]),
)
@settings(max_examples=50)
def test_texts_are_joined_as_their_sets(left: list[str], right: list[str], analyzer: str, n: int, t: float) -> None:
    shingler = op.Shingler(n, analyzer=analyzer)
    a, b = ([frozenset(ref.shingle(text, n, analyzer=analyzer).hashes) for text in side] for side in (left, right))
    found = op.similarity_join(left, right, threshold=t, recall=1, shingler=shingler)
    assert triples(found) == [(i, j, float(np.float32(s))) for i, j, s in ref.similarity_join(a, b, threshold=t)]
    mixed = op.similarity_join(left, shingler.transform(right), threshold=t, recall=1, shingler=shingler)
    assert triples(mixed) == triples(found)


def test_empty_missing_and_short_texts() -> None:
    rows = ["", None, "one two", "one two", "...", "one two three four five six", None]
    with pytest.raises(op.InputError, match="left: row 1 is null"):
        op.similarity_join(rows, threshold=0.5)
    for recall in (0.9, 1):
        found = op.similarity_join(rows, threshold=0.5, recall=recall, missing="keep")
        # Two short texts that are equal are a pair; texts without a token are in none.
        assert triples(found) == [(2, 3, 1.0)]
        assert found.empty == (4, 4)
    with pytest.raises(op.InputError, match="right: row 0 is a int"):
        op.similarity_join(["a"], [1], threshold=0.5)


def test_lone_surrogates_are_refused_or_counted(caplog: pytest.LogCaptureFixture) -> None:
    rows = ["one \ud800 two", "one two"]
    with pytest.raises(op.InputError, match="surrogate"):
        op.similarity_join(rows, threshold=0.5)
    assert len(op.similarity_join(rows, threshold=0.5, errors="replace", shingler=op.Shingler(1))) == 1
    assert "lone surrogates in 1 of the texts became U+FFFD" in caplog.text


def test_bands_reach_their_recall() -> None:
    """Pairs a little above the threshold, all independent: the share found is binomial, at least at the target."""
    n, words, changed = 4000, 60, 2
    left, right = planted(n, words, changed)
    shingles = words - 4
    score = (shingles - 5 * changed) / (shingles + 5 * changed)
    exact = op.similarity_join(left, right, threshold=score, recall=1)
    assert triples(exact) == [(i, i, np.float32(score)) for i in range(n)]
    for recall in (0.5, 0.8, 0.95):
        found = op.similarity_join(left, right, threshold=score, recall=recall)
        assert set(triples(found)) <= set(triples(exact))
        # The curve at bands and rows is at or above the target; 4 standard errors below it are a chance of 3e-5.
        p = op.lsh_params(score, 128, recall=recall).collision_probability(score)
        error = (p * (1 - p) / n) ** 0.5
        assert abs(len(found) / n - p) < 4 * error
        assert len(found) / n >= recall - 4 * error


def test_bands_stand_in_params() -> None:
    found = op.similarity_join(["a b"] * 2, threshold=0.8)
    assert "recall=0.95;num_perm=128;bands=13;rows=7" in found.params
    assert triples(found) == [(0, 1, 1.0)]
    for options in ({"recall": 1.0}, {"threshold": 1.0}, {"metric": "dice"}, {"threshold": 0.001}):
        exact = op.similarity_join(["a b"] * 2, **{"threshold": 0.8, **options})  # type: ignore[arg-type]
        assert "recall=1;hashes" in exact.params


@pytest.mark.parametrize("recall", [0.9, 1.0])
def test_memory_and_threads_change_nothing(recall: float) -> None:
    left, right = planted(300, 80, 3)
    right += [left[0], ""]
    whole = op.similarity_join(left, right, threshold=0.5, recall=recall, threads=1)
    assert len(whole) > 250
    for memory in (1, 50_000, "400 kB", "1 MiB", "3GB"):
        cut = op.similarity_join(left, right, threshold=0.5, recall=recall, memory=memory, threads=2)
        assert triples(cut) == triples(whole)
        assert (cut.rows, cut.empty, cut.params) == (whole.rows, whole.empty, whole.params)
    both = left[:150] + right[:150]
    whole = op.similarity_join(both, threshold=0.5, recall=recall)
    cut = op.similarity_join(both, threshold=0.5, recall=recall, memory=100_000)
    assert triples(cut) == triples(whole) != []


KEPT = """
import sys
import overproof as op

def bytes_of(name):
    return next(int(line.split()[1]) * 1024 for line in open("/proc/self/status") if line.startswith(name))

rows = [" ".join(f"w{(i * 7919 + j * 31) % 1000003}" for j in range(300)) for i in range(12000)]
memory = None if sys.argv[1] == "none" else int(sys.argv[1])
op.similarity_join(rows[:50], rows[50:100], threshold=0.8, recall=float(sys.argv[2]), threads=1)
before = bytes_of("VmRSS")
op.similarity_join(rows[:6000], rows[6000:], threshold=0.8, recall=float(sys.argv[2]), memory=memory, threads=1)
print(bytes_of("VmHWM") - before)
"""


@pytest.mark.parametrize("recall", ["0.95", "1"])
def test_the_memory_limit_is_kept(recall: str) -> None:
    """Resident memory of a process of its own, above what texts and interpreter take."""
    if sys.platform != "linux":
        pytest.skip("reads /proc/self/status")

    def grown(limit: str) -> int:
        run = subprocess.run([sys.executable, "-c", KEPT, limit, recall], check=True, capture_output=True, text=True)
        return int(run.stdout)

    limit = 18_000_000
    assert grown("none") > 1.5 * limit
    assert grown(str(limit)) < limit


def test_users_tokens_and_functions() -> None:
    rows = [[1, 2, 3, 4], [1, 2, 3], [9]]
    found = op.similarity_join(rows, threshold=0.5, shingler=op.Shingler(2, analyzer="tokens"))
    assert triples(found) == [(0, 1, np.float32(2 / 3))]

    def lines(text: str) -> list[str]:
        return text.split("\n")

    lines.name = "lines"  # type: ignore[attr-defined]
    assert triples(op.similarity_topk(["a\nb", "b\nc"], ["b"], shingler=op.Shingler(1, analyzer=lines))) == [
        (0, 0, 0.5),
        (1, 0, 0.5),
    ]


def test_pairs_leave_as_arrow() -> None:
    pyarrow = pytest.importorskip("pyarrow")
    polars = pytest.importorskip("polars")
    pairs = op.similarity_join(["a b", "a b", "c", "c"], threshold=0.5)
    table = pyarrow.table(pairs)
    assert table.schema.names == ["left", "right", "score"]
    assert [str(t) for t in table.schema.types] == ["int64", "int64", "float"]
    assert table.to_pylist() == [{"left": 0, "right": 1, "score": 1.0}, {"left": 2, "right": 3, "score": 1.0}]
    assert polars.DataFrame(pairs).rows() == [(0, 1, 1.0), (2, 3, 1.0)]
    assert pyarrow.table(op.similarity_join(["a"], threshold=0.5)).num_rows == 0


def test_ids_go_with_the_pairs() -> None:
    pyarrow = pytest.importorskip("pyarrow")
    left = op.Corpus(["a b", "x", "c d"], ids=["first", None, "third"])
    pairs = op.similarity_join(left, ["c d", "a b"], threshold=0.5)
    assert pairs.left_id is not None
    assert pairs.left_id.to_list() == ["first", "third"]
    assert pairs.right_id is None
    assert pyarrow.table(pairs).column("left_id").to_pylist() == ["first", "third"]
    best = op.similarity_topk(op.Corpus(["a", "a", "b"], ids=[1, 2, 3]))
    assert best.left_id is not None
    assert best.right_id is not None
    assert list(zip(best.left_id, best.right_id, strict=True)) == [("1", "2"), ("2", "1")]


def test_spans_of_pairs() -> None:
    texts = ["no one two three four", "x", "so one two three four, yes"]
    pairs = op.similarity_join(texts, threshold=0.2, recall=1, shingler=op.Shingler(2))
    assert triples(pairs) == [(0, 2, np.float32(3 / 6))]
    spans = pairs.spans(texts, min_tokens=3)
    assert spans.row.tolist() == [0]
    assert texts[0][spans.left_start_char[0] : spans.left_end_char[0]] == "one two three four"
    assert texts[2][spans.right_start_char[0] : spans.right_end_char[0]] == "one two three four"
    with pytest.raises(op.InputError, match="right_texts are 1, but 3 rows were joined"):
        pairs.spans(texts, ["y"])

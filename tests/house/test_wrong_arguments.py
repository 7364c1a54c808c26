"""Values of the wrong kind: refused with the argument's name, never misread, never cut to size."""

import gc
import re
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import overproof as op
import pytest

TEXTS = ["the quick brown fox jumps over it", "a b c d e f g", "", "東京都は大きい"]
BIG = 2**63 + 5
TOKENS = op.Shingler(1, analyzer="tokens")

REFUSED: list[tuple[Callable[[], object], str]] = [
    (lambda: op.Shingler(None), "n=None"),
    (lambda: op.Shingler(2.0), "n=2.0"),
    (lambda: op.Shingler(seed=1.5), "seed=1.5"),
    (lambda: op.Shingler(seed="1"), "seed='1'"),
    (lambda: TOKENS.transform(5), "texts is of type int"),
    (lambda: TOKENS.transform("abc"), "texts is of type str"),
    (lambda: TOKENS.transform({1: 2}), "texts is of type dict"),
    (lambda: TOKENS.transform([1, 2]), "row 0 is one int"),
    (lambda: op.MinHash(scheme="datasketch-legacy").sketch(5), "not int"),
    (lambda: op.similarity_join(TEXTS, threshold=0.5, shingler=5), "shingler is of type int"),
    (lambda: op.similarity_topk(TEXTS, TEXTS, shingler="word"), "shingler is of type str"),
    (lambda: op.compare(TEXTS, TEXTS, shingler=op.MinHash()), "shingler is of type MinHash"),
    (lambda: op.Corpus(TEXTS, ids=5), "ids is one int"),
    (lambda: op.Corpus(TEXTS, ids={1, 2, 3, 4}), "ids is one set"),
    (lambda: op.Corpus(TEXTS, rows=np.full(4, BIG, np.uint64)), "rows: .* does not fit into int64"),
    (lambda: op.Corpus(TEXTS, source_of=[2**31] * 4), "source_of: .* does not fit into int32"),
    (lambda: op.MinHash(8).sketch(TEXTS).reduce(np.full(4, BIG, np.uint64)), "above 2\\*\\*63-1"),
    (lambda: op.ShingleSets.from_hashes([0, 1], [-1]), "-1 at 0 is negative"),
    (lambda: op.hamming(op.SimHash().sketch(TEXTS), op.SimHash().sketch(TEXTS[:1])), "4 .* 1|1 .* 4"),
    (lambda: op.set_num_threads(-1), "threads must be at least 1.* -1"),
    (lambda: op.tokenize(TEXTS, threads=1.5), "threads must be .* 1.5"),
]


@pytest.mark.parametrize(("call", "said"), REFUSED, ids=[said for _, said in REFUSED])
def test_refused(call: Callable[[], object], said: str) -> None:
    with pytest.raises(op.InputError, match=said):
        call()


def test_integers_of_every_width_and_order() -> None:
    for hashes in ([BIG], np.array([BIG], ">u8"), np.array([BIG], np.uint64)):
        assert op.ShingleSets.from_hashes([0, 1], hashes).hashes.tolist() == [BIG]
        ids = np.asarray(hashes, dtype=getattr(hashes, "dtype", np.uint64))
        assert TOKENS.transform((ids, [0, 1])).hashes.tolist() == TOKENS.transform([[BIG]]).hashes.tolist()
    want = TOKENS.transform([[1, 2], [3]])
    for kind in ("<u4", ">u4", "<i8", ">i8", "u1", ">u2"):
        spread = np.repeat(np.array([1, 2, 3], kind), 2)[::2]
        spread.flags.writeable = False
        got = TOKENS.transform((spread, np.array([0, 2, 3], ">i4")))
        assert np.array_equal(got.hashes, want.hashes)


@pytest.mark.parametrize("sketch", [op.MinHash(8), op.SimHash()])
def test_a_sketch_is_not_ored_with_an_array(sketch: Any) -> None:
    made = sketch.sketch(TEXTS)
    for pair in ((made, np.asarray(made)), (np.asarray(made), made)):
        with pytest.raises(TypeError, match=r"unsupported operand|does not support ufuncs"):
            pair[0] | pair[1]


def test_a_million_threads_are_as_many_as_the_machine_bears() -> None:
    before = threading.active_count()
    for threads in (10**6, 2**70):
        assert op.tokenize(TEXTS, threads=threads).row(1) == op.tokenize(TEXTS).row(1)
    assert threading.active_count() == before


def test_views_outlive_their_parent() -> None:
    sets, made = op.Shingler(1).transform(TEXTS * 500), op.MinHash(16).sketch(TEXTS * 500)
    views = [sets.hashes, sets.short, np.asarray(made), np.asarray(made[1:3]), np.asarray(memoryview(made))]
    copies = [view.copy() for view in views]
    del sets, made
    gc.collect()
    op.MinHash(16).sketch(["other"] * 3000)
    assert all(np.array_equal(view, copy) for view, copy in zip(views, copies, strict=True))
    assert not any(view.flags.writeable for view in views)


def test_a_list_may_change_during_the_call() -> None:
    texts = [f"text {i} of a long list that another thread clears" for i in range(60_000)]
    want = op.Shingler(2).transform(list(texts)).hashes
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(op.Shingler(2).transform(texts).hashes))
    thread.start()
    while thread.is_alive():
        if len(texts) == 60_000 and not thread.join(0.005):
            texts.clear()
    # Whole or nothing: the call saw the list before or after.
    assert np.array_equal(found[0], want) or len(found[0]) == 0


def test_no_article_stands_before_the_name_of_a_type() -> None:
    package = Path(op.__file__).parent
    assert not [path.name for path in package.rglob("*.py") if re.search(r"\ban? \{(type\(|kind\})", path.read_text())]

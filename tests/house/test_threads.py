"""Threads never change a value, and the interpreter is free while they work."""

import json
import threading
import time
from collections.abc import Callable, Iterator

import numpy as np
import overproof as op
import pytest

TEXTS = [f"{i} " + "the quick brown fox jumps over the lazy dog " * (i % 50) + f"row {i % 7}" for i in range(3000)]
SETS = op.Shingler(n=2).transform(TEXTS)
SKETCHES = op.MinHash().sketch(SETS[:800])
ROWS = np.arange(len(TEXTS))[::-1]

CALLS: dict[str, Callable[[int | None], list[np.ndarray]]] = {
    "tokenize": lambda threads: [op.tokenize(TEXTS, threads=threads).start],
    "Shingler": lambda threads: [
        getattr(op.Shingler().transform(TEXTS, counts=True, threads=threads), name)
        for name in ("indptr", "hashes", "counts", "short", "tokens")
    ],
    "MinHash": lambda threads: [np.asarray(op.MinHash().sketch(TEXTS, threads=threads))],
    "MinHash, oph": lambda threads: [np.asarray(op.MinHash(scheme="oph").sketch(TEXTS, threads=threads))],
    "SimHash": lambda threads: [np.asarray(op.SimHash().sketch(TEXTS, threads=threads))],
    "jaccard": lambda threads: [op.jaccard(SETS, SETS.take(ROWS), threads=threads)],
    "cdist": lambda threads: [op.cdist(SETS[:300], SETS[300:600], threads=threads)],
    "common_spans": lambda threads: [
        getattr(op.common_spans(TEXTS[:800], TEXTS[800:1600], threads=threads), name)
        for name in ("row", "left_start", "left_end", "right_start", "right_end")
    ],
    "similarity_join": lambda threads: [
        getattr(op.similarity_join(TEXTS[:600], TEXTS[600:1200], threshold=0.9, threads=threads), name)
        for name in ("left", "right", "score")
    ],
    "candidate_pairs": lambda threads: [
        getattr(op.candidate_pairs(SKETCHES, params=op.lsh_params(0.5, 128), threads=threads), name)
        for name in ("left", "right", "score")
    ],
    "NgramTable": lambda threads: [
        made(part, threads=threads)
        for made in [op.NgramTable(SETS[:1500], threads=threads).coverage]
        for part in (TEXTS, SETS)
    ],
    "compare": lambda threads: [
        np.frombuffer(json.dumps(compared.to_dict()).encode(), np.uint8)
        for compared in [op.compare(TEXTS[:500], TEXTS[500:1000], threads=threads)]
    ],
    "FracMinHash": lambda threads: [op.FracMinHash(2).sketch(TEXTS, threads=threads).hashes],
}


@pytest.mark.parametrize("name", CALLS)
def test_threads_never_change_a_value(name: str) -> None:
    want = CALLS[name](1)
    for threads in (2, 3, 8, None):
        for one, other in zip(want, CALLS[name](threads), strict=True):
            assert one.dtype == other.dtype
            assert one.tobytes() == other.tobytes()


def test_normalized_texts_do_not_depend_on_threads() -> None:
    want = op.normalize(TEXTS, threads=1)
    assert all(op.normalize(TEXTS, threads=threads) == want for threads in (2, 3, None))


def test_a_cap_holds_until_it_is_lifted() -> None:
    cores = op.get_num_threads()
    op.set_num_threads(3)
    assert op.get_num_threads() == op.build_info()["threads"] == 3
    op.set_num_threads(None)
    assert op.get_num_threads() == cores >= 1


@pytest.mark.parametrize("threads", [0, -1])
def test_no_threads_are_refused(threads: int) -> None:
    with pytest.raises((op.InputError, OverflowError)):
        op.set_num_threads(threads)
    with pytest.raises((op.InputError, OverflowError)):
        op.Shingler().transform(["a"], threads=threads)


@pytest.fixture
def working() -> Iterator[threading.Thread]:
    """A thread in one long call."""
    texts = ["the quick brown fox jumps over the lazy dog " * 2500] * 600
    thread = threading.Thread(target=lambda: op.Shingler().transform(texts, threads=1))
    thread.start()
    yield thread
    thread.join()


def test_the_interpreter_is_free_during_a_call(working: threading.Thread) -> None:
    ticks, longest, last = 0, 0.0, time.monotonic()
    while working.is_alive():
        time.sleep(0.001)
        now = time.monotonic()
        ticks, longest, last = ticks + 1, max(longest, now - last), now
    assert ticks > 50, "the call was to last long enough to say something"
    assert longest < 0.2

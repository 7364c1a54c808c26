"""A forked child has none of its parent's threads: it must start its own and compute the same."""

import os
import subprocess
import sys

import pytest

FORK = """
import os, sys
import overproof as op

texts = [f"the quick brown fox number {i} jumps over the lazy dog" * 20 for i in range(2000)]
make = lambda: op.Shingler().transform(texts, threads=2).hashes.tobytes()
want = make()
for _ in range(3):
    child = os.fork()
    if child == 0:
        os._exit(0 if make() == want else 3)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code == 0, code
assert make() == want
"""

POOL = """
import multiprocessing
import overproof as op

def work(seed):
    texts = [f"the quick brown fox number {i} jumps over the lazy dog" * 20 for i in range(500)]
    return op.Shingler(seed=seed).transform(texts).hashes.tobytes()

want = [work(seed) for seed in range(8)]
with multiprocessing.get_context("fork").Pool(2) as pool:
    assert pool.map(work, range(8)) == want
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform does not fork")
@pytest.mark.parametrize("code", [FORK, POOL], ids=["os.fork", "multiprocessing"])
def test_a_forked_child_computes_the_same(code: str) -> None:
    # Python 3.12 warns of any fork beside threads, which is what is tested here.
    subprocess.run([sys.executable, "-W", "ignore::DeprecationWarning", "-c", code], check=True, timeout=60)

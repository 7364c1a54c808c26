"""list[str] to k = 128 signatures of windows of 8 bytes."""

from functools import partial

from benches.engines import WINDOW, K
from benches.engines.shingles import windows
from benches.tasks import Task, minhash

TASK = Task(
    name="minhash_bytes",
    what=f"list[str] to MinHash signature, k = {K}, windows of {WINDOW} bytes",
    unit="texts",
    yardstick="datasketch bulk, sha1",
    cases=partial(minhash.cases, shingles=windows),
    check=minhash.check,
    shown=minhash.SHOWN,
)

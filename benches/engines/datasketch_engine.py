"""datasketch: the package that most pipelines were written with."""

from collections.abc import Callable, Iterable
from typing import Any

import xxhash
from datasketch import MinHash, MinHashLSH

from benches.engines import Engine, K, each, objects, pairs
from benches.engines.shingles import bytestrings, windows

Rows = Iterable[list[bytes]]
XXH32 = {"hashfunc": xxhash.xxh32_intdigest}


def update(rows: Rows) -> list[MinHash]:
    """One call a token, as in most tutorials."""
    made = []
    for row in rows:
        one = MinHash(num_perm=K)
        for token in row:
            one.update(token)
        made.append(one)
    return made


def update_batch(rows: Rows) -> list[MinHash]:
    """One object and one call a text."""
    made = []
    for row in rows:
        one = MinHash(num_perm=K)
        one.update_batch(row)
        made.append(one)
    return made


def bulk(**options: Any) -> Callable[[Rows], list[MinHash]]:
    """All texts in one call, which draws the permutations once."""
    return lambda rows: MinHash.bulk(rows, num_perm=K, **options)


def generator(**options: Any) -> Callable[[Rows], list[MinHash]]:
    """The same, one object after the other."""
    return lambda rows: list(MinHash.generator(rows, num_perm=K, **options))


def minhash(variant: str, sketch: Callable[[Rows], list[MinHash]], work: str, task: str = "minhash") -> Engine:
    """One way of calling."""
    shingles = bytestrings if task == "minhash" else windows
    return Engine(task, f"datasketch {variant}", "datasketch", work, sketch, objects, each(shingles))


def lsh(given: tuple[list[MinHash], float]) -> list[tuple[int, int]]:
    """All candidates, as `query` returns them: they share a band, and nothing else is checked."""
    signatures, threshold = given
    index = MinHashLSH(threshold=threshold, num_perm=K)
    with index.insertion_session() as session:
        for row, one in enumerate(signatures):
            session.insert(row, one, check_duplication=False)
    return [(row, other) for row, one in enumerate(signatures) for other in index.query(one)]


ENGINES = [
    minhash("bulk, sha1", bulk(), "Python shingles; all defaults, all texts in one call"),
    minhash("generator, sha1", generator(), "Python shingles; all defaults, one object after the other"),
    minhash("update_batch, sha1", update_batch, "Python shingles; all defaults, one object a text"),
    minhash("update, sha1", update, "Python shingles; all defaults, one call a shingle"),
    minhash("legacy, sha1", bulk(scheme="legacy"), "Python shingles; bulk, the values of versions before 2.0"),
    minhash("bulk, xxh32", bulk(**XXH32), "Python shingles; bulk, hash of package xxhash"),
    minhash("bulk, sha1", bulk(), "Python windows; all defaults, all texts in one call", "minhash_bytes"),
    minhash("bulk, xxh32", bulk(**XXH32), "Python windows; bulk, hash of package xxhash", "minhash_bytes"),
    Engine(
        "lsh",
        "datasketch",
        "datasketch",
        "signatures by bulk and xxh32; MinHashLSH, insertion session, one query a text; candidates as they come",
        lsh,
        pairs,
        lambda given: (MinHash.bulk(map(bytestrings, given[0]), num_perm=K, **XXH32), given[1]),
    ),
]

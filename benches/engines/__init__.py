"""One adapter per package: what it does for each task, and in what its work differs from the others'.

Equal work: same texts, same k, same n, same tokens where the package allows. A new rival is one file here and one name
in `ADAPTERS`; where it cannot be installed beside the others, one line in `APART`.
"""

from __future__ import annotations

import importlib
import importlib.metadata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

K = 128
"""Values of a MinHash signature."""
N = 5
"""Words of a shingle."""
WINDOW = 8
"""Bytes of a byte window, and words of an n-gram of exact overlap."""
REACH = 3
"""Bits in which two SimHashes may differ."""
RECALL = 0.95
"""What overproof's join is asked for where it may miss a pair."""
ADAPTERS = (
    "overproof",
    "datasketch",
    "rensa",
    "gaoya",
    "stringzillas",
    "textdedup",
    "datatrove",
    "simhash",
    "simhash_pybind",
    "faiss",
    "polars",
    "plain",
)
"""Files of this folder, without `_engine.py`."""


@dataclass(frozen=True)
class Home:
    """An environment of its own: what is installed, and the Python that it needs, the running one unless given."""

    requirements: tuple[str, ...]
    python: str = ""


APART = {
    "textdedup": Home(("text-dedup==0.4.1",), "3.12"),
    # 0.10.1 calls xxhash in a way that 4.x refuses; its extras bring spaCy, which white space needs not.
    "datatrove": Home(("datatrove==0.10.1", "numpy", "xxhash<4", "regex", "tqdm", "tokenizers")),
    # Two packages install the module `simhash`.
    "simhash": Home(("simhash==2.1.2",)),
}
"""Adapters whose package cannot be installed beside the others."""


@dataclass(frozen=True)
class Engine:
    """One way of doing one task.

    Attributes
    ----------
    task, name, package : str
        The task (`benches.tasks`); package and variant; the package as pip knows it.
    work : str
        What it does, and in what that differs from the others.
    run : callable
        What is timed: from what `prepare` made, or from the task's input, to its own result.
    answer : callable
        The results of the task's probes to what the task checks; not timed.
    prepare : callable, optional
        From the task's input to the input of `run`. Timed with it, and `run` is timed alone too.
    same : bool
        Whether the answer is one to the same question; False for what is shown only because others quote it.
    """

    task: str
    name: str
    package: str
    work: str
    run: Callable[[Any], Any]
    answer: Callable[..., Any]
    prepare: Callable[[Any], Any] | None = None
    same: bool = True

    @property
    def version(self) -> str:
        """Version of the package."""
        return importlib.metadata.version(self.package)

    def prepared(self, given: Any) -> Any:
        """The input of `run`, whole."""
        made = given if self.prepare is None else self.prepare(given)
        return list(made) if isinstance(made, Iterator) else made

    def whole(self, given: Any) -> Any:
        """From the task's input to the result, as a user would: shingles go through one text at a time."""
        return self.run(given if self.prepare is None else self.prepare(given))

    def answers(self, probes: Iterable[Any]) -> Any:
        """What the task checks."""
        return self.answer(*map(self.whole, probes))


def load(adapter: str) -> list[Engine]:
    """The engines of one adapter; ImportError where its package is not installed."""
    engines: list[Engine] = importlib.import_module(f"benches.engines.{adapter}_engine").ENGINES
    return engines


def each(function: Callable[[str], Any]) -> Callable[[Iterable[str]], Iterator[Any]]:
    """`prepare` that goes text by text."""
    return lambda texts: map(function, texts)


def equal_share(a: npt.ArrayLike, b: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """The estimate of k-permutation MinHash: the share of equal values, row against row."""
    share: npt.NDArray[np.float64] = (np.asarray(a) == np.asarray(b)).mean(axis=1)
    return share


def objects(a: Iterable[Any], b: Iterable[Any]) -> npt.NDArray[np.float64]:
    """The estimate of objects that have a method `jaccard`."""
    return np.array([one.jaccard(other) for one, other in zip(a, b, strict=True)])


def differing(a: npt.ArrayLike, b: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Share of differing bits of 64, row against row."""
    apart = np.asarray(a, np.uint64) ^ np.asarray(b, np.uint64)
    share: npt.NDArray[np.float64] = np.bitwise_count(apart) / 64
    return share


def pairs(found: Iterable[tuple[int, int]]) -> npt.NDArray[np.int64]:
    """Pairs of rows of one side as int64[p, 2]: left below right, sorted, each once."""
    made = np.array(sorted({(min(p), max(p)) for p in found if p[0] != p[1]}), np.int64)
    return made.reshape(-1, 2)

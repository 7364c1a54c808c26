"""One adapter per engine: list[str] to MinHash signatures of k = 128 values over word 5-grams.

Equal work: same texts, same k, same width, same tokens where the engine allows; `Engine.work` says where it does not.
A new rival is one file here and one name in `ADAPTERS`.
"""

from __future__ import annotations

import importlib
import importlib.metadata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

K = 128
"""Values of a signature."""
N = 5
"""Words of a shingle."""
ADAPTERS = ("overproof", "datasketch", "rensa", "gaoya")
"""Packages that have an adapter."""
YARDSTICK = "datasketch bulk, sha1"
"""The engine that ratios are taken to: datasketch 2.0.0 with its defaults, in its faster way of calling."""


@dataclass(frozen=True)
class Engine:
    """One way of making signatures.

    Attributes
    ----------
    name : str
        Package and variant.
    package : str
        Its name, as in `ADAPTERS` and for pip.
    work : str
        What it does, and in what that differs from the others.
    sketch : callable
        Signatures of an iterable of rows: of shingle lists, or of texts where the engine makes its own shingles.
    jaccard : callable
        Two batches of signatures to the estimated Jaccard of row i and row i, float64[n].
    shingles : callable, optional
        One text to its shingles in Python, for engines that take tokens.
    signature : bool
        Whether `jaccard` estimates the Jaccard of the whole sets, so that theory's error applies.
    """

    name: str
    package: str
    work: str
    sketch: Callable[[Iterable[Any]], Any]
    jaccard: Callable[[Any, Any], npt.NDArray[np.float64]]
    shingles: Callable[[str], list[Any]] | None = None
    signature: bool = True

    @property
    def version(self) -> str:
        """Version of the package."""
        return importlib.metadata.version(self.package)

    def signatures(self, texts: Sequence[str]) -> Any:
        """From texts to signatures, all in one go: what is timed."""
        return self.sketch(texts if self.shingles is None else map(self.shingles, texts))


def load(adapters: Iterable[str] = ADAPTERS) -> tuple[list[Engine], list[str]]:
    """The engines of the packages that are installed, and the names of those that are not."""
    engines, absent = [], []
    for adapter in adapters:
        try:
            engines += importlib.import_module(f"benches.engines.{adapter}_engine").ENGINES
        except ModuleNotFoundError as error:
            if error.name is not None and error.name.startswith("benches"):
                raise
            absent.append(adapter)
    return engines, absent


def equal_share(a: npt.ArrayLike, b: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """The estimate of k-permutation MinHash: the share of equal values, row against row."""
    share: npt.NDArray[np.float64] = (np.asarray(a) == np.asarray(b)).mean(axis=1)
    return share

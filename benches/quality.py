"""Is the answer right? Checked before a time counts."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from benches.engines import Engine, K, N
from benches.engines.shingles import strings

Float64 = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Quality:
    """Error of estimated Jaccard against exact Jaccard over pairs.

    Attributes
    ----------
    pairs : int
        Number of pairs.
    bias, standard_error : float
        Mean error, and the standard deviation of that mean.
    rmse, theory : float
        Root mean square error, and what k independent permutations would have: sqrt(mean J (1 - J) / k).
    """

    pairs: int
    bias: float
    standard_error: float
    rmse: float
    theory: float

    @property
    def ratio(self) -> float:
        """RMSE over theory."""
        return self.rmse / self.theory

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for records."""
        return asdict(self) | {"rmse_over_theory": self.ratio}


def exact_jaccard(a: list[str], b: list[str]) -> Float64:
    """Jaccard of the sets of shingles, by Python's own sets of strings: no engine has a part in it."""
    pairs = [(set(strings(x)), set(strings(y))) for x, y in zip(a, b, strict=True)]
    return np.array([len(x & y) / len(x | y) for x, y in pairs])


def measure(engine: Engine, a: list[str], b: list[str], exact: Float64) -> Quality:
    """Bias and RMSE of an engine on pairs of texts."""
    error = engine.jaccard(engine.signatures(a), engine.signatures(b)) - exact
    return Quality(
        pairs=len(error),
        bias=float(error.mean()),
        standard_error=float(error.std(ddof=1) / np.sqrt(len(error))),
        rmse=float(np.sqrt((error**2).mean())),
        theory=float(np.sqrt((exact * (1 - exact)).mean() / K)),
    )


def same_shingles(texts: list[str]) -> float:
    """Share of texts whose set of shingles has the same size in Python's tokens as in overproof's."""
    import overproof as op

    sizes = np.diff(op.Shingler(N).transform(texts, threads=1).indptr)
    return float(np.mean([len(set(strings(t))) == size for t, size in zip(texts, sizes, strict=True)]))

"""stringzillas: MinHash of byte windows in C++.

The package's default widths are eight, from 5 to 17 bytes, and 1,024 dimensions or more are advised; here one width and
k dimensions, so that the work is that of the others. Named capabilities can be quicker than those it finds by itself.
"""

import numpy as np
import numpy.typing as npt
from stringzilla import Strs
from stringzillas import Fingerprints, __capabilities__

from benches.engines import WINDOW, Engine, K, equal_share

Made = tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint32]]
WIDTHS = np.array([WINDOW], np.uint64)


def engine(name: str, work: str, capabilities: tuple[str, ...] | None) -> Engine:
    """One choice of capabilities."""
    chosen = {} if capabilities is None else {"capabilities": capabilities}
    sketch = Fingerprints(ndim=K, window_widths=WIDTHS, **chosen)
    return Engine(
        "minhash_bytes",
        f"stringzillas{name}",
        "stringzillas-cpus",
        f"bytes as they are; Fingerprints of one width; {work}",
        lambda texts: sketch(Strs(texts)),
        lambda a, b: equal_share(a[0], b[0]),
    )


ENGINES = [engine("", "capabilities by default", None)]
if "skylake" in __capabilities__:
    ENGINES.append(engine(", skylake named", "its AVX-512 body by name", ("serial", "skylake")))

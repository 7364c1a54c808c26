"""Peak memory of a process that makes signatures with one engine, and does nothing else.

``python -m benches.memory PACKAGE ENGINE CORPUS TEXTS`` prints bytes: Python, NumPy, the package, the texts, all their
signatures, and whatever was needed on the way. Linux only.
"""

from __future__ import annotations

import gc
import re
import subprocess
import sys
from pathlib import Path

from benches import corpora
from benches.engines import Engine, load


def of_engine(engine: Engine, corpus: str, texts: int) -> int:
    """Run it in a process of its own."""
    command = [sys.executable, "-m", "benches.memory", engine.package, engine.name, corpus, str(texts)]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def main(package: str, name: str, corpus: str, count: int) -> int:
    """Bytes at the highest point of the run itself, without that of reading the texts."""
    engine = next(e for e in load([package])[0] if e.name == name)
    texts = corpora.named(corpus)[:count]
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")  # forget the highest point so far
    made = engine.signatures(texts)
    peak = re.search(r"(?m)^VmHWM:\s*(\d+) kB$", Path("/proc/self/status").read_text())
    if made is None or peak is None:
        raise OSError("/proc/self/status has no VmHWM")
    return int(peak[1]) * 1024


if __name__ == "__main__":
    print(main(*sys.argv[1:4], int(sys.argv[4])))

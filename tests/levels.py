"""A script run at each level of the kernels: OVERPROOF_KERNEL is read once a process, so each has its own."""

import os
import subprocess
import sys


def run_at(level: str | None, script: str) -> subprocess.CompletedProcess[str]:
    """Run a script in a process of its own, at a level or at the one that it would choose."""
    environment = os.environ | ({} if level is None else {"OVERPROOF_KERNEL": level})
    return subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False)


def levels_of(refused: subprocess.CompletedProcess[str]) -> list[str]:
    """The levels of this machine, which the error about one that is none names."""
    return refused.stderr.strip().rpartition("it has ")[2].split(", ")


def at_every_level(script: str) -> list[str]:
    """What a script prints at each level of this machine."""
    return [run_at(level, script).stdout for level in levels_of(run_at("avx1024", script))]

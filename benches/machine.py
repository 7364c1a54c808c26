"""What a figure was measured on, without naming the computer."""

from __future__ import annotations

import os
import platform
import re
import time
from pathlib import Path
from typing import Any

import numpy as np
import overproof as op
from overproof._core import yardstick_lines, yardstick_multiply, yardstick_utf8

# (vendor, family) or (vendor, family, model) of x86-64 to the name of the design.
DESIGNS: dict[tuple[str | int, ...], str] = {
    ("AuthenticAMD", 23): "amd-zen1-2",
    ("AuthenticAMD", 25): "amd-zen3-4",
    ("AuthenticAMD", 25, 17): "amd-zen4",
    ("AuthenticAMD", 26): "amd-zen5",
    ("GenuineIntel", 6, 85): "intel-skylake-sp",
    ("GenuineIntel", 6, 106): "intel-ice-lake-sp",
    ("GenuineIntel", 6, 143): "intel-sapphire-rapids",
    ("GenuineIntel", 6, 173): "intel-granite-rapids",
    ("GenuineIntel", 6, 207): "intel-emerald-rapids",
}


def describe() -> dict[str, Any]:
    """CPU, number of cores, kernel level, Python and operating system."""
    cpu = dict(re.findall(r"(?m)^([^\t:]+?)\s*: (.*)$", Path("/proc/cpuinfo").read_text().split("\n\n")[0]))
    vendor, family, model = cpu.get("vendor_id", platform.machine()), _int(cpu, "cpu family"), _int(cpu, "model")
    design = DESIGNS.get((vendor, family, model)) or DESIGNS.get((vendor, family))
    return {
        "slug": f"{design or f'{vendor}-{family}-{model}'.lower()}-{os.cpu_count()}c",
        "cpu": cpu.get("model name", platform.processor()),
        "vendor": vendor,
        "family": family,
        "model": model,
        "mhz_reported": cpu.get("cpu MHz"),
        "cores": os.cpu_count(),
        "architecture": platform.machine(),
        "system": platform.system(),
        "build": op.build_info(),
    }


def yardsticks(texts: list[str]) -> dict[str, float]:
    """What this machine does just now, best of 7: other runs are scaled by these.

    `from_utf8`: Rust's own check of UTF-8 over the texts, joined. `multiply`: clock of a chain of multiplications of 64
    bits at 3 cycles each. They were 6.9 GB/s and 2.94 GHz where the goals of the kernels were set.
    """
    data = "".join(texts).encode()
    block = np.ones(1 << 26, np.uint8)
    target = np.empty_like(block)
    steps, passes = 10**7, 20
    return {
        "from_utf8_gb_per_s": passes * len(data) / 1e9 / best(lambda: yardstick_utf8(data, passes, 1)),
        "multiply_ghz": 3 * steps / 1e9 / best(lambda: yardstick_multiply(steps)),
        "memcpy_64mb_gb_per_s": block.nbytes / 1e9 / best(lambda: np.copyto(target, block)),
        "python_loop_ns_per_step": best(lambda: sum(range(10**6))) * 1e3,
    }


def line_ns() -> float:
    """A cache line anywhere in 1 GiB, asked for ahead: the least that a look-up in a large table takes.

    Not among the other yardsticks, which are taken between rounds: a virtual machine that gives 1 GiB back is slow for
    some seconds after.
    """
    return yardstick_lines(1024, 10**6, 5)


def best(function: Any, repeats: int = 7) -> float:
    """Least CPU time of a call, seconds."""
    times = []
    for _ in range(repeats):
        start = time.process_time()
        function()
        times.append(time.process_time() - start)
    return min(times)


def _int(cpu: dict[str, str], field: str) -> int | None:
    return int(cpu[field]) if field in cpu else None

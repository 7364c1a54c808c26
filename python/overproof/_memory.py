"""Amounts of memory, as people write them."""

from __future__ import annotations

import re

from overproof.errors import InputError

_UNITS = {"": 1, "b": 1} | {
    f"{prefix}{ending}": base ** (power + 1)
    for power, prefix in enumerate("kmgt")
    for ending, base in (("b", 1000), ("ib", 1024))
}


def parse_memory(memory: int | str | None) -> int | None:
    """Bytes of `memory`: an int, or a number with a unit such as ``"2GB"`` (10**9) or ``"512 MiB"`` (2**20).

    Raises
    ------
    InputError
        It is neither, or not above 0.

    Examples
    --------
    >>> parse_memory("2GB"), parse_memory("1.5 KiB"), parse_memory(4096), parse_memory(None)
    (2000000000, 1536, 4096, None)
    """
    if memory is None:
        return None
    if isinstance(memory, str):
        found = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)\s*([a-z]*)", memory.strip().lower())
        unit = _UNITS.get(found[2]) if found else None
        size = int(float(found[1]) * unit) if found and unit and len(found[1]) < 20 else 0
    else:
        size = memory if isinstance(memory, int) and not isinstance(memory, bool) else 0
    if not 0 < size < 2**63:
        raise InputError(f'memory={memory!r}: give bytes as an int, or a text such as "2GB" or "512 MiB"')
    return size

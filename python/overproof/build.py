"""What this build is and where it runs: for bug reports, and for results that must be made again."""

from __future__ import annotations

import logging
import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from overproof import _core

__all__ = ["build_info"]

PACKAGES = ("numpy", "scipy", "pyarrow", "jinja2", "click", "rich")

if _core.DEBUG_BUILD:
    logging.getLogger("overproof").warning(
        "this extension was built for tests and is slow; build it with: maturin develop --release (or: make build)"
    )


def build_info() -> dict[str, Any]:
    """Return versions, the kind of build and what it chose on this machine, as plain values.

    Returns
    -------
    dict
        ``version`` of overproof; ``hash``, the name of the frozen specification (docs/spec); ``unicode``, the version
        of the tables that texts are normalised and cut by; ``kernel``, the instruction set of the inner loops, and
        ``threads``, how many a call with ``threads=None`` uses (neither ever changes a value); ``debug``, whether the
        core was built with debug assertions (slow); ``target`` and ``rustc``, what it was compiled for and by;
        ``python``, ``platform``, and under ``packages`` the version of each package that overproof uses, None where it
        is not installed.

    Raises
    ------
    InputError
        The environment variable ``OVERPROOF_KERNEL`` names a level that this machine does not have.

    Examples
    --------
    >>> import overproof as op
    >>> info = op.build_info()
    >>> info["hash"], info["unicode"]
    ('op1', '15.0.0')
    """
    return {
        "version": _core.__version__,
        "hash": _core.HASH,
        "unicode": _core.UNICODE_VERSION,
        "kernel": _core.kernel_level(),
        "threads": _core.get_num_threads(),
        "debug": _core.DEBUG_BUILD,
        "target": _core.TARGET,
        "rustc": _core.RUSTC,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": {name: _version(name) for name in PACKAGES},
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None

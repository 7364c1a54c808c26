"""What this build is: for bug reports, and for results that must be made again."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from overproof import _core

__all__ = ["build_info"]

PACKAGES = ("numpy", "scipy", "pyarrow", "jinja2", "click", "rich")


def build_info() -> dict[str, Any]:
    """Return versions and the kind of build, as plain values.

    Returns
    -------
    dict
        ``version``; ``unicode``, the version of the tables that texts are normalised and cut by; ``debug``, whether the
        core was built with debug assertions (slow); ``threads`` that work uses at most; ``python``, ``platform``, and
        under ``packages`` the version of each package that overproof uses, None where it is not installed.

    Examples
    --------
    >>> import overproof as op
    >>> op.build_info()["unicode"]
    '15.0.0'
    """
    return {
        "version": _core.__version__,
        "unicode": _core.UNICODE_VERSION,
        "debug": _core.DEBUG_BUILD,
        "threads": _core.get_num_threads(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": {name: _version(name) for name in PACKAGES},
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None

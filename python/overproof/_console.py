"""Ctrl-C while the command line loads: the package, and NumPy with it, comes before any line of the command line."""

import os
import sys
from itertools import pairwise
from types import TracebackType

INTERRUPTED = 130
"""The exit code of a program that Ctrl-C ended, as shells count."""


def is_command_line() -> bool:
    """Whether this process is ``overproof`` or ``python -m overproof``, and not a program that uses the library."""
    name = os.path.basename(sys.argv[0]) if getattr(sys, "argv", None) else ""
    if name == "-m":  # what it is called until the module is found
        return ("-m", "overproof") in pairwise(sys.orig_argv)
    return name == "overproof"


def say_interrupted() -> None:
    """One line in place of a traceback."""
    print("overproof: interrupted", file=sys.stderr, flush=True)


def _end(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if not issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    say_interrupted()
    os._exit(INTERRUPTED)  # or Python ends by the signal, whatever a hook says


if is_command_line():
    sys.excepthook = _end

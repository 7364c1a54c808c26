"""The command line; ``overproof --help`` lists the commands.

Exit codes: 0 done, 1 input that cannot be used, 2 wrong usage, 3 more than ``--fail-above``, 130 interrupted.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return its exit code.

    Parameters
    ----------
    arguments : Sequence[str], optional
        Without the program's name; from ``sys.argv`` when None.
    """
    from .._console import INTERRUPTED, say_interrupted
    from .._extras import need
    from ..errors import MissingExtraError

    try:
        need("click", extra="cli")
        need("rich", extra="cli")
        from .run import run

        return run(sys.argv[1:] if arguments is None else arguments)
    except MissingExtraError as error:
        print(f"overproof: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:  # while modules load, or between two commands
        say_interrupted()
        return INTERRUPTED

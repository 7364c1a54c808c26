"""Errors and streams of the command line: what a person sees in place of a traceback."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import click

from ..errors import OverproofError
from ..report.show import one_line

__all__ = ["run"]

INTERRUPTED = 130
BROKEN_PIPE = 141


def run(arguments: Sequence[str]) -> int:
    """Run one command; an error becomes one line on standard error and an exit code."""
    from .commands import overproof

    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        with overproof.make_context("overproof", list(arguments)) as context:
            code = overproof.invoke(context)
        sys.stdout.flush()
    except click.exceptions.Exit as asked:  # --help and --version
        return asked.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        _complain("interrupted")
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # or Python complains once more when it flushes at its end
        return BROKEN_PIPE
    except OverproofError as error:
        _complain(str(error))
        return 1
    except OSError as error:
        _complain(f"{error.filename}: {error.strerror}" if error.filename is not None else str(error))
        return 1
    except MemoryError:
        _complain("out of memory; compare fewer texts at once, or on a larger machine")
        return 1
    return code if isinstance(code, int) else 0


def _complain(message: str) -> None:
    print(f"overproof: {one_line(message)}", file=sys.stderr)

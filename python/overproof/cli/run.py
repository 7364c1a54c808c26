"""Errors and streams of the command line: what a person sees in place of a traceback."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping, Sequence

import click

from .._console import INTERRUPTED, say_interrupted
from ..errors import OverproofError
from ..report.show import one_line

__all__ = ["in_options", "run"]

BROKEN_PIPE = 141
OPTIONS = (
    (re.compile(r"\bextra_fields\b"), "--field"),
    (re.compile(r'pass missing="keep" to keep it as missing, or '), ""),
    (re.compile(r'\berrors="(raise|skip|replace)"'), r"--errors \1"),
    (re.compile(r"\b(served|suspect|control|background)_(text|prompt|id)_field\b(?!=)"), r"--\1-\2-field"),
    (re.compile(r"\b(text|prompt|id|account|time|conversation)_field(?: \(--\1-field\))?(?![\w=])"), r"--\1-field"),
)
"""What the library calls an argument, and the option that sets it here."""
LEAVE_OUT = r'or pass errors="skip" to leave such lines out and count them'
WITHOUT_ERRORS = (
    (re.compile(r'pass missing="keep" to keep it as missing, ' + LEAVE_OUT), "mend it"),
    (re.compile(r', pass errors="replace" to put U\+FFFD there'), ""),
    (re.compile(r"[,;] " + LEAVE_OUT), ""),
)
"""What a command that has no ``--errors`` does not advise."""


def run(arguments: Sequence[str]) -> int:
    """Run one command; an error becomes one line on standard error and an exit code."""
    from . import investigating, logs, plans, provenance, screens  # noqa: F401  (they register their commands)
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
        say_interrupted()
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # or Python complains once more when it flushes at its end
        return BROKEN_PIPE
    except OverproofError as error:
        _complain(in_options(str(error), errors="--errors" in _options(overproof.commands, context)))
        return 1
    except OSError as error:
        _complain(f"{error.filename}: {error.strerror}" if error.filename is not None else str(error))
        return 1
    except MemoryError:
        _complain("out of memory; compare fewer texts at once, or on a larger machine")
        return 1
    return code if isinstance(code, int) else 0


def in_options(message: str, *, errors: bool = True) -> str:
    """Say in options what a message of the library says in arguments of a function; `errors` whether there is --errors.

    Examples
    --------
    >>> in_options('line 1: has no field "output": give text_field, or pass errors="skip" to leave it out')
    'line 1: has no field "output": give --text-field, or pass --errors skip to leave it out'
    """
    for argument, option in (*(() if errors else WITHOUT_ERRORS), *OPTIONS):
        message = argument.sub(option, message)
    return message


def _options(commands: Mapping[str, click.Command], context: click.Context) -> set[str]:
    """The options of the command that ran, or of all commands of a group."""
    ran = commands[context.invoked_subcommand or ""]
    those = ran.commands.values() if isinstance(ran, click.Group) else [ran]
    return {option for one in those for parameter in one.params for option in parameter.opts}


def _complain(message: str) -> None:
    print(f"overproof: {one_line(message)}", file=sys.stderr)

"""What every summary for the terminal is written on: tables and lines of a fixed width, as one string."""

from __future__ import annotations

import os
import sys
from io import StringIO
from typing import TYPE_CHECKING, TypedDict

from .._extras import need

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["Sheet", "Terminal", "of_stdout"]

PLAIN = str.maketrans({"“": '"', "”": '"', "–": "-", "…": "...", "⟨": "<", "⟩": ">", "∞": "inf"})


class Terminal(TypedDict):
    """What a summary has to know of the terminal, as options of `Sheet`."""

    width: int
    color: bool
    ascii_only: bool


def of_stdout() -> Terminal:
    """Find out what standard output can show: colours and its own width on a terminal, else 80 plain columns.

    Raises
    ------
    MissingExtraError
        Without rich.
    """
    need("rich", extra="cli")
    from rich.console import Console

    terminal = sys.stdout.isatty()
    plain = not terminal or "NO_COLOR" in os.environ or os.environ.get("TERM") == "dumb"
    return {
        "width": Console().width if terminal else 80,
        "color": not plain,
        "ascii_only": not _draws(sys.stdout.encoding),
    }


def _draws(encoding: str | None) -> bool:
    """Find out whether an encoding has the characters of the tables."""
    try:
        "─“”…–⟨⟩".encode(encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True


class Sheet:
    """Lines and tables for a terminal.

    Parameters
    ----------
    width : int
        Columns of the terminal.
    color : bool
        With ANSI colours; without, plain characters only.
    ascii_only : bool
        Draw rules in ASCII, for terminals that know nothing else; characters of the data are escaped.

    Raises
    ------
    MissingExtraError
        Without rich.
    """

    def __init__(self, *, width: int, color: bool, ascii_only: bool) -> None:
        need("rich", extra="cli")
        from rich import box
        from rich.console import Console

        self._out = StringIO()
        self._ascii_only = ascii_only
        self._box = box.ASCII2 if ascii_only else box.SIMPLE_HEAD
        self._console = Console(
            file=self._out,
            width=width,
            force_terminal=color,
            color_system="standard" if color else None,
            no_color=not color,
            markup=False,
            emoji=False,
            highlight=False,
            legacy_windows=False,
        )

    def table(self, *columns: str, title: str, words_in: int = 1) -> Table:
        """Start a table whose first columns hold words, the others figures; `print` puts it onto the sheet."""
        from rich.table import Table

        made = Table(
            box=self._box, title=title, title_justify="left", title_style="bold", pad_edge=False, collapse_padding=True
        )
        for number, column in enumerate(columns):
            figures = number >= words_in
            made.add_column(column, justify="right" if figures else "left", overflow="fold", no_wrap=figures)
        return made

    def print(self, what: str | Table = "", *, style: str | None = None) -> None:
        """Add a line, wrapped to the width, or a table, with an empty line before it."""
        so_far = self._out.getvalue()
        if not isinstance(what, str) and so_far and so_far.rstrip(" \n").count("\n") + 1 >= so_far.count("\n"):
            self._console.print()
        self._console.print(what, style=style)

    def text(self) -> str:
        """Return all of it: lines that end in a newline, without spaces at their ends."""
        text = "\n".join(line.rstrip() for line in self._out.getvalue().split("\n"))
        return text.translate(PLAIN).encode("ascii", "backslashreplace").decode() if self._ascii_only else text

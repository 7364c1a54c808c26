"""What a person sees while he waits: bars on standard error, and what the reader guessed."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import PurePath
from typing import NamedTuple

from ..report.show import one_line

__all__ = ["Bars", "told", "watched"]


class Bars(NamedTuple):
    """Functions that move the bars; None where nobody looks."""

    reading: Callable[[str | PurePath], Callable[[int, int], None]] | None
    """Called with the name of a file; gives what is called with (bytes done, bytes in all)."""
    comparing: Callable[[str, int, int], None] | None
    """Called with (stage, done, total)."""

    def read(self, name: str | PurePath) -> Callable[[int, int], None] | None:
        """Return the function that moves the bar of one file."""
        return self.reading(name) if self.reading else None


@contextmanager
def watched(*, quiet: bool = False) -> Iterator[Bars]:
    """Show bars while the work goes on, if standard error is a terminal and not `quiet`."""
    if quiet or not sys.stderr.isatty():
        yield Bars(None, None)
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        comparison = bars.add_task("comparing", total=None, visible=False)

        def reading(name: str | PurePath) -> Callable[[int, int], None]:
            task = bars.add_task(f"reading {one_line(PurePath(name).name)}", total=None)
            return lambda done, total: bars.update(task, completed=done, total=total)

        def comparing(stage: str, done: int, total: int) -> None:
            bars.update(comparison, description=one_line(stage), completed=done, total=total, visible=True)

        yield Bars(reading, comparing)


@contextmanager
def told(*, quiet: bool = False) -> Iterator[None]:
    """Print on standard error what the library logs, such as the fields that it guessed."""

    class ToStderr(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            print(f"overproof: {one_line(record.getMessage())}", file=sys.stderr)

    log, handler = logging.getLogger("overproof"), ToStderr(logging.WARNING if quiet else logging.INFO)
    before = log.level
    log.addHandler(handler)
    log.setLevel(handler.level)
    try:
        yield
    finally:
        log.removeHandler(handler)
        log.setLevel(before)

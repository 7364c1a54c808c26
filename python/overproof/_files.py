"""Files that are there whole or not at all."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from overproof.errors import InputError


def check_writable(path: str | os.PathLike[str]) -> None:
    """Refuse a path that cannot be written, before the work whose result it shall hold.

    Raises
    ------
    InputError
        The folder is missing or may not be written, or the path is a folder; the message says which and what to do.

    Examples
    --------
    >>> check_writable("missing/report.html")
    Traceback (most recent call last):
        ...
    overproof.errors.InputError: missing/report.html cannot be written: there is no folder missing: make it
    """
    target = Path(path)
    if target.is_dir():
        raise InputError(f"{target} cannot be written: it is a folder; name a file in it")
    if target.exists() and not target.is_file():
        return
    folder = target.parent
    if not folder.exists():
        raise InputError(f"{target} cannot be written: there is no folder {folder}: make it")
    try:
        part = _sibling(target)
        part.open("xb").close()
        part.unlink()
    except OSError as error:
        what = (
            f"its folder {folder} may not be written ({error.strerror}): choose another one or change its permissions"
        )
        raise InputError(f"{target} cannot be written: {what}") from error


def _sibling(target: Path) -> Path:
    """A new name beside `target`, with the same ending."""
    return target.with_name(f".{target.stem}.{secrets.token_hex(4)}.part{target.suffix}")


@contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a temporary path to write to; at the end it takes the place of `path`, after an error it is removed.

    Nobody ever sees half a file under the final name, Ctrl-C and a full disk included. A device such as
    ``/dev/stdout`` is written directly.

    Raises
    ------
    InputError
        As `check_writable`.
    OSError
        As the body raises it; where it names no file, as for a full disk, it names `path`.

    Examples
    --------
    >>> with atomic_path("out.txt") as temporary:                                   # doctest: +SKIP
    ...     temporary.write_text("whole")
    """
    check_writable(path)
    given = Path(path)
    if given.exists() and not given.is_file():  # not its real path: that of a pipe's descriptor is no file's name
        with _naming(path):
            yield given
        return
    target = Path(os.path.realpath(path))
    part = _sibling(target)
    try:
        with _naming(path):
            part.open("xb").close()
            yield part
            with part.open("rb+") as written:
                os.fsync(written.fileno())
            part.replace(target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


@contextmanager
def _naming(path: str | os.PathLike[str]) -> Iterator[None]:
    """Give an error of the system that names no file, as a write to a full disk does, the name of `path`."""
    try:
        yield
    except OSError as error:
        if error.errno is not None and error.filename is None:
            error.filename = os.fspath(path)
        raise

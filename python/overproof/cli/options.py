"""Values of options: fields by role, named controls, shares, and outputs that are checked before the work begins."""

from __future__ import annotations

import glob
import os
import re
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click

from .._files import atomic_path, check_writable
from ..errors import InputError

__all__ = [
    "SHARE",
    "Sections",
    "check_inputs",
    "check_outputs",
    "check_parquet",
    "field_options",
    "fields_of",
    "key_kept",
    "named_paths",
    "naming",
    "of_side",
    "read_key",
]

Command = TypeVar("Command", bound=Callable[..., Any])

KINDS = {
    "text": "holds the text; a path where it lies deeper, such as response.choices.0.message.content",
    "prompt": "holds the prompt, whose n-grams are subtracted",
    "id": "names the row",
}
NONE = {"text": "", "prompt": '; "" for none', "id": '; "" for none'}
ROLES = {"served": tuple(KINDS), "suspect": tuple(KINDS), "control": tuple(KINDS), "background": ("text", "id")}
SERVED_ONLY = {
    "account": "names the account a text was served to",
    "time": "holds the time a text was served",
}


def field_options(command: Command) -> Command:
    """Add ``--text-field`` and the like for all inputs, and ``--suspect-text-field`` and the like for one."""
    options = [(f"--{kind}-field", f"Field that {what}; guessed when not given.") for kind, what in KINDS.items()]
    options += [(f"--{kind}-field", f"Field of served files that {what}.") for kind, what in SERVED_ONLY.items()]
    for role, kinds in ROLES.items():
        options += [(f"--{role}-{kind}-field", f"Instead of --{kind}-field{NONE[kind]}.") for kind in kinds]
    for name, purpose in reversed(options):
        command = click.option(name, metavar="FIELD", help=purpose)(command)
    return command


def fields_of(role: str, chosen: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of one role's files, as keywords of `overproof.read_corpus`; an empty name means none."""
    fields: dict[str, Any] = {}
    for kind in KINDS:
        of_role, of_all = chosen.get(f"{role}_{kind}_field"), chosen.get(f"{kind}_field")
        name = of_all if of_role is None else of_role
        if kind not in ROLES[role]:
            fields[f"{kind}_field"] = False
        elif name is not None:
            fields[f"{kind}_field"] = name or False
    if role == "served":
        fields |= {f"{kind}_field": name for kind in SERVED_ONLY if (name := chosen.get(f"{kind}_field"))}
    return fields


@contextmanager
def of_side(role: str) -> Iterator[None]:
    """Where an error advises a field, advise that of this side: another for all inputs would not suit the other side.

    Raises
    ------
    InputError
        As the body raises it, with ``suspect_text_field`` in place of ``text_field``.
    """
    try:
        yield
    except InputError as error:
        kinds = "|".join(ROLES[role])
        raise InputError(re.sub(rf"\bgive ({kinds})_field\b", rf"give {role}_\1_field", str(error))) from error


class Sections(click.Command):
    """A command whose help lists the fields apart from the other options."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options in three lists: all others, fields, fields of one side."""
        lists: dict[str, list[tuple[str, str]]] = {"Options": [], "Fields": [], "Fields of one side": []}
        for one in self.get_params(ctx):
            record = one.get_help_record(ctx)
            if record is not None and isinstance(one, click.Option):
                field = (one.name or "").endswith("_field")
                of_a_role = (one.name or "").startswith(tuple(f"{role}_" for role in ROLES))
                title = "Fields of one side" if field and of_a_role else "Fields" if field else "Options"
                lists[title].append(record)
        for title, records in lists.items():
            if records:
                with formatter.section(title):
                    formatter.write_dl(records)


class _Share(click.ParamType[float]):
    """A share: ``0.01`` or ``1%``."""

    name = "SHARE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        try:
            text = str(value).strip()
            share = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
        except ValueError:
            share = float("nan")
        if not 0 <= share <= 1:
            self.fail(f"{value!r} must be a share from 0 to 1, such as 0.01 or 1%", param, ctx)
        return share


SHARE = _Share()


def named_paths(given: Sequence[str], option: str = "--control") -> dict[str, str]:
    """Split ``name=path``; a corpus without a name is called by its file.

    Examples
    --------
    >>> named_paths(["people=a/b.jsonl", "c/poems.jsonl.zst"])
    {'people': 'a/b.jsonl', 'poems': 'c/poems.jsonl.zst'}
    """
    named: dict[str, str] = {}
    for one in given:
        name, equals, path = one.partition("=")
        if not equals or os.sep in name or os.path.exists(one):
            name, path = Path(one).name.partition(".")[0] or one, one
        if not name or not path:
            raise click.BadParameter(f"{one!r} must be PATH or NAME=PATH", param_hint=option)
        if name == "suspect" and option == "--control":
            raise click.BadParameter("a control cannot be called 'suspect'; use NAME=PATH", param_hint="--control")
        if name in named:
            raise click.BadParameter(f"two corpora are called {name!r}; use NAME=PATH", param_hint=option)
        named[name] = path
    return named


def check_inputs(inputs: Sequence[str]) -> None:
    """Find out before the first file is read whether all are there.

    Raises
    ------
    InputError
        A path is ``-``, or there is no such file.
    """
    for path in inputs:
        if path == "-" and not os.path.exists(path):
            raise InputError("-: standard input is not read, since files are read twice: write it to a file first")
        if not os.path.exists(path) and not glob.has_magic(path):
            raise InputError(f"{path}: there is no such file: check the path")


def read_key(path: str, option: str) -> bytes:
    """Read a secret key from its file.

    Raises
    ------
    InputError
        There is no such file, or it holds no 16 to 64 bytes.
    """
    from ..evidence.selection import is_key

    check_inputs([path])
    key = Path(path).read_bytes()
    if not is_key(key):
        raise InputError(f"{option}: {path} holds {len(key)} bytes; a key has 16 to 64 random ones")
    return key


@contextmanager
def key_kept(path: str, option: str, *, make: bool = True) -> Iterator[bytes]:
    """Read a secret key; with `make` a missing one is made, and kept for its owner alone unless the body fails.

    Raises
    ------
    InputError
        As `read_key`, or as `check_writable`.
    """
    if not make or os.path.exists(path):
        yield read_key(path, option)
        return
    made = secrets.token_bytes(32)
    with atomic_path(path) as part:
        part.chmod(0o600)
        part.write_bytes(made)
        yield made


def check_parquet(option: str, path: str | None) -> None:
    """Refuse a name that says of a Parquet file that it is something else; a device has no ending.

    Raises
    ------
    InputError
        The name ends otherwise.
    """
    if (
        path is None
        or path.lower().endswith((".parquet", ".pq"))
        or (os.path.exists(path) and not os.path.isfile(path))
    ):
        return
    raise InputError(f"{option}: {path} would hold Parquet: give a name that ends in .parquet")


def check_outputs(outputs: Mapping[str, str | None], inputs: Sequence[str]) -> None:
    """Find out before the work begins whether every output can be written.

    Raises
    ------
    InputError
        The folder is missing or not writable, the path is a folder, or names an input or another output.
    """
    taken = {os.path.realpath(path): "an input" for path in inputs}
    for option, path in outputs.items():
        if path is None:
            continue
        if path == "-":
            raise InputError(f"{option}: the result is written to a file, not to standard output; give a name")
        try:
            check_writable(path)
        except InputError as error:
            raise InputError(f"{option}: {error}") from error
        real = os.path.realpath(path)
        if real in taken:
            raise InputError(f"{option}: {path} is also {taken[real]}; choose another name")
        taken[real] = f"the value of {option}"


@contextmanager
def naming(option: str) -> Iterator[None]:
    """Say which option's file it is that cannot be written, such as on a full disk.

    Raises
    ------
    InputError
        In place of an error of the system that names a file; a reader who went away stays what it is.
    """
    try:
        yield
    except OSError as error:
        if error.filename is None or isinstance(error, BrokenPipeError):
            raise
        raise InputError(f"{option}: {error.filename} cannot be written: {error.strerror}") from error

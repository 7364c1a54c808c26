"""Corpora from files and frames: JSON lines, plain lines, Parquet, anything that gives an Arrow stream."""

from __future__ import annotations

import glob
import json
import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np

from overproof import _core
from overproof._core import TextColumn
from overproof._source import HEAD, PathLike, Progress, Reading, Taken, drain
from overproof._tables import head_parquet, open_frame, read_batches, read_parquet
from overproof.corpus import Corpus, Source
from overproof.errors import InputError

__all__ = ["read_corpus"]

log = logging.getLogger("overproof")

FieldLike: TypeAlias = str | Sequence[str] | None

#: Names by which a field is known, the likeliest first.
TEXT_FIELDS = (
    "text",
    "output",
    "response",
    "completion",
    "answer",
    "content",
    "generated_text",
    "messages",
    "conversations",
)
PROMPT_FIELDS = ("prompt", "instruction", "question", "input", "query", "messages")
ID_FIELDS = ("id", "request_id", "doc_id", "uuid", "guid", "_id")

PACKED = (".gz", ".zst", ".zstd")
FORMS = {
    ".jsonl": "json",
    ".ndjson": "json",
    ".jsonlines": "json",
    ".json-lines": "json",
    ".json": "json",
    ".txt": "plain",
    ".parquet": "parquet",
    ".pq": "parquet",
}
READABLE = ".jsonl, .json-lines, .ndjson, .txt (each also .gz or .zst) and .parquet"

#: The columns of a corpus by their names in the core.
COLUMNS = {
    "id": "ids",
    "prompt": "prompts",
    "account": "accounts",
    "time": "times",
    "conversation": "conversations",
}


def read_corpus(
    path_or_frame: PathLike | Sequence[PathLike] | Any,
    *,
    text_field: str | None = None,
    prompt_field: FieldLike | Literal[False] = None,
    role: str | None = None,
    id_field: str | Literal[False] | None = None,
    account_field: str | None = None,
    time_field: str | None = None,
    conversation_field: str | None = None,
    extra_fields: Mapping[str, str] | None = None,
    errors: Literal["raise", "skip", "replace"] = "raise",
    missing: Literal["refuse", "keep"] = "refuse",
    max_line: int = 1 << 28,
    limit: int | None = None,
    progress: Progress | None = None,
    name: str | None = None,
    threads: int | None = None,
) -> Corpus:
    r"""Read texts, and what is known of them, from files or a frame.

    Parameters
    ----------
    path_or_frame : path, list of paths, or frame
        JSON lines (``.jsonl``, ``.json-lines``, ``.ndjson``) or plain lines (``.txt``), as they are or packed by gzip
        or zstd (told by the first bytes, not the name); Parquet; a folder (its files of these kinds, but for names that
        start with ``.`` or ``_``) or a pattern such as ``logs/*.jsonl.zst``, in order of name; or a frame of pandas,
        polars or Arrow (anything with ``__arrow_c_stream__``). Parquet and frames need the extra ``arrow``.
    text_field, prompt_field, id_field : str, optional
        The field of each column: a key, or keys and list positions joined by dots
        (``"response.choices.0.message.content"``). None guesses it from the first rows and says so: in
        ``Corpus.guessed`` and in the log ``overproof`` (level INFO). Several prompt fields are joined by a line break,
        empty ones left out. False: the column is not wanted.
    role : str, optional
        Whose messages to take where the text field holds a list of messages (``{"role" or "from", "content" or
        "value"}``): each becomes one row, with the messages before it (joined by an empty line) as its prompt, unless
        a prompt field is given. ``"assistant"`` also takes ``gpt``, ``model``, ``bot``, and is what is guessed;
        ``"user"`` also takes ``human``, ``prompter``.
    account_field, time_field, conversation_field : str, optional
        Not guessed. Ids, accounts, times and conversations are strings or numbers; numbers keep their digits.
    extra_fields : mapping of str to str, optional
        Further columns by name, each with its field, such as ``{"model": "request.model"}``: they become
        ``Corpus.extra``. Strings stay as they are, other values become their JSON text without white space; null and
        "not there" are None.
    errors : {"raise", "skip", "replace"}
        What to do with a line that cannot be used: end with an error that names it; leave it out and count it in
        ``Corpus.skipped``; as ``"raise"``, but bytes that are not UTF-8 and lone surrogates become U+FFFD, counted.
    missing : {"refuse", "keep"}
        Whether a text that is null (or whose field is not there) is a bad line, or is kept as a missing text.
    max_line : int
        Bytes that one line may have. Longer ones are never read whole into memory.
    limit : int, optional
        Rows after which to stop.
    progress : callable, optional
        Called with (bytes done, bytes in all) about every 0.1 s, on the calling thread; packed bytes. Not for frames.
    name : str, optional
        What reports call the corpus; by default the name of the file or folder.
    threads : int, optional
        Threads that parse; None = all cores. Rows and errors do not depend on it.

    Returns
    -------
    Corpus
        In order of files and lines; ``.sources`` holds for each file its SHA-256, computed in the same pass, and what
        was skipped; ``.row_of(i)`` the file and line of row i. Blank lines are no rows, and are counted.

    Raises
    ------
    FileNotFoundError, IsADirectoryError, PermissionError
        The file cannot be opened.
    FormatError
        The packed data is cut off or damaged.
    InputError
        A line cannot be used, a field is not there, there is no row at all. The message names file, line and field, and
        what to do.
    MissingExtraError
        Parquet or a frame without pyarrow.

    Notes
    -----
    One pass. JSON lines: O(bytes), several hundred MB/s; memory is that of the columns asked for and some blocks of
    1 MiB for each thread. Lines end at ``\n`` alone: U+2028 and U+0085 stay in texts. A byte order mark of UTF-8 at the
    start is passed over. Of a key that is given twice the last counts, as in Python's `json`.

    Examples
    --------
    >>> import overproof as op
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "answers.jsonl")
    ...     _ = path.write_text('{"id": 7, "question": "Why?", "answer": "Because."}\n')
    ...     corpus = op.read_corpus(path)
    >>> corpus
    Corpus('answers', 1 texts, ids, prompts)
    >>> corpus.guessed
    {'text_field': 'answer', 'prompt_field': 'question', 'id_field': 'id'}
    """
    named = {
        "text": text_field,
        "prompt": prompt_field,
        "id": id_field,
        "account": account_field,
        "time": time_field,
        "conversation": conversation_field,
    }
    plan = Reading(_named(named), role, errors, missing, max_line, threads, extra=_further(extra_fields))
    _check(plan, limit)
    if hasattr(path_or_frame, "__arrow_c_stream__"):
        plan, taken = _read_frame(path_or_frame, plan, limit)
        return _corpus([(None, taken)], plan, name)
    paths = _expand(path_or_frame)
    plan = _with_guesses(plan, paths, text_field is None)
    found: list[tuple[str | None, Taken]] = []
    sizes = [os.path.getsize(path) if os.path.isfile(path) else 0 for path in paths]
    left = limit
    for number, path in enumerate(paths):
        done = sum(sizes[:number])
        report = None if progress is None else _offset(progress, done, sum(sizes))
        taken = _read_file(path, plan, left, report)
        found.append((str(path), taken))
        left = None if left is None else left - taken.rows
        if left == 0:
            break
    if left != 0:
        _check_seen(found, plan, str(path_or_frame))
    return _corpus(found, plan, name or _name(path_or_frame))


def field_names(path_or_frame: Any, *, errors: str = "raise") -> list[str]:
    """The fields on the first rows of each file, or of a frame: what names can be guessed from.

    Examples
    --------
    >>> import pyarrow
    >>> field_names(pyarrow.table({"text": ["a"], "model": ["m"]}))
    ['text', 'model']
    """
    if hasattr(path_or_frame, "__arrow_c_stream__"):
        frame = path_or_frame  # pandas and polars say columns, Arrow schema; a stream can be read only once
        names = frame.columns if hasattr(frame, "iloc") else frame.schema.names
        return list(map(str, names() if callable(names) else names))
    plan = Reading({}, None, errors, "keep", 1 << 28, None)
    found: dict[str, None] = {}
    for path in _expand(path_or_frame):
        form = _form_of(path, plan)
        if form != "plain":
            rows = head_parquet(path) if form == "parquet" else _head_json(path, plan)
            found |= dict.fromkeys(key for row in rows for key in row)
    return list(found)


def _further(extra: Mapping[str, str] | None) -> dict[str, str]:
    """The fields of further columns, whose names are free."""
    fields = dict(extra or {})
    for name, path in fields.items():
        if not isinstance(name, str) or not isinstance(path, str) or not name or not path:
            raise InputError(f"extra_fields: {name!r}: {path!r} must be the name of a column and its field")
        if name in ("text", "line", *COLUMNS):
            raise InputError(f"extra_fields: {name!r} is the name of a column of its own: give {name}_field")
    return fields


def _check_seen(found: Sequence[tuple[str | None, Taken]], plan: Reading, where: str) -> None:
    """Refuse a further column whose field is nowhere, if there is any row."""
    seen = set[str]().union(*(taken.seen for _, taken in found))
    missing = [path for name, path in plan.extra.items() if name not in seen]
    if missing and any(taken.rows for _, taken in found):
        raise InputError(f"{where}: no line has the field {missing[0]!r}: check extra_fields")


def _named(named: Mapping[str, object]) -> dict[str, tuple[str, ...]]:
    """The fields that the caller named; an empty tuple says that a column is not wanted."""
    fields: dict[str, tuple[str, ...]] = {}
    for column, value in named.items():
        if value is False and column in ("prompt", "id"):
            fields[column] = ()
        elif isinstance(value, str):
            fields[column] = (value,)
        elif column == "prompt" and isinstance(value, Sequence) and all(isinstance(path, str) for path in value):
            fields[column] = tuple(map(str, value))
        elif value is not None:
            raise InputError(f"{column}_field is {value!r}: give the name of a field")
    return fields


def _check(plan: Reading, limit: int | None) -> None:
    """Refuse options that no reader knows, before a file is opened."""
    for option, value, choices in (
        ("errors", plan.errors, ("raise", "skip", "replace")),
        ("missing", plan.missing, ("refuse", "keep")),
    ):
        if value not in choices:
            raise InputError(f"{option} is {value!r}: give one of {', '.join(choices)}")
    for option, number in (("max_line", plan.max_line), ("limit", limit), ("threads", plan.threads)):
        if number is not None and (not isinstance(number, int) or number < 1):
            raise InputError(f"{option} is {number!r}: give a whole number from 1")


def _offset(progress: Progress, done: int, total: int) -> Progress:
    return lambda here, _: progress(done + here, total)


def _name(path: Any) -> str | None:
    """The name of a file without its endings, or of a folder."""
    if not isinstance(path, str | os.PathLike):
        return None
    file = Path(path)
    while file.suffix in PACKED or file.suffix in FORMS:
        file = file.with_suffix("")
    return file.name or str(path)


def _expand(paths: Any) -> list[Path]:
    """The files behind a path, a folder, a pattern, or a list of these."""
    if isinstance(paths, list | tuple) and paths and all(isinstance(path, str | os.PathLike) for path in paths):
        return [file for path in paths for file in _expand(path)]
    if not isinstance(paths, str | os.PathLike):
        raise InputError(
            f"read_corpus takes a path, a list of paths or a frame, not {type(paths).__name__}; "
            "texts that you have in memory go into op.Corpus(texts)"
        )
    path = Path(paths)
    if path.is_dir():
        files = sorted(file for file in path.iterdir() if _form(file) and file.is_file() and file.name[0] not in "._")
        if not files:
            raise InputError(f"{path}: the folder holds no file of a kind that is read ({READABLE})")
        return files
    if not path.exists() and glob.has_magic(str(path)):
        files = sorted(Path(file) for file in glob.glob(str(path), recursive=True) if os.path.isfile(file))
        if not files:
            raise InputError(f"{path}: no file fits this pattern")
        return files
    if path.exists() and not path.is_file():
        raise InputError(f"{path}: is a pipe or a device, which can be read only once: write it to a file first")
    return [path]


def _form(path: Path) -> str | None:
    """The form of a file by its name."""
    bare = path.with_suffix("") if path.suffix in PACKED else path
    return FORMS.get(bare.suffix.lower())


def _form_of(path: Path, plan: Reading) -> str:
    """The form of a file by its name, else by its first line."""
    form = _form(path)
    if form is not None:
        return form
    lines = _core.head(path, 1, max_line=plan.max_line, skip=plan.errors == "skip")
    if lines and not lines[0].lstrip("\ufeff \t").startswith("{"):
        table = path.suffix.lower() in (".csv", ".tsv", ".xlsx")
        hint = (
            "tables of this kind are not read: write it as Parquet or JSON lines first" if table else "not JSON lines"
        )
        raise InputError(f"{path}: its name and its first line fit no form that is read ({READABLE}): {hint}")
    return "json"


def _with_guesses(plan: Reading, paths: Sequence[Path], guess_text: bool) -> Reading:
    """The plan with the fields that the first rows suggest."""
    for path in paths:
        form = _form_of(path, plan)
        if form == "plain":
            continue
        rows = head_parquet(path) if form == "parquet" else _head_json(path, plan)
        if rows:
            guessed = _guess(plan, rows, str(path))
            if guessed.guessed:
                told = ", ".join(f"{option}={value!r}" for option, value in guessed.guessed.items())
                log.info("%s: guessed %s", path, told)
            return guessed
    # No row to learn from: the reader will say what is wrong with the first line.
    return replace(plan, fields={"text": ("text",), **plan.fields}) if guess_text else plan


def _head_json(path: Path, plan: Reading) -> list[dict[str, Any]]:
    rows = []
    for line in _core.head(path, HEAD, max_line=plan.max_line, skip=plan.errors == "skip"):
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            continue  # the reader tells of it, with its line
        if isinstance(row, dict):
            rows.append(row)
    return rows


def _guess(plan: Reading, rows: Sequence[Mapping[str, Any]], where: str) -> Reading:
    """Fill in what the caller did not name."""
    fields, guessed = dict(plan.fields), dict(plan.guessed)
    seen = list(dict.fromkeys(key for row in rows for key in row))

    def texts(name: str) -> bool:
        values = [row[name] for row in rows if name in row]
        return bool(values) and all(
            value is None or isinstance(value, str) or value == [] or _is_chat(value) for value in values
        )

    def scalars(name: str) -> bool:
        values = [row[name] for row in rows if name in row]
        return bool(values) and all(value is None or isinstance(value, str | int | float) for value in values)

    if "text" not in fields:
        text = next(filter(texts, TEXT_FIELDS), None)
        if text is None:
            named = next((name for name in TEXT_FIELDS if name in seen), None)
            no_text = "" if named is None else f"{named!r} holds neither strings nor lists of messages; "
            raise InputError(
                f"{where}: cannot tell which field holds the text; {no_text}its fields are "
                f"{', '.join(map(str, seen))}: give text_field"
            )
        fields["text"] = (text,)
        guessed["text_field"] = text
    text = fields["text"][0]
    chat = any(_is_chat(_at(row, text)) for row in rows)
    role = plan.role
    if chat and role is None:
        role = guessed["role"] = "assistant"
    if "prompt" not in fields:
        found = [name for name in PROMPT_FIELDS if name != text and texts(name)]
        if found and not chat:
            both = found[0] == "instruction" and "input" in found
            fields["prompt"] = ("instruction", "input") if both else (found[0],)
            guessed["prompt_field"] = " + ".join(fields["prompt"])
    if "id" not in fields:
        name = next(filter(scalars, ID_FIELDS), None)
        if name is not None:
            fields["id"] = (name,)
            guessed["id_field"] = name
    return replace(plan, fields=fields, role=role, guessed=guessed)


def _is_chat(value: Any) -> bool:
    """Whether a value is a list of messages."""
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(item, dict) and ("role" in item or "from" in item) for item in value)
    )


def _at(row: Any, path: str) -> Any:
    """The value at a path of dots, None if there is none."""
    if isinstance(row, Mapping) and path in row:
        return row[path]
    key, dot, rest = path.partition(".")
    if not dot:
        return row[int(key)] if isinstance(row, list) and key.isdecimal() and int(key) < len(row) else None
    return _at(_at(row, key), rest)


def _read_file(path: Path, plan: Reading, limit: int | None, progress: Progress | None) -> Taken:
    form = _form_of(path, plan)
    if form == "parquet":
        return read_parquet(path, plan, limit, progress)
    return drain(plan.reader(path, form=form, limit=limit), plan, progress)


def _read_frame(frame: Any, plan: Reading, limit: int | None) -> tuple[Reading, Taken]:
    rows, batches, names = open_frame(frame)
    plan = _guess(plan, rows, "the frame")
    if plan.guessed:
        log.info("frame: guessed %s", ", ".join(f"{option}={value!r}" for option, value in plan.guessed.items()))
    taken = read_batches(batches, plan, "frame", names, limit)
    _check_seen([(None, taken)], plan, "the frame")
    return plan, taken


def _corpus(found: Sequence[tuple[str | None, Taken]], plan: Reading, name: str | None) -> Corpus:
    """All that was read as one corpus."""
    sources = [taken.source(path) for path, taken in found]
    if not any(source.rows for source in sources):
        raise InputError("; ".join(_no_rows(source) for source in sources))
    for source in sources:
        left_out = {reason: n for reason, n in source.skipped.items() if reason != "blank line"}
        if left_out:
            log.warning("%s: lines left out or changed: %s", source.path, _counted(source, left_out))
    blocks = [block for _, taken in found for block in taken.blocks]

    def column(key: str) -> TextColumn | None:
        if not any(key in block for block in blocks):
            return None
        parts = [block[key] if key in block else _nothing(len(block["line"])) for block in blocks]
        return parts[0] if len(parts) == 1 else TextColumn.concat(parts)

    beside: dict[str, Any] = {attribute: column(key) for key, attribute in COLUMNS.items()}
    rows = sum(source.rows for source in sources)
    return Corpus(
        column("text"),
        **beside,
        extra={name: _nothing(rows) if (values := column(name)) is None else values for name in plan.extra},
        rows=np.concatenate([block["line"] for block in blocks]),
        name=name,
        sources=sources,
        source_of=np.repeat(np.arange(len(sources), dtype=np.int32), [source.rows for source in sources]),
        fields={key: " + ".join(paths) for key, paths in plan.asked.items() if paths},
        guessed=plan.guessed,
        missing="keep",
    )


def _nothing(n: int) -> TextColumn:
    return TextColumn([None] * n, missing="keep")


def _counted(source: Source, lines: Mapping[str, int]) -> str:
    """How many lines for each reason, and where the first is; a reason reads the same for one and for many."""
    return ", ".join(f"{reason} ({n:,}, first: line {source.first_skipped[reason]})" for reason, n in lines.items())


def _no_rows(source: Source) -> str:
    where = source.path or "the frame"
    if source.path is not None and os.path.isfile(source.path) and os.path.getsize(source.path) == 0:
        return f"{where}: the file is empty (0 bytes): check how it was written"
    if source.skipped:
        return f"{where}: no row is left; lines left out: {_counted(source, source.skipped)}"
    return f"{where}: holds no rows: check how it was written"

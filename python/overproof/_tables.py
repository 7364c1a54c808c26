"""Parquet and frames: batches of Arrow columns."""

from __future__ import annotations

import datetime
import hashlib
import json
import math
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from overproof._core import TextColumn
from overproof._extras import need
from overproof._files import atomic_path
from overproof._source import HEAD, Progress, Reading, Taken, drain
from overproof.errors import FormatError, InputError

#: Rows of a Parquet batch.
BATCH = 16_384


def head_parquet(path: Path) -> list[dict[str, Any]]:
    """The first rows, from which fields are guessed."""
    with _parquet(path) as file:
        batch = next(file.iter_batches(batch_size=HEAD), None)
        rows: list[dict[str, Any]] = [] if batch is None else batch.to_pylist()
        return rows


def _parquet(path: Path) -> Any:
    """An open Parquet file."""
    arrow, parquet = need("pyarrow", extra="arrow"), need("pyarrow.parquet", extra="arrow")
    try:
        return parquet.ParquetFile(path)
    except FileNotFoundError:
        raise FileNotFoundError(f"{path}: there is no such file: check the path") from None
    except arrow.ArrowInvalid as error:
        raise FormatError(f"{path}: is not a whole Parquet file ({error}): get or write it again") from error


def read_parquet(path: Path, plan: Reading, limit: int | None, progress: Progress | None) -> Taken:
    """All that is asked for of a Parquet file."""
    size = os.path.getsize(path)
    with _parquet(path) as file:
        names = file.schema_arrow.names
        wanted = list(dict.fromkeys(_top(field, names) for paths in plan.asked.values() for field in paths))
        present = [name for name in wanted if name in names]
        total = max(1, file.metadata.num_rows)

        def batches() -> Iterator[Any]:
            done = 0
            for batch in file.iter_batches(batch_size=BATCH, columns=present):
                yield batch
                done += batch.num_rows
                if progress is not None:
                    progress(size * done // total, size)

        taken = read_batches(batches(), plan, str(path), names, limit)
    with path.open("rb") as raw:
        taken.sha256 = hashlib.file_digest(raw, "sha256").hexdigest()
    return taken


def write_parquet(table: Any, path: str | os.PathLike[str]) -> None:
    """Write an Arrow table, whole or not at all.

    PyArrow is given an open file and no path: what it cannot write to the end it removes, be it a device.

    Raises
    ------
    InputError, OSError
        As `atomic_path`.
    MissingExtraError
        Without PyArrow.
    """
    parquet = need("pyarrow.parquet", extra="arrow")
    with atomic_path(path) as part, part.open("wb") as file:
        parquet.write_table(table, file)


def open_frame(frame: Any) -> tuple[list[dict[str, Any]], Iterator[Any], list[str]]:
    """The first rows of a frame, its batches, and the names of its columns.

    Raises
    ------
    InputError
        It cannot be read as Arrow, or holds no rows.
    MissingExtraError
        Without pyarrow.
    """
    arrow = need("pyarrow", extra="arrow")
    try:
        stream = arrow.RecordBatchReader.from_stream(frame)
    except (arrow.ArrowException, TypeError, ValueError) as error:
        raise InputError(
            f"the frame cannot be read as Arrow ({error}): give every column one type; "
            "a single column of texts goes into op.Corpus(texts)"
        ) from error
    first = next(stream, None)
    if first is None:
        raise InputError("the frame holds no rows")
    return first.slice(0, HEAD).to_pylist(), chain([first], stream), first.schema.names


def _top(path: str, names: Sequence[str]) -> str:
    """The column that a path starts in."""
    return path if path in names else path.partition(".")[0]


def read_batches(batches: Iterable[Any], plan: Reading, where: str, names: Sequence[str], limit: int | None) -> Taken:
    """All that is asked for of batches whose columns have these names."""
    for column, paths in plan.fields.items():
        for path in paths:
            if _top(path, names) not in names and f"{column}_field" not in plan.guessed:
                raise InputError(
                    f"{where}: has no field {path!r}; its fields are {', '.join(names)}: give {column}_field"
                )
    taken = Taken([], {}, seen={name for name, path in plan.extra.items() if _top(path, names) in names})
    row = 1
    for batch in batches:
        left = None if limit is None else limit - taken.rows
        if left == 0:
            break
        block = _flat(batch, plan, row, left)
        if block is None:
            block = _nested(batch, plan, where, row=row, limit=left, counts=taken.counts)
        taken.blocks.append(block)
        row += batch.num_rows
    return taken


def _flat(batch: Any, plan: Reading, row: int, limit: int | None) -> dict[str, Any] | None:
    """The columns of a batch as they are; None where a value has to be looked at."""
    arrow = need("pyarrow", extra="arrow")
    kinds = arrow.types
    columns = {}
    for column, paths in plan.asked.items():
        present = [path for path in paths if path in batch.schema.names]
        if column in plan.extra and _top(paths[0], batch.schema.names) not in batch.schema.names:
            continue
        if not paths or (not present and f"{column}_field" in plan.guessed):
            continue
        if len(paths) > 1 or not present or (plan.role is not None and column == "text"):
            return None
        values = batch.column(present[0])
        kind = values.type.value_type if kinds.is_dictionary(values.type) else values.type
        textual = kinds.is_string(kind) or kinds.is_large_string(kind) or kinds.is_string_view(kind)
        if not textual and (column in ("text", "prompt") or not kinds.is_integer(kind)):
            return None
        columns[column] = values if textual else values.cast(arrow.large_string())
    if columns["text"].null_count and plan.missing != "keep":
        return None
    block: dict[str, Any] = {
        column: TextColumn(values.slice(0, limit), missing="keep") for column, values in columns.items()
    }
    block["line"] = np.arange(row, row + batch.num_rows, dtype=np.int64)[:limit]
    return block


def _nested(
    batch: Any, plan: Reading, where: str, *, row: int, limit: int | None, counts: dict[str, tuple[int, int]]
) -> dict[str, Any]:
    """A batch by way of JSON lines: the one reader that knows paths, messages and every error."""
    names = batch.schema.names
    wanted = dict.fromkeys(_top(path, names) for paths in plan.asked.values() for path in paths)
    rows = batch.select([name for name in wanted if name in names]).to_pylist()
    data = "\n".join(json.dumps(_without_nan(values), default=_plain, ensure_ascii=False) for values in rows).encode()
    taken = drain(plan.reader(where, form="json", limit=limit, data=data, row=row), plan, None)
    for reason, (n, first) in taken.counts.items():
        before, earliest = counts.get(reason, (0, first))
        counts[reason] = (before + n, earliest)
    return taken.blocks[0]


def _without_nan(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row whose NaN are None: frames have no other null for numbers."""
    return {key: None if isinstance(value, float) and math.isnan(value) else value for key, value in row.items()}


def _plain(value: object) -> object:
    """What JSON has no form for: dates and decimals as text, bytes as a value that no column takes."""
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    return {"bytes": len(value)} if isinstance(value, bytes) else str(value)

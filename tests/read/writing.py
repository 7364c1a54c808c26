"""Small files for the tests of reading."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any


def lines(path: Path, rows: Iterable[Any]) -> Path:
    """Write one JSON value a line; str and bytes go in as they are."""
    raw = [
        row if isinstance(row, bytes) else (row if isinstance(row, str) else json.dumps(row)).encode() for row in rows
    ]
    path.write_bytes(b"".join(line + b"\n" for line in raw))
    return path


def texts(corpus: Any) -> list[str | None]:
    return corpus.texts.to_list()

"""One source of a corpus: how it is read, and what was taken of it."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from overproof._core import LineReader
from overproof.corpus import Source

PathLike: TypeAlias = str | os.PathLike[str]
Progress: TypeAlias = Callable[[int, int], object]

#: Rows that guesses are made from; seconds between two reports of progress.
HEAD, SLICE = 20, 0.1


@dataclass(frozen=True)
class Reading:
    """What is read, and how: the options of `read_corpus` with the guesses filled in."""

    fields: dict[str, tuple[str, ...]]
    role: str | None
    errors: str
    missing: str
    max_line: int
    threads: int | None
    guessed: dict[str, str] = field(default_factory=dict)
    extra: dict[str, str] = field(default_factory=dict)

    @property
    def asked(self) -> dict[str, tuple[str, ...]]:
        """The fields of all columns, those without a meaning last."""
        return {**self.fields, **{name: (path,) for name, path in self.extra.items()}}

    def core_fields(self) -> list[tuple[str, str, str]]:
        """The fields as the core takes them: (column, path, where it has to be)."""

        def presence(column: str) -> str:
            if column in self.extra or (f"{column}_field" in self.guessed and column != "text"):
                return "any"
            return "some" if self.missing == "keep" else "every"

        return [(column, path, presence(column)) for column, paths in self.asked.items() for path in paths]

    def reader(
        self, path: PathLike, *, form: str, limit: int | None, data: bytes | None = None, row: int = 1
    ) -> LineReader:
        return LineReader(
            path,
            self.core_fields() if form == "json" else [],
            data=data,
            form=form,
            role=self.role if form == "json" else None,
            errors=self.errors,
            missing=self.missing,
            max_line=self.max_line,
            limit=limit,
            first_line=row,
        )


@dataclass
class Taken:
    """What was read of one source."""

    blocks: list[dict[str, Any]]
    counts: dict[str, tuple[int, int]]
    sha256: str | None = None
    seen: set[str] = field(default_factory=set)
    """The further columns whose field was there."""

    @property
    def rows(self) -> int:
        return sum(len(block["line"]) for block in self.blocks)

    def source(self, path: str | None) -> Source:
        return Source(
            path=path,
            rows=self.rows,
            sha256=self.sha256,
            skipped={reason: n for reason, (n, _) in self.counts.items()},
            first_skipped={reason: first for reason, (_, first) in self.counts.items()},
        )


def drain(reader: LineReader, plan: Reading, progress: Progress | None) -> Taken:
    """All that a reader gives, in slices between which progress is told."""
    ended = False
    while not ended:
        ended = reader.read(SLICE, threads=plan.threads)
        if progress is not None:
            progress(reader.bytes_read, reader.bytes_total or 0)
    return Taken([reader.take()], reader.counts, reader.sha256, set(reader.extras_seen))

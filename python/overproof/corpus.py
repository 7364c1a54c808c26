"""Texts with what is known of them: ids, prompts, accounts, times, and the file and line that each came from."""

from __future__ import annotations

import datetime
import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from overproof._core import TextColumn
from overproof.errors import InputError
from overproof.typing import TextsLike

__all__ = ["Corpus", "Source", "TextColumn"]

#: The columns that go beside the texts, in the order of `Corpus`.
BESIDE = ("ids", "prompts", "accounts", "times", "conversations")


@dataclass(frozen=True)
class Source:
    """One file (or frame) that texts were read from.

    Attributes
    ----------
    path : str or None
        The file; None for a frame.
    rows : int
        Rows that it gave.
    sha256 : str or None
        Of the bytes of the file, as packed; None where ``limit`` was reached and for frames.
    skipped : dict of str to int
        Lines that gave no row, by reason; under ``"characters replaced"`` those that did with U+FFFD in them.
    first_skipped : dict of str to int
        The first line of each of these reasons.
    """

    path: str | None
    rows: int
    sha256: str | None = None
    skipped: Mapping[str, int] = field(default_factory=dict)
    first_skipped: Mapping[str, int] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """As plain values, for JSON."""
        return asdict(self)


@dataclass(frozen=True, init=False, repr=False, eq=False)
class Corpus:
    """Texts with what is known of them; accepted wherever texts are.

    Parameters
    ----------
    texts : TextsLike
        n texts; copied into one buffer.
    ids, prompts, accounts, times, conversations : sequence of n str, int or None, optional
        What is known of each text. Numbers and dates are kept as their text; None (or NaN) is "not known".
    extra : mapping of str to sequence of n values, optional
        Further columns by name, such as the model or the temperature. As above; true, false, lists and mappings are
        kept as their JSON text without white space.
    rows : int64[n], optional
        Where each text stood in its file, from 1. By default 1, 2, ...
    name : str, optional
        What reports call the corpus.
    sources : sequence of Source, optional
        The files that the texts came from; `read_corpus` fills it in.
    source_of : int32[n], optional
        Which of the sources each text came from; may be left out where there is one.
    fields, guessed : mapping of str to str, optional
        The field that each column was read from; which of these (and of the options) were guessed.
    missing : {"refuse", "keep"}
        Whether a text that is None is refused or kept as missing.
    errors : {"strict", "replace"}
        Whether a lone surrogate is refused or becomes U+FFFD.

    Raises
    ------
    InputError
        A column has another length than the texts (both are named), or holds something else than text and numbers.

    Notes
    -----
    A corpus does not change once it is made. It pickles. Memory: the bytes of all columns and 8 bytes a value.

    Examples
    --------
    >>> import overproof as op
    >>> corpus = op.Corpus(["a b c", "d e f"], ids=[7, 8], name="two")
    >>> corpus
    Corpus('two', 2 texts, ids)
    >>> corpus.select([1]).ids.to_list(), corpus.row_of(1)
    (['8'], {'file': None, 'row': 2})
    """

    texts: TextColumn
    ids: TextColumn | None
    prompts: TextColumn | None
    accounts: TextColumn | None
    times: TextColumn | None
    conversations: TextColumn | None
    extra: Mapping[str, TextColumn]
    rows: npt.NDArray[np.int64]
    name: str | None
    sources: tuple[Source, ...]
    source_of: npt.NDArray[np.int32]
    fields: Mapping[str, str]
    guessed: Mapping[str, str]

    def __init__(
        self,
        texts: TextsLike,
        *,
        ids: Iterable[object] | None = None,
        prompts: Iterable[object] | None = None,
        accounts: Iterable[object] | None = None,
        times: Iterable[object] | None = None,
        conversations: Iterable[object] | None = None,
        extra: Mapping[str, Iterable[object]] | None = None,
        rows: npt.ArrayLike | None = None,
        name: str | None = None,
        sources: Sequence[Source] = (),
        source_of: npt.ArrayLike | None = None,
        fields: Mapping[str, str] | None = None,
        guessed: Mapping[str, str] | None = None,
        missing: str = "refuse",
        errors: str = "strict",
    ) -> None:
        def put(attribute: str, value: object) -> None:
            object.__setattr__(self, attribute, value)

        put("texts", TextColumn(texts, missing=missing, errors=errors))
        for attribute, values in zip(BESIDE, (ids, prompts, accounts, times, conversations), strict=True):
            put(attribute, _column(values, len(self), attribute))
        put("extra", _further(extra, len(self)))
        put("rows", _integers(np.arange(1, len(self) + 1) if rows is None else rows, len(self), "rows", np.int64))
        put("name", name)
        put("sources", tuple(sources))
        put(
            "source_of",
            _integers(
                np.zeros(len(self), np.int32) if source_of is None else source_of, len(self), "source_of", np.int32
            ),
        )
        if self.sources and len(self) and not 0 <= self.source_of.min() <= self.source_of.max() < len(self.sources):
            raise InputError(
                f"source_of: a value is outside 0 .. {len(self.sources) - 1}, the positions of the sources"
            )
        put("fields", dict(fields or {}))
        put("guessed", dict(guessed or {}))

    def __len__(self) -> int:
        return len(self.texts)

    def __repr__(self) -> str:
        known = [name for name in BESIDE if getattr(self, name) is not None] + sorted(self.extra)
        return f"Corpus({', '.join([repr(self.name), f'{len(self)} texts', *known])})"

    @property
    def skipped(self) -> dict[str, int]:
        """Lines of all sources that gave no row, by reason."""
        return dict(sum((Counter(source.skipped) for source in self.sources), Counter[str]()))

    def select(self, rows: npt.ArrayLike) -> Corpus:
        """The rows of a mask (bool[n]) or at indices (int[m], in their order), with all that is known of them.

        Raises
        ------
        InputError
            A mask of another length, an index out of range, or something that is neither.
        """
        chosen = np.asarray(rows)
        if chosen.ndim != 1 or (chosen.size and chosen.dtype.kind not in "biu"):
            raise InputError(
                f"select takes bool[{len(self)}] or a list of row numbers, not {chosen.dtype} {chosen.shape}"
            )
        if chosen.dtype.kind == "b":
            if len(chosen) != len(self):
                raise InputError(f"the mask has {len(chosen)} values for {len(self)} texts")
            chosen = np.flatnonzero(chosen)
        at = chosen.astype(np.int64)
        columns = {name: getattr(self, name) for name in BESIDE}
        beside: dict[str, Any] = {name: None if column is None else column.take(at) for name, column in columns.items()}
        return Corpus(
            self.texts.take(at),
            **beside,
            extra={name: column.take(at) for name, column in self.extra.items()},
            rows=self.rows[at],
            name=self.name,
            sources=self.sources,
            source_of=self.source_of[at],
            fields=self.fields,
            guessed=self.guessed,
            missing="keep",
        )

    def row_of(self, i: int) -> dict[str, str | int | None]:
        """Where text `i` stands: ``{"file": path or None, "row": line or row, from 1}``."""
        file = self.sources[self.source_of[i]].path if self.sources else None
        return {"file": file, "row": int(self.rows[i])}


def _column(values: Iterable[object] | None, n: int, name: str) -> TextColumn | None:
    """What is known of each text, as text."""
    if values is None:
        return None
    if isinstance(values, str | bytes | Mapping | Set) or not isinstance(values, (TextColumn, Iterable)):
        raise InputError(f"{name} is one {type(values).__name__}: give {n} values in order, one for each text")
    if isinstance(values, TextColumn):
        column = values
    else:
        plain = values.to_pylist() if hasattr(values, "to_pylist") else values
        column = TextColumn([_known(value, name, row) for row, value in enumerate(plain)], missing="keep")
    if len(column) != n:
        raise InputError(f"{name} has {len(column)} values for {n} texts: give one for each text")
    return column


def _further(extra: Mapping[str, Iterable[object]] | None, n: int) -> dict[str, TextColumn]:
    """Columns that have no meaning here, as text."""
    if extra is not None and not isinstance(extra, Mapping):
        raise InputError(f"extra is one {type(extra).__name__}: give the columns by name, as a mapping")
    found = {}
    for name, values in (extra or {}).items():
        texts = values
        if not isinstance(values, TextColumn | str | bytes) and isinstance(values, Iterable):
            plain = values.to_pylist() if hasattr(values, "to_pylist") else values
            texts = [_json(value, name, row) for row, value in enumerate(plain)]
        column = _column(texts, n, f"extra[{name!r}]")
        if column is not None:
            found[str(name)] = column
    return found


def _json(value: object, name: str, row: int) -> object:
    """Turn what no other column takes into its JSON text."""
    if not isinstance(value, bool | np.bool_ | list | tuple | dict):
        return value
    try:
        return json.dumps(
            value.item() if isinstance(value, np.bool_) else value, ensure_ascii=False, separators=(",", ":")
        )
    except (TypeError, ValueError) as error:
        raise InputError(f"extra[{name!r}]: row {row} is no JSON value: {error}") from error


def _known(value: object, name: str, row: int) -> str | None:
    """One value as text; None, NaN and pandas' NA and NaT are not known."""
    kind = type(value).__name__
    if value is None or kind in ("NAType", "NaTType") or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, str):
        return value
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, int | float | np.integer | np.floating | np.datetime64) and not isinstance(value, bool):
        return str(value)
    raise InputError(f"{name}: row {row} is of type {kind}; give str, int or None")


def _integers(values: npt.ArrayLike, n: int, name: str, dtype: type[np.signedinteger[Any]]) -> npt.NDArray[Any]:
    array = np.asarray(values)
    if array.ndim != 1 or (array.size and array.dtype.kind not in "iu"):
        raise InputError(f"{name} must be integers, one for each text; it is {array.dtype} {array.shape}")
    if len(array) != n:
        raise InputError(f"{name} has {len(array)} values for {n} texts: give one for each text")
    if array.size and not np.iinfo(dtype).min <= int(array.min()) <= int(array.max()) <= np.iinfo(dtype).max:
        raise InputError(f"{name}: {array.max()} or {array.min()} does not fit into {np.dtype(dtype)}")
    array = array.astype(dtype)
    array.flags.writeable = False
    return array

"""What a gateway remembers of each account: mergeable sketches of bounded size, from which the screen is answered."""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from overproof import _core
from overproof._core import TextColumn
from overproof._files import atomic_path
from overproof.errors import FormatError, IncompatibleError, InputError
from overproof.evidence.result import count
from overproof.evidence.templates import spread, sums_of_rows
from overproof.shingle import Shingler
from overproof.sketch import MinHash

if TYPE_CHECKING:
    from overproof.evidence.screen import Screen
    from overproof.typing import TextsLike

__all__ = ["CUES", "AccountMonitor"]

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]
UInt64 = npt.NDArray[np.uint64]
Table = dict[str, npt.NDArray[Any]]

CUES = (
    *("step by step", "chain of thought", "show your reasoning", "explain your reasoning", "your reasoning process"),
    *(
        "your thought process",
        "show your thinking",
        "reasoning before answering",
        "think out loud",
        "your full reasoning",
    ),
    *("your internal monologue", "all intermediate steps", "reasoning trace for", "your scratch work"),
)
"""Three words each; a prompt with one of them asks for a reasoning trace."""
VALUES = 16
"""MinHash values kept of a prompt, the low 16 bits of each."""
FORM = "overproof-monitor-1"
PENDING = 1 << 17
"""Requests that wait before they are folded into the state; changes no answer."""
UNKNOWN = np.iinfo(np.int64).max
COUNTERS = ("requests", "cued", "prompted", "timed")


class AccountMonitor:
    """Sketches of every account, fed with batches as a gateway sees them.

    Kept of an account: counters; requests by hour of the day; the first time; the prompts, the
    conversations and the models of least hash (bottom-k samples of the distinct ones), with exact counts, and of each
    sampled prompt a MinHash of its words. No prompt and no answer is kept. All of it is sums, minima and bottom-k
    samples, so that the state, and each answer, depends on the requests alone: not on the batches, not on their order,
    not on how monitors are merged. One request must be given once.

    Parameters
    ----------
    prompts_kept, conversations_kept, models_kept : int
        Size of the samples of an account.
    cues : sequence of str
        Phrases of three words that ask for a reasoning trace.

    Attributes
    ----------
    params : str
        What decides the state; `fingerprint` is 64 bits that stand for it.
    nbytes : int
        Bytes of the state, waiting requests included.

    Raises
    ------
    InputError
        An argument is out of range, or a cue has not three words.

    Notes
    -----
    Per account at most ``136 + 48 prompts_kept + 16 conversations_kept + 20 models_kept`` bytes and its name, 1,192 by
    default; an account of a few requests takes some 350. Measured speed: docs/evidence/accounts.md.

    References
    ----------
    Cohen and Kaplan 2007, "Summarizing data using bottom-k sketches"; Li and Konig 2011 (low bits of MinHash values).

    Examples
    --------
    >>> monitor = AccountMonitor()
    >>> monitor.update(["a", "a", "b"], ["What is rain?", "What is snow?", "Think step by step: 2 + 2?"])
    >>> monitor.features()["requests"].tolist(), monitor.features()["reasoning"].round(2).tolist()
    ([2.0, 1.0], [0.0, 0.21])
    """

    def __init__(
        self,
        *,
        prompts_kept: int = 16,
        conversations_kept: int = 8,
        models_kept: int = 8,
        cues: Sequence[str] = CUES,
    ) -> None:
        kept = {"prompts": prompts_kept, "conversations": conversations_kept, "models": models_kept}
        self._kept = {name: count(value, f"{name}_kept", 2) for name, value in kept.items()}
        self._cues = tuple(sorted({cue.lower() for cue in cues}))
        self._shingler = Shingler(3)
        self._minhash = MinHash(VALUES, shingler=self._shingler)
        hashes = self._shingler.transform(list(self._cues))
        if self._cues and (np.any(np.diff(hashes.indptr) != 1) or np.any(hashes.short)):
            bad = self._cues[int(np.flatnonzero((np.diff(hashes.indptr) != 1) | hashes.short)[0])]
            raise InputError(f"cues: {bad!r} has not three words")
        self._cue_hashes = np.sort(hashes.hashes)
        self._words = Shingler(1, analyzer=_whole)
        self._waiting: list[dict[str, Any]] = []
        self._waits = 0
        self._runs: list[dict[str, Any]] = []

    @property
    def params(self) -> str:
        """What decides the state."""
        kept = ";".join(f"{name}={value}" for name, value in sorted(self._kept.items()))
        return f"{FORM};{kept};cues={','.join(self._cues)};{self._minhash.params}"

    @property
    def fingerprint(self) -> int:
        """64 bits that stand for `params`."""
        return _core.fingerprint(self.params)

    @property
    def nbytes(self) -> int:
        """Bytes of the state, names and waiting requests included."""
        waiting = sum(v.nbytes for batch in self._waiting for v in batch.values() if hasattr(v, "nbytes"))
        tables = sum(v.nbytes for run in self._runs for t in run.values() if isinstance(t, dict) for v in t.values())
        return int(tables + sum(run["names"].nbytes for run in self._runs) + waiting)

    def __len__(self) -> int:
        return len(self._state["names"])

    def update(
        self,
        accounts: TextsLike,
        prompts: TextsLike,
        *,
        times: npt.ArrayLike | None = None,
        conversations: TextsLike | None = None,
        models: TextsLike | None = None,
        threads: int | None = None,
    ) -> None:
        """Take in a batch of requests.

        Parameters
        ----------
        accounts : TextsLike
            n accounts; rows without one (None) are left out.
        prompts : TextsLike
            n prompts (the last message of the user); None where missing.
        times : float64[n], optional
            Seconds since 1970 (UTC); NaN where not known.
        conversations, models : TextsLike, optional
            n ids of the conversation, n names of the model; None where not known.
        threads : int, optional
            At most this many threads; never changes a value.

        Raises
        ------
        InputError
            Lengths differ, or a column holds something else.

        Notes
        -----
        O(bytes). The text of the batch is dropped; what is left of it waits, 131,072 requests at most, until it is
        folded in; runs of about one size are joined, so the cost is that of sorting.
        """
        names = TextColumn(accounts, missing="keep", errors="replace")
        n = len(names)
        columns = {"prompts": prompts, "conversations": conversations, "models": models}
        texts = {
            key: None if column is None else TextColumn(column, missing="keep", errors="replace")
            for key, column in columns.items()
        }
        clock = np.full(n, np.nan) if times is None else np.asarray(times, np.float64)
        for key, length in [("times", clock.size), *((k, len(v)) for k, v in texts.items() if v is not None)]:
            if length != n:
                raise InputError(f"{key} has {length} values for {n} accounts")
        if np.isinf(clock).any():
            raise InputError(f"times: row {int(np.flatnonzero(np.isinf(clock))[0])} is infinite")
        account, has_account = _hashed(names)
        assert texts["prompts"] is not None
        sets = self._shingler.transform(texts["prompts"], missing="keep", threads=threads)
        size = np.diff(sets.indptr)
        low = np.asarray(self._minhash.sketch(sets, threads=threads)).astype(np.uint16)
        cue = np.zeros(n, np.bool_)
        if len(self._cue_hashes):
            at = np.searchsorted(self._cue_hashes, sets.hashes)
            at[at == len(self._cue_hashes)] = 0
            cue[np.repeat(np.arange(n), size)[self._cue_hashes[at] == sets.hashes]] = True
        batch: dict[str, Any] = {
            "account": account,
            "name": names,
            "prompt": spread(sums_of_rows(sets.indptr, spread(sets.hashes))),
            "has_prompt": size > 0,
            "values": low,
            "cue": cue,
            "time": np.where(np.isnan(clock), UNKNOWN, np.floor(np.nan_to_num(clock)).astype(np.int64)),
        }
        for key in ("conversations", "models"):
            column = texts[key]
            if column is None:
                batch[key], batch[f"has_{key}"] = np.zeros(n, np.uint64), np.zeros(n, np.bool_)
            else:
                batch[key], batch[f"has_{key}"] = _hashed(column)
        if not has_account.all():
            rows = np.flatnonzero(has_account)
            batch = {k: v.take(rows) if isinstance(v, TextColumn) else v[rows] for k, v in batch.items()}
        self._waiting.append(batch)
        self._waits += len(batch["account"])
        if self._waits >= PENDING:
            self._fold()

    def _fold(self) -> None:
        """Put what waits into a run of its own, and join runs of about one size, so that a request is moved a
        logarithmic number of times."""
        if self._waiting:
            batches, self._waiting, self._waits = self._waiting, [], 0
            self._runs.append(union_of_states([_tables(batch) for batch in batches], self._kept))
        while len(self._runs) > 1 and _rows(self._runs[-2]) < 3 * _rows(self._runs[-1]):
            last = self._runs.pop()
            self._runs[-1] = union_of_states([self._runs[-1], last], self._kept)

    @property
    def _state(self) -> dict[str, Any]:
        """All that was seen, as one run."""
        self._fold()
        if len(self._runs) != 1:
            self._runs = [union_of_states(self._runs or [_empty()], self._kept)]
        return self._runs[0]

    def merge(self, *others: AccountMonitor) -> AccountMonitor:
        """A monitor of the requests of this one and others, each given to one of them.

        Raises
        ------
        IncompatibleError
            They were made with other parameters.

        Examples
        --------
        >>> one, two = AccountMonitor(), AccountMonitor()
        >>> one.update(["a"], ["first"])
        >>> two.update(["a"], ["second"])
        >>> one.merge(two).features()["requests"].tolist()
        [2.0]
        """
        for other in others:
            if other.fingerprint != self.fingerprint:
                raise IncompatibleError(
                    "monitors of different parameters cannot be merged; make them alike\n"
                    f"  {self.params} ({self.fingerprint:016x})\n  {other.params} ({other.fingerprint:016x})"
                )
        made = self._like()
        made._runs = [union_of_states([self._state, *(other._state for other in others)], self._kept)]
        return made

    def _like(self) -> AccountMonitor:
        kept = {f"{name}_kept": value for name, value in self._kept.items()}
        return AccountMonitor(**kept, cues=self._cues)

    @property
    def accounts(self) -> list[str]:
        """The accounts, ascending by name."""
        names = self._state["names"].to_list()
        return [str(names[i]) for i in self._order.tolist()]

    @property
    def _order(self) -> Int64:
        names = self._state["names"].to_list()
        return np.array(sorted(range(len(names)), key=names.__getitem__), np.int64)

    def features(self, *, benign: AccountMonitor | None = None) -> dict[str, Float64]:
        """The features of the screen, each float64 with one value an account, in the order of `accounts`.

        Parameters
        ----------
        benign : AccountMonitor, optional
            Accounts to measure ``distance`` from; without them it is NaN. Those that are in both are measured from the
            others.

        Returns
        -------
        dict of str to float64[m]
            What each means: `screen_accounts`. NaN where nothing is known.

        Raises
        ------
        IncompatibleError
            `benign` was made with other parameters.
        """
        from overproof.evidence.account_features import features_of

        if benign is not None and benign.fingerprint != self.fingerprint:
            raise IncompatibleError("benign is a monitor of other parameters; make both alike")
        made = features_of(self._state, self._kept, None if benign is None else benign._state)
        return {name: value[self._order] for name, value in made.items()}

    def screen(
        self,
        *,
        benign: AccountMonitor | None = None,
        rate: float = 0.01,
        decisions: Mapping[str, str] | None = None,
        least_requests: int = 20,
    ) -> Screen:
        """The accounts that stand out, for review; the same as `screen_accounts` of the same requests."""
        from overproof.evidence.screen import screen_monitor

        return screen_monitor(self, benign=benign, rate=rate, decisions=decisions, least_requests=least_requests)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the state as one file, whole or not at all.

        Notes
        -----
        A ZIP archive, not compressed: ``meta.json`` (form, params, fingerprint, SHA-256 of each array) and one ``.npy``
        file an array: ``names.data`` and ``names.offsets`` (UTF-8), ``accounts.*`` (one row an account, ascending by
        hash), and ``prompts.*``, ``conversations.*``, ``models.*`` (one row a sample, ascending by account, then hash).
        Hashes are not keyed: the file is as confidential as the log.
        """
        import hashlib

        arrays = _arrays(self._state)
        members, digests = {}, {}
        for name, array in arrays.items():
            out = io.BytesIO()
            np.save(out, array, allow_pickle=False)
            members[name] = out.getvalue()
            digests[name] = hashlib.sha256(members[name]).hexdigest()
        meta = {
            "form": FORM,
            "params": self.params,
            "fingerprint": f"{self.fingerprint:016x}",
            "kept": self._kept,
            "cues": list(self._cues),
            "sha256": digests,
        }
        with atomic_path(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
            archive.writestr(zipfile.ZipInfo("meta.json"), json.dumps(meta, sort_keys=True))
            for name, content in members.items():
                archive.writestr(zipfile.ZipInfo(f"{name}.npy"), content)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> AccountMonitor:
        """Read what `save` wrote.

        Raises
        ------
        FormatError
            Not such a file, or damaged.
        IncompatibleError
            Written by a version that hashes in another way.
        """
        import hashlib

        where = Path(path)
        try:
            with zipfile.ZipFile(where) as archive:
                meta = json.loads(archive.read("meta.json"))
                if meta["form"] != FORM:
                    raise FormatError(f"{where}: its form is {meta['form']!r}, this version reads {FORM!r}")
                arrays = {}
                for name, digest in meta["sha256"].items():
                    content = archive.read(f"{name}.npy")
                    if hashlib.sha256(content).hexdigest() != digest:
                        raise FormatError(f"{where}: {name} is damaged; take another copy of the file")
                    arrays[name] = np.load(io.BytesIO(content), allow_pickle=False)
                made = cls(**{f"{k}_kept": v for k, v in meta["kept"].items()}, cues=meta["cues"])
                names = TextColumn((arrays.pop("names.data").tobytes(), arrays.pop("names.offsets")))
        except (zipfile.BadZipFile, KeyError, ValueError, EOFError) as error:
            if isinstance(error, FormatError):
                raise
            raise FormatError(f"{where} is no saved monitor: {error}") from error
        if f"{made.fingerprint:016x}" != meta["fingerprint"]:
            raise IncompatibleError(
                f"{where} was made in another way than this version does\n  {meta['params']}\n  {made.params}"
            )
        state: dict[str, Any] = {"names": names}
        for name, array in arrays.items():
            table, _, column = name.partition(".")
            state.setdefault(table, {})[column] = array
        made._runs = [state]
        return made


def _rows(state: Mapping[str, Any]) -> int:
    return len(state["prompts"]["row"]) + len(state["names"])


def _whole(text: str) -> list[str]:
    return [text]


def _hashed(column: TextColumn) -> tuple[UInt64, npt.NDArray[np.bool_]]:
    """A hash of each text as a whole; False where there is none."""
    n = len(column)
    known = np.ones(n, np.bool_)
    values: Any = column
    if column.has_missing:
        values = [text if text is not None else "" for text in column]
        known = np.array([text is not None for text in column], np.bool_)
    params = Shingler(1, analyzer=_whole).params
    sets = _core.shingle_strings(values, np.arange(n + 1, dtype=np.int64), None, params, False, None)
    return np.asarray(sets.hashes, np.uint64), known


def _empty() -> dict[str, Any]:
    return {
        "names": TextColumn([]),
        "accounts": {
            "key": np.zeros(0, np.uint64),
            **{name: np.zeros(0, np.uint32) for name in COUNTERS},
            "first": np.zeros(0, np.int64),
            "hours": np.zeros((0, 24), np.uint32),
        },
        "prompts": _samples(0) | {"values": np.zeros((0, VALUES), np.uint16)},
        "conversations": _samples(0),
        "models": {"row": np.zeros(0, np.uint32), "hash": np.zeros(0, np.uint64), "first": np.zeros(0, np.int64)},
    }


def _samples(n: int) -> Table:
    return {"row": np.zeros(n, np.uint32), "hash": np.zeros(n, np.uint64), "times": np.zeros(n, np.uint32)}


def _tables(batch: Mapping[str, Any]) -> dict[str, Any]:
    """A batch as a state of its own, samples not cut yet."""
    key, first, row = np.unique(batch["account"], return_index=True, return_inverse=True)
    m = len(key)

    def sums(weights: npt.NDArray[Any] | None = None) -> npt.NDArray[np.uint32]:
        return np.bincount(row, weights=weights, minlength=m).astype(np.uint32)

    time = batch["time"]
    timed = time != UNKNOWN
    hour = np.where(timed, time // 3600 % 24, 0)
    earliest = np.full(m, UNKNOWN)
    np.minimum.at(earliest, row, time)
    state: dict[str, Any] = {
        "names": batch["name"].take(first.astype(np.int64)),
        "accounts": {
            "key": key,
            "requests": sums(),
            "cued": sums(batch["cue"]),
            "prompted": sums(batch["has_prompt"]),
            "timed": sums(timed),
            "first": earliest,
            "hours": np.bincount((row * 24 + hour)[timed], minlength=24 * m).reshape(m, 24).astype(np.uint32),
        },
    }
    one = np.ones(len(row), np.uint32)
    has = batch["has_prompt"]
    state["prompts"] = {"row": row[has].astype(np.uint32), "hash": batch["prompt"][has], "times": one[has]}
    state["prompts"]["values"] = batch["values"][has]
    has = batch["has_conversations"]
    state["conversations"] = {"row": row[has].astype(np.uint32), "hash": batch["conversations"][has], "times": one[has]}
    has = batch["has_models"] & timed
    state["models"] = {"row": row[has].astype(np.uint32), "hash": batch["models"][has], "first": time[has]}
    return state


def union_of_states(states: Sequence[dict[str, Any]], kept: Mapping[str, int]) -> dict[str, Any]:
    """One state of several: sums, minima, and the samples of least hash of their union."""
    keys = np.concatenate([state["accounts"]["key"] for state in states])
    key, first, row = np.unique(keys, return_index=True, return_inverse=True)
    m = len(key)
    names = TextColumn.concat([state["names"] for state in states]).take(first.astype(np.int64))
    accounts: Table = {"key": key}
    for column in (*COUNTERS, "hours"):
        parts = [state["accounts"][column] for state in states]
        total = np.zeros((m, *parts[0].shape[1:]), np.uint32)
        at = 0
        for part in parts:  # the rows of one state are distinct
            total[row[at : at + len(part)]] += part
            at += len(part)
        accounts[column] = total
    accounts["first"] = np.full(m, UNKNOWN)
    np.minimum.at(accounts["first"], row, np.concatenate([state["accounts"]["first"] for state in states]))
    starts = np.concatenate([[0], np.cumsum([len(state["names"]) for state in states])])
    out: dict[str, Any] = {"names": names, "accounts": accounts}
    for table in ("prompts", "conversations", "models"):
        owner = np.concatenate([row[state[table]["row"] + s] for state, s in zip(states, starts, strict=False)])
        columns = {c: np.concatenate([state[table][c] for state in states]) for c in states[0][table] if c != "row"}
        out[table] = _bottom(owner, columns, kept[table])
    return out


def _bottom(owner: Int64, columns: Table, k: int) -> Table:
    """Of each account the k least distinct hashes: their counts summed, their times the least, one of their values."""
    order = np.lexsort((columns["hash"], owner))
    owner, hashes = owner[order], columns["hash"][order]
    new = np.ones(len(owner), np.bool_)
    new[1:] = (owner[1:] != owner[:-1]) | (hashes[1:] != hashes[:-1])
    start = np.flatnonzero(new)
    of = owner[start]
    place = np.arange(len(start)) - np.searchsorted(of, of)
    kept = place < k
    out: Table = {"row": of[kept].astype(np.uint32), "hash": hashes[start][kept]}
    if "times" in columns:
        total = np.add.reduceat(columns["times"][order].astype(np.uint64), start) if len(start) else start
        out["times"] = total[kept].astype(np.uint32)
    if "first" in columns:
        least = np.minimum.reduceat(columns["first"][order], start) if len(start) else start
        out["first"] = least[kept].astype(np.int64)
    if "values" in columns:
        out["values"] = columns["values"][order[start[kept]]]
    return out


def _arrays(state: Mapping[str, Any]) -> dict[str, npt.NDArray[Any]]:
    """All arrays of a state, by the names that they have in a file."""
    texts = [str(name).encode() for name in state["names"]]
    out: dict[str, npt.NDArray[Any]] = {
        "names.data": np.frombuffer(b"".join(texts), np.uint8),
        "names.offsets": np.concatenate([[0], np.cumsum([len(t) for t in texts])]).astype(np.int64),
    }
    for table in ("accounts", "prompts", "conversations", "models"):
        out |= {f"{table}.{column}": array for column, array in state[table].items()}
    return out

"""A provider's log of any size, with what makes attribution hard: caches, tools, publishers, resellers, groups."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .._files import atomic_path
from ..errors import InputError
from .case import Sampler, iso, parse_day
from .harvest import Harvest
from .population import SYSTEMS, Member, template_text
from .provider import answer, finish_reason
from .streams import Floats, Ints, keys_of

__all__ = ["FIELDS", "ApiLog"]

Row = dict[str, Any]

FIELDS = (
    *("request_id", "account", "time", "conversation", "model", "system", "messages", "prompt", "temperature"),
    *("top_p", "max_tokens", "params_hash", "seed", "finish_reason", "cache_hit", "cache_key", "template"),
    *("payment", "network", "text"),
)
"""The fields of a row, by their canonical names."""


@dataclass(frozen=True)
class ApiLog:
    """A log, the corpora that grew beside it, and the truth. Texts are drawn when they are asked for.

    Attributes
    ----------
    members : list of Member
        The accounts, with their role and group.
    samplers : list of Sampler
        The settings that occur.
    account, seconds, conversation, asked, sampler, source : int64[n]
        For each request, in order of time: its account, seconds from the first midnight UTC, conversation, prompt,
        sampler, and the request whose output it was served (itself, or an earlier one from the cache).
    cut : float64[n]
        Share of the output that was delivered before the client hung up; 1 for most.
    prompts : list of str
        Bare prompts.
    suspect, innocent : list of dict
        ``id, prompt, text``: a corpus with what was leaked and resold, and one with the same web and none of it.
    people, background : list of dict
        ``id, prompt, text`` of other authors; ``id, time, text`` of the web as it was crawled before the suspect came
        out: documentation, and those pages of the publishers that are not hidden.
    published : str
        When the suspect came out; the log goes on, for the time placebo.
    truth : dict
        ``params``; ``accounts``: role of each; ``groups``: accounts of each; ``suspect`` and ``innocent``: ``origin``
        of each row (leak, resold, published, web, other, repeat) and where it came from, with ``edit`` and
        ``strength``; ``pages``: request of each page and whether it is hidden; ``training_digest``.
    """

    seed: int
    members: list[Member]
    samplers: list[Sampler]
    account: Ints
    seconds: Ints
    conversation: Ints
    asked: Ints
    form: Floats
    sampler: Ints
    source: Ints
    cut: Floats
    prompts: list[str]
    start: str
    published: str
    made: Harvest
    truth: Row

    def __len__(self) -> int:
        return len(self.account)

    suspect = property(lambda self: self.made.suspect, doc="Rows of the suspect corpus.")
    innocent = property(lambda self: self.made.innocent, doc="Rows of the innocent corpus.")
    people = property(lambda self: self.made.people, doc="Rows of other authors.")
    background = property(lambda self: self.made.background, doc="Pages of the web.")

    def prompt(self, row: int) -> str:
        """The last message of a request, with the template around it."""
        form = template_text(self.members[self.account[row]], float(self.form[row]))
        bare = self.prompts[self.asked[row]]
        # A prompt may hold braces, so it is put in last and not formatted itself.
        return (
            bare if form is None else form.replace("{n}", str(10_000 + row * 7919 % 90_000)).replace("{prompt}", bare)
        )

    def texts(self, rows: npt.ArrayLike | None = None) -> list[str]:
        """The texts that requests were answered with, as delivered; all by default, any on demand.

        Notes
        -----
        0.13 ms a text on one core, 0.04 with ``texts="short"``; those of some rows cost no more than some.
        """
        which = self._rows(rows)
        sources, place = np.unique(self.source[which], return_inverse=True)
        drawn = self._draw(sources, keys_of(self.seed, "served", sources), None)
        whole = [drawn[i] for i in place.tolist()]
        return [
            text if share == 1 else _start(text, share)
            for text, share in zip(whole, self.cut[which].tolist(), strict=True)
        ]

    def _draw(self, rows: Ints, keys: Any, drift: Mapping[str, Sampler] | None) -> list[str]:
        samplers = [self.samplers[i] for i in self.sampler[rows].tolist()]
        if drift:
            samplers = [drift.get(sampler.model, sampler) for sampler in samplers]
        return answer([self.prompt(row) for row in rows.tolist()], samplers, keys)

    def _rows(self, rows: npt.ArrayLike | None) -> Ints:
        which = np.arange(len(self)) if rows is None else np.atleast_1d(np.asarray(rows))
        if not np.issubdtype(which.dtype, np.integer) or ((which < 0) | (which >= len(self))).any():
            raise InputError(f"rows must be integers from 0 to {len(self) - 1}")
        return which.astype(np.int64)

    def request_id(self, row: int) -> str:
        """The id of a request."""
        return f"req-{row:08d}"

    @cached_property
    def _before(self) -> dict[int, int]:
        """The request before each that goes on in its conversation."""
        order = np.argsort(self.conversation, kind="stable")
        goes_on = np.flatnonzero(np.diff(self.conversation[order]) == 0)
        return dict(zip(order[goes_on + 1].tolist(), order[goes_on].tolist(), strict=True))

    def _history(self, rows: Ints) -> list[list[int]]:
        """The earlier requests of each row's conversation, oldest first."""
        out = []
        for row in rows.tolist():
            earlier: list[int] = []
            while (row := self._before.get(row, -1)) >= 0:
                earlier.append(row)
            out.append(earlier[::-1])
        return out

    def rows(
        self, rows: npt.ArrayLike | None = None, *, fields: Sequence[str] = FIELDS, block: int = 50_000
    ) -> Iterator[Row]:
        """Requests as dicts of the canonical fields, `block` at a time; a field without a value is None.

        Raises
        ------
        InputError
            Unknown field, or a row outside the log.
        """
        if unknown := [name for name in fields if name not in FIELDS]:
            raise InputError(f"fields: {unknown[0]!r} is unknown; give some of {', '.join(FIELDS)}")
        which, wanted = self._rows(rows), frozenset(fields)
        for at in range(0, len(which), block):
            for row in self._block(which[at : at + block], wanted):
                yield {name: row[name] for name in fields}

    def _block(self, which: Ints, wanted: frozenset[str]) -> Iterator[Row]:
        texts: dict[int, str] = {}
        history = self._history(which) if "messages" in wanted else [[] for _ in which]
        if wanted & {"text", "messages", "finish_reason"}:
            needed = np.unique(np.array([r for turn in history for r in turn] + which.tolist(), np.int64))
            texts = dict(zip(needed.tolist(), self.texts(needed), strict=True))
        day = parse_day(self.start)
        keys = keys_of(self.seed, "seed field", which) >> np.uint64(33)
        for row, earlier, seed in zip(which.tolist(), history, keys.tolist(), strict=True):
            member, sampler, source = (
                self.members[self.account[row]],
                self.samplers[self.sampler[row]],
                self.source[row],
            )
            prompt = self.prompt(row)
            made: Row = {
                "request_id": self.request_id(row),
                "account": member.id,
                "time": iso(day, int(self.seconds[row])),
                "conversation": f"conv-{self.conversation[row]:08d}",
                "model": sampler.model,
                "system": SYSTEMS[member.system],
                "prompt": prompt,
                "temperature": sampler.temperature,
                "top_p": 1.0,
                "max_tokens": sampler.max_words,
                "params_hash": self._hashes[self.sampler[row]],
                "seed": seed,
                "cache_hit": bool(source != row),
                "cache_key": self._cache_key(row) if member.caches and row not in self._before else None,
                "template": self._template(row),
                "payment": member.payment,
                "network": member.network,
            }
            if texts:
                text = made["text"] = texts[row]
                made["finish_reason"] = "cancelled" if self.cut[row] < 1 else finish_reason(text, sampler)
            if "messages" in wanted:
                made["messages"] = [
                    turn
                    for r in earlier
                    for turn in (
                        {"role": "user", "content": self.prompt(r)},
                        {"role": "assistant", "content": texts[r]},
                    )
                ] + [{"role": "user", "content": prompt}]
            yield made

    @cached_property
    def _hashes(self) -> list[str]:
        return [sampler.params_hash for sampler in self.samplers]

    def _cache_key(self, row: int) -> str:
        """Of all that an answer depends on: the cache is exact."""
        member = self.members[self.account[row]]
        whole = f"{self.asked[row]} {self.sampler[row]} {member.template} {member.system}"
        return blake2b(whole.encode(), digest_size=6).hexdigest()

    def _template(self, row: int) -> str | None:
        """The template of a public tool and what fills its slots; the provider knows no private ones."""
        member = self.members[self.account[row]]
        return f"tool-{member.template:02d}/{self.asked[row]:06d}" if member.role == "template" else None

    @property
    def served(self) -> list[Row]:
        """All rows with all fields: for logs that fit into memory as dicts."""
        return list(self.rows())

    def redraw(
        self,
        rows: npt.ArrayLike,
        draws: int,
        *,
        seed: int = 0,
        drift: Mapping[str, Sampler] | None = None,
        selected_by: str = "prompt",
    ) -> list[Row]:
        """Draw answers to some requests again, which nobody was served.

        Parameters
        ----------
        rows : array_like of int
            Requests.
        draws : int
            Answers to each (K).
        seed : int
            Of these draws.
        drift : Mapping[str, Sampler], optional
            Samplers that answer in place of the models named, while the rows still state what the log does: redraws
            from another snapshot or sampler, which accuse innocents.
        selected_by : str
            How the requests were chosen, as the rows say.

        Returns
        -------
        list of dict
            ``request_id, draft`` (from 1)``, text`` and the fields of generation, sorted by request as given.

        Raises
        ------
        InputError
            Rows outside the log, or draws below 1.
        """
        which = self._rows(rows)
        if draws < 1:
            raise InputError(f"draws: {draws!r} must be 1 or more")
        texts = [self._draw(which, keys_of(seed, "redraw", which, draft), drift) for draft in range(1, draws + 1)]
        stated = ("request_id", "model", "system", "messages", "prompt", "temperature", "top_p", "max_tokens")
        out = []
        for i, row in enumerate(self.rows(which, fields=(*stated, "params_hash"))):
            sampler = self.samplers[self.sampler[which[i]]]
            for draft in range(1, draws + 1):
                text = texts[draft - 1][i]
                own = {"draft": draft, "seed": int(keys_of(seed, "redraw", which[[i]], draft)[0] >> np.uint64(33))}
                end = {"finish_reason": finish_reason(text, sampler), "selected_by": selected_by, "text": text}
                out.append({**row, **own, **end})
        return out

    def rows_asking(self, prompts: Sequence[str]) -> Ints:
        """Requests whose prompt, template apart, is one of some prompts: int64[m], ascending."""
        wanted = set(prompts)
        return np.flatnonzero(np.array([prompt in wanted for prompt in self.prompts])[self.asked])

    def write(
        self, folder: str | os.PathLike[str], *, fields: Sequence[str] = FIELDS, redraws: int = 0
    ) -> dict[str, Path]:
        """Write all tables as JSON lines, and ``truth.json``; each file appears whole or not at all.

        Parameters
        ----------
        folder : path
            Made where it is missing; files of the same names in it are replaced.
        fields : sequence of str
            Of the log.
        redraws : int
            Answers to draw again for every request; 0 writes no ``redraws.jsonl``.

        Returns
        -------
        dict of str to Path
            ``served``, ``accounts`` (what the provider knows: no role), ``suspect``, ``innocent``, ``people``,
            ``background``, ``truth``, and ``redraws`` where asked for.

        Raises
        ------
        InputError
            Unknown field.
        """
        target, paths = Path(folder), {}
        target.mkdir(parents=True, exist_ok=True)
        tables: dict[str, Iterator[Row]] = {
            "served": self.rows(fields=fields),
            "accounts": (
                {"account": m.id, "created": iso(parse_day(self.start), -86_400 * m.created), "zone": m.zone}
                | {"payment": m.payment, "network": m.network}
                for m in self.members
            ),
            "suspect": iter(self.suspect),
            "innocent": iter(self.innocent),
            "people": iter(self.people),
            "background": iter(self.background),
        }
        if redraws:
            blocks = (np.arange(at, min(at + 10_000, len(self))) for at in range(0, len(self), 10_000))
            tables["redraws"] = (row for rows in blocks for row in self.redraw(rows, redraws, selected_by="all"))
        for name, table in tables.items():
            paths[name] = target / f"{name}.jsonl"
            with atomic_path(paths[name]) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as file:
                file.writelines(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n" for row in table)
        paths["truth"] = target / "truth.json"
        with atomic_path(paths["truth"]) as temporary:
            made = json.dumps(self.truth, ensure_ascii=False, sort_keys=True, indent=1)
            temporary.write_bytes(made.encode() + b"\n")
        return paths


def _start(text: str, share: float) -> str:
    """The first words of a text, one at least."""
    words = text.split(" ")
    return " ".join(words[: max(1, int(len(words) * share))])

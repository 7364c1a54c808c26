"""The ledger: all plans and all draws against a suspect, each line holding the hash of the line before it."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from overproof.errors import FormatError, InputError
from overproof.evidence.canonical import canonical, digest

START = "0" * 64
KINDS = ("new", "sample", "seal", "investigate")


@dataclass(frozen=True)
class Ledger:
    """A file of JSON lines, to which entries are only ever added.

    Parameters
    ----------
    path : path
        The file; it is made by the first entry.

    Notes
    -----
    Every entry holds ``before``, the SHA-256 of the entry before it, so that an entry that is taken out or changed
    breaks the chain. That the last entries were not cut off is shown by `head`, which a case's manifest keeps.
    """

    path: Path

    def entries(self) -> list[dict[str, Any]]:
        """All entries, the chain checked.

        Raises
        ------
        FormatError
            A line is no entry, or does not follow the line before it.
        """
        if not self.path.exists():
            return []
        out: list[dict[str, Any]] = []
        before = START
        for number, line in enumerate(self.path.read_bytes().split(b"\n"), start=1):
            if not line:
                continue
            try:
                entry = json.loads(line)
            except ValueError as error:
                raise FormatError(f"{self.path}: line {number} is no JSON: {error}") from None
            if not isinstance(entry, dict) or entry.get("before") != before:
                raise FormatError(
                    f"{self.path}: line {number} does not follow the line before it: an entry was changed, added or "
                    "taken out; restore the ledger from a copy"
                )
            before = digest(entry)
            out.append(entry)
        return out

    @property
    def head(self) -> str:
        """SHA-256 of the last entry."""
        entries = self.entries()
        return digest(entries[-1]) if entries else START

    def add(self, what: str, *, plan: str, **more: Any) -> None:
        """Add an entry.

        Parameters
        ----------
        what : {"new", "sample", "seal", "investigate"}
            What was done.
        plan : str
            Name of the plan: the hash that it had when it was made.
        **more
            What else the entry holds.

        Raises
        ------
        InputError
            The ledger cannot be written.
        FormatError
            As `entries`.
        """
        if what not in KINDS:
            raise InputError(f"what={what!r}: give one of {', '.join(KINDS)}")
        try:
            with self.path.open("ab") as file:
                # Two commands at once must not follow the same line.
                fcntl.flock(file, fcntl.LOCK_EX)
                now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
                entry = {"before": self.head, "what": what, "time": now, "plan": plan, **more}
                file.write(canonical(entry) + b"\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise InputError(f"{self.path}: the ledger cannot be written ({error.strerror}): choose another") from None

    def plans_against(self, suspect: str) -> int:
        """How many plans were sampled or sealed against the suspect with this digest: p-values are multiplied by it.

        One that was sampled and never sealed counts: its redraws may have been looked at, and found not to suit.
        """
        entries = self.entries()
        against = {one["plan"] for one in entries if suspect in one.get("suspects", ())}
        return len(against & {one["plan"] for one in entries if one["what"] in ("sample", "seal")})

    def sampled(self, plan: str) -> list[str]:
        """Hashes that a plan had once its records were chosen, in order."""
        return self._hashes("sample", plan)

    def sealed(self, plan: str) -> list[str]:
        """Hashes at which a plan was sealed, in order."""
        return self._hashes("seal", plan)

    def investigated(self, plan: str) -> list[str]:
        """Digests of the controls and the background that a plan was investigated with, in order."""
        found = [one for one in self.entries() if one["what"] == "investigate" and one["plan"] == plan]
        return [one["corpora"] for one in found if "corpora" in one]

    def _hashes(self, what: str, plan: str) -> list[str]:
        return [one["hash"] for one in self.entries() if one["what"] == what and one["plan"] == plan and "hash" in one]

    def spent(self, rows: Sequence[str], *, plan: str) -> int:
        """How many of some redraws, by their hashes, another plan's investigation has opened."""
        opened = {
            row
            for one in self.entries()
            if one["what"] == "investigate" and one["plan"] != plan
            for row in one["redraws"]
        }
        return sum(row in opened for row in rows)

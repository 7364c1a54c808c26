"""The plan: what is tested, how and on which records, fixed before the suspect is searched."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from overproof._files import atomic_path
from overproof.corpus import Corpus
from overproof.errors import FormatError, IncompatibleError, InputError
from overproof.evidence.canonical import canonical, digest
from overproof.evidence.drafts import SCORES
from overproof.evidence.result import between, count
from overproof.evidence.selection import key_id
from overproof.shingle import Shingler

SCHEMA = "overproof-plan-1"
RULES = ("prf", "prompt", "all")
GRADES = ("A", "B", "B'", "C")


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A plan in one of three states: made, sampled (records are chosen), sealed (redraws are fixed).

    Attributes
    ----------
    created : str
        When it was made (ISO 8601, UTC).
    suspects : tuple of dict
        ``name, digest, files, read`` of each: files by name and SHA-256, and how they are read.
    published : str or None
        When the suspect was published; later outputs make the time placebo.
    fetched : str or None
        When the suspect was first in the investigator's hands.
    tau, score, n : float, str, int
        Least score of an event, which score, and the width of its n-grams.
    alpha, lam : float
        Level of the corpus tests, and the stake of the e-process.
    strata : str or None
        A field of the log within whose values the line-up is made as well, such as "model".
    key_id : str
        Of the secret key; the key itself is in no file but its own.
    log, selection, groups, redraws : dict or None
        Filled in by `sample` and `seal`.
    """

    created: str
    suspects: tuple[dict[str, Any], ...]
    published: str | None
    fetched: str | None
    tau: float
    score: str
    n: int
    alpha: float
    lam: float
    key_id: str
    strata: str | None = None
    log: dict[str, Any] | None = None
    selection: dict[str, Any] | None = None
    groups: dict[str, Any] | None = None
    redraws: dict[str, Any] | None = None

    @classmethod
    def new(
        cls,
        suspects: Mapping[str, Corpus],
        *,
        key: bytes,
        tau: float = 20,
        score: str = "run",
        n: int = 5,
        alpha: float = 0.001,
        lam: float = 0.5,
        published: str | None = None,
        fetched: str | None = None,
        strata: str | None = None,
        read: Mapping[str, Mapping[str, Any]] | None = None,
        created: str | None = None,
    ) -> Plan:
        """Make a plan.

        Parameters
        ----------
        suspects : mapping of str to Corpus
            By name; only their digests enter the plan.
        key : bytes
            16 to 64 secret bytes that choose records and make pseudonyms.
        tau, score, n, alpha, lam
            As the attributes.
        published, fetched : str, optional
            ISO 8601 with a zone.
        strata : str, optional
            As the attribute.
        read : mapping of str to mapping, optional
            How each suspect's files are read again: path and fields.
        created : str, optional
            Now, unless given.

        Returns
        -------
        Plan

        Raises
        ------
        InputError
            No suspect, a time without a zone, a number out of range, an unknown score.

        Examples
        --------
        >>> import overproof as op
        >>> plan = Plan.new({"rival": op.Corpus(["a text"])}, key=bytes(32), published="2025-01-20T00:00Z")
        >>> plan.published, plan.state, len(plan.hash)
        ('2025-01-20T00:00:00Z', 'made', 64)
        """
        if not suspects:
            raise InputError("a plan needs a suspect: give one as NAME=PATH")
        if score not in SCORES:
            raise InputError(f"score={score!r} is unknown; give {', '.join(SCORES)}")
        Shingler(n)  # refuses a width that nothing can have
        given = read or {}
        made = zoned(created, "created") or datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        had = zoned(fetched, "fetched")
        if had is not None and had > made:
            raise InputError(
                f"fetched: {fetched!r} is later than the plan itself, which is made from the suspect's files: give the "
                "time at which you first had them"
            )
        return cls(
            created=made,
            suspects=tuple(
                {"name": name, "digest": corpus_digest(corpus), "rows": len(corpus), "read": dict(given.get(name, {}))}
                for name, corpus in suspects.items()
            ),
            published=zoned(published, "published"),
            fetched=had,
            tau=between(tau, "tau", 0, 1e9),
            score=score,
            n=count(n, "n", 1),
            alpha=between(alpha, "alpha", 0, 1),
            lam=between(lam, "lam", 0, 1),
            key_id=key_id(key),
            strata=strata,
        )

    @property
    def state(self) -> str:
        """ "made", "sampled" or "sealed"."""
        return "sealed" if self.redraws else "sampled" if self.selection else "made"

    @property
    def name(self) -> str:
        """The hash that the plan had when it was made: what a ledger calls it."""
        return replace(self, log=None, selection=None, groups=None, redraws=None).hash

    @property
    def hash(self) -> str:
        """SHA-256 of the canonical form."""
        return digest(self.to_dict())

    @property
    def published_seconds(self) -> float:
        """When the suspect was published, in seconds since 1970 (UTC)."""
        if self.published is None:
            raise InputError("the plan has no publication date")
        return datetime.fromisoformat(self.published).timestamp()

    def make_shingler(self) -> Shingler:
        """The n-grams that scores are made of."""
        return Shingler(self.n)

    def to_dict(self) -> dict[str, Any]:
        """The plan as JSON takes it."""
        return {"schema": SCHEMA, **vars(self), "suspects": list(self.suspects)}

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the canonical form, in which equal plans are equal files."""
        with atomic_path(path) as part:
            part.write_bytes(canonical(self.to_dict()) + b"\n")

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> Plan:
        """Read a plan.

        Raises
        ------
        InputError
            There is no such file.
        FormatError
            It is no plan, or of another format.
        """
        file = Path(path)
        if not file.is_file():
            raise InputError(f"{path}: there is no such plan: make one with `overproof plan new`")
        try:
            made = json.loads(file.read_bytes())
        except ValueError as error:
            raise FormatError(f"{path}: is no JSON: {error}") from None
        if not isinstance(made, dict) or made.get("schema") != SCHEMA:
            raise FormatError(f"{path}: is no plan of the format {SCHEMA}")
        fields = {name: value for name, value in made.items() if name != "schema"}
        try:
            return cls(**fields | {"suspects": tuple(fields["suspects"])})
        except (TypeError, KeyError) as error:
            raise FormatError(f"{path}: is no plan of the format {SCHEMA}: {error}") from None

    @property
    def grade(self) -> str:
        """What the redraws are worth: A, B, B' or C."""
        return self._graded[0]

    @property
    def why_grade(self) -> str:
        """What decided the grade, as a clause."""
        return self._graded[1]

    @property
    def _graded(self) -> tuple[str, str]:
        drawn, chosen = self.redraws or {}, self.selection or {}
        committed = drawn.get("committed")
        if committed and self.published and committed < self.published:
            return (
                "A",
                f"the redraws were committed to and timestamped at {committed}, before the suspect came out",
            )
        token, fetched = drawn.get("timestamp"), self.fetched
        # A plan is made from the suspect's files: whoever made it had them.
        if chosen.get("rule") in ("prf", "all") and token and fetched and token["time"] < min(fetched, self.created):
            return (
                "B",
                "records chosen by a keyed function, redraws timestamped by a third party before the suspect came",
            )
        if chosen.get("rule") == "prompt" and drawn:
            if drawn.get("neutral"):
                return "B'", f"drawn by {drawn['neutral']} for every record whose prompt stands in the suspect"
            if chosen.get("beacon") and drawn.get("seeds"):
                return "B'", "every record whose prompt stands in the suspect, seeds fixed by plan and public beacon"
            return "C", "drawn afterwards by the investigator, with no public beacon that fixes the seeds"
        return "C", "drawn afterwards, and neither committed nor timestamped by a third party"

    def check(
        self,
        *,
        log: Corpus,
        suspects: Mapping[str, Corpus],
        redraws: Corpus,
        key: bytes,
        groups: Mapping[str, Any] | None = None,
        units: npt.NDArray[np.int64] | None = None,
    ) -> None:
        """Refuse what the plan was not sealed for.

        Parameters
        ----------
        log, suspects, redraws, key, groups
            As in `overproof.evidence.investigate`.
        units : int64[n], optional
            As `log_units` gives of the log, when it is known already.

        Raises
        ------
        InputError
            The plan is not sealed; records were not chosen by its rule.
        IncompatibleError
            Key, log, suspect, groups or redraws are others than those that it names.
        """
        if self.redraws is None or self.selection is None or self.log is None:
            todo = "plan seal" if self.selection else "plan sample"
            raise InputError(f"the plan is not sealed, so nothing may be searched: run `overproof {todo}` first")
        if key_id(key) != self.key_id:
            raise IncompatibleError("the key is not the one that the plan was made with: give its own key file")
        for one in self.suspects:
            if one["name"] not in suspects:
                raise InputError(f"the suspect {one['name']!r} of the plan is missing")
            _same(corpus_digest(suspects[one["name"]]), one["digest"], f"suspect {one['name']!r}")
        if len(suspects) != len(self.suspects):
            raise InputError("a suspect is given that the plan does not name: every search needs a plan of its own")
        _same(corpus_digest(log), self.log["digest"], "log")
        _same(corpus_digest(redraws), self.redraws["digest"], "set of redraws")
        found = None if groups is None else digest(groups_form(groups))
        if found != (self.groups or {}).get("digest"):
            raise IncompatibleError(
                "the groups of accounts are not those that the plan fixed when its records were chosen: groups made "
                "after the search are refused"
            )
        self._check_selection(log, suspects, key, units)

    def _check_selection(
        self, log: Corpus, suspects: Mapping[str, Corpus], key: bytes, units: npt.NDArray[np.int64] | None
    ) -> None:
        from overproof.evidence.drawing import select

        assert self.selection is not None
        rule, rate = self.selection["rule"], self.selection["rate"]
        rows = select(self, log, suspects, key=key, rule=rule, rate=rate, units=units)
        if selection_digest(log, rows) != self.selection["digest"]:
            raise InputError(
                "the records of the plan are not those that its rule and key choose: records that were chosen by what "
                "matched, or by hand, are refused"
            )


def corpus_digest(corpus: Corpus) -> str:
    """What fixes a corpus: its files' SHA-256 where it is all of them, else that of its columns, value by value."""
    if corpus.sources and len(corpus) == sum(one.rows for one in corpus.sources):
        return hashlib.sha256("".join(f"{one.sha256}:{one.rows}\n" for one in corpus.sources).encode()).hexdigest()
    whole = hashlib.sha256()
    columns = {
        name: getattr(corpus, f"{name}s") for name in ("text", "id", "prompt", "account", "time", "conversation")
    }
    for name, column in [*columns.items(), *sorted(corpus.extra.items())]:
        if column is None:
            continue
        whole.update(f"{name}\0".encode())
        for text in column.to_list():
            raw = b"\xff" if text is None else text.encode("utf-8", "surrogatepass")
            whole.update(len(raw).to_bytes(8, "little") + raw)
    return whole.hexdigest()


def selection_digest(log: Corpus, rows: Any) -> str:
    """What fixes the chosen records: their request ids, in order."""
    if log.ids is None:
        raise InputError("the log has no request ids: name the field that holds them")
    return digest([log.ids[i] for i in rows.tolist()])


def groups_form(groups: Mapping[str, Any]) -> dict[str, Any]:
    """Of groups that which the tests depend on: their accounts, none of which is in two."""
    group_of: dict[Any, str] = {}
    for name, one in groups.items():
        for account in one["accounts"]:
            if group_of.setdefault(account, name) != name:
                raise InputError(
                    f"groups: the account {account!r} is in {group_of[account]!r} and in {name!r}: put it into one"
                )
    return {name: sorted(one["accounts"]) for name, one in groups.items()}


def zoned(time: str | None, name: str) -> str | None:
    """A time in UTC, to the second; refuses one without a zone.

    Examples
    --------
    >>> zoned("2025-01-20T01:00+01:00", "published")
    '2025-01-20T00:00:00Z'
    """
    if time is None:
        return None
    try:
        made = datetime.fromisoformat(time)
    except ValueError:
        raise InputError(f"{name}: {time!r} is no time of ISO 8601, such as 2025-01-20T00:00Z") from None
    if made.tzinfo is None:
        raise InputError(f"{name}: {time!r} has no zone: append Z for UTC, or an offset such as +01:00")
    return made.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _same(found: str, stated: str, what: str) -> None:
    if found != stated:
        raise IncompatibleError(
            f"the {what} is not the one that the plan was sealed for (SHA-256 {found[:12]}..., the plan has "
            f"{stated[:12]}...): it was changed, or another file is given; make a new plan"
        )

"""What is handed on for review: CSV, JSON and STIX 2.1, with pseudonyms; no prompt, no text, no sketch."""

from __future__ import annotations

import csv
import json
import os
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from overproof._extras import need
from overproof._files import atomic_path
from overproof.errors import InputError
from overproof.evidence.result import plain

__all__ = ["stix_bundle", "write_csv", "write_json", "write_stix"]

NAMESPACE = uuid.UUID("4d6f5b0e-6f4c-5d0e-9a53-0c8f5f2f9b21")
FOR_REVIEW = "For review: similarity and counts, no verdict. The route of any copy is not shown."


def write_csv(rows: Sequence[Mapping[str, Any]], path: str | os.PathLike[str], *, columns: Sequence[str]) -> None:
    """Write rows as CSV for a spreadsheet, whole or not at all.

    Lists become words with a semicolon between. A text that a spreadsheet would take for a formula gets a quote.
    """
    with atomic_path(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(columns)
        out.writerows([_cell(row.get(column)) for column in columns] for row in rows)


def _cell(value: Any) -> Any:
    value = plain(value)
    if value is None:
        return ""
    if isinstance(value, list):
        value = "; ".join(str(v) for v in value)
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return "'" + value
    return f"{value:.6g}" if isinstance(value, float) else value


def write_json(value: Mapping[str, Any], path: str | os.PathLike[str]) -> None:
    """Write as JSON, whole or not at all."""
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(plain(dict(value)), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def stix_bundle(
    accounts: Sequence[Mapping[str, Any]],
    groups: Sequence[Mapping[str, Any]] = (),
    *,
    name: str,
    created: datetime | None = None,
) -> Any:
    """A STIX 2.1 bundle: user accounts, what was observed of them, a note each, and a grouping for each group.

    Parameters
    ----------
    accounts : sequence of mappings
        ``pseudonym``; where known ``first`` and ``last`` (datetime with zone, or ISO 8601), ``requests``; the rest goes
        into the note as JSON. The account's own name must not be among it.
    groups : sequence of mappings
        ``id`` and ``members`` (pseudonyms); anything else goes into the description.
    name : str
        Of the screen or the case; ids follow from it, so that a second export names the same objects.
    created : datetime, optional
        Now by default.

    Returns
    -------
    stix2.Bundle

    Raises
    ------
    InputError
        A group names an account that is not among `accounts`.
    MissingExtraError
        The package stix2 is missing.

    References
    ----------
    OASIS, STIX version 2.1, sections 4.5, 4.12, 4.14 and 6.16.
    """
    stix2 = need("stix2", extra="stix")
    now = created or datetime.now(UTC)

    def made(kind: str, of: str) -> str:
        return f"{kind}--{uuid.uuid5(NAMESPACE, f'{name}/{kind}/{of}')}"

    who = stix2.Identity(
        id=made("identity", "overproof"), name="overproof", identity_class="system", created=now, modified=now
    )
    common = {"created_by_ref": who.id, "created": now, "modified": now}
    objects: list[Any] = [who]
    ids: dict[str, str] = {}
    for row in accounts:
        label = str(row["pseudonym"])
        ids[label] = made("user-account", label)
        objects.append(stix2.UserAccount(id=ids[label], user_id=label, account_type="api"))
        first, last = _time(row.get("first")), _time(row.get("last"))
        if first is not None and last is not None:
            objects.append(
                stix2.ObservedData(
                    id=made("observed-data", label),
                    first_observed=first,
                    last_observed=last,
                    number_observed=min(999_999_999, max(1, int(row.get("requests") or 1))),
                    object_refs=[ids[label]],
                    **common,
                )
            )
        rest = {k: plain(v) for k, v in row.items() if k not in ("pseudonym", "first", "last")}
        objects.append(
            stix2.Note(
                id=made("note", label),
                abstract=FOR_REVIEW,
                content=json.dumps(rest, sort_keys=True, ensure_ascii=False),
                object_refs=[ids[label]],
                **common,
            )
        )
    for group in groups:
        members = [str(m) for m in group["members"]]
        if unknown := [m for m in members if m not in ids]:
            raise InputError(f"group {group['id']!r} names {unknown[0]!r}, which is not among the accounts")
        rest = {k: plain(v) for k, v in group.items() if k not in ("id", "members")}
        objects.append(
            stix2.Grouping(
                id=made("grouping", str(group["id"])),
                name=str(group["id"]),
                context="suspicious-activity",
                description=f"{FOR_REVIEW} {json.dumps(rest, sort_keys=True, ensure_ascii=False)}",
                object_refs=[ids[m] for m in members],
                **common,
            )
        )
    return stix2.Bundle(objects=objects, id=made("bundle", "all"))


def _time(value: Any) -> datetime | None:
    """A time with its zone, or None."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    return value if isinstance(value, datetime) and value.tzinfo is not None else None


def write_stix(bundle: Any, path: str | os.PathLike[str]) -> None:
    """Write a bundle, whole or not at all."""
    with atomic_path(path) as temporary:
        temporary.write_text(bundle.serialize(pretty=True) + "\n", encoding="utf-8")

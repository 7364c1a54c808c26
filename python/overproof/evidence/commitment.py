"""A day's log under one hash: what was served on it cannot be changed, added to or thinned out afterwards."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from overproof.corpus import Corpus
from overproof.errors import InputError
from overproof.evidence.canonical import canonical
from overproof.evidence.merkle import MerkleTree, record_hash, verify_inclusion
from overproof.evidence.selection import key_id

SCHEMA = "overproof-commit-1"
OWN = {
    "id": "ids",
    "text": "texts",
    "prompt": "prompts",
    "account": "accounts",
    "time": "times",
    "conversation": "conversations",
}


@dataclass(frozen=True)
class Commitment:
    """A log, a key, and the tree over the keyed hashes of its records.

    Attributes
    ----------
    log : Corpus
        n requests, in the order of the log.
    tree : MerkleTree
        n leaves.
    key_id : str
        Tells the key from others and tells nothing of it.

    Examples
    --------
    >>> import overproof as op
    >>> log = op.Corpus(["a", "b"], ids=["r1", "r2"])
    >>> day = commit_log(log, key=b"sixteen bytes or more")
    >>> proof = day.prove("r2", key=b"sixteen bytes or more")
    >>> verify_proof(day.to_dict(), proof), proof["record"]
    (True, {'id': 'r2', 'text': 'b'})
    """

    log: Corpus
    tree: MerkleTree
    key_id: str

    def to_dict(self) -> dict[str, Any]:
        """What may be published: root, size, fields and the digests of the files; no record and no leaf."""
        return {
            "schema": SCHEMA,
            "root": self.tree.root.hex(),
            "size": len(self.log),
            "key_id": self.key_id,
            "leaf": "HMAC-SHA-256 of the canonical JSON (RFC 8785) of a record; tree of RFC 6962",
            "fields": dict(self.log.fields),
            "files": [
                {"name": None if one.path is None else re.split(r"[\\/]", one.path)[-1], "sha256": one.sha256}
                | {"rows": one.rows}
                for one in self.log.sources
            ],
        }

    def prove(self, request: str, *, key: bytes) -> dict[str, Any]:
        """Open one record: its content, its own key, and the hashes beside its path to the root.

        Whoever has this and the root checks it by `verify_proof`; it tells nothing about other records.

        Raises
        ------
        InputError
            No request, or more than one, has this id; the key is another one.
        """
        if key_id(key) != self.key_id:
            raise InputError("key: is not the one that the log was committed with")
        ids = self.log.ids.to_list() if self.log.ids is not None else []
        rows = [row for row, name in enumerate(ids) if name == request]
        if len(rows) != 1:
            raise InputError(f"{request!r} is the id of {len(rows)} requests of the log: give the id of one")
        (row,) = rows
        return {
            "index": row,
            "record": record_of(self.log, row),
            "record_key": _key_of(key, row).hex(),
            "path": [beside.hex() for beside in self.tree.proof(row)],
        }


def commit_log(log: Corpus, *, key: bytes) -> Commitment:
    """Commit to all records of a log.

    Parameters
    ----------
    log : Corpus
        As `read_log` gives: every field that was read is part of its record.
    key : bytes
        16 to 64 secret bytes. Each record has a key of its own, derived from it: opening one opens no other.

    Returns
    -------
    Commitment

    Raises
    ------
    InputError
        The key has another length, or a text holds half of a surrogate pair.

    Notes
    -----
    Publish the root, or have it timestamped (RFC 3161), on the day itself: it proves nothing about an earlier time than
    that of its publication. About 30 us a record.
    """
    named = key_id(key)
    leaves = [record_hash(canonical(record_of(log, row)), key=_key_of(key, row)) for row in range(len(log))]
    return Commitment(log=log, tree=MerkleTree(leaves), key_id=named)


def record_of(log: Corpus, row: int) -> dict[str, str]:
    """What is known of a request, by canonical names; what is not known is left out.

    Examples
    --------
    >>> import overproof as op
    >>> record_of(op.Corpus(["a"], ids=[1], extra={"model": ["m-1"], "host": [None]}), 0)
    {'id': '1', 'text': 'a', 'model': 'm-1'}
    """
    columns = {name: getattr(log, attribute) for name, attribute in OWN.items()} | dict(log.extra)
    values = {name: None if column is None else column[row] for name, column in columns.items()}
    return {name: value for name, value in values.items() if value is not None}


def verify_proof(commitment: Mapping[str, Any], proof: Mapping[str, Any]) -> bool:
    """Whether an opened record was part of a committed log; needs no key and no other record.

    Parameters
    ----------
    commitment : mapping
        As `Commitment.to_dict` gives: ``root`` and ``size``.
    proof : mapping
        As `Commitment.prove` gives.

    Returns
    -------
    bool

    Raises
    ------
    InputError
        A part is missing or is no hexadecimal text.
    """
    try:
        leaf = record_hash(canonical(proof["record"]), key=bytes.fromhex(proof["record_key"]))
        root, path = bytes.fromhex(commitment["root"]), [bytes.fromhex(beside) for beside in proof["path"]]
        return verify_inclusion(root, size=commitment["size"], index=proof["index"], leaf=leaf, proof=path)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"this is no proof for that commitment: {error}") from error


def timestamp(token: bytes, imprint: bytes) -> dict[str, str]:
    """What an RFC 3161 timestamp token states about a hash, to be carried beside it.

    Parameters
    ----------
    token : bytes
        The answer of a time-stamping authority (DER).
    imprint : bytes
        32 bytes: what was stamped, such as a root.

    Returns
    -------
    dict
        ``time`` (UTC), ``token`` (Base64), and the token's ``sha256``.

    Raises
    ------
    InputError
        The token is not over this hash, or states no time.

    Notes
    -----
    The signature is not verified here, since trust in an authority is the reader's to give: ``openssl ts -verify
    -digest <root> -in <token>`` does.

    Examples
    --------
    >>> timestamp(b"...", bytes(32))
    Traceback (most recent call last):
        ...
    overproof.errors.InputError: the timestamp token is not over 0000000000000000...: have this hash stamped
    """
    if imprint not in token:
        raise InputError(f"the timestamp token is not over {imprint.hex()[:16]}...: have this hash stamped")
    # DER: OCTET STRING of the imprint, serial number, then genTime as GeneralizedTime (RFC 3161, section 2.4.2).
    found = re.search(rb"\x18.(\d{14})(?:\.\d+)?Z", token[token.index(imprint) :], re.DOTALL)
    if found is None:
        raise InputError("the timestamp token states no time: give the whole answer of the authority, in DER")
    at = found[1].decode()
    time = f"{at[:4]}-{at[4:6]}-{at[6:8]}T{at[8:10]}:{at[10:12]}:{at[12:]}Z"
    return {"time": time, "token": base64.b64encode(token).decode(), "sha256": hashlib.sha256(token).hexdigest()}


def _key_of(key: bytes, row: int) -> bytes:
    return hmac.digest(key, b"overproof record\0%d" % row, "sha256")

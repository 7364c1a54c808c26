"""A commitment fixes every record, and an opened record proves itself without telling of others."""

import hashlib
import json
from typing import Any

import overproof as op
import pytest
from overproof.evidence.commitment import commit_log, timestamp, verify_proof

KEY = b"sixteen bytes or more"


def log_of(n: int = 5, **extra: Any) -> op.Corpus:
    return op.Corpus([f"text {i}" for i in range(n)], ids=[f"r{i}" for i in range(n)], extra=extra)


@pytest.mark.parametrize("n", [1, 2, 5, 8])
def test_each_record_is_proved_by_the_public_part_alone(n: int) -> None:
    day = commit_log(log_of(n, model=["m"] * n), key=KEY)
    public = json.loads(json.dumps(day.to_dict()))
    for i in range(n):
        proof = json.loads(json.dumps(day.prove(f"r{i}", key=KEY)))
        assert proof["record"] == {"id": f"r{i}", "text": f"text {i}", "model": "m"}
        assert verify_proof(public, proof)
        assert not verify_proof(public, proof | {"record": proof["record"] | {"text": "other"}})
        assert not verify_proof(public, proof | {"index": proof["index"] + 1})
    assert "text 0" not in json.dumps(public)


def test_the_root_is_of_content_order_and_key() -> None:
    root = commit_log(log_of(), key=KEY).tree.root
    assert commit_log(log_of(), key=KEY).tree.root == root
    assert commit_log(log_of().select([1, 0, 2, 3, 4]), key=KEY).tree.root != root
    assert commit_log(log_of(model=["m"] * 5), key=KEY).tree.root != root
    assert commit_log(log_of(), key=KEY + b"!").tree.root != root


def test_equal_records_have_keys_of_their_own() -> None:
    day = commit_log(op.Corpus(["same", "same"]), key=KEY)
    assert day.tree.leaves[0] != day.tree.leaves[1]


def test_what_cannot_be_proved() -> None:
    day = commit_log(op.Corpus(["a", "b", "c"], ids=["r", "r", "s"]), key=KEY)
    for request, n in (("r", 2), ("nobody", 0)):
        with pytest.raises(op.InputError, match=f"'{request}' is the id of {n} requests"):
            day.prove(request, key=KEY)
    with pytest.raises(op.InputError, match="not the one that the log was committed with"):
        day.prove("s", key=KEY + b"!")
    with pytest.raises(op.InputError, match="key: give 16 to 64 bytes"):
        commit_log(log_of(), key=b"short")
    with pytest.raises(op.InputError, match="this is no proof for that commitment"):
        verify_proof(day.to_dict(), {"index": 0})


def test_a_timestamp_is_over_the_root() -> None:
    root = hashlib.sha256(b"root").digest()
    token = b"\x30\x82\x04\x20" + root + b"\x02\x01\x07" + b"\x18\x0f20250120101112Z" + b"certificates"
    assert timestamp(token, root)["time"] == "2025-01-20T10:11:12Z"
    with pytest.raises(op.InputError, match="the timestamp token is not over"):
        timestamp(token, bytes(32))
    with pytest.raises(op.InputError, match="the timestamp token states no time"):
        timestamp(root, root)

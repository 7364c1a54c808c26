"""What a log is read as, which rung it reaches, and what keeps a row out."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import overproof as op
import pandas as pd
import pytest
from overproof.evidence.log import check_log, instant, read_log, seconds

FULL: dict[str, Any] = {
    "request_id": "r1",
    "acct": "a1",
    "ts": "2025-01-20T00:00:00Z",
    "session_id": "c1",
    "snapshot": "m-1",
    "prompt": "Why?",
    "text": "Because.",
    "temperature": 0.7,
    "top_p": 1,
    "max_tokens": 100,
    "finish_reason": "stop",
}


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_usual_names_are_found_and_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO", logger="overproof"):
        log = read_log(write(tmp_path / "log.jsonl", [FULL]))
    assert (log.ids[0], log.accounts[0], log.conversations[0], log.times[0]) == ("r1", "a1", "c1", FULL["ts"])
    assert {name: log.extra[name][0] for name in ("model", "temperature")} == {"model": "m-1", "temperature": "0.7"}
    assert f"{tmp_path / 'log.jsonl'}: guessed the fields" in caplog.text
    assert "account='acct'" in caplog.text
    own = read_log(tmp_path / "log.jsonl", fields={"host": "snapshot"}, account_field="ts")
    assert (own.extra["host"][0], own.accounts[0]) == ("m-1", FULL["ts"])
    by_option = read_log(tmp_path / "log.jsonl", id_field="acct", conversation_field="ts", prompt_field=False)
    assert (by_option.ids[0], by_option.conversations[0], by_option.prompts) == ("a1", FULL["ts"], None)
    with caplog.at_level("INFO", logger="overproof"):
        assert read_log(pd.DataFrame([FULL])).extra["model"][0] == "m-1"
        assert "the frame: guessed the fields" in caplog.text
        read_log([tmp_path / "log.jsonl", str(tmp_path / "log.jsonl")])
        assert f"{tmp_path / 'log.jsonl'}, {tmp_path / 'log.jsonl'}: guessed the fields" in caplog.text
    with pytest.raises(op.InputError, match="fields: 'modle' is no field of a log"):
        read_log(tmp_path / "log.jsonl", fields={"modle": "snapshot"})


def test_times_have_a_zone(tmp_path: Path) -> None:
    times = ["2025-01-20T00:00Z", "2025-01-20T01:00:00+01:00", 1737331200, "1737331200000", "1737331200000000", None]
    assert seconds(op.Corpus(["x"] * 6, times=times)).tolist()[:5] == [1737331200.0] * 5
    assert np.isnan(seconds(op.Corpus(["x"] * 6, times=times))[5])
    log = read_log(write(tmp_path / "log.jsonl", [FULL, FULL | {"ts": "2025-01-20 00:00"}]))
    with pytest.raises(op.InputError, match=r"log.jsonl: row 2: the time '2025-01-20 00:00' has no zone"):
        seconds(log)
    with pytest.raises(op.InputError, match=r"row 1: the time 'yesterday' cannot be read"):
        seconds(op.Corpus(["x"], times=["yesterday"]))
    with pytest.raises(op.InputError, match=r"published: the time '2025-01-20' has no zone"):
        instant("2025-01-20", "published")


def test_each_missing_field_costs_its_rung(tmp_path: Path) -> None:
    def check(row: dict[str, Any]) -> Any:
        return check_log(read_log(write(tmp_path / "log.jsonl", [row])))

    assert check(FULL).rung == "L2"
    for name, missing in (
        ("request_id", "id"),
        ("ts", "time"),
        ("snapshot", "model"),
        ("prompt", "prompt or messages"),
    ):
        one = check({key: value for key, value in FULL.items() if key != name})
        assert (one.rung, one.rungs[1]["missing"], one.rungs[2]["reachable"]) == ("L0", [missing], False)
    no_account = check({key: value for key, value in FULL.items() if key != "acct"})
    assert (no_account.rung, no_account.rungs[2]["missing"]) == ("L1", ["account"])
    hashed = {key: value for key, value in FULL.items() if key not in ("temperature", "top_p", "max_tokens")}
    assert check(hashed).rungs[1]["missing"] == [f"{n} or params_hash" for n in ("temperature", "top_p", "max_tokens")]
    assert check(hashed | {"params_hash": "h"}).rung == "L2"
    assert check(FULL).to_dict()["fields"]["model"] == 1
    assert any(note.startswith("without payment") for note in check(FULL).notes)


def test_problems_are_counted(tmp_path: Path) -> None:
    changes: list[dict[str, Any]] = [
        {},
        {"text": None},
        {"ts": "2025-01-20T00:00"},
        {"ts": "soon"},
        {"request_id": "twice"},
        {"request_id": "twice"},
        {"acct": None},
        {"finish_reason": "cancelled"},
        {"user_choice": "regenerate"},
        {"user_choice": False, "cache_hit": True},
        {"request_id": None},
    ]
    rows = [FULL | {"request_id": f"r{i}"} | change for i, change in enumerate(changes)]
    assert check_log(read_log(write(tmp_path / "log.jsonl", rows))).problems == {
        "answered from a cache": 1,
        "chosen by a later user action": 1,
        "duplicate request id": 2,
        "missing text": 1,
        "no account": 1,
        "no request id": 1,
        "stream cut by the user": 1,
        "time that cannot be read": 1,
        "time without zone": 1,
    }

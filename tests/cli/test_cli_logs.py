"""``check-log`` and ``commit`` as a person runs them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from overproof.cli import main
from overproof.evidence.commitment import verify_proof

ROW: dict[str, Any] = {"request_id": "r", "acct": "a", "ts": "2025-01-20T00:00Z", "snapshot": "m", "prompt": "Why?"}
ROW |= {"text": "Because.", "params_hash": "h", "finish_reason": "stop"}


@pytest.fixture
def log(tmp_path: Path) -> Path:
    folder = tmp_path / "log"
    folder.mkdir()
    for day in range(2):
        rows = [ROW | {"request_id": f"r{day}{i}", "text": f"Because {day}{i}."} for i in range(5)]
        rows[1]["finish_reason"] = "cancelled"
        (folder / f"day{day}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def run(*arguments: object) -> int:
    return main([str(argument) for argument in arguments])


def test_check_log_tells_the_rung(log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "check.json"
    assert run("check-log", log, "--account-field", "acct", "--time-field", "ts", "--json", out) == 0
    text, err = capsys.readouterr()
    assert text.startswith("This log can reach L2: they were served only to these accounts.")
    assert "stream cut by the user" in text
    assert max(map(len, text.replace(str(out), "").splitlines())) <= 80
    assert f"overproof: {log}: guessed the fields id='request_id', model='snapshot'" in err
    assert json.loads(out.read_text())["problems"] == {"stream cut by the user": 2}
    assert run("check-log", log, "--field", "host=snapshot", "-q") == 0
    assert capsys.readouterr().out == ""


def test_check_log_names_what_is_missing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text(json.dumps({key: value for key, value in ROW.items() if key != "snapshot"}) + "\n")
    assert run("check-log", path) == 0
    text = capsys.readouterr().out
    assert text.startswith("This log can reach L0")
    assert "model" in text


def test_commit_and_prove(log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    key, out = tmp_path / "key", tmp_path / "day.commit.json"
    key.write_bytes(bytes(range(32)))
    assert run("commit", log, "--key-file", key, "--out", out) == 0
    first = json.loads(out.read_text())
    assert capsys.readouterr().out.startswith(f"Root {first['root']} over 10 requests, key {first['key_id']}.")
    assert "Because" not in out.read_text()
    assert key.read_bytes().hex() not in out.read_text()
    token = tmp_path / "day.tsr"
    token.write_bytes(bytes.fromhex(first["root"]) + b"\x18\x0f20250121000000Z")
    assert run("commit", log, "--key-file", key, "--out", out, "--prove", "r03", "--timestamp-token", token) == 0
    made = json.loads(out.read_text())
    assert made["root"] == first["root"]
    assert made["timestamp"]["time"] == "2025-01-21T00:00:00Z"
    assert list(made["proofs"]) == ["r03"]
    assert made["proofs"]["r03"]["record"]["text"] == "Because 03."
    assert verify_proof(first, made["proofs"]["r03"])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["check-log", "nowhere"], "nowhere: there is no such file"),
        (["check-log", "{log}", "--field", "model"], "'model' must be NAME=FIELD"),
        (["check-log", "{log}", "--field", "modle=x"], "'modle' is no field of a log"),
        (["check-log", "{log}", "--account-field", "no"], 'no line has the field "no": check --account-field'),
        (["commit", "{log}", "--out", "{tmp}/x.json"], "Missing option '--key-file'"),
        (
            ["commit", "{log}", "--out", "{tmp}/x.json", "--key-file", "{tmp}/none", "--prove", "r03"],
            "none: there is no such file",
        ),
        (["commit", "{tmp}/no.jsonl", "--out", "{tmp}/x.json", "--key-file", "{tmp}/none"], "there is no such file"),
        (["commit", "{log}", "--out", "{tmp}/x.json", "--key-file", "{tmp}/short"], "a key has 16 to 64"),
        (
            ["commit", "{log}", "--out", "{tmp}/x.json", "--key-file", "{tmp}/key", "--prove", "x"],
            "the id of 0 requests",
        ),
        (
            ["commit", "{log}", "--out", "{tmp}/x.json", "--key-file", "{tmp}/key", "--timestamp-token", "{tmp}/key"],
            "not over",
        ),
    ],
)
def test_what_is_refused(
    arguments: list[str], words: str, log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "short").write_bytes(b"short")
    (tmp_path / "key").write_bytes(bytes(32))
    assert run(*(argument.format(log=log, tmp=tmp_path) for argument in arguments)) in (1, 2)
    assert words in capsys.readouterr().err.replace("\n", " ")
    assert not (tmp_path / "x.json").exists()
    assert not (tmp_path / "none").exists()


def test_the_key_of_a_commitment_is_made_once(log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    key, out = tmp_path / "log.key", tmp_path / "day.json"
    assert run("commit", log, "--key-file", key, "--out", out) == 0
    assert f"Wrote {key}" in capsys.readouterr().out
    other = tmp_path / "other.key"
    assert run("commit", log, "--key-file", other, "--out", out, "--account-field", "no") == 1
    assert "check --account-field" in capsys.readouterr().err
    assert not other.exists()
    assert key.stat().st_mode & 0o077 == 0
    root = json.loads(out.read_text())["root"]
    assert run("commit", log, "--key-file", key, "--out", out, "--prove", "r03") == 0
    assert f"Wrote {key}" not in capsys.readouterr().out
    assert json.loads(out.read_text())["root"] == root

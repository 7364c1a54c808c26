"""``screen`` and ``accounts``: what they write, and their errors."""

import csv
import json
import re
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from evidence.made_logs import metadata
from overproof.cli import main
from overproof.evidence import read_log
from overproof.evidence.people import people
from overproof.evidence.watch import WatchList


@pytest.fixture
def logs(tmp_path: Path) -> dict[str, str]:
    paths = {}
    for name, seed, pools in (("log", 1, (6,)), ("benign", 2, ())):
        made = metadata(seed, people=80, tools=2, users=8, pools=pools, requests=40)
        rows = zip(made["accounts"], made["prompts"], made["times"], strict=True)
        lines = [
            {
                "request_id": f"r{i}",
                "account": account if pools else f"old-{account}",
                "prompt": prompt,
                "time": datetime.fromtimestamp(time, UTC).isoformat(),
                "text": "an answer",
            }
            for i, (account, prompt, time) in enumerate(rows)
        ]
        path = tmp_path / f"{name}.jsonl"
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
        paths[name] = str(path)
        if pools:
            paths["pooled"] = ",".join(made["truth"])
            watch = WatchList(bytes(range(32)), case="case-1")
            watch.add(
                "group-1", [p for a, p in zip(made["accounts"], made["prompts"], strict=True) if a in made["truth"]]
            )
            watch.save(tmp_path / "watch.json")
            (tmp_path / "watch.key").write_bytes(bytes(range(32)))
    return paths


def test_screen_writes_what_a_person_reviews_and_reads_it_back(
    logs: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, stix, key = tmp_path / "review.csv", tmp_path / "review.json", tmp_path / "names.key"
    command = ["screen", logs["log"], "--benign", logs["benign"], "--rate", "2%", "--out", str(out)]
    watch = ["--watch", str(tmp_path / "watch.json"), "--watch-key", str(tmp_path / "watch.key")]
    assert main([*command, *watch, "--stix", str(stix), "--key", str(key)]) == 0
    said, told = capsys.readouterr()
    for name in ("log", "benign"):
        assert f"overproof: {logs[name]}: guessed the fields" in told
    assert "hits 1 of" in said or "hits 0 of" in said
    assert "no verdict" in said
    with out.open(newline="") as file:
        rows = list(csv.DictReader(file))
    pooled = set(logs["pooled"].split(","))
    assert {row["account"] for row in rows if row["watch"] == "case-1/group-1"} == pooled
    assert pooled <= {row["account"] for row in rows if "flat_clock" in row["flags"]}
    bundle = json.loads(stix.read_text())
    # Whole names: a pseudonym under a new key may begin as an account's name does.
    assert not pooled & set(re.findall(r"acct-\w+", stix.read_text()))
    assert {o["type"] for o in bundle["objects"]} == {"identity", "user-account", "note"}
    assert key.stat().st_size == 32
    # As a case with this key calls them.
    of_case = people(np.zeros((1, 2)), read_log(logs["log"]), np.zeros(1, int), tau=1, alpha=0.05, key=key.read_bytes())
    said = {of_case.private[one["user_id"]] for one in bundle["objects"] if one["type"] == "user-account"}
    assert said == {row["account"] for row in rows}

    for row in rows:
        row["decision"] = "confirmed" if row["account"] in pooled else "cleared"
    with out.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    # Neither the same command again nor one that knows other decisions writes over these.
    before = out.read_bytes()
    other = tmp_path / "other.csv"
    other.write_text(f"account,decision\n{rows[0]['account']},{rows[0]['decision']}\n")
    for more in ([], ["--decisions", str(other)]):
        assert main([*command, *more]) == 1
        told = capsys.readouterr().err
        assert (
            f"--out: {out} holds {len(rows) - bool(more)} decisions that would be lost: give it as --decisions" in told
        )
    assert out.read_bytes() == before
    # What it read of --decisions is no loss: the same command runs twice.
    for _ in range(2):
        assert main([*command[:-1], str(tmp_path / "next.csv"), "--decisions", str(out), "-q"]) == 0
    assert "confirmed" in (tmp_path / "next.csv").read_text()
    again = tmp_path / "again.json"
    assert main(["screen", logs["log"], "--decisions", str(out), "--json", str(again), "-q"]) == 0
    made = json.loads(again.read_text())
    assert made["calibrated_on"] == "this log itself"
    assert made["benign"] == made["screened"] - len(pooled)


def test_screen_says_what_is_wrong(logs: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["screen", logs["log"], "--stix", str(tmp_path / "s.json")]) == 0
    assert (tmp_path / "s.json.key").stat().st_mode & 0o077 == 0
    assert f"Wrote {tmp_path / 's.json.key'}" in capsys.readouterr().out
    assert main(["screen", logs["log"], "--rate", "0.9%"]) == 0
    told = capsys.readouterr().out
    assert "needs 111 benign accounts of which the feature is known: try --benign with more, --rate 1% or a" in told
    assert "none: known of no benign account" in told
    assert main(["screen", logs["log"], "--rate", "1%"]) == 0
    assert "too few benign accounts" not in capsys.readouterr().out
    assert main(["screen", logs["log"], "--watch", str(tmp_path / "watch.json")]) == 2
    assert "--watch-key go together" in capsys.readouterr().err
    short = tmp_path / "short.key"
    short.write_bytes(b"short")
    for option, more in (("--watch-key", ["--watch", "watch.json"]), ("--key", ["--stix", "t.json"])):
        assert main(["screen", logs["log"], more[0], str(tmp_path / more[1]), option, str(short)]) == 1
        assert f"{option}: {short} holds 5 bytes; a key has 16 to 64" in capsys.readouterr().err
    odd = tmp_path / "odd.jsonl"
    odd.write_text('{"said": "a", "asked": "b", "who": "c", "thread": "d"}\n')
    named = [
        f"--{kind}-field={name}" for kind, name in (("text", "said"), ("account", "who"), ("conversation", "thread"))
    ]
    assert main(["screen", str(odd), *named]) == 1
    assert "name the field when it is read: --prompt-field" in capsys.readouterr().err
    assert main(["screen", str(odd), *named, "--prompt-field", "asked", "--least", "1"]) == 0
    assert "1 account screened" in capsys.readouterr().out
    bare = tmp_path / "bare.jsonl"
    bare.write_text('{"text": "a", "prompt": "b"}\n')
    assert main(["screen", str(bare)]) == 1
    assert "account" in capsys.readouterr().err


CASE = {
    "plan": {"hash": "ab"},
    "accounts": [
        {
            "pseudonym": "p1",
            "group": "g1",
            "rung": "L2",
            "verdict": "named",
            "requests": 9,
            "pvalue": 1e-5,
            "first": "2025-01-01T00:00:00Z",
            "last": "2025-01-05T00:00:00+01:00",
        },
        {"pseudonym": "p2", "group": "g1", "rung": None, "verdict": "not shown", "requests": 7, "pvalue": None},
        {"pseudonym": "p3", "group": None, "rung": "L1", "verdict": "not testable", "requests": 2, "pvalue": None},
    ],
    "groups": [{"group": "g1", "members": ["p1", "p2"], "rung": "L2", "verdict": "named"}],
}


def test_accounts_reads_a_case(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "case.json").write_text(json.dumps(CASE))
    table, stix = tmp_path / "review.csv", tmp_path / "stix.json"
    assert main(["accounts", str(tmp_path), "--rung", "L2", "--csv", str(table), "--stix", str(stix)]) == 0
    with table.open(newline="") as file:
        assert [row["pseudonym"] for row in csv.DictReader(file)] == ["p1", "p2"]
    kinds = [o["type"] for o in json.loads(stix.read_text())["objects"]]
    assert kinds.count("user-account") == 2
    assert kinds.count("grouping") == kinds.count("observed-data") == 1
    assert "2 accounts, 1 group at L2" in capsys.readouterr().out
    # A person filled in a decision; another spreadsheet saves with another separator.
    for separator in ",;":
        table.write_text(separator.join(["pseudonym", "decision\np1", "confirmed\n"]))
        assert main(["accounts", str(tmp_path), "--csv", str(table)]) == 1
        assert f"--csv: {table} holds 1 decision that would be lost" in capsys.readouterr().err
    assert "confirmed" in table.read_text()
    lone = {"pseudonym": "p4", "group": None, "rung": None, "verdict": "not testable", "sentence": "Not testable: p4."}
    (tmp_path / "case.json").write_text(json.dumps({**CASE, "accounts": [*CASE["accounts"], lone, lone]}))
    assert main(["accounts", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "p2: no rung, not shown" in said
    assert "  2 accounts without a rung (2 not testable): --csv and --json list them" in said
    (tmp_path / "case.json").write_text(json.dumps(CASE))
    assert main(["accounts", str(tmp_path), "-q", "--json", str(tmp_path / "all.json")]) == 0
    assert len(json.loads((tmp_path / "all.json").read_text())["accounts"]) == 3
    two = {"rungs": [{"suspect": "one"}, {"suspect": "two"}], "others": [{"name": "two", "accounts": [], "groups": []}]}
    (tmp_path / "case.json").write_text(json.dumps(CASE | two))
    capsys.readouterr()
    assert main(["accounts", str(tmp_path)]) == 0
    assert "for one; --suspect for two" in capsys.readouterr().out
    assert main(["accounts", str(tmp_path), "--suspect", "two"]) == 0
    assert "0 accounts, 0 groups" in capsys.readouterr().out
    assert main(["accounts", str(tmp_path), "--suspect", "three"]) == 1
    assert "is none of this case's: one, two" in capsys.readouterr().err
    assert main(["accounts", str(tmp_path / "none")]) == 1
    assert "there is no case.json" in capsys.readouterr().err
    (tmp_path / "case.json").write_text("{}")
    assert main(["accounts", str(tmp_path)]) == 1
    assert "is no case with accounts" in capsys.readouterr().err

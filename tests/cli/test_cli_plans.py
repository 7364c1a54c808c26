"""The plan's commands, investigate and verify, where they refuse: each says what is wrong and what to do."""

import contextlib
import io
import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from overproof import simulate
from overproof.cli import main
from overproof.report import case_terminal

pytest.importorskip("pyarrow", reason="the commands need overproof[cli]")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("plans")
    log = simulate.api_log(
        5, requests=600, accounts=20, templates=0, publishers=1, resellers=0, groups=(3,), pooled_share=0.4,
        suspect=200, leak=90, resold=0, web=20, repeats=5,
    )  # fmt: skip
    log.write(made)
    return made


def call(folder: Path, *arguments: str) -> int:
    # In the folder: paths are part of a plan, and so choose the seeds of its redraws.
    with contextlib.chdir(folder):
        return main([one.replace("@", "") for one in arguments])


NEW = ("plan", "new", "--suspect", "rival=@suspect.jsonl", "--out")
SAMPLE = ("@served.jsonl", "--select", "prompt", "--draws", "2", "--beacon", "1", "--no-groups", "--out")


def test_from_plan_to_verified_case(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # A fixed key and time: other draws could fail a self-test by chance, as they should in 4 % of runs.
    assert call(folder, *NEW, "@z.plan.json") == 0
    assert (folder / "z.plan.key").stat().st_mode & 0o077 == 0
    assert capsys.readouterr().out.splitlines()[-3:] == [
        "Wrote z.plan.json",
        "Wrote z.plan.key, the secret key: keep it, and show it to nobody",
        "Added a line to overproof-ledger.jsonl",
    ]
    (folder / "overproof-ledger.jsonl").unlink()
    (folder / "a.plan.key").write_bytes(bytes(range(32)))
    when = ("--published", "2025-01-25T00:00Z", "--created", "2025-02-01T00:00Z")
    assert call(folder, *NEW, "@a.plan.json", *when, "--tau", "15") == 0
    said = capsys.readouterr().out
    assert "published  2025-01-25T00:00:00Z" in said
    assert "a.plan.key" not in said  # it was there, and is only read
    assert call(folder, "plan", "size", "@a.plan.json", "--leaked", "1e2,1e4", "--units", "1e6") == 0
    said = capsys.readouterr().out
    assert "10,000" in said
    assert "give --units" not in said
    assert call(folder, "plan", "size", "@a.plan.json", "--leaked", "1e4") == 0
    assert "Records and redraws depend on the units in the log: give --units." in capsys.readouterr().out
    for units in ("1e6,2e6", "0.5", "0", "inf", "many"):
        assert call(folder, "plan", "size", "@a.plan.json", "--leaked", "1e4", "--units", units) == 2
        assert "--units" in capsys.readouterr().err
    assert call(folder, "investigate", "@a.plan.json", "--served", "@served.jsonl", "--case", "@case") == 1
    assert "not sealed, so nothing may be searched" in capsys.readouterr().err
    assert call(folder, "plan", "sample", "@a.plan.json", *SAMPLE, "@ask.jsonl") == 0
    first = json.loads((folder / "ask.jsonl").read_text().partition("\n")[0])
    assert set(first) == {"custom_id", "method", "url", "body"}
    assert {"model", "messages", "temperature", "max_tokens", "seed"} <= set(first["body"])
    simulate.answer_batch(folder / "ask.jsonl", folder / "drawn.jsonl")
    assert call(folder, "plan", "seal", "@a.plan.json", "@drawn.jsonl") == 0
    assert "grade      B'" in capsys.readouterr().out
    run = ("investigate", "@a.plan.json", "--served", "@served.jsonl", "--control", "people=@people.jsonl")
    assert call(folder, *run, "--background", "@background.jsonl", "--case", "@case", "-q") == 0
    assert capsys.readouterr().out == ""
    result = json.loads((folder / "case" / "case.json").read_text())
    assert result["rungs"][0]["reached"]
    assert result["manifest"]["plan_hash"] == result["plan"]["hash"]
    assert call(folder, "verify", "@case") == 0
    said = capsys.readouterr().out
    assert "0 differences" in said
    assert "Taken as stated, since only the texts or the log show it: scores, matches" in said
    assert call(folder, *run, "--case", "@case") == 1
    assert "holds a case already" in capsys.readouterr().err
    # The same plan may be run again: its redraws are spent for others only; not with a background that suits better.
    with monkeypatch.context() as changed:
        changed.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding="ascii"))
        changed.setattr(case_terminal, "render", lambda result, **how: f"{result['rungs'][0]['rung']} {how}")
        assert call(folder, *run, "--background", "@background.jsonl", "--case", "@again") == 0
        sys.stdout.seek(0)
        assert sys.stdout.read().startswith("L2 {'width': 80, 'color': False, 'ascii_only': True}")
    assert call(folder, *run, "--case", "@other") == 1
    assert "other controls or another background" in capsys.readouterr().err
    ledger = [json.loads(line) for line in (folder / "overproof-ledger.jsonl").read_bytes().splitlines()]
    assert [one["what"] for one in ledger] == ["new", "sample", "seal", "investigate"]
    # Whoever changes the file after sealing is told.
    plan = json.loads((folder / "a.plan.json").read_text())
    (folder / "a.plan.json").write_text(json.dumps({**plan, "tau": 5.0}))
    assert call(folder, *run, "--case", "@third") == 1
    assert "changed after sealing" in capsys.readouterr().err


def test_a_changed_case_does_not_verify(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if not (folder / "case").exists():
        pytest.skip("the case of the test before is missing")
    (tmp_path / "case").mkdir()
    for file in (folder / "case").iterdir():
        (tmp_path / "case" / file.name).write_bytes(file.read_bytes())
    result: dict[str, Any] = json.loads((tmp_path / "case" / "case.json").read_text())
    result["tests"][0]["wins"] += 1
    (tmp_path / "case" / "case.json").write_text(json.dumps(result))
    assert call(tmp_path, "verify", "@case") == 1
    said = capsys.readouterr().out
    assert "line-up: wins is stated as" in said
    assert re.search(r": 1 difference\.$|: [2-9] differences\.$", said, re.MULTILINE)


def test_nothing_is_chosen_again_between_the_steps(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(folder, *NEW, "@d.plan.json", "--ledger", "@d.ledger") == 0
    new = (folder / "d.plan.json").read_bytes()
    own = ("--ledger", "@d.ledger")
    assert call(folder, "plan", "sample", "@d.plan.json", *SAMPLE, "@ask-d.jsonl", *own) == 0
    sampled = json.loads((folder / "d.plan.json").read_text())
    # Another beacon, after the first redraws did not suit: the plan's copy is put back.
    (folder / "d.plan.json").write_bytes(new)
    again = ("plan", "sample", "@d.plan.json", *SAMPLE, "@ask-d.jsonl", *own)
    asked = (folder / "ask-d.jsonl").read_bytes()
    assert call(folder, *again, "--beacon", "2") == 1
    assert "saw this plan sampled in another way" in capsys.readouterr().err
    assert (folder / "ask-d.jsonl").read_bytes() == asked
    assert call(folder, *again) == 0  # the same once more, as after a crash
    simulate.answer_batch(folder / "ask-d.jsonl", folder / "drawn-d.jsonl")
    # Another tau, once the redraws are known.
    (folder / "d.plan.json").write_text(json.dumps({**sampled, "tau": 5.0}))
    assert call(folder, "plan", "seal", "@d.plan.json", "@drawn-d.jsonl", *own) == 1
    assert "changed after its records were chosen" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("plan", "show", "@missing.json"), "there is no such plan"),
        ((*NEW, "@b.json", "--published", "2025-01-25"), "has no zone"),
        ((*NEW, "@b.json", "--tau", "-1"), "tau"),
        (("plan", "new", "--suspect", "@missing.jsonl", "--out", "@b.json"), "no such file"),
        (("plan", "new", "--suspect", "@suspect.jsonl", "--out", "@served.jsonl"), "is there already"),
        (("verify", "@missing"), "holds no case"),
    ],
)
def test_errors_say_what_to_do(
    folder: Path, arguments: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(folder, *arguments) == 1
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--published", "2025-01-20"), "has no zone"),
        (("--published", "garbage"), "no time of ISO 8601"),
        (("--created", "garbage"), "no time of ISO 8601"),
        (("--alpha", "7"), "alpha"),
        (("--key-file", "@short"), "holds 5 bytes"),
        (("--key-file", "@no/key"), "--key-file: no/key cannot be written"),
        (("--ledger", "@no/ledger"), "--ledger: no/ledger cannot be written"),
        (("--ledger", "@short"), "line 1 is no JSON"),
        (("--ledger", "@b.plan.json"), "is also the value of --out"),
    ],
)
def test_a_new_plan_that_fails_leaves_nothing(
    options: tuple[str, ...], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "suspect.jsonl").write_text('{"text": "a text"}\n')
    (tmp_path / "short").write_bytes(b"short")
    assert call(tmp_path, *NEW, "@b.plan.json", *options) == 1
    assert said in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["short", "suspect.jsonl"]
    assert (tmp_path / "short").read_bytes() == b"short"


def test_every_file_that_a_step_writes_is_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(folder, *NEW, "@e.plan.json", "--ledger", "@e.ledger") == 0
    sample = [one for one in SAMPLE if one != "--no-groups"]
    assert call(folder, "plan", "sample", "@e.plan.json", *sample, "@ask-e.jsonl", "--ledger", "@e.ledger") == 0
    simulate.answer_batch(folder / "ask-e.jsonl", folder / "drawn-e.jsonl")
    assert call(folder, "plan", "seal", "@e.plan.json", "@drawn-e.jsonl", "--ledger", "@e.ledger") == 0
    said = capsys.readouterr().out
    written = {path.name for path in folder.glob("e.*")} | {"ask-e.jsonl"}
    assert written == {
        "e.plan.json",
        "e.plan.key",
        "e.plan.groups.json",
        "e.plan.redraws.jsonl",
        "e.ledger",
        "ask-e.jsonl",
    }
    for name in written:
        assert re.search(rf"^(Wrote|Added) .*\b{re.escape(name)}\b", said, re.MULTILINE)


def test_steps_come_in_order(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(folder, *NEW, "@c.json", "--key-file", "@c.key") == 0
    assert call(folder, "plan", "seal", "@c.json", "@drawn.jsonl", "--key-file", "@c.key") == 1
    assert "chosen no record yet" in capsys.readouterr().err
    assert call(folder, "plan", "sample", "@c.json", *SAMPLE, "@ask3.jsonl") == 0  # the key beside the plan
    assert call(folder, "plan", "sample", "@c.json", *SAMPLE, "@ask3.jsonl") == 1
    assert "chosen its records already" in capsys.readouterr().err
    assert call(folder, "plan", "size", "@c.json", "--leaked", "many") == 2

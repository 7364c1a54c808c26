"""The command line at work: files in, figures out, exit codes, and nothing half-written."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import overproof as op
import pytest
from overproof.cli import main

SIZES = {
    "prompts": 60,
    "served": 160,
    "accounts": 8,
    "pooled": 3,
    "redraws": 0,
    "suspect": 80,
    "leak": 25,
    "web": 8,
    "people": 40,
    "background": 40,
}


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small made case, as files."""
    folder = tmp_path_factory.mktemp("case")
    op.simulate.case(3, **SIZES).write(folder)
    return folder


@pytest.fixture
def command(case: Path) -> list[str]:
    """A comparison of the case, without outputs."""
    return [
        "compare",
        str(case / "served.jsonl"),
        str(case / "suspect.jsonl"),
        "--control",
        f"others={case / 'people.jsonl'}",
        "--background",
        str(case / "background.jsonl"),
        "--prompt-field",
        "prompt",
        "--served-id-field",
        "request_id",
        "--account-field",
        "account",
        "--time-field",
        "time",
    ]


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """Run the command line in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "overproof", *arguments],
        capture_output=True,
        check=False,
        env={**os.environ, **environment},
    )


def test_compare_answers_and_writes(command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page, data = tmp_path / "out.html", tmp_path / "out.json"
    assert main([*command, "--report", str(page), "--json", str(data)]) == 0
    told = capsys.readouterr()
    result = json.loads(data.read_text())
    matched = result["summary"]["suspect_texts_matched"]
    assert 20 <= matched <= 33
    assert f"{matched} of 80 suspect texts match served text." in told.out
    assert "control others" in told.out
    assert f"Wrote {page}" in told.out.replace("\n", "")
    assert f"{matched} of 80" in page.read_text()
    assert result["inputs"][0]["path"].endswith("served.jsonl")
    assert {one["role"] for one in result["inputs"]} == {"served", "suspect", "control", "background"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.html", "out.json"]


def test_threads_change_no_byte(command: list[str], tmp_path: Path) -> None:
    made = []
    for threads in ("1", "2"):
        page, data = tmp_path / f"{threads}.html", tmp_path / f"{threads}.json"
        assert main([*command, "--quiet", "--threads", threads, "--report", str(page), "--json", str(data)]) == 0
        made.append((page.read_bytes(), data.read_bytes()))
    assert made[0] == made[1]


def test_quiet_prints_nothing(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*command, "--quiet"]) == 0
    assert capsys.readouterr() == ("", "")


def test_fail_above(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*command, "--quiet", "--fail-above", "1%"]) == 3
    assert main([*command, "--quiet", "--fail-above", "0.9"]) == 0
    assert capsys.readouterr().err == ""
    assert main([*command, "--fail-above", "1%"]) == 3
    told = capsys.readouterr()
    assert re.search(
        r"^overproof: \d+ of 80 suspect texts match \(\d\d\.\d%\), more than --fail-above 1%$", told.err, re.M
    )
    assert "suspect texts match served text." in told.out
    assert main([*command, "--fail-above", "0.9"]) == 0
    assert "--fail-above" not in capsys.readouterr().err


def test_the_rule_is_taken(command: list[str], tmp_path: Path) -> None:
    data = tmp_path / "out.json"
    strict = ["-n", "13", "--min-ngrams", "20", "--containment", "90%"]
    assert main([*command, "--quiet", "--json", str(data), *strict]) == 0
    result = json.loads(data.read_text())
    assert all(one["ngrams"] >= 20 and one["containment_of_suspect"] >= 0.9 for one in result["matches"])
    assert 0 < result["summary"]["suspect_texts_matched"] < 20


def test_nothing_found_is_said(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    never = ["--min-ngrams", "5000", "--min-embedded", "5000"]
    assert main(["compare", str(case / "people.jsonl"), str(case / "background.jsonl"), *never]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert told.startswith("NO SERVED TEXT FOUND")
    assert "is not “innocent”" in told


def bad_inputs(folder: Path) -> dict[str, tuple[Path, str]]:
    """Make every kind of bad input: its path, and words that its message must hold."""
    good = b'{"text": "one two three"}\n'
    made = {
        "directory": (folder / "dir", "dir"),
        "missing": (folder / "no.jsonl", "no.jsonl"),
        "empty": (folder / "empty.jsonl", "empty.jsonl"),
        "not utf-8": (folder / "latin.jsonl", "2"),
        "broken": (folder / "broken.jsonl", "2"),
        "no field": (folder / "nofield.jsonl", "text"),
        "wrong type": (folder / "type.jsonl", "2"),
        "truncated": (folder / "cut.jsonl.zst", "cut.jsonl.zst"),
    }
    (folder / "dir").mkdir()
    (folder / "empty.jsonl").write_bytes(b"")
    (folder / "latin.jsonl").write_bytes(good + b'{"text": "caf\xe9"}\n')
    (folder / "broken.jsonl").write_bytes(good + b'{"text": "one\n')
    (folder / "nofield.jsonl").write_bytes(b'{"a": "one two three"}\n')
    (folder / "type.jsonl").write_bytes(good + b'{"text": 17}\n')
    zstandard = pytest.importorskip("zstandard")
    (folder / "cut.jsonl.zst").write_bytes(zstandard.ZstdCompressor().compress(good * 9999)[:-20])
    return made


@pytest.mark.parametrize(
    "kind", ["directory", "missing", "empty", "not utf-8", "broken", "no field", "wrong type", "truncated"]
)
def test_bad_input_is_one_clear_line(kind: str, case: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "in").mkdir()
    path, words = bad_inputs(tmp_path / "in")[kind]
    page = tmp_path / "out.html"
    command = ["compare", str(case / "served.jsonl"), str(path), "--text-field", "text", "--report", str(page)]
    assert main(command) == 1
    told = capsys.readouterr()
    assert told.out == ""
    lines = told.err.splitlines()
    assert lines[-1].startswith("overproof: ")
    assert path.name in lines[-1]
    assert words in lines[-1]
    assert "Traceback" not in told.err
    assert not page.exists()


STOP = """
import os, signal, sys, time
import overproof as op
from overproof import cli

def stop(*_, **__):
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(30)

stage = sys.argv.pop(1)
if stage == "read":
    op.read_corpus = stop
elif stage == "compare":
    op.compare = stop
else:
    os.replace = os.rename = stop
sys.exit(cli.main())
"""


@pytest.mark.parametrize("stage", ["read", "compare", "write"])
def test_interrupt_leaves_no_file(stage: str, command: list[str], tmp_path: Path) -> None:
    outputs = ["--report", str(tmp_path / "out.html"), "--json", str(tmp_path / "out.json")]
    ended = subprocess.run(
        [sys.executable, "-c", STOP, stage, *command, *outputs], capture_output=True, check=False, timeout=60
    )
    assert ended.returncode == 130
    assert ended.stderr.decode().splitlines()[-1] == "overproof: interrupted"
    assert list(tmp_path.iterdir()) == []


def _has_open(pid: int, path: Path) -> bool:
    """Whether a process has the file open; its descriptors, and itself, come and go while we look."""
    with contextlib.suppress(FileNotFoundError):
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(FileNotFoundError):
                if descriptor.readlink() == path.resolve():
                    return True
    return False


def test_interrupt_in_the_middle_of_a_long_read(case: Path, tmp_path: Path) -> None:
    long = tmp_path / "long.jsonl"
    long.write_bytes((case / "suspect.jsonl").read_bytes() * 4000)
    out = tmp_path / "out"
    out.mkdir()
    command = ["compare", str(case / "served.jsonl"), str(long), "--report", str(out / "r.html")]
    with subprocess.Popen([sys.executable, "-m", "overproof", *command], stderr=subprocess.PIPE) as process:
        while process.poll() is None and not _has_open(process.pid, long):
            pass
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=20) == 130
    assert list(out.iterdir()) == []


def test_ascii_terminals(command: list[str]) -> None:
    ended = run(*command, PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.isascii()
    assert b'"Nothing found" is not "innocent"' in ended.stdout


def test_a_reader_that_goes_away(command: list[str]) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "overproof", *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        told = process.stderr.read()
    assert b"Traceback" not in told
    assert b"Exception" not in told
    assert process.returncode == 141


def test_info_is_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info"]) == 0
    assert json.loads(capsys.readouterr().out)["version"] == op.__version__


def test_demo(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    # As `make demo` calls it: the path is part of the plan, and so chooses the seeds of its redraws.
    monkeypatch.chdir(tmp_path)
    folder = Path("demo")
    small = ["demo", "--out", str(folder), "--requests", "1000"]
    assert main(small) == 0
    told = capsys.readouterr().out
    assert "planted leaks found" in told
    assert "pooled accounts named: 6 of 6" in told
    assert "Rung L2" in told
    assert "0 differences" in told
    first = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    assert {"report.html", "report.json", "served.jsonl", "truth.json"} <= first.keys()
    assert {"case.json", "report.html", "events.parquet"} <= {
        path.name for path in (folder / "story/case-0001").iterdir()
    }
    assert main([*small, "--quiet"]) == 0
    assert capsys.readouterr().out == ""
    assert {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()} == first


def test_demo_into_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "demo").write_text("")
    assert main(["demo", "--out", str(tmp_path / "demo")]) == 1
    assert "is a file; give a folder" in capsys.readouterr().err

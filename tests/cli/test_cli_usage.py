"""The command line before any work begins: help, usage errors, outputs, and messages without a traceback."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from overproof.cli import main
from overproof.cli.options import SHARE, fields_of, named_paths
from overproof.errors import MissingExtraError


@pytest.mark.parametrize("command", [[], ["compare"], ["check-log"], ["commit"], ["demo"], ["info"]])
def test_help_ends_well_and_fits(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*command, "--help"]) == 0
    text = capsys.readouterr().out
    assert "Usage: overproof" in text
    assert text.isascii()
    assert max(map(len, text.splitlines())) <= 80


def test_help_names_every_option_once(capsys: pytest.CaptureFixture[str]) -> None:
    main(["compare", "--help"])
    text = capsys.readouterr().out
    from overproof.cli.commands import overproof

    for one in overproof.commands["compare"].params:
        for name in one.opts:
            assert sum(line.strip().split(" ")[0].rstrip(",") == name for line in text.splitlines()) <= 1
            assert name.upper() in text.upper()


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    import overproof

    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"overproof {overproof.__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["compare"], "Missing argument 'SERVED'"),
        (["compare", "a", "b", "c"], "unexpected extra argument"),
        (["compare", "a", "b", "--no-such"], "No such option"),
        (["nothing"], "No such command"),
        (["compare", "a", "b", "--fail-above", "1.5"], "must be a share from 0 to 1"),
        (["compare", "a", "b", "--fail-above", "x"], "must be a share from 0 to 1"),
        (["compare", "a", "b", "--containment", "nan"], "must be a share from 0 to 1"),
        (["compare", "a", "b", "-n", "0"], "0 is not in the range"),
        (["compare", "a", "b", "--threads", "0"], "0 is not in the range"),
        (["compare", "a", "b", "--errors", "hide"], "'hide' is not one of"),
        (["compare", "a", "b", "--control", "=x"], "must be PATH or NAME=PATH"),
        (["compare", "a", "b", "--control", "x="], "must be PATH or NAME=PATH"),
        (["compare", "a", "b", "--control", "x.jsonl", "--control", "y/x.jsonl"], "two corpora are called 'x'"),
        (["compare", "a", "b", "--control", "suspect=x"], "cannot be called 'suspect'"),
    ],
)
def test_wrong_usage_is_code_2(arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    told = capsys.readouterr()
    assert words in told.err
    assert told.out == ""


def test_outputs_are_checked_before_the_work(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    served = tmp_path / "served.jsonl"
    served.write_text('{"text": "a"}\n')
    (tmp_path / "file").write_text("")
    for option, value, words in (
        ("--report", tmp_path / "no" / "x.html", "there is no folder"),
        ("--json", tmp_path, "is a folder; name a file in it"),
        ("--report", served, "is also an input"),
        ("--json", tmp_path / "file" / "x", "may not be written"),
        ("--matches", tmp_path / "m.csv", "m.csv would hold Parquet: give a name that ends in .parquet"),
        ("--matches", tmp_path / "m", "give a name that ends in .parquet"),
    ):
        assert main(["compare", str(served), "missing.jsonl", option, str(value)]) == 1
        told = capsys.readouterr()
        assert words in told.err
        assert option in told.err
        assert told.err.count("\n") == 1
    same = str(tmp_path / "x")
    assert main(["compare", str(served), "missing.jsonl", "--report", same, "--json", same]) == 1
    assert "is also the value of --report" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "served.jsonl"]
    assert served.read_text() == '{"text": "a"}\n'


def test_a_failed_write_names_option_and_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(parquet, "write_table", full)
    (tmp_path / "a.jsonl").write_text('{"text": "a"}\n')
    matches = tmp_path / "m.parquet"
    assert main(["compare", *[str(tmp_path / "a.jsonl")] * 2, "--matches", str(matches), "-q"]) == 1
    assert f"--matches: {matches} cannot be written: No space left on device" in capsys.readouterr().err
    assert not matches.exists()


def test_controls_have_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a=b.jsonl").write_text("")
    assert named_paths(["people=x/y.jsonl", "d/poems.jsonl.zst", "a=b.jsonl", "d=e/f.jsonl"]) == {
        "people": "x/y.jsonl",
        "poems": "d/poems.jsonl.zst",
        "a=b": "a=b.jsonl",
        "d": "e/f.jsonl",
    }


def test_fields_of_one_side_go_first() -> None:
    chosen = {"text_field": "text", "served_text_field": "output", "prompt_field": "q", "time_field": "at"}
    assert fields_of("served", chosen) == {"text_field": "output", "prompt_field": "q", "time_field": "at"}
    assert fields_of("suspect", chosen) == {"text_field": "text", "prompt_field": "q"}
    assert fields_of("background", chosen) == {"text_field": "text", "prompt_field": False}
    assert fields_of("control", chosen | {"control_prompt_field": ""})["prompt_field"] is False


@pytest.mark.parametrize(("text", "share"), [("0.01", 0.01), ("1%", 0.01), ("100 %", 1.0), ("0", 0.0)])
def test_shares(text: str, share: float) -> None:
    assert SHARE.convert(text, None, None) == share


@pytest.mark.parametrize("package", ["click", "rich"])
def test_a_missing_package_prints_the_pip_line(
    package: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from overproof import _extras

    def lacks(module: str, *, extra: str) -> None:
        if module == package:
            raise MissingExtraError(f"{module} is not installed; run: pip install 'overproof[{extra}]'")

    monkeypatch.setattr(_extras, "need", lacks)
    assert main(["info"]) == 1
    assert capsys.readouterr().err == f"overproof: {package} is not installed; run: pip install 'overproof[cli]'\n"


def test_the_library_does_not_load_the_command_line() -> None:
    code = "import sys, overproof, overproof.cli; print([m for m in ('click', 'rich', 'jinja2') if m in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"


@pytest.mark.parametrize("loading", ["numpy", "click"])
@pytest.mark.parametrize("by", ["command", "module"])
def test_ctrl_c_while_modules_load(loading: str, by: str, tmp_path: Path) -> None:
    stop = "import os, signal, time\nos.kill(os.getpid(), signal.SIGINT)\ntime.sleep(30)\n"
    (tmp_path / f"{loading}.py").write_text(stop)
    script = tmp_path / "overproof"  # as pip makes it
    script.write_text("import sys\nfrom overproof.cli import main\nsys.exit(main())\n")
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    command = [str(script)] if by == "command" else ["-X", "utf8", "-m", "overproof"]
    environment = {**os.environ, "PYTHONPATH": path}
    ended = subprocess.run(
        [sys.executable, *command, "info"], capture_output=True, check=False, env=environment, timeout=60
    )
    said = ended.stderr.splitlines()  # a build for tests says that it is one
    assert said[-1] == b"overproof: interrupted"
    assert b"Traceback" not in ended.stderr
    assert (ended.returncode, ended.stdout) == (130, b"")


def test_ctrl_c_while_a_program_loads_the_library_is_its_own(tmp_path: Path) -> None:
    (tmp_path / "numpy.py").write_text("raise KeyboardInterrupt")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])}
    code = "try:\n import overproof\nexcept KeyboardInterrupt:\n print('caught')\nimport overproof"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False, env=environment, timeout=60)
    assert ended.stdout == b"caught\n"
    assert ended.stderr.endswith(b"KeyboardInterrupt\n")
    assert ended.returncode == -signal.SIGINT


def test_inputs_are_checked_before_the_first_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.jsonl").write_text('{"text": "a"}\n')
    for arguments, words in (
        (["a.jsonl", "b.jsonl"], "b.jsonl: there is no such file: check the path"),
        (["a.jsonl", "a.jsonl", "--control", "people=c.jsonl"], "c.jsonl: there is no such file: check the path"),
        (["a.jsonl", "a.jsonl", "--background", "d.jsonl"], "d.jsonl: there is no such file: check the path"),
        (["a.jsonl", "-"], "-: standard input is not read"),
        (["a.jsonl", "a.jsonl", "--json", "-"], "--json: the result is written to a file, not to standard output"),
    ):
        assert main(["compare", *arguments]) == 1
        told = capsys.readouterr().err
        assert words in told
        assert told.count("\n") == 1  # nothing was read: no field was guessed
    assert [path.name for path in tmp_path.iterdir()] == ["a.jsonl"]


def test_errors_name_options_and_not_arguments(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good, null, other = (tmp_path / name for name in ("good.jsonl", "null.jsonl", "other.jsonl"))
    good.write_text('{"text": "a b"}\n')
    null.write_text('{"text": "a b"}\n{"text": null}\n')
    other.write_text('{"a": "one two", "b": "c d"}\n')
    for suspect, options, words in (
        (null, [], "line 2: has no text (null): pass --errors skip to leave such lines out"),
        (other, [], "its fields are a, b: give --suspect-text-field"),
        (other, ["--suspect-text-field", "c"], "its fields are a, b: give --suspect-text-field, or pass --errors skip"),
        (good, ["--text-field", "text", "--control", str(other)], "its fields are a, b: give --control-text-field, or"),
        (good, ["--served-id-field", "c"], "its fields are text: give --served-id-field, or"),
    ):
        assert main(["compare", str(good), str(suspect), *options]) == 1
        told = capsys.readouterr().err.splitlines()[-1]
        assert words in told
        assert not [word for word in ("errors=", "text_field", "missing=") if word in told]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b'{"text": ', "(EOF while parsing a value): mend it"),
        (b'{"text": null}', "has no text (null): mend it"),
        (b'{"text": "\xe9"}', "write the file again as UTF-8"),
        (rb'{"text": "\ud800"}', "which is no character: mend it"),
        (b'["a"]', "(jq -c '.[]' does)"),
    ],
)
def test_no_option_is_advised_that_a_command_lacks(
    line: bytes, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = tmp_path / "bad.jsonl"
    bad.write_bytes(b'{"text": "a b"}\n' + line + b"\n")
    assert main(["plan", "new", "--suspect", str(bad), "--out", str(tmp_path / "p.json")]) == 1
    assert capsys.readouterr().err.endswith(f"{words}\n")
    assert main(["check-log", str(bad), "--errors", "skip", "--field", "model=nope"]) == 1
    assert capsys.readouterr().err.endswith("no line has the field 'nope': check --field\n")


def test_help_tells_that_a_field_may_be_a_path(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["compare", "--help"])
    told = capsys.readouterr().out
    told = told[told.index("--text-field FIELD") : told.index("--prompt-field FIELD")]
    assert "response.choices.0.message.content" in told
    deep = tmp_path / "deep.jsonl"
    deep.write_text('{"response": {"choices": [{"message": {"content": "a b"}}]}}\n')
    assert main(["compare", *[str(deep)] * 2, "--text-field", "response.choices.0.message.content"]) == 0


def test_help_tells_the_defaults(capsys: pytest.CaptureFixture[str]) -> None:
    import inspect

    import overproof as op

    main(["compare", "--help"])
    text = " ".join(capsys.readouterr().out.split())
    rule = inspect.signature(op.compare).parameters
    for option, default in (
        ("-n N", 5),
        ("--min-ngrams K", rule["min_ngrams"].default),
        ("--containment SHARE", rule["min_containment"].default),
        ("--min-embedded K", rule["min_embedded"].default),
    ):
        told = text[text.index(option) :]
        assert told[told.index("[default: ") :].startswith(f"[default: {default}]")

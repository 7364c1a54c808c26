"""Every bad input gives one clear message: where (file, line, field) and what to do."""

import gzip
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import overproof as op
import pytest
import zstandard
from overproof._files import atomic_path, check_writable
from overproof._tables import write_parquet
from writing import lines, texts

GOOD = {"id": "a", "text": "fine"}


def message(path: Any, **options: Any) -> str:
    """The message of the InputError (or FormatError) that reading raises, in one line."""
    with pytest.raises((op.InputError, op.FormatError)) as caught:
        op.read_corpus(path, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_missing_file(tmp_path: Path) -> None:
    for name in ("no.jsonl", "no.txt", "no.parquet", "no", "no.jsonl.zst"):
        with pytest.raises(FileNotFoundError, match=rf"{name}: there is no such file: check the path"):
            op.read_corpus(tmp_path / name)
    assert "no file fits this pattern" in message(tmp_path / "*.jsonl")


def test_directory(tmp_path: Path) -> None:
    assert "holds no file of a kind that is read (.jsonl" in message(tmp_path)
    with pytest.raises(IsADirectoryError, match="is a folder, not a file: name a file in it"):
        op._core.head(tmp_path, 1, max_line=9)


@pytest.mark.parametrize("name", ["a.jsonl", "a.txt", "a.jsonl.gz", "a.jsonl.zst"])
def test_empty_file(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.touch()
    assert message(path) == f"{path}: the file is empty (0 bytes): check how it was written"


def test_a_file_of_blank_lines_has_no_rows(tmp_path: Path) -> None:
    path = lines(tmp_path / "a.jsonl", ["", " \t", ""])
    assert "no row is left; lines left out: blank line (3, first: line 1)" in message(path)


def test_an_empty_file_among_others_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "part-0.jsonl").touch()
    lines(tmp_path / "part-1.jsonl", [GOOD])
    corpus = op.read_corpus(tmp_path)
    assert [source.rows for source in corpus.sources] == [0, 1]
    assert corpus.row_of(0) == {"file": str(tmp_path / "part-1.jsonl"), "row": 1}


BAD_LINES = {
    "not UTF-8": (b'{"text": "caf\xe9"}', [r"is not UTF-8 \(at byte 41 of the file\)", "as UTF-8", 'errors="replace"']),
    "broken JSON": (b'{"text": "a}', ["is broken JSON", "it ends too early, after byte 12", "mend it"]),
    "not an object": (b'["a"]', ["is a list, not an object", r"jq -c '\.\[\]'"]),
    "missing field": (b'{"txt": "a", "id": 1}', ['has no field "text"', "its fields are txt, id", "give text_field"]),
    "wrong type": (b'{"text": 3}', ['field "text" is a number', "text_field has to name a string"]),
    "null text": (b'{"text": null}', [r"has no text \(null\)", 'missing="keep"']),
    "lone surrogate": (rb'{"text": "a\ud800"}', ["half of a surrogate pair", 'errors="replace"']),
    "line too long": (
        b'{"text": "' + b"x" * 200 + b'"}',
        ["is too long: 212 bytes", "max_line allows 100", "raise max_line"],
    ),
}


@pytest.mark.parametrize("reason", BAD_LINES)
def test_a_bad_line_is_named_or_skipped_and_counted(tmp_path: Path, reason: str) -> None:
    bad, says = BAD_LINES[reason]
    path = lines(tmp_path / "a.jsonl", ['{"text": "0"}', '{"text": "1"}', bad, '{"text": "3"}'])
    found = message(path, text_field="text", max_line=100)
    assert found.startswith(f"{path}: line 3 ") or found.startswith(f"{path}: line 3: ")
    for part in [*says, r'errors="skip" to leave such lines out and count them']:
        assert re.search(part, found), found
    corpus = op.read_corpus(path, text_field="text", max_line=100, errors="skip")
    assert texts(corpus) == ["0", "1", "3"]
    assert corpus.rows.tolist() == [1, 2, 4]
    assert corpus.skipped == {reason: 1}
    assert corpus.sources[0].first_skipped == {reason: 3}


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        ('{"text": "a", "n": NaN}', "NaN and Infinity are not JSON"),
        ('{"text": "a" "b": 1}', r"expected `,` or `}` at byte 14"),
        ("[", r"is a list, not an object: is the file one JSON list\?.*jq -c '\.\[\]'"),
        ('{"text": "a"} {}', "trailing characters at byte 15"),
        ('{"text": "a\tb"}', "control character"),
        ('{"text": "a\\x"}', "invalid escape at byte 13"),
        ("text", "broken JSON"),
        ("3", "is not a JSON object"),
        ('{"text": true}', "is true or false"),
        ('{"text": {"x": 1}}', "is an object"),
        ('{"text": ["a"]}', "is a list whose item 0 is a string, not an object with role and content"),
        ('{"text": [{"role": "user", "content": "a"}]}', 'give role, for example role="assistant"'),
        ('{"text": ' + "[" * 5000 + "]" * 5000 + "}", "is a list whose item 0 is a list"),
        ('{"text": "a", "n": ' + "[" * 5000, "broken JSON"),
    ],
)
def test_what_is_wrong_with_a_line(tmp_path: Path, bad: str, says: str) -> None:
    path = lines(tmp_path / "a.jsonl", [*[GOOD] * 30, bad])
    found = message(path, text_field="text")
    assert found.startswith(f"{path}: line 31"), found
    assert re.search(says, found), found


def test_a_wrong_type_beside_the_text(tmp_path: Path) -> None:
    path = lines(tmp_path / "a.jsonl", [{"text": "a", "who": 1}, {"text": "a", "who": [1]}])
    found = message(path, account_field="who")
    assert f'{path}: line 2: field "who" is a list' in found
    assert "account_field has to name a string or a number" in found


def test_the_first_bad_line_is_named_whatever_the_threads(tmp_path: Path) -> None:
    rows = [{"text": "x" * 500}] * 30_000
    for bad in (7_000, 12_345, 29_000):
        rows[bad] = {"text": 1}
    path = lines(tmp_path / "a.jsonl", rows)
    for threads in (1, 2, 7):
        assert "line 7001: " in message(path, text_field="text", threads=threads)


def test_fields_that_cannot_be_guessed(tmp_path: Path) -> None:
    path = lines(tmp_path / "a.jsonl", [{"prose": "a", "n": 1}])
    assert message(path) == (
        f"{path}: cannot tell which field holds the text; its fields are prose, n: give text_field"
    )
    path = lines(tmp_path / "b.jsonl", [{"text": 5, "n": 1}])
    assert "'text' holds neither strings nor lists of messages; its fields are text, n: give" in message(path)


def test_a_named_field_is_on_one_line_at_least(tmp_path: Path) -> None:
    path = lines(tmp_path / "a.jsonl", [GOOD, GOOD])
    found = message(path, account_field="acount", missing="keep")
    assert found == f'{path}: no line has the field "acount": check account_field'
    assert 'line 1: has no field "acount"; its fields are id, text' in message(path, account_field="acount")


def test_unknown_role(tmp_path: Path) -> None:
    chat = {"messages": [{"role": "human", "content": "q"}, {"role": "gpt", "content": "a"}]}
    path = lines(tmp_path / "a.jsonl", [chat])
    found = message(path, role="asistant")
    assert found == f'{path}: no message has the role "asistant"; the roles are gpt, human: give one of them as role'
    assert "role is for lists of messages" in message(lines(tmp_path / "b.jsonl", [GOOD]), role="assistant")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"errors": "ignore"}, "errors is 'ignore': give one of raise, skip, replace"),
        ({"missing": "drop"}, "missing is 'drop': give one of refuse, keep"),
        ({"max_line": 0}, "max_line is 0: give a whole number from 1"),
        ({"limit": -1}, "limit is -1: give a whole number from 1"),
        ({"threads": 0}, "threads is 0: give a whole number from 1"),
        ({"text_field": 3}, "text_field is 3: give the name of a field"),
        ({"account_field": ""}, "account_field: a path has 1 to 32 keys"),
        ({"text_field": "a" + ".a" * 40}, "text_field: a path has 1 to 32 keys"),
    ],
)
def test_unknown_option(tmp_path: Path, options: dict[str, Any], says: str) -> None:
    assert says in message(lines(tmp_path / "a.jsonl", [GOOD]), **options)
    with pytest.raises(TypeError, match="text_fields"):
        op.read_corpus(tmp_path / "a.jsonl", text_fields="text")  # type: ignore[call-arg]


def test_what_is_no_path(tmp_path: Path) -> None:
    for wrong in (3, [], ["text one", 2], b"a.jsonl", None):
        assert "read_corpus takes a path, a list of paths or a frame" in message(wrong)
    assert "/dev/null: is a pipe or a device" in message("/dev/null")
    for name, words in (("a.csv", "write it as Parquet or JSON lines first"), ("a.dat", "not JSON lines")):
        told = message(lines(tmp_path / name, ["id,text"]))
        assert "its name and its first line fit no form that is read" in told
        assert told.endswith(words)


@pytest.mark.parametrize("packing", ["zst", "gz"])
@pytest.mark.parametrize("keep", [0.3, 0.999])
def test_truncated_and_damaged(tmp_path: Path, packing: str, keep: float) -> None:
    raw = b"".join(json.dumps({"text": f"number {i} {i * i}"}).encode() + b"\n" for i in range(50_000))
    packed = zstandard.compress(raw) if packing == "zst" else gzip.compress(raw)
    path = tmp_path / f"a.jsonl.{packing}"
    path.write_bytes(packed[: int(keep * len(packed))])
    for errors in ("raise", "skip"):
        with pytest.raises(op.FormatError) as caught:
            op.read_corpus(path, errors=errors)
        found = str(caught.value)
        assert found.startswith(f"{path}: the ")
        assert "data is cut off after" in found
        assert "get or write the file again" in found
    damaged = bytearray(packed)
    damaged[len(damaged) // 2] ^= 0xFF
    damaged[len(damaged) // 2 + 1] ^= 0x55
    path.write_bytes(damaged)
    with pytest.raises((op.FormatError, op.InputError), match=re.escape(str(path))):
        op.read_corpus(path)


@pytest.mark.parametrize(
    ("head", "says"),
    [
        (b"\xfd7zXZ\0....", "is a xz file"),
        (b"BZh91AY", "is a bzip2 file"),
        (b"PK\x03\x04....", "is a zip file"),
        (b"PAR1....", "is a Parquet file"),
        ('{"text": "a"}'.encode("utf-16"), "is UTF-16"),
    ],
)
def test_what_is_not_read_is_named(tmp_path: Path, head: bytes, says: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(head)
    assert f"{path}: {says}" in message(path)


def test_a_broken_parquet_file(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    path.write_bytes(b"PAR1 not really")
    assert f"{path}: is not a whole Parquet file" in message(path)


ONE_GIGABYTE = """
import sys, time
import overproof as op
start = time.perf_counter()
try:
    op.read_corpus(sys.argv[1])
except op.InputError as error:
    print(error)
# Not getrusage: there a child starts with the largest size of its parent.
status = open("/proc/self/status") if sys.platform == "linux" else ["VmHWM: 0"]
most = next(line.split()[1] for line in status if line.startswith("VmHWM"))
print(time.perf_counter() - start, most)
"""


def test_one_line_of_a_gigabyte(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl.zst"
    with path.open("wb") as file, zstandard.ZstdCompressor().stream_writer(file) as packed:
        packed.write(b'{"text": "')
        for _ in range(1024):
            packed.write(b"a" * (1 << 20))
        packed.write(b'"}\n{"text": "b"}\n')
    assert path.stat().st_size < 1 << 20
    ran = subprocess.run([sys.executable, "-c", ONE_GIGABYTE, path], capture_output=True, text=True, check=True)
    said, measured = ran.stdout.splitlines()
    assert re.fullmatch(
        rf"{path}: line 1 is too long: \d+ bytes so far, and max_line allows 268435456\. .*raise max_line, or pass "
        r'errors="skip" to leave such lines out and count them',
        said,
    ), said
    seconds, kilobytes = map(float, measured.split())
    assert kilobytes < 400_000
    assert seconds < 20
    corpus = op.read_corpus(path, errors="skip", max_line=1 << 24)
    assert texts(corpus) == ["b"]
    assert corpus.row_of(0)["row"] == 2
    assert corpus.skipped == {"line too long": 1}


CTRL_C = """
import sys
import overproof as op
from overproof._files import atomic_path
told = []
def progress(done, total):
    if not told:
        told.append(done)
        print("reading", flush=True)
with atomic_path(sys.argv[2]) as part:
    part.write_text("half")
    op.read_corpus(sys.argv[1], progress=progress)
"""


def test_ctrl_c_stops_soon_and_leaves_no_file(tmp_path: Path) -> None:
    source, target = tmp_path / "a.jsonl.zst", tmp_path / "out" / "report.json"
    target.parent.mkdir()
    block = b'{"text": "' + b"some words " * 1000 + b'"}\n'
    with source.open("wb") as file, zstandard.ZstdCompressor().stream_writer(file) as packed:
        for _ in range(400):
            packed.write(block * 1000)  # 4.4 GB
    child = subprocess.Popen(
        [sys.executable, "-c", CTRL_C, source, target], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert child.stdout is not None
    assert child.stdout.readline() == b"reading\n"
    child.send_signal(signal.SIGINT)
    start = time.perf_counter()
    _, said = child.communicate(timeout=60)
    assert time.perf_counter() - start < 5
    assert said.rstrip().endswith(b"KeyboardInterrupt"), said
    assert child.returncode != 0
    assert list(target.parent.iterdir()) == []


def test_output_folder_not_writable(tmp_path: Path) -> None:
    file = lines(tmp_path / "a.jsonl", [GOOD])
    unwritable = Path("/proc/self") if Path("/proc/self").exists() else None
    for target, says in [
        (tmp_path / "no" / "r.html", f"there is no folder {tmp_path / 'no'}: make it"),
        (tmp_path, "it is a folder; name a file in it"),
        (file / "r.html", f"its folder {file} may not be written"),
        *([(unwritable / "r.html", f"its folder {unwritable} may not be written")] if unwritable else []),
    ]:
        for check in (check_writable, lambda path: atomic_path(path).__enter__()):
            with pytest.raises(op.InputError) as caught:
                check(target)
            assert str(caught.value).startswith(f"{target} cannot be written: ")
            assert says in str(caught.value)


def half_write(part: Path, error: type[BaseException]) -> None:
    part.write_text("seco")
    raise error


def test_a_file_is_whole_or_not_there(tmp_path: Path) -> None:
    target = tmp_path / "r.json"
    with atomic_path(target) as part:
        part.write_text("first")
        assert part.suffix == ".json"
        assert not target.exists()
    for error in (KeyboardInterrupt, OSError):
        with pytest.raises(error), atomic_path(target) as part:
            half_write(part, error)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("r.json", "first")]
    with pytest.raises(OSError, match=re.escape(f"No space left on device: '{target}'")), atomic_path(target):
        raise OSError(28, "No space left on device")
    link = tmp_path / "link.json"
    link.symlink_to(target)
    with atomic_path(link) as part:
        part.write_text("through the link")
    assert link.is_symlink()
    assert target.read_text() == "through the link"
    with atomic_path(os.devnull) as device:
        device.write_text("gone")
    read, write = os.pipe()
    with atomic_path(f"/dev/fd/{write}") as pipe:
        pipe.write_text("through the pipe")
    os.close(write)
    with os.fdopen(read) as end:
        assert end.read() == "through the pipe"


def test_parquet_that_cannot_be_written_leaves_what_is_no_file(tmp_path: Path) -> None:
    arrow = pytest.importorskip("pyarrow")
    pipe = tmp_path / "pipe"  # as a device, which takes root to make
    os.mkfifo(pipe)
    end = os.open(pipe, os.O_RDWR)
    table = arrow.table({"a": arrow.array([arrow.MonthDayNano([1, 2, 3])])})  # no type of Parquet
    with pytest.raises(arrow.ArrowNotImplementedError):
        write_parquet(table, pipe)
    with pytest.raises(arrow.ArrowNotImplementedError):
        write_parquet(table, tmp_path / "a.parquet")
    os.close(end)
    assert list(tmp_path.iterdir()) == [pipe]

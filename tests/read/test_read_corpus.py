"""What is read is what Python's json reads, from every form and packing; a corpus keeps where it came from."""

import gzip
import hashlib
import json
import logging
import pickle
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import overproof as op
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet
from writing import lines, texts

NASTY = "a\u2028b\x85c\u2029 \x1d\x0b\r x\x00y \U0001f600 e\u0301 \ufeff"
ROWS = [{"id": i, "prompt": f"q{i}", "text": f"{NASTY}{i}"} for i in range(100)]


def pack(raw: bytes, how: str) -> bytes:
    """`raw` in one or several members or frames."""
    half = len(raw) // 2
    match how:
        case "plain":
            return raw
        case "gz":
            return gzip.compress(raw[:half]) + gzip.compress(raw[half:])
        case "zst":
            return zstandard.compress(raw[:half]) + zstandard.compress(b"") + zstandard.compress(raw[half:])
        case "skippable":
            return b"\x50\x2a\x4d\x18\x04\0\0\0none" + zstandard.compress(raw)
    raise AssertionError(how)


@pytest.mark.parametrize("how", ["plain", "gz", "zst", "skippable"])
@pytest.mark.parametrize("ascii_only", [True, False])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
def test_packings_and_line_ends(tmp_path: Path, how: str, ascii_only: bool, end: bytes, bom: bytes) -> None:
    raw = bom + end.join(json.dumps(row, ensure_ascii=ascii_only).encode() for row in ROWS)
    path = tmp_path / "named-as-it-likes.jsonl"
    path.write_bytes(pack(raw, how))
    corpus = op.read_corpus(path)
    assert texts(corpus) == [row["text"] for row in ROWS]
    assert corpus.ids.to_list() == [str(row["id"]) for row in ROWS]
    assert corpus.prompts.to_list() == [row["prompt"] for row in ROWS]
    assert corpus.rows.tolist() == list(range(1, 101))
    assert corpus.name == "named-as-it-likes"
    (source,) = corpus.sources
    assert source.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (source.path, source.rows, source.skipped) == (str(path), 100, {})


def test_duplicate_keys_escaped_keys_and_paths(tmp_path: Path) -> None:
    path = lines(
        tmp_path / "a.jsonl",
        [
            '{"text": "first", "text": "last", "a.b": "dotted", "m": {"n": [{"x": 1}, {"x": "deep"}]}}',
            r'{"\u0074ext": "escaped key", "a": {"b": "walked"}, "m": {"n": [0, {"x": 1.50}]}}',
        ],
    )
    corpus = op.read_corpus(path, account_field="a.b", time_field="m.n.1.x")
    assert texts(corpus) == ["last", "escaped key"]
    assert corpus.accounts.to_list() == ["dotted", "walked"]
    assert corpus.times.to_list() == ["deep", "1.50"]
    assert corpus.fields["account"] == "a.b"


def test_numbers_keep_their_digits(tmp_path: Path) -> None:
    digits = ["12345678901234567890123", "-0.10", "1E400", "7"]
    path = lines(tmp_path / "a.jsonl", [f'{{"text": "", "id": {n}}}' for n in digits])
    assert op.read_corpus(path, id_field="id").ids.to_list() == digits


def test_plain_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.txt.gz"
    path.write_bytes(gzip.compress(f"one {NASTY}".replace("\r", "").encode() + b'\r\n\n{"text": 1}'))
    corpus = op.read_corpus(path)
    assert texts(corpus) == [f"one {NASTY}".replace("\r", ""), '{"text": 1}']
    assert corpus.rows.tolist() == [1, 3]
    assert corpus.skipped == {"blank line": 1}
    assert (corpus.ids, corpus.guessed) == (None, {})


CHAT = [
    {"role": "system", "content": "S"},
    {"role": "user", "content": [{"type": "text", "text": "Q"}, {"type": "image_url", "image_url": {"url": "u"}}, "R"]},
    {"role": "assistant", "content": "A"},
    {"role": "assistant", "content": None, "tool_calls": [{"id": 1}]},
    {"role": "user", "content": "Q2"},
    {"role": "assistant", "content": "A2"},
]
SHAREGPT = [{"from": "human", "value": "Q"}, {"from": "gpt", "value": "A"}]


def test_messages(tmp_path: Path) -> None:
    chats = enumerate([CHAT, SHAREGPT, SHAREGPT[:1]], start=1)
    rows = [{"id": i, "task": f"t{i}", "messages": messages} for i, messages in chats]
    path = lines(tmp_path / "a.jsonl", rows)
    corpus = op.read_corpus(path)
    assert corpus.guessed == {"text_field": "messages", "role": "assistant", "id_field": "id"}
    assert texts(corpus) == ["A", "A2", "A"]
    assert corpus.prompts.to_list() == ["S\n\nQ\nR", "S\n\nQ\nR\n\nA\n\nQ2", "Q"]
    assert corpus.ids.to_list() == ["1", "1", "2"]
    assert corpus.rows.tolist() == [1, 1, 2]
    assert corpus.skipped == {"message without text": 1, "no message of the role": 1}
    users = op.read_corpus(path, role="user", prompt_field="task")
    assert texts(users) == ["Q\nR", "Q2", "Q", "Q"]
    assert users.prompts.to_list() == ["t1", "t1", "t2", "t3"]


def test_messages_as_the_prompt(tmp_path: Path) -> None:
    path = lines(tmp_path / "a.jsonl", [{"messages": CHAT[:2], "response": "A"}])
    corpus = op.read_corpus(path)
    assert (texts(corpus), corpus.prompts.to_list()) == (["A"], ["S\n\nQ\nR"])


@pytest.mark.parametrize(
    ("row", "guessed", "prompt"),
    [
        ({"instruction": "I", "input": "J", "output": "O"}, "instruction + input", "I\nJ"),
        ({"instruction": "I", "input": "", "output": "O"}, "instruction + input", "I"),
        ({"instruction": "I", "output": "O"}, "instruction", "I"),
        ({"input": "J", "output": "O"}, "input", "J"),
        ({"question": "Q", "answer": "O"}, "question", "Q"),
        ({"question": 3, "answer": "O"}, None, None),
    ],
)
def test_guesses(tmp_path: Path, caplog: pytest.LogCaptureFixture, row: Any, guessed: Any, prompt: Any) -> None:
    path = lines(tmp_path / "a.jsonl", [row])
    with caplog.at_level(logging.INFO, "overproof"):
        corpus = op.read_corpus(path)
    assert texts(corpus) == ["O"]
    assert corpus.guessed.get("prompt_field") == guessed
    assert (corpus.prompts.to_list() if corpus.prompts else [None]) == [prompt]
    assert f"{path}: guessed text_field=" in caplog.text
    assert op.read_corpus(path, prompt_field=False, id_field=False).prompts is None


def test_a_guessed_field_may_be_missing_on_a_line(tmp_path: Path) -> None:
    path = lines(tmp_path / "a.jsonl", [{"text": "a", "prompt": "p"}, {"text": "b"}, {"text": "c", "prompt": None}])
    assert op.read_corpus(path).prompts.to_list() == ["p", None, None]


def test_missing_texts_are_kept_by_choice(tmp_path: Path) -> None:
    path = lines(tmp_path / "a.jsonl", [{"text": "a"}, {"text": None}, {"x": 1}, {"text": ""}])
    assert texts(op.read_corpus(path, missing="keep")) == ["a", None, None, ""]
    skipped = op.read_corpus(path, errors="skip")
    assert (texts(skipped), skipped.skipped) == (["a", ""], {"null text": 1, "missing field": 1})


def test_replace_counts(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = lines(tmp_path / "a.jsonl", [rb'{"text": "a\ud800b\ud83d\ude00"}', b'{"text": "caf\xe9"}', {"text": "c"}])
    corpus = op.read_corpus(path, errors="replace")
    assert texts(corpus) == ["a\ufffdb\U0001f600", "caf\ufffd", "c"]
    assert corpus.skipped == {"characters replaced": 2}
    assert "characters replaced (2, first: line 1)" in caplog.text
    ignored = lines(tmp_path / "b.jsonl", [rb'{"text": "fine", "other": "\udc00"}'])
    assert texts(op.read_corpus(ignored)) == ["fine"]


def test_a_limit_that_is_reached_leaves_no_digest(tmp_path: Path) -> None:
    path = tmp_path / "long.jsonl"
    path.write_text("".join(f'{{"text": "line {i} {100 * "x"}"}}\n' for i in range(20_000)))
    for limit in (2, 15_000, 20_000, 20_001):
        found = [op.read_corpus(path, limit=limit, threads=threads).sources[0].sha256 for threads in (1, 2)]
        whole = hashlib.sha256(path.read_bytes()).hexdigest() if limit > 20_000 else None
        assert found == [whole, whole]


def test_limit(tmp_path: Path) -> None:
    rows: list[Any] = [*ROWS, "broken"]
    path = lines(tmp_path / "a.jsonl", rows)
    for limit in (1, 7, 100):
        corpus = op.read_corpus(path, limit=limit)
        assert texts(corpus) == [row["text"] for row in ROWS[:limit]]
    many = op.read_corpus([path, path], limit=130, errors="skip")
    assert (len(many), many.row_of(129)["row"], many.skipped) == (130, 30, {"broken JSON": 1})


def test_many_files(tmp_path: Path) -> None:
    for name in ("b.jsonl", "a.jsonl.gz", "_SUCCESS", ".hidden.jsonl", "notes.md"):
        raw = json.dumps({"text": name}).encode()
        (tmp_path / name).write_bytes(gzip.compress(raw) if name.endswith("gz") else raw)
    parquet.write_table(pa.table({"text": ["p0", "p1"], "id": [5, 6]}), tmp_path / "c.parquet")
    told: list[tuple[int, int]] = []
    corpus = op.read_corpus(tmp_path, progress=lambda done, total: told.append((done, total)))
    assert texts(corpus) == ["a.jsonl.gz", "b.jsonl", "p0", "p1"]
    assert corpus.row_of(3) == {"file": str(tmp_path / "c.parquet"), "row": 2}
    assert corpus.source_of.tolist() == [0, 1, 2, 2]
    assert told == sorted(told)
    assert told[-1][0] == told[-1][1]
    assert texts(op.read_corpus(tmp_path / "*.jsonl*")) == ["a.jsonl.gz", "b.jsonl"]
    assert texts(op.read_corpus([tmp_path / "b.jsonl", tmp_path / "c.parquet"])) == ["b.jsonl", "p0", "p1"]


FRAME: dict[str, list[Any]] = {
    "text": ["a", "b\u2028", ""],
    "id": [1, 2, 3],
    "who": ["x", None, "z"],
    "score": [0.5, None, 2.0],
    "nested": [{"deep": "d"}, {"deep": "e"}, {"deep": "f"}],
}


@pytest.mark.parametrize("kind", ["pandas", "polars", "arrow", "view", "dictionary", "parquet", "stream"])
def test_frames(tmp_path: Path, kind: str) -> None:
    table = pa.table(FRAME)
    frame: Any = table
    match kind:
        case "pandas":
            frame = pd.DataFrame(FRAME)
        case "polars":
            frame = pl.DataFrame(FRAME)
        case "view":
            frame = table.set_column(0, "text", table["text"].cast(pa.string_view()))
        case "dictionary":
            frame = table.set_column(0, "text", table["text"].dictionary_encode())
        case "parquet":
            frame = tmp_path / "a.parquet"
            parquet.write_table(table, frame, row_group_size=2)
        case "stream":
            frame = pa.RecordBatchReader.from_batches(table.schema, table.to_batches(max_chunksize=1))
    corpus = op.read_corpus(frame, account_field="who", time_field="score", conversation_field="nested.deep")
    assert texts(corpus) == FRAME["text"]
    assert corpus.ids.to_list() == ["1", "2", "3"]
    assert corpus.accounts.to_list() == FRAME["who"]
    assert corpus.times.to_list() == ["0.5", None, "2.0"]
    assert corpus.conversations.to_list() == ["d", "e", "f"]
    assert corpus.rows.tolist() == [1, 2, 3]
    assert corpus.guessed == {"text_field": "text", "id_field": "id"}


def test_frames_know_the_same_errors() -> None:
    for frame, options, says in [
        (pd.DataFrame({"text": ["a", None]}), {}, r"frame: line 2: has no text \(null\)"),
        (pd.DataFrame({"text": [1, 2]}), {"text_field": "text"}, r'frame: line 1: field "text" is a number'),
        (
            pd.DataFrame({"t": ["a"]}),
            {"text_field": "x"},
            r"frame: has no field 'x'; its fields are t: give text_field",
        ),
        (pd.DataFrame({"text": ["a", 1]}), {}, "give every column one type"),
        (pa.chunked_array([["a"]]), {}, r"a single column of texts goes into op\.Corpus\(texts\)"),
        (pa.table({"text": pa.array([], pa.string())}), {}, "holds no rows"),
    ]:
        with pytest.raises(op.InputError, match=says):
            op.read_corpus(frame, **options)
    kept = op.read_corpus(pl.DataFrame({"text": ["a", None, "b"]}), errors="skip")
    assert (texts(kept), kept.rows.tolist(), kept.skipped) == (["a", "b"], [1, 3], {"null text": 1})


def test_no_pyarrow_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(op.MissingExtraError, match=r"pip install 'overproof\[arrow\]'"):
        op.read_corpus(tmp_path / "a.parquet")


json_texts = st.text(st.characters(exclude_categories=["Cs"]))
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | json_texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(json_texts, inner, max_size=3),
    max_leaves=8,
)


@given(
    rows=st.lists(
        st.tuples(json_texts, st.integers() | json_texts, st.dictionaries(json_texts, values)), min_size=1, max_size=20
    ),
    ascii_only=st.booleans(),
    indent=st.sampled_from([(", ", ": "), (",", ":"), (" ,\t", " :\r")]),
)
def test_rows_survive_json(
    tmp_path_factory: pytest.TempPathFactory, rows: list[Any], ascii_only: bool, indent: tuple[str, str]
) -> None:
    path = tmp_path_factory.mktemp("rows") / "a.jsonl"
    objects = [{**rest, "text": text, "the.id": name} for text, name, rest in rows]
    raw = "\n".join(json.dumps(row, ensure_ascii=ascii_only, separators=indent) for row in objects)
    path.write_bytes(raw.encode())
    corpus = op.read_corpus(path, text_field="text", id_field="the.id", prompt_field=False)
    read = [json.loads(line) for line in raw.split("\n")]
    assert texts(corpus) == [row["text"] for row in read]
    assert corpus.ids.to_list() == [str(row["the.id"]) for row in read]


@given(
    raw=st.binary(max_size=200)
    | st.from_regex(rb'(\{"text": ?("[ab\\u0]*"|\[\{"role":.*\}\]|[0-9]+)[},]\n?)+', fullmatch=True)
)
def test_any_bytes_are_rows_or_one_clear_error(tmp_path_factory: pytest.TempPathFactory, raw: bytes) -> None:
    path = tmp_path_factory.mktemp("raw") / "a.jsonl"
    path.write_bytes(raw)
    error, corpus = "", None
    try:
        corpus = op.read_corpus(path, text_field="text")
    except (op.InputError, op.FormatError) as caught:
        error = str(caught)
    if corpus is None:
        assert error.startswith(str(path))
    else:
        assert texts(corpus) == [json.loads(line)["text"] for line in raw.split(b"\n") if line.strip()]


def test_threads_and_blocks_change_nothing(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    sizes = rng.integers(0, 2000, 20_000)
    sizes[5000] = 9_000_000  # a line of more than two blocks
    rows: list[Any] = [{"id": i, "text": f"é{i}" * (size // 5)} for i, size in enumerate(sizes)]
    rows[12] = rows[17_000] = "not json"
    path = lines(tmp_path / "a.jsonl", rows)
    expected = [row["text"] for row in rows if isinstance(row, dict)]
    corpora = [op.read_corpus(path, errors="skip", threads=threads) for threads in (1, 2, 5)]
    with ThreadPoolExecutor(4) as pool:
        corpora += pool.map(lambda _: op.read_corpus(path, errors="skip"), range(4))
    for corpus in corpora:
        assert texts(corpus) == expected
        assert corpus.ids == corpora[0].ids
        assert corpus.sources == corpora[0].sources
        assert corpus.skipped == {"broken JSON": 2}


def test_real_files_are_read_as_python_reads_them(shared: Path) -> None:
    files = sorted([*shared.glob("k[234]*/*.jsonl.zst"), *shared.glob("k1_paired/alpaca_eval/[!_]*.jsonl.zst")])
    assert len(files) > 30
    for file in files[::3]:
        raw = subprocess.run(["zstd", "-dcq", file], check=True, capture_output=True).stdout
        rows = [json.loads(line) for line in raw.split(b"\n") if line]
        corpus = op.read_corpus(file)
        assert texts(corpus) == [row["text"] for row in rows]
        assert corpus.ids.to_list() == [str(row["id"]) for row in rows]
        if any("prompt" in row for row in rows):
            assert corpus.prompts.to_list() == [row.get("prompt") for row in rows]


# The corpus and its columns.


def test_a_corpus_refuses_what_does_not_fit() -> None:
    two = ["a", "b"]
    for make, says in [
        (lambda: op.Corpus(two, ids=[1]), "ids has 1 values for 2 texts"),
        (lambda: op.Corpus(two, rows=[1, 2, 3]), "rows has 3 values for 2 texts"),
        (lambda: op.Corpus(two, prompts="ab"), "prompts is one str: give 2 values"),
        (lambda: op.Corpus(two, accounts=[1, {}]), "accounts: row 1 is of type dict"),
        (lambda: op.Corpus("ab"), "texts is one str"),
        (lambda: op.Corpus(["a", None]), 'row 1 is null; drop it, or pass missing="keep"'),
        (lambda: op.Corpus(two).select([0.5]), "select takes"),
        (lambda: op.Corpus(two).select([True]), "the mask has 1 values for 2 texts"),
        (lambda: op.Corpus(two).select([2]), "row 2 of a column of 2 texts"),
        (lambda: op.Corpus(two, sources=[op.Source(None, 2)], source_of=[0, 1]), r"outside 0 \.\. 0"),
    ]:
        with pytest.raises(op.InputError, match=says):
            make()
    with pytest.raises(AttributeError):
        op.Corpus(two).name = "other"  # type: ignore[misc]


def test_a_corpus_keeps_what_it_is_given() -> None:
    times = pd.to_datetime(["2024-01-02T00:00:00", None, "2024-01-02T03:04:05"])
    corpus = op.Corpus(
        np.array(["a", "b", "c"], dtype=object),
        ids=np.array([1, 2, 3]),
        accounts=pd.Series([1.0, float("nan"), 3.0]),
        times=times,
        prompts=pa.array(["p", None, "r"]),
        rows=[10, 20, 30],
        name="three",
    )
    assert corpus.ids.to_list() == ["1", "2", "3"]
    assert corpus.accounts.to_list() == ["1.0", None, "3.0"]
    assert corpus.times.to_list() == ["2024-01-02T00:00:00", None, "2024-01-02T03:04:05"]
    for part in (
        corpus.select(np.array([True, False, True])),
        corpus.select([0, 2]),
        pickle.loads(pickle.dumps(corpus)).select([0, 2]),
    ):
        assert texts(part) == ["a", "c"]
        assert part.prompts.to_list() == ["p", "r"]
        assert part.rows.tolist() == [10, 30]
    assert texts(corpus.select([])) == []
    assert op.Shingler(n=1).transform(corpus).indptr.tolist() == [0, 1, 2, 3]


@given(rows=st.lists(st.none() | st.text(st.characters(exclude_categories=["Cs"]))), data=st.data())
def test_a_text_column_is_the_list_it_was_made_of(rows: list[str | None], data: st.DataObject) -> None:
    column = op.TextColumn(rows, missing="keep")
    assert list(column) == column.to_list() == rows
    assert len(column) == len(rows)
    assert column.has_missing == (None in rows)
    assert pa.array(column).to_pylist() == rows
    assert pa.array(column).type == pa.large_string()
    assert pickle.loads(pickle.dumps(column)) == column
    assert op.TextColumn(pa.array(column), missing="keep") == column
    part = data.draw(st.slices(len(rows)))
    assert column[part].to_list() == rows[part]
    assert op.TextColumn.concat([column, column[part]]).to_list() == rows + rows[part]
    if rows:
        at = data.draw(st.lists(st.integers(0, len(rows) - 1)))
        assert column.take(at).to_list() == [rows[i] for i in at]
        assert column[-1] == rows[-1]
    for wrong in (len(rows), -len(rows) - 1):
        with pytest.raises(IndexError):
            column[wrong]


SETTINGS = [
    {"model": "m-1", "temperature": 0.7, "stop": None, "opts": {"a": [1, True, "x y"]}, "stream": False},
    {"model": "m-2", "temperature": 1, "opts": {"a": []}, "stream": True},
    {"temperature": None, "stop": ["\n", "é"], "opts": {}},
]
FIELDS = {name: name for name in ("model", "temperature", "stop", "opts", "stream")} | {"first": "opts.a.0"}
AS_TEXT = {
    "model": ["m-1", "m-2", None],
    "temperature": ["0.7", "1", None],
    "stop": [None, None, '["\\n","é"]'],
    "opts": ['{"a":[1,true,"x y"]}', '{"a":[]}', "{}"],
    "stream": ["false", "true", None],
    "first": ["1", None, None],
}


def extra(corpus: op.Corpus) -> dict[str, list[str | None]]:
    return {name: column.to_list() for name, column in corpus.extra.items()}


def test_further_columns_hold_any_value_as_text(tmp_path: Path) -> None:
    rows = [{"text": f"t{i}", **row} for i, row in enumerate(SETTINGS)]
    path = lines(tmp_path / "a.jsonl", [json.dumps(row, ensure_ascii=False) for row in rows])
    corpus = op.read_corpus(path, extra_fields=FIELDS)
    assert extra(corpus) == AS_TEXT
    assert corpus.fields["first"] == "opts.a.0"
    assert extra(corpus.select([2, 0])) == {name: [column[2], column[0]] for name, column in AS_TEXT.items()}
    assert extra(pickle.loads(pickle.dumps(corpus))) == AS_TEXT
    made = op.Corpus([row["text"] for row in rows], extra={key: [row.get(key) for row in rows] for key in SETTINGS[0]})
    assert extra(made) == {name: AS_TEXT[name] for name in made.extra}
    assert repr(made) == "Corpus(None, 3 texts, model, opts, stop, stream, temperature)"


def test_further_columns_of_parquet_and_frames(tmp_path: Path) -> None:
    rows = [{"text": f"t{i}", "model": f"m{i}", "n": i, "ok": i == 1, "m": [{"role": "user"}]} for i in range(3)]
    table = pa.Table.from_pylist(rows)
    parquet.write_table(table, tmp_path / "a.parquet")
    wanted = {"model": ["m0", "m1", "m2"], "n": ["0", "1", "2"]}
    nested = {"ok": ["false", "true", "false"], "m": ['[{"role":"user"}]'] * 3, "r": ["user"] * 3}
    for source in (tmp_path / "a.parquet", table):
        assert extra(op.read_corpus(source, extra_fields={"model": "model", "n": "n"})) == wanted
        fields = {"model": "model", "n": "n", "ok": "ok", "m": "m", "r": "m.0.role"}
        assert extra(op.read_corpus(source, extra_fields=fields)) == wanted | nested
        with pytest.raises(op.InputError, match="no line has the field 'nowhere': check extra_fields"):
            op.read_corpus(source, extra_fields={"x": "nowhere"})


def test_a_further_column_may_be_missing_in_one_file_but_not_in_all(tmp_path: Path) -> None:
    lines(tmp_path / "a.jsonl", [{"text": "a"}])
    lines(tmp_path / "b.jsonl", [{"text": "b", "model": None}, {"text": "c", "model": "m"}])
    corpus = op.read_corpus(tmp_path, extra_fields={"model": "model"})
    assert extra(corpus) == {"model": [None, None, "m"]}
    with pytest.raises(op.InputError, match="no line has the field 'modle': check extra_fields"):
        op.read_corpus(tmp_path, extra_fields={"model": "model", "typo": "modle"})
    assert extra(op.read_corpus(tmp_path, extra_fields={"model": "modle"}, limit=1)) == {"model": [None]}
    with pytest.raises(op.InputError, match="'time' is the name of a column of its own: give time_field"):
        op.read_corpus(tmp_path, extra_fields={"time": "model"})
    with pytest.raises(op.InputError, match=r"extra\['a'\] has 1 values for 2 texts"):
        op.Corpus(["x", "y"], extra={"a": [1]})

"""compare from the outside: what it takes, what it refuses, and every way out of the process."""

import itertools
import json
import pickle
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import overproof as op
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from overproof import comparison
from overproof.report import terminal

ANSWER = "The kettle boils when the thermostat closes its circuit and lets the current heat the coil below it slowly."
OTHER = "Nothing of the kind was ever said by anybody who lived in that small village on the northern river bank."
SCHEMA = json.loads(
    (Path(__file__).parents[2] / "docs" / "compare-json.md")
    .read_text(encoding="utf-8")
    .split("```json")[1]
    .split("```")[0]
)
TYPES = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "number": (int, float),
    "null": type(None),
}


def check(value: Any, schema: dict[str, Any], at: str = "$") -> None:
    """The part of JSON Schema that docs/compare-json.md uses; an unknown word in it is an error."""
    known = {"type", "properties", "required", "items", "minItems", "maxItems", "additionalProperties", "const", "enum"}
    assert not set(schema) - known - {"minimum", "maximum", "$ref", "$schema", "$defs", "title"}, at
    if "$ref" in schema:
        return check(value, SCHEMA["$defs"][schema["$ref"].removeprefix("#/$defs/")], at)
    if "const" in schema:
        assert value == schema["const"], at
    if "enum" in schema:
        assert value in schema["enum"], at
    if "type" in schema:
        names = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        assert isinstance(value, tuple(TYPES[name] for name in names)), (at, value)
        assert not isinstance(value, bool), at
    if isinstance(value, int | float):
        assert schema.get("minimum", value) <= value <= schema.get("maximum", value), (at, value)
    if isinstance(value, list):
        assert schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)), at
        for i, item in enumerate(value):
            check(item, schema["items"], f"{at}[{i}]")
    if isinstance(value, dict):
        assert not set(schema.get("required", ())) - set(value), at
        rest = schema.get("additionalProperties")
        for name, item in value.items():
            inside = schema.get("properties", {}).get(name, rest)
            assert inside, f"{at}.{name} is not in docs/compare-json.md"
            check(item, inside, f"{at}.{name}")
    return None


def texts(n: int, *, seed: int = 0, words: int = 24) -> list[str]:
    rng = np.random.default_rng(seed)
    return [" ".join(f"w{x}" for x in row) for row in rng.integers(0, 5000, (n, words)).tolist()]


@pytest.fixture(scope="module")
def result() -> op.Comparison:
    served = op.Corpus(
        texts(40), ids=range(40), accounts=["a", None] * 20, times=["2025-01-01"] * 40, prompts=["p"] * 40
    )
    mixed = [*texts(5), *texts(20, seed=1), "", "short"]
    return op.compare(served, op.Corpus(mixed, name="mix"), control={"x": texts(9, seed=2), "y": texts(5, seed=3)})


# -- ways out


@pytest.mark.parametrize(
    "made",
    [
        lambda: op.compare([ANSWER], [OTHER]),
        lambda: op.compare([ANSWER], [ANSWER], control=[ANSWER]),
        lambda: op.compare([""], [""]),
        lambda: op.compare(op.Corpus([None], missing="keep"), op.Corpus([None], missing="keep"), background=[ANSWER]),
        lambda: op.compare(
            [ANSWER],
            [ANSWER],
            top=np.int64(3),
            confidence=np.float32(0.5),
            df_rate=np.float64(0),
            min_ngrams=np.int8(3),
        ),
    ],
)
def test_every_result_is_plain_json(made: Any) -> None:
    shown = made().to_dict()
    check(json.loads(json.dumps(shown, allow_nan=False)), SCHEMA)


def test_json_is_what_the_page_says(result: op.Comparison) -> None:
    shown = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    check(shown, SCHEMA)
    assert [layer["layer"] for layer in shown["waterfall"]] == [
        "raw",
        "prompt echo",
        "background",
        "boilerplate",
        "left",
    ]
    assert [c["name"] for c in shown["controls"]] == ["x", "y"]
    assert [(i["role"], i["name"]) for i in shown["inputs"]] == [
        ("served", None),
        ("suspect", "mix"),
        ("control", "x"),
        ("control", "y"),
    ]
    summary = shown["summary"]
    assert summary["suspect_texts"] == 27
    assert summary["suspect_texts_matched"] == shown["matches_total"] == 5
    assert summary["matched_share"] == 5 / 27
    assert summary["matched_interval"][0] < 5 / 27 < summary["matched_interval"][1]
    assert summary["suspect_texts_too_short"] == 2
    assert summary["suspect_tokens_matched"] == 5 * 24
    assert {m["suspect_row"]["row"]: (m["served_id"], m["account"]) for m in shown["matches"]} == {
        i + 1: (str(i), "a" if i % 2 == 0 else None) for i in range(5)
    }
    assert all(m["containment_of_suspect"] == 1 and m["longest_run"] == 24 for m in shown["matches"])


def test_files_are_the_same_bytes_twice_and_whole(result: op.Comparison, tmp_path: Path) -> None:
    for name, write in {"a.json": result.to_json, "a.html": result.to_html, "a.parquet": result.to_parquet}.items():
        write(tmp_path / name)
        first = (tmp_path / name).read_bytes()
        write(str(tmp_path / name))
        assert (tmp_path / name).read_bytes() == first
        with pytest.raises(op.InputError, match="no folder"):
            write(tmp_path / "missing" / name)
        with pytest.raises(op.InputError, match="it is a folder"):
            write(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.html", "a.json", "a.parquet"]
    assert json.loads((tmp_path / "a.json").read_bytes()) == result.to_dict()


def test_a_failed_write_leaves_the_old_file(
    result: op.Comparison, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.json"
    result.to_json(path)
    before = path.read_bytes()

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    for write in (result.to_json, result.to_html):
        with pytest.raises(OSError, match="No space"):
            write(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_more_matches_than_a_page_holds_go_to_parquet(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    many = texts(comparison.LISTED + 1, words=12)
    result = op.compare(many, many, audit_texts=0)
    result.to_json(tmp_path / "all.json")
    shown = json.loads((tmp_path / "all.json").read_bytes())
    check(shown, SCHEMA)
    assert len(shown["matches"]) == comparison.LISTED
    assert shown["matches_total"] == len(result.pairs)
    assert shown["matches_file"] == "all.matches.parquet"
    table = parquet.read_table(tmp_path / "all.matches.parquet")
    assert table.num_rows == shown["matches_total"] > comparison.LISTED
    assert table.slice(0, 3).to_pylist() == shown["matches"][:3]


def test_a_parquet_file_without_matches_has_its_columns(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    op.compare([ANSWER], [OTHER]).to_parquet(tmp_path / "none.parquet")
    op.compare([ANSWER], [ANSWER]).to_parquet(tmp_path / "one.parquet")
    none, one = (parquet.read_table(tmp_path / name) for name in ("none.parquet", "one.parquet"))
    assert none.num_rows == 0
    assert none.schema == one.schema
    assert none.schema.names == SCHEMA["properties"]["matches"]["items"]["required"]


def test_results_pickle(result: op.Comparison) -> None:
    again = pickle.loads(pickle.dumps(result))
    assert again.to_dict() == result.to_dict()
    assert np.array_equal(again.pairs.score, result.pairs.score)


# -- known answers


def test_a_corpus_against_itself() -> None:
    rows = [*texts(30), *texts(3)]
    result = op.compare(rows, rows, audit_texts=0)
    summary = result.summary()
    assert summary["suspect_texts_matched"] == summary["served_texts_matched"] == len(rows)
    assert result.best[:, -1].tolist() == [*range(30), 0, 1, 2]
    assert summary["suspect_tokens_matched"] == summary["suspect_tokens"]


def test_nothing_found_is_said_loudly() -> None:
    result = op.compare([ANSWER], [OTHER])
    assert len(result.pairs) == len(result.spans) == 0
    assert result.matches() == []
    assert "No suspect text matches" in result.warnings()[0]
    assert 'not "innocent"' in result.warnings()[0]


def test_one_served_text() -> None:
    result = op.compare([ANSWER], [OTHER, f"{OTHER} {ANSWER}", ANSWER.upper(), "", ANSWER[:60]])
    assert result.pairs.left.tolist() == [1, 2]
    assert set(result.pairs.right.tolist()) == {0}


def test_an_answer_to_one_of_many_in_a_chat_is_found() -> None:
    """All n-grams of one conversation's 2,000 answers are held by one unit, whichever answer was copied."""
    phrase = " ".join(f"q{i}" for i in range(12))
    answers = [f"{phrase} tail{i} of{i} it{i}" for i in range(2000)]
    result = op.compare(op.Corpus(answers, conversations=["one"] * 2000), [answers[1700]], top=1)
    assert result.pairs.right.tolist() == [1700]


def test_a_repeated_answer_counts_though_its_first_prompt_holds_it() -> None:
    served = op.Corpus([ANSWER, ANSWER], prompts=[f"Say: {ANSWER}", "What does a kettle do?"])
    assert op.compare(served, [ANSWER]).pairs.right.tolist() == [1]


def test_prompts_of_suspects_are_masked() -> None:
    echo = op.compare([ANSWER], [ANSWER], prompts=[f"Rewrite: {ANSWER}"])
    assert [layer["suspect_texts"] for layer in echo.waterfall] == [1, 0, 0, 0, 0]
    background = op.compare([ANSWER], [ANSWER], background=[ANSWER])
    assert [layer["suspect_texts"] for layer in background.waterfall] == [1, 1, 0, 0, 0]


def test_a_layer_that_cuts_a_span_leaves_two_and_the_report_says_so(tmp_path: Path) -> None:
    text = f"{ANSWER} {OTHER} {ANSWER.replace('kettle', 'pot').replace('heat', 'warm')}"
    one = op.compare([text], [text], background=[OTHER])
    raw, *_, left = one.waterfall
    assert (raw["spans"], left["spans"]) == (1, 2)
    assert left["tokens"] < raw["tokens"]
    said = "Spans rise where a layer takes words out of the middle of a span"
    assert said in " ".join(terminal.render(one.to_dict()).split())
    one.to_html(tmp_path / "report.html")
    assert said in (tmp_path / "report.html").read_text(encoding="utf-8")
    assert said not in terminal.render(op.compare([text], [text]).to_dict())


def test_missing_texts_keep_their_place() -> None:
    suspect = op.Corpus([None, ANSWER, ""], ids=["n", "y", "e"], missing="keep")
    result = op.compare([ANSWER], suspect, prompts=["a", None, "c"])
    assert result.pairs.left.tolist() == [1]
    assert result.matches()[0]["suspect_id"] == "y"


def test_controls_in_every_form() -> None:
    shown = op.compare([ANSWER], [ANSWER], control=[ANSWER, OTHER]).to_dict()["controls"]
    assert [(c["name"], c["texts"], c["matched"]) for c in shown] == [("control", 2, 1)]
    shown = op.compare([ANSWER], [ANSWER], control=op.Corpus([OTHER], name="people")).to_dict()["controls"]
    assert [(c["name"], c["texts"], c["matched"]) for c in shown] == [("people", 1, 0)]
    result = op.compare([ANSWER], [OTHER], control={"suspect": [ANSWER], "b": op.Corpus([OTHER])})
    assert [c["name"] for c in result.to_dict()["controls"]] == ["control suspect", "b"]
    assert result.scores["suspect"].tolist() == [0.0]
    assert result.scores["control suspect"].tolist() == [1.0]


def test_sides_may_be_read_once_only() -> None:
    result = op.compare(iter([ANSWER]), iter([ANSWER]), control=iter([OTHER]), background=iter([OTHER]))
    assert len(result.pairs) == 1
    assert result.background is not None


def test_single_characters_count_half() -> None:
    served = "水沸騰時恒溫器閉合電路讓電流慢慢加熱下面的線圈直到夜晚降臨村莊"
    for kept, found in ((18, True), (17, False)):
        result = op.compare([served], [served[:kept]], shingler=op.Shingler(5))
        assert bool(len(result.pairs)) is found
        assert result.summary()["suspect_texts_too_short"] == (not found)


def test_progress_is_told_in_order() -> None:
    told: list[tuple[str, int, int]] = []
    op.compare([ANSWER], [OTHER], control={"a": [OTHER], "b": [OTHER]}, progress=lambda *step: told.append(step))
    assert [done for _, done, _ in told] == list(range(9))
    assert {total for *_, total in told} == {8}
    assert told[0][0] == "shingling served texts"
    assert told[-1][0] == "done"

    def stop(stage: str, done: int, total: int) -> None:
        raise RuntimeError(stage)

    with pytest.raises(RuntimeError, match="shingling served"):
        op.compare([ANSWER], [OTHER], progress=stop)


@pytest.fixture(scope="module")
def case() -> op.simulate.Case:
    return op.simulate.case(
        prompts=200, served=500, accounts=20, suspect=300, leak=80, web=30, people=300, background=150
    )


def test_leaks_of_a_made_case_are_found(case: op.simulate.Case) -> None:
    def corpus(rows: list[dict[str, Any]], id_field: str) -> op.Corpus:
        return op.Corpus(
            [row["text"] for row in rows],
            ids=[row[id_field] for row in rows],
            prompts=[row["prompt"] for row in rows] if "prompt" in rows[0] else None,
        )

    served, suspect = corpus(case.served, "request_id"), corpus(case.suspect, "id")
    people, behind = corpus(case.people, "id"), corpus(case.background, "id")
    result = op.compare(served, suspect, control={"people": people}, background=behind)
    truth = [case.truth["suspect"][row["id"]] for row in case.suspect]
    long = ~result.short
    kinds: dict[str, list[bool]] = {"none": [], "other": [], "web": []}
    for fate, hit, enough in zip(truth, result.matched.tolist(), long.tolist(), strict=True):
        kind = fate["edit"] if fate["origin"] == "leak" else fate["origin"]
        if enough and kind in kinds:
            kinds[kind].append(hit)
    assert len(kinds["none"]) >= 15
    assert all(kinds["none"])
    assert np.mean(kinds["other"]) <= 0.01
    assert np.mean(kinds["web"]) <= 0.01
    assert result.to_dict()["controls"][0]["share"] <= 0.01
    # The row that is named is the one that was taken, or one with the same text.
    texts_of = {row["request_id"]: row["text"] for row in case.served}
    for row, fate in enumerate(truth):
        if fate["origin"] == "leak" and fate["edit"] == "none" and long[row]:
            assert case.served[result.best[row, -1]]["text"] == texts_of[fate["request_id"]]


# -- what is refused


def words_of(text: str) -> list[str]:
    return text.split()


REFUSED = [
    ({"min_ngrams": 0.5}, "min_ngrams"),
    ({"min_ngrams": float("nan")}, "min_ngrams"),
    ({"min_ngrams": "7"}, "min_ngrams"),
    ({"min_embedded": 3}, "min_embedded"),
    ({"min_embedded": float("inf")}, "min_embedded"),
    ({"min_containment": 0}, "min_containment"),
    ({"min_containment": 1.01}, "min_containment"),
    ({"min_containment": None}, "min_containment"),
    ({"df_rate": -0.1}, "df_rate"),
    ({"df_rate": 1}, "df_rate"),
    ({"df_rate": float("nan")}, "df_rate"),
    ({"top": 0}, "top"),
    ({"top": 1.5}, "top"),
    ({"top": 2**70}, "top"),
    ({"confidence": 1}, "confidence"),
    ({"confidence": 0}, "confidence"),
    ({"confidence": "95%"}, "confidence"),
    ({"audit_texts": -1}, "audit_texts"),
    ({"audit_texts": 2.5}, "audit_texts"),
    ({"seed": -1}, "seed"),
    ({"threads": 0}, "threads"),
    ({"threads": -1}, "threads"),
    ({"threads": 1.5}, "threads"),
    ({"shingler": op.Shingler([3, 5])}, "one width"),
    ({"shingler": op.Shingler(5, analyzer="tokens")}, "tokens"),
    ({"shingler": op.Shingler(5, analyzer=words_of)}, "words_of"),
    ({"shingler": 5}, "Shingler"),
    ({"prompts": ["one", "two", "three"]}, "prompts has 3 values for 1 texts"),
    ({"prompts": "one"}, "prompts is one str"),
    ({"control": []}, "control holds no text"),
    ({"control": {"a": []}}, "control a holds no text"),
    ({"control": {1: [OTHER], "1": [OTHER]}}, "two names"),
    ({"control": OTHER}, "control"),
    ({"background": []}, "background holds no text"),
    ({"background": [None]}, "background.*null"),
]


@pytest.mark.parametrize(("given", "said"), REFUSED, ids=[str(next(iter(g.items())))[:40] for g, _ in REFUSED])
def test_bad_parameters(given: dict[str, Any], said: str) -> None:
    with pytest.raises(op.InputError, match=said):
        op.compare([ANSWER], [ANSWER], **given)


@pytest.mark.parametrize("side", ["served", "suspect"])
@pytest.mark.parametrize(
    ("given", "said"),
    [([], "holds no text"), ([None], "null"), (ANSWER, "one str"), ([ANSWER, 5], "row 1 is a int"), (5, "int"),
     (["\ud800"], "surrogate"), ({"a": 1}, "dict")],
)  # fmt: skip
def test_errors_name_the_side(side: str, given: Any, said: str) -> None:
    sides = {"served": [ANSWER], "suspect": [ANSWER]} | {side: given}
    with pytest.raises(op.InputError, match=f"{side}.*{re.escape(said)}"):
        op.compare(sides["served"], sides["suspect"])


def test_prompts_are_given_once() -> None:
    with pytest.raises(op.InputError, match="give them once"):
        op.compare([ANSWER], op.Corpus([ANSWER], prompts=["p"]), prompts=["p"])


# -- Ctrl-C

BIG = """
import sys, overproof as op
one = "the quick brown fox jumps over the lazy dog and runs on for a while " * 200
texts = [f"{i} {one} {i}" for i in range(40_000)]
print("ready", flush=True)
try:
    op.compare(texts, texts, progress=lambda *step: print(step[0], flush=True)).to_json(sys.argv[1])
    print("not interrupted", flush=True)
except KeyboardInterrupt:
    print("interrupted", flush=True)
small = ["this process still compares one text of more than eleven words with another text"]
print(len(op.compare(small, small).pairs), flush=True)
"""


@given(arrays(np.float64, st.integers(0, 9), elements=st.integers(0, 5).map(float)), st.integers(1, 12))
def test_the_least_are_those_of_a_stable_sort(values: np.ndarray, most: int) -> None:
    least = sys.modules["overproof.compare"]._least(values, most)
    assert least.tolist() == sorted(np.argsort(values, kind="stable")[:most].tolist())


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for one process")
@pytest.mark.parametrize("stage", ["shingling suspect texts", "comparing suspect texts"])
def test_ctrl_c_leaves_nothing(tmp_path: Path, stage: str) -> None:
    command = [sys.executable, "-c", BIG, str(tmp_path / "out.json")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        lines = list(itertools.takewhile(lambda line: line != f"{stage}\n", child.stdout))
        assert lines[0] == "ready\n"
        child.send_signal(signal.SIGINT)
        assert child.stdout.read().split() == ["interrupted", "1"]
        assert child.wait(timeout=60) == 0
    assert list(tmp_path.iterdir()) == []

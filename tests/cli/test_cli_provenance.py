"""``overproof provenance``: a folder of answers in, a table and a JSON file out."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from overproof.cli import main

PROMPTS = 30


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two vendors' teachers, 22 controls, 6 known students, and a suspect that learnt from Acme."""
    folder = tmp_path_factory.mktemp("answers")
    rng = np.random.default_rng(0)
    words = np.array([f"w{i}" for i in range(300)])
    styles = {
        name: rng.dirichlet(np.full(300, 0.3)) for name in ("acme", "bolt", "base", *(f"c{i}" for i in range(22)))
    }
    mixes = {"acme-1": {"acme": 1.0}, "bolt-1": {"bolt": 1.0}, "suspect-x": {"acme": 1.0}}
    mixes |= {f"c{i}": {f"c{i}": 0.4, "base": 0.6} for i in range(22)}
    mixes |= {f"s{i}": {"acme": 0.7, "base": 0.3} for i in range(6)}
    for name, mix in mixes.items():
        weights = sum(share * styles[style] for style, share in mix.items())
        lines = [
            json.dumps({"id": f"q{row}", "text": " ".join(rng.choice(words, 40, p=weights))})
            for row in rng.permutation(PROMPTS)
        ]
        (folder / f"{name}.jsonl").write_text("\n".join(lines) + "\n")
    asked = [json.dumps({"id": f"q{row}", "prompt": f"w{row} please"}) for row in range(PROMPTS)]
    (folder / "_prompts.jsonl").write_text("\n".join(asked) + "\n")
    table = ["model,vendor,role,family,taught_by", "acme-1,Acme,teacher,,", "bolt-1,Bolt,teacher,,"]
    table += [f"c{i},,{'control' if i % 2 else 'reference'},," for i in range(22)]
    table += [f"s{i},,reference,t{i},Acme" for i in range(6)]
    table += ["suspect-x,,suspect,,", "elsewhere,,unknown,,"]
    (folder.parent / "models.csv").write_text("\n".join(table) + "\n")
    return folder


def test_a_table_of_models_is_enough(answers: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, table = tmp_path / "out.json", answers.parent / "models.csv"
    assert main(["provenance", str(answers), "--models", str(table), "--json", str(out)]) == 0
    told = capsys.readouterr()
    assert "1 rows of other roles take no part" in told.err
    acme, bolt = (next(line for line in told.out.splitlines() if line.startswith(v)) for v in ("Acme", "Bolt"))
    assert "suspected: z reaches 6" in acme
    assert "nothing shown" in bolt
    assert "Clean controls for Acme: 22 (c0, c1," in told.out
    assert "Clean controls for Bolt: 28 (" in told.out
    assert "Ranks reach no p below 0.043" in told.out
    result = json.loads(out.read_text())
    assert result["schema"] == "overproof-provenance-1"
    (suspect,) = result["suspects"]
    assert [one["vendor"] for one in suspect["vendors"]] == ["Acme", "Bolt"]
    assert suspect["vendors"][0]["likelihood_ratio"] > 1
    assert suspect["vendors"][0]["prompts"] == PROMPTS
    assert 0 < result["references"]["ratios"]["cllr"] < 1
    assert len(result["inputs"]) == 32
    assert {one["role"] for one in result["models"]} == {"teacher", "reference", "suspect"}


def test_options_declare_as_the_table_does(answers: Path, tmp_path: Path) -> None:
    outs = [tmp_path / f"{i}.json" for i in range(2)]
    teachers = ["--teachers", "Acme=acme-1.jsonl", "--teachers", "Bolt=bolt-1"]
    common = ["provenance", str(answers), "--suspect", "suspect-x.jsonl", "-q"]
    assert main([*common, *teachers, "--references", "c?,c1?,c20,c21", "--json", str(outs[0])]) == 0
    table = tmp_path / "models.csv"
    kept = [line for line in (answers.parent / "models.csv").read_text().splitlines() if not line.startswith("s")]
    table.write_text("\n".join(kept))
    assert main([*common, "--models", str(table), "--json", str(outs[1])]) == 0
    first, second = (json.loads(out.read_text())["suspects"] for out in outs)
    for one, other in zip(first[0]["vendors"], second[0]["vendors"], strict=True):
        assert one["statistic"] == pytest.approx(other["statistic"], rel=1e-9)
        assert one["likelihood_ratio"] is None


def test_too_few_controls_is_an_answer(answers: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--suspect", "suspect-x", "--teachers", "Acme=acme-1", "--teachers", "Bolt=bolt-1"]
    assert main(["provenance", str(answers), *arguments, "--references", "c?"]) == 0
    out = capsys.readouterr().out
    assert out.count("no verdict: 10 clean controls, fewer than 20") == 2
    assert main(["provenance", str(answers), *arguments]) == 0
    out = capsys.readouterr().out
    assert out.count("no verdict: 0 clean controls, fewer than 20") == 2
    assert "nan" not in out


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ([], 1, "no suspect: give --suspect"),
        (["--suspect", "nobody"], 1, "--suspect: nobody has no file of answers in"),
        (["--suspect", "suspect-x", "--teachers", "Acme=acme-1"], 1, "teachers of one vendor only"),
        (["--suspect", "suspect-x", "--teachers", "acme-1"], 2, "must be VENDOR=MODEL"),
        (["--suspect", "c0", "--teachers", "A=acme-1", "--references", "acme*"], 1, "is also a teacher"),
        (["--suspect", "suspect-x", "--statistic", "word-9"], 2, "'word-9' is not one of"),
        (["--suspect", "suspect-x", "--models", "no.csv"], 1, "no.csv: there is no such file"),
        (["--suspect", "suspect-x", "--text-field", "body"], 1, "--text-field"),
    ],
)
def test_wrong_input_is_told(
    answers: Path, arguments: list[str], code: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["provenance", str(answers), *arguments]) == code
    assert words in capsys.readouterr().err


def test_wrong_folders_and_tables_are_told(answers: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = tmp_path / "models.csv"
    for content, words in (
        ("model,vendor\nc0,\n", "has no column role"),
        ("model,role\nc0,reference\nc0,suspect\n", "line 3: c0 is there twice"),
        ("model,role\nc99,reference\n", "c99 (reference) has no file of answers"),
    ):
        table.write_text(content)
        assert main(["provenance", str(answers), "--models", str(table), "--suspect", "suspect-x"]) == 1
        assert words in capsys.readouterr().err
    empty = tmp_path / "empty"
    empty.mkdir()
    for folder, words in ((empty, "holds no file of answers"), (table, "must be a folder")):
        assert main(["provenance", str(folder), "--suspect", "x"]) == 1
        assert words in capsys.readouterr().err
    for name, ids in (("a", "q"), ("b", "q"), ("c", "other"), ("_prompts", "q")):
        text = "prompt" if name == "_prompts" else "text"
        (empty / f"{name}.jsonl").write_text(json.dumps({"id": ids, text: "one two"}) + "\n")
    arguments = ["--teachers", "A=a", "--teachers", "B=b", "--suspect", "c"]
    assert main(["provenance", str(empty), *arguments]) == 1
    assert "c: no id is that of a prompt" in capsys.readouterr().err
    (empty / "a.jsonl.gz").write_bytes(b"")
    assert main(["provenance", str(empty), *arguments]) == 1
    assert "are both of a: leave one" in capsys.readouterr().err

"""The frozen values of tests/golden/op1.json: whoever changes one has changed every stored sketch and index."""

import importlib.util
import json
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = json.loads((ROOT / "tests" / "golden" / "op1.json").read_text(encoding="ascii"))


@pytest.fixture(scope="module")
def generator():
    spec = importlib.util.spec_from_file_location("gen_golden", ROOT / "tools" / "gen_golden.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_case_is_frozen(generator):
    assert set(generator.TEXTS) == set(GOLDEN["cases"])
    assert len(GOLDEN["cases"]) >= 60
    assert (GOLDEN["hash"], GOLDEN["unicode"]) == ("op1", generator.ref.UNICODE_VERSION)


@pytest.mark.parametrize("name", GOLDEN["cases"])
def test_the_reference_still_gives_the_frozen_values(generator, name):
    frozen = GOLDEN["cases"][name]
    assert generator.TEXTS[name] == frozen["text"]
    assert json.loads(json.dumps(generator.case(frozen["text"]))) == frozen


def test_a_changed_value_is_never_written(generator, monkeypatch, tmp_path):
    changed = json.loads(json.dumps(GOLDEN))
    changed["cases"]["one token"]["shingles"]["word 1"]["hashes"] = ["0000000000000000"]
    target = tmp_path / "op1.json"
    target.write_text(json.dumps(changed))
    monkeypatch.setattr(generator, "TARGET", target)
    with pytest.raises(SystemExit, match="one token"):
        generator.main()
    assert json.loads(target.read_text()) == changed

"""The package needs NumPy and nothing else; each extra is named, with its exact pip line, where it is missing."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import overproof as op
import pytest
from overproof._extras import need

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

BLOCK = """
import sys

ALLOWED = {*sys.stdlib_module_names, "numpy", "overproof"}

class Block:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] not in ALLOWED:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Block())
"""

NEEDS = sorted(
    {
        (package, extra)
        for path in (ROOT / "python" / "overproof").rglob("*.py")
        for package, extra in re.findall(r'\bneed\(\s*"(\w+)[\w.]*",\s*extra="(\w+)"', path.read_text())
    }
)


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", BLOCK + code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_import_and_core_need_only_numpy() -> None:
    code = "import overproof as op; print(op.Shingler(n=1).transform(['To be', None], missing='keep').indptr.tolist())"
    assert run(code) == "[0, 2, 2]\n"


def test_a_missing_package_says_its_pip_line() -> None:
    with pytest.raises(op.MissingExtraError, match=re.escape("run: pip install 'overproof[stats]'")) as caught:
        need("no_such_package.part", extra="stats")
    assert isinstance(caught.value, ImportError)
    assert str(caught.value).startswith("no_such_package is not installed")


def packages(extra: str) -> set[str]:
    return {re.split(r"[\[<>=!~; ]", line)[0].lower() for line in PROJECT["optional-dependencies"][extra]}


@pytest.mark.parametrize(("package", "extra"), NEEDS)
def test_each_extra_brings_what_it_is_named_for(package: str, extra: str) -> None:
    assert package in packages(extra)


def test_some_extra_is_needed_somewhere() -> None:
    assert NEEDS

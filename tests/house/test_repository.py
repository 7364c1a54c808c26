"""What is tracked: one version, no place of one machine, no large file."""

import re
import subprocess
import tomllib
from pathlib import Path

import overproof as op
import pytest

ROOT = Path(__file__).resolve().parents[2]
MACHINE = re.compile(
    rb"(?<![\w./}])/(?:root|work|home|Users)/\w"  # somebody's folder
    rb"|\b(?:pypi|pythonhosted|crates|npmjs)\.(?:org|io|com)\b"  # a registry
)


@pytest.fixture(scope="module")
def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode:
        pytest.skip("this is not a git checkout")
    return [path for name in listed.stdout.decode().split("\0") if name and (path := ROOT / name).is_file()]


def test_one_version() -> None:
    version = tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]["package"]["version"]
    assert op.__version__ == op.build_info()["version"] == version
    assert re.search(rf"^## \[{re.escape(version)}\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert f"\nversion: {version}\n" in (ROOT / "CITATION.cff").read_text()
    assert "version" in tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dynamic"]


def test_no_machine_and_no_registry_is_named(tracked: list[Path]) -> None:
    # Cargo writes its own registry into its own lock.
    texts = {path: path.read_bytes() for path in tracked if path.name != "Cargo.lock"}
    assert not {str(path.relative_to(ROOT)): found for path, text in texts.items() if (found := MACHINE.findall(text))}


def test_the_check_for_machines_finds_one() -> None:
    assert MACHINE.search(b"see /" + b"home/someone/data")
    assert MACHINE.search(b"https://pypi" + b".org/simple")


def test_no_large_file(tracked: list[Path]) -> None:
    assert not [str(path.relative_to(ROOT)) for path in tracked if path.stat().st_size > 1_000_000]

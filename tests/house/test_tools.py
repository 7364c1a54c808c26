"""On a machine that lacks a tool, the first line printed says what to install."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CHECK = ROOT / "tools" / "check_tools.sh"
GOOD = {
    "python3": "case $2 in *version_info*) echo 3.11 ;; esac",
    "cargo": 'case $1 in --version) echo "cargo 1.89.0 (abc 2025-06-01)" ;; esac',
    "cc": "exit 0",
}

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the Makefile is for Unix")


def machine(folder: Path, **tools: str | None) -> str:
    """A PATH with these tools and no other; None leaves one out."""
    for name, body in {**GOOD, **tools}.items():
        if body is not None:
            (folder / name).write_text(f"#!/bin/sh\n{body}\n")
            (folder / name).chmod(0o755)
    return str(folder)


def check(path: str) -> tuple[int, str]:
    done = subprocess.run(
        ["/bin/sh", str(CHECK), "python3"], env={"PATH": path}, stdout=-1, stderr=-2, text=True, check=False
    )
    return done.returncode, done.stdout


def test_a_machine_that_has_all_is_told_nothing(tmp_path: Path) -> None:
    assert check(machine(tmp_path)) == (0, "")


@pytest.mark.parametrize(
    ("tools", "said"),
    [
        ({"python3": None}, ["Python 3.11", "found no python3", "apt install python3 python3-venv"]),
        ({"python3": "echo 3.9"}, ["Python 3.11", "python3 is 3.9", "make PYTHON="]),
        ({"python3": "case $2 in *version_info*) echo 3.12 ;; *) exit 1 ;; esac"}, ["apt install python3-venv"]),
        ({"cargo": None}, ["Rust 1.89", "found no cargo", "https://rustup.rs"]),
        ({"cargo": "echo cargo 1.85.1"}, ["Rust 1.89", "cargo is 1.85.1", "rustup update"]),
        ({"cargo": "[ $1 = --version ] && echo cargo 1.95.0"}, ["rustup component add rustfmt clippy"]),
        ({"cc": None}, ["C compiler", "apt install gcc"]),
    ],
)
def test_the_first_line_says_what_to_install(tmp_path: Path, tools: dict[str, str | None], said: list[str]) -> None:
    code, printed = check(machine(tmp_path, **tools))
    assert code == 1
    assert all(part in printed.splitlines()[0] for part in said), printed


@pytest.mark.parametrize(
    ("what", "tools", "said"),
    [
        ("neon", {}, "apt install gcc-aarch64-linux-gnu"),
        ("neon", {"aarch64-linux-gnu-gcc": "exit 0"}, "apt install qemu-user-static"),
        ("asan", {}, "the sanitizer's runtime"),
        ("valgrind", {}, "apt install valgrind"),
        ("miri", {}, "usage: tools/test_under.sh neon|asan|valgrind"),
    ],
)
def test_a_machine_without_the_tools_of_a_port_is_told(
    tmp_path: Path, what: str, tools: dict[str, str], said: str
) -> None:
    rust = 'case $1 in -vV) echo "host: x86_64-unknown-linux-gnu" ;; *) echo /nowhere ;; esac'
    path = machine(tmp_path, rustc=rust, **tools)
    command = ["/bin/sh", str(ROOT / "tools" / "test_under.sh"), what]
    done = subprocess.run(command, env={"PATH": path}, stdout=-1, stderr=-2, text=True, check=False)
    assert done.returncode == 1
    assert said in done.stdout.splitlines()[0]


@pytest.mark.skipif(shutil.which("make") is None, reason="there is no make")
@pytest.mark.parametrize("target", ["demo", "test"])
def test_make_stops_with_that_line(tmp_path: Path, target: str) -> None:
    env = {name: value for name, value in os.environ.items() if "MAKE" not in name and name != "MFLAGS"}
    command = ["make", target, f"VENV={tmp_path / 'venv'}", "PYTHON=no-such-python"]
    done = subprocess.run(command, cwd=ROOT, env=env, stdout=-1, stderr=-2, text=True, check=False)
    assert done.returncode != 0
    assert done.stdout.startswith("overproof needs Python 3.11 or newer and found no no-such-python")
    assert not (tmp_path / "venv").exists()


@pytest.mark.skipif(shutil.which("make") is None, reason="there is no make")
def test_help_lists_every_target() -> None:
    lines = (ROOT / "Makefile").read_text().splitlines()
    targets = {line.split()[1] for line in lines if line.startswith(".PHONY: ")} - {"check-tools"}
    env = {name: value for name, value in os.environ.items() if "MAKE" not in name and name != "MFLAGS"}
    printed = subprocess.run(["make"], cwd=ROOT, env=env, capture_output=True, text=True, check=True).stdout
    assert {line.split()[1] for line in printed.splitlines()} == targets
    assert {"bench", "demo", "docs", "fuzz", "help", "stubs", "test", "wheel"} <= targets

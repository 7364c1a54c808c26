"""build_info says which build answered."""

import platform
import subprocess
import sys
from pathlib import Path

import numpy as np
import overproof as op
import pytest
from overproof import _core


def test_build_info_is_complete() -> None:
    info = op.build_info()
    assert list(info) == [
        *(
            "version",
            "hash",
            "unicode",
            "kernel",
            "threads",
            "debug",
            "target",
            "rustc",
            "python",
            "platform",
            "packages",
        )
    ]
    assert info["rustc"].startswith("rustc 1.")
    assert platform.machine().lower().replace("amd64", "x86_64").replace("arm64", "aarch64") in info["target"]
    assert info["kernel"] in ("sse2", "sse4.1", "avx2", "avx512", "neon", "portable")
    assert info["python"] == platform.python_version()
    assert info["packages"]["numpy"] == np.__version__
    assert info["hash"] in op.Shingler().params.__str__()


def test_a_build_for_tests_says_so_once() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import overproof, overproof.build"], capture_output=True, text=True, check=True
    )
    assert done.stderr.count("built for tests") == int(_core.DEBUG_BUILD)


@pytest.mark.skipif(_core.DEBUG_BUILD, reason="a build for tests carries its line numbers; wheels are held to this")
def test_the_extension_stays_small() -> None:
    assert Path(_core.__file__).stat().st_size < 8_000_000

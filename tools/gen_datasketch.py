"""Write tests/golden/datasketch.json: signatures that the published packages datasketch 1.10.0 and 2.0.0 made.

    python tools/gen_datasketch.py            # install each version into a temporary folder, run it, write
    python tools/gen_datasketch.py --check    # the same, but compare with the file

Two versions cannot live in one environment, so that the tests hold us to what this tool recorded.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

TARGET = Path(__file__).resolve().parents[1] / "tests" / "golden" / "datasketch.json"
VERSIONS = {"1.10.0": ("legacy",), "2.0.0": ("affine32", "affine64", "legacy")}
HASHES = {32: ("sha1", "xxh32"), 64: ("sha1", "xxh64", "xxh3_64")}
NUM_PERM = 8
SEEDS = (0, 1, 42, 2**32 - 1)
ROWS = [
    [],
    ["a"],
    ["a", "a", "b"],
    ["the", "quick", "brown", "fox", "jumps", "over", "the", "lazy", "dog"],
    ["", " ", "\0", "é", "e\u0301", "漢字", "😀" * 20],
    [f"token {i}" for i in range(2000)],
]


def made(version: str) -> dict[str, list[list[int]]]:
    """Signatures of `ROWS` by the package that this process imports."""
    import datasketch
    import xxhash

    signatures = {}
    for scheme in VERSIONS[version]:
        for name in HASHES[64 if scheme == "affine64" else 32]:
            for seed in SEEDS:
                how: dict[str, Any] = {"num_perm": NUM_PERM, "seed": seed}
                if name != "sha1":
                    how["hashfunc"] = getattr(xxhash, f"{name}_intdigest")
                if version != "1.10.0":
                    how["scheme"] = scheme
                values = []
                for row in ROWS:
                    batch, one_by_one = datasketch.MinHash(**how), datasketch.MinHash(**how)
                    tokens = [token.encode() for token in row]
                    batch.update_batch(tokens)
                    for token in tokens:
                        one_by_one.update(token)
                    assert batch == one_by_one, f"{version}: update and update_batch differ"
                    values.append([int(value) for value in batch.hashvalues])
                signatures[f"{scheme} {name} {seed}"] = values
    return signatures


def main() -> None:
    """Run each version in a process of its own."""
    found = {}
    for version in VERSIONS:
        with tempfile.TemporaryDirectory() as folder:
            pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", folder]
            subprocess.run([*pip, f"datasketch=={version}", "xxhash"], check=True)
            run = [sys.executable, __file__, "--one", version]
            environment = os.environ | {"PYTHONPATH": folder}
            found[version] = json.loads(subprocess.run(run, env=environment, check=True, capture_output=True).stdout)
    lines = [f'"num_perm": {NUM_PERM}', f'"rows": {json.dumps(ROWS[:-1])}', f'"tokens_of_last_row": {len(ROWS[-1])}']
    for version, signatures in found.items():
        cases = ",\n".join(f"  {json.dumps(name)}: {json.dumps(values)}" for name, values in signatures.items())
        lines.append(f'"{version}": {{\n{cases}\n}}')
    text = "{\n" + ",\n".join(lines) + "\n}\n"
    if "--check" not in sys.argv:
        TARGET.write_text(text, encoding="ascii")
    elif text != TARGET.read_text(encoding="ascii"):
        raise SystemExit(f"{TARGET.name} is not what these packages make")


if __name__ == "__main__":
    if "--one" in sys.argv:
        print(json.dumps(made(sys.argv[-1])))
    else:
        main()

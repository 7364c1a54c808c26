"""Print the requirements of one extra of pyproject.toml: pip cannot install an extra without its project."""

import re
import sys
import tomllib
from pathlib import Path

PROJECT = tomllib.loads((Path(__file__).resolve().parents[1] / "pyproject.toml").read_text())["project"]


def requirements(extra: str) -> list[str]:
    """What `extra` asks for, with the extras it names itself replaced by their own requirements."""
    found = []
    for line in PROJECT["optional-dependencies"][extra]:
        inner = re.fullmatch(rf"{PROJECT['name']}\[(\w+)\]", line)
        found += requirements(inner[1]) if inner else [line]
    return found


if __name__ == "__main__":
    print(*dict.fromkeys([*PROJECT["dependencies"], *requirements(sys.argv[1])]), sep="\n")

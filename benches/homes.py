"""Environments for the packages that cannot be installed beside the others: ``python -m benches.homes``.

Each is made once, in .venv/engines; what cannot be made is said, and its engine is absent from the runs.
"""

from benches.engines import APART
from benches.runner import make_home

if __name__ == "__main__":
    for adapter, home in APART.items():
        print(f"{adapter}: {make_home(adapter, home) or 'ready'}", flush=True)

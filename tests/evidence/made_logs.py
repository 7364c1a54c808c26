"""Small logs of metadata for tests of groups and screens: no outputs, so they are cheap."""

from __future__ import annotations

from typing import Any

import numpy as np

WORDS = np.array([f"word{i}" for i in range(900)])


def sentence(rng: np.random.Generator, words: int) -> str:
    return " ".join(WORDS[rng.integers(0, len(WORDS), words)])


def metadata(
    seed: int,
    *,
    people: int = 60,
    tools: int = 3,
    users: int = 12,
    pools: tuple[int, ...] = (),
    requests: int = 8,
    linked: float = 0.7,
) -> dict[str, Any]:
    """Accounts, prompts, times and links: bare users, users of public tools, and pools with a frame of their own.

    A tenth of the people share a payment with one another (companies), half a network with many. Pools share links as
    `linked` says, ask around the clock, and split one list.
    """
    rng = np.random.default_rng(seed)
    frames = [f"{sentence(rng, 9)}\n{{}}\n{sentence(rng, 3)}" for _ in range(tools + len(pools))]
    hot = [sentence(rng, 10) for _ in range(5)]
    rows: list[tuple[str, str, float, str, str]] = []
    truth: dict[str, int] = {}
    roles: dict[str, str] = {}
    kinds = [-1] * people + [t for t in range(tools) for _ in range(users)]
    kinds += [tools + g for g, size in enumerate(pools) for _ in range(size)]
    order = rng.permutation(len(kinds))
    for number, kind in enumerate(np.array(kinds)[order].tolist()):
        account, pool = f"acct-{number:04d}", kind - tools
        payment, network = f"own-{number}", f"own-{number}"
        roles[account] = "pooled" if pool >= 0 else "tool" if kind >= 0 else "bare"
        if pool >= 0:
            truth[account] = pool
            if rng.random() < linked:
                payment = f"pool-{pool}-{rng.integers(max(1, pools[pool] // 4))}"
            if rng.random() < linked:
                network = f"pool-{pool}-{rng.integers(max(1, pools[pool] // 6))}"
        else:
            payment = f"company-{rng.integers(max(1, people // 30))}" if rng.random() < 0.1 else payment
            network = f"common-{int(12 * rng.random() ** 2)}" if rng.random() < 0.5 else network
        for _ in range(requests if pool >= 0 else int(min(200, requests / 2 / (1 - rng.random())))):
            bare = hot[rng.integers(5)] if pool < 0 and rng.random() < 0.1 else sentence(rng, 12)
            hour = rng.integers(24) if pool >= 0 else rng.integers(8, 20)
            time = 1.735e9 + 86_400 * float(rng.integers(30)) + 3600 * float(hour) + 3600 * rng.random()
            rows.append((account, bare if kind < 0 else frames[kind].format(bare), time, payment, network))
    columns = list(zip(*rows, strict=True))
    return {
        "accounts": list(columns[0]),
        "prompts": list(columns[1]),
        "times": np.array(columns[2]),
        "links": {"payment": list(columns[3]), "network": list(columns[4])},
        "truth": truth,
        "roles": roles,
    }

"""Accounts and groups: who is named in vain, what is found, and what the monitor costs; on made logs."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

import numpy as np
from overproof.evidence import account_attribution, account_groups, one_per_unit, score_drafts, served_only_here
from overproof.evidence.accounts import AccountTests
from overproof.evidence.monitor import AccountMonitor
from overproof.simulate import api_log
from overproof.simulate.log import ApiLog
from overproof.units import join_units

NULL_RUNS = 299
TAU = 5.0
"""Low on purpose: chance wins and loses a third of the events, so that the corrections have something to correct."""
KEY = bytes(range(32))
NOTHING: dict[str, Any] = {
    "suspect": 10, "leak": 0, "resold": 0, "web": 0, "repeats": 0, "people": 0, "background": 0,
}  # fmt: skip


def metadata(log: ApiLog) -> dict[str, Any]:
    """What `account_groups` takes of a made log; no text is drawn."""
    members = [log.members[a] for a in log.account.tolist()]
    return {
        "accounts": [m.id for m in members],
        "prompts": [log.prompt(row) for row in range(len(log))],
        "times": log.seconds + 1_735_689_600.0,
        "links": {"payment": [m.payment for m in members], "network": [m.network for m in members]},
    }


def adjusted_rand(truth: dict[str, Any], found: dict[str, Any], accounts: list[str]) -> float:
    """The adjusted Rand index of two groupings; an account in no group is a group of its own (Hubert, Arabie 1985)."""
    a, b = (
        np.unique([str(of.get(x, f"alone {x}")) for x in accounts], return_inverse=True)[1] for of in (truth, found)
    )

    def pairs(labels: np.ndarray) -> float:
        sizes = np.unique(labels, return_counts=True)[1].astype(float)
        return float((sizes * (sizes - 1) / 2).sum())

    both, ours, theirs, whole = pairs(a * (b.max() + 1) + b), pairs(a), pairs(b), len(a) * (len(a) - 1) / 2
    chance = ours * theirs / whole
    return 1.0 if ours == theirs == both else (both - chance) / ((ours + theirs) / 2 - chance)


def public_tools(seeds: Iterable[int], requests: int = 1500) -> dict[str, Any]:
    """Logs of public tools, harness, publishers, resellers and companies without any pooled group."""
    found, runs = [], 0
    for seed in seeds:
        log = api_log(
            seed,
            requests=requests,
            accounts=50,
            templates=4,
            template_users=20,
            groups=(1,),
            pooled_share=0.002,
            **NOTHING,
        )
        groups = account_groups(**metadata(log), null_runs=NULL_RUNS).groups
        runs += 1
        if groups:
            found.append({"seed": seed, "groups": [len(g["accounts"]) for g in groups]})
    return {"runs": runs, "requests": requests, "with_a_community": len(found), "found": found}


def structureless_log(seed: int, accounts: int = 100) -> dict[str, Any]:
    """Frames, payments and networks taken at random: a graph full of edges without a group."""
    words = np.array([f"word{i}" for i in range(900)])
    rng = np.random.default_rng(seed)
    frames = [" ".join(words[rng.integers(0, 900, 9)]) for _ in range(16)]
    rows = []
    for number in range(accounts):
        own, keys = rng.integers(len(frames), size=2), rng.integers(0, [accounts // 2, accounts // 5])
        for _ in range(int(rng.integers(3, 9))):
            prompt = f"{frames[own[rng.integers(2)]]}\n{' '.join(words[rng.integers(0, 900, 10)])}"
            rows.append((f"acct-{number}", prompt, f"pay-{keys[0]}", f"net-{keys[1]}"))
    owners, prompts, payments, networks = map(list, zip(*rows, strict=True))
    return {"accounts": owners, "prompts": prompts, "links": {"payment": payments, "network": networks}}


def structureless(seeds: Iterable[int], accounts: int = 100) -> dict[str, Any]:
    """Groups that are found in graphs without any."""
    found, runs = [], 0
    for seed in seeds:
        groups = account_groups(**structureless_log(seed, accounts), null_runs=NULL_RUNS, rng=seed).groups
        runs += 1
        if groups:
            found.append({"seed": seed, "groups": [len(g["accounts"]) for g in groups]})
    return {"runs": runs, "accounts": accounts, "with_a_community": len(found), "found": found}


def planted(seeds: Iterable[int], groups: tuple[int, ...] = (2, 5, 12, 40), requests: int = 5000) -> dict[str, Any]:
    """Planted groups and what is found: adjusted Rand index, and by size how many accounts come out together."""
    index, whole, by_size, outsiders = [], 0.0, {size: [] for size in groups}, 0
    for seed in seeds:
        log = api_log(
            seed, requests=requests, accounts=max(100, sum(groups)), groups=groups, pooled_share=0.25, **NOTHING
        )
        start = time.process_time()
        of = account_groups(**metadata(log), null_runs=NULL_RUNS).of
        whole += time.process_time() - start
        truth = {account: name for name, members in log.truth["groups"].items() for account in members}
        index.append(adjusted_rand(truth, of, sorted(log.truth["accounts"])))
        outsiders += sum(account not in truth for account in of)
        for size, members in zip(groups, log.truth["groups"].values(), strict=True):
            joined = [of[m] for m in members if m in of]
            by_size[size].append(max(map(joined.count, joined), default=0) / size)
    return {
        "runs": len(index),
        "requests": requests,
        "groups": list(groups),
        "adjusted_rand": {"mean": float(np.mean(index)), "least": float(np.min(index))},
        "share_of_members_found": {str(size): float(np.mean(values)) for size, values in by_size.items()},
        "outsiders_in_groups": outsiders,
        "cpu_seconds_a_run": whole / len(index),
    }


def one_case(seed: int, leak: tuple[int, ...], k: int = 4) -> dict[str, AccountTests | Any]:
    """One log, its suspect, and the tests of accounts and groups at L2."""
    log = api_log(
        seed, requests=1400, accounts=30, heavy=2, templates=2, template_users=8, harness=1, publishers=3, resellers=1,
        groups=(2, 4, 8), pooled_share=0.4, suspect=2 * sum(leak) + 160, leak=leak, resold=8, web=40, repeats=10,
        people=0, background=30, texts="short",
    )  # fmt: skip
    known = metadata(log)
    account = np.array(known["accounts"])
    bare = {prompt: row for row, prompt in enumerate(log.prompts)}
    wanted = {bare[row["prompt"]] for row in log.suspect if row["prompt"] in bare}
    # Redraws for all records whose prompt the suspect holds, one a unit, by key.
    unit = join_units(len(log), [log.asked, log.conversation])
    chosen = np.isin(log.asked, list(wanted)) & (log.cut == 1)
    rows = np.flatnonzero(chosen)
    rows = rows[one_per_unit(unit[rows].tolist(), [log.request_id(i) for i in rows.tolist()], key=KEY)]
    served = log.texts()
    redraws: list[list[str | None]] = [[] for _ in rows]
    for row in log.redraw(rows, k, seed=seed):
        redraws[int(np.searchsorted(rows, int(row["request_id"].split("-")[1])))].append(row["text"])
    drafts = [[served[row], *of] for row, of in zip(rows.tolist(), redraws, strict=True)]
    scores = score_drafts(
        [d[0] for d in drafts], redraws, [row["text"] for row in log.suspect],
        prompts=[known["prompts"][row] for row in rows.tolist()],
    )  # fmt: skip
    groups = account_groups(**known, null_runs=NULL_RUNS).of
    out: dict[str, Any] = {"log": log, "units": len(rows), "groups": groups}
    for level, name in (("accounts", account), ("groups", np.array([groups.get(a, a) for a in account]))):
        here = served_only_here(drafts, name[rows].tolist(), served, name.tolist(), own_rows=rows)
        for method in ("holm", "bh"):
            out[f"{level} {method}"] = account_attribution(
                scores, name[rows].tolist(), tau=TAU, only_here=here, method=method, alpha=0.05
            )
    return out


def attribution(
    seeds: Iterable[int], leaks: tuple[tuple[int, ...], ...] = ((0, 15, 60), (5, 30, 120))
) -> dict[str, Any]:
    """Who is named at L2: family-wise errors, false discoveries, recall by what leaked, and the roles of the named."""
    counts: dict[str, dict[str, Any]] = {}
    seen: dict[str, dict[str, int]] = {}
    recall: dict[str, list[float]] = {}
    runs = 0
    for seed in seeds:
        leak = leaks[seed % len(leaks)]
        made = one_case(seed, leak)
        log, groups = made["log"], made["groups"]
        runs += 1
        roles = log.truth["accounts"]
        # What the suspect holds of an account, it holds: leaked, resold and published texts alike.
        held: dict[str, int] = {}
        for row in log.truth["suspect"].values():
            if account := row.get("account"):
                held[account] = held.get(account, 0) + 1
        for test in ("accounts holm", "accounts bh", "groups holm", "groups bh"):
            found = made[test]
            named = [a for a, v in zip(found.accounts, found.verdicts, strict=True) if v == "named"]
            members = {g: [a for a, of in groups.items() if of == g] for g in set(groups.values())}
            wrong = [n for n in named if not any(held.get(a) for a in members.get(n, [n]))]
            one = counts.setdefault(test, {"runs_with_a_false_name": 0, "false_share": 0.0, "named": 0, "false": 0})
            one["runs_with_a_false_name"] += bool(wrong)
            one["false_share"] += len(wrong) / max(1, len(named))
            one["named"] += len(named)
            one["false"] += len(wrong)
            for name in named:
                for role in {roles[a] for a in members.get(name, [name])}:
                    seen.setdefault(test, {}).setdefault(role, 0)
                    seen[test][role] += 1
            assert all("the route is not shown" in found.assumption for _ in named)
        named = {
            a for a, v in zip(made["groups holm"].accounts, made["groups holm"].verdicts, strict=True) if v == "named"
        }
        for leaked, members_ in zip(leak, log.truth["groups"].values(), strict=True):
            if leaked:
                of = [groups.get(m, m) in named for m in members_]
                recall.setdefault(f"{leaked} leaked by {len(members_)} accounts", []).append(float(np.mean(of)))
    for one in counts.values():
        one["family_wise_error"] = one.pop("runs_with_a_false_name") / runs
        one["false_discovery_rate"] = one.pop("false_share") / runs
    return {
        "runs": runs,
        "tau": TAU,
        "k": 4,
        "alpha": 0.05,
        "tests": counts,
        "roles_of_the_named": seen,
        "recall_groups_holm": {key: float(np.mean(values)) for key, values in sorted(recall.items())},
    }


def stressed(seeds: Iterable[int], accounts: int = 40, units: int = 12, k: int = 4) -> dict[str, Any]:
    """Made scores in which every unit is an event: innocents have all the chances to be named in vain that there are.

    Half of the accounts are in groups of four; three accounts and one group leaked most of their units. Scores within a
    unit share a heavy-tailed level, as prompts that any model answers alike do.
    """
    wrong, share, runs = dict.fromkeys(("holm", "bh"), 0), dict.fromkeys(("holm", "bh"), 0.0), 0
    found_of, events = 0, 0
    for seed in seeds:
        rng = np.random.default_rng(seed)
        owner = np.repeat(np.arange(accounts), units)
        scores = 6 + rng.pareto(1.5, (len(owner), 1)) * 5 + rng.exponential(5, (len(owner), k + 1))
        leaked = np.isin(owner, [0, 1, 2, 20, 21, 22, 23]) & (rng.random(len(owner)) < 0.7)
        scores[leaked, 0] = scores[leaked].max(axis=1) + 20
        # What others were served too counts for no draft, whichever it is.
        here = rng.random(scores.shape) < 0.9
        name = np.where(owner < 20, owner, 1000 + owner // 4)
        true = {0, 1, 2, 1005}
        runs += 1
        for method in ("holm", "bh"):
            found = account_attribution(scores, name.tolist(), tau=TAU, only_here=here, method=method, alpha=0.05)
            named = {a for a, v in zip(found.accounts, found.verdicts, strict=True) if v == "named"}
            wrong[method] += bool(named - true)
            share[method] += len(named - true) / max(1, len(named))
            if method == "holm":
                found_of, events = found_of + len(named & true), events + int(found.events.sum())
    return {
        "runs": runs,
        "events_a_run": events / runs,
        "family_wise_error": wrong["holm"] / runs,
        "false_discovery_rate": share["bh"] / runs,
        "recall": found_of / (4 * runs),
    }


def speed(accounts: int = 1_000_000, requests: int = 2_000_000, batch: int = 50_000) -> dict[str, Any]:
    """The monitor at a million accounts: CPU a request, bytes an account, the screen."""
    rng = np.random.default_rng(0)
    words = np.array([f"word{i}" for i in range(5000)])
    pool = [" ".join(row) for row in words[rng.integers(0, 5000, (20_000, 40))]]
    weights = np.cumsum(1 / (1 - rng.random(accounts) * 0.995))
    monitor, spent, cpu, done = AccountMonitor(), 0.0, 0.0, 0
    for at in range(0, requests, batch):
        fresh = np.arange(at, at + batch)
        owner = fresh if at + batch <= accounts else np.searchsorted(weights / weights[-1], rng.random(batch))
        names = [f"acct-{i:07d}" for i in owner.tolist()]
        prompts = [
            f"{pool[i]} {j}" for i, j in zip(rng.integers(0, 20_000, batch).tolist(), fresh.tolist(), strict=True)
        ]
        conversations = [f"conv-{i}" for i in rng.integers(0, requests // 2, batch).tolist()]
        models = [f"model-{i}" for i in rng.integers(0, 3, batch).tolist()]
        times = 1.735e9 + rng.random(batch) * 30 * 86_400
        wall, start = time.perf_counter(), time.process_time()
        monitor.update(names, prompts, times=times, conversations=conversations, models=models)
        spent, cpu, done = spent + time.perf_counter() - wall, cpu + time.process_time() - start, done + batch
    wall, start = time.perf_counter(), time.process_time()
    known = len(monitor)
    spent, cpu = spent + time.perf_counter() - wall, cpu + time.process_time() - start
    start = time.process_time()
    screen = monitor.screen()
    return {
        "accounts": known,
        "requests": done,
        "batch": batch,
        "requests_per_cpu_second": done / cpu,
        "requests_per_second": done / spent,
        "microseconds_cpu_a_request": cpu / done * 1e6,
        "bytes_per_account": monitor.nbytes / known,
        "megabytes": monitor.nbytes / 1e6,
        "screen_cpu_seconds": time.process_time() - start,
        "to_review": len(screen.review),
    }


def large(
    requests: int = 1_000_000,
    accounts: int = 95_000,
    templates: int = 100,
    groups: tuple[int, ...] = (2, 5, 10, 20, 50, 100, 300, 1000, 2000),
) -> dict[str, Any]:
    """Groups of 2 to 2,000 accounts in a log of a million requests."""
    log = api_log(
        1, requests=requests, accounts=accounts, templates=templates, groups=groups, pooled_share=0.1, **NOTHING
    )
    known = metadata(log)
    wall, start = time.perf_counter(), time.process_time()
    found = account_groups(**known, null_runs=NULL_RUNS)
    seconds = time.perf_counter() - wall, time.process_time() - start
    truth = {account: name for name, members in log.truth["groups"].items() for account in members}
    return {
        "requests": requests,
        "accounts": len(log.truth["accounts"]),
        "groups": list(groups),
        "found": [len(group["accounts"]) for group in found.groups],
        "adjusted_rand": adjusted_rand(truth, found.of, sorted(log.truth["accounts"])),
        "outsiders_in_groups": sum(account not in truth for account in found.of),
        "seconds": seconds[0],
        "cpu_seconds": seconds[1],
    }


def measure(seeds: int = 200) -> dict[str, Any]:
    """All of it."""
    parts = {
        "structureless": lambda: structureless(range(seeds)),
        "public_tools": lambda: public_tools(range(1000, 1000 + seeds)),
        "planted": lambda: planted(range(2000, 2000 + max(2, seeds // 8))),
        "stressed": lambda: stressed(range(2 * seeds)),
        "attribution": lambda: attribution(range(3000, 3000 + seeds)),
        "speed": speed,
        "large": large,
    }
    out: dict[str, Any] = {}
    for name, part in parts.items():
        start = time.process_time()
        out[name] = part()
        print(f"{name}: {time.process_time() - start:.0f} s of CPU", flush=True)
    return out


def markdown(record: dict[str, Any]) -> str:
    """The tables that docs/evidence/accounts.md quotes."""
    lines = ["| mark | asked | measured |", "| --- | --- | --- |"]

    def row(mark: str, asked: str, measured: str) -> None:
        lines.append(f"| {mark} | {asked} | {measured} |")

    for name, what in (("structureless", "graphs without structure"), ("public_tools", "logs of public tools")):
        one = record[name]
        row(f"runs with a community at .01, {what}", "none beyond .01", f"{one['with_a_community']} of {one['runs']}")
    one = record["planted"]
    rand = one["adjusted_rand"]
    row("adjusted Rand index, planted groups", ">= .9", f"{rand['mean']:.3f} (least {rand['least']:.3f})")
    row("outsiders in the groups found", "", f"{one['outsiders_in_groups']} in {one['runs']} runs")
    for size, share in one["share_of_members_found"].items():
        row(f"members found together, groups of {size}", "", f"{share:.3f}")
    one = record["stressed"]
    row(f"every unit an event, Holm, {one['runs']} runs", "family-wise error <= .05", f"{one['family_wise_error']:.3f}")
    row(
        f"every unit an event, BH, {one['runs']} runs",
        "false discovery rate <= .05",
        f"{one['false_discovery_rate']:.3f}",
    )
    one = record["attribution"]
    for test, of in one["tests"].items():
        asked = "family-wise error <= .05" if "holm" in test else "false discovery rate <= .05"
        value = of["family_wise_error"] if "holm" in test else of["false_discovery_rate"]
        row(f"L2, {test}, {one['runs']} runs", asked, f"{value:.3f} ({of['false']} of {of['named']} names)")
    for what, share in one["recall_groups_holm"].items():
        row(f"named, groups, Holm: {what}", "", f"{share:.2f}")
    one = record["speed"]
    row("monitor, requests a second of CPU", ">= 50,000", f"{one['requests_per_cpu_second']:,.0f}")
    row(f"monitor, bytes an account at {one['accounts']:,} accounts", "", f"{one['bytes_per_account']:.0f}")
    one = record["large"]
    row(f"{one['requests']:,} requests, adjusted Rand index", ">= .9", f"{one['adjusted_rand']:.3f}")
    row(f"{one['requests']:,} requests, seconds of CPU", "about 60", f"{one['cpu_seconds']:.0f}")
    return "\n".join(lines)

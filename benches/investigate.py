"""An investigation of a large log, from its file to a saved case: ``python -m benches.investigate``.

A made provider answers `requests` requests; a group takes some answers into a suspect. Every record whose
prompt stands in the suspect is drawn again nine times. Seconds of wall clock and of CPU by stage, the memory of the
process, and what was found stand in benches/record/<machine>/<date>-investigate.json. Linux only.
"""

from __future__ import annotations

import argparse
import json
import re
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import overproof as op
from overproof import simulate
from overproof._core import DEBUG_BUILD
from overproof.evidence import Plan, account_groups, investigate, plan_sample, plan_seal, read_log, read_redraws
from overproof.evidence.log import LINKS, seconds

from benches import machine

RECORD = Path(__file__).parent / "record"
KEY = bytes(range(32))
FIELDS = (
    *("request_id", "account", "time", "conversation", "model", "prompt", "temperature", "max_tokens", "params_hash"),
    *("finish_reason", "cache_hit", "cache_key", "template", "payment", "network", "text"),
)


def main() -> None:
    """Make, investigate, print, record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=1_000_000)
    parser.add_argument("--suspect", type=int, default=10_000)
    parser.add_argument("--leak", type=int, default=100)
    parser.add_argument("--draws", type=int, default=9)
    parser.add_argument("--no-record", action="store_true", help="print only")
    options = parser.parse_args()
    if DEBUG_BUILD and not options.no_record:
        raise SystemExit("this is a debug build of overproof, whose times mean nothing: run `make build` first")
    with tempfile.TemporaryDirectory() as folder:
        found = measured(Path(folder), options.requests, options.suspect, options.leak, options.draws)
    for name, (wall, cpu) in found["seconds"].items():
        print(f"{name:<60} {wall:8.1f} s {cpu:8.1f} s CPU")
    print(json.dumps({name: value for name, value in found.items() if name != "seconds"}, indent=1))
    if not options.no_record:
        record = {"what": "investigate, from a log's file to a case", "machine": machine.describe(), **found}
        record["date"] = datetime.now(UTC).isoformat(timespec="seconds")
        path = RECORD / record["machine"]["slug"]
        path.mkdir(parents=True, exist_ok=True)
        path /= f"{record['date'][:10]}-investigate.json"
        path.write_text(json.dumps(record, indent=1) + "\n")
        print(f"written: {path.relative_to(RECORD.parents[1])}")


def measured(folder: Path, requests: int, suspect: int, leak: int, draws: int) -> dict[str, Any]:
    """Seconds by stage, peak memory, and what was found."""
    times: dict[str, tuple[float, float]] = {}
    now: list[Any] = ["", 0.0, 0.0]

    def stage(name: str, done: int = 0, total: int = 0) -> None:
        if now[0]:
            times[now[0]] = (round(time.perf_counter() - now[1], 2), round(time.process_time() - now[2], 2))
        now[:] = [name, time.perf_counter(), time.process_time()]

    rest = {"web": min(500, suspect // 10), "repeats": min(100, suspect // 20), "people": 500, "background": 400}
    made = simulate.api_log(
        7, requests=requests, accounts=max(50, requests // 100), groups=(12,), pooled_share=0.05, suspect=suspect,
        leak=leak, resold=0, texts="short", **rest,
    )  # fmt: skip
    paths = made.write(folder, fields=FIELDS)
    stage("reading the log")
    log = read_log(paths["served"])
    stage("reading the other corpora")
    people, web = op.read_corpus(paths["people"]), op.read_corpus(paths["background"])
    suspects = {"rival": op.read_corpus(paths["suspect"])}
    stage("groups of accounts")
    assert log.accounts is not None
    links = {name: log.extra[name].to_list() for name in LINKS}
    accounts = log.accounts.to_list()
    found = account_groups(accounts, log.prompts or [], times=seconds(log), links=links, rng=0)
    groups = {str(one["id"]): one for one in found.groups}
    stage("plan and sample")
    plan = Plan.new(suspects, key=KEY, score="coverage", published=made.published, created="2025-02-01T00:00:00Z")
    plan = plan_sample(
        plan, log, suspects, folder / "ask.jsonl", key=KEY, select_by="prompt", draws=draws, beacon="1", groups=groups
    )
    stage("the endpoint answers (not ours)")
    simulate.answer_batch(folder / "ask.jsonl", folder / "drawn.jsonl", snapshots=made.samplers)
    stage("seal")
    plan = plan_seal(plan, log, folder / "drawn.jsonl", folder / "redraws.jsonl")
    case = investigate(
        plan, log, read_redraws(folder / "redraws.jsonl"), suspects, key=KEY, controls={"people": people},
        background=web, groups=groups, progress=lambda name, done, total: stage(f"investigate: {name}"),
    )  # fmt: skip
    stage("saving the case")
    case.save(folder / "case")
    stage("")
    peak = re.search(r"(?m)^VmHWM:\s*(\d+) kB$", Path("/proc/self/status").read_text())
    line_up = case.result["tests"][0]
    return {
        "requests": len(log),
        "accounts": len(made.members),
        "log_bytes": paths["served"].stat().st_size,
        "suspect_texts": suspect,
        "leaked": leak,
        "records_redrawn": (plan.selection or {})["records"],
        "redraws": (plan.redraws or {})["rows"],
        "rung": case.result["rungs"][0]["rung"],
        "wins": line_up["wins"],
        "events": line_up["n"],
        "pvalue": line_up["pvalue"],
        "g_star": line_up["g_star"],
        "groups_named": sum(one["verdict"] == "named" for one in case.result["groups"]),
        "accounts_named": sum(one["verdict"] == "named" for one in case.result["accounts"]),
        "process_peak_bytes": int(peak[1]) * 1024 if peak else None,
        "seconds": times,
    }


if __name__ == "__main__":
    main()

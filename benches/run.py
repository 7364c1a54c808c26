"""All engines on the same input in one run, task after task: ``make bench``, or ``python -m benches.run [TASK ...]``.

Checks each answer, times, records to benches/record/<machine>/<date>-<task>.json, prints a table.
"""

from __future__ import annotations

import argparse
import json
import os
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from overproof._core import DEBUG_BUILD

from benches import corpora, machine, tasks
from benches.runner import Found, RemoteError, Times, find, ratio, rounded
from benches.tasks import Case, Task

RECORD = Path(__file__).parent / "record"
MOST = {"lsh": 20_000, "hamming": 100_000}
"""Units of an input where they are not 4,000."""
TASKS = (*tasks.NAMES, "stages")
CORPORA = ("made", *corpora.SETS)


def asked(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The options; what is unknown, or not on this machine, is told with what there is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tasks", nargs="*", type=_task, help=f"{', '.join(TASKS)}; all unless given")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--most", type=int, help="at most this many texts or values of an input")
    parser.add_argument(
        "--corpus", action="append", type=_corpus, default=[], help=f"{', '.join(CORPORA)}; all that fit unless given"
    )
    parser.add_argument("--no-record", action="store_true", help="print only")
    return parser.parse_args(arguments)


def _task(name: str) -> str:
    # Not by `choices`, which refuse that no task at all is named.
    if name not in TASKS:
        raise argparse.ArgumentTypeError(f"{name!r} is no task: give {', '.join(TASKS)}")
    return name


def _corpus(name: str) -> str:
    if name not in CORPORA:
        raise argparse.ArgumentTypeError(f"{name!r} is no corpus: give {', '.join(CORPORA)}")
    if name not in corpora.available():
        raise argparse.ArgumentTypeError(
            f"{name} needs the folder of real texts, which {corpora.SHARED} is not: name it by OVERPROOF_SHARED_DATA, "
            f"or give {', '.join(corpora.available())}"
        )
    return name


def main() -> None:
    """Run, record, print."""
    options = asked()
    if DEBUG_BUILD and not options.no_record:
        raise SystemExit("this is a debug build of overproof, whose times mean nothing: run `make build` first")
    for name in options.tasks or TASKS:
        if name == "stages":
            from benches import stages

            made = stages.run(options.rounds)
            print(stages.table(made), flush=True)
        else:
            task = tasks.task(name)
            made = run(task, options.rounds, options.most or MOST.get(name, 4000), options.corpus)
            for case in made["cases"]:
                print(table(task, case), flush=True)
            if made["absent"]:
                print(f"\n{absence(made['absent'])}", flush=True)
        if not options.no_record:
            print(f"\nwritten: {write(name, made)}")


def write(name: str, made: dict[str, Any]) -> Path:
    """A record; numbers of one list share a line."""
    folder = RECORD / made["machine"]["slug"]
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{made['date'][:10]}-{name}.json"
    lists = re.compile(r"\[[-+\d.eE,\s]+\]")
    path.write_text(lists.sub(lambda numbers: " ".join(numbers[0].split()), json.dumps(made, indent=1)) + "\n")
    return path.relative_to(RECORD.parents[1])


def about(what: str) -> dict[str, Any]:
    """What a record begins with."""
    return {
        "what": what,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine.describe(),
        "load_before": os.getloadavg(),
    }


def run(task: Task, rounds: int, most: int, names: list[str]) -> dict[str, Any]:
    """Everything about one task."""
    absent: dict[str, str] = {}
    made = about(task.what)
    engines = list(find(task.name, absent))
    made |= {
        "unit": task.unit,
        "yardstick": task.yardstick,
        "absent": absent,
        "versions": {e.facts["package"]: e.facts["version"] for e in engines},
        "cases": [of_case(task, case, engines, rounds) for case in task.cases(most, names)],
        "load_after": os.getloadavg(),
    }
    for engine in engines:
        engine.worker.stop()
    return made


def of_case(task: Task, case: Case, engines: list[Found], rounds: int) -> dict[str, Any]:
    """Everything about one input: memory, then the answer, then time."""
    inputs = {"all": case.given, "half": case.half} | {f"probe{i}": probe for i, probe in enumerate(case.probes)}
    probes = [name for name in inputs if name.startswith("probe")]
    results, times = [], dict[str, dict[str, Times]]()
    for engine in engines:
        call = engine.worker
        own = task.name, engine.name
        call("give", inputs)
        try:
            first = call("first", *own, "all")
            measured = task.check(case.truth, call("answers", *own, probes))
        except RemoteError as error:
            results.append({"engine": engine.name, "failed": str(error)})
            continue
        if engine.facts["package"] == "overproof" and not measured["right"]:
            raise SystemExit(f"{case.name}: {engine.name} is wrong, so nothing is timed: {measured}")
        results.append(
            {
                "engine": engine.name,
                **engine.facts,
                "quality": measured,
                "memory": first["memory"],
                "first_pass_cpu_s": first["cpu_s"],
            }
        )
        timed = [("all", False), ("half", False)] + [("half", True)] * engine.facts["alone"]
        times[engine.name] = {
            "alone" if alone else name: Times(partial(call, "time", *own, name, alone)) for name, alone in timed
        }
    for _ in range(rounds):
        for calls in times.values():
            for one in calls.values():
                one.round()
    for result in results:
        if (calls := times.get(result["engine"])) is not None:
            try:
                result.update(speed(task, case, calls, times.get(task.yardstick)))
            except ValueError as error:
                raise SystemExit(f"{case.name}, {result['engine']}: {error}; nothing is recorded") from None
    return {
        "case": case.name,
        task.unit: case.items,
        "bytes": case.size,
        **case.facts,
        "yardsticks": machine.yardsticks(corpora.made()),
        "engines": results,
    }


def speed(task: Task, case: Case, calls: dict[str, Times], yardstick: dict[str, Times] | None) -> dict[str, Any]:
    """Rates and ratios of one engine; ValueError where time does not grow as it should."""
    low, high = task.growth
    growth = min(calls["all"].cpu) / min(calls["half"].cpu)
    if not low <= growth <= high:
        raise ValueError(f"twice the input took {growth:.2f} times as long")
    made: dict[str, Any] = {"per_s": case.items / calls["all"].median, "growth": growth}
    if case.size:
        made["mb_per_s"] = case.size / 1e6 / calls["all"].median
    if "alone" in calls:
        made["alone_per_s"] = case.items / 2 / calls["alone"].median
    if yardstick is not None:
        made["times_yardstick"] = rounded(ratio(yardstick["all"], calls["all"]))
    return made | {name: one.to_dict() for name, one in calls.items()}


def absence(absent: dict[str, str]) -> str:
    """One line: which adapters did not run, and why; those of one reason together."""
    by_reason: dict[str, list[str]] = {}
    for adapter, reason in absent.items():
        by_reason.setdefault(reason, []).append(adapter)
    return "absent: " + "; ".join(f"{', '.join(names)} ({reason})" for reason, names in by_reason.items())


def table(task: Task, case: dict[str, Any]) -> str:
    """Markdown."""
    head = ["engine", "version", f"{task.unit}/s", "MB/s", f"x {task.yardstick}", f"second stage alone, {task.unit}/s"]
    head += [*(name.replace("_", " ") for name in task.shown), "right", "memory, MB"]
    lines = [
        f"\n### {task.name}: {case['case']}, {case[task.unit]:,} {task.unit}, {case['bytes'] / 1e6:.1f} MB\n",
        f"| {' | '.join(head)} |",
        f"| --- | --- |{' ---: |' * (len(head) - 2)}",
    ]
    done = [e for e in case["engines"] if "failed" not in e]
    for e in sorted(done, key=lambda e: -e["per_s"]):
        cells = [
            e["engine"] + ("" if e["same"] else " (other work)"),
            e["version"],
            f"{e['per_s']:,.0f}",
            f"{e['mb_per_s']:,.1f}" if "mb_per_s" in e else "-",
            f"{e['times_yardstick'][1]:.2f}" if "times_yardstick" in e else "-",
            f"{e['alone_per_s']:,.0f}" if "alone_per_s" in e else "-",
            *(form.format(e["quality"][name]) for name, form in task.shown.items()),
            "yes" if e["quality"]["right"] else "no",
            f"{e['memory']['added'] / 1e6:,.0f} of {e['memory']['peak'] / 1e6:,.0f}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    lines += [f"\n{e['engine']} failed: {e['failed']}" for e in case["engines"] if "failed" in e]
    lines += [f"\n{', '.join(f'{k} {v:.2f}' for k, v in case['yardsticks'].items())}"]
    return "\n".join(lines)


if __name__ == "__main__":
    main()

"""``overproof screen`` and ``overproof accounts``: accounts of a log by itself, and accounts of a case."""

from __future__ import annotations

import csv
import json
import math
import os
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import FormatError, InputError
from ..evidence.result import several
from ..report.show import one_line
from .commands import overproof
from .options import SHARE, check_inputs, check_outputs, key_kept, read_key
from .progress import told, watched

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..corpus import Corpus
    from ..evidence.screen import Screen

RUNGS = ("L0", "L1", "L2")
FIELDS = ("text", "prompt", "account", "time", "conversation")
CASE_COLUMNS = (
    *("pseudonym", "group", "rung", "verdict", "requests", "units", "events", "wins", "hits", "leak_rate", "pvalue"),
    *("adjusted", "least_pvalue", "testable", "first", "last", "sentence", "decision"),
)


@overproof.command(short_help="Find accounts of a log that stand out, for review.")
@click.argument("log_path", metavar="LOG")
@click.option("--benign", metavar="PATH", help="Requests of accounts taken as benign, such as the last quarter's log.")
@click.option("--rate", type=SHARE, default=0.01, show_default=True, help="Of benign accounts a threshold may hit.")
@click.option("--least", type=click.IntRange(1), default=20, show_default=True, help="Requests that an account needs.")
@click.option("--decisions", metavar="CSV", help="A review file with decisions: confirmed, cleared, blocked.")
@click.option("--watch", metavar="FILE", help="A watch list of keyed templates; needs --watch-key.")
@click.option("--watch-key", metavar="FILE", help="The key of the watch list: 16 to 64 bytes.")
@click.option("--text-field", metavar="FIELD", help="Field that holds the text; guessed when not given.")
@click.option("--prompt-field", metavar="FIELD", help="Field that holds the prompt; guessed when not given.")
@click.option("--account-field", metavar="FIELD", help="Field that names the account; guessed when not given.")
@click.option("--time-field", metavar="FIELD", help="Field that holds the time; guessed when not given.")
@click.option("--conversation-field", metavar="FIELD", help="Field that names the conversation; guessed as well.")
@click.option("--out", metavar="CSV", help="Write the accounts to review, with a column for decisions.")
@click.option("--json", "json_file", metavar="FILE", help="Write thresholds and accounts as one JSON file.")
@click.option("--stix", metavar="FILE", help="Write a STIX 2.1 bundle with pseudonyms.")
@click.option(
    "--key",
    "key_file",
    metavar="FILE",
    help="The key of the pseudonyms, made if missing; that of a plan gives the names of its case.  "
    "[default: beside --stix, ending .key]",
)
@click.option("--threads", type=click.IntRange(1), metavar="N", help="All cores when not given; never changes a value.")
@click.option("-q", "--quiet", is_flag=True, help="Print nothing but errors.")
def screen(log_path: str, **chosen: Any) -> int:
    """Find accounts of LOG that are unlike benign ones in what they ask and when. For review, never a verdict.

    LOG and --benign are files of one request a row, or folders of such files, with account and prompt, and where known
    time, conversation and model. Decisions are read back: cleared accounts count as benign next time, confirmed and
    blocked ones are left out of the calibration.
    """
    from ..evidence.account_features import FEATURES
    from ..evidence.export import write_csv, write_json, write_stix
    from ..evidence.screen import read_decisions, screen_accounts
    from ..evidence.watch import WatchList

    inputs = [p for p in (log_path, chosen["benign"], chosen["decisions"], chosen["watch"], chosen["watch_key"]) if p]
    outputs = {"--out": chosen["out"], "--json": chosen["json_file"], "--stix": chosen["stix"]}
    if bool(chosen["watch"]) != bool(chosen["watch_key"]):
        raise click.UsageError("--watch and --watch-key go together")
    check_outputs(outputs, inputs)
    check_inputs(inputs)
    watch = None
    if chosen["watch"]:
        watch = WatchList.load(chosen["watch"], read_key(chosen["watch_key"], "--watch-key"))
    decisions = read_decisions(chosen["decisions"]) if chosen["decisions"] else {}
    _keep_decisions("--out", chosen["out"], decisions, "give it as --decisions, and another file as --out")
    with told(quiet=chosen["quiet"]), watched(quiet=chosen["quiet"]) as bars:

        def read(path: str) -> Corpus:
            from ..evidence.log import read_log

            fields = {f"{name}_field": chosen[f"{name}_field"] for name in FIELDS}
            return read_log(path, progress=bars.read(path), threads=chosen["threads"], **fields)

        log = read(log_path)
        found = screen_accounts(
            log,
            benign=read(chosen["benign"]) if chosen["benign"] else None,
            rate=chosen["rate"],
            decisions=decisions,
            least_requests=chosen["least"],
        )
    returned: dict[str, str] = {}
    if watch is not None:
        assert log.accounts is not None
        assert log.prompts is not None
        for hit in watch.find(log.accounts.to_list(), log.prompts):
            returned[hit["account"]] = f"{hit['case']}/{hit['group']}"
    rows = found.review
    known = {row["account"] for row in rows}
    rows += [{"account": a, "flags": [], "decision": decisions.get(a, "")} for a in sorted(returned) if a not in known]
    for row in rows:
        row["watch"] = returned.get(row["account"], "")
    if chosen["out"]:
        write_csv(rows, chosen["out"], columns=("account", "flags", "watch", *FEATURES, "decision"))
    if chosen["json_file"]:
        write_json({"schema": "overproof-screen-1", **found.to_dict(), "watch": returned}, chosen["json_file"])
    new_key = None
    if chosen["stix"]:
        key_file = chosen["key_file"] or f"{chosen['stix']}.key"
        new_key = None if os.path.exists(key_file) else key_file
        with key_kept(key_file, "--key") as key:
            write_stix(_bundle(rows, key, "screen"), chosen["stix"])
    if not chosen["quiet"]:
        _print_screen(found, rows, returned)
        for path in filter(None, (*outputs.values(), new_key)):
            print(f"Wrote {one_line(path)}")
    return 0


@overproof.command(short_help="List the accounts of a case.")
@click.argument("case_path", metavar="CASE")
@click.option("--rung", type=click.Choice(RUNGS), help="Only accounts and groups for which at least this was shown.")
@click.option("--suspect", metavar="NAME", help="Which suspect of the case; the first when not given.")
@click.option("--csv", "csv_file", metavar="FILE", help="Write the accounts, with a column for decisions.")
@click.option("--json", "json_file", metavar="FILE", help="Write accounts and groups as one JSON file.")
@click.option("--stix", metavar="FILE", help="Write a STIX 2.1 bundle; a case holds pseudonyms already.")
@click.option("-q", "--quiet", is_flag=True, help="Print nothing but errors.")
def accounts(case_path: str, **chosen: Any) -> int:
    """List the accounts and groups of CASE, a folder that `overproof investigate` wrote, with what was shown of each.

    "Not testable" is not "cleared"; a named account was served, and by this log alone, what the suspect holds: the
    route is not shown.
    """
    from ..evidence.export import stix_bundle, write_csv, write_json, write_stix

    folder = Path(case_path)
    file = folder / "case.json" if folder.is_dir() else folder
    outputs = {"--csv": chosen["csv_file"], "--json": chosen["json_file"], "--stix": chosen["stix"]}
    if not file.exists():
        raise InputError(
            f"{case_path}: there is no case.json in it; give the folder that `overproof investigate` wrote"
        )
    check_outputs(outputs, [str(file)])
    _keep_decisions("--csv", chosen["csv_file"], {}, "give another file")
    try:
        case = json.loads(file.read_text(encoding="utf-8"))
        first = case["rungs"][0]["suspect"] if case.get("rungs") else chosen["suspect"]
        blocks = {first: case} | {one["name"]: one for one in case.get("others") or []}
        if chosen["suspect"] is not None and chosen["suspect"] not in blocks:
            raise InputError(f"--suspect: {chosen['suspect']!r} is none of this case's: {', '.join(map(str, blocks))}")
        block = blocks[chosen["suspect"] or first]
        rows, groups = list(block["accounts"]), list(block.get("groups") or [])
        names, groups = [str(row["pseudonym"]) for row in rows], [{**g, "group": str(g["group"])} for g in groups]
    except (KeyError, TypeError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise FormatError(f"{file} is no case with accounts: {error!r}") from error
    if chosen["rung"]:
        least = RUNGS.index(chosen["rung"])
        groups = [g for g in groups if _rung(g) >= least]
        inside = {member for group in groups for member in group.get("members") or []}
        rows = [r for r, name in zip(rows, names, strict=True) if _rung(r) >= least or name in inside]
    if chosen["csv_file"]:
        write_csv(rows, chosen["csv_file"], columns=CASE_COLUMNS)
    if chosen["json_file"]:
        write_json({"schema": "overproof-accounts-1", "accounts": rows, "groups": groups}, chosen["json_file"])
    if chosen["stix"]:
        kept = {str(row["pseudonym"]) for row in rows}
        named = [
            {**{k: v for k, v in g.items() if k != "group"}, "id": g["group"], "members": _of(g, kept)} for g in groups
        ]
        bundle = stix_bundle(rows, [g for g in named if g["members"]], name=str(case.get("plan", {}).get("hash", file)))
        write_stix(bundle, chosen["stix"])
    if not chosen["quiet"]:
        at = f" at {chosen['rung']}" if chosen["rung"] else ""
        print(f"{several(len(rows), 'account')}, {several(len(groups), 'group')}{at}")
        if len(blocks) > 1:
            others = (str(name) for name in blocks if name != (chosen["suspect"] or first))
            print(f"  for {one_line(str(chosen['suspect'] or first))}; --suspect for {one_line(', '.join(others))}")
        inside = {member for g in groups if _rung(g) >= 0 for member in g.get("members") or []}
        shown = [r for r in rows if _rung(r) >= 0 or str(r["pseudonym"]) in inside]
        for one in (*groups, *shown):
            print(f"  {one_line(str(one.get('pseudonym') or one['group']))}: {one_line(_told(one))}")
        if left := len(rows) - len(shown):
            # Most accounts of a log are such, and their sentences alike.
            verdicts = Counter(map(_verdict, rows)) - Counter(map(_verdict, shown))
            said = ", ".join(f"{n:,} {one_line(verdict)}" for verdict, n in verdicts.most_common())
            print(f"  {several(left, 'account')} without a rung ({said}): --csv and --json list them")
        for path in filter(None, outputs.values()):
            print(f"Wrote {one_line(path)}")
    return 0


def _keep_decisions(option: str, path: str | None, known: Mapping[str, str], instead: str) -> None:
    """Refuse to write over a review file with decisions that are not among those `known`: a person made them."""
    if path is None or not os.path.isfile(path):
        return
    with open(path, newline="", encoding="utf-8-sig", errors="replace") as file:
        head = file.readline()
        file.seek(0)
        # A spreadsheet may have saved it with its own separator.
        rows = csv.DictReader(file, delimiter=max(",;\t", key=head.count))
        try:
            decided = [(row.get("account"), said) for row in rows if (said := (row.get("decision") or "").strip())]
        except csv.Error:
            return  # no table, so no review file
    if lost := sum(known.get(str(account)) != said.lower() for account, said in decided):
        raise InputError(f"{option}: {path} holds {several(lost, 'decision')} that would be lost: {instead}")


def _of(group: dict[str, Any], kept: set[str]) -> list[str]:
    """The members of a group that are listed."""
    return [member for member in group.get("members") or [] if member in kept]


def _rung(row: dict[str, Any]) -> int:
    return RUNGS.index(row["rung"]) if row.get("rung") in RUNGS else -1


def _verdict(row: dict[str, Any]) -> str:
    return str(row.get("verdict") or "no test")


def _told(row: dict[str, Any]) -> str:
    said = row.get("sentence") or _verdict(row)
    return f"{row.get('rung') or 'no rung'}, {said}"


def _bundle(rows: list[dict[str, Any]], key: bytes, name: str) -> Any:
    """Accounts under pseudonyms by a key that stays here."""
    from ..evidence.export import stix_bundle
    from ..evidence.people import pseudonyms

    nick = pseudonyms([row["account"] for row in rows], key=key)
    hidden = [{"pseudonym": nick[row["account"]], **row} for row in rows]
    for made in hidden:
        del made["account"]
    return stix_bundle(hidden, name=name)


def _print_screen(found: Screen, rows: list[dict[str, Any]], returned: dict[str, str]) -> None:
    """Thresholds with the benign accounts that they hit, then the accounts."""
    print(
        f"{several(len(found.accounts), 'account')} screened, "
        f"thresholds from {found.benign:,} ({found.calibrated_on}), each may hit {found.rate:.2%} of them"
    )
    for reason, many in found.skipped.items():
        print(f"  not screened, {reason}: {many:,}")
    for limit in found.thresholds:
        few = "too few benign accounts" if limit["benign"] else "known of no benign account"
        value = f"none: {few}" if limit["threshold"] is None else f"above {limit['threshold']:.4g}"
        print(f"  {limit['name']:<14} {value:<32} hits {limit['benign_hits']:,} of {limit['benign']:,} benign")
    if short := [limit["benign"] for limit in found.thresholds if limit["threshold"] is None and limit["benign"]]:
        print(f"  {_too_few(found.rate, min(short))}")
    print(f"  any of them hits {found.benign_hits:,} of {found.benign:,} benign accounts")
    print(f"{several(len(rows), 'account')} to review, {len(returned):,} of them by the watch list")
    for row in rows[:20]:
        why = ", ".join([*row["flags"], *([f"watch list {row['watch']}"] if row["watch"] else [])])
        print(f"  {one_line(row['account'])}: {why}" + (f" (decided: {row['decision']})" if row["decision"] else ""))
    if len(rows) > 20:
        print(f"  and {len(rows) - 20:,} more")
    print(found.note)


def _too_few(rate: float, known: int) -> str:
    """How many benign accounts a threshold at this rate needs, and what to do where it is known of fewer."""
    needed = math.ceil(1 / rate - 1 - 1e-9)
    ways = ["--benign with more", "a lower --least"]
    if known >= 9:  # above a tenth a threshold says little
        ways.insert(1, f"--rate {math.ceil(100 / (known + 1))}%")
    said = f"a threshold at {rate:.2%} needs {needed:,} benign accounts of which the feature is known"
    return f"{said}: try {', '.join(ways[:-1])} or {ways[-1]}"

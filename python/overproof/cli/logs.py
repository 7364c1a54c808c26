"""``overproof check-log`` and ``overproof commit``: what a log can prove, and one hash that fixes it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from .._files import atomic_path
from ..report.show import count, one_line, percent
from .commands import ERRORS, overproof
from .options import check_inputs, check_outputs, key_kept
from .progress import told, watched

if TYPE_CHECKING:
    from ..corpus import Corpus
    from ..evidence import LogCheck
    from .progress import Bars

__all__ = ["check_log", "commit"]

Command = TypeVar("Command", bound=Callable[..., Any])
OWN = ("text", "prompt", "id", "account", "time", "conversation")
CLAIMS = {
    "L0": "texts are similar to served ones",
    "L1": "a corpus holds texts that were served",
    "L2": "they were served only to these accounts",
}
"""What each rung lets one say."""


def log_fields(command: Command) -> Command:
    """Add ``--account-field`` and the like, and what else a log is read by."""
    for name in reversed(OWN):
        purpose = f"Field that holds the {name}; guessed when not given."
        command = click.option(f"--{name}-field", metavar="FIELD", help=purpose)(command)
    more = "Field of a setting, such as model=request.model; may be given several times."
    command = click.option("--field", "settings", multiple=True, metavar="NAME=FIELD", help=more)(command)
    errors = click.Choice(["raise", "skip", "replace"])
    command = click.option("--errors", type=errors, default="raise", show_default=True, help=ERRORS)(command)
    threads = "All cores when not given; never changes a value."
    command = click.option("--threads", type=click.IntRange(1), metavar="N", help=threads)(command)
    return click.option("-q", "--quiet", is_flag=True, help="Print nothing but errors.")(command)


@overproof.command("check-log", short_help="Tell which claims a log can support, and what is missing.")
@click.argument("log", metavar="LOG")
@click.option("--json", "json_file", metavar="FILE", help="Write the result as one JSON file.")
@log_fields
def check_log(log: str, **chosen: Any) -> int:
    """Tell which rung of the claims ladder LOG can reach, which fields are missing for the next, and which rows
    cannot take part.

    LOG is a file of one request a row (.jsonl, also packed as .gz or .zst; .parquet), or a folder of such files.
    docs/logging.md says what each field is for.
    """
    from ..evidence import check_log as check

    outputs = {"--json": chosen["json_file"]}
    check_outputs(outputs, [log])
    with told(quiet=chosen["quiet"]), watched(quiet=chosen["quiet"]) as bars:
        found = check(_read(log, chosen, bars))
    _write(chosen["json_file"], found.to_dict())
    if not chosen["quiet"]:
        print(_table(found), end="")
        _wrote(outputs)
    return 0


@overproof.command(short_help="Fix a day's log by one hash that tells nothing about it.")
@click.argument("log", metavar="LOG")
@click.option(
    "--key-file", required=True, metavar="FILE", help="16 to 64 secret bytes, made if missing; keep them with the log."
)
@click.option(
    "--out", required=True, metavar="FILE", help="Write root, size and digests here, such as day.commit.json."
)
@click.option(
    "--prove", "proved", multiple=True, metavar="REQUEST", help="Open this request; may be given several times."
)
@click.option("--timestamp-token", metavar="FILE", help="An RFC 3161 token over the root, to be carried along.")
@log_fields
def commit(log: str, **chosen: Any) -> int:
    """Write a Merkle root over the keyed hashes of all requests of LOG.

    Publish the root on the day, or have it stamped: `openssl ts -query -sha256 -digest ROOT` makes the query. With
    the same key and fields the same root comes out again, now with --timestamp-token or with --prove REQUEST, which
    opens one request with its proof and no other.
    """
    from ..evidence.commitment import commit_log, timestamp
    from ..evidence.result import several

    token_file = chosen["timestamp_token"]
    outputs = {"--out": chosen["out"]}
    check_outputs(outputs, [log, chosen["key_file"], *([token_file] if token_file else [])])
    check_inputs([log, *([token_file] if token_file else [])])
    # What is stamped or proved was committed to by a key that exists: a new one would give another root.
    first = token_file is None and not chosen["proved"]
    made_key = first and not os.path.exists(chosen["key_file"])
    with key_kept(chosen["key_file"], "--key-file", make=first) as key:
        with told(quiet=chosen["quiet"]), watched(quiet=chosen["quiet"]) as bars:
            day = commit_log(_read(log, chosen, bars), key=key)
        made = day.to_dict() | {"created": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")}
        if token_file is not None:
            made["timestamp"] = timestamp(Path(token_file).read_bytes(), day.tree.root)
        if chosen["proved"]:
            made["proofs"] = {request: day.prove(request, key=key) for request in chosen["proved"]}
        _write(chosen["out"], made)
    if not chosen["quiet"]:
        print(f"Root {made['root']} over {several(made['size'], 'request')}, key {made['key_id']}.")
        if token_file is not None:
            print(f"Stamped {made['timestamp']['time']}; the signature is for openssl ts -verify to check.")
        _wrote(({"--key-file": chosen["key_file"]} if made_key else {}) | outputs)
    return 0


def _read(path: str, chosen: dict[str, Any], bars: Bars) -> Corpus:
    from ..evidence import read_log

    check_inputs([path])
    fields = {name: field for name in OWN if (field := chosen[f"{name}_field"])}
    for one in chosen["settings"]:
        name, equals, field = one.partition("=")
        if not equals or not name or not field:
            raise click.BadParameter(f"{one!r} must be NAME=FIELD", param_hint="--field")
        fields[name] = field
    options = {key: chosen[key] for key in ("errors", "threads")}
    return read_log(path, fields=fields, progress=bars.read(path), **options)


def _write(path: str | None, what: dict[str, Any]) -> None:
    if path is not None:
        with atomic_path(path) as part:
            part.write_text(json.dumps(what, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _wrote(outputs: dict[str, str | None]) -> None:
    for path in filter(None, outputs.values()):
        print(f"Wrote {one_line(path)}")


def _table(found: LogCheck) -> str:
    from ..report.console import Sheet, of_stdout

    sheet = Sheet(**of_stdout())
    rung = found.rung
    said = f"This log can reach {rung}: {CLAIMS[rung]}." if rung else "This log holds no text: it can prove nothing."
    sheet.print(said, style="bold")
    rungs = sheet.table("rung", "claim", "missing", "rows with all", title="The claims ladder", words_in=3)
    for one in found.rungs:
        rungs.add_row(one["rung"], CLAIMS[one["rung"]], ", ".join(one["missing"]) or "-", count(one["rows"]))
    sheet.print(rungs)
    fields = sheet.table("field", "rows that have it", title=f"Fields of {count(found.rows)} rows")
    for name, share in found.fields.items():
        if share:
            fields.add_row(name, percent(share))
    sheet.print(fields)
    if found.problems:
        problems = sheet.table("rows that cannot take part, or only in part", "rows", title="Problems")
        for reason, rows in found.problems.items():
            problems.add_row(reason, count(rows))
        sheet.print(problems)
    _notes(sheet, found.notes)
    return sheet.text()


def _notes(sheet: Any, notes: Sequence[str]) -> None:
    for note in notes:
        sheet.print(f"{note[0].upper()}{note[1:]}.")

"""The commands that search: investigate, and verify."""

from __future__ import annotations

import json
import os
import shlex
import sys
from pathlib import Path
from typing import Any

import click

from ..errors import InputError
from .commands import overproof
from .options import check_inputs, named_paths, of_side
from .plans import (
    fields,
    groups_of,
    key_of,
    key_options,
    ledger_of,
    read_groups,
    read_served,
    read_suspects,
    redraws_of,
)
from .progress import told, watched

__all__ = ["investigate", "verify"]

CONTROL = "Texts that cannot hold served text: innocents for the self-test. May be given several times."


@overproof.command(short_help="Test a suspect by a sealed plan, and write the case.")
@click.argument("path", metavar="PLAN")
@click.option("--served", required=True, metavar="LOG", help="The log that the plan was sampled from.")
@click.option("--control", "controls", multiple=True, metavar="[NAME=]PATH", help=CONTROL)
@click.option("--background", metavar="PATH", help="Texts that predate suspect and leak, such as public web text.")
@click.option(
    "--groups", metavar="FILE", help="Groups of accounts, as the plan fixed them.  [default: beside the plan]"
)
@click.option("--commit", "commits", multiple=True, metavar="FILE", help="What `overproof commit` wrote for a day.")
@click.option("--case", "folder", required=True, metavar="DIR", help="Where the case goes: a new folder.")
@click.option("--threads", type=click.IntRange(1), metavar="N", help="All cores when not given; never changes a value.")
@click.option("-q", "--quiet", is_flag=True, help="Print nothing but errors.")
@fields("control-text", "background-text")
@key_options
def investigate(path: str, served: str, folder: str, quiet: bool, **chosen: Any) -> None:
    """Test the suspects of PLAN on its records and their redraws, and write a case: tables, report, manifest.

    The suspect is searched only now. Nothing is stated beyond the rung of the claims ladder that the tests reach.
    """
    from ..evidence.canonical import digest
    from ..evidence.drawing import read_redraws, row_hash
    from ..evidence.investigate import investigate as run
    from ..evidence.plan import Plan, corpus_digest
    from ..io import read_corpus

    plan = Plan.open(path)
    if plan.log is None or plan.redraws is None:
        raise InputError(f"{path}: the plan is not sealed, so nothing may be searched: run `overproof plan seal` first")
    ledger = ledger_of(path, chosen["ledger"])
    if ledger.sealed(plan.name)[-1:] != [plan.hash]:
        raise InputError(
            f"{path}: the plan is not the one that the ledger {ledger.path} saw sealed: it was changed after "
            "sealing, or another ledger is needed (--ledger)"
        )
    controls, background = named_paths(chosen["controls"]), chosen["background"]
    check_inputs([served, *controls.values(), *([background] if background else [])])
    if (Path(folder) / "case.json").exists():
        raise InputError(f"--case: {folder} holds a case already: name another folder")
    with told(quiet=quiet), watched(quiet=quiet) as bars:
        threads = chosen["threads"]
        how = {name: value for name, value in plan.log["read"].items() if name != "path"}
        log = read_served(served, how, threads=threads)
        redraws = read_redraws(redraws_of(path))
        texts = redraws.texts.to_list()
        named = zip(
            redraws.ids.to_list() if redraws.ids is not None else [],
            redraws.extra["draft"].to_list(),
            texts,
            strict=True,
        )
        opened = [row_hash(request or "", int(draft or 0), text or "") for request, draft, text in named]
        if spent := ledger.spent(opened, plan=plan.name):
            raise InputError(f"{path}: {spent:,} of the redraws were opened by another investigation: they are spent")
        field = chosen.get("control_text_field")
        with of_side("control"):
            read = {
                name: read_corpus(at, name=name, threads=threads, text_field=field) for name, at in controls.items()
            }
        web = None
        if background:
            with of_side("background"):
                web = read_corpus(background, threads=threads, text_field=chosen.get("background_text_field"))
        corpora = digest(
            {
                "controls": sorted(corpus_digest(one) for one in read.values()),
                "background": None if web is None else corpus_digest(web),
            }
        )
        if any(before != corpora for before in ledger.investigated(plan.name)):
            raise InputError(
                f"{path}: the plan was investigated before with other controls or another background: what suits could "
                "be chosen by its result; give the same ones, or make another plan"
            )
        case = run(
            plan,
            log,
            redraws,
            read_suspects(plan, threads=threads),
            key=key_of(path, chosen["key_file"]),
            controls=read,
            background=web,
            groups=read_groups(chosen["groups"] or (groups_of(path) if plan.groups else None)),
            plans={one["name"]: ledger.plans_against(one["digest"]) for one in plan.suspects},
            ledger_head=ledger.head,
            commitments=[_commitment(one) for one in chosen["commits"]],
            command=shlex.join(["overproof", *map(os.fspath, sys.argv[1:])]),
            threads=threads,
            progress=bars.comparing,
        )
    # Before anything can be read: whoever knows the result has spent the redraws.
    if plan.name not in {one["plan"] for one in ledger.entries() if one["what"] == "investigate"}:
        ledger.add("investigate", plan=plan.name, hash=plan.hash, redraws=opened, corpora=corpora)
    case.save(folder, plan=Path(path).read_bytes())
    if not quiet:
        from ..report.case_terminal import render
        from ..report.console import of_stdout

        print(render(case.result, **of_stdout()), end="")
        print(f"Wrote {folder}")


def _commitment(path: str) -> dict[str, Any]:
    check_inputs([path])
    try:
        made: dict[str, Any] = json.loads(Path(path).read_bytes())
        made["root"], made["size"]
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: is no commitment, as `overproof commit` writes it: {error!r}") from None
    return made


@overproof.command(short_help="Compute a case's statistics again from its tables.")
@click.argument("folder", metavar="CASE")
def verify(folder: str) -> int:
    """Compute tests, rungs and accounts of CASE again from its table of events: needs neither log nor suspect.

    What only the texts or the log show is taken as CASE states it, and named at the end.

    Exit codes: 0 all the same, 1 a difference.
    """
    from ..case import UNSEEN, Case
    from ..evidence.result import several

    case = Case.open(folder)
    found = case.verify()
    for one in found:
        print(one)
    tests, rows = several(len(case.result["tests"]), "test"), several(len(case.columns["events"]["scores"]), "row")
    people = several(len(case.result["accounts"]), "account")
    print(
        f"{tests}, the rungs, the summary, and what is said of {people} computed again from {rows}: "
        f"{several(len(found), 'difference')}."
    )
    print(f"Taken as stated, since only the texts or the log show it: {', '.join(UNSEEN)}.")
    return 1 if found else 0

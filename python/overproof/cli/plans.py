"""The plan's commands: new, size, sample, seal, show."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from .._files import atomic_path
from ..errors import InputError
from ..report.show import one_line
from .commands import overproof
from .options import SHARE, check_inputs, check_outputs, key_kept, named_paths, read_key

if TYPE_CHECKING:
    from ..corpus import Corpus
    from ..evidence.ledger import Ledger
    from ..evidence.plan import Plan

__all__ = ["plan"]

Command = TypeVar("Command", bound=Callable[..., Any])
FIELDS = ("text", "prompt", "id")
LOG_FIELDS = ("text", "prompt", "id", "account", "time", "conversation")


@overproof.group(short_help="Fix what is tested, and on which records, before the suspect is searched.")
def plan() -> None:
    """Fix what is tested, and on which records, before the suspect is searched.

    In order: new, size, sample, (draw the answers on your own endpoint), seal; then `overproof investigate`.
    """


def key_options(command: Command) -> Command:
    """``--key-file`` and ``--ledger``, whose defaults stand beside the plan."""
    options = (
        ("--key-file", "The secret key, 16 to 64 bytes.  [default: beside the plan, ending .key]"),
        ("--ledger", "All plans and draws.  [default: overproof-ledger.jsonl beside the plan]"),
    )
    for name, purpose in reversed(options):
        command = click.option(name, metavar="FILE", help=purpose)(command)
    return command


def fields(*names: str) -> Callable[[Command], Command]:
    """``--text-field`` and the like."""

    def add(command: Command) -> Command:
        for name in reversed(names):
            side, _, kind = name.rpartition("-")
            of = f" of --{side} files" if side else ""
            purpose = f"Field{of} that holds the {kind}; guessed when not given."
            command = click.option(f"--{name}-field", metavar="FIELD", help=purpose)(command)
        return command

    return add


def key_of(path: str, given: str | None) -> bytes:
    """The plan's key."""
    file = given or _key_beside(path)
    if not os.path.exists(file):
        raise InputError(f"{file}: the key of the plan is missing: name it with --key-file")
    return read_key(file, "--key-file")


def ledger_of(path: str, given: str | None) -> Ledger:
    """The ledger beside a plan, or another."""
    from ..evidence.ledger import Ledger

    return Ledger(Path(given) if given else Path(path).parent / "overproof-ledger.jsonl")


def read_suspects(plan: Plan, *, threads: int | None = None) -> dict[str, Corpus]:
    """The suspects of a plan, from the files that it names."""
    from ..io import read_corpus

    out = {}
    for one in plan.suspects:
        read = dict(one["read"])
        if "path" not in read:
            raise InputError(
                f"the plan does not say where the suspect {one['name']!r} is: it was not made by a command"
            )
        check_inputs([read["path"]])
        out[one["name"]] = read_corpus(read.pop("path"), name=one["name"], threads=threads, **read)
    return out


def read_served(path: str, how: dict[str, Any], *, threads: int | None = None) -> Corpus:
    """The log with all fields that it has."""
    from ..evidence.log import read_log

    check_inputs([path])
    return read_log(path, threads=threads, **how)


def groups_of(path: str) -> str:
    """Where the groups of a plan are."""
    return f"{_stem(path)}.groups.json"


def found_groups(plan: Plan, log: Corpus) -> dict[str, Any] | None:
    """Groups in the log's metadata, by a seed that the plan fixes; None where there are no accounts or prompts."""
    from ..evidence.groups import account_groups
    from ..evidence.log import LINKS, seconds

    if log.accounts is None or log.prompts is None:
        return None
    found = account_groups(
        log.accounts.to_list(),
        log.prompts,
        times=None if log.times is None else seconds(log),
        links={name: log.extra[name].to_list() for name in LINKS if name in log.extra} or None,
        rng=int(plan.name[:8], 16),
    )
    return {str(one["id"]): {**one, "id": str(one["id"])} for one in found.groups}


def _write_groups(path: str, groups: dict[str, Any]) -> None:
    rows = [{**one, "id": name, "accounts": sorted(one["accounts"])} for name, one in sorted(groups.items())]
    with atomic_path(path) as part:
        part.write_text(json.dumps({"groups": rows}, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def read_groups(path: str | None) -> dict[str, Any] | None:
    """Groups of accounts: ``{"groups": [{"id", "accounts", ...}]}``."""
    if path is None:
        return None
    check_inputs([path])
    try:
        made = json.loads(Path(path).read_bytes())
        named = {str(one["id"]): {**one, "accounts": list(map(str, one["accounts"]))} for one in made["groups"]}
        if len(named) < len(made["groups"]):
            raise ValueError("two groups have one id")
        return named
    except (ValueError, KeyError, TypeError) as error:
        form = '{"groups": [{"id": ..., "accounts": [...]}]}'
        raise InputError(f"{path}: is no file of groups, {form}: {error!r}") from None


def chosen_fields(chosen: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    """The fields that were named."""
    return {f"{name}_field": chosen[f"{name}_field"] for name in names if chosen.get(f"{name}_field")}


@plan.command(short_help="Make a plan.")
@click.option(
    "--suspect", "suspects", multiple=True, required=True, metavar="[NAME=]PATH", help="The corpus in question."
)
@click.option("--out", required=True, metavar="FILE", help="The plan's file.")
@click.option("--published", metavar="TIME", help="When the suspect was published: ISO 8601 with a zone.")
@click.option("--fetched", metavar="TIME", help="When you first had the suspect; later draws cannot be of grade B.")
@click.option("--created", metavar="TIME", help="When the plan was made; now when not given.")
@click.option("--tau", type=float, default=20, show_default=True, help="Least score of an event.")
@click.option(
    "--score", type=click.Choice(["run", "ngrams", "coverage"]), default="run", show_default=True, help="Which score."
)
@click.option("-n", "width", type=click.IntRange(1, 255), default=5, show_default=True, help="Words in an n-gram.")
@click.option("--alpha", type=float, default=0.001, show_default=True, help="Level of the corpus tests.")
@click.option("--strata", metavar="FIELD", help="A field of the log: the line-up is made within its values as well.")
@click.option("--lam", type=float, default=0.5, show_default=True, help="Stake of the e-process.")
@fields(*FIELDS)
@key_options
def new(suspects: tuple[str, ...], out: str, **chosen: Any) -> None:
    """Make a plan: suspects, score, least score of an event, level.

    The key is made too, once; keep it secret, and keep it.
    """
    from ..evidence.plan import Plan, zoned

    named = named_paths(suspects, "--suspect")
    check_inputs(list(named.values()))
    key_file, ledger = chosen["key_file"] or _key_beside(out), ledger_of(out, chosen["ledger"])
    beside = {"--key-file": key_file, "--ledger": str(ledger.path)}
    new_ones = {option: file for option, file in beside.items() if not os.path.exists(file)}
    # One that is there is read or added to, for which its folder need not be writable.
    check_outputs({"--out": out, **new_ones}, [*named.values(), *(set(beside.values()) - set(new_ones.values()))])
    if Path(out).exists():
        raise InputError(f"--out: {out} is there already: a plan is not changed; choose another name")
    read = {name: {"path": path, **chosen_fields(chosen, FIELDS)} for name, path in named.items()}
    from ..io import read_corpus

    corpora = {
        name: read_corpus(how["path"], name=name, **{k: v for k, v in how.items() if k != "path"})
        for name, how in read.items()
    }
    with key_kept(key_file, "--key-file") as key:
        made = Plan.new(
            corpora,
            key=key,
            tau=chosen["tau"],
            score=chosen["score"],
            n=chosen["width"],
            alpha=chosen["alpha"],
            lam=chosen["lam"],
            published=chosen["published"],
            fetched=chosen["fetched"],
            strata=chosen["strata"],
            created=zoned(chosen["created"], "--created"),
            read=read,
        )
        with atomic_path(out) as part:  # a ledger that cannot be written leaves no plan
            made.save(part)
            digests = [one["digest"] for one in made.suspects]
            ledger.add("new", plan=made.name, hash=made.hash, suspects=digests)
    _show(made)
    _wrote(out)
    if "--key-file" in new_ones:
        print(f"Wrote {one_line(key_file)}, the secret key: keep it, and show it to nobody")
    _added(ledger)


@plan.command(short_help="How many prompts, how often, for which power.")
@click.argument("path", metavar="PLAN")
@click.option("--leaked", required=True, metavar="N[,N...]", help="Units of the log that the suspect may hold.")
@click.option("--units", metavar="N", help="Units in the log; a sampled plan knows them better.")
@click.option("--draws", default="1,4,9,19", show_default=True, metavar="K[,K...]", help="Redraws of each record.")
@click.option("--power", type=SHARE, default=0.9, show_default=True, help="Chance of reaching the level.")
@click.option("--noise", type=float, default=0.0, show_default=True, help="Innocent events for each leaked one.")
@click.option("--recall", type=SHARE, default=0.95, show_default=True, help="Share of leaked texts that reach tau.")
@click.option(
    "--bias", type=float, default=1.0, show_default=True, help="Bias G at which the level must hold; L1 asks 3."
)
def size(path: str, leaked: str, units: str | None, draws: str, **chosen: Any) -> None:
    """How many records must be drawn again, were they chosen at random, for a line-up of the plan's level."""
    from ..evidence.plan import Plan
    from ..evidence.power import plan_size

    made = Plan.open(path)
    in_log = (made.log or {}).get("rows")
    if units is not None:
        if "," in units:
            raise click.BadParameter(f"{units!r}: give one number, such as 1e6", param_hint="--units")
        in_log = int(_numbers(units, "--units", int)[0])
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, header_style="", title_justify="left")
    for name in ("leaked", "K", "leaked among drawn", "share of units", "records", "redraws"):
        table.add_column(name, justify="right")
    for amount in _numbers(leaked, "--leaked", float):
        for one in plan_size(
            amount,
            draws=[int(k) for k in _numbers(draws, "--draws", int)],
            units=in_log,
            alpha=made.alpha,
            power=chosen["power"],
            noise=chosen["noise"],
            recall=chosen["recall"],
            g=chosen["bias"],
        ):
            out_of_reach = one.share > 1
            table.add_row(
                f"{amount:,.0f}",
                str(one.draws),
                f"{one.leaked_units:.1f}",
                "out of reach" if out_of_reach else f"{one.share:.3%}",
                "-" if one.units is None or out_of_reach else f"{one.units:,}",
                "-" if one.redraws is None or out_of_reach else f"{one.redraws:,}",
            )
    Console(width=80, highlight=False).print(table)
    if in_log is None:
        print("Records and redraws depend on the units in the log: give --units.")
    print(
        "Records whose prompt stands in the suspect (--select prompt) hold more leaks than random ones: fewer will do."
    )


@plan.command(short_help="Choose the records and write the requests.")
@click.argument("path", metavar="PLAN")
@click.argument("log", metavar="LOG")
@click.option("--select", "rule", default="prf", show_default=True, help="prf, prompt or all; never by what matched.")
@click.option("--rate", type=SHARE, default=1.0, show_default=True, help="Share of the units.")
@click.option("--draws", type=click.IntRange(1), default=9, show_default=True, help="Redraws of each record (K).")
@click.option("--beacon", metavar="VALUE", help="A public random value of today, which with the plan fixes the seeds.")
@click.option("--groups", metavar="FILE", help="Groups of accounts of your own; found in LOG when not given.")
@click.option("--no-groups", is_flag=True, help="Look for no groups of accounts.")
@click.option("--out", required=True, metavar="FILE", help="The requests, for your own batch endpoint; none is sent.")
@fields(*LOG_FIELDS)
@key_options
def sample(path: str, log: str, rule: str, out: str, **chosen: Any) -> None:
    """Choose the records of LOG to draw again, one a unit, and write the requests.

    The requests are JSON lines in the batch form of the OpenAI API, which `vllm run-batch` takes too.
    """
    from ..evidence.drawing import plan_sample
    from ..evidence.plan import Plan
    from ..evidence.result import several

    made = Plan.open(path)
    check_outputs({"--out": out}, [path, log])
    how = chosen_fields(chosen, LOG_FIELDS)
    served = read_served(log, how)
    groups = read_groups(chosen["groups"])
    if groups is None and not chosen["no_groups"]:
        groups = found_groups(made, served)
    ledger = ledger_of(path, chosen["ledger"])
    before = ledger.sampled(made.name)
    with atomic_path(out) as requests:  # a choice that is refused leaves the requests of the first one
        made = plan_sample(
            made,
            served,
            read_suspects(made),
            requests,
            key=key_of(path, chosen["key_file"]),
            select_by=rule,
            rate=chosen["rate"],
            draws=chosen["draws"],
            beacon=chosen["beacon"],
            groups=groups,
            read={"path": log, **how},
        )
        if before and before != [made.hash]:
            raise InputError(
                f"{path}: the ledger {ledger.path} saw this plan sampled in another way (records, redraws, beacon, "
                "groups): a second choice could be the one that suits; make another plan"
            )
    made.save(path)
    if groups is not None:
        _write_groups(groups_of(path), groups)
    records, draws = made.selection["records"], made.selection["draws"]  # type: ignore[index]
    if not before:
        ledger.add("sample", plan=made.name, hash=made.hash, records=records, draws=draws)
    _show(made)
    if rule == "prompt" and not chosen["beacon"]:
        print(
            "Without --beacon these redraws will be of grade C, and give no p-value, unless a neutral party draws them."
        )
    _wrote(path, *([] if groups is None else [groups_of(path)]))
    if not before:
        _added(ledger)
    asked = several(records * draws, "request")
    print(f"Wrote {asked} to {one_line(out)}: send them to your own endpoint, then `overproof plan seal`")


@plan.command(short_help="Fix the redraws.")
@click.argument("path", metavar="PLAN")
@click.argument("drawn", metavar="DRAWN")
@click.option("--leave-out", is_flag=True, help="Leave out units of which a draft is missing.")
@click.option("--neutral", metavar="NAME", help="The neutral party that drew them.")
@click.option("--timestamp-token", metavar="FILE", help="A third party's timestamp (RFC 3161) of DRAWN's SHA-256.")
@click.option("--committed", metavar="FILE", help="What `overproof commit DRAWN` wrote when the outputs were served.")
@click.option("--committed-key", metavar="FILE", help="The key of that commitment.")
@key_options
def seal(path: str, drawn: str, **chosen: Any) -> None:
    """Read what was drawn, refuse what was not asked for, and fix it: from here on nothing changes."""
    from ..evidence.drawing import plan_seal
    from ..evidence.plan import Plan

    made = Plan.open(path)
    if (chosen["committed"] is None) != (chosen["committed_key"] is None):
        raise click.UsageError("--committed and --committed-key go together")
    check_inputs([one for name in ("timestamp_token", "committed", "committed_key") if (one := chosen[name])])
    ledger = ledger_of(path, chosen["ledger"])
    if made.log is None:
        raise InputError(f"{path}: the plan has chosen no record yet: run `overproof plan sample` first")
    if made.state == "sampled" and ledger.sampled(made.name) != [made.hash]:
        raise InputError(
            f"{path}: the plan is not the one that the ledger {ledger.path} saw sampled: it was changed after its "
            "records were chosen, or another ledger is needed (--ledger)"
        )
    how = dict(made.log["read"])
    token = chosen["timestamp_token"]
    made = plan_seal(
        made,
        read_served(how.pop("path"), how),
        drawn,
        redraws_of(path),
        ledger=ledger,
        leave_out=chosen["leave_out"],
        neutral=chosen["neutral"],
        timestamp=None if token is None else Path(token).read_bytes(),
        committed=_committed(drawn, chosen["committed"], chosen["committed_key"]),
    )
    made.save(path)
    ledger.add("seal", plan=made.name, hash=made.hash, suspects=[one["digest"] for one in made.suspects])
    _show(made)
    _wrote(path, redraws_of(path))
    _added(ledger)


@plan.command(short_help="Print a plan.")
@click.argument("path", metavar="PLAN")
@click.option("--json", "as_json", is_flag=True, help="As canonical JSON.")
def show(path: str, as_json: bool) -> None:
    """Print a plan."""
    from ..evidence.canonical import canonical
    from ..evidence.plan import Plan

    made = Plan.open(path)
    if as_json:
        print(canonical(made.to_dict()).decode())
    else:
        _show(made)


def _committed(drawn: str, commitment: str | None, key: str | None) -> str | None:
    """When DRAWN was committed to, as its commitment shows."""
    from ..evidence.drawing import committed_at
    from ..evidence.log import read_log

    if commitment is None or key is None:
        return None
    secret = read_key(key, "--committed-key")
    try:
        made = json.loads(Path(commitment).read_bytes())
        return committed_at(read_log(drawn), made, key=secret)
    except (ValueError, AttributeError) as error:
        raise InputError(f"{commitment}: shows no commitment to {drawn}: {error}") from None


def redraws_of(path: str) -> str:
    """Where the sealed redraws of a plan are."""
    return f"{_stem(path)}.redraws.jsonl"


def _key_beside(path: str) -> str:
    return f"{_stem(path)}.key"


def _stem(path: str) -> str:
    return os.fspath(path).removesuffix(".json")


def _numbers(given: str, option: str, kind: type) -> list[float]:
    try:
        made = [float(one) for one in given.split(",")]
        if not made or any(not 0 < one < math.inf or (kind is int and one != int(one)) for one in made):
            raise ValueError
    except ValueError:
        raise click.BadParameter(
            f"{given!r}: give {'whole ' if kind is int else ''}numbers above 0; commas part several", param_hint=option
        ) from None
    return made


def _wrote(*paths: str) -> None:
    for path in paths:
        print(f"Wrote {one_line(path)}")


def _added(ledger: Ledger) -> None:
    print(f"Added a line to {one_line(ledger.path)}")


def _show(made: Plan) -> None:
    from ..evidence.result import several

    said = [
        ("state", made.state),
        ("suspects", ", ".join(f"{one['name']} ({several(one['rows'], 'text')})" for one in made.suspects)),
    ]
    said.append(("published", made.published or "not stated: there will be no time placebo"))
    said.append(("event", f"{made.score} of at least {made.tau:g} (n = {made.n}), alpha {made.alpha:g}"))
    if made.selection:
        chosen = made.selection
        said.append(
            ("records", f"{chosen['records']:,} by {chosen['rule']}, {several(chosen['draws'], 'redraw')} each")
        )
        said.append(("groups", "none fixed" if made.groups is None else f"{made.groups['groups']:,} fixed"))
    if made.redraws:
        said.append(("redraws", f"{made.redraws['rows']:,}, {several(made.redraws['left_out'], 'unit')} left out"))
        said.append(("grade", f"{made.grade}: {made.why_grade}"))
    said.append(("hash", made.hash))
    for name, value in said:
        print(f"{name:<10} {value}")

"""The commands. Each reads its options, calls the library, and prints what a person asked for."""

from __future__ import annotations

import inspect
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..compare import compare as _compare
from ..errors import InputError
from ..report.show import count, one_line, percent
from .options import (
    SHARE,
    Sections,
    check_inputs,
    check_outputs,
    check_parquet,
    field_options,
    fields_of,
    named_paths,
    naming,
    of_side,
)
from .progress import told, watched

if TYPE_CHECKING:
    from ..comparison import Comparison

__all__ = ["overproof"]

TOO_MUCH = 3
RULE = inspect.signature(_compare).parameters
CONTROL = "Texts that cannot hold served text. May be given several times; NAME is what the report calls it."
WORDS = "Words in an n-gram.  [default: 5]"
NGRAMS = f"Least number of n-grams in a match.  [default: {RULE['min_ngrams'].default}]"
CONTAINMENT = (
    f"Least share of the suspect text's n-grams in one served text.  [default: {RULE['min_containment'].default}]"
)
EMBEDDED = (
    f"Least number of n-grams where a served text stands in a longer one.  [default: {RULE['min_embedded'].default}]"
)
ERRORS = "Of rows that cannot be used: stop, leave them out and count them, or put U+FFFD for bytes that are not UTF-8."


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="overproof", message="overproof %(version)s")
def overproof() -> None:
    """Measure how much of what a model's API served is in a suspect corpus."""


@overproof.command(cls=Sections, short_help="Look for served texts in a suspect corpus.")
@click.argument("served", metavar="SERVED")
@click.argument("suspect", metavar="SUSPECT")
@click.option("--control", "controls", multiple=True, metavar="[NAME=]PATH", help=CONTROL)
@click.option("--background", metavar="PATH", help="Texts whose n-grams are subtracted, such as public web text.")
@field_options
@click.option("--role", metavar="ROLE", help="Of chat messages, take those of this role as the text.")
@click.option(
    "--errors", type=click.Choice(["raise", "skip", "replace"]), default="raise", show_default=True, help=ERRORS
)
@click.option("-n", "ngram", type=click.IntRange(1, 255), metavar="N", help=WORDS)
@click.option("--min-ngrams", type=click.IntRange(1), metavar="K", help=NGRAMS)
@click.option("--containment", "min_containment", type=SHARE, help=CONTAINMENT)
@click.option("--min-embedded", type=click.IntRange(1), metavar="K", help=EMBEDDED)
@click.option("--report", metavar="FILE", help="Write the report: one HTML file that opens offline.")
@click.option("--json", "json_file", metavar="FILE", help="Write the result as one JSON file.")
@click.option("--matches", metavar="FILE", help="Write all matches with their spans as Parquet.")
@click.option("--fail-above", type=SHARE, help="Exit with code 3 where a larger share of suspect texts matches.")
@click.option("--threads", type=click.IntRange(1), metavar="N", help="All cores when not given; never changes a value.")
@click.option("-q", "--quiet", is_flag=True, help="Print nothing but errors.")
def compare(served: str, suspect: str, **chosen: Any) -> int:
    """Look for texts of SERVED in SUSPECT.

    Both are files of one text a row (.jsonl or .txt, also packed as .gz or .zst; .parquet), or folders of such files.
    SERVED is a provider's log, or a public set of its outputs, or answers bought to your own prompts. "Nothing found"
    is not "innocent".

    Exit codes: 0 done, 1 input that cannot be used, 2 wrong usage, 3 more than --fail-above.
    """
    import overproof as op

    controls = named_paths(chosen["controls"])
    background = chosen["background"]
    inputs = [served, suspect, *controls.values(), *([background] if background else [])]
    outputs = {"--report": chosen["report"], "--json": chosen["json_file"], "--matches": chosen["matches"]}
    check_outputs(outputs, inputs)
    check_parquet("--matches", chosen["matches"])
    check_inputs(inputs)

    rule: dict[str, Any] = {
        key: chosen[key] for key in ("min_ngrams", "min_embedded", "min_containment") if chosen[key] is not None
    }
    if chosen["ngram"] is not None:
        rule["shingler"] = op.Shingler(chosen["ngram"], lists="both")
    with told(quiet=chosen["quiet"]), watched(quiet=chosen["quiet"]) as bars:

        def read(role: str, path: str, name: str | None = None) -> op.Corpus:
            options = {key: chosen[key] for key in ("role", "errors", "threads")}
            with of_side(role):
                return op.read_corpus(path, name=name, progress=bars.read(path), **options, **fields_of(role, chosen))

        result = op.compare(
            read("served", served),
            read("suspect", suspect),
            control={name: read("control", path, name) for name, path in controls.items()},
            background=read("background", background) if background else None,
            threads=chosen["threads"],
            progress=bars.comparing,
            **rule,
        )
    _write(result, outputs)
    if not chosen["quiet"]:
        _print(result.to_dict(), outputs)
    return _judged(result.summary(), chosen["fail_above"], quiet=chosen["quiet"])


@overproof.command(short_help="Make a small case, compare it, and tell a whole investigation.")
@click.option("--out", default="demo", show_default=True, metavar="DIR", help="Folder for the case and its report.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Another seed, another case.")
@click.option("--requests", type=click.IntRange(500), default=4000, show_default=True, help="Rows of the story's log.")
@click.option("-q", "--quiet", is_flag=True, help="Print nothing but errors.")
def demo(out: str, seed: int, requests: int, quiet: bool) -> int:
    """Make a small case with a known truth, compare it, and write its report; then tell a whole investigation.

    The investigation goes from a log to named accounts: screen, plan, redraws, tests, case.
    """
    import overproof as op

    from .story import tell

    folder = Path(out)
    _make_folder(folder)
    made = op.simulate.case(seed)
    paths = made.write(folder)
    outputs: dict[str, str | None] = {name: str(folder / f"report.{name}") for name in ("html", "json")}
    common = {"text_field": "text", "prompt_field": "prompt"}
    log = {**common, "id_field": "request_id", "account_field": "account", "time_field": "time"}
    fields: dict[str, dict[str, Any]] = {
        "served": log,
        "suspect": {**common, "id_field": "id"},
        "people": {**common, "id_field": "id"},
        "background": {"text_field": "text", "id_field": "id", "prompt_field": False},
    }
    with watched(quiet=quiet) as bars:
        served, suspect, people, background = (
            op.read_corpus(paths[name], progress=bars.read(name), **options) for name, options in fields.items()
        )
        result = op.compare(served, suspect, control={"people": people}, background=background, progress=bars.comparing)
    _write(result, {"--report": outputs["html"], "--json": outputs["json"]})
    if not quiet:
        print(made.summary() + "\n")
        _print(result.to_dict(), outputs)
        print("\n" + _truth(made.truth["suspect"], result.to_dict()))
    tell(folder / "story", seed=seed, requests=requests, quiet=quiet)
    return 0


@overproof.command(short_help="Print versions and build.")
def info() -> None:
    """Print versions and build as JSON: put it into every bug report."""
    import overproof as op

    print(json.dumps(op.build_info(), indent=1))


def _judged(summary: dict[str, Any], most: float | None, *, quiet: bool) -> int:
    """The exit code by --fail-above, and why it is not 0."""
    if most is None or summary["matched_share"] <= most:
        return 0
    if not quiet:
        matched, texts = count(summary["suspect_texts_matched"]), count(summary["suspect_texts"])
        share = percent(summary["matched_share"])
        print(
            f"overproof: {matched} of {texts} suspect texts match ({share}), more than --fail-above {100 * most:.6g}%",
            file=sys.stderr,
        )
    return TOO_MUCH


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise InputError(f"--out: {folder} is a file; give a folder") from error
    check_outputs({"--out": str(folder / "report.html")}, [])


def _write(result: Comparison, outputs: dict[str, str | None]) -> None:
    """Write what was asked for; each file appears whole or not at all."""
    ways = {"--report": result.to_html, "--json": result.to_json, "--matches": result.to_parquet}
    for option, write in ways.items():
        path = outputs.get(option)
        if path is not None:
            with naming(option):
                write(path)


def _print(result: dict[str, Any], outputs: dict[str, str | None]) -> None:
    from ..report.console import of_stdout
    from ..report.terminal import render

    print(render(result, **of_stdout()), end="")
    for path in filter(None, outputs.values()):
        print(f"Wrote {one_line(path)}")


def _truth(truth: dict[str, dict[str, Any]], result: dict[str, Any]) -> str:
    """Compare what was found with what was planted, a line for each origin."""
    found = {one["suspect_id"] for one in result["matches"]}
    origins = {"leak": "planted leaks found", "web": "web texts matched", "other": "another model's texts matched"}
    lines = ["The truth of this case, which no real case has:"]
    for origin, words in origins.items():
        ids = [one for one, row in truth.items() if row["origin"] == origin]
        lines.append(f"  {words}: {sum(one in found for one in ids):,} of {len(ids):,}")
    return "\n".join(lines)

"""``overproof provenance``: answers of models to the same prompts, and a suspect among them."""

from __future__ import annotations

import csv
import fnmatch
import io
import json
import logging
import math
import textwrap
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .._files import atomic_path
from ..errors import InputError
from ..evidence.answers import STATISTICS
from ..evidence.result import plain
from ..report.show import one_line
from .commands import overproof
from .options import check_inputs, check_outputs
from .progress import told, watched

if TYPE_CHECKING:
    from ..corpus import Corpus
    from ..evidence import Model, Provenance

log = logging.getLogger("overproof")
SCHEMA = "overproof-provenance-1"
FORMS = (".jsonl", ".ndjson", ".jsonlines", ".json-lines", ".parquet")
PACKED = (".gz", ".zst", ".zstd")
PROMPTS = "_prompts"
COLUMNS = ("model", "vendor", "role", "family", "taught_by")
LIMITS = (
    "Answers alone show no copying and no route; they can only be nearer to one vendor's than clean controls explain.",
    "Models are the unit of chance: more prompts do not make up for missing controls.",
    "The threshold z >= 6 was chosen on the data that it was tried on and has no measured rate of error.",
    "Lineage is as declared: controls that learnt from the vendor hide it, and only vendors with a teacher are named.",
    '"Nothing shown" and "no verdict" clear nobody.',
)


@overproof.command(short_help="Ask whether a suspect model learnt from a vendor's.")
@click.argument("answers", metavar="ANSWERS")
@click.option("--suspect", "suspects", multiple=True, metavar="MODEL", help="The suspect; may be given several times.")
@click.option("--models", metavar="CSV", help="What is declared of the models; see above.")
@click.option("--teachers", multiple=True, metavar="VENDOR=MODEL[,MODEL]", help="Teachers, beside those of --models.")
@click.option(
    "--references",
    multiple=True,
    metavar="MODEL[,MODEL]",
    help="Controls, declared to have nothing from any of the vendors; patterns such as 'people-*' are allowed.",
)
@click.option(
    "--statistic", type=click.Choice(list(STATISTICS)), default="word-1", show_default=True, help="What is compared."
)
@click.option("--text-field", default="text", show_default=True, metavar="FIELD", help="Field that holds an answer.")
@click.option("--id-field", default="id", show_default=True, metavar="FIELD", help="Field that names its prompt.")
@click.option("--json", "json_file", metavar="FILE", help="Write the result as one JSON file.")
@click.option("--threads", type=click.IntRange(1), metavar="N", help="All cores when not given; never changes a value.")
@click.option("-q", "--quiet", is_flag=True, help="Print nothing but errors.")
def provenance(answers: str, **chosen: Any) -> None:
    """Ask whether the answers of a suspect model are nearer to one vendor's than clean control models explain.

    ANSWERS is a folder with one file of answers a model (id, text), called by the model; its _prompts.jsonl (id,
    prompt) holds the prompts, whose own n-grams then count for nobody. A MODEL is such a name, with or without its
    ending.

    --models is a table with the columns model, vendor, role, family, taught_by. Roles: teacher (of its vendor),
    reference (its lineage is known: taught_by names the vendors whose outputs it learnt from, joined by ";", or nothing
    where there are none; vendor: whose weights it is built on), suspect. Rows of other roles take no part. Models that
    are not independent share a family.

    With fewer than 20 clean controls, 25 prompts or 20 n-grams an answer the answer is "no verdict".
    """
    import overproof as op

    from ..evidence import answer_similarity, vendor_provenance

    folder = Path(answers)
    table = chosen["models"]
    check_inputs([answers, *([table] if table else [])])
    check_outputs({"--json": chosen["json_file"]}, [table] if table else [])
    files = _files(folder)
    with told(quiet=chosen["quiet"]), watched(quiet=chosen["quiet"]) as bars:
        models = _models(chosen, files)
        suspects = [one.name for one in models if one.role == "suspect"]
        if not suspects:
            raise InputError("no suspect: give --suspect, or a row with the role suspect in --models")

        def read(path: Path, field: str) -> Corpus:
            options = {"id_field": chosen["id_field"], "threads": chosen["threads"], "missing": "keep"}
            return op.read_corpus(
                path, text_field=field, prompt_field=False, progress=bars.read(path), name=path.name, **options
            )

        corpora = {one.name: read(files[one.name], chosen["text_field"]) for one in models}
        asked = read(files[PROMPTS], "prompt") if PROMPTS in files else None
    columns, prompts = _joined(corpora, asked)
    found = answer_similarity(columns, prompts=prompts, statistic=chosen["statistic"], threads=chosen["threads"])
    results = {name: vendor_provenance(found, models, suspect=name) for name in suspects}
    if chosen["json_file"]:
        result = _result(results, models, found, corpora, asked)
        with atomic_path(chosen["json_file"]) as part:
            part.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    if not chosen["quiet"]:
        print("\n\n".join(_shown(name, of) for name, of in results.items()))
        if chosen["json_file"]:
            print(f"Wrote {one_line(chosen['json_file'])}")


def _stem(name: str) -> str:
    """A model's name: a file's name without what its form adds."""
    for endings in (PACKED, FORMS):
        for ending in endings:
            if name.lower().endswith(ending):
                name = name[: -len(ending)]
                break
    return name


def _files(folder: Path) -> dict[str, Path]:
    """Files of the folder by model."""
    if not folder.is_dir():
        raise InputError(f"{folder}: must be a folder with one file of answers a model")
    files: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        name = _stem(path.name)
        known = path.name.lower().removesuffix(".gz").removesuffix(".zst").removesuffix(".zstd").endswith(FORMS)
        if not path.is_file() or not known or (name.startswith((".", "_")) and name != PROMPTS):
            continue
        if name in files:
            raise InputError(f"{folder}: {files[name].name} and {path.name} are both of {name}: leave one")
        files[name] = path
    if not set(files) - {PROMPTS}:
        raise InputError(f"{folder}: holds no file of answers ({', '.join(FORMS)}, also .gz or .zst)")
    return files


def _models(chosen: dict[str, Any], files: dict[str, Path]) -> list[Model]:
    """What the table and the options declare, options last."""
    from ..evidence import Model

    rows: dict[str, Model] = {}
    if chosen["models"]:
        rows = {one.name: one for one in _table(Path(chosen["models"]))}
    for given in chosen["teachers"]:
        vendor, equals, names = given.partition("=")
        if not equals or not vendor.strip():
            raise click.BadParameter(f"{given!r} must be VENDOR=MODEL[,MODEL]", param_hint="--teachers")
        for name in _named(names, files, "--teachers"):
            rows[name] = Model(name=name, role="teacher", vendor=vendor.strip())
    for given in chosen["references"]:
        for name in _named(given, files, "--references"):
            if name not in rows:
                rows[name] = Model(name=name, role="reference")
            elif rows[name].role != "reference":
                raise InputError(f"--references: {name} is also a {rows[name].role}: leave it out of one")
    suspects = [name for given in chosen["suspects"] for name in _named(given, files, "--suspect")]
    for name in suspects:
        before = rows.get(name)
        family, vendor = (before.family, before.vendor) if before and before.role != "teacher" else ("", "")
        rows[name] = Model(name=name, role="suspect", family=family, vendor=vendor)
    for name, one in rows.items():
        if name not in files:
            raise InputError(f"{name} ({one.role}) has no file of answers in {_folder(files)}")
    if suspects:
        rows = {name: one for name, one in rows.items() if one.role != "suspect" or name in suspects}
    return list(rows.values())


def _folder(files: dict[str, Path]) -> Path:
    """The folder that the files are in."""
    return next(iter(files.values())).parent


def _named(given: str, files: dict[str, Path], option: str) -> list[str]:
    """The models that a list of names or patterns means."""
    known = sorted(set(files) - {PROMPTS})
    out = []
    for part in filter(None, (one.strip() for one in given.split(","))):
        name = _stem(Path(part).name)
        found = [name] if name in known else fnmatch.filter(known, name)
        if not found:
            raise InputError(f"{option}: {part} has no file of answers in {_folder(files)}")
        out += found
    return out


def _table(path: Path) -> list[Model]:
    """The rows of --models whose role takes part."""
    from ..evidence import Model

    try:
        reader = csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"), newline=""))
        lines = list(reader)
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: is no table of comma-separated values in UTF-8: {error}") from error
    lacking = [name for name in ("model", "role") if name not in (reader.fieldnames or ())]
    if lacking:
        raise InputError(f"{path}: has no column {', '.join(lacking)}; its columns must be {', '.join(COLUMNS)}")
    out: list[Model] = []
    left_out = 0
    for number, line in enumerate(lines, start=2):
        value = {name: (line.get(name) or "").strip() for name in COLUMNS}
        role = "reference" if value["role"] == "control" else value["role"]
        if role not in ("teacher", "reference", "suspect"):
            left_out += 1
            continue
        if any(one.name == value["model"] for one in out):
            raise InputError(f"{path}, line {number}: {value['model']} is there twice: leave one row")
        taught = tuple(filter(None, (one.strip() for one in value["taught_by"].split(";"))))
        out.append(
            Model(name=value["model"], role=role, vendor=value["vendor"], family=value["family"], taught_by=taught)
        )
    if left_out:
        log.info("%s: %d rows of other roles take no part", path, left_out)
    return out


def _joined(
    corpora: dict[str, Corpus], asked: Corpus | None
) -> tuple[dict[str, list[str | None]], list[str | None] | None]:
    """Answers by prompt id, ids ascending; the first answer to a prompt counts."""
    of: dict[str, dict[str, str | None]] = {}
    for name, corpus in [*corpora.items(), *([(PROMPTS, asked)] if asked is not None else [])]:
        if corpus.ids is None:
            raise InputError(f"{name}: its rows have no id that names the prompt: give --id-field")
        of[name] = {}
        for one, text in zip(corpus.ids.to_list(), corpus.texts.to_list(), strict=True):
            if one is not None:
                of[name].setdefault(one, text)
    prompts = of.pop(PROMPTS, None)
    ids = sorted(prompts if prompts is not None else {one for answers in of.values() for one in answers})
    if prompts is None:
        log.warning("there is no %s file: words of the prompts count as words of the answers", PROMPTS)
    strangers = {name for name, answers in of.items() if not set(answers) & set(ids)}
    if strangers:
        raise InputError(f"{', '.join(sorted(strangers))}: no id is that of a prompt: ids must be those of {PROMPTS}")
    columns = {name: [answers.get(one) for one in ids] for name, answers in of.items()}
    return columns, None if prompts is None else [prompts[one] for one in ids]


def _result(
    results: dict[str, list[Provenance]],
    models: Sequence[Model],
    found: Any,
    corpora: dict[str, Corpus],
    asked: Corpus | None,
) -> dict[str, Any]:
    """The JSON form."""
    from .._core import __version__
    from ..evidence import cllr, known_pairs, leave_family_out, tippett
    from ..evidence.controls import LEAST_CONTROLS
    from ..evidence.provenance import LEAST_NGRAMS, LEAST_PROMPTS, THRESHOLD

    pairs = known_pairs(found, models)
    ratios: dict[str, Any] | None = None
    counts = [len({f for f, r in zip(pairs.families, pairs.related, strict=True) if r == kind}) for kind in (0, 1)]
    if min(counts) >= 3:  # one is left out, two must remain
        ratio = leave_family_out(pairs.z, pairs.related, pairs.families)
        ratios = {"cllr": cllr(ratio, pairs.related), "tippett": tippett(ratio, pairs.related)}
    sources: Iterable[Corpus] = [*corpora.values(), *([asked] if asked is not None else [])]
    return {
        "schema": SCHEMA,
        "version": __version__,
        "params": {
            "statistic": found.statistic,
            "threshold": THRESHOLD,
            "least_controls": LEAST_CONTROLS,
            "least_prompts": LEAST_PROMPTS,
            "least_ngrams": LEAST_NGRAMS,
        },
        "inputs": [source.to_dict() for corpus in sources for source in corpus.sources],
        "models": [plain({**vars(one), "taught_by": list(one.taught_by)}) for one in models],
        "suspects": [{"name": name, "vendors": [one.to_dict() for one in of]} for name, of in results.items()],
        "references": {**pairs.to_dict(), "ratios": ratios},
        "limits": list(LIMITS),
    }


def _shown(name: str, results: list[Provenance]) -> str:
    """One suspect as a table, and what it rests on."""
    lines = [["vendor", "z", "95 % interval", "p", "LR", "verdict"]]
    for one in results:
        lines.append(
            [
                one_line(one.vendor),
                _number(one.statistic, ".1f"),
                " to ".join(_number(end, ".1f") for end in one.interval),
                _number(one.pvalue, ".2g"),
                _number(one.likelihood_ratio, ".2g"),
                one.verdict,
            ]
        )
    widths = [*(max(map(len, column)) for column in list(zip(*lines, strict=True))[:-1]), 0]
    rows = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines]
    first = results[0]
    below = [f"{first.prompts} shared prompts, {_number(first.ngrams, 'g')} n-grams in the median answer."]
    by_controls: dict[tuple[str, ...], list[str]] = {}
    for one in results:
        by_controls.setdefault(one.controls, []).append(one_line(one.vendor))
    for controls, vendors in by_controls.items():
        names = f" ({', '.join(map(one_line, controls))})" if controls else ""
        floor = 1 / (len(controls) + 1)
        below.append(
            f"Clean controls for {', '.join(vendors)}: {len(controls)}{names}. Ranks reach no p below {floor:.2g}."
        )
    if not math.isnan(first.ratio_range[0]):
        low, high = first.ratio_range
        below.append(f"The references allow likelihood ratios from {low:.2g} to {high:.2g}.")
    below.append("Answers show no copying and no route. " + LIMITS[-1])
    wrapped = [textwrap.fill(line, 100, subsequent_indent="  ", break_on_hyphens=False) for line in below]
    return "\n".join([f"Suspect {one_line(name)}", "", *rows, "", *wrapped])


def _number(value: float, form: str) -> str:
    return "-" if math.isnan(value) else format(value, form)

"""What the measurements must reach, and tables of what they gave."""

from __future__ import annotations

from typing import Any, NamedTuple

RECALL = {
    "none": 0.99,
    "case": 0.99,
    "white space": 0.99,
    "markdown": 0.99,
    "reorder": 0.99,
    "half kept": 0.92,
    "10 % of words dropped": 0.95,
    "10 % of words substituted": 0.95,
    "20 % of words dropped": 0.55,
    "20 % of words substituted": 0.55,
}
"""Least share of planted copies found, by edit."""
LOG_RECALL = {"none": 0.99, "case": 0.99, "whitespace": 0.99, "markdown": 0.99, "reorder": 0.99}
"""The same for the copies that make_api_log.py plants by its own choice of texts and strengths."""
FALSE = {"other prompts": 5e-5, "same prompts": 2e-3}
"""Greatest share of innocent texts that match, code apart."""
AUC = 0.999
AUCS = {
    "auc_raw_all": "before any layer, all rows",
    "auc_raw_long_enough": "before any layer, rows of 7 n-grams and more",
    "auc_all": "after all layers, all rows",
    "auc_long_enough": "after all layers, rows of 7 n-grams and more",
    "auc_enough_beside_prompt": "after all layers, rows with 7 n-grams and more beside their prompt",
}
"""Of which score and which rows the AUC is: fewer n-grams, or fewer that the prompt does not hold, cannot match."""
FIRST = {"aligner-2b_qwen1.5-72b-chat", "gpt4_1106_preview"}


class Mark(NamedTuple):
    """One mark."""

    what: str
    value: float | str
    mark: str
    passed: bool


def marks(record: dict[str, Any]) -> list[Mark]:
    """Every mark with its value."""
    truth, planted, innocents, models = (record[k] for k in ("truth", "planted", "innocents", "models"))
    out = [
        Mark(f"AUC, copies above innocents, {words}", truth[key]["auc"], f"at least {AUC}", truth[key]["auc"] >= AUC)
        for key, words in AUCS.items()
    ]
    for edit in planted["edits"]:
        if edit["edit"] in RECALL:
            least = RECALL[edit["edit"]]
            for words, part in (("", edit), (", echo apart", edit["echo_apart"])):
                value = part["share"]
                out.append(Mark(f"recall, {edit['edit']}{words}", value, f"at least {least}", value >= least))
    for kind, least in LOG_RECALL.items():
        value = record["logs"]["by_edit"][kind]["share"]
        out.append(Mark(f"recall, {kind}, in logs of make_api_log.py", value, f"at least {least}", value >= least))
    for group, most in FALSE.items():
        value = innocents[group]["code_apart"]["share"]
        out.append(Mark(f"false positives, {group}, code apart", value, f"at most {most}", value <= most))
    for key, first in models["first_by"].items():
        out.append(Mark(f"first pair by {key}", " - ".join(first), " - ".join(sorted(FIRST)), set(first) == FIRST))
    return out


def markdown(record: dict[str, Any]) -> str:
    """All tables."""
    return "\n\n".join(
        (
            "### Marks\n\n" + marks_table(record),
            "### Corpora of known origin\n\n" + truth_table(record["truth"]),
            "### Planted copies\n\n" + planted_table(record["planted"]),
            "### Planted by make_api_log.py\n\n" + logs_table(record["logs"]),
            "### Innocents\n\n" + innocents_table(record["innocents"]),
            "### Pairs of models\n\n" + models_table(record["models"]),
        )
    )


def table(head: str, lines: list[list[Any]]) -> str:
    """Markdown; all columns but the first to the right."""
    names = [name.strip() for name in head.split("|")]
    rule = ["---", *["---:"] * (len(names) - 1)]
    shown = ([str(cell).replace("<", "&lt;") for cell in line] for line in (names, rule, *lines))
    return "\n".join(f"| {' | '.join(cells)} |" for cells in shown)


def number(value: float | str | None) -> str:
    """Four digits, or powers of ten where small."""
    if not isinstance(value, float):
        return "-" if value is None else str(value)
    return f"{value:.4f}" if value >= 0.001 or value == 0 else f"{value:.1e}"


def within(part: dict[str, Any]) -> str:
    """The exact 95 % interval of a share."""
    low, high = part["interval"] or (None, None)
    return "-" if low is None else f"{number(low)} to {number(high)}"


def marks_table(record: dict[str, Any]) -> str:
    """The marks."""
    lines = [[m.what, number(m.value), m.mark, "pass" if m.passed else "**miss**"] for m in marks(record)]
    return table("mark | value | asked | ", lines)


def truth_table(truth: dict[str, Any]) -> str:
    """Corpora, and the AUC."""
    lines = [
        [
            f"{' + '.join(r['served'])} -> {' + '.join(r['suspect'])}",
            r["truth"],
            f"{r['texts']:,}",
            f"{r['found']:,}",
            number(r["share"]),
            f"{r['too_short']:,}",
            number(r["enough_beside_prompt"]["share"]),
            "; ".join(r["best"]) or "-",
        ]
        for r in truth["rows"]
    ]
    of_identical = next(r["identical"] for r in truth["rows"] if r["truth"].startswith("part"))
    lines_below = [
        f"AUC, {words}: {of['auc']:.5f} ({of['copies']:,} copies, {of['innocents']:,} innocents)."
        for words, of in ((words, truth[key]) for key, words in AUCS.items())
    ]
    return "\n\n".join(
        (
            table(
                "served -> suspect | truth | texts | matched | share | too short | share of the rest, echo apart "
                "| strongest matches",
                lines,
            ),
            f"Of {of_identical['texts']:,} rows of claude_t45 that are identical (40 characters and more), "
            f"{of_identical['found']:,} match.",
            *lines_below,
        )
    )


def planted_table(planted: dict[str, Any]) -> str:
    """Recall by edit."""
    lines = [
        [
            e["edit"],
            f"{e['found']:,}",
            number(e["share"]),
            within(e),
            number(e["echo_apart"]["share"]),
            RECALL.get(e["edit"], "-"),
        ]
        for e in planted["edits"]
    ]
    return (
        f"{planted['planted']:,} texts of 20 words and more among {planted['served_texts']:,} served; "
        f"{planted['echo_of_own_prompt']} of them hold too little beside their own prompt (echo).\n\n"
        + table("edit | found | recall | 95 % interval | echo apart | asked", lines)
    )


def logs_table(logs: dict[str, Any]) -> str:
    """Recall by edit and strength of make_api_log.py."""
    parts = {**logs["leaked"], "web copies": logs["web_copies_of_served"], "other authors": logs["other_authors"]}
    lines = [[name, f"{p['texts']:,}", f"{p['found']:,}", number(p["share"]), within(p)] for name, p in parts.items()]
    return f"Seeds {logs['seeds'][0]} to {logs['seeds'][-1]}.\n\n" + table(
        "edit, strength | texts | found | share | 95 % interval", lines
    )


def innocents_table(innocents: dict[str, Any]) -> str:
    """False positives, and every one of them."""
    lines = [
        [group, f"{part['texts']:,}", part["found"], number(part["share"]), within(part)]
        for name, of_group in innocents.items()
        for group, part in ((name, of_group["code_apart"]), (f"{name}, code", of_group["code"]))
    ]
    listed = [
        [m["set"], m["row"], m["ngrams"], m["containment_of_suspect"], "code" if m["code"] else "", m["words"]]
        for name in ("other prompts", "same prompts")
        for m in innocents[name]["found"]
    ]
    return (
        table("texts | number | found | share | 95 % interval", lines)
        + "\n\nEvery one found on other and on same prompts:\n\n"
        + table("set | row | n-grams | containment | | first words", listed)
    )


def models_table(models: dict[str, Any]) -> str:
    """The first ten pairs."""
    lines = [
        [
            " - ".join(p["models"]),
            number(p["jaccard_5"]),
            number(p["jaccard_4"]),
            p["matched_a_served"],
            p["matched_b_served"],
        ]
        for p in models["top"]
    ]
    return (
        f"{models['pairs']:,} pairs of {models['models']} models, {models['prompts']} prompts; by mean Jaccard.\n\n"
        + table("pair | Jaccard, n = 5 | n = 4 | matched, first served | matched, second served", lines)
    )

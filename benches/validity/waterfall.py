"""Which layer takes what nobody copied: real texts that stand on both sides for a reason other than copying.

Each kind is real rows, parted between the served and the suspect corpus, which share no row of it but famous text and
licences. These, and half of the textbook code, stand in the background, as the web would hold them. Beside them answers
of text-davinci-003 as served texts, role plays as innocents, and copies of long answers, which every layer must leave.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import overproof as op

from benches.validity import data
from benches.validity.data import Row
from benches.validity.marks import number, table

STOCK = re.compile(r"[^.!?\n]*\bas an AI language model\b[^.!?\n]*[.!?]", re.IGNORECASE)
LAYERS = ("prompt echo", "background", "boilerplate", "left")
EXPECTED = {
    "prompt echo": "prompt echo",
    "famous text": "background",
    "licences": "background",
    "textbook code": "background",
    "stock phrases": "boilerplate",
    "tool-call templates": "boilerplate",
    "copies": "left",
}
LEAST = 0.95
"""Share of the texts of a kind that match before any layer and end in the one expected."""


def kinds(every: int) -> tuple[dict[str, list[Row]], dict[str, list[Row]], list[str]]:
    """Served and suspect rows of each kind, and the background."""
    famous = data.read("k4_contamination/shakespeare")[:200] + data.read("k4_contamination/us_inaugural")[:100]
    licences = data.read("k4_contamination/licences")
    asked = [r for r in data.read("k3_human/dolly_3k") if len(r.prompt.split()) >= 40]
    asked, answers = asked[::2], [r.text for r in asked[1::2]]
    code = [
        r.text for r in data.read("k2_sft/gpteacher_codegen_gpt4") if "#include" in r.text and "factorial" in r.text
    ]
    code, web = list(dict.fromkeys(code)), [r.text for r in (*famous, *licences)]
    stock = [found for r in data.read("k2_sft/halueval_general_chatgpt") for found in STOCK.findall(r.text)[:1]]
    calls = [r.text for r in data.read("k4_contamination/templated_toolcall_glaive")]
    long = [r for r in data.read(data.TEACHER[0]) if len(r.text.split()) >= 20]
    served = {
        "prompt echo": [Row(r.prompt, f"{r.prompt}\n{r.text}") for r in asked],
        "famous text": [Row("", r.text) for r in famous],
        "licences": [Row("", r.text) for r in licences],
        "copies": long[: 4000 : max(1, every)],
    }
    suspect = {
        "prompt echo": [Row(r.prompt, f"{r.prompt}\n{text}") for r, text in zip(asked, answers, strict=False)],
        "famous text": served["famous text"],
        "licences": served["licences"],
        "copies": [Row("", r.text) for r in served["copies"][::10]],
    }
    for name, texts in (("textbook code", code), ("stock phrases", stock), ("tool-call templates", calls)):
        own = list(dict.fromkeys(texts))
        served[name], suspect[name] = ([Row("", text) for text in own[part::4]] for part in (0, 1))
    web += code[2::4] + code[3::4]
    suspect["innocents"] = data.read("k2_sft/gpteacher_roleplay_gpt4")[:: max(1, every)]
    return served, suspect, web


def measure(every: int = 1) -> dict[str, Any]:
    """One comparison; of each suspect text the last layer before which it still matched."""
    served, suspect, behind = kinds(every)
    ours = [row for rows in served.values() for row in rows]
    theirs = [row for rows in suspect.values() for row in rows]
    result = op.compare(data.corpus(ours), data.corpus(theirs), background=behind, audit_texts=0)
    of_row = np.repeat(list(suspect), [len(rows) for rows in suspect.values()])
    # A text that matches after s layers and not after s + 1 ends in layer s.
    reached = (result.best >= 0).sum(axis=1)
    out = {}
    for kind, rows in suspect.items():
        mine = reached[of_row == kind]
        ends = {name: int((mine == i).sum()) for i, name in enumerate(LAYERS, 1)}
        raw = sum(ends.values())
        out[kind] = {
            "texts": len(rows),
            "matched": raw,
            "ends": ends,
            "expected": EXPECTED.get(kind),
            "share": ends[EXPECTED[kind]] / raw if kind in EXPECTED and raw else None,
        }
    return {"kinds": out, "least": LEAST, "waterfall": result.waterfall, "df_rule": result.summary()["df_rule"]}


def marks(record: dict[str, Any]) -> dict[str, bool]:
    """Whether enough of each kind ends where it should."""
    return {
        kind: of["share"] is not None and of["share"] >= LEAST for kind, of in record["kinds"].items() if of["expected"]
    }


def markdown(record: dict[str, Any]) -> str:
    """Kinds by layer."""
    passed = marks(record)
    lines = [
        [
            kind,
            f"{of['texts']:,}",
            f"{of['matched']:,}",
            *(f"{of['ends'][layer]:,}" for layer in LAYERS),
            of["expected"] or "-",
            "-" if kind not in passed else f"{number(of['share'])}, {'pass' if passed[kind] else '**miss**'}",
        ]
        for kind, of in record["kinds"].items()
    ]
    head = f"kind | texts | matched | {' | '.join(LAYERS)} | expected | share, at least {LEAST}"
    return "### Which layer takes it\n\n" + table(head, lines) + f"\n\n{record['df_rule'].capitalize()}."

"""The suspect is a model: what the log-contrast tells on the models of one public leaderboard whose teachers are known.

Lineage is as lineage.csv of the shared data declares it. A model of undeclared or mixed lineage is neither control nor
student; one built on a vendor's weights is in no pair with that vendor.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import overproof as op
from overproof.evidence import (
    AnswerSimilarity,
    KnownPairs,
    Model,
    answer_similarity,
    cllr,
    known_pairs,
    leave_family_out,
    tippett,
    vendor_provenance,
)
from overproof.evidence.answers import STATISTICS
from overproof.evidence.provenance import THRESHOLD
from scipy import stats

from benches.corpora import SHARED
from benches.validity import data
from benches.validity.marks import number, table, within
from benches.validity.measures import share

Floats = npt.NDArray[np.float64]
SET = "k1_paired/alpaca_eval/"
DEFAULT = "word-1"
OPENAI = ("gpt-3.5-turbo-0301", "gpt-3.5-turbo-0613", "gpt4", "gpt4_0314")
"""OpenAI's models of 2023 that students of this set learnt from."""
OTHERS = {"claude": "Anthropic", "gemini-pro": "Google"}
DAVINCI = "text_davinci_003"
FURTHER = {
    "Meta": ("llama-2-7b-chat-hf",),
    "Mistral": ("Mistral-7B-Instruct-v0.2",),
    "Alibaba": ("Qwen-14B-Chat", "Qwen1.5-7B-Chat", "Qwen1.5-72B-Chat"),
    "01.AI": ("Yi-34B-Chat",),
    "DeepSeek": ("deepseek-llm-67b-chat",),
    "Zhipu": ("chatglm2-6b",),
    "Baichuan": ("baichuan-13b-chat",),
}
"""Vendors that taught none of the students, one at a time beside the three with an interface: null pairs."""
BASES = {"llama": "Meta", "mistral": "Mistral", "gemma": "Google", "qwen": "Alibaba"}
FAMILIES = {
    "alpaca": "alpaca",
    "vicuna": "vicuna",
    "wizardlm": "wizardlm",
    "recycled-wizardlm": "wizardlm",
    "zephyr": "zephyr",
    "openchat": "openchat",
    "tulu": "tulu",
    "guanaco": "oasst",
    "oasst": "oasst",
}
SAME = (
    ("vicuna-13b-v1.5-togetherai", "vicuna-13b-v1.5", "the same weights at another host"),
    ("zephyr-7b-beta-ExPO", "zephyr-7b-beta", "weights extrapolated from it"),
    ("Samba-CoE-v0.2", "Samba-CoE-v0.1", "next version of a router over open models"),
    ("gpt4", "gpt4_0314", "the same model line"),
    ("aligner-2b_qwen1.5-72b-chat", "Qwen1.5-72B-Chat", "declared upstream, its answers edited"),
)
RUNS = 2000
MARKS = {
    "AUC, same weights": (0.99, 1),
    "AUC, OpenAI-2023 students": (0.96, 1),
    "AUC, other students": (0.93, 1),
    "null pairs, p at most .05": (0.03, 0.065),
    "null pairs, p at most .01": (0, 0.02),
    "people-taught models suspected as shipped": (0, 0),
    "naive test over prompts against people-taught, p at most .001": (0.15, 1),
}
"""Least and greatest value."""
UNTOLD = {
    "k1_paired/speechmap_us_criticism/": {
        "suspects": ("deepseek_deepseek-r1", "deepseek_deepseek-r1-zero", "deepseek_deepseek-chat"),
        "teachers": {
            "openai_o1-preview-2024-09-12": "OpenAI",
            "openai_gpt-4o-2024-11-20": "OpenAI",
            "openai_chatgpt-4o-latest": "OpenAI",
            "anthropic_claude-3-5-sonnet-20241022": "Anthropic",
            "google_gemini-1.5-pro-002": "Google",
            "x-ai_grok-2-1212": "xAI",
        },
        "kin": ("perplexity_r1-1776",),
    },
    "k1_paired/gsm8k/": {
        "suspects": ("deepseek-chat", "deepseek-coder"),
        "teachers": {
            "gpt-4o-2024-05-13": "OpenAI",
            "gpt-4o-mini-2024-07-18": "OpenAI",
            "gpt-3.5-turbo-0125": "OpenAI",
            "claude-3-5-sonnet-20240620": "Anthropic",
        },
        "kin": (),
    },
}
UNTOLD["k1_paired/speechmap_zh_china_criticism/"] = UNTOLD["k1_paired/speechmap_us_criticism/"]


class Answers(NamedTuple):
    """The answers of one set, by the order of the prompts."""

    prompts: list[str] | None
    texts: dict[str, list[str | None]]


def read(folder: str, every: int = 1) -> Answers:
    """All models of one set; the first answer to each prompt."""
    asked = {row["id"]: row["prompt"] for row in data.rows(folder + "_prompts")}
    ids = sorted(asked)[::every]
    texts = {}
    for name in data.sets(folder):
        model = name.removeprefix(folder)
        if model != "NullModel":
            of: dict[Any, str] = {}
            for row in data.rows(name):
                of.setdefault(row["id"], row["text"])
            texts[model] = [of.get(i) for i in ids]
    return Answers([asked[i] for i in ids], texts)


def declared(names: Iterable[str]) -> dict[str, Model]:
    """The references: models whose lineage lineage.csv declares, people-taught and OpenAI-taught."""
    with (SHARED / "lineage.csv").open(newline="") as file:
        rows = {row["model"]: row for row in csv.DictReader(file) if row["set"] == "alpaca_eval"}
    out = {}
    for name in names:
        kind = rows[name]["teacher_kind"]
        kind = "openai" if kind.startswith("derived:zephyr") else kind
        if kind not in ("human", "openai", "mixed"):
            continue
        base = rows[name]["base"].lower()
        maker = next((vendor for word, vendor in BASES.items() if word in base), "")
        family = next((family for word, family in FAMILIES.items() if name.startswith(word)), "")
        taught = () if kind == "human" else ("OpenAI",)
        out[name] = Model(name=name, role="reference", vendor=maker, family=family, taught_by=taught)
    return out


def kinds(models: dict[str, Model]) -> dict[str, list[str]]:
    """Students of OpenAI's models of 2023, of text-davinci-003, and the people-taught; mixtures are in none."""
    with (SHARED / "lineage.csv").open(newline="") as file:
        rows = {row["model"]: row for row in csv.DictReader(file) if row["set"] == "alpaca_eval"}
    out: dict[str, list[str]] = {"openai-2023": [], "davinci": [], "people": []}
    for name in models:
        if rows[name]["teacher_kind"] == "human":
            out["people"].append(name)
        elif rows[name]["teacher_kind"] != "mixed":
            out["davinci" if rows[name]["teacher"] == "text-davinci-003" else "openai-2023"].append(name)
    return out


def teachers(of: dict[str, str]) -> list[Model]:
    """Teachers by name and vendor."""
    return [Model(name=name, role="teacher", vendor=vendor) for name, vendor in of.items()]


INTERFACES = {**dict.fromkeys(OPENAI, "OpenAI"), **OTHERS}


def panels(references: dict[str, Model]) -> dict[str, list[Model]]:
    """Teachers and references, by what is asked: the vendors with an interface, davinci, and each further vendor."""
    known = list(references.values())
    out = {"2023": [*teachers(INTERFACES), *known], "davinci": [*teachers({DAVINCI: "OpenAI", **OTHERS}), *known]}
    for vendor, names in FURTHER.items():
        of = {**INTERFACES, **dict.fromkeys(names, vendor)}
        out[vendor] = [*teachers(of), *(one for one in known if one.name not in names)]
    return out


class Scored(NamedTuple):
    """Pairs of one statistic."""

    null: KnownPairs
    null_of: list[str]
    students: dict[tuple[str, str], float]
    same: list[dict[str, Any]]
    table: dict[tuple[str, str], float]


def score(found: AnswerSimilarity, references: dict[str, Model]) -> Scored:
    """Z of all pairs of known relation; `table` has every reference against every candidate."""
    groups, nulls, students, scores = kinds(references), [], {}, {}
    for panel, models in panels(references).items():
        pairs = known_pairs(found, models, least_controls=2)
        for i, (name, vendor) in enumerate(zip(pairs.names, pairs.vendors, strict=True)):
            if (panel in FURTHER and vendor != panel) or (panel == "davinci" and vendor != "OpenAI"):
                continue
            key = f"OpenAI {panel}" if vendor == "OpenAI" else vendor
            scores[name, key] = float(pairs.z[i])
            if not pairs.related[i]:
                nulls.append((key, pairs, i))
            elif name in groups["davinci" if panel == "davinci" else "openai-2023"]:
                students[name, key] = float(pairs.z[i])

    def column(of: Callable[[KnownPairs, int], Any]) -> list[Any]:
        return [of(pairs, i) for _, pairs, i in nulls]

    null = KnownPairs(
        names=tuple(column(lambda p, i: p.names[i])),
        vendors=tuple(column(lambda p, i: p.vendors[i])),
        families=tuple(column(lambda p, i: p.families[i])),
        z=np.array(column(lambda p, i: p.z[i])),
        pvalue=np.array(column(lambda p, i: p.pvalue[i])),
        n=np.array(column(lambda p, i: p.n[i])),
        related=np.zeros(len(nulls), bool),
    )
    return Scored(null, [key for key, _, _ in nulls], students, [same(found, references, *one) for one in SAME], scores)


def same(
    found: AnswerSimilarity, references: dict[str, Model], suspect: str, teacher: str, what: str
) -> dict[str, Any]:
    """One model against a sibling that stands as a vendor of its own."""
    of = {teacher: "it", **(OTHERS if suspect == "gpt4" else INTERFACES)}
    kin = {one.name for one in references.values() if references.get(teacher) and one.kin == references[teacher].kin}
    models = [*teachers(of), *(one for one in references.values() if one.name not in {suspect, teacher, *kin})]
    models.append(Model(name=suspect, role="suspect"))
    (got,) = [one for one in vendor_provenance(found, models, suspect=suspect) if one.vendor == "it"]
    return {
        "suspect": suspect,
        "teacher": teacher,
        "what": what,
        "z": got.statistic,
        "interval": list(got.interval),
        "controls": got.n,
        "verdict": got.verdict,
    }


def auc(positive: Floats, families: list[str], scored: Scored, seed: int = 0) -> dict[str, Any]:
    """Of known students against null pairs, with the interval of resampled families."""
    null, rng = scored.null, np.random.default_rng(seed)
    of_null, of_mine = np.array(null.families), np.array(families)

    def value(a: Floats, b: Floats) -> float:
        below = np.sort(b)
        sides = [np.searchsorted(below, a, side=side).sum() for side in ("left", "right")]
        return float(sum(sides) / (2 * len(a) * len(b)))

    def drawn(values: Floats, of: Any) -> Floats:
        names = np.unique(of)
        chosen = names[rng.integers(0, len(names), len(names))]
        return np.concatenate([values[of == name] for name in chosen])

    runs = [value(drawn(positive, of_mine), drawn(null.z, of_null)) for _ in range(RUNS)]
    return {
        "auc": value(positive, null.z),
        "interval": np.quantile(runs, [0.025, 0.975]).tolist(),
        "pairs": len(positive),
        "families": len(np.unique(of_mine)),
    }


def ratios(scored: Scored, references: dict[str, Model]) -> dict[str, Any]:
    """Likelihood ratios, each learnt from other families, and what they are worth."""
    names = [name for name, _ in scored.students]
    z = np.concatenate([list(scored.students.values()), scored.null.z])
    related = np.arange(len(z)) < len(names)
    families = np.array([*(references[name].kin for name in names), *scored.null.families])
    ratio = leave_family_out(z, related, families)
    return {
        "cllr": cllr(ratio, related),
        "related": int(related.sum()),
        "unrelated": int((~related).sum()),
        "families": [len(set(families[related])), len(set(families[~related]))],
        "misleading_related": share(int((ratio[related] < 1).sum()), int(related.sum())),
        "misleading_unrelated": share(int((ratio[~related] > 1).sum()), int((~related).sum())),
        "range": [float(ratio.min()), float(ratio.max())],
        "tippett": tippett(ratio, related),
    }


def nearest(found: AnswerSimilarity, scored: Scored, references: dict[str, Model]) -> dict[str, Any]:
    """How often the true teacher is first, or among three, of eleven groups: by z, raw similarity, the majority."""
    of = {"OpenAI 2023": OPENAI, "OpenAI davinci": (DAVINCI,), **{v: (name,) for name, v in OTHERS.items()}, **FURTHER}
    ranks: dict[str, list[int]] = {"log-contrast z": [], "raw similarity": []}
    vendor_first: dict[str, list[bool]] = {name: [] for name in ranks}
    truths = [(name, key) for name, key in scored.students]
    for name, truth in truths:
        row = found.columns([name])[0]
        raw = {key: float(np.nanmean(found.similarity[row, found.columns(list(names))])) for key, names in of.items()}
        z = {key: scored.table.get((name, key), -np.inf) for key in of}
        for how, values in (("log-contrast z", z), ("raw similarity", raw)):
            order = sorted(values, key=lambda key: -values[key])
            ranks[how].append(order.index(truth) + 1)
            vendor_first[how].append(order[0].startswith("OpenAI"))
    total = len(truths)
    out: dict[str, Any] = {
        how: {
            "first": share(sum(r == 1 for r in of_all), total),
            "among three": share(sum(r <= 3 for r in of_all), total),
            "vendor first": share(sum(vendor_first[how]), total),
        }
        for how, of_all in ranks.items()
    }
    most = sum(key == "OpenAI 2023" for _, key in truths)
    out["always OpenAI 2023"] = {"first": share(most, total), "among three": None, "vendor first": share(total, total)}
    return {"candidates": len(of), "students": total, "by": out}


def naive(answers: Answers, scored: Scored, references: dict[str, Model]) -> dict[str, Any]:
    """The tests that must not be offered: t over prompts, against other vendors' teachers or people-taught models."""
    shingler = op.Shingler(3)
    sets = {name: shingler.transform(texts, missing="keep") for name, texts in answers.texts.items()}
    near: dict[tuple[str, str], Floats] = {}

    def alike(name: str, teachers: Iterable[str]) -> Floats:
        for one in teachers:
            if (name, one) not in near:
                near[name, one] = op.jaccard(sets[name], sets[one])
        return np.asarray(np.mean([near[name, one] for one in teachers], axis=0))

    taught_by_people = kinds(references)["people"]
    pvalues: dict[str, list[float]] = {"other teachers": [], "people-taught models": []}
    for name, key in zip(scored.null.names, scored.null_of, strict=True):
        own = OPENAI if key == "OpenAI 2023" else (DAVINCI,) if key == "OpenAI davinci" else FURTHER.get(key, ())
        own = own or tuple(one for one, vendor in OTHERS.items() if vendor == key)
        apart = [one for one, vendor in INTERFACES.items() if one not in own and vendor != key.split()[0]]
        innocent = [one for one in taught_by_people if one != name and one not in own]
        other = {
            "other teachers": alike(name, apart),
            "people-taught models": np.mean([alike(one, own) for one in innocent], axis=0),
        }
        for how, far in other.items():
            difference = alike(name, own) - far
            difference = difference[~np.isnan(difference)]
            pvalues[how].append(float(stats.ttest_1samp(difference, 0, alternative="greater").pvalue))
    return {
        how: {str(level): share(sum(p <= level for p in of), len(of)) for level in (0.05, 0.01, 0.001)}
        for how, of in pvalues.items()
    }


def people(found: AnswerSimilarity, references: dict[str, Model], scored: Scored) -> dict[str, Any]:
    """Verdicts on people-taught models, as shipped, and what the refusal below 20 controls prevents."""
    verdicts = []
    for panel, models in panels(references).items():
        for name in kinds(references)["people"]:
            if name in {one.name for one in models}:
                for got in vendor_provenance(found, models, suspect=name):
                    if (
                        got.vendor in ("OpenAI", *OTHERS.values())
                        if panel in ("2023", "davinci")
                        else got.vendor == panel
                    ):
                        verdicts.append((name, panel, got))
    names = kinds(references)["people"]
    bare = [
        {"model": name, "candidate": key, "z": z, "controls": int(n)}
        for name, key, z, n in zip(
            scored.null.names, scored.null_of, scored.null.z.tolist(), scored.null.n, strict=True
        )
        if name in names and z >= THRESHOLD
    ]
    return {
        "models": len(names),
        "verdicts": len(verdicts),
        "suspected": sum(got.verdict.startswith("suspected") for _, _, got in verdicts),
        "no_verdict": sum(got.verdict.startswith("no verdict") for _, _, got in verdicts),
        "greatest_z_with_verdict": max(got.statistic for _, _, got in verdicts if not got.verdict.startswith("no v")),
        "reach_the_threshold_where_too_few_controls": bare,
    }


def untold() -> list[dict[str, Any]]:
    """Sets in which the controls do not suffice, however generously they are counted."""
    out = []
    for folder, of in UNTOLD.items():
        answers = read(folder)
        found = answer_similarity(answers.texts, prompts=answers.prompts, statistic=DEFAULT)
        apart = {*of["suspects"], *of["teachers"], *of["kin"]}
        generous = [Model(name=name, role="reference") for name in answers.texts if name not in apart]
        for suspect in of["suspects"]:
            models = [*teachers(of["teachers"]), *generous, Model(name=suspect, role="suspect")]
            for got in vendor_provenance(found, models, suspect=suspect):
                out.append(
                    {
                        "set": folder.split("/")[1],
                        "suspect": suspect,
                        "vendor": got.vendor,
                        "controls_if_all_were_clean": got.n,
                        "prompts": got.prompts,
                        "ngrams": got.ngrams,
                        "verdict": got.verdict,
                    }
                )
    return out


def measure(statistics: Iterable[str] = tuple(STATISTICS), every: int = 1) -> dict[str, Any]:
    """All of it; `every` takes each so-manieth prompt."""
    answers = read(SET, every)
    references = declared(name for name in answers.texts if name not in {*INTERFACES, DAVINCI, "gpt4_1106_preview"})
    groups = kinds(references)
    out: dict[str, Any] = {
        "prompts": len(answers.prompts or ()),
        "models": len(answers.texts),
        "references": groups,
        "threshold": THRESHOLD,
        "statistics": {},
    }
    for statistic in statistics:
        found = answer_similarity(answers.texts, prompts=answers.prompts, statistic=statistic)
        scored = score(found, references)
        of_students: dict[str, dict[str, Any]] = {}
        for group in ("openai-2023", "davinci"):
            mine = {name: z for (name, _), z in scored.students.items() if name in groups[group]}
            of_students[group] = auc(np.array(list(mine.values())), [references[n].kin for n in mine], scored)
            of_students[group]["z"] = mine
        twins = auc(np.array([one["z"] for one in scored.same]), [one["suspect"] for one in scored.same], scored)
        n = len(scored.null.z)
        made = {
            "auc": {"same weights": twins, **of_students},
            "same": scored.same,
            "null": {
                "pairs": n,
                "families": len(set(scored.null.families)),
                "greatest_z": float(scored.null.z.max()),
                **{str(p): share(int((scored.null.pvalue <= p).sum()), n) for p in (0.05, 0.01, 0.001)},
                "with_20_controls": share(
                    int((scored.null.pvalue <= 0.05)[scored.null.n >= 20].sum()), int((scored.null.n >= 20).sum())
                ),
            },
            "ratios": ratios(scored, references),
            "nearest": nearest(found, scored, references),
        }
        if statistic == DEFAULT:
            made |= {"people": people(found, references, scored), "naive": naive(answers, scored, references)}
        out["statistics"][statistic] = made
    out["untold"] = untold()
    return out


def marks(record: dict[str, Any]) -> list[tuple[str, float, str, bool]]:
    """Each mark with its value, by the default statistic."""
    of = record["statistics"][DEFAULT]
    null = of["null"]
    values = {
        "AUC, same weights": of["auc"]["same weights"]["auc"],
        "AUC, OpenAI-2023 students": of["auc"]["openai-2023"]["auc"],
        "AUC, other students": of["auc"]["davinci"]["auc"],
        "null pairs, p at most .05": null["0.05"]["share"],
        "null pairs, p at most .01": null["0.01"]["share"],
        "people-taught models suspected as shipped": of["people"]["suspected"],
        "naive test over prompts against people-taught, p at most .001": of["naive"]["people-taught models"]["0.001"][
            "share"
        ],
    }
    return [
        (name, value, f"{MARKS[name][0]} to {MARKS[name][1]}", MARKS[name][0] <= value <= MARKS[name][1])
        for name, value in values.items()
    ]


def markdown(record: dict[str, Any]) -> str:
    """All tables."""
    of = record["statistics"][DEFAULT]
    lines = [
        [name, number(value), asked, "pass" if passed else "**miss**"] for name, value, asked, passed in marks(record)
    ]

    def shown(part: dict[str, Any] | None) -> str:
        return "-" if part is None else f"{part['found']} of {part['texts']} ({within(part)})"

    def curve(one: dict[str, Any]) -> str:
        return f"{one['auc']:.3f} ({one['interval'][0]:.2f} to {one['interval'][1]:.2f})"

    every = [
        [
            name,
            *(curve(one["auc"][group]) for group in ("same weights", "openai-2023", "davinci")),
            *(number(one["null"][p]["share"]) for p in ("0.05", "0.01")),
            f"{one['ratios']['cllr']:.2f}",
        ]
        for name, one in record["statistics"].items()
    ]
    firsts = [
        [how, shown(one["first"]), shown(one["among three"]), shown(one["vendor first"])]
        for how, one in of["nearest"]["by"].items()
    ]
    twins = [
        [
            one["suspect"],
            one["teacher"],
            one["what"],
            f"{one['z']:.1f}",
            f"{one['interval'][0]:.1f} to {one['interval'][1]:.1f}",
            one["controls"],
            one["verdict"].split(":")[0],
        ]
        for one in of["same"]
    ]
    rates = [
        [level, shown(of["null"][level]), *(shown(one[level]) for one in of["naive"].values())]
        for level in ("0.05", "0.01", "0.001")
    ]
    by_model: dict[tuple[Any, ...], list[str]] = {}
    for one in record["untold"]:
        key = tuple(one[k] for k in ("set", "suspect", "controls_if_all_were_clean", "prompts", "ngrams", "verdict"))
        by_model.setdefault(key, []).append(one["vendor"])
    silent = [[*key[:2], ", ".join(vendors), *key[2:4], f"{key[4]:g}", key[5]] for key, vendors in by_model.items()]
    return "\n\n".join(
        (
            "### Marks\n\n" + table("mark | value | asked | ", lines),
            "### By statistic\n\n"
            + table(
                "statistic | same weights | OpenAI-2023 students | davinci students | p <= .05 | p <= .01 | Cllr", every
            ),
            f"### The true group first, of {of['nearest']['candidates']}\n\n"
            + table("by | first | among three | the vendor first", firsts),
            "### Same weights\n\n" + table("model | as | truth | z | 95 % | controls | verdict", twins),
            "### Null pairs\n\n"
            + table(
                "level | z among clean controls | prompts, against other teachers | prompts, against people-taught",
                rates,
            ),
            "### What cannot be told\n\n"
            + table("set | model | vendor | controls at most | prompts | n-grams | answer", silent),
        )
    )

"""The four measurements. Each takes a size or seeds, so that tests run them on less, and returns plain values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt
import overproof as op
from scipy.special import betaincinv
from scipy.stats import mannwhitneyu

from benches.validity import data

Floats = npt.NDArray[np.float64]
BOTH = data.TEACHER
K1 = "k1_paired/alpaca_eval/"
K2 = "k2_sft/"
TRUTH: tuple[tuple[tuple[str, ...], tuple[str, ...], str], ...] = (
    ((K2 + "gpteacher_codegen_gpt4",), (K2 + "codealpaca_new_SUSPECT",), "copy"),
    ((K2 + "alpaca_gpt4_demo999",), (K2 + "limo_copy_of_llamafactory_demo_SUSPECT",), "copy"),
    (BOTH[:1], BOTH[1:], "part of the rows identical"),
    (BOTH, (K2 + "codealpaca_2k_davinci003",), "same teacher, other prompts: canonical code"),
    (BOTH, (K2 + "halueval_general_chatgpt",), "hard negative: same prompts, other teacher"),
    (BOTH, (K2 + "alpaca_gpt4_demo999",), "hard negative: same prompts, other teacher"),
    (BOTH, ("k3_human/dolly_3k",), "innocent: people"),
    (BOTH, (K2 + "gpteacher_roleplay_gpt4",), "innocent: other model, other prompts"),
    (BOTH, ("k4_contamination/licences",), "innocent"),
    (BOTH, ("k4_contamination/web_promptguide_en_a",), "innocent"),
    (BOTH, ("k4_contamination/shakespeare", "k4_contamination/us_inaugural"), "innocent: famous text"),
    (BOTH, (K1 + "alpaca-7b",), "student"),
    (BOTH, (K1 + "vicuna-7b",), "innocent: other teacher"),
    (BOTH, (K1 + "guanaco-7b",), "innocent: taught by people"),
    (BOTH, (K2 + "alpaca_zh_translation_part00",), "translated copy: out of reach"),
)
"""Served sets, suspect sets and truth, as the folder's README has them."""


def interval(hits: int, n: int) -> list[float]:
    """Exact 95 % binomial interval."""
    low = float(betaincinv(hits, n - hits + 1, 0.025)) if hits else 0.0
    return [low, float(betaincinv(hits + 1, n - hits, 0.975)) if hits < n else 1.0]


def share(hits: int, n: int) -> dict[str, Any]:
    """A count as a share."""
    return {"texts": n, "found": hits, "share": hits / n if n else None, "interval": interval(hits, n) if n else None}


def beside_prompt(rows: list[data.Row], needed: int) -> npt.NDArray[np.bool_]:
    """Rows with `needed` n-grams and more that do not stand in their own prompt: less cannot match."""
    shingler = op.Shingler(5)
    texts, prompts = (shingler.transform(column) for column in ([r.text for r in rows], [r.prompt for r in rows]))
    pairs = zip(np.split(texts.hashes, texts.indptr[1:-1]), np.split(prompts.hashes, prompts.indptr[1:-1]), strict=True)
    return np.array([len(np.setdiff1d(text, prompt, assume_unique=True)) >= needed for text, prompt in pairs])


def auc(positives: Iterable[Floats], negatives: Iterable[Floats]) -> dict[str, Any]:
    """Chance that a copy scores above an innocent, ties half."""
    a, b = np.concatenate(list(positives)), np.concatenate(list(negatives))
    return {"auc": float(mannwhitneyu(a, b).statistic / (len(a) * len(b))), "copies": len(a), "innocents": len(b)}


def truth_table() -> dict[str, Any]:
    """Every pair of corpora whose truth is known, and how well one score parts copies from innocents."""
    out: dict[str, Any] = {"rows": []}
    scored: dict[bool, list[tuple[Floats, dict[str, npt.NDArray[np.bool_]]]]] = {True: [], False: []}
    raw: dict[bool, list[tuple[Floats, dict[str, npt.NDArray[np.bool_]]]]] = {True: [], False: []}
    for served, suspect, truth in TRUTH:
        theirs = data.unique(served) if len(served) > 1 else data.read(served[0])
        ours = [row for name in suspect for row in data.read(name)]
        result = op.compare(data.corpus(theirs), data.corpus(ours), audit_texts=0)
        short = result.short
        known = {r.text.strip() for r in theirs if len(r.text.strip()) >= 40}
        copies = np.array([truth == "copy" or (truth.startswith("part") and r.text.strip() in known) for r in ours])
        rows = copies if copies.any() else np.full(len(ours), truth.startswith(("hard negative", "innocent")))
        enough = beside_prompt(ours, int(result.params["min_ngrams"]))
        of_rows = {"all": rows, "long_enough": rows & ~short, "enough_beside_prompt": rows & enough}
        scored[bool(copies.any())].append((result.scores["suspect"], of_rows))
        raw[bool(copies.any())].append((unmasked(theirs, ours, result.params["min_ngrams"]), of_rows))
        hits = result.matched
        out["rows"].append(
            {
                "served": [name.split("/")[1] for name in served],
                "suspect": [name.split("/", 1)[1].split("/")[-1] for name in suspect],
                "truth": truth,
                **share(int(hits.sum()), len(ours)),
                "too_short": int(short.sum()),
                "enough_beside_prompt": share(int((hits & enough).sum()), int(enough.sum())),
                "identical": share(int((hits & copies).sum()), int(copies.sum())) if copies.any() else None,
                "best": best(result, ours),
                "matches": [] if copies.any() else described(result, ours, theirs),
            }
        )
    for which in ("all", "long_enough", "enough_beside_prompt"):
        for kind, scores in (("auc", scored), ("auc_raw", raw)):
            parts = ([score[of_rows[which]] for score, of_rows in scores[copy]] for copy in (True, False))
            out[f"{kind}_{which}"] = auc(*parts)
    return out


def unmasked(theirs: list[data.Row], ours: list[data.Row], needed: float) -> Floats:
    """Best containment of each text in one served text before any layer, scaled down below `needed` n-grams."""
    shingler = op.Shingler(5, lists="both")
    served, suspect = (shingler.transform([row.text for row in rows]) for rows in (theirs, ours))
    top = op.similarity_topk(suspect, served, 1, metric="containment")
    sizes = np.diff(suspect.indptr)[top.left]
    out = np.zeros(len(ours))
    out[top.left] = top.score * np.minimum(1, top.score * sizes / needed)
    return out


def best(result: op.Comparison, ours: list[data.Row], most: int = 3) -> list[str]:
    """First words of the strongest matches."""
    return [data.first_words(ours[m["suspect_row"]["row"] - 1].text) for m in result.matches(most)]


def described(result: op.Comparison, ours: list[data.Row], theirs: list[data.Row]) -> list[dict[str, Any]]:
    """Every matched text once, by its strongest pair."""
    seen: dict[int, dict[str, Any]] = {}
    for match in result.matches():
        row = match["suspect_row"]["row"] - 1
        if row not in seen:
            seen[row] = {
                "row": row + 1,
                "ngrams": match["ngrams"],
                "containment_of_suspect": round(match["containment_of_suspect"], 3),
                "longest_run": match["longest_run"],
                "code": data.is_code(ours[row].text),
                "words": data.first_words(ours[row].text),
                "served": data.first_words(theirs[match["served_row"]["row"] - 1].text),
            }
    return list(seen.values())


def planted(seed: int = 0, every: int = 1) -> dict[str, Any]:
    """Copies of served texts of 20 words and more, each edited in each way, looked for among all served texts."""
    served = data.unique(BOTH, least=40)
    long = [r.text for r in served if len(r.text.split()) >= 20][::every]
    result: dict[str, Any] = {"served_texts": len(served), "planted": len(long), "seed": seed, "edits": []}
    remains = None
    ours = data.corpus(served)
    for edit in data.EDITS:
        found = op.compare(ours, data.plant(long, edit, seed), audit_texts=0).matched
        if remains is None:  # the first edit is none: what is not found even so holds nothing beside its own prompt
            remains = found.copy()
        result["edits"].append(
            {
                "edit": edit[0],
                **share(int(found.sum()), len(found)),
                "echo_apart": share(int(found[remains].sum()), int(remains.sum())),
            }
        )
    result["echo_of_own_prompt"] = int((~remains).sum()) if remains is not None else 0
    return result


def logs(seeds: Iterable[int]) -> dict[str, Any]:
    """What ``make_api_log.py`` plants by its own choice of edits and strengths, and its innocent corpus."""
    leaked: dict[str, Counter[str]] = {}
    by_edit: dict[str, Counter[str]] = {}
    crawled, others, alarms = Counter(), Counter(), []
    done = list(seeds)
    for seed in done:
        log, suspect, innocent, truth = data.made_log(seed)
        texts = {r["request_id"]: r["text"] for r in log}
        served = [data.Row(r["prompt"], r["text"]) for r in log]
        for tag, part in (("suspect", suspect), ("innocent", innocent)):
            ours = [data.Row(r["prompt"], r["text"]) for r in part]
            result = op.compare(data.corpus(served), data.corpus(ours), audit_texts=0)
            for row, hit in zip(part, result.matched.tolist(), strict=True):
                origin = truth[tag][row["doc_id"]]
                if origin["origin"] == "other_author":
                    others.update(texts=1, found=hit)
                    if hit:
                        alarms.append({"seed": seed, "corpus": tag, "words": data.first_words(row["text"])})
                elif len(texts[origin["request_id"]].split()) < 20:
                    continue
                elif origin["origin"] == "web":
                    crawled.update(texts=1, found=hit)
                else:
                    strength = "weak (.2 to .6)" if origin["strength"] < 0.6 else "strong (.6 to 1)"
                    leaked.setdefault(f"{origin['edit']}, {strength}", Counter()).update(texts=1, found=hit)
                    by_edit.setdefault(origin["edit"], Counter()).update(texts=1, found=hit)
    return {
        "seeds": done,
        "by_edit": {name: share(c["found"], c["texts"]) for name, c in sorted(by_edit.items())},
        "leaked": {name: share(c["found"], c["texts"]) for name, c in sorted(leaked.items())},
        "web_copies_of_served": share(crawled["found"], crawled["texts"]),
        "other_authors": share(others["found"], others["texts"]),
        "other_authors_found": alarms,
    }


def innocents(every: int = 1) -> dict[str, Any]:
    """Texts of people and of other models: how many match served texts that they cannot hold."""
    served = data.unique(BOTH, least=40)
    ours = data.corpus(served)
    kin = data.taught_by("text-davinci-003")
    apart = {*kin, K1 + "NullModel", data.SEEDS}
    other = [n for folder in ("k1_paired", "k3_human", "k4_contamination") for n in data.sets(folder) if n not in apart]
    groups = {
        "other prompts": [*other, K2 + "gpteacher_roleplay_gpt4"],
        "same prompts": [K2 + "halueval_general_chatgpt", K2 + "alpaca_gpt4_demo999"],
        "declared students": sorted(kin & set(data.sets("k1_paired")) - {K1 + "text_davinci_003"}),
        "same teacher": [K1 + "text_davinci_003"],
    }
    out: dict[str, Any] = {}
    for group, names in groups.items():
        of_group: dict[str, Any] = {"sets": len(names), "found": []}
        total, code = 0, 0
        for name in names:
            texts = data.read(name)[::every]
            result = op.compare(ours, data.corpus(texts), audit_texts=0)
            total, code = total + len(texts), code + sum(data.is_code(r.text) for r in texts)
            of_group["found"] += [{"set": name, **m} for m in described(result, texts, served)]
        hits = of_group["found"]
        of_group["all"] = share(len(hits), total)
        of_group["code"] = share(sum(m["code"] for m in hits), code)
        of_group["code_apart"] = share(sum(not m["code"] for m in hits), total - code)
        out[group] = of_group
    return out


def pairs_of_models(only: list[str] | None = None) -> dict[str, Any]:
    """All pairs of models that answered the same 805 prompts, by mean Jaccard and by matched texts.

    `only`: names of models, where all 51 are too many. NullModel gives one text to every prompt and is left out.
    A prompt to which both answers are empty counts for nothing.
    """
    names = only or [n.removeprefix(K1) for n in data.sets(K1) if not n.endswith("/NullModel")]
    prompts = {r["id"]: r["prompt"] for r in data.rows(K1 + "_prompts")}
    ids = sorted(prompts)
    texts = {}
    for name in names:
        of_model = {r["id"]: r["text"] for r in data.rows(K1 + name)}
        texts[name] = [of_model[i] for i in ids]
    corpora = {name: op.Corpus(t, prompts=[prompts[i] for i in ids], name=name) for name, t in texts.items()}
    sets = {n: {name: op.Shingler(n).transform(t) for name, t in texts.items()} for n in (4, 5)}
    matched = {}
    for name in names:
        first, *rest = [other for other in names if other != name]
        result = op.compare(
            corpora[name], corpora[first], control={other: corpora[other] for other in rest}, audit_texts=0
        )
        counts = {first: int(result.matched.sum()), **{k: v["found"] for k, v in _controls(result).items()}}
        matched.update({(name, other): count for other, count in counts.items()})
    found = [
        {
            "models": [a, b],
            **{f"jaccard_{n}": float(np.nanmean(op.jaccard(sets[n][a], sets[n][b]))) for n in (4, 5)},
            "matched_a_served": matched[a, b],
            "matched_b_served": matched[b, a],
        }
        for a, b in combinations(names, 2)
    ]
    keys = {
        "jaccard_5": lambda p: p["jaccard_5"],
        "jaccard_4": lambda p: p["jaccard_4"],
        "matched": lambda p: min(p["matched_a_served"], p["matched_b_served"]),
    }
    return {
        "prompts": len(ids),
        "models": len(names),
        "pairs": len(found),
        "first_by": {name: max(found, key=key)["models"] for name, key in keys.items()},
        "top": sorted(found, key=keys["jaccard_5"], reverse=True)[:10],
        "top_by_matched": sorted(found, key=keys["matched"], reverse=True)[:10],
    }


def _controls(result: op.Comparison) -> dict[str, dict[str, Any]]:
    return result.summary()["false_positives_measured"] or {}

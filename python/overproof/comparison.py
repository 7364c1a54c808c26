"""The result of `compare`: figures, matches with spans, and the ways out of the process."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from overproof._core import Spans, __version__
from overproof.join import Pairs

if TYPE_CHECKING:
    from overproof.corpus import Corpus

__all__ = ["SCHEMA", "STAGES", "Comparison"]

SCHEMA = "overproof-comparison-1"
STAGES = 4
"""Stages of the waterfall: raw, minus prompt echo, minus background, minus boilerplate."""
LISTED = 10_000
"""Matches that the JSON holds; beyond, all of them go to a Parquet file beside it."""
STRICT_RUN = 20
"""Tokens of a common run that make a match strict: eight 13-grams in a row."""
EXCERPTS = 25
"""Matches whose texts stand in the HTML report."""

MATCH = (
    *("suspect_id", "suspect_row", "served_id", "served_row", "ngrams", "containment_of_suspect"),
    *("containment_of_served", "longest_run", "tier", "layer", "account", "time", "model", "rarity", "spans"),
)
"""Keys of a match."""

LIMITS = (
    "Similarity only (rung L0): the figures do not say how the texts came into the suspect corpus.",
    '"Nothing found" is not "innocent": paraphrase, translation and edits of 30 % or more of the words are out of '
    "reach, and so is whatever is not in the served file.",
    "Famous quotations, canonical code, lists of facts and stock phrases can match without a copy.",
    "Texts of one corpus are not independent: the intervals describe a share and test nothing.",
)


class ControlCounts(NamedTuple):
    """The figures of one control corpus, by the same rule as the suspect's."""

    texts: int
    matched: int
    tokens: int
    tokens_matched: int
    served_texts_matched: int
    too_short: int


def _shared(one: str, other: str) -> str:
    """What it means that two sides, in the order of `Comparison._same_files`, hold the same file."""
    if one == "the background":
        return "its n-grams are masked, so nothing of it can match."
    if one == "the served side":
        return "what it holds was compared with itself."
    return "their shares are not those of different corpora."


def binomial_interval(hits: int, n: int, *, confidence: float) -> list[float]:
    """The exact interval of a share, [low, high] (Clopper and Pearson 1934).

    Raises
    ------
    MissingExtraError
        Without SciPy.

    Examples
    --------
    >>> [round(x, 3) for x in binomial_interval(0, 10, confidence=0.95)]
    [0.0, 0.308]
    """
    from overproof._extras import need

    special = need("scipy.special", extra="stats")
    tail = (1 - confidence) / 2
    low = float(special.betaincinv(hits, n - hits + 1, tail)) if hits else 0.0
    high = float(special.betaincinv(hits + 1, n - hits, 1 - tail)) if hits < n else 1.0
    return [low, high]


@dataclass(frozen=True, repr=False, eq=False)
class Comparison:
    """What `overproof.compare` found.

    Attributes
    ----------
    waterfall : list of dict
        Layers in order with what is left after each: ``layer, suspect_texts, served_texts, tokens, spans``. The length
        of a text is at each what the last one leaves of it, so that no layer exceeds the one before. A masked
        n-gram leads to the first served texts that hold it, as many as an unmasked one can lead to and 64 at least, so
        the layers before the last may show somewhat less than there was; what is left is exact.
    scores : dict of str to float64 arrays
        For ``suspect`` and each control: the largest share of a text's unmasked n-grams in one served text, scaled
        down where fewer than `min_ngrams` are shared; 0 where nothing is.
    best : int64[n, 4]
        For each suspect text and stage the best matching served row, or -1.
    short : bool[n]
        Suspect texts with so few n-grams that they can match nothing.
    """

    params: dict[str, Any]
    served: Corpus
    suspect: Corpus
    background: Corpus | None
    controls: dict[str, Corpus]
    control_counts: dict[str, ControlCounts]
    scores: dict[str, npt.NDArray[np.float64]]
    best: npt.NDArray[np.int64]
    pair_rows: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]
    verified: dict[str, npt.NDArray[Any]]
    waterfall: list[dict[str, Any]]
    tokens: npt.NDArray[np.uint32]
    short: npt.NDArray[np.bool_]
    empty: tuple[int, int]
    served_matched: int
    df_rule: dict[str, Any]
    recall: dict[str, dict[str, Any]] | None

    def __repr__(self) -> str:
        s = self.summary()
        return f"<Comparison: {s['suspect_texts_matched']:,} of {s['suspect_texts']:,} suspect texts match; rung L0>"

    @property
    def pairs(self) -> Pairs:
        """The matching pairs of suspect (left) and served (right) rows; score = containment of the suspect text."""
        left, right = self.pair_rows
        order = np.lexsort((right, left))
        return Pairs(
            left=left[order],
            right=right[order],
            score=self.verified["containment_of_suspect"][order].astype(np.float32),
            left_id=None if self.suspect.ids is None else self.suspect.ids.take(left[order]),
            right_id=None if self.served.ids is None else self.served.ids.take(right[order]),
            verified=True,
            rows=(len(self.suspect), len(self.served)),
            empty=self.empty,
            params=f"{self.params['shingler']};metric=containment;threshold={self.params['min_containment']}",
        )

    @property
    def spans(self) -> Spans:
        """The common spans of `pairs`: ``.row`` is the row of `pairs`, left is the suspect text, right the served."""
        left, right = self.pair_rows
        order = np.lexsort((right, left))
        place = np.empty(len(order), np.int64)
        place[order] = np.arange(len(order))
        row = place[self.verified["span_pair"]]
        by_row = np.argsort(row, kind="stable")
        table = self.verified["spans"][by_row].astype(np.int64)
        a, b, ac, bc, c, d, cc, dc = (np.ascontiguousarray(table[:, i]) for i in range(8))
        columns = [row[by_row], a, b, c, d, ac, bc, cc, dc]
        return Spans._from_state(columns, table[:, 8].astype(np.int32), f"{self.params['shingler']};within=matches")

    @property
    def matched(self) -> npt.NDArray[np.bool_]:
        """bool[n]: suspect texts that match a served one after all layers."""
        return self.best[:, -1] >= 0

    def summary(self) -> dict[str, Any]:
        """The figures of the whole comparison, as plain values (the ``summary`` of the JSON form)."""
        n, hits = len(self.suspect), int(self.matched.sum())
        false = {
            name: {"texts": c.texts, "found": c.matched, "interval": self._interval(c.matched, c.texts)}
            for name, c in self.control_counts.items()
            if c.too_short < c.texts
        }
        return {
            "suspect_texts": n,
            "suspect_texts_matched": hits,
            "matched_share": hits / n,
            "matched_interval": self._interval(hits, n),
            "suspect_tokens": int(self.tokens.sum(dtype=np.int64)),
            "suspect_tokens_matched": self.waterfall[-1]["tokens"],
            "suspect_texts_too_short": int(self.short.sum()),
            "served_texts": len(self.served),
            "served_texts_matched": self.served_matched,
            "df_rule": self.df_rule["rule"],
            "recall_measured": self.recall,
            "false_positives_measured": false or None,
            "rung": "L0",
        }

    def _interval(self, hits: int, n: int) -> list[float]:
        return binomial_interval(hits, n, confidence=self.params["confidence"])

    def matches(self, most: int | None = None) -> list[dict[str, Any]]:
        """The matching pairs, strongest first: more shared n-grams, then lower suspect row, then lower served row."""
        left, right = self.pair_rows
        ngrams = self.verified["ngrams"]
        order = np.lexsort((right, left, -ngrams.astype(np.int64)))[:most]
        starts = np.searchsorted(self.verified["span_pair"], np.arange(len(left) + 1))
        return [self._match(int(i), slice(int(starts[i]), int(starts[i + 1]))) for i in order]

    def _match(self, i: int, spans: slice) -> dict[str, Any]:
        a, b = int(self.pair_rows[0][i]), int(self.pair_rows[1][i])
        run = int(self.verified["longest_run"][i])
        containment = float(self.verified["containment_of_suspect"][i])
        return {
            "suspect_id": _at(self.suspect.ids, a),
            "suspect_row": self.suspect.row_of(a),
            "served_id": _at(self.served.ids, b),
            "served_row": self.served.row_of(b),
            "ngrams": int(self.verified["ngrams"][i]),
            "containment_of_suspect": containment,
            "containment_of_served": float(self.verified["containment_of_served"][i]),
            "longest_run": run,
            "tier": "strict" if run >= STRICT_RUN else "standard",
            "layer": "left",
            "account": _at(self.served.accounts, b),
            "time": _at(self.served.times, b),
            "model": None,
            "rarity": self._rarity(containment),
            "spans": [_span(row) for row in self.verified["spans"][spans].tolist()],
        }

    def _rarity(self, containment: float) -> float | None:
        """-log10 of the share of control texts that reach this containment, none counted as one."""
        ordered = self._control_scores
        if ordered is None:
            return None
        reached = len(ordered) - int(np.searchsorted(ordered, containment))
        return math.log10((len(ordered) + 1) / (reached + 1))

    @cached_property
    def _control_scores(self) -> npt.NDArray[np.float64] | None:
        scores = [values for name, values in self.scores.items() if name != "suspect"]
        return np.sort(np.concatenate(scores)) if scores else None

    def warnings(self) -> list[str]:
        """What a reader must know before the figures."""
        out = []
        if not self.matched.any():
            out.append(
                f"No suspect text matches: {len(self.suspect):,} were compared with {len(self.served):,} served texts. "
                'That is not "innocent"; see the recall measured in this run and the limits.'
            )
        out += self._same_files()
        if not self.controls:
            out.append("No control corpus was given: nothing here says how often this rule finds served text in vain.")
        out += [
            f"{c.too_short:,} of {c.texts:,} texts of control {name} are too short to match: "
            + ("it shows nothing." if c.too_short == c.texts else "its share says little.")
            for name, c in self.control_counts.items()
            if c.too_short > c.texts / 2
        ]
        for name, corpus in (("served", self.served), ("suspect", self.suspect)):
            if corpus.prompts is None:
                out.append(f"The {name} side has no prompts: text that answers take over from their prompt may match.")
        if self.df_rule["served_texts_losing_half"] > 0.01:
            share = 100 * self.df_rule["served_texts_losing_half"]
            out.append(f"{share:.2g} % of the served texts are mostly boilerplate of each other: hard to find.")
        if self.recall and self.recall["verbatim"]["found"] < 0.9 * self.recall["verbatim"]["planted"]:
            out.append("Fewer than 90 % of the planted verbatim copies were found: the figures are low by far.")
        return out

    def _same_files(self) -> list[str]:
        controls = {f"control {name}": corpus for name, corpus in self.controls.items()}
        sides = {"the served side": self.served, "the suspect": self.suspect, **controls}
        behind = {} if self.background is None else {"the background": self.background}
        files = {name: {source.sha256 for source in side.sources} - {None} for name, side in (behind | sides).items()}
        return [
            f"{one[0].upper()}{one[1:]} and {other} share a file: {_shared(one, other)}"
            for one, other in combinations(files, 2)
            if files[one] & files[other]
        ]

    def not_tested(self) -> list[str]:
        """What this comparison did not look at."""
        short = int(self.short.sum())
        out = ["No test against chance: there are no unserved redraws."]
        if short:
            tokens = self.params["n"] + self.params["min_ngrams"] - 1
            out.append(
                f"{short:,} suspect texts have fewer than {self.params['min_ngrams']:g} n-grams (as a rule, fewer than "
                f"{tokens:g} tokens) and cannot match."
            )
        if self.background is None:
            out.append("No background corpus was given: text that stands on the public web was not discounted.")
        if self.served.accounts is None:
            out.append("Accounts: no account field was given.")
        if self.recall is None:
            out.append("Recall was not measured: no served text of 20 tokens or more, or audit_texts=0.")
        return out

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain values, with at most 10,000 matches, the strongest.

        Returns
        -------
        dict
            Keys ``schema, version, params, inputs, summary, controls, waterfall, matches, matches_total,
            matches_file, limits, warnings, not_tested``.
        """
        return {
            "schema": SCHEMA,
            "version": __version__,
            "params": self.params,
            "inputs": self._inputs(),
            "summary": self.summary(),
            "controls": [
                {
                    "name": name,
                    **c._asdict(),
                    "share": c.matched / c.texts,
                    "interval": self._interval(c.matched, c.texts),
                }
                for name, c in self.control_counts.items()
            ],
            "waterfall": self.waterfall,
            "matches": self.matches(LISTED),
            "matches_total": len(self.pair_rows[0]),
            "matches_file": None,
            "limits": list(LIMITS),
            "warnings": self.warnings(),
            "not_tested": self.not_tested(),
        }

    def _inputs(self) -> list[dict[str, Any]]:
        sides = [("served", self.served.name, self.served), ("suspect", self.suspect.name, self.suspect)]
        sides += [("control", name, corpus) for name, corpus in self.controls.items()]
        sides += [("background", self.background.name, self.background)] if self.background is not None else []
        out: list[dict[str, Any]] = []
        for role, name, corpus in sides:
            base: dict[str, Any] = {"role": role, "name": name, "revision": None}
            if corpus.sources:
                out += [
                    base | {"path": s.path, "sha256": s.sha256, "rows": s.rows, "skipped": dict(s.skipped)}
                    for s in corpus.sources
                ]
            else:
                out.append(base | {"path": None, "sha256": None, "rows": len(corpus), "skipped": {}})
        return out

    def to_json(self, path: str | Path) -> None:
        """Write `to_dict` to `path`; with more than 10,000 matches all go to ``<path>.matches.parquet`` as well.

        Raises
        ------
        MissingExtraError
            More than 10,000 matches without PyArrow.
        InputError
            The folder cannot be written to. No partial file is left under the final name.
        """
        from overproof._files import atomic_path

        result = self.to_dict()
        if result["matches_total"] > LISTED:
            beside = Path(path).with_suffix(".matches.parquet")
            self.to_parquet(beside)
            result["matches_file"] = beside.name
        with atomic_path(path) as temporary:
            temporary.write_text(
                json.dumps(result, ensure_ascii=False, indent=1, allow_nan=False) + "\n", encoding="utf-8", newline="\n"
            )

    def to_parquet(self, path: str | Path) -> None:
        """Write all matches, with their spans as a list column, to a Parquet file.

        Raises
        ------
        MissingExtraError
            Without PyArrow.
        """
        from overproof._extras import need
        from overproof._tables import write_parquet

        arrow = need("pyarrow", extra="arrow")
        write_parquet(arrow.Table.from_pylist(self.matches(), schema=_schema(arrow)), path)

    def excerpts(self, most: int = EXCERPTS) -> list[dict[str, Any]]:
        """The strongest match of each suspect text, with both texts, strongest first."""
        seen: set[int] = set()
        out = []
        left, right = self.pair_rows
        order = np.lexsort((right, left, -self.verified["ngrams"].astype(np.int64)))
        starts = np.searchsorted(self.verified["span_pair"], np.arange(len(left) + 1))
        for i in order.tolist():
            a, b = int(left[i]), int(right[i])
            if a in seen:
                continue
            seen.add(a)
            out.append(
                self._match(i, slice(int(starts[i]), int(starts[i + 1])))
                | {
                    "suspect_text": self.suspect.texts[a] or "",
                    "served_text": self.served.texts[b] or "",
                    "prompt": _at(self.served.prompts, b),
                }
            )
            if len(out) == most:
                break
        return out

    def to_html(self, path: str | Path) -> None:
        """Write the report: one HTML file that opens offline, all text escaped.

        Raises
        ------
        MissingExtraError
            Without Jinja2.
        InputError
            The folder cannot be written to. No partial file is left under the final name.
        """
        from overproof._files import atomic_path
        from overproof.report.html import render

        scores = {name: values.tolist() for name, values in self.scores.items()}
        page = render(self.to_dict(), excerpts=self.excerpts(), scores=scores)
        with atomic_path(path) as temporary:
            temporary.write_text(page, encoding="utf-8", newline="\n")


def _schema(arrow: Any) -> Any:
    """The columns of the Parquet file: the keys of a match, whether there is any or not."""
    place = arrow.struct([(name, arrow.int64()) for name in ("start", "end", "start_char", "end_char")])
    row = arrow.struct([("file", arrow.string()), ("row", arrow.int64())])
    span = arrow.struct([("suspect", place), ("served", place), ("tokens", arrow.int64())])
    kinds = {
        "suspect_row": row,
        "served_row": row,
        "ngrams": arrow.int64(),
        "containment_of_suspect": arrow.float64(),
        "containment_of_served": arrow.float64(),
        "longest_run": arrow.int64(),
        "rarity": arrow.float64(),
        "spans": arrow.list_(span),
    }
    return arrow.schema([(name, kinds.get(name, arrow.string())) for name in MATCH])


def _at(column: Any, i: int) -> str | None:
    return None if column is None else column[i]


def _span(row: list[int]) -> dict[str, Any]:
    def side(at: int) -> dict[str, int]:
        return dict(zip(("start", "end", "start_char", "end_char"), row[at : at + 4], strict=True))

    return {"suspect": side(0), "served": side(4), "tokens": row[8]}

"""A case on disk: what an investigation found, in tables from which every statistic can be computed again."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from overproof._extras import need
from overproof._files import atomic_path
from overproof._tables import write_parquet
from overproof.errors import FormatError, InputError

NOT_REACHED = "the test on the whole corpus does not reach rung L1."
"""Why no account is named where the corpus test does not hold."""

__all__ = ["SCHEMA", "UNSEEN", "Case"]

SCHEMA = "overproof-case-1"
RESULT = "case.json"
REPORT = "report.html"
PLAN = "plan.json"
PRIVATE = "private.accounts.csv"
"""Pseudonyms with the accounts behind them: it is not for sharing, and readable by its owner alone."""
KINDS = {"accounts": ("pseudonym", "only_here"), "groups": ("group", "only_here_group")}
"""Of accounts and groups, the columns of the events that name them and that say whether nobody else was served."""
RANK = "rank among controls"
CONFIDENCE = 0.95
"""Of the intervals of an investigation's own audit."""
UNSEEN = ("scores", "matches and their counts", "self-tests", "recall", "false positives", "the time line", "examples")
"""What `Case.verify` takes as the case states it: it needs the texts, or the log."""
EXACT = 1e-12
"""Relative difference up to which two computations of a statistic are the same."""


@dataclass(frozen=True, repr=False, eq=False)
class Case:
    """What `overproof.evidence.investigate` found.

    Attributes
    ----------
    result : dict
        The content of ``case.json``; docs/case-json.md says what each key means.
    columns : dict of str to dict
        The tables by name, each a dict of columns: ``events`` has a row for each suspect and each unit that was tested,
        with the scores of all of its drafts; ``accounts`` and ``groups`` a row each.
    private : mapping of str to str
        Pseudonym to account; empty in a case that was opened.
    """

    result: dict[str, Any]
    columns: dict[str, dict[str, Any]]
    private: Mapping[str, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        reached = {one["suspect"]: one["rung"] for one in self.result["rungs"]}
        return f"<Case: {', '.join(f'{name}: rung {rung}' for name, rung in reached.items())}>"

    @property
    def tables(self) -> list[str]:
        """Names of the tables, ascending."""
        return sorted(self.columns)

    def table(self, name: str) -> Any:
        """One table as ``pyarrow.Table``.

        Raises
        ------
        InputError
            There is no such table.
        MissingExtraError
            Without PyArrow.
        """
        if name not in self.columns:
            raise InputError(f"the case has no table {name!r}; it has {', '.join(self.tables)}")
        arrow = need("pyarrow", extra="arrow")
        return arrow.table(self.columns[name])

    def scores(self, suspect: str) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
        """The scores of one suspect, float64[n, K + 1], and which rows were served after it was published, bool[n]."""
        events = self.columns["events"]
        rows = [i for i, name in enumerate(events["suspect"]) if name == suspect]
        width = max((len(events["scores"][i]) for i in rows), default=1)
        table = np.full((len(rows), width), np.nan)
        for at, i in enumerate(rows):
            one = [np.nan if score is None else score for score in events["scores"][i]]
            table[at, : len(one)] = one
        return table, np.array([events["role"][i] == "placebo" for i in rows], np.bool_)

    def _strata(self, suspect: str) -> list[str] | None:
        """The stratum of each row of one suspect; None where the plan has none."""
        events = self.columns["events"]
        return (
            None
            if self.result["plan"]["strata"] is None
            else [label for name, label in zip(events["suspect"], events["stratum"], strict=True) if name == suspect]
        )

    def verify(self) -> list[str]:
        """Compute again what follows from the table of events: tests, rungs, sensitivity, placebo, accounts and groups.

        Needs neither the log nor the suspect: whoever holds the case can do it. That hash and grade are those of the
        plan, and that p-values are refused where grade or self-tests ask for it, is checked too. What only the texts
        show is not (`UNSEEN`): of their counts, all that is said twice or follows from them is held together.

        Returns
        -------
        list of str
            Differences, a sentence each; empty where all statistics are the same to 1e-12.
        """
        from overproof.evidence.assemble import rung_of
        from overproof.evidence.battery import battery, over_suspects
        from overproof.evidence.investigate import refusal

        out = self._verify_plan()
        refused = refusal(self.result["plan"]["grade"], self.result["plan"]["why_grade"], self.result["self_tests"])
        plan, again = self.result["plan"], []
        stated = {(one["suspect"], one["name"]): one for one in self.result["tests"]}
        for suspect in dict.fromkeys(one["suspect"] for one in self.result["tests"]):
            table, after = self.scores(suspect)
            recall = stated[suspect, "leak rate"]
            again.append(
                battery(
                    table,
                    suspect=suspect,
                    tau=plan["tau"],
                    alpha=plan["alpha"],
                    lam=plan["lam"],
                    after=after,
                    strata=self._strata(suspect),
                    plans=plan["plans_against"][suspect],
                    planted=recall["planted"],
                    found=recall["found"],
                    left_out=plan["redraws"]["left_out"],
                    refused=refused,
                    rng=self.result["manifest"]["seeds"]["permutation"],
                )
            )
        blocks = [self.result, *self.result["others"]]
        for one, block, rung in zip(over_suspects(again), blocks, self.result["rungs"], strict=True):
            for test in one.tests():
                out += _differences(f"{one.suspect}, {test['name']}", stated.get((one.suspect, test["name"])), test)
            made = one.block()
            reached = made.pop("rung")
            out += _differences(one.suspect, block, made)
            blocked = refused or ("" if reached["reached"] else NOT_REACHED)
            found = {name: self._people(one.suspect, block[name], name, blocked) for name in ("accounts", "groups")}
            for name, rows in found.items():
                for said, row in zip(block[name], rows, strict=True):
                    out += _differences(f"{one.suspect}, {said[KINDS[name][0]]}", said, row)
            climbed = rung_of(reached, found["accounts"], found["groups"])
            out += _differences(f"{one.suspect}, rung", rung, climbed)
            out += self._verify_figures(one.suspect, block, stated, climbed["rung"])
        return [*out, *self._verify_audit()]

    def _verify_figures(
        self, suspect: str, block: Mapping[str, Any], stated: Mapping[tuple[str, str], Mapping[str, Any]], rung: str
    ) -> list[str]:
        """What follows from the counts of a comparison, which only the texts show, from the plan, and from scores."""
        from overproof.comparison import binomial_interval
        from overproof.evidence.controls import rank_among_controls
        from overproof.evidence.investigate import survival_of

        def shares(hits: int, texts: int) -> tuple[float, list[float]]:
            return hits / texts, binomial_interval(hits, texts, confidence=block["params"]["confidence"])

        plan, summary, left = self.result["plan"], block["summary"], block["waterfall"][-1]
        texts = next(one["rows"] for one in plan["suspects"] if one["name"] == suspect)
        share, interval = shares(summary["suspect_texts_matched"], texts)
        out, false = [], {}
        for one in block["controls"]:
            of_control, reach = shares(one["matched"], one["texts"])
            out += _differences(f"{suspect}, control {one['name']}", one, {"share": of_control, "interval": reach})
            false[one["name"]] = {"texts": one["texts"], "found": one["matched"], "interval": reach}
        computed = {
            "rung": rung,
            "suspect_texts": texts,
            "suspect_texts_matched": left["suspect_texts"],
            "matched_share": share,
            "matched_interval": interval,
            "suspect_tokens_matched": left["tokens"],
            "served_texts": plan["log"]["rows"],
            "recall_measured": self.result["audit"] or None,
            "false_positives_measured": false or None,
        }
        out += _differences(f"{suspect}, summary", summary, computed)
        if false:
            rank = rank_among_controls(share, [one["share"] for one in block["controls"]]).to_dict()
            out += _differences(f"{suspect}, {RANK}", stated.get((suspect, RANK)), rank)
        scores, after = self.scores(suspect)
        return out + _differences(f"{suspect}, survival", block["survival"], survival_of(scores[~after]))

    def _verify_audit(self) -> list[str]:
        """Intervals of what audit and innocents count, the recall beside the leak rate, what self-tests pass."""
        from overproof.comparison import binomial_interval
        from overproof.evidence.investigate import USUAL_EDIT

        out = []
        counted = [(one["edit"], one["planted"], one) for one in self.result["audit"]]
        counted += [(one["name"], one["texts"], one) for one in self.result["false_positives"]]
        for name, total, one in counted:
            made = binomial_interval(one["found"], total, confidence=CONFIDENCE)
            out += _differences(f"audit, {name}", one, {"interval": made})
        nothing = {"planted": 0, "found": 0}
        usual = next((one for one in self.result["audit"] if one["edit"] == USUAL_EDIT), nothing)
        for test in self.result["tests"]:
            if test["name"] == "leak rate":
                computed = {key: usual[key] for key in nothing}
                out += _differences(f"{test['suspect']}, leak rate", test, computed)
        for test in self.result["self_tests"]:
            if test["pvalue"] is not None:
                out += _differences(f"self-test, {test['name']}", test, {"passed": test["pvalue"] >= test["level"]})
        return out

    def _verify_plan(self) -> list[str]:
        from overproof.evidence.plan import Plan

        stated = self.result["plan"]
        fields = {name: stated[name] for name in Plan.__dataclass_fields__}
        plan = Plan(**fields | {"suspects": tuple(fields["suspects"])})
        return _differences("plan", stated, {"hash": plan.hash, "grade": plan.grade, "why_grade": plan.why_grade})

    def _people(self, suspect: str, stated: list[dict[str, Any]], name: str, refused: str) -> list[dict[str, Any]]:
        """What the table of events says of the accounts, or the groups, that a case states."""
        from overproof.evidence.people import group_words, rows_of, untested

        label, alone, words = KINDS[name][0], KINDS[name][1], group_words if name == "groups" else str
        events = self.columns["events"]
        mine = [i for i, one in enumerate(events["suspect"]) if one == suspect]
        at = [
            place
            for place, i in enumerate(mine)
            if events["role"][i] == "test" and events["pseudonym"][i] is not None and events[label][i] is not None
        ]
        labels = [events[label][mine[place]] for place in at]
        here = [events[alone][mine[place]] for place in at]
        found = rows_of(
            self.scores(suspect)[0][at],
            labels,
            tau=self.result["plan"]["tau"],
            alpha=self.result["manifest"]["params"]["account_alpha"],
            only_here=np.array(here, np.bool_) if here and here[0] is not None else None,
            called={one: words(one) for one in labels},
            plans=self.result["plan"]["plans_against"][suspect],
            refused=refused,
        )
        return [found.get(one[label]) or untested(words(one[label])) for one in stated]

    def save(self, folder: str | os.PathLike[str], *, plan: bytes = b"") -> None:
        """Write ``case.json``, the tables as Parquet, and the report; each file appears whole or not at all.

        Parameters
        ----------
        folder : path
            Made where it is missing; refused where it holds a case already.
        plan : bytes
            The plan's file, kept beside as ``plan.json``.

        Raises
        ------
        InputError
            The folder holds a case, or cannot be written.
        MissingExtraError
            Without PyArrow or Jinja2.
        """
        from overproof.report.case import render

        need("pyarrow.parquet", extra="arrow")
        target = Path(folder)
        if (target / RESULT).exists():
            raise InputError(f"{target} holds a case already: name another folder, or remove it")
        target.mkdir(parents=True, exist_ok=True)
        page = render(self.result)
        for name in self.tables:
            write_parquet(self.table(name), target / f"{name}.parquet")
        if self.private:
            _write_private(target / PRIVATE, self.private)
        if plan:
            with atomic_path(target / PLAN) as part:
                part.write_bytes(plan)
        with atomic_path(target / REPORT) as part:
            part.write_text(page, encoding="utf-8", newline="\n")
        # Last: a folder with this file holds all the others.
        with atomic_path(target / RESULT) as part:
            text = json.dumps(self.result, ensure_ascii=False, indent=1, allow_nan=False)
            part.write_text(text + "\n", encoding="utf-8", newline="\n")

    @classmethod
    def open(cls, folder: str | os.PathLike[str]) -> Case:
        """Read a case that was saved.

        Raises
        ------
        InputError
            There is no case in the folder.
        FormatError
            A file of it is damaged, or of another format.
        MissingExtraError
            Without PyArrow.
        """
        parquet = need("pyarrow.parquet", extra="arrow")
        arrow = need("pyarrow", extra="arrow")
        path = Path(folder) / RESULT
        if not path.is_file():
            raise InputError(f"{folder}: holds no case ({RESULT} is missing): give the folder that --case named")
        try:
            result = json.loads(path.read_text(encoding="utf-8"))
        except (UnicodeDecodeError, json.JSONDecodeError) as error:
            raise FormatError(f"{path}: is no JSON: {error}") from error
        if not isinstance(result, dict) or result.get("schema") != SCHEMA:
            raise FormatError(f"{path}: is not of the format {SCHEMA}: read it with the version that wrote it")
        columns = {}
        for file in sorted(Path(folder).glob("*.parquet")):
            try:
                columns[file.stem] = parquet.read_table(file).to_pydict()
            except (arrow.ArrowInvalid, OSError) as error:
                raise FormatError(f"{file}: is damaged: {error}") from error
        if "events" not in columns:
            raise FormatError(f"{folder}: the table of events (events.parquet) is missing")
        return cls(result, columns)


def _differences(of: str, stated: Mapping[str, Any] | None, computed: Mapping[str, Any]) -> list[str]:
    if stated is None:
        return [f"{of}: the case does not state it"]
    return [
        f"{of}: {key} is stated as {stated.get(key)!r}, and comes out as {value!r}"
        for key, value in computed.items()
        if not _same(stated.get(key), value)
    ]


def _same(stated: Any, computed: Any) -> bool:
    if isinstance(stated, bool | str) or stated is None or isinstance(computed, bool | str) or computed is None:
        return bool(stated == computed)
    if isinstance(stated, list | tuple) != isinstance(computed, list | tuple):
        return False
    if isinstance(stated, list | tuple):
        return len(stated) == len(computed) and all(map(_same, stated, computed))
    if isinstance(stated, dict):
        return stated.keys() == computed.keys() and all(_same(stated[key], computed[key]) for key in stated)
    return bool(abs(stated - computed) <= EXACT * max(abs(stated), abs(computed)))


def _write_private(path: Path, accounts: Mapping[str, str]) -> None:
    import csv
    import io

    made = io.StringIO(newline="")
    rows = csv.writer(made, lineterminator="\n")
    rows.writerow(("pseudonym", "account"))
    rows.writerows(sorted(accounts.items()))
    with atomic_path(path) as part:
        part.chmod(0o600)
        part.write_text(made.getvalue(), encoding="utf-8")

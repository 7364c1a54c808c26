"""An investigation: a sealed plan, a log, its redraws and the suspects, to a case."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from overproof.build import build_info
from overproof.case import NOT_REACHED, Case
from overproof.compare import compare
from overproof.comparison import Comparison
from overproof.corpus import Corpus
from overproof.errors import InputError
from overproof.evidence import masks
from overproof.evidence.assemble import assemble, event_rows, inputs_of
from overproof.evidence.battery import Battery, battery, over_suspects
from overproof.evidence.commitment import verify_proof
from overproof.evidence.controls import rank_among_controls
from overproof.evidence.drafts import PreparedDrafts, score_drafts
from overproof.evidence.eligibility import Drafts, match_redraws
from overproof.evidence.examples import examples
from overproof.evidence.features import self_tests
from overproof.evidence.log import seconds
from overproof.evidence.only_here import served_only_here
from overproof.evidence.people import People, people, pseudonyms
from overproof.evidence.plan import corpus_digest
from overproof.evidence.recall import innocent_hits, planted_recall
from overproof.evidence.units import log_units, turns_of

if TYPE_CHECKING:
    from overproof.evidence.plan import Plan

__all__ = ["investigate"]

Float64 = npt.NDArray[np.float64]
Progress = Callable[[str, int, int], None]
DAY = 86_400
USUAL_EDIT = "10 % of words substituted"
"""The edit of the audit whose recall stands beside the leak rate."""


def investigate(
    plan: Plan,
    served: Corpus,
    redraws: Corpus,
    suspects: Mapping[str, Corpus],
    *,
    key: bytes,
    controls: Mapping[str, Corpus] | None = None,
    background: Corpus | None = None,
    groups: Mapping[str, Mapping[str, Any]] | None = None,
    plans: Mapping[str, int] | None = None,
    account_alpha: float = 0.05,
    audit_texts: int = 200,
    commitments: Sequence[Mapping[str, Any]] = (),
    command: str | None = None,
    ledger_head: str | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Case:
    """Test whether suspects hold what a log served, by a plan that was sealed before they were searched.

    Parameters
    ----------
    plan : Plan
        Sealed: it fixes suspects, tau, score, level, selection, redraws and groups, and is checked against them.
    served : Corpus
        The whole log, as `overproof.evidence.read_log` gives it.
    redraws : Corpus
        The redraws, as sealed.
    suspects : mapping of str to Corpus
        By the names that the plan has.
    key : bytes
        The plan's secret key: it derives the selection again, and makes the pseudonyms.
    controls : mapping of str to Corpus, optional
        Corpora that cannot hold what was served: innocents for the self-test, false positives, and the rank.
    background : Corpus, optional
        Texts whose n-grams count nowhere; they predate the suspects and the first leak, and hold no draft.
    groups : mapping of str to mapping, optional
        Groups of accounts as the plan fixed them.
    plans : mapping of str to int, optional
        Plans against each suspect, from the ledger; p-values are multiplied by it. 1 unless given.
    account_alpha : float
        Family-wise error rate of naming an account, and that of naming a group, for each suspect.
    audit_texts : int
        Records outside the test that are planted by each edit, to measure recall; 0: no audit.
    commitments : sequence of mappings, optional
        What `overproof commit` wrote for days of the log, with the records that were opened: all are checked.
    command, ledger_head : str, optional
        The command line, and the hash of the ledger's last entry, for the manifest.
    threads : int, optional
        At most this many threads; never changes a value.
    progress : callable(stage, done, total), optional
        Called between stages.

    Returns
    -------
    Case
        ``.result`` as docs/case-json.md describes it, ``.columns`` the tables; `Case.save` writes it.

    Raises
    ------
    InputError, IncompatibleError
        The plan is not sealed, or does not fit what is given: it was changed, or log, suspect, redraws or groups are
        others than it names; no redraw can take part; times or accounts are missing that it needs.
    MissingExtraError
        SciPy is missing.

    Notes
    -----
    No p-value is given for redraws of grade C, or where a self-test fails: the case then says so in its place. Time is
    that of `compare` for each suspect on the whole log, and of scoring the drafts; memory some 40 bytes an n-gram of
    the log beside the corpora.

    References
    ----------
    docs/evidence: what each test assumes, and why.
    """
    tell = progress or (lambda stage, done, total: None)
    controls = dict(controls or {})
    total = 4 + 4 * len(suspects)
    tell("checking the plan", 0, total)
    units = log_units(served, threads=threads)
    plan.check(log=served, suspects=suspects, redraws=redraws, key=key, groups=groups, units=units)
    _check_corpora(plan, controls, background)
    at = None if served.times is None else seconds(served)
    drafts = _without_time(match_redraws(served, redraws, units=units), at, plan)
    if not len(drafts.rows):
        said = "; ".join(f"{why}: {n:,}" for why, n in sorted(drafts.refused.items())) or "there is none"
        raise InputError(f"redraws: none can take part ({said}): draw again with the settings of what was served")
    trial = _Trial.of(plan, served, drafts, at=at, background=background, groups=groups, key=key, threads=threads)

    tell("asking the drafts alone", 1, total)
    tested, innocent = _self_tests(trial, controls)
    refused = refusal(plan.grade, plan.why_grade, tested)
    left_out = int((plan.redraws or {}).get("left_out", 0))
    tell("planting copies", 2, total)
    seed = int(plan.hash[:8], 16)
    how = trial.how | {"tau": plan.tau}
    recall: list[dict[str, Any]] = []
    if audit_texts:
        recall = planted_recall(served, drafts.rows, tokens=trial.tokens, key=key, seed=seed, most=audit_texts, **how)
    false = innocent_hits(drafts.served, trial.prompts, controls, **how) if controls else []
    tell("which drafts were served elsewhere", 3, total)
    here = _only_here(trial, groups)

    found: list[Battery] = []
    scores: dict[str, Float64] = {}
    waterfalls: dict[str, list[dict[str, Any]]] = {}
    best: dict[str, npt.NDArray[np.int64]] = {}
    compared: dict[str, Comparison] = {}
    base = next((one for one in recall if one["edit"] == USUAL_EDIT), {"planted": 0, "found": 0})
    against = {name: (plans or {}).get(name, 1) for name in suspects}
    for number, (name, suspect) in enumerate(suspects.items()):
        tell(f"scoring drafts against {name}", 4 + 4 * number, total)
        prepared = PreparedDrafts(drafts.served, drafts.redraws, suspect.texts, prompts=trial.prompts, **trial.how)
        scores[name], waterfalls[name] = prepared.scores(), prepared.waterfall(plan.tau)
        best[name] = prepared.best()[0]
        del prepared  # it is as large as the suspect
        tell(f"testing {name}", 5 + 4 * number, total)
        found.append(
            battery(
                scores[name],
                suspect=name,
                tau=plan.tau,
                alpha=plan.alpha,
                lam=plan.lam,
                after=trial.after,
                strata=_strata(plan, trial),
                plans=against[name],
                planted=base["planted"],
                found=base["found"],
                left_out=left_out,
                refused=refused,
                rng=seed,
            )
        )
        tell(f"comparing {name} with the whole log", 6 + 4 * number, total)
        compared[name] = compare(
            served, suspect, control=controls or None, background=background, audit_texts=0, threads=threads
        )
    main = ~trial.after
    blocks: dict[str, dict[str, Any]] = {}
    who: dict[str, People] = {}
    for number, one in enumerate(over_suspects(found)):
        name = one.suspect
        tell(f"accounts and examples of {name}", 7 + 4 * number, total)
        blocks[name] = _block(
            one,
            scores[name],
            compared[name],
            suspect=suspects[name],
            best=best[name],
            trial=trial,
            innocent=innocent,
        ) | {"drafts_waterfall": waterfalls[name]}
        blocked = refused or ("" if one.reasons[0] else NOT_REACHED)
        who[name] = people(
            scores[name][main],
            served,
            drafts.rows[main],
            tau=plan.tau,
            alpha=account_alpha,
            key=key,
            groups=groups,
            only_here=None if here is None else (here[0][main], here[1][main]),
            tokens=trial.tokens,
            at=trial.at,
            plans=against[name],
            refused=blocked,
        )
    tell("done", total, total)
    corpora = [("served", {"log": served}), ("suspect", suspects), ("redraws", {"redraws": redraws})]
    corpora += [("control", controls), ("background", {} if background is None else {"background": background})]
    of_plan = plan.to_dict() | {"hash": plan.hash, "grade": plan.grade, "why_grade": plan.why_grade}
    return assemble(
        plan=of_plan | {"K": int(drafts.k.max()), "plans_against": against},
        blocks=blocks,
        found=who,
        self_tests=tested,
        audit=recall,
        false_positives=false,
        excluded=drafts.refused
        | ({"a draft of its unit is missing (left out)": left_out} if left_out else {})
        | ({"texts of the background that hold a draft (they mask nothing)": trial.pages} if trial.pages else {}),
        not_tested=_not_tested(trial, plan, controls, background, groups),
        events=event_rows(
            scores,
            about=trial.about,
            after=trial.after,
            k=drafts.k,
            only_here=here,
            strata=_strata(plan, trial),
        ),
        manifest={
            "tool": build_info(),
            "inputs": [one for role, given in corpora for one in inputs_of(role, given)],
            "params": {"account_alpha": account_alpha, "audit_texts": audit_texts, "boilerplate": True},
            "fingerprint": f"{trial.how['shingler'].fingerprint:016x}",
            "seeds": {"permutation": seed, "audit": seed},
            "key_id": plan.key_id,
            "plan_hash": plan.hash,
            "merkle": [_committed(one, served) for one in commitments],
            "ledger_head": ledger_head,
            "command": command,
        },
    )


def _committed(one: Mapping[str, Any], log: Corpus) -> dict[str, Any]:
    """A day's commitment with the proofs of its opened records, which must hold and be records of this log."""
    proofs = one.get("proofs") or {}
    row_of = {name: row for row, name in enumerate(log.ids.to_list())} if log.ids is not None else {}
    for request, proof in proofs.items():
        record = proof.get("record", {})
        row = row_of.get(request)
        if not verify_proof(one, proof) or record.get("id") != request:
            raise InputError(f"commitments: the proof of {request!r} does not hold under the root {one.get('root')}")
        if row is None or record.get("text") != log.texts[row]:
            raise InputError(f"commitments: {request!r} was committed to with another text than the log has")
    stamped = one.get("timestamp") or {}
    return {
        "day": stamped.get("time") or one.get("created"),
        "root": one["root"],
        "records": one["size"],
        "proofs": len(proofs),
        "timestamp": stamped.get("sha256"),
    }


def _check_corpora(plan: Plan, controls: Mapping[str, Corpus], background: Corpus | None) -> None:
    """Controls and background that are the suspect, the log or the redraws say nothing of innocents."""
    of = {one["digest"]: f"the suspect {one['name']!r}" for one in plan.suspects}
    of |= {(plan.log or {}).get("digest"): "the log", (plan.redraws or {}).get("digest"): "the set of redraws"}
    named = {f"control {name!r}": one for name, one in controls.items()}
    for name, corpus in (named | ({} if background is None else {"background": background})).items():
        if (same := of.get(corpus_digest(corpus))) is not None:
            raise InputError(f"{name}: is {same} itself: give texts that cannot hold what was served")


def _without_time(drafts: Drafts, at: Float64 | None, plan: Plan) -> Drafts:
    """Leave out records of which it is not known whether they were served before the suspect was published."""
    if plan.published is None or at is None or not len(drafts.rows):
        return drafts
    kept = np.flatnonzero(~np.isnan(at[drafts.rows]))
    if not len(kept):
        raise InputError("the plan has a publication date, and no record that was drawn again has a time")
    return _kept(drafts, kept, "no time, so not known whether before the publication")


def _kept(drafts: Drafts, kept: npt.NDArray[np.int64], reason: str) -> Drafts:
    left = len(drafts.rows) - len(kept)
    if not left:
        return drafts
    return replace(
        drafts,
        rows=drafts.rows[kept],
        served=[drafts.served[i] for i in kept.tolist()],
        redraws=[drafts.redraws[i] for i in kept.tolist()],
        k=drafts.k[kept],
        refused={**drafts.refused, reason: left},
    )


def _strata(plan: Plan, trial: _Trial) -> list[str] | None:
    """The stratum of each row."""
    if plan.strata is None:
        return None
    column = trial.log.extra.get(plan.strata)
    if column is None:
        raise InputError(f"the plan has the strata {plan.strata!r}, and the log has no such field")
    return [column[i] or "not known" for i in trial.drafts.rows.tolist()]


def _not_tested(
    trial: _Trial, plan: Plan, controls: Mapping[str, Corpus], background: Corpus | None, groups: Any
) -> list[str]:
    """What this investigation did not look at."""
    out = []
    if trial.drafts.k.max() < 2:
        out.append("Whether served outputs and redraws are alike: that needs two redraws of a unit.")
    if plan.published is None:
        out.append("A time placebo: the plan has no publication date.")
    elif not trial.after.any():
        out.append("A time placebo: no output served after the suspect was published was drawn again.")
    if not controls:
        out.append("Declared innocents, false positives and the rank among controls: no control corpus was given.")
    if background is None:
        out.append("What stood on the public web: no background corpus was given.")
    if trial.log.accounts is None:
        out.append("Accounts: the log has none.")
    elif not groups:
        out.append("Groups of accounts: the plan has none.")
    return out


@dataclass(frozen=True)
class _Trial:
    """The drafts with all that the tests ask of their rows."""

    log: Corpus
    drafts: Drafts
    prompts: list[Any]
    after: npt.NDArray[np.bool_]
    tokens: npt.NDArray[np.int64]
    at: Float64 | None
    tau: float
    how: dict[str, Any]
    about: list[dict[str, Any]]
    published: npt.NDArray[np.bool_] | None
    """Which drafts stand in the background; None without any."""
    pages: int
    """Texts of the background that hold a draft: they mask nothing."""

    @classmethod
    def of(
        cls,
        plan: Plan,
        log: Corpus,
        drafts: Drafts,
        *,
        at: Float64 | None,
        background: Corpus | None,
        groups: Mapping[str, Mapping[str, Any]] | None,
        key: bytes,
        threads: int | None,
    ) -> _Trial:
        after = np.zeros(len(drafts.rows), np.bool_)
        if plan.published is not None:
            if at is None:
                raise InputError("the plan has a publication date, and the log has no times: give --time-field")
            after = at[drafts.rows] >= plan.published_seconds
        shingler, alone, pages = plan.make_shingler(), None, 0
        behind = None if background is None else background.texts
        if behind is not None:
            rows = [[own, *others] for own, others in zip(drafts.served, drafts.redraws, strict=True)]
            alone, held = masks.published(rows, behind, shingler, threads=threads)
            behind, pages = behind.take(np.flatnonzero(~held)), int(held.sum())
        how: dict[str, Any] = {
            "score": plan.score,
            "shingler": shingler,
            "background": None if behind is None else masks.as_one(behind, shingler, threads),
            "boilerplate": True,
            "threads": threads,
        }
        sets = how["shingler"].transform(log.texts, missing="keep", errors="replace", threads=threads)
        owners = None if log.accounts is None else log.accounts.take(drafts.rows).to_list()
        nick = pseudonyms([name for name in owners or [] if name is not None], key=key)
        group_of = {account: name for name, one in (groups or {}).items() for account in one["accounts"]}
        about = []
        for i, row in enumerate(drafts.rows.tolist()):
            owner = None if owners is None else owners[i]
            about.append(
                {
                    "request_id": None if log.ids is None else log.ids[row],
                    "time": None if log.times is None else log.times[row],
                    "pseudonym": nick.get(owner or ""),
                    "group": group_of.get(owner or ""),
                }
            )
        prompts = [_turns(log, row) for row in drafts.rows.tolist()]
        return cls(log, drafts, prompts, after, sets.tokens.astype(np.int64), at, plan.tau, how, about, alone, pages)

    @property
    def texts(self) -> list[list[str | None]]:
        """The served draft of each row, then its redraws."""
        return [[own, *others] for own, others in zip(self.drafts.served, self.drafts.redraws, strict=True)]


def _turns(log: Corpus, row: int) -> list[str | None]:
    """What a record's answer may echo: its prompt and all earlier turns."""
    messages = log.extra.get("messages")
    turns: list[str | None] = [text for _, text in turns_of(None if messages is None else messages[row])]
    return turns or [None if log.prompts is None else log.prompts[row]]


def _self_tests(trial: _Trial, controls: Mapping[str, Corpus]) -> tuple[list[dict[str, Any]], Float64 | None]:
    """Whether served drafts and redraws differ without the suspect; and the scores against the innocents."""
    served, redraws = trial.drafts.served, trial.drafts.redraws
    innocents = [text for corpus in controls.values() for text in corpus.texts.to_list()]
    table = None
    if innocents:
        table = score_drafts(served, redraws, innocents, prompts=trial.prompts, **trial.how)
    found = self_tests(served, redraws, innocents=table, threads=trial.how["threads"])
    out = [{"name": name, **one.to_dict(), "why": ""} for name, one in found.items()]
    if trial.drafts.k.max() < 2:
        why = "with one redraw a unit both drafts are equally like each other"
        nothing = {"statistic": None, "pvalue": None, "interval": None, "n": 0, "level": None, "assumption": ""}
        out.insert(0, {"name": "similarity to the other drafts", **nothing, "passed": None, "why": why})
    return out, table


def refusal(grade: str, why: str, tested: Sequence[Mapping[str, Any]]) -> str:
    """Why no p-value may be given, or nothing: the grade of the redraws with its reason, and the self-tests."""
    if grade == "C":
        return f"the redraws are of grade C, which is exploratory ({why})."
    failed = [one for one in tested if one["passed"] is False]
    if failed:
        which = " and ".join(f"{one['name']} (p = {one['pvalue']:.2g})" for one in failed)
        return f"served outputs and redraws differ without the suspect, in {which}: they were not drawn alike."
    return ""


def _only_here(
    trial: _Trial, groups: Mapping[str, Mapping[str, Any]] | None
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]] | None:
    """Whether each draft was served to no other account, and to no account outside the group of its own."""
    log = trial.log
    if log.accounts is None:
        return None
    owners = log.accounts.to_list()
    group_of = {account: ("group", name) for name, one in (groups or {}).items() for account in one["accounts"]}
    rows, width = trial.drafts.rows, 1 + int(trial.drafts.k.max())
    texts = [[*row, *[None] * (width - len(row))] for row in trial.texts]

    def asked(labels: Sequence[Hashable]) -> npt.NDArray[np.bool_]:
        mine = [labels[i] for i in rows.tolist()]
        return served_only_here(texts, mine, log.texts, labels, own_rows=rows, threads=trial.how["threads"])

    single = asked(owners)
    grouped = asked([group_of.get(name or "", name) for name in owners]) if group_of else single
    if trial.published is not None:
        # What stands on the web may have come from there: it shows nothing of an account.
        there = np.zeros_like(single)
        there[:, : trial.published.shape[1]] = trial.published[:, :width]
        single, grouped = single & ~there, grouped & ~there
    return single, grouped


def _block(
    one: Battery,
    scores: Float64,
    compared: Comparison,
    *,
    suspect: Corpus,
    best: npt.NDArray[np.int64],
    trial: _Trial,
    innocent: Float64 | None,
) -> dict[str, Any]:
    """What a case says of one suspect."""
    main, texts = ~trial.after, trial.texts
    rows = np.flatnonzero(main)
    made = compared.to_dict()
    tests = one.tests()
    if made["controls"]:
        summary = made["summary"]
        shares = [control["share"] for control in made["controls"]]
        ranked = rank_among_controls(summary["matched_share"], shares).to_dict()
        null = "the suspect is one more corpus like the controls"
        tests.append({"name": "rank among controls", "suspect": one.suspect, "null": null, "g_star": None, **ranked})
        tests[-1]["pvalue_adjusted"] = None
    return {
        "compared": made,
        "tests": tests,
        **one.block(),
        "survival": survival_of(scores[main], None if innocent is None else innocent[main]),
        "timeline": _timeline(trial, scores),
        "examples": examples(
            scores[main],
            [texts[i] for i in rows.tolist()],
            suspect,
            best[main],
            tau=trial.tau,
            prompts=[trial.prompts[i] for i in rows.tolist()],
            about=[trial.about[i] for i in rows.tolist()],
        ),
    }


def survival_of(scores: Float64, innocent: Float64 | None = None) -> dict[str, Any]:
    """Share of the served drafts, and of the redraws, whose score reaches each value; and against the controls."""
    most = np.nanmax(scores, initial=1.0)
    at = np.unique(np.concatenate([np.arange(5.0, 41.0), np.geomspace(40, max(41.0, most), 20).round()]))

    def share(values: Float64) -> list[float]:
        kept = np.sort(values[~np.isnan(values)])
        out: list[float] = ((len(kept) - np.searchsorted(kept, at)) / max(1, len(kept))).tolist()
        return out

    drawn = {"score": at.tolist(), "served": share(scores[:, 0]), "redraws": share(scores[:, 1:].ravel())}
    return drawn if innocent is None else drawn | {"controls": {"controls": share(innocent[:, 0])}}


def _timeline(trial: _Trial, scores: Float64) -> list[dict[str, Any]]:
    """By day (UTC): requests, units tested, and served drafts that reach tau."""
    if trial.at is None:
        return []
    day = np.floor(trial.at / DAY)
    requests = Counter(day[~np.isnan(day)].tolist())
    of_units = day[trial.drafts.rows]
    tested = Counter(of_units[~np.isnan(of_units)].tolist())
    hit = of_units[scores[:, 0] >= trial.tau]
    hits = Counter(hit[~np.isnan(hit)].tolist())
    return [
        {
            "day": datetime.fromtimestamp(d * DAY, UTC).strftime("%Y-%m-%d"),
            "requests": requests[d],
            "units_tested": tested[d],
            "hits": hits[d],
        }
        for d in sorted(requests)
    ]

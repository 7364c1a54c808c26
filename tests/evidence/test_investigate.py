"""From a plan to a case on a made log: what is found, what is refused, and that tables give the statistics again."""

import hashlib
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import overproof as op
import pytest
from overproof import simulate
from overproof.errors import FormatError, IncompatibleError, InputError
from overproof.evidence import Ledger, Plan, commit_log, investigate, plan_sample, plan_seal, read_log, read_redraws
from overproof.evidence.commitment import timestamp
from overproof.evidence.drawing import committed_at, row_hash, select
from overproof.evidence.plan import corpus_digest
from overproof.report.case_terminal import render

pytest.importorskip("pyarrow", reason="cases are Parquet files")
pytest.importorskip("jinja2", reason="cases have a report")

KEY = bytes(range(32))


@dataclass
class World:
    folder: Path
    truth: dict[str, Any]
    log: op.Corpus
    suspects: dict[str, op.Corpus]
    people: op.Corpus
    background: op.Corpus
    groups: dict[str, Any]
    made: Plan
    sampled: Plan
    sealed: Plan
    redraws: op.Corpus
    case: op.Case

    def run(self, plan: Plan | None = None, **changed: Any) -> op.Case:
        given: dict[str, Any] = {"served": self.log, "redraws": self.redraws, "suspects": self.suspects}
        given |= {"groups": self.groups, "key": KEY}
        given |= {"controls": {"people": self.people}, "background": self.background, "audit_texts": 20} | changed
        served, redraws, suspects = (given.pop(name) for name in ("served", "redraws", "suspects"))
        return investigate(plan or self.sealed, served, redraws, suspects, **given)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = tmp_path_factory.mktemp("case")
    made = simulate.api_log(
        3, requests=1500, accounts=30, template_users=20, templates=1, suspect=300, leak=120, pooled_share=0.3, web=40
    )
    paths = made.write(folder)
    log = read_log(paths["served"])
    read = {name: op.read_corpus(paths[name], name=name) for name in ("suspect", "innocent", "people", "background")}
    suspects = {"rival": read["suspect"], "other": read["innocent"]}
    pools = made.truth["groups"].items()
    groups = {name: {"accounts": accounts, "pvalue": 0.001, "why": {}} for name, accounts in pools}
    plan = Plan.new(suspects, key=KEY, tau=15, published=made.published, strata="model", created="2025-02-01T00:00:00Z")
    sampled = plan_sample(
        plan, log, suspects, folder / "ask.jsonl", key=KEY, select_by="prompt", draws=4, beacon="7", groups=groups
    )
    simulate.answer_batch(folder / "ask.jsonl", folder / "drawn.jsonl")
    sealed = plan_seal(sampled, log, folder / "drawn.jsonl", folder / "redraws.jsonl")
    built = World(
        folder, made.truth, log, suspects, read["people"], read["background"], groups, plan, sampled, sealed,
        read_redraws(folder / "redraws.jsonl"), None,  # type: ignore[arg-type]
    )  # fmt: skip
    built.case = built.run()
    return built


def drawn(world: World, change: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]) -> Path:
    rows = [json.loads(line) for line in (world.folder / "drawn.jsonl").read_bytes().splitlines()]
    path = world.folder / "changed.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in change(rows)))
    return path


def test_the_leak_is_found_and_the_innocent_is_not_accused(world: World) -> None:
    rival, other = world.case.result["rungs"]
    assert (rival["suspect"], rival["rung"]) == ("rival", "L2")
    assert (other["suspect"], other["rung"]) == ("other", "L0")
    assert world.sealed.grade == "B'"
    tests = {(one["suspect"], one["name"]): one for one in world.case.result["tests"]}
    assert tests["rival", "line-up"]["pvalue"] < 1e-4
    assert tests["rival", "line-up"]["g_star"] >= 3
    assert "stratum" in render(world.case.result)
    models = sorted(set(world.log.extra["model"].to_list()))
    strata = [one for (suspect, name), one in tests.items() if suspect == "rival" and "stratum" in name]
    assert [one["name"] for one in strata] == [f"line-up, stratum {model}" for model in models]
    assert sum(one["wins"] for one in strata) == tests["rival", "line-up"]["wins"]
    # It holds pages that publishers made of what they were served: few events, below the level.
    assert tests["other", "line-up"]["pvalue"] > world.sealed.alpha


def test_accounts_that_are_named_took_what_the_suspect_holds(world: World) -> None:
    roles = {world.case.private[one["pseudonym"]]: one for one in world.case.result["accounts"]}
    named = {world.truth["accounts"][name] for name, one in roles.items() if one["verdict"] == "named"}
    assert "pooled" in named
    assert named <= {"pooled", "reseller", "publisher"}
    group = world.case.result["groups"][0]
    assert (group["verdict"], len(group["members"])) == ("named", len(world.groups["group-00"]["accounts"]))
    assert "route is not shown" in group["sentence"]
    text = json.dumps(world.case.result)
    assert not any(f'"{account}"' in text for account in world.truth["accounts"])


def test_a_case_is_read_again_and_its_tables_give_its_statistics(world: World, tmp_path: Path) -> None:
    world.case.save(tmp_path / "case", plan=b"{}")
    again = op.Case.open(tmp_path / "case")
    assert again.result == json.loads(json.dumps(world.case.result))
    assert again.verify() == []
    assert set(again.tables) == {"accounts", "events", "groups"}
    assert (tmp_path / "case" / "private.accounts.csv").stat().st_mode & 0o077 == 0
    again.result["tests"][0]["pvalue"] *= 1 + 1e-9
    assert any("line-up: pvalue" in one for one in again.verify())
    # Whatever a reader looks at first is computed again too.
    changes: list[tuple[str, Callable[[dict[str, Any]], Any]]] = [
        ("other, rung: rung is", lambda it: it["rungs"][1].update(rung="L2", reached=True)),
        ("rung: reasons is", lambda it: it["rungs"][0]["reasons"].pop()),
        ("verdict is", lambda it: it["others"][0]["accounts"][0].update(verdict="named")),
        ("adjusted is", lambda it: it["groups"][0].update(adjusted=1e-30)),
        ("placebo is", lambda it: it["placebo"].update(informative=not it["placebo"]["informative"])),
        ("sensitivity is", lambda it: it["sensitivity"].update(g_star=1000.0)),
        ("plan: hash is", lambda it: it["plan"].update(tau=16)),
        ("plan: grade is", lambda it: it["plan"].update(grade="A")),
        ("refused", lambda it: it["self_tests"][0].update(passed=False)),
        ("self-test, length: passed", lambda it: it["self_tests"][1].update(pvalue=1e-9)),
        ("rival, summary: rung is", lambda it: it["summary"].update(rung="L1")),
        ("other, summary: rung is", lambda it: it["others"][0]["summary"].update(rung="L2")),
        ("summary: suspect_texts_matched is", lambda it: it["summary"].update(suspect_texts_matched=0)),
        ("summary: suspect_texts is", lambda it: it["summary"].update(suspect_texts=10)),
        ("summary: matched_share is", lambda it: it["summary"].update(matched_share=0.9)),
        ("summary: matched_interval is", lambda it: it["summary"].update(matched_interval=[0.8, 0.9])),
        ("summary: served_texts is", lambda it: it["summary"].update(served_texts=10)),
        ("summary: recall_measured is", lambda it: it["summary"].update(recall_measured=None)),
        ("summary: false_pos", lambda it: it["summary"]["false_positives_measured"]["people"].update(found=7)),
        ("control people: share is", lambda it: it["controls"][0].update(matched=7)),
        ("rank among controls: statistic is", lambda it: it["tests"][-1].update(statistic=5.0)),
        ("audit, verbatim: interval is", lambda it: it["audit"][0].update(found=1)),
        ("leak rate: planted is", lambda it: [one.update(planted=0, found=0) for one in it["audit"]]),
        ("audit, people: interval is", lambda it: it["false_positives"][0].update(found=7)),
        ("survival: served is", lambda it: it["survival"]["served"].reverse()),
    ]
    for said, change in changes:
        changed = json.loads(json.dumps(world.case.result))
        change(changed)
        found = op.Case(changed, world.case.columns).verify()
        assert any(said in one for one in found), (said, found[:3])
    with pytest.raises(InputError, match="holds a case already"):
        world.case.save(tmp_path / "case")
    (tmp_path / "case" / "case.json").write_text("{")
    with pytest.raises(FormatError, match="is no JSON"):
        op.Case.open(tmp_path / "case")
    with pytest.raises(InputError, match="holds no case"):
        op.Case.open(tmp_path)


def test_a_draft_that_fits_another_text_names_it(world: World) -> None:
    texts = dict(zip(world.suspects["rival"].ids.to_list(), world.suspects["rival"].texts.to_list(), strict=True))  # type: ignore[union-attr]
    named = 0
    for one in world.case.result["examples"]:
        assert one["served"]["best_in"] is None or not one["won"]
        for draft in (one["served"], *one["redraws"]):
            if draft["best_in"] is None:
                # What gives the score is marked in the text that is shown.
                assert draft["spans"] or not draft["score"]
                continue
            named += 1
            assert draft["best_in"] != one["suspect"]["id"]
            assert op.common_spans([draft["text"]], [texts[draft["best_in"]]], min_tokens=int(draft["score"])).row.size
    assert named


def test_the_same_inputs_give_the_same_case(world: World) -> None:
    again = world.run(threads=1)
    assert again.result == world.case.result
    assert again.columns == world.case.columns


def test_order_of_rows_changes_no_statistic(world: World) -> None:
    order = np.random.default_rng(0).permutation(len(world.redraws))
    shuffled = world.redraws.select(order)
    plan = replace(world.sealed, redraws=world.sealed.redraws)
    again = world.run(plan, redraws=shuffled)
    assert again.result["tests"] == world.case.result["tests"]


def test_redraws_of_another_sampler_give_no_pvalue(world: World) -> None:
    short = {m: replace(simulate.PROVIDER, model=m, max_words=60) for m in set(world.log.extra["model"].to_list())}
    simulate.answer_batch(world.folder / "ask.jsonl", world.folder / "drifted.jsonl", drift=short)
    out = world.folder / "drifted-redraws.jsonl"
    plan = plan_seal(world.sampled, world.log, world.folder / "drifted.jsonl", out)
    found = world.run(plan, redraws=read_redraws(out)).result
    assert not any(one["reached"] for one in found["rungs"])
    assert any(not one["passed"] for one in found["self_tests"])
    line_up = found["tests"][0]
    assert line_up["pvalue"] is None
    assert "not drawn alike" in line_up["refused"]
    assert all(one["verdict"] in ("refused", "not testable") for one in found["accounts"])


def test_grade_c_gives_no_pvalue(world: World) -> None:
    assert world.sampled.selection is not None
    plan = replace(world.sealed, selection={**world.sampled.selection, "beacon": None})
    found = world.run(plan).result
    assert (plan.grade, found["tests"][0]["pvalue"]) == ("C", None)
    assert "grade C" in found["tests"][0]["refused"]
    assert found["placebo"] is not None
    assert found["placebo"]["pvalue"] is None


def test_plans_weigh_on_accounts_as_on_the_corpus(world: World) -> None:
    once, often = world.case.result["groups"][0], world.run(plans={"rival": 5}).result["groups"][0]
    assert often["adjusted"] == pytest.approx(min(1.0, 5 * once["adjusted"]))


def answered(row: dict[str, Any], choices: Any) -> dict[str, Any]:
    return {**row, "response": {"status_code": 200, "body": {"choices": choices}}}


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda rows: rows[:-1], "drafts are missing of 1 records"),
        (lambda rows: rows[4:], "not the .* that the plan chose"),
        (lambda rows: [*rows, {**rows[0], "custom_id": rows[0]["custom_id"][:-1] + "5"}], "was not asked for"),
        (lambda rows: [*rows, {**rows[0], "custom_id": "req-99999999/1"}], "was not asked for"),
        (lambda rows: [*rows, rows[0]], "is there twice"),
        (lambda rows: [{**rows[0], "custom_id": "x"}], "not one that `plan sample` wrote"),
        (lambda rows: [], "holds no redraw"),
        (lambda rows: [answered(rows[0], [{"message": {"content": [{"type": "text"}]}}])], "content is of type list"),
        (lambda rows: [answered(rows[0], None)], "one choice was asked for, and the answer has none"),
        (lambda rows: [{"request_id": "r"}], "give request_id"),
    ],
)  # fmt: skip
def test_what_was_drawn_must_be_what_was_asked(world: World, change: Any, match: str) -> None:
    with pytest.raises((InputError, FormatError), match=match):
        plan_seal(world.sampled, world.log, drawn(world, change), world.folder / "out.jsonl")


def test_units_that_lack_a_draft_are_left_out_whole(world: World) -> None:
    failed = lambda rows: [{**rows[0], "response": {"status_code": 500}}, *rows[1:]]  # noqa: E731
    plan = plan_seal(world.sampled, world.log, drawn(world, failed), world.folder / "out.jsonl", leave_out=True)
    assert plan.redraws is not None
    assert (plan.redraws["left_out"], plan.redraws["rows"]) == (1, len(world.redraws) - 4)
    assert world.sampled.selection is not None
    wins = world.case.result["tests"][0]["wins"]
    # Whoever leaves out units by what their redraws fit would keep the won ones: each counts as lost.
    many = replace(plan, redraws={**plan.redraws, "left_out": 50 * wins})
    found = world.run(many, redraws=read_redraws(world.folder / "out.jsonl"))
    assert not found.result["rungs"][0]["reached"]
    assert any("lack a draft an event that was lost" in one for one in found.result["rungs"][0]["reasons"])
    assert {"reason": "a draft of its unit is missing (left out)", "records": 50 * wins} in found.result["excluded"]
    assert found.verify() == []


def test_spent_redraws_are_refused(world: World, tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.jsonl")
    assert world.redraws.ids is not None
    first = row_hash(
        world.redraws.ids[0] or "", int(world.redraws.extra["draft"][0] or 0), world.redraws.texts[0] or ""
    )
    ledger.add("investigate", plan="another", redraws=[first])
    with pytest.raises(InputError, match="they are spent"):
        plan_seal(
            world.sampled, world.log, world.folder / "drawn.jsonl", world.folder / "out.jsonl", ledger=ledger
        )  # fmt: skip


def test_a_plan_is_sealed_once_or_the_best_of_several_could_be_kept(world: World, tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.jsonl")
    ledger.add("seal", plan=world.sampled.name, hash=world.sealed.hash, suspects=[])
    with pytest.raises(InputError, match="could be the best of several"):
        plan_seal(
            world.sampled, world.log, world.folder / "drawn.jsonl", world.folder / "out.jsonl", ledger=ledger
        )  # fmt: skip


def test_redraws_committed_to_in_time_are_of_grade_a(world: World) -> None:
    rows = read_log(world.folder / "redraws.jsonl")
    public = commit_log(rows, key=KEY).to_dict()
    for time, grade in (("20250102", "A"), ("20250202", "B'")):
        token = bytes.fromhex(public["root"]) + b"\x02\x01\x07\x18\x0f%s000000Z" % time.encode()
        at = committed_at(rows, {**public, "timestamp": timestamp(token, bytes.fromhex(public["root"]))}, key=KEY)
        plan = plan_seal(
            world.sampled, world.log, world.folder / "redraws.jsonl", world.folder / "out.jsonl", committed=at
        )  # fmt: skip
        assert plan.grade == grade
    with pytest.raises(InputError, match="no timestamp"):
        committed_at(rows, public, key=KEY)
    with pytest.raises(InputError, match="has no token"):  # a time that somebody wrote into the file
        committed_at(rows, {**public, "timestamp": {"time": "2025-01-02T00:00:00Z"}}, key=KEY)
    with pytest.raises(InputError, match="not those of the commitment"):
        committed_at(rows.select(np.arange(len(rows) - 1)), public, key=KEY)


def test_commitments_are_checked_and_stand_in_the_manifest(world: World) -> None:
    day = commit_log(world.log, key=KEY)
    assert world.log.ids is not None
    request = world.log.ids[3] or ""
    public = day.to_dict() | {"created": "2025-01-31T00:00:00Z", "proofs": {request: day.prove(request, key=KEY)}}
    entry = world.run(commitments=[public]).result["manifest"]["merkle"][0]
    assert (entry["root"], entry["records"], entry["proofs"]) == (public["root"], len(world.log), 1)
    false = {**public, "root": "00" * 32}
    with pytest.raises(InputError, match="does not hold under the root"):
        world.run(commitments=[false])


def test_a_page_that_holds_a_draft_masks_nothing_and_names_nobody(world: World) -> None:
    named = [one["pseudonym"] for one in world.case.result["accounts"] if one["verdict"] == "named"]
    events = world.case.columns["events"]
    rows = [i for i, name in enumerate(events["suspect"]) if name == "rival" and events["pseudonym"][i] == named[0]]
    assert world.log.ids is not None
    place = {name: row for row, name in enumerate(world.log.ids.to_list())}
    pages = [world.log.texts[place[events["request_id"][i]]] for i in rows]
    found = world.run(background=op.Corpus([*world.background.texts.to_list(), *pages]))
    told = {one["reason"]: one["records"] for one in found.result["excluded"]}
    assert told["texts of the background that hold a draft (they mask nothing)"] >= len(pages)
    # The scores are as they were, and what was published is on no account's count.
    assert [found.columns["events"]["scores"][i] for i in rows] == [events["scores"][i] for i in rows]
    assert not any(found.columns["events"]["only_here"][i][0] for i in rows)
    account = next(one for one in found.result["accounts"] if one["pseudonym"] == named[0])
    assert account["verdict"] != "named"


def test_what_the_plan_was_not_sealed_for_is_refused(world: World) -> None:
    refused: list[tuple[dict[str, Any], type[Exception], str]] = [
        ({"served": world.log.select(np.arange(len(world.log) - 1))}, IncompatibleError, "the log is not the one"),
        ({"suspects": {"rival": world.people, "other": world.suspects["other"]}}, IncompatibleError, "suspect 'rival'"),
        ({"suspects": {"rival": world.suspects["rival"]}}, InputError, "'other' of the plan is missing"),
        ({"suspects": {**world.suspects, "third": world.people}}, InputError, "a suspect is given"),
        ({"key": bytes(32)}, IncompatibleError, "the key is not the one"),
        ({"groups": None}, IncompatibleError, "groups made after the search are refused"),
        ({"groups": {"g": {"accounts": ["a"]}}}, IncompatibleError, "groups made after the search are refused"),
    ]
    for changed, kind, match in refused:
        with pytest.raises(kind, match=match):
            world.run(**changed)
    with pytest.raises(InputError, match="is not sealed"):
        world.run(world.sampled)
    with pytest.raises(InputError, match="is not sealed"):
        world.run(world.made)


def test_records_chosen_otherwise_are_refused(world: World) -> None:
    assert world.sealed.selection is not None
    by_hits = replace(world.sealed, selection={**world.sealed.selection, "digest": "0" * 64})
    with pytest.raises(InputError, match="chosen by what matched, or by hand, are refused"):
        world.run(by_hits)
    with pytest.raises(InputError, match="because their output matched prove nothing"):
        plan_sample(world.made, world.log, world.suspects, world.folder / "x", key=KEY, select_by="match")


def test_a_plan_is_made_sampled_and_sealed_once(world: World) -> None:
    with pytest.raises(InputError, match="chosen its records already"):
        plan_sample(world.sampled, world.log, world.suspects, world.folder / "x", key=KEY)
    with pytest.raises(InputError, match="the plan is sealed: its redraws do not change"):
        plan_seal(world.sealed, world.log, world.folder / "drawn.jsonl", world.folder / "out.jsonl")
    with pytest.raises(InputError, match="has no zone"):
        Plan.new(world.suspects, key=KEY, published="2025-01-20T00:00")
    with pytest.raises(InputError, match="later than the plan itself"):
        Plan.new(world.suspects, key=KEY, fetched="2999-01-01T00:00Z")
    with pytest.raises(InputError, match="needs a suspect"):
        Plan.new({}, key=KEY)


def test_a_plan_is_saved_canonically(world: World, tmp_path: Path) -> None:
    world.sealed.save(tmp_path / "plan.json")
    again = Plan.open(tmp_path / "plan.json")
    assert again == world.sealed
    assert again.hash == world.sealed.hash
    assert again.name == world.made.hash
    (tmp_path / "plan.json").write_text('{"schema": "overproof-plan-1", "tau": 3}')
    with pytest.raises(FormatError, match="is no plan"):
        Plan.open(tmp_path / "plan.json")
    with pytest.raises(InputError, match="no such plan"):
        Plan.open(tmp_path / "missing.json")


def without(corpus: op.Corpus, *columns: str, **changed: Any) -> op.Corpus:
    kept = {name: getattr(corpus, name) for name in ("ids", "prompts", "accounts", "times", "conversations", "sources")}
    return op.Corpus(
        corpus.texts,
        **{name: None if name in columns else value for name, value in kept.items()} | changed,
        source_of=corpus.source_of,
        extra=dict(corpus.extra),
        missing="keep",
    )


def test_a_log_without_accounts_or_times(world: World) -> None:
    found = world.run(served=without(world.log, "accounts"))
    assert found.result["accounts"] == []
    assert any(one.startswith("Accounts: the log has none") for one in found.result["not_tested"])
    assert found.result["rungs"][0]["rung"] == "L1"
    with pytest.raises(InputError, match="the log has no times"):
        world.run(served=without(world.log, "times"))


def test_records_without_a_time_take_no_part_where_there_is_a_publication_date(world: World) -> None:
    assert world.log.times is not None
    assert world.log.ids is not None
    first = world.case.columns["events"]["request_id"][0]
    row = world.log.ids.to_list().index(first)
    times = [None if i == row else time for i, time in enumerate(world.log.times.to_list())]
    found = world.run(served=without(world.log, "times", times=times))
    assert first not in found.columns["events"]["request_id"]
    assert {"reason": "no time, so not known whether before the publication", "records": 1} in found.result["excluded"]


def test_a_control_or_background_that_is_the_suspect_is_refused(world: World) -> None:
    with pytest.raises(InputError, match="control 'people': is the suspect 'rival' itself"):
        world.run(controls={"people": world.suspects["rival"]})
    with pytest.raises(InputError, match="background: is the log itself"):
        world.run(background=world.log)


def test_ids_that_name_no_record_or_two_are_not_asked_for(world: World) -> None:
    fields = {"model": ["m"] * 5, "params_hash": ["h"] * 5}
    log = op.Corpus(list("abcde"), ids=["r1", "r1", None, "r4", ""], prompts=list("vwxyz"), extra=fields)
    rows = select(world.made, log, {}, key=KEY, rule="all")
    assert rows.tolist() == [3]


def test_units_and_times_of_the_log_are_made_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from overproof.evidence import drawing, eligibility
    from overproof.evidence import investigate as investigating

    made: list[str] = []

    def counted(function: Callable[..., Any]) -> Callable[..., Any]:
        return lambda *args, **options: made.append(function.__name__) or function(*args, **options)

    for module in (drawing, eligibility, sys.modules[investigating.__module__]):
        for name in ("log_units", "seconds"):
            if hasattr(module, name):
                monkeypatch.setattr(module, name, counted(getattr(module, name)))
    world.run(audit_texts=0, controls=None)
    assert sorted(made) == ["log_units", "seconds"]


def test_messages_that_are_no_turns_cannot_be_asked_again(world: World) -> None:
    for messages in ("User: why?", ["why?"]):
        log = op.Corpus(["a"], ids=["r1"], prompts=["why?"], extra={"messages": [messages]})
        with pytest.raises(InputError, match="no JSON list of turns"):
            plan_sample(world.made, log, world.suspects, world.folder / "x", key=KEY, select_by="all")


def test_half_of_a_surrogate_pair_stops_nothing(world: World) -> None:
    broken = lambda rows: [answered(rows[0], [{"message": {"content": "a \ud800 b"}}]), *rows[1:]]  # noqa: E731
    plan_seal(world.sampled, world.log, drawn(world, broken), world.folder / "out.jsonl")
    assert "a \ufffd b" in read_redraws(world.folder / "out.jsonl").texts.to_list()


def test_a_corpus_in_memory_is_fixed_with_its_accounts_and_times(world: World) -> None:
    made = [
        op.Corpus(["a", "b"], ids=["r1", "r2"], accounts=accounts, extra={"model": [model, "m"]})
        for accounts, model in ((["x", "y"], "m"), (["y", "x"], "m"), (["x", "y"], "n"), (None, "m"))
    ]
    assert len({corpus_digest(one) for one in made}) == 4
    assert corpus_digest(made[0]) == corpus_digest(made[0].select(np.arange(2)))


def test_an_account_in_two_groups_is_refused(world: World) -> None:
    groups = {"g": {"accounts": ["a", "b"]}, "h": {"accounts": ["b"]}}
    with pytest.raises(InputError, match="the account 'b' is in 'g' and in 'h'"):
        plan_sample(world.made, world.log, world.suspects, world.folder / "x", key=KEY, select_by="all", groups=groups)


def test_a_setting_that_only_some_redraws_state_is_compared(world: World) -> None:
    kept = [json.loads(line) for line in (world.folder / "redraws.jsonl").read_bytes().splitlines()]
    rows = [{"request_id": r["request_id"], "draft": r["draft"], "model": r["model"], "text": r["text"]} for r in kept]
    rows[1]["host"] = "another"
    path, out = world.folder / "own.jsonl", world.folder / "own-redraws.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    plan_seal(world.sampled, world.log, path, out)
    assert "host" in world.log.extra or read_redraws(out).extra["host"][1] == "another"


def test_no_event_is_no_accusation(world: World) -> None:
    plan = Plan.new({"people": world.people}, key=KEY, tau=500, created="2026-02-01T00:00:00Z")
    plan = plan_sample(
        plan, world.log, {"people": world.people}, world.folder / "ask2.jsonl", key=KEY, rate=0.1, draws=2, beacon="1"
    )
    simulate.answer_batch(world.folder / "ask2.jsonl", world.folder / "drawn2.jsonl")
    out = world.folder / "redraws2.jsonl"
    drawn2 = (world.folder / "drawn2.jsonl").read_bytes()
    token = hashlib.sha256(drawn2).digest() + b"\x02\x01\x07\x18\x0f20250601000000Z"
    plan = replace(plan, fetched="2026-01-01T00:00:00Z")
    sealed = plan_seal(
        plan, world.log, world.folder / "drawn2.jsonl", out, timestamp=token
    )  # fmt: skip
    assert sealed.grade == "B"
    found = world.run(
        sealed, suspects={"people": world.people}, redraws=read_redraws(out), groups=None, controls=None
    ).result  # fmt: skip
    line_up = found["tests"][0]
    assert (line_up["n"], line_up["pvalue"], line_up["g_star"]) == (0, 1.0, None)
    assert found["rungs"][0]["rung"] == "L0"
    assert found["placebo"] is None

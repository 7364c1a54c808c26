"""A made log: the same bytes everywhere, any part of it as in the whole, and all that it says it holds."""

import hashlib
import json
import os
import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pytest
from overproof import simulate
from overproof.errors import InputError
from overproof.evidence import draft_similarity, self_test

SMALL = {
    "requests": 3000,
    "accounts": 40,
    "template_users": 20,
    "groups": (6, 1),
    "suspect": 400,
    "leak": (60, 10),
    "resold": 10,
    "web": 60,
    "repeats": 20,
    "people": 30,
    "background": 100,
    "cache": 0.9,
}


@pytest.fixture(scope="module")
def made() -> simulate.ApiLog:
    return simulate.api_log(3, **SMALL)


@pytest.fixture(scope="module")
def rows(made: simulate.ApiLog) -> list[dict]:
    return made.served


def test_the_same_bytes_in_every_run_and_under_every_hash_seed(tmp_path: Path) -> None:
    small = SMALL | {"requests": 1200, "suspect": 250}
    code = f"import sys; from overproof import simulate;simulate.api_log(5, **{small!r}).write(sys.argv[1], redraws=1)"
    digests = set()
    for hash_seed in ("0", "1"):
        folder = tmp_path / hash_seed
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": os.pathsep.join(sys.path)}
        subprocess.run([sys.executable, "-c", code, str(folder)], env=environment, check=True)
        files = sorted(folder.iterdir())
        assert [f.stem for f in files] == [
            *("accounts", "background", "innocent", "people", "redraws", "served", "suspect", "truth")
        ]
        digests.add(hashlib.sha256(b"".join(f.read_bytes() for f in files)).hexdigest())
    assert len(digests) == 1
    assert json.loads((tmp_path / "0" / "truth.json").read_text())["params"]["groups"] == [6, 1]


def test_a_part_is_as_in_the_whole(made: simulate.ApiLog, rows: list[dict]) -> None:
    some = np.array([2999, 17, 402, 17])
    assert list(made.rows(some)) == [rows[i] for i in some]
    assert list(made.rows(block=97)) == rows
    assert made.texts(some) == [rows[i]["text"] for i in some]
    one, two = made.redraw([17], 2, seed=4), made.redraw([5, 17], 3, seed=4)
    assert one == [row for row in two if row["request_id"] == "req-00000017"][:2]
    assert made.redraw([17], 2, seed=5) != one


def test_rows_are_complete_and_sorted(made: simulate.ApiLog, rows: list[dict]) -> None:
    assert all(tuple(row) == simulate.log.FIELDS for row in rows)
    assert all(row["text"] and row["prompt"] and row["account"] for row in rows)
    assert [row["time"] for row in rows] == sorted(row["time"] for row in rows)
    assert len({row["request_id"] for row in rows}) == len(rows) == len(made) == 3000
    last: dict[str, dict] = {}
    for row in rows:
        before = last.get(row["conversation"])
        earlier = row["messages"][:-1]
        assert row["messages"][-1] == {"role": "user", "content": row["prompt"]}
        if before:
            assert row["account"] == before["account"]
            assert earlier == [*before["messages"], {"role": "assistant", "content": before["text"]}]
        else:
            assert not earlier
        last[row["conversation"]] = row
    assert any(len(row["messages"]) > 3 for row in rows)


def test_what_a_cache_and_temperature_0_answer_again(made: simulate.ApiLog, rows: list[dict]) -> None:
    by_text: dict[str, list[dict]] = defaultdict(list)
    for row in rows:
        by_text[row["text"]].append(row)
    hits = [(row, rows[source]) for row, source in zip(rows, made.source, strict=True) if row["cache_hit"]]
    assert len({row["account"] for row, _ in hits}) > 10
    for row, first in hits:
        assert row["text"].startswith(first["text"]), "the first client may have hung up"
        assert row["cache_key"] == first["cache_key"] is not None
        assert not first["cache_hit"]
        assert all(first[f] == row[f] for f in ("messages", "system", "params_hash", "model"))
    assert any(len({r["account"] for r in same}) > 1 for same in by_text.values())
    cold = defaultdict(set)
    for row in rows:
        if row["temperature"] == 0 and row["finish_reason"] != "cancelled":
            cold[row["prompt"], row["params_hash"]].add(row["text"])
    assert max(map(len, cold.values())) == 1


def test_the_innocents_that_look_like_a_group(made: simulate.ApiLog, rows: list[dict]) -> None:
    users = defaultdict(set)
    for row in rows:
        if row["template"]:
            users[row["template"].partition("/")[0]].add(row["account"])
    assert [len(of) for of in users.values()] == [20, 20, 20]
    roles = Counter(made.truth["accounts"].values())
    assert roles == {
        **{"normal": 40, "template": 60, "heavy": 3, "harness": 1, "publisher": 3, "reseller": 2, "pooled": 7}
    }
    assert [len(of) for of in made.truth["groups"].values()] == [6, 1]
    again = Counter((row["account"], row["prompt"]) for row in rows)
    assert sum(n > 1 for n in again.values()) > 50
    hot = Counter(made.asked.tolist()).most_common(5)
    assert {prompt for prompt, _ in hot} == set(range(5))


def test_a_group_shares_template_links_and_a_list(made: simulate.ApiLog, rows: list[dict]) -> None:
    group = set(made.truth["groups"]["group-00"])
    own = [row for row in rows if row["account"] in group]
    bare = [made.prompts[made.asked[int(row["request_id"][4:])]] for row in own]
    assert len(set(bare)) == min(len(bare), len(made.prompts)), "complementary: no prompt is asked twice"
    assert len({row["payment"] for row in own}) < len(group)
    assert len({row["network"] for row in own}) < len(group)
    assert all(len(row["messages"]) == 1 for row in own)
    heads = Counter(row["prompt"].split("\n\n")[0].split(" ", 1)[-1][-30:] for row in own)
    assert heads.most_common(1)[0][1] > 0.7 * len(own)


def test_the_suspect_is_what_its_truth_says(made: simulate.ApiLog, rows: list[dict]) -> None:
    served = {row["request_id"]: row for row in rows}
    origin = made.truth["suspect"]
    assert Counter(truth["origin"] for truth in origin.values())["repeat"] == 20
    counts = Counter(truth["origin"] for truth in origin.values())
    assert (counts["leak"], counts["resold"], counts["web"] + counts["published"]) == (70, 10, 60)
    assert {t["origin"] for t in made.truth["innocent"].values()} == {"web", "published", "other", "repeat"}
    of = {row["id"]: row for row in made.suspect}
    assert list(of) == list(origin)
    per_group = Counter()
    for key, truth in origin.items():
        if truth["origin"] in ("leak", "resold"):
            row = served[truth["request_id"]]
            assert row["account"] == truth["account"]
            assert row["time"] < made.published
            assert made.truth["accounts"][row["account"]] == {"leak": "pooled", "resold": "reseller"}[truth["origin"]]
            if truth["edit"] == "none":
                assert of[key]["text"] == row["text"]
            for group, accounts in made.truth["groups"].items():
                per_group[group] += row["account"] in accounts
        elif truth["origin"] == "repeat":
            assert truth["of"] in origin
    assert per_group == {"group-00": 60, "group-01": 10}
    assert any(row["time"] > made.published for row in rows), "the placebo needs a log after publication"


def test_publishers_hide_most_of_their_pages(made: simulate.ApiLog, rows: list[dict]) -> None:
    served = {row["request_id"]: row for row in rows}
    snapshot = {page["id"]: page["text"] for page in made.background}
    of = defaultdict(list)
    for page, truth in made.truth["pages"].items():
        of[truth["account"]].append(truth["hidden"])
        assert (page in snapshot) != truth["hidden"]
        assert truth["hidden"] or snapshot[page] == served[truth["request_id"]]["text"]
    assert len(of) == 3
    assert all(0.3 < np.mean(hidden) < 1 for hidden in of.values())
    assert all(page["time"] < made.published for page in made.background)


def test_redraws_are_exchangeable_unless_they_drift(made: simulate.ApiLog) -> None:
    fresh = np.flatnonzero((made.source == np.arange(len(made))) & (made.cut == 1) & (made.sampler % 3 == 0))[:300]
    short = simulate.Sampler("another", max_words=60)
    for drift, passes in ((None, True), ({sampler.model: short for sampler in made.samplers}, False)):
        drawn = made.redraw(fresh, 4, drift=drift)
        redraws = [[row["text"] for row in drawn[i : i + 4]] for i in range(0, len(drawn), 4)]
        served = made.texts(fresh)
        lengths = [[len(t.split()) for t in (s, *r)] for s, r in zip(served, redraws, strict=True)]
        assert self_test(lengths).passed == passes
        assert passes is False or self_test(draft_similarity(served, redraws)).passed
        assert {row["params_hash"] for row in drawn} <= {row["params_hash"] for row in made.rows(fresh)}


def test_a_batch_is_answered_as_the_log_would_be(made: simulate.ApiLog, tmp_path: Path) -> None:
    rows = list(made.rows(np.arange(60)))
    ask, out = tmp_path / "ask.jsonl", tmp_path / "out.jsonl"
    bodies = [
        {k: row[k] for k in ("model", "messages", "temperature", "max_tokens")} | {"n": 2, "seed": 5} for row in rows
    ]
    bodies.append({**bodies[0], "model": "unknown-1"})
    lines = [
        {"custom_id": f"a-{i}", "method": "POST", "url": "/v1/chat/completions", "body": b}
        for i, b in enumerate(bodies)
    ]
    ask.write_text("\n".join(map(json.dumps, lines)) + "\n\n")
    assert simulate.answer_batch(ask, out) == 60
    got = [json.loads(line) for line in out.read_text().splitlines()]
    assert [line["custom_id"] for line in got] == [f"a-{i}" for i in range(61)]
    assert got[-1]["error"]["code"] == "model_not_found"
    assert got[-1]["response"] is None
    for row, line in zip(rows, got[:60], strict=True):
        first, second = (choice["message"]["content"] for choice in line["response"]["body"]["choices"])
        assert line["response"]["body"]["model"] == row["model"]
        assert (first == second) == (row["temperature"] == 0)
        assert row["temperature"] or row["finish_reason"] == "cancelled" or first == row["text"]
    ask.write_text(json.dumps(lines[7]) + "\n")
    simulate.answer_batch(ask, out)
    alone = json.loads(out.read_text())["response"]["body"]["choices"]
    assert alone == got[7]["response"]["body"]["choices"], "an answer does not depend on the others in the file"


def test_short_texts_and_the_prompts_of_some_rows() -> None:
    made = simulate.api_log(4, **SMALL, texts="short")
    assert max(len(text.split()) for text in made.texts()) <= 60
    asked = made.rows_asking([made.prompts[0], made.prompts[7]])
    assert set(made.asked[asked].tolist()) == {0, 7}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"requests": 100}, "too few"),
        ({"texts": "long"}, "texts"),
        ({"groups": (0,)}, "groups"),
        ({"leak": (1, 2, 3)}, "3 numbers for 2"),
        ({"leak": (500, 0)}, "suspect"),
        ({"leak": (10, 300)}, "fewer than 300"),
        ({"reask": 1}, "reask"),
        ({"hidden": (0.9, 0.5)}, "hidden"),
        ({"published": 30}, "published"),
        ({"hot": 0}, "hot"),
        ({"web": -1}, "0 or more"),
    ],
)
def test_bad_arguments_are_named(options: dict, words: str) -> None:
    with pytest.raises(InputError, match=words):
        simulate.api_log(3, **{**SMALL, **options})


def test_bad_rows_and_lines_are_named(made: simulate.ApiLog, tmp_path: Path) -> None:
    for call in (lambda: made.texts([3000]), lambda: made.texts([0.5]), lambda: made.redraw([-1], 1)):
        with pytest.raises(InputError, match="rows must be integers"):
            call()
    with pytest.raises(InputError, match="draws"):
        made.redraw([0], 0)
    with pytest.raises(InputError, match="unknown"):
        list(made.rows(fields=["txt"]))
    (tmp_path / "ask.jsonl").write_text('\n{"custom_id": "x", "body": {"model": "m", "messages": []}}\n')
    with pytest.raises(InputError, match=r"ask\.jsonl:2"):
        simulate.answer_batch(tmp_path / "ask.jsonl", tmp_path / "out.jsonl")
    assert not (tmp_path / "out.jsonl").exists()

"""A case is determined by its seed, its tables agree with its truth, and its drafts are exchangeable."""

import hashlib
import json
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from overproof import simulate
from overproof.errors import InputError

SMALL = {
    "seed": 5,
    "prompts": 60,
    "served": 150,
    "accounts": 8,
    "heavy": 1,
    "pooled": 3,
    "suspect": 90,
    "leak": 30,
    "web": 15,
    "people": 40,
    "background": 60,
}


@pytest.fixture(scope="module")
def made() -> simulate.Case:
    return simulate.case()


def words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


def runs(text: str, n: int) -> set[tuple[str, ...]]:
    found = words(text)
    return {tuple(found[i : i + n]) for i in range(len(found) - n + 1)}


def test_the_same_bytes_in_every_run_and_under_every_hash_seed() -> None:
    code = f"from overproof import simulate; print(simulate.case(**{SMALL!r}).digest())"
    digests = {simulate.case(**SMALL).digest(), simulate.case(**SMALL).digest()}
    for hash_seed in ("0", "1"):
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": os.pathsep.join(sys.path)}
        done = subprocess.run([sys.executable, "-c", code], env=environment, check=True, capture_output=True, text=True)
        digests.add(done.stdout.strip())
    assert len(digests) == 1
    assert simulate.case(**{**SMALL, "seed": 6}).digest() not in digests


def test_draws_from_a_fixed_text_are_frozen() -> None:
    """Bytes that no platform, NumPy or CPython may change: the training text is given here, not the interpreter's."""
    model = simulate.TextModel.train(
        [
            "The `list` type holds many items in order. The items of a `list` may be of any type. An item of the "
            "list may be a `tuple` or a `set` of other items. A `tuple` of items is never changed. The order of a "
            "`set` is not known, so never rely on the order of its items. In any order, the items are still "
            "there. "
        ]
    )
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence(7)))
    drawn = model.generate_many(rng, ["Explain `set`."] * 20, temperature=0.8, top_k=5)
    edited = [simulate.edit(text, kind, 0.3, rng) for text in drawn for kind in simulate.EDITS]
    assert hashlib.sha256("\0".join(drawn + edited).encode()).hexdigest()[:16] == "7e19a3f62bb13ab4"


def test_served_texts_do_not_depend_on_how_many_redraws_there_are() -> None:
    assert simulate.case(**SMALL, redraws=0).served == simulate.case(**SMALL, redraws=2).served


def test_rows_are_complete_ids_unique_and_times_sorted(made: simulate.Case) -> None:
    for table in (made.served, made.redraws, made.people, made.background):
        assert all(value != "" for row in table for value in row.values())
        assert len({tuple(row) for row in table}) == 1
    assert all(
        row["text"] and (row["prompt"] or made.truth["suspect"][row["id"]]["origin"] == "web") for row in made.suspect
    )
    assert len({row["request_id"] for row in made.served}) == len(made.served) == 2000
    assert len({(row["request_id"], row["draft"]) for row in made.redraws}) == len(made.redraws) == 8000
    for table in (made.suspect, made.people, made.background):
        assert len({row["id"] for row in table}) == len(table)
    times = [row["time"] for row in made.served]
    assert times == sorted(times)
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", time) for time in times)
    assert times[0] >= "2025-01-01"
    assert times[-1] < "2025-03-03"
    assert max(row["time"] for row in made.background) < times[0]
    assert {row["account"] for row in made.served} == set(made.truth["accounts"])
    assert Counter(made.truth["accounts"].values()) == {"normal": 60, "heavy": 2, "pooled": 8}


def test_a_conversation_has_one_account_and_goes_on_within_minutes(made: simulate.Case) -> None:
    owner: dict[str, str] = {}
    turns = Counter(row["conversation"] for row in made.served)
    for row in made.served:
        assert owner.setdefault(row["conversation"], row["account"]) == row["account"]
    assert max(turns.values()) > 2
    pooled = {account for account, role in made.truth["accounts"].items() if role == "pooled"}
    assert all(turns[row["conversation"]] == 1 for row in made.served if row["account"] in pooled)


def test_the_truth_tells_where_each_suspect_row_comes_from(made: simulate.Case) -> None:
    served = {row["request_id"]: row for row in made.served}
    pages = {row["id"]: row["text"] for row in made.background}
    truth = made.truth["suspect"]
    assert list(truth) == [row["id"] for row in made.suspect]
    assert Counter(row["origin"] for row in truth.values()) == {"leak": 200, "web": 80, "other": 720}
    leaked = [row["request_id"] for row in truth.values() if row["origin"] == "leak"]
    assert len(set(leaked)) == 200
    everything = {row["text"] for row in made.served}
    for row in made.suspect:
        origin = truth[row["id"]]
        if origin["origin"] == "web":
            assert row["text"] == pages[origin["background_id"]]
        elif origin["origin"] == "leak":
            source = served[origin["request_id"]]
            assert made.truth["accounts"][source["account"]] == "pooled"
            assert row["prompt"] in source["prompt"]
            if origin["edit"] == "none":
                assert row["text"] == source["text"]
            elif origin["edit"] in ("drop", "truncate"):
                n = len(source["text"].split())
                assert len(row["text"].split()) == n - round(origin["strength"] * n)
        else:
            assert row["text"] not in everything
    kinds = Counter(row["edit"] for row in truth.values() if row["origin"] == "leak")
    assert set(kinds) == set(simulate.EDITS)


def test_without_a_leak_the_corpus_is_innocent() -> None:
    made = simulate.case(**{**SMALL, "leak": 0, "web": 0})
    assert {row["origin"] for row in made.truth["suspect"].values()} == {"other"}


def test_served_and_redrawn_texts_are_exchangeable(made: simulate.Case) -> None:
    """The rank of the served draft's length among the K + 1 is uniform: chi-square, 4 degrees of freedom, p > .001."""
    drafts = {row["request_id"]: [row["text"]] for row in made.served}
    for row in made.redraws:
        drafts[row["request_id"]].append(row["text"])
    for feature in (len, lambda text: len(set(words(text))) / len(words(text)), lambda text: text.count("\n")):
        values = np.array([[feature(text) for text in texts] for texts in drafts.values()], dtype=float)
        values += np.random.default_rng(0).random(values.shape) * 1e-6  # breaks ties by chance
        counts = np.bincount((values[:, 1:] < values[:, :1]).sum(axis=1), minlength=5)
        expected = counts.sum() / 5
        assert ((counts - expected) ** 2 / expected).sum() < 18.47


def test_two_draws_to_one_prompt_rarely_share_a_long_run(made: simulate.Case) -> None:
    first = {row["request_id"]: row["text"] for row in made.redraws if row["draft"] == 1}
    shared = [bool(runs(row["text"], 20) & runs(first[row["request_id"]], 20)) for row in made.served]
    assert 0 < np.mean(shared) < 0.02
    phrases = [bool(runs(row["text"], 5) & runs(first[row["request_id"]], 5)) for row in made.served]
    assert np.mean(phrases) > 0.1, "stock phrases are shared, as models do"


def test_innocent_rows_match_for_innocent_reasons(made: simulate.Case) -> None:
    """Each layer of the waterfall has rows: echo of the prompt, web text that is recited, the stock disclaimer."""
    truth = made.truth["suspect"]
    served = set().union(*(runs(row["text"], 20) for row in made.served))
    matched = {row["id"] for row in made.suspect if runs(row["text"], 20) & served}
    by_origin = Counter(truth[key]["origin"] for key in matched)
    assert by_origin["leak"] >= 0.7 * 200
    assert by_origin["web"] >= 3
    assert sum("Please note that this answer" in row["text"] for row in made.suspect) >= 20
    asked = {row["prompt"] for row in made.served}
    assert (
        sum(row["text"].startswith(f"You asked: {row['prompt']}") and row["prompt"] in asked for row in made.suspect)
        >= 10
    )
    assert not any(runs(row["text"], 20) & served for row in made.people[:50] if "You asked" not in row["text"])


def test_lengths_vary_between_20_and_300_words(made: simulate.Case) -> None:
    lengths = np.array([len(row["text"].split()) for row in made.served])
    assert lengths.min() >= 15
    assert lengths.max() <= 300
    assert np.percentile(lengths, 90) > 3 * np.percentile(lengths, 10)


def test_written_files_hold_the_tables(made: simulate.Case, tmp_path: Path) -> None:
    paths = made.write(tmp_path / "case")
    assert sorted(path.name for path in (tmp_path / "case").iterdir()) == sorted(path.name for path in paths.values())
    for table in ("served", "redraws", "suspect", "people", "background"):
        *lines, last = paths[table].read_bytes().split(b"\n")
        assert [json.loads(line) for line in lines] == getattr(made, table)
        assert last == b""
    assert json.loads(paths["truth"].read_text("utf-8")) == json.loads(json.dumps(made.truth))
    assert b"\r" not in paths["served"].read_bytes()


def test_compressed_files_hold_the_same_bytes(tmp_path: Path) -> None:
    zstandard = pytest.importorskip("zstandard")
    made = simulate.case(**SMALL)
    paths = made.write(tmp_path, compress=True)
    assert paths["served"].name == "served.jsonl.zst"
    assert zstandard.ZstdDecompressor().decompress(paths["served"].read_bytes()) == made.files()["served.jsonl"]


def test_a_failed_write_leaves_no_partial_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        simulate.case(**SMALL).write(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_summary_names_the_training_text(made: simulate.Case) -> None:
    assert made.truth["training_digest"] == simulate.training_digest(simulate.training_texts())
    assert made.truth["training_digest"][:16] in made.summary()
    assert "200 served ones" in made.summary()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"served": 0}, "served"),
        ({"served": 5, "leak": 0}, "too few"),
        ({"leak": 80, "web": 20}, "cannot hold"),
        ({"leak": 60, "pooled_share": 0.1}, "raise pooled_share"),
        ({"pooled_share": 1.0}, "pooled_share"),
        ({"background": 0}, "background"),
        ({"background": 10**6}, "passages"),
        ({"edits": {"shuffle": 1.0}}, "shuffle"),
        ({"edits": {"none": 0.0}}, "weights"),
        ({"strength": (0.5, 0.2)}, "strength"),
        ({"start": "yesterday"}, "2025-01-31"),
        ({"days": 0}, "days"),
        ({"accounts": 0, "heavy": 0}, "accounts"),
        ({"provider": simulate.Sampler("m", temperature=0.0)}, "temperature"),
        ({"provider": simulate.Sampler("m", top_k=0)}, "top_k"),
        ({"provider": simulate.Sampler("m", max_words=2)}, "max_words"),
    ],
)
def test_contradictions_are_refused_with_what_to_do(change: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        simulate.case(**{**SMALL, **change})


def test_a_model_needs_prose() -> None:
    with pytest.raises(InputError, match="no prose sentence"):
        simulate.TextModel.train(["x ::= y"])


def test_top_1_repeats_itself_and_temperature_spreads() -> None:
    model = simulate.TextModel.train(list(simulate.training_texts().values()))
    rng = np.random.default_rng(0)

    def kinds(**how: object) -> int:
        drawn = model.generate_many(rng, ["x"] * 40, max_words=60, style=simulate.PLAIN, **how)
        return len({run for text in drawn for run in runs(text, 3)})

    assert kinds(top_k=1) < kinds(temperature=0.4) < kinds(temperature=2.0)
    assert model.generate_many(rng, []) == []

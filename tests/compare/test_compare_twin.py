"""compare against its slow twin, pair by pair, over vocabularies so small that everything collides."""

from pathlib import Path
from typing import Any

import numpy as np
import overproof as op
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from overproof import reference as ref

WORDS = st.sampled_from(["a", "b", "c", "A", "e\u0301", "1.", "2)", "3", "4", "東", "京", "\n", "x-y"])
RULES = st.fixed_dictionaries(
    {
        "min_ngrams": st.sampled_from([1, 1.5, 2, 3, 5, 7]),
        "min_containment": st.sampled_from([0.1, 0.28, 0.5, 1.0]),
        "min_embedded": st.sampled_from([7, 9, 80]),
        "df_rate": st.sampled_from([0.0, 0.0005, 0.3]),
        "top": st.sampled_from([1, 2, 8]),
    }
)
MORE = " ".join(f"word{i}" for i in range(40)).split()


@st.composite
def texts(draw: st.DrawFn) -> str | None:
    """Nothing, random tokens, or pieces of one known text, so that long runs are shared."""
    kind = draw(st.integers(0, 9))
    if kind == 0:
        return draw(st.sampled_from([None, "", " ...", "a"]))
    out = draw(st.lists(WORDS, max_size=30))
    if kind == 1:
        out += [f"other{i}" for i in range(draw(st.integers(20, 60)))]
    for _ in range(draw(st.integers(0, 2))):
        start = draw(st.integers(0, 35))
        out[len(out) // 2 : len(out) // 2] = MORE[start : start + draw(st.integers(1, 25))]
    return " ".join(out)


@st.composite
def worlds(draw: st.DrawFn) -> dict[str, Any]:
    served = draw(st.lists(texts(), min_size=1, max_size=10))
    suspect = draw(st.lists(texts() | st.sampled_from(served), min_size=1, max_size=8))
    if draw(st.booleans()):
        phrase = " ".join(MORE[:12])
        copies = draw(st.integers(5, 26))
        served += [f"{phrase} {chr(97 + i) * 3}" for i in range(copies)]
        suspect += [f"{phrase} {chr(97 + i) * 4}" for i in range(draw(st.integers(0, 26)))]
    sentences = texts() | st.sampled_from([*served, *suspect])

    def beside(n: int) -> st.SearchStrategy[list[str | None] | None]:
        return st.none() | st.lists(sentences, min_size=n, max_size=n)

    return {
        "served": served,
        "suspect": suspect,
        "served_prompts": draw(beside(len(served))),
        "suspect_prompts": draw(beside(len(suspect))),
        "conversations": draw(
            st.none() | st.lists(st.sampled_from([None, "x", "y"]), min_size=len(served), max_size=len(served))
        ),
        "background": draw(st.lists(sentences, max_size=2)),
        "n": draw(st.integers(1, 6)),
        "lists": draw(st.sampled_from(["keep", "both"])),
        **draw(RULES),
    }


def texts_of(world: dict[str, Any]) -> list[str]:
    return [text for text in world["served"] if text is not None]


def compare(world: dict[str, Any], **more: Any) -> op.Comparison:
    world = dict(world)
    served = op.Corpus(
        world.pop("served"),
        missing="keep",
        prompts=world.pop("served_prompts"),
        conversations=world.pop("conversations"),
    )
    suspect = op.Corpus(world.pop("suspect"), missing="keep", prompts=world.pop("suspect_prompts"))
    behind = world.pop("background")
    shingler = op.Shingler(world.pop("n"), lists=world.pop("lists"))
    return op.compare(
        served,
        suspect,
        background=op.Corpus(behind, missing="keep") if behind else None,
        shingler=shingler,
        **({"audit_texts": 0} | world | more),
    )


@settings(max_examples=300)
@given(worlds())
def test_core_is_the_twin(world: dict[str, Any]) -> None:
    got, want = compare(world), ref.compare(**world)
    assert got.df_rule["cap"] == want.cap
    assert got.best.tolist() == want.best
    assert got.scores["suspect"].tolist() == pytest.approx(want.scores, rel=1e-12)
    left, right = (rows.tolist() for rows in got.pair_rows)
    assert list(zip(left, right, strict=True)) == [(m.suspect, m.served) for m in want.matches]
    v = got.verified
    for i, match in enumerate(want.matches):
        table = v["spans"][v["span_pair"] == i].tolist()
        spans = [((row[0], row[1]), (row[4], row[5]), row[8]) for row in table]
        assert spans == match.spans
        assert v["ngrams"][i] == match.ngrams
        assert v["longest_run"][i] == match.longest_run
        assert v["containment_of_suspect"][i] == match.containment_of_suspect
        assert v["containment_of_served"][i] == match.containment_of_served
    counted = [{k: layer[k] for k in want.waterfall[0]} for layer in got.waterfall]
    assert counted == [*want.waterfall, want.waterfall[-1]]
    assert got.summary()["suspect_texts_too_short"] == want.too_short


@settings(max_examples=60)
@given(worlds(), st.randoms(use_true_random=False))
def test_rows_permute(world: dict[str, Any], random: Any) -> None:
    """Permuted suspect rows permute results; permuted served rows change nothing but which of equals is named."""
    first = compare(world)
    order = list(range(len(world["suspect"])))
    random.shuffle(order)
    moved = dict(world, suspect=[world["suspect"][i] for i in order])
    if world["suspect_prompts"]:
        moved["suspect_prompts"] = [world["suspect_prompts"][i] for i in order]
    second = compare(moved)
    assert np.array_equal(second.best, first.best[order])
    assert np.array_equal(second.scores["suspect"], first.scores["suspect"][order])
    assert second.waterfall == first.waterfall

    order = list(range(len(world["served"])))
    random.shuffle(order)
    moved = dict(world, top=1000, served=[world["served"][i] for i in order])
    for name in ("served_prompts", "conversations"):
        if world[name]:
            moved[name] = [world[name][i] for i in order]
    first, second = compare(dict(world, top=1000)), compare(moved)
    assert np.array_equal(second.best >= 0, first.best >= 0)
    assert np.array_equal(second.scores["suspect"], first.scores["suspect"])
    for old, new in zip(first.waterfall, second.waterfall, strict=True):
        assert (old["suspect_texts"], old["served_texts"]) == (new["suspect_texts"], new["served_texts"])
    counts = [sorted(zip(c.pair_rows[0].tolist(), c.verified["ngrams"].tolist(), strict=True)) for c in (first, second)]
    assert counts[0] == counts[1]


@settings(max_examples=60)
@given(worlds())
def test_laws(world: dict[str, Any]) -> None:
    result = compare(world, audit_texts=3, control={"one": ["nothing to see"], "two": [*texts_of(world), "x"]})
    for before, after in zip(result.waterfall, result.waterfall[1:], strict=False):
        assert before["suspect_texts"] >= after["suspect_texts"]
        assert before["served_texts"] >= after["served_texts"]
    alone = compare(world, audit_texts=3, threads=1)
    assert result.waterfall == alone.waterfall
    assert result.recall == alone.recall
    assert result.matches() == [
        m | {"rarity": r["rarity"]} for m, r in zip(alone.matches(), result.matches(), strict=True)
    ]
    assert np.array_equal(result.best, alone.best)
    assert result.summary() | {"false_positives_measured": None} == alone.summary()
    pairs, rows = result.pairs, [(a, b) for a, b in zip(*(r.tolist() for r in result.pair_rows), strict=True)]
    assert list(zip(pairs.left.tolist(), pairs.right.tolist(), strict=True)) == sorted(rows)
    summary = result.summary()
    assert summary["suspect_texts_matched"] == len(set(pairs.left.tolist())) == result.waterfall[-1]["suspect_texts"]
    assert len(set(pairs.right.tolist())) <= summary["served_texts_matched"] == result.waterfall[-1]["served_texts"]
    assert summary["suspect_tokens_matched"] <= summary["suspect_tokens"]


@settings(max_examples=100)
@given(worlds())
def test_spans_hold_the_same_tokens(world: dict[str, Any]) -> None:
    result = compare(dict(world, lists="keep"))
    spans, pairs = result.spans, result.pairs
    n = world["n"]
    for i, row in enumerate(spans.row.tolist()):
        a, b = world["suspect"][pairs.left[row]], world["served"][pairs.right[row]]
        ours = a.encode()[spans.left_start[i] : spans.left_end[i]].decode()
        theirs = b.encode()[spans.right_start[i] : spans.right_end[i]].decode()
        assert ours == a[spans.left_start_char[i] : spans.left_end_char[i]]
        assert theirs == b[spans.right_start_char[i] : spans.right_end_char[i]]
        tokens = op.tokenize([ours, theirs])
        assert tokens.row(0) == tokens.row(1)
        assert len(tokens.row(0)) == spans.tokens[i] >= min(n, len(op.tokenize([a]).row(0)))
    # A match has a span, whatever the texts.
    assert set(spans.row.tolist()) == set(range(len(pairs)))


def test_one_file_on_both_sides_is_said(tmp_path: Path) -> None:
    row = '{"text": "one two three four five six seven eight nine ten eleven twelve"}\n'
    for name, text in (("a.jsonl", row), ("copy.jsonl", row), ("b.jsonl", row * 2)):
        (tmp_path / name).write_text(text)
    a, copy, b = (op.read_corpus(tmp_path / name) for name in ("a.jsonl", "copy.jsonl", "b.jsonl"))
    said = "share a file: what it holds was compared with itself"
    assert [w for w in op.compare(a, copy).warnings() if said in w] == [f"The served side and the suspect {said}."]
    assert [w for w in op.compare(a, b, control={"people": a}).warnings() if said in w] == [
        f"The served side and control people {said}."
    ]
    assert [w for w in op.compare(a, b, control=b).warnings() if "share a file" in w] == [
        "The suspect and control b share a file: their shares are not those of different corpora."
    ]
    assert [w for w in op.compare(a, b, background=copy).warnings() if "share a file" in w] == [
        "The background and the served side share a file: its n-grams are masked, so nothing of it can match."
    ]
    assert not [w for w in op.compare(a, b).warnings() if "share a file" in w]
    assert not [w for w in op.compare(op.Corpus(["a"]), op.Corpus(["a"])).warnings() if said in w]


def test_a_control_that_cannot_match_is_none() -> None:
    short, long = ["too short a text"] * 10, [" ".join(f"w{i}" for i in range(40))]
    result = op.compare(long, long, control={"short": short, "half": short + long * 10, "most": short + long})
    assert list(result.summary()["false_positives_measured"]) == ["half", "most"]
    assert [c["too_short"] for c in result.to_dict()["controls"]] == [10, 10, 10]
    assert [w for w in result.warnings() if "too short" in w] == [
        "10 of 10 texts of control short are too short to match: it shows nothing.",
        "10 of 11 texts of control most are too short to match: its share says little.",
    ]


@pytest.mark.parametrize("side", ["served", "suspect"])
def test_a_path_is_no_corpus(side: str) -> None:
    sides: dict[str, Any] = {"served": ["a"], "suspect": ["a"], side: "answers.jsonl"}
    with pytest.raises(op.InputError, match=rf"{side} is one str: give texts, or a file's: read_corpus\(path\)"):
        op.compare(**sides)

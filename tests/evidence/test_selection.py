"""Keyed choice, the commitment to a log, and the self-test of redraws."""

import hashlib
import itertools
import math

import numpy as np
import overproof as op
import pytest
from hypothesis import given
from hypothesis import strategies as st
from overproof.evidence import (
    MerkleTree,
    draft_similarity,
    keyed_ranks,
    one_per_unit,
    record_hash,
    sample_by_key,
    self_test,
    self_tests,
    verify_inclusion,
)

KEY = bytes(range(32))
LEAF = st.binary(min_size=32, max_size=32)


def test_a_sample_depends_on_key_and_id_alone() -> None:
    ids = [f"request-{i}" for i in range(4000)]
    few, more = sample_by_key(ids, key=KEY, rate=0.1), sample_by_key(ids, key=KEY, rate=0.4)
    assert abs(few.mean() - 0.1) < 0.02
    assert more[few].all()
    assert np.array_equal(sample_by_key(ids[::-1], key=KEY, rate=0.1)[::-1], few)
    assert (sample_by_key(ids, key=KEY[::-1], rate=0.1) != few).any()
    assert sample_by_key(ids, key=KEY, rate=1).all()


@given(st.lists(st.tuples(st.sampled_from("abc"), st.text(max_size=3)), max_size=12), st.randoms())
def test_one_per_unit_is_the_lowest_rank_in_any_order(rows: list[tuple[str, str]], random: object) -> None:
    units, ids = [u for u, _ in rows], [i for _, i in rows]
    chosen = one_per_unit(units, ids, key=KEY)
    ranks = keyed_ranks(ids, key=KEY)
    assert sorted(units[row] for row in chosen) == sorted(set(units))
    for row in chosen:
        assert ranks[row] == min(ranks[i] for i, unit in enumerate(units) if unit == units[row])
    back = one_per_unit(units[::-1], ids[::-1], key=KEY)
    assert sorted((units[r], ids[r]) for r in chosen) == sorted((units[::-1][r], ids[::-1][r]) for r in back)


def root_of(leaves: list[bytes]) -> bytes:
    """RFC 6962, section 2.1, word for word."""
    if not leaves:
        return hashlib.sha256().digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\0" + leaves[0]).digest()
    k = 1 << (len(leaves) - 1).bit_length() - 1
    return hashlib.sha256(b"\1" + root_of(leaves[:k]) + root_of(leaves[k:])).digest()


@given(st.lists(LEAF, max_size=20), st.data())
def test_the_tree_is_that_of_the_rfc_and_its_proofs_hold(leaves: list[bytes], data: st.DataObject) -> None:
    tree = MerkleTree(leaves)
    assert tree.root == root_of(leaves)
    if not leaves:
        return
    index = data.draw(st.integers(0, len(leaves) - 1))
    proof = tree.proof(index)
    told = {"size": len(leaves), "index": index, "leaf": leaves[index], "proof": proof}
    assert verify_inclusion(tree.root, **told)
    assert not verify_inclusion(bytes(32), **told)
    assert not verify_inclusion(tree.root, **told | {"leaf": bytes(a ^ 1 for a in leaves[index])})
    assert not verify_inclusion(tree.root, **told | {"size": index})
    assert not verify_inclusion(tree.root, **told | {"proof": [*proof, bytes(32)]})
    if proof:
        assert not verify_inclusion(tree.root, **told | {"proof": proof[:-1]})


def test_a_known_root() -> None:
    """The first vectors of certificate transparency are of leaves of other lengths, so these are ours, by the RFC."""
    leaves = [record_hash(str(i).encode(), key=KEY) for i in range(7)]
    assert MerkleTree(leaves).root == root_of(leaves)
    assert MerkleTree(leaves[:6]).root != MerkleTree(leaves).root
    assert record_hash(b"a", key=KEY) != record_hash(b"a", key=KEY[::-1])


def plain_pvalue(table: list[list[float]]) -> float:
    """The two-sided p-value by all assignments of the served role."""
    rows = [[s for s in row if not math.isnan(s)] for row in table]
    ranks = [[sum(b < a for b in row) - sum(b > a for b in row) for a in row] for row in rows]
    observed = abs(sum(r[0] for r in ranks))
    sums = [abs(sum(pick)) for pick in itertools.product(*ranks)]
    return sum(s >= observed for s in sums) / len(sums)


@given(
    st.lists(
        st.lists(st.integers(0, 4).map(float), min_size=4, max_size=4).map(lambda r: r if r[0] else [*r[:3], math.nan]),
        min_size=1,
        max_size=5,
    ).filter(lambda table: any(len({s for s in row if not math.isnan(s)}) > 1 for row in table))
)
def test_the_self_test_is_its_definition(table: list[list[float]]) -> None:
    assert self_test(table).pvalue == pytest.approx(plain_pvalue(table), rel=1e-12)


def test_the_self_test_passes_innocents_and_meets_its_limit() -> None:
    rng = np.random.default_rng(0)
    passed = [self_test(rng.normal(size=(50, 4))).passed for _ in range(1000)]
    assert np.mean(passed) >= 0.99 - 3 * math.sqrt(0.01 * 0.99 / 1000)
    drafts = rng.normal(size=(200, 4))
    exact = self_test(drafts).pvalue
    more = self_test(np.concatenate([drafts, np.zeros((1, 4))])).pvalue
    assert more == pytest.approx(exact, abs=0.01)


def test_redraws_of_another_sampler_are_refused() -> None:
    other = op.simulate.Sampler("provider-1-2025-01-01", temperature=0.3, max_words=40)
    fair = op.simulate.case(seed=5, prompts=120, served=240, accounts=12, suspect=20, leak=5, web=0, people=5)
    short = op.simulate.case(
        seed=5, prompts=120, served=240, accounts=12, suspect=20, leak=5, web=0, people=5, provider=other
    )
    redraws: dict[str, list[str]] = {}
    for row in short.redraws:
        redraws.setdefault(row["request_id"], []).append(row["text"])
    own: dict[str, list[str]] = {}
    for row in fair.redraws:
        own.setdefault(row["request_id"], []).append(row["text"])
    first = list({row["prompt"]: row for row in fair.served}.values())
    texts = [row["text"] for row in first]
    for drawn, right in ((own, True), (redraws, False)):
        drafts = [drawn[row["request_id"]] for row in first]
        lengths = [[len(t.split()) for t in (text, *row)] for text, row in zip(texts, drafts, strict=True)]
        verdicts = [self_test(draft_similarity(texts, drafts)).passed, self_test(lengths).passed]
        assert all(verdicts) == right
        assert all(test.passed for test in self_tests(texts, drafts).values()) == right


def test_one_redraw_is_enough_for_what_a_draft_has_by_itself() -> None:
    served = [f"Question {i} has an answer, which is that it depends." for i in range(30)]
    cut = [[text[:30] if i % 9 else None] for i, text in enumerate(served)]
    found = self_tests(served, cut)
    assert "similarity to the other drafts" not in found
    assert {"length", "cut off"} <= {name for name, test in found.items() if not test.passed}
    assert found["length"].n == 26
    assert (found["length"].level, found["cut off"].level) == (0.01, 0.002)
    fit = [[float(i % 5 + 9 * (k == 0)) for k in range(2)] for i in range(30)]
    assert not self_tests(served, cut, innocents=fit)["score against declared innocents"].passed
    with pytest.raises(op.InputError, match=r"shape \(30, 3\)"):
        self_tests(served, cut, innocents=np.zeros((30, 3)))


def test_self_tests_pass_redraws_that_are_alike() -> None:
    rng = np.random.default_rng(1)
    words = [f"w{i}" for i in range(12)] + [".", ",", "\n"]
    failed = 0
    for _ in range(60):
        drafts = [[" ".join(rng.choice(words, rng.integers(5, 30))) for _ in range(3)] for _ in range(30)]
        found = self_tests([row[0] for row in drafts], [row[1:] for row in drafts])
        assert len(found) == 7
        failed += not all(test.passed for test in found.values())
    assert failed <= 6  # at most 3 % in expectation


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: keyed_ranks(["a"], key=b"short"), "16 to 64"),
        (lambda: keyed_ranks(["a", 3], key=KEY), "row 1"),
        (lambda: sample_by_key(["a"], key=KEY, rate=0), "rate"),
        (lambda: one_per_unit(["u"], ["a", "b"], key=KEY), "1 values for 2"),
        (lambda: record_hash(b"a", key=b"short"), "16 bytes"),
        (lambda: MerkleTree([b"short"]), "leaf 0"),
        (lambda: MerkleTree([]).proof(0), "0 leaves"),
        (lambda: self_test([[1.0, 1.0]]), "a redraw that differ"),
        (lambda: self_test([[math.nan, 2.0, 3.0]]), "a redraw that differ"),
        (lambda: self_test([[1.0, 2.0]], level=0), "level=0"),
        (lambda: self_tests(["a"], [["a"]]), "no drafts of a row differ"),
        (lambda: draft_similarity(["a"], []), "0 rows for 1"),
    ],
)
def test_bad_input_is_named(call: object, words: str) -> None:
    with pytest.raises(op.InputError, match=words):
        call()  # type: ignore[operator]

"""The monitor answers as the batch run does, whatever the batches, their order, and how monitors are merged."""

from pathlib import Path

import numpy as np
import overproof as op
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from overproof.errors import FormatError, IncompatibleError, InputError
from overproof.evidence.monitor import AccountMonitor


def requests(seed: int, n: int = 1500) -> dict[str, list]:
    rng = np.random.default_rng(seed)
    owner = (rng.pareto(1.0, n) * 6).astype(int) % 40
    prompts = [f"What is {a} about {b} and {c % 3}?" for a, b, c in rng.integers(0, 60, (n, 3)).tolist()]
    times = 1.735e9 + rng.random(n) * 20 * 86_400
    late = times > 1.735e9 + 86_400 * (10 + rng.random(n))
    made: dict[str, list] = {
        "accounts": [f"acct-{i}" for i in owner],
        "prompts": [None if u < 0.02 else p for p, u in zip(prompts, rng.random(n), strict=True)],
        "times": [float("nan") if u < 0.02 else t for t, u in zip(times.tolist(), rng.random(n), strict=True)],
        "conversations": [None if i % 50 == 0 else f"conv-{i}" for i in rng.integers(0, n // 2, n).tolist()],
        "models": ["new" if x else "old" for x in late],
    }
    made["prompts"][3] = "Think step by step: what is 4?"
    return made


def part(log: dict[str, list], rows: np.ndarray) -> dict[str, list]:
    return {key: [values[i] for i in rows.tolist()] for key, values in log.items()}


def same(a: AccountMonitor, b: AccountMonitor, benign: AccountMonitor) -> bool:
    one, two = a.features(benign=benign), b.features(benign=benign)
    return a.accounts == b.accounts and all(np.array_equal(one[k], two[k], equal_nan=True) for k in one)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32), pieces=st.integers(1, 9), monitors=st.integers(1, 4), fold=st.booleans())
def test_any_batches_and_any_merge_give_the_same_bits(seed: int, pieces: int, monitors: int, fold: bool) -> None:
    log = requests(1)
    whole = AccountMonitor()
    whole.update(**log)
    rng = np.random.default_rng(seed)
    parts = [AccountMonitor() for _ in range(monitors)]
    for i, rows in enumerate(np.array_split(rng.permutation(len(log["accounts"])), pieces)):
        parts[i % monitors].update(**part(log, rows))
        if fold:
            len(parts[i % monitors])
    order = rng.permutation(monitors).tolist()
    merged = parts[order[0]].merge(*(parts[i] for i in order[1:]))
    assert same(merged, whole, whole)
    assert merged.screen(rate=0.1).to_dict() == op.evidence.screen_accounts(log, rate=0.1).to_dict()


def test_what_is_kept_is_what_plain_counting_finds() -> None:
    log = requests(2, 400)
    monitor = AccountMonitor(prompts_kept=500, conversations_kept=500)
    monitor.update(**log)
    features, names = monitor.features(), monitor.accounts
    for i, name in enumerate(names):
        rows = [r for r, account in enumerate(log["accounts"]) if account == name]
        asked = [log["prompts"][r] for r in rows if log["prompts"][r] is not None]
        assert features["requests"][i] == len(rows)
        assert features["resampling"][i] == max(map(asked.count, asked))
        hours = [int(log["times"][r] // 3600 % 24) for r in rows if log["times"][r] == log["times"][r]]
        quiet = min(sum((h - s) % 24 < 8 for h in hours) for s in range(24)) if hours else 0
        assert (features["flat_clock"][i] == 0) == (quiet == 0)
    assert features["new_models"].max() >= 1
    assert features["reasoning"].max() > 0


def test_the_samples_are_bounded_and_say_how_many_distinct_prompts_there_were() -> None:
    monitor = AccountMonitor()
    for at in range(0, 4000, 500):
        monitor.update(["one"] * 500, [f"this is prompt number {i}" for i in range(at, at + 500)])
    assert len(monitor) == 1
    assert monitor.nbytes <= 1192 + 64
    # A bottom-16 sample estimates the count with a standard error of 27 %.
    novelty = monitor.features()["novelty"][0]
    assert novelty == pytest.approx(1000, rel=0.6)


def test_a_saved_monitor_is_the_same_file_and_comes_back(tmp_path: Path) -> None:
    log = requests(3, 300)
    one, two = AccountMonitor(), AccountMonitor()
    one.update(**log)
    for rows in np.array_split(np.arange(300)[::-1], 4):
        two.update(**part(log, rows))
    one.save(tmp_path / "one.opmon")
    two.save(tmp_path / "two.opmon")
    content = (tmp_path / "one.opmon").read_bytes()
    assert content == (tmp_path / "two.opmon").read_bytes()
    back = AccountMonitor.load(tmp_path / "one.opmon")
    assert same(back, one, one)
    broken = bytearray(content)
    broken[len(broken) // 2] ^= 1
    (tmp_path / "broken.opmon").write_bytes(broken)
    with pytest.raises(FormatError, match=r"broken\.opmon"):
        AccountMonitor.load(tmp_path / "broken.opmon")
    (tmp_path / "text").write_text("nothing")
    with pytest.raises(FormatError, match="is no saved monitor"):
        AccountMonitor.load(tmp_path / "text")


def test_clear_errors() -> None:
    monitor = AccountMonitor()
    with pytest.raises(InputError, match="prompts has 1 values for 2 accounts"):
        monitor.update(["a", "b"], ["x"])
    with pytest.raises(InputError, match="times: row 1 is infinite"):
        monitor.update(["a", "b"], ["x", "y"], times=[1.0, float("inf")])
    with pytest.raises(InputError, match="has not three words"):
        AccountMonitor(cues=["two words"])
    with pytest.raises(InputError, match="prompts_kept"):
        AccountMonitor(prompts_kept=1)
    with pytest.raises(IncompatibleError, match="cannot be merged"):
        monitor.merge(AccountMonitor(prompts_kept=4))
    monitor.update(["a", None], ["x", "y"])
    assert monitor.accounts == ["a"]

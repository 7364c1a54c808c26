"""The screen: thresholds hit as many benign accounts as stated; decisions change the next calibration."""

from pathlib import Path
from typing import Any

import numpy as np
import overproof as op
import pytest
from evidence.made_logs import metadata
from overproof.errors import InputError
from overproof.evidence.screen import read_decisions, screen_accounts


def columns(log: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    made = {key: log[key] for key in ("accounts", "prompts", "times")}
    return made | {"accounts": [prefix + account for account in log["accounts"]]}


BENIGN = columns(metadata(1, people=220, tools=3, users=20, requests=40), "old-")
LOG = metadata(2, people=60, tools=2, users=10, pools=(10,), requests=60)


def test_pooled_accounts_stand_out_and_thresholds_say_whom_they_would_hit() -> None:
    found = screen_accounts(columns(LOG), benign=BENIGN, rate=0.02)
    seen = {row["account"]: set(row["flags"]) for row in found.review}
    assert all("flat_clock" in seen.get(account, set()) for account in LOG["truth"])
    for limit in found.thresholds:
        assert limit["threshold"] is None or limit["benign_hits"] <= 0.02 * limit["benign"]
    assert "no verdict" in found.note
    assert found.calibrated_on == "benign accounts"


def test_a_further_benign_account_crosses_a_threshold_at_the_stated_rate() -> None:
    hits = tested = 0
    for seed in range(6):
        other = columns(metadata(10 + seed, people=100, tools=0, requests=40))
        found = screen_accounts(other, benign=columns(metadata(30 + seed, people=120, tools=0, requests=40)), rate=0.05)
        hits += sum("flat_clock" in flags for flags in found.flags)
        tested += len(found.accounts)
    assert hits / tested <= 0.05 + 3 * (0.05 * 0.95 / tested) ** 0.5 + 0.01


def test_too_few_benign_accounts_give_no_threshold() -> None:
    found = screen_accounts(columns(LOG), benign=columns(metadata(3, people=30, tools=0, requests=40)), rate=0.01)
    assert all(limit["threshold"] is None for limit in found.thresholds)
    assert not found.review


def test_decisions_are_read_back(tmp_path: Path) -> None:
    first = screen_accounts(columns(LOG), rate=0.05)
    assert first.calibrated_on == "this log itself"
    blocked = dict.fromkeys(LOG["truth"], "blocked")
    second = screen_accounts(columns(LOG), rate=0.05, decisions=blocked)
    assert second.benign == first.benign - len(blocked)
    assert {row["decision"] for row in second.review if row["account"] in blocked} == {"blocked"}
    clock = {t["name"]: t["threshold"] for t in second.thresholds}["flat_clock"]
    assert clock < {t["name"]: t["threshold"] for t in first.thresholds}["flat_clock"]
    cleared = screen_accounts(columns(LOG), benign=BENIGN, decisions=dict.fromkeys(LOG["truth"], "cleared"))
    assert cleared.benign == screen_accounts(columns(LOG), benign=BENIGN).benign + len(blocked)

    path = tmp_path / "review.csv"
    path.write_text("account,flags,decision\na,x,Confirmed\nb,y,\nc,z,cleared\n")
    assert read_decisions(path) == {"a": "confirmed", "c": "cleared"}
    path.write_text("account,decision\na,guilty\n")
    with pytest.raises(InputError, match=r"line 2: decision 'guilty' is unknown"):
        read_decisions(path)
    path.write_text("account,decision\na,cleared\na,blocked\n")
    with pytest.raises(InputError, match=r"line 3: 'a' is also 'cleared'"):
        read_decisions(path)
    path.write_text("name\na\n")
    with pytest.raises(InputError, match="has no column 'account'"):
        read_decisions(path)


def test_a_corpus_and_its_columns_are_one() -> None:
    times = [None if i == 3 else f"2025-01-01T{i % 24:02}:00:00+01:00" for i in range(60)]
    accounts, prompts = [f"a{i % 2}" for i in range(60)], [f"this is prompt {i % 50} of mine" for i in range(60)]
    corpus = op.Corpus(["out"] * 60, accounts=accounts, prompts=prompts, times=times)
    seconds = np.array([np.nan if t is None else 1_735_686_000 + 3600 * (i % 24) for i, t in enumerate(times)])
    again = screen_accounts({"accounts": accounts, "prompts": prompts, "times": seconds})
    assert screen_accounts(corpus).to_dict() == again.to_dict()
    with pytest.raises(InputError, match="the log has no prompts"):
        screen_accounts(op.Corpus(["x"], accounts=["a"]))
    with pytest.raises(InputError, match="give a Corpus"):
        screen_accounts([1])

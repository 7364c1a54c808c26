"""A group that returns is found by its keyed template; what is exported names nobody who has no key."""

import csv
from datetime import UTC, datetime
from pathlib import Path

import pytest
from evidence.made_logs import metadata
from overproof.errors import FormatError, IncompatibleError, InputError
from overproof.evidence import people
from overproof.evidence.export import stix_bundle, write_csv, write_stix
from overproof.evidence.watch import WatchList

KEY = bytes(range(32))


def test_a_group_returns_under_new_accounts_and_nobody_else_is_named(tmp_path: Path) -> None:
    log = metadata(1, pools=(6,))
    pooled = [p for a, p in zip(log["accounts"], log["prompts"], strict=True) if a in log["truth"]]
    others = [p for a, p in zip(log["accounts"], log["prompts"], strict=True) if a not in log["truth"]]
    watch = WatchList(KEY, case="case-1")
    watch.add("group-001", pooled[:30], others=others)
    renamed = [f"new-{a}" for a in log["accounts"]]
    found = watch.find(renamed, log["prompts"])
    assert {f["account"] for f in found} == {f"new-{a}" for a in log["truth"]}
    watch.save(tmp_path / "watch.json")
    text = (tmp_path / "watch.json").read_text()
    assert KEY.hex() not in text
    assert not any(word in text for word in pooled[0].split()[:9])
    assert WatchList.load(tmp_path / "watch.json", KEY).find(renamed, log["prompts"]) == found
    other = WatchList(KEY[::-1], case="case-1")
    other.add("group-001", pooled[:30], others=others)
    assert not other.templates["group-001"] & watch.templates["group-001"]
    with pytest.raises(IncompatibleError, match="give the case's key"):
        WatchList.load(tmp_path / "watch.json", KEY[::-1])
    (tmp_path / "watch.json").write_text("[]")
    with pytest.raises(FormatError, match="is no watch list"):
        WatchList.load(tmp_path / "watch.json", KEY)
    with pytest.raises(InputError, match="there is no template"):
        watch.add("none", ["a b c d e f", "g h i j k l"])
    with pytest.raises(InputError, match="16 to 64 secret bytes"):
        WatchList(b"short", case="x")


def test_a_bundle_is_valid_and_holds_pseudonyms_only(tmp_path: Path) -> None:
    stix2 = pytest.importorskip("stix2")
    names = people.pseudonyms([f"user-{i}" for i in range(3)], key=KEY).values()
    accounts = [{"pseudonym": name, "requests": 12, "flags": ["flat_clock"]} for name in names]
    accounts[0] |= {"first": datetime(2025, 1, 1, tzinfo=UTC), "last": datetime(2025, 1, 9, tzinfo=UTC)}
    group = {"id": "group-001", "members": [a["pseudonym"] for a in accounts[:2]], "pvalue": 0.0075}
    when = datetime(2025, 2, 1, tzinfo=UTC)
    bundle = stix_bundle(accounts, [group], name="case-1", created=when)
    write_stix(bundle, tmp_path / "review.json")
    text = (tmp_path / "review.json").read_text()
    back = stix2.parse(text)
    kinds = sorted(o["type"] for o in back.objects)
    assert kinds == ["grouping", "identity", *["note"] * 3, "observed-data", *["user-account"] * 3]
    assert all(o.get("spec_version") == "2.1" for o in back.objects)
    assert "user-" not in text.replace("user-account", "")
    assert "For review" in text
    again = stix_bundle(accounts, [group], name="case-1", created=when)
    assert again.serialize() == bundle.serialize()
    with pytest.raises(InputError, match="not among the accounts"):
        stix_bundle(accounts, [{"id": "g", "members": ["who"]}], name="x")


def test_cells_of_a_table_are_no_formulas(tmp_path: Path) -> None:
    rows = [{"account": "=1+1", "flags": ["a", "b"], "share": float("nan")}, {"account": "b", "share": 0.25}]
    write_csv(rows, tmp_path / "r.csv", columns=("account", "flags", "share"))
    with (tmp_path / "r.csv").open(newline="") as file:
        assert list(csv.reader(file)) == [["account", "flags", "share"], ["'=1+1", "a; b", ""], ["b", "", "0.25"]]


def test_a_pseudonym_depends_on_account_and_key_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"user-{i}" for i in range(40)]
    all_of_them = people.pseudonyms(names, key=KEY)
    assert all(people.pseudonyms([name], key=KEY) == {name: all_of_them[name]} for name in names)
    assert not set(all_of_them.values()) & set(people.pseudonyms(names, key=KEY[::-1]).values())
    # With one digit many are the same: they have more, and start as they would alone.
    monkeypatch.setattr(people, "DIGITS", 1)
    crowded = people.pseudonyms(names, key=KEY)
    assert len(set(crowded.values())) == len(names)
    assert all(crowded[name].startswith(people.pseudonyms([name], key=KEY)[name]) for name in names)

"""Groups from metadata: planted ones are found, public tools and graphs without structure hold none."""

import math

import numpy as np
import pytest
from evidence.made_logs import metadata, sentence
from overproof.errors import InputError
from overproof.evidence.groups import account_groups
from overproof.evidence.templates import prompt_templates

from benches.validity.accounts import adjusted_rand, structureless_log


def groups(log: dict, **options: object):  # type: ignore[no-untyped-def]
    known = {key: log[key] for key in ("times", "links") if key in log}
    return account_groups(log["accounts"], log["prompts"], **known, null_runs=299, **options)


def test_planted_groups_come_out_as_they_were_planted() -> None:
    for seed in (1, 2):
        log = metadata(seed, pools=(3, 8, 20))
        found = groups(log)
        assert adjusted_rand(log["truth"], found.of, sorted(log["roles"])) >= 0.9
        largest = found.groups[0]
        assert largest["pvalue"] <= 0.01
        assert largest["why"]["frame"]["other_accounts"] == 0
        assert largest["why"]["payment"]["shared_keys"] >= 1
        assert largest["why"]["prompts"]["asked_by_several_members"] == 0
        assert largest["why"]["clock"]["quietest_8_hours"] > 0.2


def test_users_of_public_tools_and_graphs_without_structure_are_no_groups() -> None:
    runs = 8
    wrong = sum(bool(groups(metadata(100 + s, tools=3, users=20)).groups) for s in range(runs))
    wrong += sum(bool(groups(structureless_log(s, accounts=60)).groups) for s in range(runs))
    # At .01 each, 16 runs: two or more have probability .011.
    assert wrong <= 1


def test_a_frame_that_two_accounts_alone_use_is_no_group_without_links() -> None:
    log = metadata(5, pools=(6,), linked=0.0)
    assert not groups(log).groups


def test_accounts_that_ask_one_list_are_a_group_without_links_and_frames() -> None:
    log = metadata(6, people=40, tools=0, users=0)
    rng = np.random.default_rng(0)
    again = [sentence(rng, 12) for _ in range(12)]
    accounts = [*log["accounts"], *["twin-1"] * 12, *["twin-2"] * 12]
    found = account_groups(accounts, [*log["prompts"], *again, *again], null_runs=199)
    assert [g["accounts"] for g in found.groups] == [["twin-1", "twin-2"]]


def test_the_order_of_rows_and_the_names_of_accounts_change_nothing() -> None:
    log = metadata(7, pools=(8,))
    order = np.random.default_rng(0).permutation(len(log["accounts"]))
    shuffled = {key: [log[key][i] for i in order] for key in ("accounts", "prompts")}
    links = {name: [keys[i] for i in order] for name, keys in log["links"].items()}
    again = account_groups(**shuffled, times=log["times"][order], links=links, null_runs=299)
    assert again.to_dict() == groups(log).to_dict()


def test_clear_errors() -> None:
    with pytest.raises(InputError, match="prompts has 1 values for 2 accounts"):
        account_groups(["a", "b"], ["x"])
    with pytest.raises(InputError, match="payment has 1 values for 2 accounts"):
        account_groups(["a", "b"], ["x", "y"], links={"payment": ["p"]})
    with pytest.raises(InputError, match="null_runs"):
        account_groups(["a"], ["x"], null_runs=0)
    assert account_groups(["a", None, "a"], ["x", "y", None]).skipped == {"account not known": 1}
    assert math.isclose(account_groups([], []).alpha, 0.01)


def test_frames_are_what_distinct_prompts_with_other_contents_share() -> None:
    frame = "Answer the question of my user as shortly as you can: {} Thank you."
    bare = [f"number {i} is what times {i * 3} if {i * 5} is odd" for i in range(6)]
    found = prompt_templates([*(frame.format(b) for b in bare), *bare, None, "", bare[0], bare[0]])
    assert (found.tool[:6] == found.tool[0]).all()
    assert found.tool[0] >= 0
    assert (found.tool[6:] == -1).all()
    assert found.content[6] == found.content[14] == found.content[15] >= 0
    assert found.content[12] == found.content[13] == -1
    assert len(np.unique(found.content[:6])) == 6

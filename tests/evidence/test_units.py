"""Units join what is no independent observation, over all accounts."""

from typing import Any

import overproof as op
from overproof.evidence.units import asked, log_units

LONG = "one two three four five six seven eight nine ten eleven twelve"


def test_each_key_joins() -> None:
    n = 12
    extra: dict[str, list[Any]] = {"template": [None] * n, "cache_key": [None] * n, "messages": [None] * n}
    prompts = [f"p{i}" for i in range(n)]
    texts, conversations = [f"t{i}" for i in range(n)], [None] * n
    prompts[1] = " P0 "
    conversations[2] = conversations[3] = "c"
    extra["template"][4] = extra["template"][5] = "t"
    extra["cache_key"][6] = extra["cache_key"][7] = "k"
    texts[8] = texts[9] = LONG
    texts[10] = texts[11] = "Yes."
    log = op.Corpus(texts, prompts=prompts, conversations=conversations, extra=extra)
    assert log_units(log).tolist() == [0, 0, 2, 2, 4, 4, 6, 6, 8, 8, 10, 11]
    assert log_units(log, min_words=1).tolist()[-2:] == [10, 10]
    order = [11, 3, 0, 9, 1, 2, 8, 5, 4, 10, 7, 6]
    turned = log_units(log.select(order))
    joined = {tuple(sorted(order[i] for i in range(n) if turned[i] == unit)) for unit in turned.tolist()}
    assert joined == {(0, 1), (2, 3), (4, 5), (6, 7), (8, 9), (10,), (11,)}


def test_history_counts_and_the_system_message_does_not() -> None:
    user = {"role": "user", "content": "Why?"}
    chats = [
        [user],
        [{"role": "system", "content": "S"}, user],
        [user, {"role": "assistant", "content": "x"}, user],
        None,
        "not a list",
    ]
    log = op.Corpus(["a", "b", "c", "d", "e"], prompts=["Why?"] * 4 + [None], extra={"messages": chats})
    assert log_units(log).tolist() == [0, 0, 2, 0, 4]
    assert asked(log)[0] == asked(log)[3] == "why?"

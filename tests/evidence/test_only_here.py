"""The filter of L2: a function of the text and of the rest of the log, alike for served drafts and redraws."""

import numpy as np
import overproof as op
import pytest
from evidence.made_logs import sentence
from overproof.errors import InputError
from overproof.evidence.only_here import served_only_here


def made(seed: int = 0) -> tuple[list[list[str | None]], list[str], list[str], list[str | None], list[int]]:
    rng = np.random.default_rng(seed)
    texts = [sentence(rng, 30) for _ in range(40)]
    owners: list[str | None] = [f"a{i % 8}" for i in range(40)]
    texts[17] = texts[0].upper() + " and a little more at the end"  # a1 was served what a0 was, nearly
    texts[8] = texts[16]  # the same account twice
    rows = [0, 1, 8, 25]
    drafts: list[list[str | None]] = [[texts[r], sentence(rng, 30), texts[33] if r == 1 else None] for r in rows]
    return drafts, [str(owners[r]) for r in rows], texts, owners, rows


def test_what_another_account_was_served_counts_and_what_its_own_was_does_not() -> None:
    drafts, accounts, texts, owners, rows = made()
    found = served_only_here(drafts, accounts, texts, owners, own_rows=rows)
    # Text 33 is of a1, the account of the second unit.
    assert found.tolist() == [[False, True, False], [True, True, True], [True, True, False], [True, True, False]]
    owners[33] = None  # an account that is not known is another one
    assert not served_only_here(drafts, accounts, texts, owners, own_rows=rows)[1, 2]
    owners[1] = None  # but the record itself is no other text
    assert served_only_here(drafts, accounts, texts, owners, own_rows=rows)[1, 0]


def test_swapping_a_served_text_with_a_redraw_swaps_the_values() -> None:
    drafts, accounts, texts, owners, rows = made(1)
    found = served_only_here(drafts, accounts, texts, owners, own_rows=rows)
    turned = served_only_here([unit[::-1] for unit in drafts], accounts, texts, owners, own_rows=rows)
    assert np.array_equal(turned, found[:, ::-1])


def test_it_is_plain_containment_of_exact_ngrams() -> None:
    drafts, accounts, texts, owners, rows = made(2)
    shingler = op.Shingler(3)
    whole = shingler.transform(texts)
    sets = [set(part.tolist()) for part in np.split(whole.hashes, whole.indptr[1:-1])]
    for threshold in (0.1, 0.5, 1.0):
        found = served_only_here(drafts, accounts, texts, owners, own_rows=rows, threshold=threshold, shingler=shingler)
        for i, unit in enumerate(drafts):
            for j, text in enumerate(unit):
                if text is None:
                    assert not found[i, j]
                    continue
                own = set(shingler.transform([text]).hashes.tolist())
                others = [s for s, owner in zip(sets, owners, strict=True) if owner != accounts[i]]
                assert found[i, j] == all(len(own & s) / len(own) < threshold for s in others)


def test_clear_errors() -> None:
    drafts, accounts, texts, owners, rows = made()
    with pytest.raises(InputError, match="accounts has 3 values for 4 rows"):
        served_only_here(drafts, accounts[:3], texts, owners, own_rows=rows)
    with pytest.raises(InputError, match="row 1 was not served to 'a0'"):
        served_only_here(drafts, accounts, texts, owners, own_rows=[1, 1, 8, 25])
    with pytest.raises(InputError, match="is no row of the log"):
        served_only_here(drafts, accounts, texts, owners, own_rows=[0, 1, 8, 99])
    with pytest.raises(InputError, match="each unit must have as many"):
        served_only_here([["a"], ["a", "b"]], ["x", "x"], ["a"], ["x"], own_rows=[0, 0])

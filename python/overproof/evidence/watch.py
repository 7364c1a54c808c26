"""A watch list of keyed templates: groups that return under new accounts, found without keeping their prompts."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from overproof._core import ShingleSets
from overproof._files import atomic_path
from overproof.errors import FormatError, IncompatibleError, InputError
from overproof.evidence.result import between, count
from overproof.evidence.selection import is_key
from overproof.shingle import Shingler

if TYPE_CHECKING:
    from overproof.typing import TextsLike

__all__ = ["WatchList"]

FORM = "overproof-watch-1"
WORDS = 5


class WatchList:
    """Templates of the groups of one case, as keyed hashes of their n-grams.

    A template is the five-word n-grams that a tenth of a group's distinct prompts share; what is in its slots is not
    kept. Each n-gram is hashed by BLAKE2b with the key of the case, to 128 bits: without the key the file tells
    nothing, and two cases cannot be joined.

    Parameters
    ----------
    key : bytes
        16 to 64 bytes, secret, one a case.
    case : str
        Name of the case.

    Attributes
    ----------
    templates : dict of str to frozenset of bytes
        Of each group.
    key_id : str
        Tells keys apart, and tells nothing of the key.

    Raises
    ------
    InputError
        The key is too short or too long.

    References
    ----------
    RFC 7693 (BLAKE2, keyed).

    Examples
    --------
    >>> frame = "Below is an instruction from the list. Write a detailed response: {}"
    >>> watch = WatchList(bytes(range(32)), case="case-0417")
    >>> watch.add("group-001", [frame.format(word) for word in ("one", "two", "three", "four")])
    >>> new = ["acct-9"] * 4 + ["acct-10"]
    >>> prompts = [frame.format(word) for word in ("five", "six", "seven", "eight")] + ["Good day to you all!"]
    >>> watch.find(new, prompts)
    [{'account': 'acct-9', 'case': 'case-0417', 'group': 'group-001', 'requests': 4}]
    """

    def __init__(self, key: bytes, *, case: str) -> None:
        if not is_key(key):
            raise InputError("key: give 16 to 64 secret bytes, one key a case")
        self._key, self.case = key, case
        self.templates: dict[str, frozenset[bytes]] = {}
        self._shingler = Shingler(WORDS)

    @property
    def key_id(self) -> str:
        """Tells keys apart, and tells nothing of the key."""
        return blake2b(b"key id", key=self._key, digest_size=8).hexdigest()

    def _keyed(self, hashes: npt.NDArray[np.uint64]) -> list[bytes]:
        return [blake2b(h.to_bytes(8, "little"), key=self._key, digest_size=16).digest() for h in hashes.tolist()]

    def add(self, group: str, prompts: TextsLike, *, others: TextsLike | None = None, least: int = 3) -> None:
        """Put the template of a group on the list.

        Parameters
        ----------
        group : str
            Its name.
        prompts : TextsLike
            Prompts of the group.
        others : TextsLike, optional
            Prompts of benign accounts: n-grams that stand in them are left out.
        least : int
            Distinct prompts that must share an n-gram, at least.

        Raises
        ------
        InputError
            The prompts share no n-gram: there is no template.
        """
        sets = self._shingler.transform(prompts, missing="keep")
        distinct = _distinct(sets)
        gram, times = np.unique(distinct.hashes, return_counts=True)
        shared = gram[times >= max(count(least, "least", 2), len(distinct) / 10)]
        if others is not None:
            shared = np.setdiff1d(shared, self._shingler.transform(others, missing="keep").hashes)
        if not len(shared):
            raise InputError(
                f"the prompts of {group!r} share no n-gram of {WORDS} words: there is no template to watch"
            )
        self.templates[group] = frozenset(self._keyed(shared)) | self.templates.get(group, frozenset())

    def find(
        self, accounts: Sequence[Any], prompts: TextsLike, *, share: float = 0.3, least: int = 3
    ) -> list[dict[str, Any]]:
        """Accounts whose prompts hold a template of the list.

        Parameters
        ----------
        accounts : sequence of n
            The account of each prompt; None is nobody.
        prompts : TextsLike
            n prompts.
        share : float
            Of a template's n-grams that a prompt must hold; a group's template may be several frames.
        least : int
            Requests of an account that must hold it.

        Returns
        -------
        list of dict
            ``account, case, group, requests``, for review; by account, then group.

        Raises
        ------
        InputError
            Lengths differ, or an argument is out of range.

        Notes
        -----
        O(n-grams), and one BLAKE2b, about 1 microsecond, for each distinct one.
        """
        share, least = between(share, "share", 0, 1 + 1e-9), count(least, "least", 1)
        sets = self._shingler.transform(prompts, missing="keep")
        names = accounts.to_list() if hasattr(accounts, "to_list") else list(accounts)
        if len(names) != len(sets):
            raise InputError(f"prompts has {len(sets)} values for {len(names)} accounts")
        gram, at = np.unique(sets.hashes, return_inverse=True)
        keyed = self._keyed(gram)
        row = np.repeat(np.arange(len(sets)), np.diff(sets.indptr))
        found = []
        for group, template in sorted(self.templates.items()):
            known = np.array([k in template for k in keyed], np.bool_)
            held = np.bincount(row, weights=known[at], minlength=len(sets))
            requests: dict[Any, int] = {}
            for i in np.flatnonzero(held >= max(1, share * len(template))).tolist():
                if names[i] is not None:
                    requests[names[i]] = requests.get(names[i], 0) + 1
            found += [
                {"account": account, "case": self.case, "group": group, "requests": n}
                for account, n in requests.items()
                if n >= least
            ]
        return sorted(found, key=lambda f: (str(f["account"]), f["group"]))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the list as JSON, without the key; whole or not at all."""
        made = {
            "form": FORM,
            "case": self.case,
            "key_id": self.key_id,
            "ngrams": f"{self._shingler.fingerprint:016x}",
            "templates": {group: sorted(h.hex() for h in grams) for group, grams in sorted(self.templates.items())},
        }
        with atomic_path(path) as temporary:
            temporary.write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: str | os.PathLike[str], key: bytes) -> WatchList:
        """Read a list.

        Raises
        ------
        FormatError
            Not such a file.
        IncompatibleError
            It was made with another key, or by a version that hashes in another way.
        """
        where = Path(path)
        try:
            kept = json.loads(where.read_text(encoding="utf-8"))
            if kept["form"] != FORM:
                raise FormatError(f"{where}: its form is {kept['form']!r}, this version reads {FORM!r}")
            made = cls(key, case=kept["case"])
            templates = {g: frozenset(bytes.fromhex(h) for h in grams) for g, grams in kept["templates"].items()}
            key_id, grams_of = kept["key_id"], kept["ngrams"]
        except (KeyError, TypeError, AttributeError, UnicodeDecodeError, json.JSONDecodeError) as error:
            raise FormatError(f"{where} is no watch list: {error}") from error
        if key_id != made.key_id:
            raise IncompatibleError(f"{where} was made with key {key_id}, not with {made.key_id}; give the case's key")
        if grams_of != f"{made._shingler.fingerprint:016x}":
            raise IncompatibleError(f"{where} holds n-grams of another kind ({grams_of}); make it again")
        made.templates = templates
        return made


def _distinct(sets: ShingleSets) -> ShingleSets:
    """Each set once."""
    from overproof.evidence.templates import spread, sums_of_rows

    first = np.unique(sums_of_rows(sets.indptr, spread(sets.hashes)), return_index=True)[1]
    return sets.take(np.sort(first).astype(np.int64))

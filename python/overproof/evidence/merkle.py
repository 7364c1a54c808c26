"""A commitment to a day's log: one hash that fixes every record, and proofs that a record was among them.

Hashes are those of RFC 6962 (certificate transparency), section 2.1, over keyed hashes of the records, so that the root
and the proofs tell nothing about texts that are not opened.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from overproof.errors import InputError

SIZE = 32


def record_hash(record: bytes, *, key: bytes) -> bytes:
    """HMAC-SHA-256 of a record: what stands in the tree for it.

    Raises
    ------
    InputError
        The key has fewer than 16 bytes.

    Examples
    --------
    >>> record_hash(b"{}", key=b"sixteen bytes or more").hex()[:16]
    'd2e273e40f97e239'
    """
    if not isinstance(key, bytes) or len(key) < 16:
        raise InputError("key: give at least 16 bytes, such as secrets.token_bytes(32)")
    return hmac.digest(key, record, "sha256")


@dataclass(frozen=True)
class MerkleTree:
    """The tree over the hashes of some records, in their order.

    Parameters
    ----------
    leaves : sequence of bytes
        32 bytes each, as `record_hash` gives.

    Raises
    ------
    InputError
        A leaf has another length.

    Notes
    -----
    O(n) hashes; 64 bytes a record.

    Examples
    --------
    >>> tree = MerkleTree([record_hash(r, key=b"sixteen bytes or more") for r in (b"a", b"b", b"c")])
    >>> proof = tree.proof(2)
    >>> verify_inclusion(tree.root, size=3, index=2, leaf=tree.leaves[2], proof=proof)
    True
    """

    leaves: Sequence[bytes]
    _levels: list[list[bytes]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Hash all levels."""
        leaves = list(self.leaves)
        for i, leaf in enumerate(leaves):
            if not isinstance(leaf, bytes) or len(leaf) != SIZE:
                raise InputError(f"leaves: leaf {i} must be {SIZE} bytes, as record_hash gives")
        level = [_of_leaf(leaf) for leaf in leaves]
        levels = [level]
        while len(level) > 1:
            level = [_of_node(*level[i : i + 2]) if i + 1 < len(level) else level[i] for i in range(0, len(level), 2)]
            levels.append(level)
        object.__setattr__(self, "leaves", leaves)
        object.__setattr__(self, "_levels", levels)

    @property
    def root(self) -> bytes:
        """32 bytes that fix all leaves and their order; SHA-256 of nothing where there is none."""
        return self._levels[-1][0] if self.leaves else hashlib.sha256().digest()

    def proof(self, index: int) -> list[bytes]:
        """The hashes beside the path from a leaf to the root, from the leaf up.

        Raises
        ------
        InputError
            There is no such leaf.
        """
        if not 0 <= index < len(self.leaves):
            raise InputError(f"index={index}: the tree has {len(self.leaves)} leaves")
        out = []
        for level in self._levels[:-1]:
            beside = index ^ 1
            if beside < len(level):
                out.append(level[beside])
            index >>= 1
        return out


def verify_inclusion(root: bytes, *, size: int, index: int, leaf: bytes, proof: Iterable[bytes]) -> bool:
    """Whether a leaf was at a place of the tree that a root fixes; needs no key and no other record.

    Parameters
    ----------
    root : bytes
        Of the tree.
    size, index : int
        Leaves of the tree, and the place of this one from 0.
    leaf : bytes
        As `record_hash` gives.
    proof : iterable of bytes
        As `MerkleTree.proof` gives.

    Returns
    -------
    bool

    References
    ----------
    RFC 9162, section 2.1.3.2.
    """
    if not 0 <= index < size:
        return False
    at, last, made = index, size - 1, _of_leaf(leaf)
    for beside in proof:
        if last == 0:
            return False
        if at & 1 or at == last:
            made = _of_node(beside, made)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            made = _of_node(made, beside)
        at, last = at >> 1, last >> 1
    return last == 0 and hmac.compare_digest(made, root)


def _of_leaf(leaf: bytes) -> bytes:
    return hashlib.sha256(b"\0" + leaf).digest()


def _of_node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\1" + left + right).digest()

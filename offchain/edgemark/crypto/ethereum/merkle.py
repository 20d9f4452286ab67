"""Merkle tree over exactly m leaves, in their order: the tree of task ids that a device posts.

Leaves are 32-byte hashes, used as they are. An inner node is keccak256(0x01 || left || right); the
last node of a level with an odd number of nodes is promoted unchanged. Position and leaf count
decide the shape of a branch, so a branch proves at which position its leaf stands. A leaf is itself
the hash of 32 bytes and an inner node that of 65, so neither can pose as the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from hmac import compare_digest

from edgemark.crypto.ethereum.hashing import keccak256
from edgemark.errors import PeerFault, RefusedInput
from edgemark.identifiers import Hash32, parse_hash32

MAX_LEAVES = 1 << 16

_INNER = b"\x01"


class BranchMismatch(PeerFault):
    """A branch that does not lead from its leaf to the root."""


def _join(left: Hash32, right: Hash32) -> Hash32:
    return keccak256(_INNER, left, right)


def _check_position(position: int, leaf_count: int) -> None:
    if not 1 <= leaf_count <= MAX_LEAVES:
        raise RefusedInput(
            "leaf count out of range", who="Merkle tree", had=leaf_count, needed=f"1..{MAX_LEAVES}"
        )
    if not 0 <= position < leaf_count:
        raise RefusedInput(
            "position out of range",
            who="Merkle tree",
            had=position,
            needed=f"0..{leaf_count - 1}",
        )


class MerkleTree:
    """All levels of a tree, leaves first.

    Args:
        leaves: 1..65536 hashes of 32 bytes; leaf j stands at position j - 1.

    Raises:
        RefusedInput: no leaf, too many, or one that is not 32 bytes.
    """

    def __init__(self, leaves: Sequence[bytes]) -> None:
        _check_position(0, len(leaves))
        level = [parse_hash32(leaf, who="Merkle leaf") for leaf in leaves]
        self._levels = [level]
        while len(level) > 1:
            paired = [_join(level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)]
            level = paired + level[len(paired) * 2 :]
            self._levels.append(level)

    @property
    def root(self) -> Hash32:
        """The single node of the last level."""
        return self._levels[-1][0]

    def branch(self, position: int) -> tuple[Hash32, ...]:
        """Siblings of the leaf at `position` (from 0), leaf level first; promoted levels have none.

        Raises:
            RefusedInput: no such position.
        """
        _check_position(position, len(self._levels[0]))
        siblings = []
        for level in self._levels[:-1]:
            if position ^ 1 < len(level):
                siblings.append(level[position ^ 1])
            position //= 2
        return tuple(siblings)


def _reached_root(
    leaf: bytes, position: int, leaf_count: int, branch: Sequence[bytes]
) -> Hash32 | None:
    """The root that a branch leads to; None when its length does not fit the tree."""
    node = parse_hash32(leaf, who="Merkle leaf")
    siblings = [parse_hash32(sibling, who="Merkle branch") for sibling in branch]
    width = leaf_count
    while width > 1:
        if position ^ 1 < width:
            if not siblings:
                return None
            sibling = siblings.pop(0)
            node = _join(sibling, node) if position % 2 else _join(node, sibling)
        position //= 2
        width = (width + 1) // 2
    return None if siblings else node


def check_branch(
    root: bytes, leaf: bytes, position: int, leaf_count: int, branch: Sequence[bytes]
) -> None:
    """Check that `leaf` stands at `position` (from 0) of the `leaf_count` leaves under `root`.

    Raises:
        RefusedInput: position or leaf count out of range, or something is not 32 bytes.
        BranchMismatch: the branch leads elsewhere, or has another length.
    """
    _check_position(position, leaf_count)
    root = parse_hash32(root, who="Merkle root")
    if len(branch) > MAX_LEAVES.bit_length():
        raise BranchMismatch(
            "branch is too long",
            who=f"leaf {position}",
            had=len(branch),
            needed=f"<= {MAX_LEAVES.bit_length()}",
        )
    reached = _reached_root(leaf, position, leaf_count, branch)
    if reached is None or not compare_digest(reached, root):
        raise BranchMismatch(
            "branch does not lead to the root",
            who=f"leaf {position} of {leaf_count}",
            had="a branch of another length" if reached is None else f"0x{reached.hex()}",
            needed=f"0x{root.hex()}",
        )

"""Keccak-256 by known answers, and the tree over exactly m leaves."""

from __future__ import annotations

import pytest
from eth_utils.crypto import keccak
from hypothesis import given
from hypothesis import strategies as st

from edgemark.crypto.ethereum.hashing import keccak256
from edgemark.crypto.ethereum.merkle import MAX_LEAVES, BranchMismatch, MerkleTree, check_branch
from edgemark.errors import RefusedInput
from edgemark.identifiers import Hash32


def leaves_of(count: int) -> list[Hash32]:
    return [keccak256(b"leaf", bytes([j])) for j in range(count)]


def join(left: bytes, right: bytes) -> bytes:
    return keccak(b"\x01" + left + right)


# Keccak team, known answer tests of Keccak-256 (not SHA3-256)
KNOWN = {
    b"": "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470",
    b"abc": "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45",
}


@pytest.mark.parametrize(("message", "digest"), KNOWN.items())
def test_keccak256__known_answers(message: bytes, digest: str) -> None:
    assert keccak256(message).hex() == digest


@given(st.lists(st.binary(max_size=200), max_size=4))
def test_keccak256__of_parts__is_that_of_their_concatenation(parts: list[bytes]) -> None:
    assert keccak256(*parts) == keccak(b"".join(parts))


def test_root__of_one_to_six_leaves__is_the_formula() -> None:
    a, b, c, d, e, f = leaves_of(6)
    assert MerkleTree([a]).root == a
    assert MerkleTree([a, b]).root == join(a, b)
    assert MerkleTree([a, b, c]).root == join(join(a, b), c)
    assert MerkleTree([a, b, c, d, e]).root == join(join(join(a, b), join(c, d)), e)
    assert MerkleTree([a, b, c, d, e, f]).root == join(join(join(a, b), join(c, d)), join(e, f))
    assert MerkleTree([b, a]).root != MerkleTree([a, b]).root  # order decides


@given(st.integers(1, 40))
def test_every_branch__leads_to_the_root(count: int) -> None:
    leaves = leaves_of(count)
    tree = MerkleTree(leaves)
    for position, leaf in enumerate(leaves):
        check_branch(tree.root, leaf, position, count, tree.branch(position))


@given(count=st.integers(2, 20), data=st.data())
def test_changed_proof__is_refused(count: int, data: st.DataObject) -> None:
    leaves = leaves_of(count)
    tree = MerkleTree(leaves)
    position = data.draw(st.integers(0, count - 1))
    other = data.draw(st.integers(0, count - 1).filter(lambda j: j != position))
    branch = list(tree.branch(position))
    at = data.draw(st.integers(0, len(branch) - 1))
    swapped = [*branch[:at], keccak256(branch[at]), *branch[at + 1 :]]
    for leaf, place, siblings in (
        (leaves[other], position, branch),
        (leaves[position], other, branch),
        (leaves[position], position, swapped),
        (leaves[position], position, branch[:-1]),
        (leaves[position], position, [*branch, leaves[0]]),
    ):
        with pytest.raises(BranchMismatch):
            check_branch(tree.root, leaf, place, count, siblings)


def test_leaf_count__of_another_shape__is_refused() -> None:
    leaves = leaves_of(6)
    tree = MerkleTree(leaves)
    for count in (5, 7, 9):
        with pytest.raises(BranchMismatch):
            check_branch(tree.root, leaves[4], 4, count, tree.branch(4))


def test_inner_node_shown_as_a_leaf__is_refused() -> None:
    # four leaves; the left pair's node with the branch that it would have in a tree of two
    leaves = leaves_of(4)
    tree = MerkleTree(leaves)
    inner = Hash32(join(leaves[0], leaves[1]))
    sibling = Hash32(join(leaves[2], leaves[3]))
    with pytest.raises(BranchMismatch):
        check_branch(tree.root, inner, 0, 4, [sibling])


@pytest.mark.parametrize("position", [-1, 4, 5])
def test_position_out_of_range__is_refused(position: int) -> None:
    tree = MerkleTree(leaves_of(4))
    with pytest.raises(RefusedInput):
        tree.branch(position)
    with pytest.raises(RefusedInput):
        check_branch(tree.root, tree.root, position, 4, tree.branch(0))


def test_bad_sizes__are_refused() -> None:
    assert MAX_LEAVES == 65_536
    with pytest.raises(RefusedInput, match="leaf count out of range"):
        MerkleTree([])
    with pytest.raises(RefusedInput):
        MerkleTree([b"short"])
    leaf = leaves_of(1)[0]
    with pytest.raises(RefusedInput):
        check_branch(leaf, leaf, 0, MAX_LEAVES + 1, [])
    with pytest.raises(RefusedInput):
        check_branch(leaf[:31], leaf, 0, 1, [])
    with pytest.raises(BranchMismatch, match="too long"):
        check_branch(leaf, leaf, 0, 4, [leaf] * 100)


def test_most_leaves__are_taken() -> None:
    # by the branch alone: all the other leaves need not be there
    leaf, *siblings = leaves_of(MAX_LEAVES.bit_length())
    root = bytes(leaf)
    for sibling in siblings:
        root = join(root, sibling)
    check_branch(root, leaf, 0, MAX_LEAVES, siblings)

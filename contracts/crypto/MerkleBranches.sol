// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title MerkleBranches: the way from a leaf to the root of a tree over exactly n leaves, in their order
/// @notice An inner node is keccak256(0x01 || left || right); the last node of a level with an odd number
/// of nodes goes up unchanged. Position and number of leaves decide the shape of a branch. A leaf that is
/// the hash of 32 bytes and an inner node, that of 65, cannot pose as each other.
/// @dev The same tree as `edgemark.crypto.ethereum.merkle`.
library MerkleBranches {
    uint256 internal constant MAX_LEAVES = 1 << 16; // bounds every branch to 16 words

    /// @notice Thrown when a branch has fewer or more words than its place in the tree.
    error BranchLengthWrong(uint256 had, uint256 needed);

    /// @notice The root that a branch leads to.
    /// @param position  of the leaf, from 0, below `leafCount`
    /// @param leafCount 1 to MAX_LEAVES
    /// @param branch    siblings, leaf level first; a node that goes up unchanged has none
    function rootOf(bytes32 leaf, uint256 position, uint256 leafCount, bytes32[] calldata branch)
        internal
        pure
        returns (bytes32 node)
    {
        uint256 needed = lengthOf(position, leafCount);
        if (branch.length != needed) revert BranchLengthWrong(branch.length, needed);
        node = leaf;
        uint256 used = 0;
        for (uint256 width = leafCount; width > 1; width = (width + 1) / 2) {
            if (_hasSibling(position, width)) {
                bytes32 sibling = branch[used];
                ++used;
                node = position % 2 == 0 ? _join(node, sibling) : _join(sibling, node);
            }
            position /= 2;
        }
    }

    /// @notice How many words the branch of a position has.
    function lengthOf(uint256 position, uint256 leafCount) internal pure returns (uint256 length) {
        for (uint256 width = leafCount; width > 1; width = (width + 1) / 2) {
            if (_hasSibling(position, width)) ++length;
            position /= 2;
        }
    }

    /// @dev The last node of a level with an odd number has none.
    function _hasSibling(uint256 position, uint256 width) private pure returns (bool) {
        return position % 2 == 1 || position + 1 < width;
    }

    function _join(bytes32 left, bytes32 right) private pure returns (bytes32) {
        return keccak256(abi.encodePacked(bytes1(0x01), left, right));
    }
}

// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {MerkleBranches} from "../../../../contracts/crypto/MerkleBranches.sol";

/// @title The branches of trees of every size, against a tree that is built whole
contract Branches {
    /// @notice Every leaf leads to the root; another leaf, and another position, do not.
    /// forge-config: default.fuzz.runs = 200
    function testFuzz_a_branch_leads_its_own_leaf_to_the_root(uint256 seed, uint256 count, uint256 position)
        external
        view
    {
        count = 1 + count % 70;
        position = position % count;
        (bytes32 root, bytes32[] memory branch) = _treeOf(seed, count, position);
        bytes32 leaf = _leafAt(seed, position);
        require(this.reach(leaf, position, count, branch) == root, "leads elsewhere");
        require(this.reach(~leaf, position, count, branch) != root, "another leaf");
        uint256 other = position ^ 1;
        if (other < count && MerkleBranches.lengthOf(other, count) == branch.length) {
            require(this.reach(leaf, other, count, branch) != root, "another position");
        }
    }

    function reach(bytes32 leaf, uint256 position, uint256 count, bytes32[] calldata branch)
        external
        pure
        returns (bytes32)
    {
        return MerkleBranches.rootOf(leaf, position, count, branch);
    }

    /// @dev Level by level, with the siblings on the way.
    function _treeOf(uint256 seed, uint256 count, uint256 position)
        private
        pure
        returns (bytes32 root, bytes32[] memory branch)
    {
        bytes32[] memory level = new bytes32[](count);
        for (uint256 place = 0; place < count; ++place) {
            level[place] = _leafAt(seed, place);
        }
        bytes32[] memory found = new bytes32[](16);
        uint256 length = 0;
        while (level.length > 1) {
            if (position ^ 1 < level.length) found[length++] = level[position ^ 1];
            bytes32[] memory next = new bytes32[]((level.length + 1) / 2);
            for (uint256 place = 0; place < next.length; ++place) {
                bool paired = 2 * place + 1 < level.length;
                next[place] = paired
                    ? keccak256(bytes.concat(hex"01", level[2 * place], level[2 * place + 1]))
                    : level[2 * place];
            }
            (level, position) = (next, position / 2);
        }
        root = level[0];
        branch = new bytes32[](length);
        for (uint256 place = 0; place < length; ++place) {
            branch[place] = found[place];
        }
    }

    function _leafAt(uint256 seed, uint256 place) private pure returns (bytes32) {
        return keccak256(abi.encode(seed, place));
    }
}

// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title FalseToken: answers false where others revert
/// @notice For tests. Nothing ever moves.
contract FalseToken {
    /// @notice Everybody seems to have plenty.
    function balanceOf(address) external pure returns (uint256) {
        return 1_000_000 ether;
    }

    /// @notice Moves nothing and says so.
    function transfer(address, uint256) external pure returns (bool) {
        return false;
    }

    /// @notice Moves nothing and says so.
    function transferFrom(address, address, uint256) external pure returns (bool) {
        return false;
    }
}

// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Draws: what the invariants' handlers make of random numbers
library Draws {
    /// @notice A number from `least` to `most`.
    function within(uint256 value, uint256 least, uint256 most) internal pure returns (uint256) {
        return least + value % (most - least + 1);
    }
}

// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Deadlines: what may be done until a second, and what only after it
/// @notice "Until D" includes the second D; "after D" begins one second later: no two acts that exclude
/// each other are ever allowed at once. All times are Unix seconds.
library Deadlines {
    /// @notice Thrown when a timely act comes after its deadline.
    error TooLate(uint256 nowAt, uint256 deadline);
    /// @notice Thrown when an act or an exit comes before its time.
    error TooEarly(uint256 nowAt, uint256 allowedAfter);

    /// @notice Reverts after `deadline`.
    function requireBy(uint256 deadline) internal view {
        if (block.timestamp > deadline) revert TooLate(block.timestamp, deadline);
    }

    /// @notice Reverts until `deadline`.
    function requireAfter(uint256 deadline) internal view {
        if (block.timestamp <= deadline) revert TooEarly(block.timestamp, deadline);
    }
}

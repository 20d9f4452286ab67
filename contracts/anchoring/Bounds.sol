// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Bounds: numbers that have a least and a most
library Bounds {
    /// @notice Thrown when a number is outside its bounds; `field` is its ASCII name.
    error OutOfBounds(bytes32 field, uint256 had, uint256 least, uint256 most);

    /// @notice Reverts unless least <= had <= most.
    function requireWithin(bytes32 field, uint256 had, uint256 least, uint256 most) internal pure {
        if (had < least || had > most) revert OutOfBounds(field, had, least, most);
    }
}

// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title EtherForcer: sends ether to an account that has no way to refuse
/// @notice For tests.
contract EtherForcer {
    /// @notice Forces the ether sent along into `target`.
    function force(address payable target) external payable {
        selfdestruct(target);
    }
}

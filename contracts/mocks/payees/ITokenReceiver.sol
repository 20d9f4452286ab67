// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title ITokenReceiver: what `HookToken` calls
interface ITokenReceiver {
    /// @notice Called after `value` tokens of `from` arrived.
    function tokensReceived(address from, uint256 value) external;
}

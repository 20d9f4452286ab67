// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ITokenReceiver} from "./ITokenReceiver.sol";

/// @title RefusingPayee: takes no payment
/// @notice For tests.
contract RefusingPayee is ITokenReceiver {
    error Refused();

    /// @inheritdoc ITokenReceiver
    function tokensReceived(address, uint256) external pure {
        revert Refused();
    }
}

// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ITokenReceiver} from "./ITokenReceiver.sol";

/// @title ReturnBombPayee: reverts with a megabyte
/// @notice For tests. A caller that copies the answer pays for it.
contract ReturnBombPayee is ITokenReceiver {
    /// @inheritdoc ITokenReceiver
    function tokensReceived(address, uint256) external pure {
        // solhint-disable-next-line no-inline-assembly
        assembly {
            revert(0, 1000000)
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ITokenReceiver} from "./ITokenReceiver.sol";

/// @title GasBurningPayee: burns all gas it is given
/// @notice For tests.
contract GasBurningPayee is ITokenReceiver {
    /// @inheritdoc ITokenReceiver
    function tokensReceived(address, uint256) external pure {
        // The designated invalid instruction takes all remaining gas.
        // solhint-disable-next-line no-inline-assembly
        assembly {
            invalid()
        }
    }
}

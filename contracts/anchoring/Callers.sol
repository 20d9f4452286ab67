// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Callers: functions that one account alone may call
library Callers {
    /// @notice Thrown when the caller is not who may call.
    error CallerWrong(address had, address needed);

    /// @notice Reverts unless the caller is `needed`.
    function requireCaller(address needed) internal view {
        if (msg.sender != needed) revert CallerWrong(msg.sender, needed);
    }
}

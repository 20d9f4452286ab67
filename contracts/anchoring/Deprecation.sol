// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IDeprecation} from "../interfaces/IDeprecation.sol";
import {Callers} from "./Callers.sol";

/// @title Deprecation
/// @notice Read IDeprecation first: it says what every function does.
abstract contract Deprecation is IDeprecation {
    address private immutable _guardian;
    bool private _deprecated;

    /// @param guardian_ may call `deprecate` and nothing else; zero: nobody may
    constructor(address guardian_) {
        _guardian = guardian_;
    }

    /// @inheritdoc IDeprecation
    function deprecate() external {
        Callers.requireCaller(_guardian);
        _requireNotDeprecated();
        _deprecated = true;
        emit WorkStopped(msg.sender);
    }

    /// @inheritdoc IDeprecation
    function guardian() external view returns (address) {
        return _guardian;
    }

    /// @inheritdoc IDeprecation
    function isDeprecated() external view returns (bool) {
        return _deprecated;
    }

    function _requireNotDeprecated() internal view {
        if (_deprecated) revert Deprecated();
    }
}

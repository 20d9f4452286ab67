// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title PlantedFreshMembers: only the account that was dismissed has to wait, a flaw on purpose (F9)
/// @notice For tests. A fresh account costs gas alone: its provider lets every posting fail, for ever.
contract PlantedFreshMembers {
    uint256 private immutable _pauseSeconds;

    mapping(address account => uint256 time) private _countsFrom;
    mapping(address account => bool known) private _wasDismissed;

    constructor(uint256 pauseSeconds) {
        _pauseSeconds = pauseSeconds;
    }

    /// @notice The planted flaw: a first admission counts at once, whoever left a second ago.
    function admit(address account) external {
        _countsFrom[account] = block.timestamp + (_wasDismissed[account] ? _pauseSeconds : 0);
    }

    /// @notice From now on the account takes no new work.
    function dismiss(address account) external {
        _countsFrom[account] = 0;
        _wasDismissed[account] = true;
    }

    /// @notice Whether the account may take new work.
    function isActive(address account) external view returns (bool) {
        uint256 from = _countsFrom[account];
        return from != 0 && block.timestamp >= from;
    }
}

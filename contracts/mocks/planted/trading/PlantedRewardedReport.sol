// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title PlantedRewardedReport: who reports a controller gets half of its bond, a flaw on purpose (A54)
/// @notice For tests. A controller that is about to be caught reports itself through a friend, and loses
/// half only.
contract PlantedRewardedReport {
    uint256 private immutable _bond;
    address public reporter;

    constructor(uint256 bond) {
        _bond = bond;
    }

    /// @notice The first report counts.
    function convict() external {
        if (reporter == address(0)) reporter = msg.sender;
    }

    /// @notice The planted flaw: a reward for the reporter.
    function outcome() external view returns (uint256 toReporter, uint256 toPool) {
        return (_bond / 2, _bond - _bond / 2);
    }
}

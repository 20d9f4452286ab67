// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title PlantedVesting: so much a second, rounded down once and for all, a flaw on purpose (A6)
/// @notice For tests. What does not divide by the duration never vests.
contract PlantedVesting {
    uint256 public immutable amount;
    uint256 public immutable startsAt;
    uint256 public immutable duration;
    uint256 private immutable _perSecond;

    constructor(uint256 amount_, uint256 duration_) {
        amount = amount_;
        startsAt = block.timestamp;
        duration = duration_;
        _perSecond = amount_ / duration_;
    }

    /// @notice What could be released now, if nothing was before.
    function releasable() external view returns (uint256) {
        uint256 elapsed = block.timestamp - startsAt;
        return _perSecond * (elapsed < duration ? elapsed : duration);
    }
}

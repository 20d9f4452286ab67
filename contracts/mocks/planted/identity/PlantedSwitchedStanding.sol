// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title PlantedSwitchedStanding: a stake counts at once, however often it stopped, a flaw on purpose (F9)
/// @notice For tests. A provider lets every posting fail that names its node, and is back in the same block.
contract PlantedSwitchedStanding {
    mapping(address provider => uint256 amount) private _stakes;
    mapping(address provider => bool known) private _leaves;

    /// @notice The planted flaw: nothing is kept of what was before.
    function stake(uint256 amount) external {
        _stakes[msg.sender] += amount;
        _leaves[msg.sender] = false;
    }

    /// @notice From now on the stake counts for nothing new.
    function unstake() external {
        _leaves[msg.sender] = true;
    }

    /// @notice Whether the provider's nodes may take new work.
    function isActive(address provider) external view returns (bool) {
        return _stakes[provider] != 0 && !_leaves[provider];
    }
}

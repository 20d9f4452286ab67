// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

/// @title PlantedNominalCredit: credits what was asked for, not what arrived, a flaw on purpose (A2)
/// @notice For tests. It believes that every token moves exactly what it is told to, or reverts.
contract PlantedNominalCredit {
    IERC20 private immutable _token;
    mapping(address account => uint256 amount) public freeBalanceOf;

    constructor(IERC20 token) {
        _token = token;
    }

    /// @notice The planted flaw: neither the answer nor the balance is looked at.
    function deposit(address account, uint256 amount) external {
        freeBalanceOf[account] += amount;
        _token.transferFrom(msg.sender, address(this), amount);
    }

    /// @notice Pays out of what everybody brought.
    function withdraw(address to, uint256 amount) external {
        freeBalanceOf[msg.sender] -= amount;
        _token.transfer(to, amount);
    }
}

// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

/// @title PlantedBalanceTruth: takes its token balance for what was deposited, a flaw on purpose (A4)
/// @notice For tests. The last account to leave gets "everything that is here".
contract PlantedBalanceTruth {
    IERC20 private immutable _token;
    uint256 public totalCredit;
    mapping(address account => uint256 amount) public credit;

    error BooksDisagree(uint256 held, uint256 booked);

    constructor(IERC20 token) {
        _token = token;
    }

    /// @notice Takes `amount` from the caller.
    function deposit(uint256 amount) external {
        credit[msg.sender] += amount;
        totalCredit += amount;
        _token.transferFrom(msg.sender, address(this), amount);
    }

    /// @notice The planted flaw: one stray unit, and nobody gets out any more.
    function withdraw() external {
        uint256 held = _token.balanceOf(address(this));
        if (held != totalCredit) revert BooksDisagree(held, totalCredit);
        uint256 amount = credit[msg.sender];
        credit[msg.sender] = 0;
        totalCredit -= amount;
        _token.transfer(msg.sender, amount);
    }
}

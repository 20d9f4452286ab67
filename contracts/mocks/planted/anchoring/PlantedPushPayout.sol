// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

/// @title PlantedPushPayout: the paper's reward split, with its flaws on purpose (A1, A3)
/// @notice For tests. The paper lets the contract "automatically allocate its deposit to the CSNs": all
/// payees are paid in one loop, and the book is written after the payment.
contract PlantedPushPayout {
    IERC20 private immutable _token;
    mapping(address account => uint256 amount) public owed;

    constructor(IERC20 token) {
        _token = token;
    }

    /// @notice Takes `amount` from the caller for `account`.
    function deposit(address account, uint256 amount) external {
        owed[account] += amount;
        _token.transferFrom(msg.sender, address(this), amount);
    }

    /// @notice Pays everybody in one go.
    function allocate(address[] calldata payees) external {
        for (uint256 place = 0; place < payees.length; ++place) {
            withdrawFor(payees[place]);
        }
    }

    /// @notice Pays what `payee` is owed.
    function withdrawFor(address payee) public {
        uint256 amount = owed[payee];
        if (amount == 0) return;
        // The planted flaw: a payee that calls back is still owed.
        _token.transfer(payee, amount);
        // solhint-disable-next-line reentrancy
        owed[payee] = 0;
    }
}

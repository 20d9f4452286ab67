// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

/// @title PlantedPooledFines: all stakes in one pot, and fines out of it, a flaw on purpose (A7)
/// @notice For tests. A fine above the stake of the convicted is paid by its neighbours.
contract PlantedPooledFines {
    IERC20 private immutable _token;
    mapping(address account => uint256 amount) public credit;

    constructor(IERC20 token) {
        _token = token;
    }

    /// @notice Takes a stake of `amount` from the caller for `node`.
    function stake(address node, uint256 amount) external {
        credit[node] += amount;
        _token.transferFrom(msg.sender, address(this), amount);
    }

    /// @notice The planted flaw: whoever is owed the fine gets all of it.
    function fine(address node, address payer, uint256 amount) external {
        credit[node] -= credit[node] < amount ? credit[node] : amount;
        credit[payer] += amount;
    }

    /// @notice Pays what the caller has.
    function withdraw() external {
        uint256 amount = credit[msg.sender];
        credit[msg.sender] = 0;
        _token.transfer(msg.sender, amount);
    }
}

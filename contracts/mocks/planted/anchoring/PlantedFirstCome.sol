// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";

/// @title PlantedFirstCome: whoever comes first takes it from the others, flaws on purpose (A30)
/// @notice For tests. Names are unique, an account is a parameter, and a permit must be unused.
contract PlantedFirstCome {
    IERC20 private immutable _token;
    mapping(string name => address account) public accountOf;
    mapping(address account => string name) public nameOf;
    mapping(address account => uint256 amount) public freeBalanceOf;

    error NameTaken(address account);
    error AlreadyRegistered(address account);

    constructor(IERC20 token) {
        _token = token;
    }

    /// @notice The planted flaws: the name is gone for good, and nobody asks `account`.
    function register(address account, string calldata name) external {
        if (accountOf[name] != address(0)) revert NameTaken(accountOf[name]);
        if (bytes(nameOf[account]).length != 0) revert AlreadyRegistered(account);
        accountOf[name] = account;
        nameOf[account] = name;
    }

    /// @notice The planted flaw: a permit that somebody sent before is an end, not a help.
    function depositWithPermit(
        address account,
        uint256 amount,
        uint256 deadline,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external {
        IERC20Permit(address(_token)).permit(msg.sender, address(this), amount, deadline, v, r, s);
        freeBalanceOf[account] += amount;
        _token.transferFrom(msg.sender, address(this), amount);
    }
}
